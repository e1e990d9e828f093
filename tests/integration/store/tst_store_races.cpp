// SPDX-License-Identifier: Apache-2.0
// Several stores on one database at once, each with connections of its own (PostgreSQL: several engines), and
// one store under the same load on SQLite: nothing is claimed twice, nothing waits for ever.
#include "store_fixture.h"

#include <QCoro/QCoroTask>
#include <QSqlQuery>

#include <map>
#include <set>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using signalbox::domain::DeliveryState;
using signalbox::testing::StoreFixture;

namespace {

constexpr int kStores = 3;

struct Shared
{
    Shared() = default;
    int toIngest = 0;
    int sessions = 1;
    int next = 0;
    int finished = 0;
    int failures = 0;
    bool twins = false;
    std::map<QString, int> claims;
    std::map<QString, int> stored;
};

QCoro::Task<> producer(Store *store, Shared *shared, QString self)
{
    while (shared->next < shared->toIngest) {
        const int number = shared->next++;
        IngestRequest request
            = StoreFixture::message(QString::number(number), u"t%1"_s.arg(number % shared->sessions));
        if (shared->twins) { // both stores get every message
            request.deliveryId += self;
            auto other = store->ingest(request);
            const auto outcome = co_await other;
            if (!outcome)
                ++shared->failures;
            else if (outcome->result == IngestResult::Stored)
                ++shared->stored[request.keys.first()];
            continue;
        }
        auto call = store->ingest(request);
        const auto outcome = co_await call;
        if (!outcome)
            ++shared->failures;
    }
}

QCoro::Task<> consumer(Store *store, Shared *shared, EngineLife life)
{
    int empty = 0;
    // A delivery that nobody woke would be claimed by no round, however many there are.
    while (shared->finished < shared->toIngest && empty < 400) {
        auto claiming = store->claimDeliveries(life, StoreFixture::upTo(3));
        const auto claimed = co_await claiming;
        if (!claimed) {
            ++shared->failures;
            continue;
        }
        empty = claimed->empty() && shared->next >= shared->toIngest ? empty + 1 : 0;
        for (const ClaimedDelivery &delivery : *claimed) {
            ++shared->claims[delivery.id];
            FinishTurn turn;
            turn.held = HeldDelivery(delivery.id, delivery.fence);
            turn.state = DeliveryState::Completed;
            turn.outcome = domain::Outcome::NoReply;
            auto finishing = store->finishTurn(turn);
            const auto finished = co_await finishing;
            if (finished)
                ++shared->finished;
            else
                ++shared->failures;
        }
    }
}

QCoro::Task<> all(std::vector<QCoro::Task<>> *tasks)
{
    for (QCoro::Task<> &task : *tasks)
        co_await task;
}

} // namespace

class StoreRacesTest : public QObject
{
    Q_OBJECT

private:
    // The stores that take part: on SQLite the one of the fixture, several times.
    static std::vector<Store *> stores(StoreFixture &f, std::vector<std::unique_ptr<Store>> &owned)
    {
        std::vector<Store *> used{&f.db()};
        while (used.size() < kStores) {
            if (StoreFixture::isPostgres()) {
                auto opened = f.open();
                if (!opened)
                    return {};
                owned.push_back(std::move(*opened));
                used.push_back(owned.back().get());
            } else {
                used.push_back(&f.db());
            }
        }
        return used;
    }

private Q_SLOTS:
    void release_racingWithIngestWakesEverything_data();
    void release_racingWithIngestWakesEverything();
    void claim_waitsForALockThatIsBeingReleased();
    void claimers_neverTakeOneTwice();
    void twins_onSeveralEnginesAreStoredOnce();
    void outboundClaimers_neverTakeOneTwice();
};

void StoreRacesTest::release_racingWithIngestWakesEverything_data()
{
    QTest::addColumn<int>("sessions");
    QTest::newRow("one session") << 1;
    QTest::newRow("three sessions") << 3;
    QTest::newRow("many sessions") << 40;
}

