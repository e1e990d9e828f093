// SPDX-License-Identifier: Apache-2.0
// What one engine commits is heard by the others at once (DESIGN.md "Replicas and live updates"; PostgreSQL).
#include "store_fixture.h"

#include <QElapsedTimer>
#include <QSqlDriver>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using signalbox::testing::StoreFixture;

namespace {
// Connections that have got so far as to listen.
const QString kListeners
    = u"FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'signalbox-notify' "
      u"AND state = 'idle' AND (query LIKE '%signalbox_orders%' OR query LIKE 'NOTIFY%' OR query = 'SELECT 1')"_s;
} // namespace

class StoreNotifyTest : public QObject
{
    Q_OBJECT
private:
    // A second store whose listeners count.
    struct Other
    {
        explicit Other(StoreFixture &f)
            : store(std::move(*f.open()))
        {
            store->onChange([this] { ++changes; });
            store->onOrders([this] { ++orders; });
        }
        std::unique_ptr<Store> store;
        int changes = 0;
        int orders = 0;
    };

private Q_SLOTS:
    void anotherStoresChange_isHeard();
    void orders_areHeardApart();
    void lostConnection_isOpenedAgainAndCaughtUp();
    void burst_isCoalesced();
};

void StoreNotifyTest::anotherStoresChange_isHeard()
{
    SIGNALBOX_STORE(f);
    Other other(f);
    QTRY_COMPARE(f.sql(u"SELECT COUNT(*) "_s + kListeners).toInt(), 2);
    int own = 0;
    f.db().onChange([&own] { ++own; });
    const int before = other.changes;
    const int ordersBefore = other.orders;
    f.ingest(u"a"_s, u"t1"_s);
    QTRY_VERIFY(other.changes > before);
    QCOMPARE(other.orders, ordersBefore);
    QCOMPARE(own, 1); // once, by its commit, and not by its own notification
    // What writes nothing says nothing.
    const int heard = other.changes;
    QVERIFY(async::blockOn(f.db().ping()));
    f.ingest(u"a"_s, u"t1"_s); // a duplicate
    const EngineLife life = f.engine();
    QVERIFY(async::blockOn(f.db().renewLease(life, Millis(60'000), Millis(180'000))));
    f.ingest(u"b"_s, u"t2"_s);
    QTRY_VERIFY(other.changes > heard);
    QVERIFY(other.changes <= heard + 3); // the engine's registration and the message
}

void StoreNotifyTest::orders_areHeardApart()
{
    SIGNALBOX_STORE(f);
    Other other(f);
    QTRY_COMPARE(f.sql(u"SELECT COUNT(*) "_s + kListeners).toInt(), 2);
    const int changes = other.changes;
    const int orders = other.orders;
    f.sql(u"NOTIFY signalbox_orders"_s);
    QTRY_COMPARE(other.orders, orders + 1);
    QCOMPARE(other.changes, changes);
}

void StoreNotifyTest::lostConnection_isOpenedAgainAndCaughtUp()
{
    SIGNALBOX_STORE(f);
    Other other(f);
    QTRY_COMPARE(f.sql(u"SELECT COUNT(*) "_s + kListeners).toInt(), 2);
    const int changes = other.changes;
    const int orders = other.orders;
    QCOMPARE(f.sql(u"SELECT COUNT(pg_terminate_backend(pid)) "_s + kListeners).toInt(), 2);
    // Nothing was written: this is the catch-up.
    QTRY_VERIFY_WITH_TIMEOUT(other.changes > changes && other.orders > orders, 15'000);
    const int caughtUp = other.changes;
    QTRY_COMPARE(f.sql(u"SELECT COUNT(*) "_s + kListeners).toInt(), 2);
    f.ingest(u"a"_s, u"t1"_s);
    QTRY_VERIFY(other.changes > caughtUp);
}

void StoreNotifyTest::burst_isCoalesced()
{
    SIGNALBOX_STORE(f);
    QTRY_COMPARE(f.sql(u"SELECT COUNT(*) "_s + kListeners).toInt(), 1);
    QSqlDatabase raw = f.connection();
    int heard = 0;
    connect(raw.driver(), &QSqlDriver::notification, this, [&heard] { ++heard; });
    QVERIFY(raw.driver()->subscribeToNotification(u"signalbox_feed"_s));
    QElapsedTimer took;
    took.start();
    std::vector<QCoro::Task<Result<IngestOutcome>>> all;
    for (int i = 0; i < 300; ++i)
        all.push_back(f.db().ingest(StoreFixture::message(QString::number(i), u"t%1"_s.arg(i))));
    QTRY_VERIFY_WITH_TIMEOUT(
        std::all_of(all.begin(), all.end(), [](const auto &task) { return task.isReady(); }), 30'000);
    QTRY_VERIFY(heard > 0);
    const qint64 most = took.elapsed() / 20 + 2;
    QVERIFY2(heard <= most, qPrintable(u"%1 of at most %2"_s.arg(heard).arg(most)));
}

QTEST_GUILESS_MAIN(StoreNotifyTest)
#include "tst_store_notify.moc"
