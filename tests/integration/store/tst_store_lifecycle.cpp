// SPDX-License-Identifier: Apache-2.0
// Lifecycle events, what follows from them, and their forwards (DESIGN.md "Lifecycle").
#include "store_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using namespace signalbox::testing;

namespace {

LifecycleReport report(const QString &id, const QString &phase, const QString &instance = u"otter"_s)
{
    LifecycleReport given;
    given.id = id;
    given.backend = u"agent"_s;
    given.nameSpace = u"spritz"_s;
    given.instanceId = instance;
    given.phase = phase;
    return given;
}

ObservedRuntime seen(const QString &phase, const QString &detail = {})
{
    ObservedRuntime observed;
    observed.backend = u"agent"_s;
    observed.nameSpace = u"spritz"_s;
    observed.instanceId = u"otter"_s;
    observed.phase = phase;
    observed.detail = detail;
    return observed;
}

const QString kRuntime = u"agent|spritz|otter"_s;

} // namespace

class StoreLifecycleTest : public QObject
{
    Q_OBJECT

private:
    LifecycleStored store(StoreFixture &f, const LifecycleReport &given)
    {
        const auto stored = async::blockOn(f.db().storeLifecycle(given));
        if (!stored)
            QTest::qFail(qPrintable(stored.error().toString()), __FILE__, __LINE__);
        return stored ? *stored : LifecycleStored();
    }
    std::vector<ClaimedForward> claim(
        StoreFixture &f, const EngineLife &life, const QString &target = u"agent"_s)
    {
        const auto claimed = async::blockOn(f.db().claimForwards(life, target, 10));
        if (!claimed)
            QTest::qFail(qPrintable(claimed.error().toString()), __FILE__, __LINE__);
        return claimed ? *claimed : std::vector<ClaimedForward>();
    }
    Status finish(StoreFixture &f, const EngineLife &life, const ClaimedForward &forward, ForwardState state,
        Millis dueIn = Millis(-1000))
    {
        FinishForward done;
        done.life = life;
        done.id = forward.id;
        done.attempts = forward.attempts;
        done.state = state;
        done.errorCode = state == ForwardState::Sent ? QString() : u"http_500"_s;
        done.dueIn = dueIn;
        return async::blockOn(f.db().finishForward(done));
    }
    void bind(StoreFixture &f, const QString &name, const QString &instance)
    {
        f.ingest(name, name);
        f.sql(
            u"UPDATE sessions SET runtime_namespace = 'spritz', runtime_instance = '%1' WHERE id = 'se_%2'"_s
                .arg(instance, name));
    }
    domain::RuntimeItem runtime(StoreFixture &f)
    {
        const auto items = async::blockOn(f.db().runtimeItems(QStringList(kRuntime)));
        return items && items->size() == 1 ? items->first() : domain::RuntimeItem();
    }
    domain::LifecycleEventItem event(StoreFixture &f, const QString &id)
    {
        const auto items = async::blockOn(f.db().lifecycleEventItems(QStringList(id)));
        return items && items->size() == 1 ? items->first() : domain::LifecycleEventItem();
    }

private Q_SLOTS:
    void report_isStoredInOrder();
    void report_knownEventIsADuplicate_data();
    void report_knownEventIsADuplicate();
    void report_sameUnitAgainIsNoDuplicate();
    void report_repeatedPhaseWithoutIdIsADuplicate();
    void report_olderOneMovesNothing();
    void report_fromTheFutureDoesNotStopTime();
    void terminal_unbindsOnlyWhatIsStillBound();
    void otherPhase_unbindsNothing();
    void observed_lossAndReturnAreEvents();
    void observed_sameAgainWritesNothing();
    void forward_headsOfLanesOnly();
    void forward_deadOneBlocksNothing();
    void forward_retryKeepsItsPlace();
    void forward_ofALostLifeIsSentAgain();
    void forward_endedEngineHandsBack();
    void forward_finishOfAnotherLifeIsStale();
    void replay_isANewForwardBehindTheOthers();
    void replay_refuses();
    void race_manyReportsHaveOneOrder();
    void race_twoClaimersShareNothing();
    void lists_pageAndFilter();
    void feed_tellsOfRuntimesAndEvents();
};

