// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

#include <QString>

#include <optional>

namespace signalbox::domain {

// What people are told when there is no reply. The first two are the Spritz gateway's words, byte for byte
// (contracts/spritz-backend.md §6.5).
[[nodiscard]] QString internalFailureText();
[[nodiscard]] QString runtimeFailureText();
// The prompt may have reached the agent, and nobody knows what came of it: it is not sent again.
[[nodiscard]] QString unconfirmedText();
// The agent could not continue this conversation and has started a fresh one.
[[nodiscard]] QString contextLostText();
// The agent refused to answer and has dropped the message from its context (ACP stop reason `refusal`).
[[nodiscard]] QString refusalText();
// A part of the answer was sent twice, each time into the unknown, and is not to be found.
[[nodiscard]] QString answerLostText();

// The runtime has to come back first (contracts/spritz-backend.md §6.5, byte for byte).
[[nodiscard]] QString recoveringText();
// A reply that was found in the conversation after its turn had been cut off from us.
[[nodiscard]] QString adoptedText(const QString &reply);

// An operator took the lock away: the turn was cut off, or had not begun.
[[nodiscard]] QString releasedText(bool mayHaveBegun);
// An operator cancelled it.
[[nodiscard]] QString cancelledText();
// A reply of another backend than the installation's own.
[[nodiscard]] QString answeredByText(const QString &reply, const QString &backend);

// What is said besides the reply, for one installation and place (contracts/spritz-backend.md §10.6). The
// defaults are what the Spritz gateway does.
enum class AckScope {
    All,
    GroupAll, // not in direct messages
    GroupMentions, // where several people are, and somebody has mentioned us
};
struct FeedbackPolicy
{
    FeedbackPolicy() = default;
    QString reaction = QStringLiteral("eyes"); // empty: none
    AckScope scope = AckScope::All;
    bool removesReaction = true;
    bool tellsStarting = true;
    Millis startingDelay{5000}; // from the first trouble
    QString startingText = recoveringText();
    bool tellsTimeout = true;
    QString timeoutText = runtimeFailureText();
    bool tellsError = true;
    QString errorText = internalFailureText();
};

// Why somebody is told something when there is no reply. Policy may only be silent about the first two.
enum class Notice {
    None,
    Error, // it failed after the prompt was sent
    Timeout, // no runtime was reached
    Unconfirmed,
    Refusal,
};

// The reaction that acknowledges a message; empty: none.
[[nodiscard]] QString acknowledgementFor(const FeedbackPolicy &policy, bool direct, bool mentioned);
// When people are told that the runtime has to come back first; nullopt: never.
[[nodiscard]] std::optional<Millis> startingDelayFor(const FeedbackPolicy &policy);
// Empty: nothing is said.
[[nodiscard]] QString noticeText(const FeedbackPolicy &policy, Notice notice);
// The purpose of its outbound row: one of each for a delivery. Empty for None.
[[nodiscard]] QString noticePurpose(Notice notice);

} // namespace signalbox::domain
