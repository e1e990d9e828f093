// SPDX-License-Identifier: Apache-2.0
// The activity lock of a session (contracts/sessions-locks.md §3 and §5, DESIGN.md step 3): one holder at a
// time by fence, taken over only from whoever is gone, and those who wait are told once.
#include "async/wait.h"
#include "store_fixture.h"

#include <set>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using signalbox::domain::DeliveryState;
using signalbox::testing::StoreFixture;

namespace {

constexpr int kSubmitters = 8;
constexpr int kTasks = 64;
constexpr Millis kTtl{180'000};
constexpr Millis kLease{3'600'000}; // nobody renews it here: without one, nothing is granted

bool isFullForm()
{
    return qEnvironmentVariableIntValue("SIGNALBOX_TEST_FULL") > 0;
}

LockWish wish(const EngineLife &life, const QString &holder, Millis ttl = kTtl)
{
    LockWish asked;
    asked.sessionId = u"se_t1"_s;
    asked.holder = holder;
    asked.life = life;
    asked.ttl = ttl;
    return asked;
}

// Says that the lock is free: whoever has lost a round tries again then, all at once.
class Board : public QObject
{
    Q_OBJECT
Q_SIGNALS:
    void released();
};

struct Contest
{
    Contest() = default;
    int rounds = 0;
    int begun = 0; // rounds that somebody holds or held
    int inside = 0;
    int most = 0;
    int failures = 0;
    int contended = 0;
    qint64 counter = 0; // read and written under the lock, with others running in between
    std::set<qint64> fences;
    QString firstError;
    Board board;

    void note(const Error &error)
    {
        ++failures;
        if (firstError.isEmpty())
            firstError = error.toString();
    }
};

// Takes the lock until all rounds are played. Between reading and writing the counter it goes to the
// database, so that everybody else runs meanwhile.
QCoro::Task<> contender(Store *store, Contest *contest, EngineLife life, QString name)
{
    int round = 0;
    while (contest->begun < contest->rounds) {
        LockWish asked = wish(life, name + u'/' + QString::number(++round));
        auto acquiring = store->acquireLock(asked);
        const auto granted = co_await acquiring;
        if (!granted) {
            contest->note(granted.error());
            continue;
        }
        if (!*granted) {
            ++contest->contended;
            co_await async::waitSignal(&contest->board, &Board::released, Millis(50));
            continue;
        }
        ++contest->begun;
        contest->most = std::max(contest->most, ++contest->inside);
        const qint64 seen = contest->counter;
        if (!contest->fences.insert((*granted)->fence).second
            || *contest->fences.rbegin() != (*granted)->fence)
            ++contest->failures;
        const HeldLock held(asked.sessionId, asked.holder, (*granted)->fence);
        auto refreshing = store->refreshLock(held, kTtl);
        const auto refreshed = co_await refreshing;
        if (!refreshed)
            contest->note(refreshed.error());
        else if (refreshed->fence != held.fence)
            ++contest->failures;
        contest->counter = seen + 1;
        --contest->inside;
        auto releasing = store->releaseLock(held);
        const auto released = co_await releasing;
        if (!released)
            contest->note(released.error());
        Q_EMIT contest->board.released();
    }
}

QCoro::Task<> all(std::vector<QCoro::Task<>> *tasks)
{
    for (QCoro::Task<> &task : *tasks)
        co_await task;
}

} // namespace

class StoreLocksTest : public QObject
{
    Q_OBJECT

private:
    template <class T>
    static QString nativeOf(const Result<T> &result)
    {
        return result ? u"ok"_s : result.error().native();
    }

private Q_SLOTS:
    void acquireIsAnsweredAtOnce();
    void onlyTheHolderRefreshesAndReleases();
    void aLapsedLockIsTakenOverAndItsHolderRefused();
    void theLockOfADeadEngineIsTakenOver();
    void aTurnOfALivingEngineKeepsItsLock();
    void aLostTurnGoesBackThroughTheFence();
    void aReleaseWakesWhatWaits();
    void anEndedLeaseIsNoContention();
    void unknownSessionIsNotFound();
    void manyTasksFightForOneLock();
    void whoWaitsIsToldOnce();
    void aNoticeThatFailedIsTriedAgainWhileItIsTrue();
    void whoeverComesFirstIsNotToldLate();
    void aStaleWriteIsOnRecord();
};

void StoreLocksTest::acquireIsAnsweredAtOnce()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const auto first = async::blockOn(f.db().acquireLock(wish(life, u"one"_s)));
    QVERIFY(first);
    QVERIFY(*first);
    QCOMPARE((*first)->fence, qint64(1));
    QCOMPARE((*first)->expiresAt - (*first)->acquiredAt, kTtl);
    const auto second = async::blockOn(f.db().acquireLock(wish(life, u"two"_s)));
    QVERIFY(second); // contention is no error
    QVERIFY(!*second);
    // The same wish again is its own grant: a unit of work may run twice.
    const auto again = async::blockOn(f.db().acquireLock(wish(life, u"one"_s)));
    QVERIFY(again);
    QVERIFY(*again);
    QCOMPARE((*again)->fence, qint64(1));
}

