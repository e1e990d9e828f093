// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>
#include <QStringList>

namespace signalbox::domain {

// What the agent gets of a message's text (contracts/spritz-backend.md §3.6): the first mention of our bot is
// cut out and the rest trimmed. With no bot id known, an app_mention loses all its user mentions instead.
// Slack's escapes of & < > are undone (contracts/slack.md §1) when `unescape` is set; Spritz runtimes expect
// them as they came.
[[nodiscard]] QString promptText(
    const QString &text, const QString &botUserId, bool isMentionEvent, bool unescape);

// Agent text on its way to Slack: only & < > are escaped (contracts/slack.md §1).
[[nodiscard]] QString escapeForSlack(const QString &text);

// Cuts a long reply into parts of at most `limit` characters: at a blank line, else a line's end, else a
// blank, else hard but never inside a surrogate pair; code fences that a cut would open are closed and opened
// again. Works on the escaped text and never cuts inside an escape. Nothing is lost but the white space at a
// cut.
[[nodiscard]] QStringList splitForSlack(const QString &escaped, qsizetype limit = 3500);

} // namespace signalbox::domain
