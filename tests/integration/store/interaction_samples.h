// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store_fixture.h"

namespace signalbox::testing {

using namespace Qt::StringLiterals;
using namespace store;

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

// What tests of questions do again and again.
class InteractionSteps
{
protected:
    static StoredInteraction put(StoreFixture &f, const NewInteraction &asked)
    {
        const auto stored = async::blockOn(f.db().storeInteraction(asked));
        if (!stored)
            QTest::qFail(qPrintable(stored.error().toString()), __FILE__, __LINE__);
        return stored ? *stored : StoredInteraction();
    }
    static ClaimedInteraction claim(StoreFixture &f, const ClaimInteraction &what)
    {
        const auto claimed = async::blockOn(f.db().claimInteraction(what));
        if (!claimed)
            QTest::qFail(qPrintable(claimed.error().toString()), __FILE__, __LINE__);
        return claimed ? *claimed : ClaimedInteraction();
    }
    static QString column(StoreFixture &f, const char *name, const QString &id = u"q1"_s)
    {
        return f.sql(u"SELECT %1 FROM interactions WHERE id = '%2'"_s.arg(QLatin1StringView(name), id))
            .toString();
    }
    // Sends what the outbox has, and says what became of it.
    static void post(StoreFixture &f, const EngineLife &life,
        domain::OutboundState state = domain::OutboundState::Sent, const QString &code = {})
    {
        // The heads of the lanes, one after the other.
        const auto rows = f.claimOutbound(life);
        for (const ClaimedOutbound &row : rows) {
            FinishOutbound finish;
            finish.life = life;
            finish.id = row.id;
            finish.attempts = row.attempts;
            finish.state = state;
            finish.errorCode = code;
            finish.channelTs = state == domain::OutboundState::Sent ? u"ts-"_s + row.id : QString();
            finish.sent = u"{}"_s;
            finish.startedAt = f.clock.now();
            const Status done = async::blockOn(f.db().finishOutbound(finish));
            QVERIFY2(done, done ? "" : qPrintable(done.error().toString()));
        }
        if (!rows.empty() && state == domain::OutboundState::Sent)
            post(f, life, state);
    }
    static ClaimedDelivery running(StoreFixture &f, const EngineLife &life, const QString &name = u"a"_s)
    {
        f.ingest(name, u"t"_s + name);
        const auto claimed = f.claim(life);
        if (claimed.empty()) {
            QTest::qFail("no delivery", __FILE__, __LINE__);
            return {};
        }
        (void)f.begin(claimed.front());
        return claimed.front();
    }
    static NewInteraction questionOf(
        const ClaimedDelivery &delivery, const EngineLife &life, const QString &id = u"q1"_s)
    {
        NewInteraction asked = question(id);
        asked.asking = HeldDelivery(delivery.id, delivery.fence);
        asked.sessionId = delivery.sessionId;
        asked.holder = life;
        asked.connection = u"conn"_s;
        asked.request = u"7"_s;
        return asked;
    }
    static std::vector<EngineOrder> orders(StoreFixture &f, const EngineLife &life)
    {
        const auto found = async::blockOn(f.db().engineOrders(life, 100));
        return found ? *found : std::vector<EngineOrder>();
    }
};

} // namespace signalbox::testing

#define PREPARED(f)                                                                                          \
    SIGNALBOX_STORE(f);                                                                                      \
    const EngineLife life = f.engine();                                                                      \
    f.ingest(u"first"_s, u"t0"_s)
