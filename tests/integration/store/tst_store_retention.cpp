// SPDX-License-Identifier: Apache-2.0
// What is over goes when its time has come, in batches, and what is still needed stays (DESIGN.md
// "Configuration against state").
#include "store_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using namespace signalbox::testing;

class StoreRetentionTest : public QObject
{
    Q_OBJECT

private:
    static void report(StoreFixture &f, const QString &id, const QString &phase)
    {
        LifecycleReport given;
        given.id = id;
        given.backend = u"agent"_s;
        given.nameSpace = u"spritz"_s;
        given.instanceId = u"otter"_s;
        given.phase = phase;
        const auto stored = async::blockOn(f.db().storeLifecycle(given));
        if (!stored)
            QTest::qFail(qPrintable(stored.error().toString()), __FILE__, __LINE__);
    }

private Q_SLOTS:
    void anAbandonedForwardEndsDead();
    void oldEventsGoAndTheLatestStays();
    void oldAuditGoes();
};

// Its backend lost its webhook: nobody claims it any more, and it must not look as if somebody would.
void StoreRetentionTest::anAbandonedForwardEndsDead()
{
    SIGNALBOX_STORE(f);
    f.db().setLifecycleTargets({u"agent"_s});
    report(f, u"e1"_s, u"Ready"_s);
    QVERIFY(async::blockOn(f.db().sweep(Retention(), 100)));
    QCOMPARE(f.sql(u"SELECT state FROM lifecycle_forwards"_s).toString(), u"pending"_s);
    f.sql(u"UPDATE lifecycle_forwards SET created_at = 1, updated_at = 1"_s);
    const qint64 rev = f.sql(u"SELECT rev FROM lifecycle_events"_s).toLongLong();
    QVERIFY(async::blockOn(f.db().sweep(Retention(), 100)));
    QCOMPARE(f.sql(u"SELECT state FROM lifecycle_forwards"_s).toString(), u"dead"_s);
    QCOMPARE(f.sql(u"SELECT error_code FROM lifecycle_forwards"_s).toString(), u"no_webhook"_s);
    QVERIFY(f.sql(u"SELECT rev FROM lifecycle_events"_s).toLongLong() > rev);
}

void StoreRetentionTest::oldEventsGoAndTheLatestStays()
{
    SIGNALBOX_STORE(f);
    for (int i = 1; i <= 4; ++i)
        report(f, u"00000000-0000-7%1"_s.arg(i), i % 2 ? u"Ready"_s : u"Terminating"_s);
    QVERIFY(async::blockOn(f.db().sweep(Retention(), 100)));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM lifecycle_events"_s).toInt(), 4);
    f.sql(u"UPDATE lifecycle_events SET received_at = 1"_s);
    QVERIFY(async::blockOn(f.db().sweep(Retention(), 2)));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM lifecycle_events"_s).toInt(), 2); // in batches
    QVERIFY(async::blockOn(f.db().sweep(Retention(), 100)));
    QCOMPARE(f.sql(u"SELECT id FROM lifecycle_events"_s).toString(), u"00000000-0000-74"_s);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM lifecycle_events"_s).toInt(), 1);
}

void StoreRetentionTest::oldAuditGoes()
{
    SIGNALBOX_STORE(f);
    StaleWrite stale;
    stale.auditId = u"au-1"_s;
    stale.life = f.engine();
    QVERIFY(async::blockOn(f.db().noteStale(stale)));
    QVERIFY(async::blockOn(f.db().sweep(Retention(), 100)));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM audit"_s).toInt(), 1);
    Retention none;
    none.audit = Millis(-1000);
    QVERIFY(async::blockOn(f.db().sweep(none, 100)));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM audit"_s).toInt(), 0);
}

QTEST_GUILESS_MAIN(StoreRetentionTest)
#include "tst_store_retention.moc"
