// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>

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

} // namespace signalbox::domain