void StoreLifecycleTest::report_isStoredInOrder()
{
    SIGNALBOX_STORE(f);
    f.db().setLifecycleTargets({u"agent"_s, u"other"_s});
    QVERIFY(!store(f, report(u"e1"_s, u"Provisioning"_s)).duplicate);
    LifecycleReport second = report(u"e2"_s, u"Ready"_s);
    second.reason = u"started"_s;
    QCOMPARE(store(f, second).id, u"e2"_s);
    QCOMPARE(event(f, u"e1"_s).position, 1);
    const auto item = event(f, u"e2"_s);
    QCOMPARE(item.position, 2);
    QCOMPARE(item.phase, u"Ready"_s);
    QCOMPARE(item.reason, u"started"_s);
    QCOMPARE(item.source, u"reported"_s);
    QCOMPARE(item.eventId, u"e2"_s); // ours, for the sender had none
    QCOMPARE(item.state, u"forwarding"_s);
    QCOMPARE(item.forwards.size(), 2);
    QVERIFY(item.moved);
    QCOMPARE(runtime(f).phase, u"Ready"_s);
    QCOMPARE(runtime(f).events, 2);
}

void StoreLifecycleTest::report_knownEventIsADuplicate_data()
{
    QTest::addColumn<QString>("by");
    for (const char *by : {"event id", "time", "request key"})
        QTest::newRow(by) << QString::fromLatin1(by);
}

void StoreLifecycleTest::report_knownEventIsADuplicate()
{
    QFETCH(QString, by);
    SIGNALBOX_STORE(f);
    f.db().setLifecycleTargets({u"agent"_s});
    const auto named = [&](const QString &id, const QString &value) {
        LifecycleReport given = report(id, u"Ready"_s);
        if (by == u"event id")
            given.eventId = value;
        else if (by == u"time")
            given.observedAt = fromMs(value == u"a" ? 1'700'000'000'000 : 1'700'000'001'000);
        else
            given.call.actor = u"ingress:operator"_s, given.call.key = value;
        return given;
    };
    store(f, named(u"e1"_s, u"a"_s));
    if (by == u"request key")
        store(f, report(u"x"_s, u"Expiring"_s)); // so that the phase alone does not tell it
    const auto again = store(f, named(u"e2"_s, u"a"_s));
    QVERIFY(again.duplicate);
    QCOMPARE(again.id, u"e1"_s);
    QVERIFY(!store(f, named(u"e3"_s, u"b"_s)).duplicate);
    const int others = by == u"request key" ? 1 : 0;
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM lifecycle_events"_s).toInt(), 2 + others);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM lifecycle_forwards"_s).toInt(), 2 + others);
}

void StoreLifecycleTest::report_sameUnitAgainIsNoDuplicate()
{
    SIGNALBOX_STORE(f);
    LifecycleReport given = report(u"e1"_s, u"Ready"_s);
    QVERIFY(!store(f, given).duplicate);
    QVERIFY(!store(f, given).duplicate);
    given.id = u"e2"_s;
    given.eventId = u"theirs"_s;
    QVERIFY(!store(f, given).duplicate);
    QVERIFY(!store(f, given).duplicate);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM lifecycle_events"_s).toInt(), 2);
}

void StoreLifecycleTest::report_repeatedPhaseWithoutIdIsADuplicate()
{
    SIGNALBOX_STORE(f);
    store(f, report(u"e1"_s, u"Ready"_s));
    const auto again = store(f, report(u"e2"_s, u"Ready"_s));
    QVERIFY(again.duplicate);
    QCOMPARE(again.id, u"e1"_s);
    // It may come back, though.
    QVERIFY(!store(f, report(u"e3"_s, u"Error"_s)).duplicate);
    QVERIFY(!store(f, report(u"e4"_s, u"Ready"_s)).duplicate);
    QVERIFY(async::blockOn(f.db().observeRuntime(seen(u"lost"_s))));
    QVERIFY(!store(f, report(u"e5"_s, u"Ready"_s)).duplicate);
    QVERIFY(!store(f, report(u"e6"_s, u"Ready"_s, u"heron"_s)).duplicate);
}

