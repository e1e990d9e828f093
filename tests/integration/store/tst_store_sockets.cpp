// SPDX-License-Identifier: Apache-2.0
#include "store_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using async::blockOn;
using testing::StoreFixture;

// Who holds an app's Socket Mode connection, and what people in a place see of its turns, on both databases.
class StoreSocketsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void aSocket_isHeldByOne();
    void aSocket_isFreedWithItsHoldersLife();
    void aWishToTryAgain_reachesAStoppedHolderOnce();
    void aPlace_showsItsRunningTurns();

private:
    static SocketHeld hold(
        StoreFixture &f, const EngineLife &life, Millis lease = Millis(60'000), bool stopped = false)
    {
        HoldSocket hold;
        hold.installationId = u"in1"_s;
        hold.life = life;
        hold.lease = lease;
        hold.stopped = stopped;
        const auto held = blockOn(f.db().holdSocket(hold));
        return held ? *held : SocketHeld();
    }
};

void StoreSocketsTest::aSocket_isHeldByOne()
{
    SIGNALBOX_STORE(f);
    const EngineLife one = f.engine(u"e1"_s);
    QVERIFY(hold(f, one).held);
    QVERIFY(hold(f, one).held); // renewed
    if (!StoreFixture::isPostgres())
        return; // one engine
    const EngineLife two = f.engine(u"e2"_s);
    QVERIFY(!hold(f, two).held);
    QVERIFY(hold(f, one, Millis(-1)).held); // its lease is over
    QVERIFY(hold(f, two).held);
    QVERIFY(!hold(f, one).held);
    QVERIFY(blockOn(f.db().releaseSocket(u"in1"_s, one))); // not its own: nothing happens
    QVERIFY(!hold(f, one).held);
    QVERIFY(blockOn(f.db().releaseSocket(u"in1"_s, two)));
    QVERIFY(hold(f, one).held);
}

void StoreSocketsTest::aSocket_isFreedWithItsHoldersLife()
{
    SIGNALBOX_STORE(f);
    const EngineLife first = f.engine(u"e1"_s);
    QVERIFY(hold(f, first).held);
    QVERIFY(blockOn(f.db().endEngine(first)));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM socket_holders"_s).toInt(), 0);
    EngineRegistration again;
    again.id = u"e1"_s;
    again.token = u"another process"_s;
    const auto next = blockOn(f.db().registerEngine(again));
    QVERIFY(next);
    QVERIFY(hold(f, next->life).held);
    HoldSocket late;
    late.installationId = u"in1"_s;
    late.life = first;
    const auto refused = blockOn(f.db().holdSocket(late));
    QVERIFY(!refused);
    QCOMPARE(refused.error().code(), ErrorCode::Conflict);
}

void StoreSocketsTest::aWishToTryAgain_reachesAStoppedHolderOnce()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    (void)f.ingest(u"m1"_s, u"t1"_s); // makes the installation's row
    const auto resume = [&f](const QString &id) {
        ActionOrder order;
        order.request = domain::ActionRequest(domain::Act::Resume, u"in1"_s, QString());
        order.request.scope = u"installation"_s;
        order.request.what = u"intake"_s;
        order.request.actor = u"anna"_s;
        order.auditId = id;
        return blockOn(f.db().act(order)).has_value();
    };
    QVERIFY(hold(f, life).held);
    QVERIFY(!resume(u"a1"_s)); // it is neither paused nor stopped
    QVERIFY(!hold(f, life, Millis(60'000), true).retry);
    QVERIFY(resume(u"a2"_s));
    QVERIFY(hold(f, life, Millis(60'000), true).retry);
    QVERIFY(!hold(f, life, Millis(60'000), true).retry);
}

void StoreSocketsTest::aPlace_showsItsRunningTurns()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    IngestRequest request = StoreFixture::message(u"m1"_s, u"t1"_s);
    const QString installation = request.installationId;
    const QString place = request.place;
    (void)f.ingest(request);
    (void)f.ingest(u"m2"_s, u"t1"_s);
    const auto before = blockOn(f.db().placeStatus(installation, place, 5));
    QVERIFY(before);
    QVERIFY(before->turns.empty());
    QCOMPARE(before->pending + before->waiting, 2);
    QCOMPARE(f.claim(life).size(), size_t(1));
    const auto now = blockOn(f.db().placeStatus(installation, place, 5));
    QVERIFY(now);
    QCOMPARE(now->turns.size(), size_t(1));
    const PlaceTurn &turn = now->turns[0];
    QCOMPARE(turn.deliveryId, request.deliveryId);
    QCOMPARE(turn.user, request.user);
    QCOMPARE(turn.messageTs, request.messageTs);
    QCOMPARE(turn.waiters, 1);
    QVERIFY(!isNever(turn.since));
    QCOMPARE(now->running, 1);
    QVERIFY(blockOn(f.db().placeStatus(installation, u"C0ELSEWHERE"_s, 5))->turns.empty());
    QVERIFY(blockOn(f.db().placeStatus(installation, place, 0))->more);
    const auto one = blockOn(f.db().placeTurn(request.deliveryId));
    QVERIFY(one);
    QCOMPARE(one->place, place);
    QCOMPARE(one->installationId, installation);
    QCOMPARE(blockOn(f.db().placeTurn(u"nonsense"_s)).error().code(), ErrorCode::NotFound);
}

QTEST_GUILESS_MAIN(StoreSocketsTest)
#include "tst_store_sockets.moc"
