// SPDX-License-Identifier: Apache-2.0
#include "gateway/outbox_decision.h"

#include "domain/installation_trouble.h"

#include <algorithm>

using namespace Qt::StringLiterals;
using signalbox::channels::FindOutcome;
using signalbox::channels::Found;
using signalbox::channels::SendOutcome;
using signalbox::domain::OutboundState;

namespace signalbox::gateway {

namespace {
constexpr Millis kRetryFirst{1000};
constexpr Millis kRetryMost{60'000};
constexpr Millis kGiveUpAfter{std::chrono::hours(24)};
constexpr Millis kFirstLook{10'000};
constexpr Millis kSecondLook{5'000};
constexpr Millis kTokenPause{std::chrono::minutes(5)};
constexpr int kLooksBeforeResend = 2;

Millis backOff(Millis asked, int attempts)
{
    if (asked.count() > 0)
        return asked;
    const int doublings = std::clamp(attempts - 1, 0, 10);
    return std::min(kRetryFirst * (1 << doublings), kRetryMost);
}

} // namespace

bool waitsForToken(const SendOutcome &outcome, bool isPost)
{
    return outcome.authorisation
        && (isPost || domain::troubleKind(outcome.errorCode) == domain::TroubleKind::Token);
}

OutboundDecision decideSent(const SendOutcome &outcome, const OutboundFacts &facts)
{
    OutboundDecision decision;
    decision.state = outcome.state;
    decision.errorCode = outcome.errorCode;
    if (outcome.state == OutboundState::Unknown && facts.disposable)
        decision.state = OutboundState::Retry;
    if (waitsForToken(outcome, facts.isPost)) {
        decision.state = facts.age > kGiveUpAfter ? OutboundState::Dead : OutboundState::Retry;
        decision.dueIn = kTokenPause;
        return decision;
    }
    if (decision.state == OutboundState::Unknown) {
        decision.dueIn = kFirstLook;
        if (decision.errorCode.isEmpty())
            decision.errorCode = u"unknown"_s;
    } else if (decision.state == OutboundState::Retry) {
        if (facts.age > kGiveUpAfter)
            decision.state = OutboundState::Dead;
        else
            decision.dueIn = backOff(outcome.retryAfter, facts.attempts);
    }
    return decision;
}

LookDecision decideLook(const FindOutcome &found, const OutboundFacts &facts)
{
    LookDecision look;
    OutboundDecision &decision = look.decision;
    const int looks = facts.looks + 1;
    switch (found.found) {
    case Found::Yes:
        decision.state = OutboundState::Sent;
        return look;
    case Found::NotNow:
        decision.errorCode = u"look_failed"_s;
        decision.looks = facts.looks;
        if (facts.age > kGiveUpAfter) {
            decision.state = OutboundState::Dead;
            decision.maybeDoubled = facts.resent;
        } else {
            decision.dueIn = std::max(backOff(found.retryAfter, facts.attempts), kSecondLook);
        }
        return look;
    case Found::No:
    case Found::Unreadable:
        break;
    }
    if (looks < kLooksBeforeResend) {
        decision.errorCode = found.found == Found::No ? u"not_found_yet"_s : u"unreadable"_s;
        decision.looks = looks;
        decision.dueIn = kSecondLook;
    } else if (facts.resent) {
        decision.state = OutboundState::Dead;
        decision.errorCode = u"unknown"_s;
        decision.maybeDoubled = true;
    } else {
        // Absent for sure is not doubled; unreadable may be.
        look.resend = true;
        decision.looks = looks;
        decision.maybeDoubled = found.found == Found::Unreadable;
    }
    return look;
}

} // namespace signalbox::gateway