void StoreLifecycleTest::report_olderOneMovesNothing()
{
    SIGNALBOX_STORE(f);
    bind(f, u"a"_s, u"otter"_s);
    LifecycleReport ready = report(u"e1"_s, u"Ready"_s);
    ready.observedAt = fromMs(1'700'000'010'000);
    store(f, ready);
    LifecycleReport expired = report(u"e2"_s, u"Expired"_s);
    expired.observedAt = fromMs(1'700'000'009'000);
    QCOMPARE(store(f, expired).unbound, 0);
    QCOMPARE(runtime(f).phase, u"Ready"_s);
    QCOMPARE(runtime(f).events, 2);
    QCOMPARE(runtime(f).sessions, 1);
    QVERIFY(!event(f, u"e2"_s).moved);
}

void StoreLifecycleTest::report_fromTheFutureDoesNotStopTime()
{
    SIGNALBOX_STORE(f);
    LifecycleReport ready = report(u"e1"_s, u"Ready"_s);
    ready.observedAt = fromMs(4'000'000'000'000);
    store(f, ready);
    store(f, report(u"e2"_s, u"Expired"_s));
    QCOMPARE(runtime(f).phase, u"Expired"_s);
    QCOMPARE(toMs(event(f, u"e1"_s).observedAt), 4'000'000'000'000);
}

void StoreLifecycleTest::terminal_unbindsOnlyWhatIsStillBound()
{
    SIGNALBOX_STORE(f);
    bind(f, u"a"_s, u"otter"_s);
    bind(f, u"b"_s, u"otter"_s);
    bind(f, u"c"_s, u"heron"_s); // moved on meanwhile
    bind(f, u"d"_s, u"otter"_s);
    f.sql(u"UPDATE sessions SET runtime_namespace = 'elsewhere' WHERE id = 'se_d'"_s);
    store(f, report(u"e0"_s, u"Ready"_s));
    QCOMPARE(runtime(f).sessions, 2);
    QCOMPARE(store(f, report(u"e1"_s, u"Expired"_s)).unbound, 2);
    const auto bound = [&](const QString &id) {
        return f
            .sql(u"SELECT runtime_namespace || '/' || runtime_instance || '/' || CAST(runtime_stale AS TEXT) "
                 "FROM sessions WHERE id = 'se_%1'"_s.arg(id))
            .toString();
    };
    QCOMPARE(bound(u"a"_s), u"//1"_s);
    QCOMPARE(bound(u"b"_s), u"//1"_s);
    QCOMPARE(bound(u"c"_s), u"spritz/heron/0"_s);
    QCOMPARE(bound(u"d"_s), u"elsewhere/otter/0"_s);
    QCOMPARE(event(f, u"e1"_s).unbound, 2);
    QCOMPARE(runtime(f).sessions, 0);
    LifecycleReport foreign = report(u"e2"_s, u"Terminating"_s, u"heron"_s);
    foreign.backend = u"other"_s;
    QCOMPARE(store(f, foreign).unbound, 0);
    QCOMPARE(bound(u"c"_s), u"spritz/heron/0"_s);
}

void StoreLifecycleTest::otherPhase_unbindsNothing()
{
    SIGNALBOX_STORE(f);
    bind(f, u"a"_s, u"otter"_s);
    int id = 0;
    for (const QString &phase : {u"Provisioning"_s, u"Ready"_s, u"Expiring"_s, u"Unheard-of"_s})
        QCOMPARE(store(f, report(u"e%1"_s.arg(++id), phase)).unbound, 0);
    QCOMPARE(runtime(f).phase, u"Unheard-of"_s);
    QCOMPARE(store(f, report(u"e9"_s, u"Error"_s)).unbound, 1);
}

