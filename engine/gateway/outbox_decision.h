// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "channels/channel_adapter.h"

namespace signalbox::gateway {

// What the outbox does with a row, decided from facts alone (DESIGN.md step 6).
struct OutboundDecision
{
    OutboundDecision() = default;
    domain::OutboundState state = domain::OutboundState::Unknown;
    Millis dueIn{0}; // of Retry and Unknown
    QString errorCode;
    int looks = 0; // of Unknown
    bool maybeDoubled = false;
};

// What is known of a row when one of its tries or looks has ended.
struct OutboundFacts
{
    OutboundFacts() = default;
    int attempts = 1; // this one included
    Millis age{0}; // since the row was made
    int looks = 0; // since the last send
    bool resent = false; // the one permitted resend is spent
    bool disposable = false; // a status message: another one is better than none
    bool isPost = true; // not a reaction
};

// Whether a refusal is the installation's and not the message's: then it waits for a token or a person. What
// only may not be reacted to is refused for good, and no trouble of the installation.
[[nodiscard]] bool waitsForToken(const channels::SendOutcome &outcome, bool isPost);

// A message was sent, and this came of it.
[[nodiscard]] OutboundDecision decideSent(const channels::SendOutcome &outcome, const OutboundFacts &facts);

// A message of unknown outcome was looked for. `resend`: it is to be sent again, once, under the same id; the
// spending of that is committed first, with `decision.maybeDoubled`.
struct LookDecision
{
    LookDecision() = default;
    bool resend = false;
    OutboundDecision decision;
};
[[nodiscard]] LookDecision decideLook(const channels::FindOutcome &found, const OutboundFacts &facts);

} // namespace signalbox::gateway
