// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

#include <QString>

namespace signalbox::domain {

// Reaching a runtime before its prompt, and what to do when that fails (DESIGN.md step 4,
// contracts/spritz-backend.md §6.4). Nothing has left the engine yet, so everything may be tried again within
// delivery_timeout; each loop has its pause.

enum class ReachStep {
    Exchange, // asking who answers in the place
    Open, // reconciling the conversation, connecting, loading
};

enum class Trouble {
    Unavailable, // the provider has no runtime now, or cannot be asked: it is asked to look anew
    Missing, // the runtime that the provider named is gone
    NotReady, // it is there and takes no prompts yet, or failed for a passing reason
    Refused, // for good: another try would meet the same
};

// By the native code of a RuntimeBackend's error. An unknown code is Refused at an exchange and NotReady at
// an open: what reaches a runtime at all may still come right, within its budget.
[[nodiscard]] Trouble classifyTrouble(ReachStep step, QStringView native);

struct RecoveryClocks
{
    RecoveryClocks() = default;
    Millis retryInitial{250};
    Millis retryMost{2000};
    Millis retryTimeout{8000}; // not ready for so long: the provider is asked to look anew
};

enum class RecoveryAction {
    OpenAgain, // the same runtime, after `pause`
    Refresh, // join the one who asks the provider to look anew
    GiveUp,
};

struct RecoveryStep
{
    RecoveryStep() = default;
    RecoveryAction action = RecoveryAction::GiveUp;
    Millis pause{0}; // of OpenAgain
};

// The back-off of one delivery. `now` is any clock that never goes back.
class RecoveryLadder
{
public:
    explicit RecoveryLadder(RecoveryClocks clocks)
        : m_clocks(clocks)
    {
    }
    [[nodiscard]] RecoveryStep next(ReachStep step, Trouble trouble, Millis now);

private:
    void reset();
    RecoveryClocks m_clocks;
    Millis m_notReadySince{-1};
    Millis m_pause{0};
};

} // namespace signalbox::domain