void StoreLifecycleTest::observed_lossAndReturnAreEvents()
{
    SIGNALBOX_STORE(f);
    f.db().setLifecycleTargets({u"agent"_s});
    bind(f, u"a"_s, u"otter"_s);
    QVERIFY(async::blockOn(f.db().observeRuntime(seen(u"ready"_s))));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM lifecycle_events"_s).toInt(), 0); // the first sight is no change
    QVERIFY(async::blockOn(f.db().observeRuntime(seen(u"lost"_s, u"spritz_not_found"_s))));
    QVERIFY(async::blockOn(f.db().observeRuntime(seen(u"ready"_s))));
    domain::ListQuery query;
    query.oldestFirst = true;
    const auto page = async::blockOn(f.db().listLifecycleEvents(query));
    QVERIFY(page);
    QCOMPARE(page->items.size(), 2);
    QCOMPARE(page->items[0].phase, u"lost"_s);
    QCOMPARE(page->items[0].reason, u"spritz_not_found"_s);
    QCOMPARE(page->items[0].source, u"observed"_s);
    QCOMPARE(page->items[0].unbound, 1);
    QCOMPARE(page->items[0].id.size(), 36);
    QCOMPARE(page->items[1].phase, u"ready"_s);
    QCOMPARE(page->items[1].forwards.size(), 1);
    QCOMPARE(runtime(f).phase, u"ready"_s);
    QCOMPARE(runtime(f).detail, QString());
}

void StoreLifecycleTest::observed_sameAgainWritesNothing()
{
    SIGNALBOX_STORE(f);
    for (int i = 0; i < 3; ++i)
        QVERIFY(async::blockOn(f.db().observeRuntime(seen(u"exited"_s))));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM lifecycle_events"_s).toInt(), 1);
    const qint64 rev = runtime(f).rev;
    QVERIFY(async::blockOn(f.db().observeRuntime(seen(u"exited"_s))));
    QCOMPARE(runtime(f).rev, rev);
    // Reported as Ready, the engine's own "ready" is no news.
    store(f, report(u"e1"_s, u"Ready"_s));
    QVERIFY(async::blockOn(f.db().observeRuntime(seen(u"ready"_s))));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM lifecycle_events"_s).toInt(), 2);
    QCOMPARE(runtime(f).phase, u"Ready"_s);
}

void StoreLifecycleTest::forward_headsOfLanesOnly()
{
    SIGNALBOX_STORE(f);
    f.db().setLifecycleTargets({u"agent"_s, u"other"_s});
    const EngineLife life = f.engine();
    store(f, report(u"e1"_s, u"Provisioning"_s));
    store(f, report(u"e2"_s, u"Ready"_s));
    store(f, report(u"e3"_s, u"Ready"_s, u"heron"_s));
    auto heads = claim(f, life);
    QCOMPARE(heads.size(), size_t(2));
    QVERIFY(claim(f, life).empty());
    QCOMPARE(claim(f, life, u"other"_s).size(), size_t(2));
    const bool first = heads[0].instanceId == u"otter";
    const ClaimedForward otter = heads[first ? 0 : 1];
    QCOMPARE(otter.phase, u"Provisioning"_s);
    QCOMPARE(otter.eventId, u"e1"_s);
    QCOMPARE(otter.nameSpace, u"spritz"_s);
    QCOMPARE(otter.attempts, 1);
    QVERIFY(finish(f, life, otter, ForwardState::Sent));
    QVERIFY(finish(f, life, otter, ForwardState::Sent)); // after a commit of unknown outcome
    const auto next = claim(f, life);
    QCOMPARE(next.size(), size_t(1));
    QCOMPARE(next.front().phase, u"Ready"_s);
}

void StoreLifecycleTest::forward_deadOneBlocksNothing()
{
    SIGNALBOX_STORE(f);
    f.db().setLifecycleTargets({u"agent"_s});
    const EngineLife life = f.engine();
    store(f, report(u"e1"_s, u"Provisioning"_s));
    store(f, report(u"e2"_s, u"Ready"_s));
    const auto head = claim(f, life);
    QVERIFY(finish(f, life, head.at(0), ForwardState::Dead));
    QCOMPARE(event(f, u"e1"_s).state, u"dead"_s);
    QCOMPARE(event(f, u"e1"_s).forwards.at(0).errorCode, u"http_500"_s);
    QCOMPARE(claim(f, life).at(0).phase, u"Ready"_s);
}

