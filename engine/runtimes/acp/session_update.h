// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

#include <QString>

namespace signalbox::runtimes {

// Whether an update of this kind ("agent_message_chunk", …) proves that the agent works on our prompt, or in
// a replay that there was a conversation (DESIGN.md step 5). Mode, command and usage updates come by
// themselves.
[[nodiscard]] bool isSignOfWork(const QString &updateKind);
// In a replay what people wrote counts too.
[[nodiscard]] bool isReplayedHistory(const QString &updateKind);

// The `outcome` that refuses a session/request_permission: a reject_once, else a reject_always, else
// "cancelled"; never an option because of its place (contracts/acp.md §5).
[[nodiscard]] Json refusedOutcome(const Json &options);
[[nodiscard]] Json cancelledOutcome();

// Puts an agent's messages together from the updates of one turn (contracts/acp.md §4): chunks of one message
// follow each other; a new message, told by its id or by a tool call in between, starts after a blank line.
class MessageText
{
public:
    // What this update adds to the text; often nothing.
    [[nodiscard]] QString take(const Json &update);

private:
    QString m_messageId;
    bool m_hasText = false;
    bool m_toolBetween = false;
};

} // namespace signalbox::runtimes
