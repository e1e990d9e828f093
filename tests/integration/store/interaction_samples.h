// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store_fixture.h"

namespace signalbox::testing {

using namespace Qt::StringLiterals;

// A question of a permission in place C1 and thread t1, and what is done with it.

inline constexpr Millis kTtl{std::chrono::hours(24)};

inline store::NewInteraction question(const QString &id)
{
    store::NewInteraction asked;
    asked.id = id;
    asked.installationId = u"in1"_s;
    asked.place = u"C1"_s;
    asked.thread = u"t1"_s;
    asked.origin = domain::InteractionOrigin::Permission;
    asked.kind = u"edit"_s;
    asked.answerers = u" U1 U2 "_s;
    asked.text = u"May I?"_s;
    asked.choices.options
        = {{u"yes"_s, u"Allow"_s, u"allow_once"_s}, {u"no"_s, u"Reject"_s, u"reject_once"_s}};
    asked.ttl = kTtl;
    asked.payloadTtl = kTtl;
    return asked;
}

inline store::ClaimInteraction click(const QString &id, const QString &person = u"U1"_s, int option = 0)
{
    static int clicks = 0;
    store::ClaimInteraction claim;
    claim.id = id;
    claim.claimId = u"claim-%1"_s.arg(++clicks);
    claim.installationId = u"in1"_s;
    claim.place = u"C1"_s;
    claim.person = person;
    claim.option = option;
    return claim;
}

inline QCoro::Task<> claimLater(
    store::Store *store, store::ClaimInteraction claim, std::vector<store::ClaimedInteraction> *results)
{
    auto claiming = store->claimInteraction(std::move(claim));
    const auto claimed = co_await claiming;
    results->push_back(claimed ? *claimed : store::ClaimedInteraction());
}

} // namespace signalbox::testing