void StoreLifecycleTest::forward_retryKeepsItsPlace()
{
    SIGNALBOX_STORE(f);
    f.db().setLifecycleTargets({u"agent"_s});
    const EngineLife life = f.engine();
    store(f, report(u"e1"_s, u"Provisioning"_s));
    store(f, report(u"e2"_s, u"Ready"_s));
    QVERIFY(finish(f, life, claim(f, life).at(0), ForwardState::Retry, Millis(60'000)));
    QVERIFY(claim(f, life).empty());
    f.sql(u"UPDATE lifecycle_forwards SET due_at = 0 WHERE state = 'retry'"_s);
    const auto again = claim(f, life);
    QCOMPARE(again.at(0).phase, u"Provisioning"_s);
    QCOMPARE(again.at(0).attempts, 2);
}

void StoreLifecycleTest::forward_ofALostLifeIsSentAgain()
{
    SIGNALBOX_STORE(f);
    f.db().setLifecycleTargets({u"agent"_s});
    const EngineLife old = f.engine();
    store(f, report(u"e1"_s, u"Ready"_s));
    const auto held = claim(f, old);
    QCOMPARE(held.size(), size_t(1));
    const EngineLife life = f.engine(); // the next life of the same engine
    const auto again = claim(f, life);
    QCOMPARE(again.size(), size_t(1));
    QCOMPARE(again.at(0).id, held.at(0).id);
    QCOMPARE(again.at(0).attempts, 2);
}

void StoreLifecycleTest::forward_endedEngineHandsBack()
{
    SIGNALBOX_STORE(f);
    f.db().setLifecycleTargets({u"agent"_s});
    const EngineLife first = f.engine(u"e1"_s);
    store(f, report(u"e1"_s, u"Ready"_s));
    QCOMPARE(claim(f, first).size(), size_t(1));
    if (StoreFixture::isPostgres()) {
        const EngineLife other = f.engine(u"e2"_s); // takes nothing from an engine that lives
        QVERIFY(claim(f, other).empty());
    }
    QVERIFY(async::blockOn(f.db().endEngine(first)));
    QCOMPARE(f.sql(u"SELECT state FROM lifecycle_forwards"_s).toString(), u"retry"_s);
}

void StoreLifecycleTest::forward_finishOfAnotherLifeIsStale()
{
    SIGNALBOX_STORE(f);
    f.db().setLifecycleTargets({u"agent"_s});
    const EngineLife old = f.engine();
    store(f, report(u"e1"_s, u"Ready"_s));
    const auto held = claim(f, old);
    const EngineLife life = f.engine();
    const Status finished = finish(f, old, held.at(0), ForwardState::Sent);
    QVERIFY(!finished);
    QCOMPARE(finished.error().native(), u"stale"_s);
    QCOMPARE(f.sql(u"SELECT state FROM lifecycle_forwards"_s).toString(), u"retry"_s);
    QVERIFY(!async::blockOn(f.db().claimForwards(old, u"agent"_s, 1)));
}

void StoreLifecycleTest::replay_isANewForwardBehindTheOthers()
{
    SIGNALBOX_STORE(f);
    f.db().setLifecycleTargets({u"agent"_s, u"other"_s});
    const EngineLife life = f.engine();
    store(f, report(u"e1"_s, u"Provisioning"_s));
    QVERIFY(finish(f, life, claim(f, life).at(0), ForwardState::Dead));
    store(f, report(u"e2"_s, u"Ready"_s));
    ReplayForward replay;
    replay.forwardId = u"r1"_s;
    replay.auditId = u"a1"_s;
    replay.eventId = u"e1"_s;
    replay.actor = u"anna"_s;
    replay.reason = u"the webhook was down"_s;
    const auto made = async::blockOn(f.db().replayForward(replay));
    QVERIFY2(made, made ? "" : qPrintable(made.error().toString()));
    QCOMPARE(made->target, u"agent"_s); // the event's own
    QCOMPARE(made->state, u"pending"_s);
    QVERIFY(!made->replayOf.isEmpty());
    QVERIFY(async::blockOn(f.db().replayForward(replay))); // the unit runs again
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM audit"_s).toInt(), 1);
    QCOMPARE(f.sql(u"SELECT actor || '/' || action || '/' || subject_id FROM audit"_s).toString(),
        u"anna/replay/e1"_s);
    const auto next = claim(f, life);
    QCOMPARE(next.at(0).phase, u"Ready"_s);
    QVERIFY(finish(f, life, next.at(0), ForwardState::Sent));
    const auto replayed = claim(f, life);
    QCOMPARE(replayed.at(0).id, u"r1"_s);
    QCOMPARE(replayed.at(0).eventId, u"e1"_s);
    QVERIFY(finish(f, life, replayed.at(0), ForwardState::Sent));
    QCOMPARE(event(f, u"e1"_s).forwards.size(), 3);
}

void StoreLifecycleTest::replay_refuses()
{
    SIGNALBOX_STORE(f);
    f.db().setLifecycleTargets({u"agent"_s, u"other"_s});
    store(f, report(u"e1"_s, u"Ready"_s));
    const auto code = [&](const QString &eventId, const QString &target) {
        ReplayForward replay;
        replay.forwardId = u"r-"_s + target;
        replay.auditId = u"a-"_s + target;
        replay.eventId = eventId;
        replay.target = target;
        const auto made = async::blockOn(f.db().replayForward(replay));
        return made ? u"made"_s : errorCodeName(made.error().code());
    };
    QCOMPARE(code(u"nothing"_s, u"agent"_s), u"not_found"_s);
    QCOMPARE(code(u"e1"_s, u"nobody"_s), u"invalid_input"_s);
    QCOMPARE(code(u"e1"_s, u"other"_s), u"conflict"_s); // still on its way
    f.db().setLifecycleTargets({});
    QCOMPARE(code(u"e1"_s, {}), u"invalid_input"_s);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM audit"_s).toInt(), 0);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM lifecycle_forwards"_s).toInt(), 2);
}

void StoreLifecycleTest::race_manyReportsHaveOneOrder()
{
    SIGNALBOX_STORE(f);
    auto other = f.open();
    QVERIFY(other);
    Store *stores[]{&f.db(), StoreFixture::isPostgres() ? other->get() : &f.db()};
    for (Store *each : stores)
        each->setLifecycleTargets({u"agent"_s});
    constexpr int kReports = 30;
    std::vector<QCoro::Task<Result<LifecycleStored>>> running;
    for (int i = 0; i < kReports; ++i) {
        LifecycleReport given = report(u"e%1"_s.arg(i), i % 2 ? u"Ready"_s : u"Expiring"_s);
        given.eventId = QString::number(i / 2); // each comes twice, from both engines
        running.push_back(stores[i % 2]->storeLifecycle(given));
    }
    int duplicates = 0;
    for (auto &each : running) {
        const auto stored = async::blockOn(std::move(each));
        QVERIFY2(stored, stored ? "" : qPrintable(stored.error().toString()));
        duplicates += stored->duplicate ? 1 : 0;
    }
    QCOMPARE(duplicates, kReports / 2);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM lifecycle_events"_s).toInt(), kReports / 2);
    QCOMPARE(f.sql(u"SELECT MAX(position) FROM lifecycle_events"_s).toInt(), kReports / 2);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM lifecycle_forwards f JOIN lifecycle_events e ON e.id = f.event_id "
                   "WHERE f.lane_order = e.position"_s)
                 .toInt(),
        kReports / 2);
}