void StoreLocksTest::onlyTheHolderRefreshesAndReleases()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const HeldLock nobodys(u"se_t1"_s, u"one"_s, 1);
    QCOMPARE(nativeOf(async::blockOn(f.db().refreshLock(nobodys, kTtl))), u"not_held"_s);
    QCOMPARE(nativeOf(async::blockOn(f.db().releaseLock(nobodys))), u"not_held"_s);
    QVERIFY(async::blockOn(f.db().acquireLock(wish(life, u"one"_s))));
    const HeldLock other(u"se_t1"_s, u"two"_s, 1);
    const HeldLock early(u"se_t1"_s, u"one"_s, 0);
    for (const HeldLock &wrong : {other, early}) {
        QCOMPARE(nativeOf(async::blockOn(f.db().refreshLock(wrong, kTtl))), u"not_held"_s);
        QCOMPARE(nativeOf(async::blockOn(f.db().releaseLock(wrong))), u"not_held"_s);
    }
    const auto refreshed = async::blockOn(f.db().refreshLock(nobodys, kTtl * 2));
    QVERIFY(refreshed);
    QVERIFY(refreshed->expiresAt - refreshed->acquiredAt >= kTtl * 2);
    QCOMPARE(nativeOf(async::blockOn(f.db().releaseLock(nobodys))), u"ok"_s);
    QCOMPARE(nativeOf(async::blockOn(f.db().releaseLock(nobodys))), u"not_held"_s);
}

void StoreLocksTest::aLapsedLockIsTakenOverAndItsHolderRefused()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    // At the very instant of its end it is over.
    QVERIFY(*async::blockOn(f.db().acquireLock(wish(life, u"one"_s, Millis(0)))));
    const auto taken = async::blockOn(f.db().acquireLock(wish(life, u"two"_s)));
    QVERIFY(taken);
    QVERIFY(*taken);
    QCOMPARE((*taken)->fence, qint64(2));
    const HeldLock old(u"se_t1"_s, u"one"_s, 1);
    QCOMPARE(nativeOf(async::blockOn(f.db().refreshLock(old, kTtl))), u"not_held"_s);
    QCOMPARE(nativeOf(async::blockOn(f.db().releaseLock(old))), u"not_held"_s);
    QCOMPARE(f.sql(u"SELECT lock_holder FROM sessions"_s).toString(), u"two"_s);
}

