// SPDX-License-Identifier: Apache-2.0
// PostgreSQL goes away in the middle and comes back: calls fail within seconds, and the same store goes on
// afterwards.
#include "store_fixture.h"
#include "support/postgres_cluster.h"

#include <QElapsedTimer>
#include <QSqlQuery>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using signalbox::testing::PostgresCluster;
using signalbox::testing::StoreFixture;

class StoreAwayTest : public QObject
{
    Q_OBJECT

private:
    static constexpr int kSeconds = 10'000;

private Q_SLOTS:
    void stoppedServer_failsFastAndComesBack();
    void lostConnection_isRunAgain();
    void claimWhoseCommitDied_isTakenLater();
    void unreachableServer_isUnavailable();
};

#define NEED_SERVER()                                                                                        \
    if (!PostgresCluster::isInstalled()) {                                                                   \
        if (testing::PostgresDatabase::isRequired())                                                         \
            QFAIL("PostgreSQL is required, but not installed");                                              \
        QSKIP("PostgreSQL's server is not installed");                                                       \
    }

void StoreAwayTest::stoppedServer_failsFastAndComesBack()
{
    NEED_SERVER();
    PostgresCluster cluster;
    const Status created = cluster.create();
    QVERIFY2(created, created ? "" : qPrintable(created.error().toString()));
    const SystemClock clock;
    QObject home;
    StoreOptions options;
    options.database = cluster.url();
    auto store = openStore(options, clock, &home);
    QVERIFY2(store, store ? "" : qPrintable(store.error().toString()));
    InstallationRow row;
    row.id = u"in1"_s;
    row.channel = u"slack"_s;
    row.tenant = u"T1"_s;
    row.app = u"A1"_s;
    row.backend = u"agent"_s;
    std::vector<InstallationRow> rows{row};
    QVERIFY(async::blockOn((*store)->syncInstallations(rows)));
    QVERIFY(async::blockOn((*store)->ingest(StoreFixture::message(u"a"_s, u"t1"_s))));
    cluster.stop();
    QElapsedTimer timer;
    timer.start();
    int refused = 0;
    int done = 0;
    for (int i = 0; i < 20; ++i) { // more than there are connections
        auto task = (*store)->ingest(StoreFixture::message(u"b%1"_s.arg(i), u"t2"_s));
        task.then([&](Result<IngestOutcome> outcome) {
            refused += !outcome && outcome.error().code() == ErrorCode::Unavailable;
            ++done;
        });
    }
    QTRY_COMPARE_WITH_TIMEOUT(done, 20, kSeconds);
    QCOMPARE(refused, 20);
    QVERIFY(timer.elapsed() < kSeconds);
    const auto ping = async::blockOn((*store)->ping(), Millis(kSeconds));
    QVERIFY(!ping);
    QCOMPARE(ping.error().code(), ErrorCode::Unavailable);
    const Status started = cluster.start();
    QVERIFY2(started, started ? "" : qPrintable(started.error().toString()));
    QTRY_VERIFY_WITH_TIMEOUT(async::blockOn((*store)->ping()).has_value(), kSeconds);
    const auto again = async::blockOn((*store)->ingest(StoreFixture::message(u"b0"_s, u"t2"_s)));
    QVERIFY(again);
    QCOMPARE(again->result, IngestResult::Stored);
    // Closing while the server is away ends as well.
    cluster.stop();
    timer.restart();
    store->reset();
    QVERIFY(timer.elapsed() < kSeconds);
}

void StoreAwayTest::lostConnection_isRunAgain()
{
    SIGNALBOX_NEED_POSTGRES();
    qputenv("SIGNALBOX_STORE_UNDER_TEST", "postgres");
    StoreFixture f;
    QVERIFY(f.start());
    const QString kill
        = u"SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() "
          u"AND pid <> pg_backend_pid()"_s;
    for (int round = 0; round < 5; ++round) {
        // Idle connections die between two units.
        QVERIFY(f.sql(kill).toInt() > 0);
        QCOMPARE(f.ingest(QString::number(round), u"t1"_s).result, IngestResult::Stored);
    }
    // And in the middle of one: it waits for a lock that this test holds.
    QSqlDatabase raw = f.connection();
    QSqlQuery holder(raw);
    QVERIFY(holder.exec(u"BEGIN"_s));
    QVERIFY(holder.exec(u"SELECT 1 FROM sessions FOR UPDATE"_s));
    bool done = false;
    Result<IngestOutcome> outcome = fail(ErrorCode::Internal, u"not yet"_s);
    auto task = f.db().ingest(StoreFixture::message(u"middle"_s, u"t1"_s));
    task.then([&](Result<IngestOutcome> result) {
        outcome = std::move(result);
        done = true;
    });
    QTRY_COMPARE(
        f.sql(
             u"SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"_s)
            .toInt(),
        1);
    QCOMPARE(f.sql(u"SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = "
                   u"current_database() "
                   u"AND wait_event_type = 'Lock'"_s)
                 .toInt(),
        1);
    QVERIFY(holder.exec(u"COMMIT"_s));
    QTRY_VERIFY(done);
    QVERIFY2(outcome, outcome ? "" : qPrintable(outcome.error().toString()));
    QCOMPARE(outcome->result, IngestResult::Stored);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM deliveries"_s).toInt(), 6);
}

void StoreAwayTest::claimWhoseCommitDied_isTakenLater()
{
    SIGNALBOX_NEED_POSTGRES();
    qputenv("SIGNALBOX_STORE_UNDER_TEST", "postgres");
    StoreFixture f;
    QVERIFY(f.start());
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    // A deferred trigger ends the connection in the middle of each commit: nobody knows what became of it.
    f.spoil();
    f.sql(u"CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
          u"$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"_s);
    f.sql(u"CREATE CONSTRAINT TRIGGER die AFTER UPDATE ON deliveries DEFERRABLE INITIALLY DEFERRED "
          u"FOR EACH ROW EXECUTE FUNCTION die()"_s);
    const auto lost = async::blockOn(f.db().claimDeliveries(life, StoreFixture::upTo(5)), Millis(20'000));
    QVERIFY(!lost);
    QCOMPARE(lost.error().code(), ErrorCode::Unavailable);
    f.sql(u"DROP TRIGGER die ON deliveries"_s);
    QCOMPARE(f.claim(life).size(), size_t(1));
    QVERIFY(f.claim(life).empty());
}

void StoreAwayTest::unreachableServer_isUnavailable()
{
    const SystemClock clock;
    QObject home;
    const QTemporaryDir folder;
    StoreOptions options;
    options.database = u"postgresql://nobody@/none?host="_s + folder.path();
    const auto store = openStore(options, clock, &home);
    QVERIFY(!store);
    QCOMPARE(store.error().code(), ErrorCode::Unavailable);
    for (const QString &bad : {u"mysql://x/y"_s, u"postgresql://host"_s, u"sqlite:"_s}) {
        options.database = bad;
        const auto refused = openStore(options, clock, &home);
        QVERIFY(!refused);
        QCOMPARE(refused.error().code(), ErrorCode::InvalidInput);
    }
}

QTEST_GUILESS_MAIN(StoreAwayTest)
#include "tst_store_away.moc"