void StoreLifecycleTest::race_twoClaimersShareNothing()
{
    if (!StoreFixture::isPostgres())
        QSKIP("SQLite has one engine");
    SIGNALBOX_STORE(f);
    auto other = f.open();
    QVERIFY(other);
    f.db().setLifecycleTargets({u"agent"_s});
    const EngineLife one = f.engine(u"e1"_s);
    const EngineLife two = f.engine(u"e2"_s);
    for (int i = 0; i < 20; ++i) {
        store(f, report(u"a%1"_s.arg(i), u"Provisioning"_s, u"run-%1"_s.arg(i)));
        store(f, report(u"b%1"_s.arg(i), u"Ready"_s, u"run-%1"_s.arg(i)));
    }
    auto first = f.db().claimForwards(one, u"agent"_s, 20);
    auto second = (*other)->claimForwards(two, u"agent"_s, 20);
    QStringList ids;
    for (auto *claiming : {&first, &second}) {
        const auto claimed = async::blockOn(std::move(*claiming));
        QVERIFY(claimed);
        for (const ClaimedForward &forward : *claimed) {
            QCOMPARE(forward.phase, u"Provisioning"_s);
            ids << forward.id;
        }
    }
    QCOMPARE(ids.removeDuplicates(), 0);
    QVERIFY(!ids.isEmpty());
}