void StoreLocksTest::theLockOfADeadEngineIsTakenOver()
{
    SIGNALBOX_STORE(f);
    const EngineLife dead = f.engine(u"e1"_s);
    f.ingest(u"a"_s, u"t1"_s);
    QVERIFY(*async::blockOn(f.db().acquireLock(wish(dead, u"one"_s))));
    // Its next life is another one: what the old one held is free long before its time.
    const EngineLife next = f.engine(u"e1"_s);
    QVERIFY(next.incarnation > dead.incarnation);
    const auto taken = async::blockOn(f.db().acquireLock(wish(next, u"two"_s)));
    QVERIFY(taken);
    QVERIFY(*taken);
    QCOMPARE((*taken)->fence, qint64(2));
    QCOMPARE(nativeOf(async::blockOn(f.db().acquireLock(wish(dead, u"three"_s)))), u"ok"_s); // contention
    QVERIFY(!*async::blockOn(f.db().acquireLock(wish(dead, u"three"_s))));
    QVERIFY(async::blockOn(f.db().releaseLock(HeldLock(u"se_t1"_s, u"two"_s, 2))));
    QCOMPARE(nativeOf(async::blockOn(f.db().acquireLock(wish(dead, u"three"_s)))), u"stale"_s);
}

void StoreLocksTest::aTurnOfALivingEngineKeepsItsLock()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    QCOMPARE(f.claim(life).size(), size_t(1));
    QVERIFY(!*async::blockOn(f.db().acquireLock(wish(life, u"two"_s))));
    if (!StoreFixture::isPostgres()) {
        f.clock.jump(Millis(86'400'000)); // somebody sets the clock: no turn is lost by that
        QVERIFY(!*async::blockOn(f.db().acquireLock(wish(life, u"two"_s))));
    }
    QCOMPARE(f.state(u"d-a"_s), u"running"_s);
}

void StoreLocksTest::aLostTurnGoesBackThroughTheFence()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine(u"e1"_s);
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    QVERIFY(f.begin(delivery));
    f.sql(u"UPDATE engines SET incarnation = incarnation + 1"_s);
    const EngineLife other = f.engine(u"e2"_s);
    if (!StoreFixture::isPostgres()) { // there is one engine: whoever registers has taken everything back
        QCOMPARE(f.state(u"d-a"_s), u"pending"_s);
        return;
    }
    const auto taken = async::blockOn(f.db().acquireLock(wish(other, u"two"_s)));
    QVERIFY(taken);
    QVERIFY(*taken);
    QCOMPARE(f.state(u"d-a"_s), u"pending"_s);
    QCOMPARE(
        f.sql(u"SELECT prompt_state FROM deliveries"_s).toString(), u"sending"_s); // never prompted again
    QVERIFY(f.claim(other).empty());
    QCOMPARE(f.state(u"d-a"_s), u"waiting:lock"_s);
    const auto released = async::blockOn(f.db().releaseLock(HeldLock(u"se_t1"_s, u"two"_s, (*taken)->fence)));
    QVERIFY(released);
    QVERIFY(*released);
    QCOMPARE(f.claim(other).size(), size_t(1));
}

void StoreLocksTest::aReleaseWakesWhatWaits()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    QVERIFY(*async::blockOn(f.db().acquireLock(wish(life, u"one"_s))));
    QVERIFY(f.claim(life).empty());
    QCOMPARE(f.state(u"d-a"_s), u"waiting:lock"_s);
    const auto released = async::blockOn(f.db().releaseLock(HeldLock(u"se_t1"_s, u"one"_s, 1)));
    QVERIFY(released);
    QVERIFY(*released);
    QCOMPARE(f.claim(life).size(), size_t(1));
}

void StoreLocksTest::anEndedLeaseIsNoContention()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    f.sql(u"UPDATE engines SET lease_until = 1"_s);
    const auto asked = async::blockOn(f.db().acquireLock(wish(life, u"one"_s)));
    // On SQLite there is one engine, whose lease no clock ends.
    QCOMPARE(nativeOf(asked), StoreFixture::isPostgres() ? u"lease_ended"_s : u"ok"_s);
    QCOMPARE(f.sql(u"SELECT lock_holder FROM sessions"_s).isNull(), StoreFixture::isPostgres());
}

