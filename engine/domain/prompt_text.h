// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>

namespace signalbox::domain {

// Where a prompt comes from; becomes the context block in front of the person's text.
struct PromptContext
{
    PromptContext() = default;
    QString provider = QStringLiteral("slack"); // the channel
    QString tenant;
    QString user;
    QString place; // of a web or cli message: its session
    QString channelType;
    QString messageTs; // of a web or cli message: the sender's id of it
    QString threadTs;
    bool direct = false;
};

// The prompt of a Spritz runtime, byte for byte (contracts/spritz-backend.md §5.5).
[[nodiscard]] QString spritzPrompt(const PromptContext &context, const QString &text);
// The same shape for an ACP agent, under Signalbox's own names. `message_ts` in the block is how our message
// is found again in a loaded session (DESIGN.md step 5).
[[nodiscard]] QString acpPrompt(const PromptContext &context, const QString &text);

// The message_ts of a prompt's context block, of either shape; empty when the text does not begin with one.
[[nodiscard]] QString contextMessageTs(const QString &prompt);

} // namespace signalbox::domain