void StoreLifecycleTest::lists_pageAndFilter()
{
    SIGNALBOX_STORE(f);
    for (int i = 0; i < 5; ++i) {
        store(f, report(u"e%1"_s.arg(i), i % 2 ? u"Ready"_s : u"Error"_s, u"run-%1"_s.arg(i)));
        f.clock.advance(Millis(5));
    }
    domain::ListQuery query;
    query.limit = 2;
    QStringList runtimes;
    QStringList events;
    for (int page = 0; page < 3; ++page) {
        const auto some = async::blockOn(f.db().listRuntimes(query));
        QVERIFY(some);
        QCOMPARE(some->total, 5);
        for (const auto &item : some->items)
            runtimes << item.instanceId;
        QCOMPARE(some->nextCursor.isEmpty(), page == 2);
        query.cursor = some->nextCursor;
    }
    QCOMPARE(runtimes, QStringList({u"run-4"_s, u"run-3"_s, u"run-2"_s, u"run-1"_s, u"run-0"_s}));
    query.cursor.clear();
    for (int page = 0; page < 3; ++page) {
        const auto some = async::blockOn(f.db().listLifecycleEvents(query));
        QVERIFY(some);
        for (const auto &item : some->items)
            events << item.id;
        query.cursor = some->nextCursor;
    }
    QCOMPARE(events, QStringList({u"e4"_s, u"e3"_s, u"e2"_s, u"e1"_s, u"e0"_s}));
    query.cursor.clear();
    query.states = QStringList(u"ready"_s);
    QCOMPARE(async::blockOn(f.db().listRuntimes(query))->total, 2);
    query.states = QStringList(u"forwarding"_s);
    QCOMPARE(async::blockOn(f.db().listLifecycleEvents(query))->total, 0);
    query.states = QStringList(u"none"_s);
    query.text = u"run-3"_s;
    QCOMPARE(async::blockOn(f.db().listLifecycleEvents(query))->items.at(0).id, u"e3"_s);
    query.states.clear();
    QCOMPARE(async::blockOn(f.db().listRuntimes(query))->items.at(0).instanceId, u"run-3"_s);
}

void StoreLifecycleTest::feed_tellsOfRuntimesAndEvents()
{
    SIGNALBOX_STORE(f);
    f.db().setLifecycleTargets({u"agent"_s});
    const EngineLife life = f.engine();
    bind(f, u"a"_s, u"otter"_s);
    const auto head = async::blockOn(f.db().feedHead());
    store(f, report(u"e1"_s, u"Expired"_s));
    QVERIFY(finish(f, life, claim(f, life).at(0), ForwardState::Sent));
    const auto batch = async::blockOn(f.db().readFeed(*head, 100));
    QStringList told;
    for (const FeedEntry &entry : batch->entries)
        told << entry.kind + u':' + entry.id + u':' + QString::number(entry.rev);
    QVERIFY2(told.contains(u"lifecycle_event:e1:1"_s), qPrintable(told.join(u' ')));
    QVERIFY2(told.contains(u"lifecycle_event:e1:2"_s), qPrintable(told.join(u' ')));
    QVERIFY2(
        told.contains(u"runtime:%1:%2"_s.arg(kRuntime).arg(runtime(f).rev)), qPrintable(told.join(u' ')));
    QVERIFY2(told.filter(u"session:se_a"_s).size() == 1, qPrintable(told.join(u' ')));
}

QTEST_GUILESS_MAIN(StoreLifecycleTest)
#include "tst_store_lifecycle.moc"