void StoreLocksTest::unknownSessionIsNotFound()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    const auto none = async::blockOn(f.db().acquireLock(wish(life, u"one"_s)));
    QVERIFY(!none);
    QCOMPARE(none.error().code(), ErrorCode::NotFound);
    QCOMPARE(async::blockOn(f.db().releaseLock(HeldLock(u"se_t1"_s, u"one"_s, 1))).error().code(),
        ErrorCode::NotFound);
}

// 64 tasks from 8 submitters: engines of their own on PostgreSQL, one engine on SQLite.
void StoreLocksTest::manyTasksFightForOneLock()
{
    SIGNALBOX_STORE(f);
    f.ingest(u"a"_s, u"t1"_s);
    std::vector<std::unique_ptr<Store>> owned;
    std::vector<Store *> stores;
    std::vector<EngineLife> lives;
    for (int i = 0; i < kSubmitters; ++i) {
        if (!StoreFixture::isPostgres()) {
            stores.push_back(&f.db());
            lives.push_back(i == 0 ? f.engine(u"e0"_s, kLease) : lives.front());
            continue;
        }
        auto opened = f.open();
        QVERIFY(opened);
        owned.push_back(std::move(*opened));
        stores.push_back(owned.back().get());
        lives.push_back(f.engine(u"e%1"_s.arg(i), kLease));
    }
    Contest contest;
    contest.rounds = isFullForm() ? 10'000 : 150;
    std::vector<QCoro::Task<>> tasks;
    for (int i = 0; i < kTasks; ++i) {
        const auto submitter = static_cast<size_t>(i % kSubmitters);
        tasks.push_back(contender(stores[submitter], &contest, lives[submitter], u"task-%1"_s.arg(i)));
    }
    async::blockOn(all(&tasks), Millis(900'000));
    qInfo("%d rounds, %d times somebody else held it", contest.begun, contest.contended);
    QVERIFY2(contest.failures == 0, qPrintable(contest.firstError));
    QCOMPARE(contest.most, 1);
    QVERIFY(contest.contended > 0);
    QVERIFY(contest.begun >= contest.rounds);
    QCOMPARE(contest.counter, qint64(contest.begun)); // no update was lost
    QCOMPARE(f.sql(u"SELECT fence FROM sessions"_s).toLongLong(), qint64(contest.begun));
    QVERIFY(f.sql(u"SELECT lock_holder FROM sessions"_s).isNull());
}

void StoreLocksTest::whoWaitsIsToldOnce()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    IngestRequest other = StoreFixture::message(u"b"_s, u"t1"_s);
    other.user = u"U2"_s;
    f.ingest(other);
    IngestRequest same = StoreFixture::message(u"c"_s, u"t1"_s);
    same.user = u"U2"_s;
    f.ingest(same);
    QVERIFY(async::blockOn(f.db().busyWaiters(Millis(60'000), 10))->empty()); // not yet
    const auto waiters = async::blockOn(f.db().busyWaiters(Millis(-1000), 10));
    QVERIFY(waiters);
    QCOMPARE(waiters->size(), size_t(2));
    QCOMPARE(waiters->front().delivery.id, u"d-b"_s);
    QCOMPARE(waiters->front().holderUser, u"U1"_s);
    QCOMPARE(waiters->front().ahead, 1);
    QCOMPARE(waiters->back().ahead, 2);
    QCOMPARE(toMs(waiters->front().since), f.sql(u"SELECT lock_acquired_at FROM sessions"_s).toLongLong());
    BusyNotice told;
    told.deliveryId = u"d-b"_s;
    told.drafts.push_back(StoreFixture::draft(u"d-b"_s, u"status:busy"_s));
    told.drafts.back().purpose = u"status:busy"_s;
    told.drafts.back().kind = domain::OutboundKind::Status;
    std::vector<BusyNotice> notices{told};
    QVERIFY(async::blockOn(f.db().tellBusy(notices)));
    QVERIFY(async::blockOn(f.db().tellBusy(notices))); // twice is once
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM outbound_messages"_s).toInt(), 1);
    const auto rest = async::blockOn(f.db().busyWaiters(Millis(-1000), 10));
    QCOMPARE(rest->size(), size_t(1));
    QVERIFY(rest->front().toldBefore); // the same person
    BusyNotice known;
    known.deliveryId = u"d-c"_s;
    std::vector<BusyNotice> quiet{known};
    QVERIFY(async::blockOn(f.db().tellBusy(quiet)));
    QVERIFY(async::blockOn(f.db().busyWaiters(Millis(-1000), 10))->empty());
    // Its turn comes: what was not said yet is not said any more.
    f.finish(delivery, DeliveryState::Completed);
    QCOMPARE(f.state(u"d-b"_s), u"pending"_s);
    QCOMPARE(f.sql(u"SELECT state FROM outbound_messages"_s).toString(), u"cancelled"_s);
    QCOMPARE(f.claim(life).front().id, u"d-b"_s); // due at once, whatever it was told
}

void StoreLocksTest::aNoticeThatFailedIsTriedAgainWhileItIsTrue()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    f.ingest(u"b"_s, u"t1"_s);
    BusyNotice told;
    told.deliveryId = u"d-b"_s;
    told.drafts.push_back(StoreFixture::draft(u"d-b"_s, u"status:busy"_s));
    told.drafts.back().purpose = u"status:busy"_s;
    told.drafts.back().kind = domain::OutboundKind::Status;
    std::vector<BusyNotice> notices{told};
    QVERIFY(async::blockOn(f.db().tellBusy(notices)));
    const auto rows = f.claimOutbound(life);
    QCOMPARE(rows.size(), size_t(1));
    FinishOutbound limited;
    limited.life = life;
    limited.id = rows.front().id;
    limited.attempts = rows.front().attempts;
    limited.state = domain::OutboundState::Retry;
    limited.errorCode = u"paced"_s;
    QVERIFY(async::blockOn(f.db().finishOutbound(limited)));
    QCOMPARE(f.outboundState(rows.front().id), u"retry"_s);
    f.finish(delivery, DeliveryState::Completed);
    QCOMPARE(f.outboundState(rows.front().id), u"cancelled"_s);
}

void StoreLocksTest::whoeverComesFirstIsNotToldLate()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    f.ingest(u"b"_s, u"t1"_s);
    f.finish(delivery, DeliveryState::Completed);
    BusyNotice late;
    late.deliveryId = u"d-b"_s;
    late.drafts.push_back(StoreFixture::draft(u"d-b"_s, u"status:busy"_s));
    std::vector<BusyNotice> notices{late};
    QVERIFY(async::blockOn(f.db().tellBusy(notices)));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM outbound_messages"_s).toInt(), 0);
}

void StoreLocksTest::aStaleWriteIsOnRecord()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    StaleWrite stale;
    stale.auditId = u"au-1"_s;
    stale.life = life;
    stale.subjectKind = u"delivery"_s;
    stale.subjectId = u"d-a"_s;
    stale.what = u"outcome"_s;
    stale.fence = 3;
    QVERIFY(async::blockOn(f.db().noteStale(stale)));
    QVERIFY(async::blockOn(f.db().noteStale(stale)));
    const auto audit = async::blockOn(f.db().listAudit(domain::ListQuery()));
    QVERIFY(audit);
    QCOMPARE(audit->items.size(), 1);
    QCOMPARE(audit->items.first().action, u"stale_write"_s);
    QVERIFY(audit->items.first().result.contains(u"3"));
}

QTEST_GUILESS_MAIN(StoreLocksTest)
#include "tst_store_locks.moc"