void StoreRacesTest::release_racingWithIngestWakesEverything()
{
    QFETCH(const int, sessions);
    SIGNALBOX_STORE(f);
    std::vector<std::unique_ptr<Store>> owned;
    const auto used = stores(f, owned);
    QCOMPARE(used.size(), size_t(kStores));
    Shared shared;
    shared.toIngest = 300;
    shared.sessions = sessions;
    std::vector<QCoro::Task<>> tasks;
    const EngineLife only = f.engine(u"e"_s);
    for (Store *store : used) {
        const EngineLife life = StoreFixture::isPostgres() ? f.engine(u"e%1"_s.arg(tasks.size())) : only;
        for (int i = 0; i < 3; ++i)
            tasks.push_back(producer(store, &shared, QString()));
        for (int i = 0; i < 3; ++i)
            tasks.push_back(consumer(store, &shared, life));
    }
    async::blockOn(all(&tasks), Millis(120'000));
    QCOMPARE(shared.failures, 0);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM deliveries WHERE state <> 'completed'"_s).toInt(), 0);
    QCOMPARE(shared.finished, 300);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM sessions WHERE lock_holder IS NOT NULL"_s).toInt(), 0);
    QCOMPARE(
        f.sql(
             u"SELECT COUNT(*) FROM (SELECT 1 FROM deliveries GROUP BY session_id, ordinal HAVING COUNT(*) > 1) AS d"_s)
            .toInt(),
        0);
    for (const auto &[id, count] : shared.claims)
        QVERIFY2(count == 1, qPrintable(id));
}

// The release does not see the claimed delivery waiting yet and wakes nobody, so the claim must not pass by.
void StoreRacesTest::claim_waitsForALockThatIsBeingReleased()
{
    SIGNALBOX_STORE(f);
    if (!StoreFixture::isPostgres())
        QSKIP("one writer at a time");
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    f.sql(u"UPDATE sessions SET lock_holder = 'somebody', lock_engine = 'e1', lock_incarnation = 1, "
          u"lock_acquired_at = 1, lock_expires_at = 9000000000000, fence = 7, rev = rev + 10"_s);
    QSqlDatabase other = f.connection();
    QVERIFY(other.transaction());
    QSqlQuery release(other);
    QVERIFY(
        release.exec(u"UPDATE sessions SET lock_holder = NULL, lock_engine = NULL, lock_incarnation = NULL, "
                     u"lock_acquired_at = NULL, lock_expires_at = NULL, rev = rev + 1"_s));
    auto claiming = f.db().claimDeliveries(life, StoreFixture::upTo(1));
    QTRY_COMPARE_WITH_TIMEOUT(
        f.sql(u"SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() "
              u"AND wait_event_type = 'Lock' AND query LIKE 'UPDATE sessions%'"_s)
            .toInt(),
        1, 10'000);
    QVERIFY(other.commit());
    const auto claimed = async::blockOn(std::move(claiming), Millis(20'000));
    QVERIFY(claimed);
    QCOMPARE(claimed->size(), size_t(1));
    QCOMPARE(claimed->front().fence, 8); // behind that of the holder before
    QCOMPARE(f.sql(u"SELECT lock_holder FROM sessions"_s).toString(), u"d-a"_s);
}

void StoreRacesTest::claimers_neverTakeOneTwice()
{
    SIGNALBOX_STORE(f);
    std::vector<std::unique_ptr<Store>> owned;
    const auto used = stores(f, owned);
    Shared shared;
    shared.toIngest = 200;
    shared.next = 200;
    for (int i = 0; i < shared.toIngest; ++i)
        f.ingest(QString::number(i), u"t%1"_s.arg(i));
    std::vector<QCoro::Task<>> tasks;
    const EngineLife only = f.engine(u"e"_s);
    for (Store *store : used) {
        const EngineLife life = StoreFixture::isPostgres() ? f.engine(u"e%1"_s.arg(tasks.size())) : only;
        for (int i = 0; i < 4; ++i)
            tasks.push_back(consumer(store, &shared, life));
    }
    async::blockOn(all(&tasks), Millis(120'000));
    QCOMPARE(shared.failures, 0);
    QCOMPARE(shared.claims.size(), size_t(200));
    for (const auto &[id, count] : shared.claims)
        QVERIFY2(count == 1, qPrintable(id));
}

void StoreRacesTest::twins_onSeveralEnginesAreStoredOnce()
{
    SIGNALBOX_STORE(f);
    std::vector<std::unique_ptr<Store>> owned;
    const auto used = stores(f, owned);
    Shared shared;
    shared.twins = true;
    shared.toIngest = 100;
    std::vector<Shared> each(used.size(), shared);
    std::vector<QCoro::Task<>> tasks;
    for (size_t i = 0; i < used.size(); ++i)
        tasks.push_back(producer(used[i], &each[i], u"-%1"_s.arg(i)));
    async::blockOn(all(&tasks), Millis(120'000));
    size_t stored = 0;
    for (const Shared &one : each) {
        QCOMPARE(one.failures, 0);
        stored += one.stored.size();
    }
    QCOMPARE(stored, size_t(100));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM deliveries"_s).toInt(), 100);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM inbound_keys"_s).toInt(), 300);
}

namespace {
QCoro::Task<> drainOutbox(Store *store, EngineLife life, std::vector<QString> *order, int wanted)
{
    int empty = 0;
    while (int(order->size()) < wanted && empty < 400) {
        auto claiming = store->claimOutbound(life, 4);
        const auto rows = co_await claiming;
        if (!rows || rows->empty()) {
            ++empty;
            continue;
        }
        empty = 0;
        for (const ClaimedOutbound &row : *rows) {
            order->push_back(row.id);
            FinishOutbound sent;
            sent.life = life;
            sent.id = row.id;
            sent.attempts = row.attempts;
            auto finishing = store->finishOutbound(sent);
            (void)co_await finishing;
        }
    }
}
} // namespace

void StoreRacesTest::outboundClaimers_neverTakeOneTwice()
{
    SIGNALBOX_STORE(f);
    std::vector<std::unique_ptr<Store>> owned;
    const auto used = stores(f, owned);
    std::vector<OutboundDraft> drafts;
    for (int i = 0; i < 120; ++i) {
        drafts.push_back(StoreFixture::draft(u"d"_s, u"p%1"_s.arg(i, 4, 10, QChar(u'0'))));
        drafts.back().thread = u"t%1"_s.arg(i % 5);
    }
    QVERIFY(async::blockOn(f.db().enqueueOutbound(drafts)));
    std::vector<QString> order;
    std::vector<QCoro::Task<>> tasks;
    const EngineLife only = f.engine(u"e"_s);
    for (Store *store : used) {
        const EngineLife life = StoreFixture::isPostgres() ? f.engine(u"e%1"_s.arg(tasks.size())) : only;
        tasks.push_back(drainOutbox(store, life, &order, 120));
    }
    async::blockOn(all(&tasks), Millis(120'000));
    QCOMPARE(order.size(), size_t(120));
    QCOMPARE(std::set<QString>(order.begin(), order.end()).size(), size_t(120));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM outbound_messages WHERE state <> 'sent'"_s).toInt(), 0);
    // Order within each lane.
    std::map<int, QString> last;
    for (const QString &id : order) {
        const int lane = id.mid(5, 4).toInt() % 5;
        QVERIFY(last[lane] < id);
        last[lane] = id;
    }
}

QTEST_GUILESS_MAIN(StoreRacesTest)
#include "tst_store_races.moc"
