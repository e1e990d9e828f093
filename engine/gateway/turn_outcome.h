// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/delivery_state.h"
#include "domain/feedback.h"
#include "gateway/turn_adoption.h"
#include "runtimes/runtime_backend.h"

#include <QString>

namespace signalbox::gateway {

// What a delivery becomes, decided from facts alone (DESIGN.md steps 4, 5, 7 and "Turn clocks").
struct Decision
{
    Decision() = default;
    domain::DeliveryState state = domain::DeliveryState::Dead;
    domain::Outcome outcome = domain::Outcome::None;
    QString reply; // posted as the reply, or empty
    domain::Notice notice = domain::Notice::None; // what people are told is the policy's
    QString errorCode;
    QString errorText;
    QString attemptOutcome; // ok | failed | unknown; empty: no turn was begun
    bool again = false; // nothing left the engine: back to be claimed
    bool looked = false; // the turn was only looked for
    bool dropPayload = false; // not for us after all: nothing of its text stays
};

// A prompt was handed to the runtime, and this came of it.
[[nodiscard]] Decision decideTurn(const runtimes::TurnResult &result);
// The runtime could not be reached before the prompt.
[[nodiscard]] Decision decideNotOpened(const Error &error);

// An operator paused prompts before this one left: it goes back, and waits.
[[nodiscard]] Decision decidePaused();

// An interrupted turn was looked for; `errorCode` says what interrupted it.
[[nodiscard]] Decision decideFound(const FoundTurn &found, const QString &errorCode);
// There is nothing to say, or policy wants none of it.
[[nodiscard]] Decision decideIgnored();

} // namespace signalbox::gateway
