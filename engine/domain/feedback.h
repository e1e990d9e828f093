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

} // namespace signalbox::domain
