// SPDX-License-Identifier: Apache-2.0
// Claiming, the prompt fence and the end of a turn (DESIGN.md steps 3, 5 and 7), on both databases.
#include "store/units.h"
#include "store_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using signalbox::domain::DeliveryState;
using signalbox::testing::StoreFixture;

namespace {
constexpr Millis kLong{3'600'000};

FinishTurn ending(const ClaimedDelivery &delivery, DeliveryState state)
{
    FinishTurn turn;
    turn.held = HeldDelivery(delivery.id, delivery.fence);
    turn.state = state;
    turn.outcome = state == DeliveryState::Completed ? domain::Outcome::NoReply : domain::Outcome::None;
    return turn;
}

template <class T>
bool isStale(const T &result)
{
    return !result && result.error().code() == ErrorCode::Conflict && result.error().native() == u"stale";
}
} // namespace

class StoreTurnsTest : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void noteStage_keepsEachTry();
    void beginTurn_saysItsNoticesOnce();
    void onlyFailedHandOversCount();
    void claim_takesLockAndRaisesFence();
    void claim_followsDueOrderAndLimit();
    void claim_keepsOrderWithinSession();
    void claim_ofReplacedLifeIsStale();
    void claim_runAgainAfterItsCommitFindsItsOwn();
    void turn_goesThroughFence();
    void staleFence_changesNothing();
    void repeatedUnits_areSuccess();
    void finish_wakesTheNext();
    void finish_pendingAgainKeepsItsPlace();
    void finish_withoutOutboundIsNotStuck();
    void finish_deadKeepsErrorAndWakes();
};

void StoreTurnsTest::claim_takesLockAndRaisesFence()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const auto first = f.claim(life);
    QCOMPARE(first.size(), size_t(1));
    QCOMPARE(first.front().id, u"d-a"_s);
    QCOMPARE(first.front().attempts, 1);
    QCOMPARE(first.front().fence, 1);
    QCOMPARE(f.state(u"d-a"_s), u"running"_s);
    QCOMPARE(f.sql(u"SELECT lock_holder FROM sessions"_s).toString(), u"d-a"_s);
    QVERIFY(f.claim(life).empty());
    f.finish(first.front(), DeliveryState::Completed);
    QVERIFY(f.sql(u"SELECT lock_holder FROM sessions"_s).isNull());
    f.ingest(u"b"_s, u"t1"_s);
    QCOMPARE(f.claim(life).front().fence, 2);
}

void StoreTurnsTest::claim_followsDueOrderAndLimit()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    QStringList sent;
    for (int i = 0; i < 7; ++i) {
        sent << u"d-%1"_s.arg(i);
        f.ingest(QString::number(i), u"t%1"_s.arg(i));
        f.clock.advance(Millis(10));
    }
    QStringList got;
    for (const size_t expected : {size_t(3), size_t(3), size_t(1), size_t(0)}) {
        const auto claimed = f.claim(life, 3);
        QCOMPARE(claimed.size(), expected);
        for (const ClaimedDelivery &delivery : claimed)
            got << delivery.id;
    }
    QCOMPARE(got, sent);
}

void StoreTurnsTest::claim_keepsOrderWithinSession()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    QStringList sent;
    for (int i = 0; i < 5; ++i) {
        sent << u"d-%1"_s.arg(i);
        f.ingest(QString::number(i), u"t1"_s);
    }
    QStringList got;
    for (int i = 0; i < 5; ++i) {
        const auto claimed = f.claim(life);
        QCOMPARE(claimed.size(), size_t(1));
        got << claimed.front().id;
        f.finish(claimed.front(), DeliveryState::Completed);
    }
    QCOMPARE(got, sent);
}

void StoreTurnsTest::claim_ofReplacedLifeIsStale()
{
    SIGNALBOX_STORE(f);
    const EngineLife old = f.engine();
    const EngineLife life = f.engine();
    QCOMPARE(life.incarnation, old.incarnation + 1);
    f.ingest(u"a"_s, u"t1"_s);
    QVERIFY(isStale(async::blockOn(f.db().claimDeliveries(old, StoreFixture::upTo(1)))));
    QVERIFY(isStale(async::blockOn(f.db().claimOutbound(old, 1))));
    QCOMPARE(f.state(u"d-a"_s), u"pending"_s);
    QCOMPARE(f.claim(life).size(), size_t(1));
}

// A connection lost during COMMIT: the unit runs again, knowing what its first run took.
void StoreTurnsTest::claim_runAgainAfterItsCommitFindsItsOwn()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    for (int i = 0; i < 3; ++i)
        f.ingest(QString::number(i), u"t%1"_s.arg(i));
    std::vector<OutboundDraft> drafts{StoreFixture::draft(u"d-0"_s, u"x"_s)};
    QVERIFY(async::blockOn(f.db().enqueueOutbound(drafts)));
    const auto first = f.claim(life, 2);
    const auto firstOutbound = f.claimOutbound(life);
    QCOMPARE(first.size(), size_t(2));
    QVERIFY(f.begin(first.back())); // its caller did get this one
    Connection connection(*DatabaseTarget::parse(f.url(), QString()), f.clock, u"again"_s);
    QVERIFY(connection.open(false));
    Session session(connection);
    const auto again = claimDeliveriesUnit(session, life, StoreFixture::upTo(2), first);
    QVERIFY(again);
    QCOMPARE(again->size(), size_t(2));
    QCOMPARE(again->front().id, first.front().id);
    QCOMPARE(again->front().fence, first.front().fence);
    QCOMPARE(again->back().id, u"d-2"_s);
    const auto outboundAgain = claimOutboundUnit(session, life, 2, firstOutbound);
    QVERIFY(outboundAgain);
    QCOMPARE(outboundAgain->size(), size_t(1));
    QCOMPARE(outboundAgain->front().id, firstOutbound.front().id);
}

void StoreTurnsTest::turn_goesThroughFence()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    QVERIFY(isStale(f.accept(delivery))); // nothing was sent yet
    QVERIFY(f.begin(delivery));
    QCOMPARE(f.sql(u"SELECT prompt_state FROM deliveries"_s).toString(), u"sending"_s);
    QCOMPARE(f.sql(u"SELECT agent_session FROM sessions"_s).toString(), u"agent-session"_s);
    QCOMPARE(f.sql(u"SELECT outcome FROM attempts"_s).toString(), u"running"_s);
    QVERIFY(f.accept(delivery));
    QCOMPARE(f.sql(u"SELECT prompt_state FROM deliveries"_s).toString(), u"accepted"_s);
    std::vector<OutboundDraft> replies{StoreFixture::draft(u"d-a"_s, u"reply:1"_s)};
    f.finish(delivery, DeliveryState::Waiting, replies);
    QCOMPARE(f.state(u"d-a"_s), u"waiting:outbound"_s);
    QCOMPARE(f.sql(u"SELECT outcome FROM attempts"_s).toString(), u"ok"_s);
    QCOMPARE(f.outboundState(u"o-d-a-reply:1-1"_s), u"pending"_s);
    // A delivery that waits for its outbound rows blocks its session no longer.
    QVERIFY(f.ingest(u"b"_s, u"t1"_s).ready);
    QCOMPARE(f.claim(life).front().agentSession, u"agent-session"_s);
}

void StoreTurnsTest::staleFence_changesNothing()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    ClaimedDelivery stale = delivery;
    stale.fence += 1;
    const auto head = async::blockOn(f.db().feedHead());
    QVERIFY(head);
    QVERIFY(isStale(f.begin(stale)));
    QVERIFY(isStale(f.accept(stale)));
    FinishTurn turn = ending(stale, DeliveryState::Waiting);
    turn.outbound = {StoreFixture::draft(u"d-a"_s, u"reply:1"_s)};
    QVERIFY(isStale(async::blockOn(f.db().finishTurn(turn))));
    QCOMPARE(f.state(u"d-a"_s), u"running"_s);
    QCOMPARE(f.sql(u"SELECT prompt_state FROM deliveries"_s).toString(), u"none"_s);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM outbound_messages"_s).toInt(), 0);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM attempts"_s).toInt(), 0);
    QCOMPARE(f.sql(u"SELECT lock_holder FROM sessions"_s).toString(), u"d-a"_s);
    const auto batch = async::blockOn(f.db().readFeed(*head, 10));
    QVERIFY(batch);
    QVERIFY(batch->entries.empty());
}

void StoreTurnsTest::repeatedUnits_areSuccess()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    QVERIFY(f.begin(delivery));
    QVERIFY(f.begin(delivery));
    QVERIFY(f.accept(delivery));
    QVERIFY(f.accept(delivery));
    FinishTurn turn = ending(delivery, DeliveryState::Waiting);
    turn.outbound = {StoreFixture::draft(u"d-a"_s, u"reply:1"_s)};
    QVERIFY(async::blockOn(f.db().finishTurn(turn)));
    QVERIFY(async::blockOn(f.db().finishTurn(turn)));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM outbound_messages"_s).toInt(), 1);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM attempts"_s).toInt(), 1);
    // Another end of the same turn is not the same work.
    QVERIFY(isStale(async::blockOn(f.db().finishTurn(ending(delivery, DeliveryState::Cancelled)))));
}

void StoreTurnsTest::finish_wakesTheNext()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    for (const QString &name : {u"a"_s, u"b"_s, u"c"_s})
        f.ingest(name, u"t1"_s);
    QVERIFY(f.finish(f.claim(life).front(), DeliveryState::Completed).woke);
    QCOMPARE(f.state(u"d-a"_s), u"completed:no_reply"_s);
    QCOMPARE(f.state(u"d-b"_s), u"pending"_s);
    QCOMPARE(f.state(u"d-c"_s), u"waiting:lock"_s);
    QVERIFY(f.finish(f.claim(life).front(), DeliveryState::Completed).woke);
    QVERIFY(!f.finish(f.claim(life).front(), DeliveryState::Completed).woke);
}

void StoreTurnsTest::finish_pendingAgainKeepsItsPlace()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    f.ingest(u"b"_s, u"t1"_s);
    FinishTurn later = ending(f.claim(life).front(), DeliveryState::Pending);
    later.dueIn = kLong;
    QVERIFY(async::blockOn(f.db().finishTurn(later)));
    QVERIFY(f.claim(life).empty()); // neither is due: b stays behind a
    QCOMPARE(f.state(u"d-b"_s), u"waiting:lock"_s);
    f.sql(u"UPDATE deliveries SET due_at = 1 WHERE id = 'd-a'"_s);
    const auto again = f.claim(life);
    QCOMPARE(again.size(), size_t(1));
    QCOMPARE(again.front().id, u"d-a"_s);
    QCOMPARE(again.front().attempts, 2);
    QVERIFY(again.front().fence > later.held.fence);
}

void StoreTurnsTest::finish_withoutOutboundIsNotStuck()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    f.finish(f.claim(life).front(), DeliveryState::Waiting);
    QCOMPARE(f.state(u"d-a"_s), u"completed:no_reply"_s);
    // A reply that went out while the turn still ran has settled before there was anything to settle.
    f.ingest(u"b"_s, u"t2"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    std::vector<OutboundDraft> drafts{StoreFixture::draft(u"d-b"_s, u"reply:1"_s)};
    QVERIFY(async::blockOn(f.db().enqueueOutbound(drafts)));
    FinishOutbound sent;
    sent.life = life;
    sent.attempts = 1;
    sent.id = f.claimOutbound(life).front().id;
    sent.startedAt = fromMs(5);
    QVERIFY(async::blockOn(f.db().finishOutbound(sent)));
    QCOMPARE(f.state(u"d-b"_s), u"running"_s);
    f.finish(delivery, DeliveryState::Waiting, drafts);
    QCOMPARE(f.state(u"d-b"_s), u"completed:delivered"_s);
}

void StoreTurnsTest::finish_deadKeepsErrorAndWakes()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    f.ingest(u"b"_s, u"t1"_s);
    FinishTurn dead = ending(f.claim(life).front(), DeliveryState::Dead);
    dead.errorCode = u"agent_gone"_s;
    const auto finished = async::blockOn(f.db().finishTurn(dead));
    QVERIFY(finished);
    QVERIFY(finished->woke);
    QCOMPARE(f.state(u"d-a"_s), u"dead"_s);
    QCOMPARE(f.sql(u"SELECT error_code FROM deliveries WHERE id = 'd-a'"_s).toString(), u"agent_gone"_s);
    QVERIFY(f.sql(u"SELECT finished_at FROM deliveries WHERE id = 'd-a'"_s).toLongLong() > 0);
}

void StoreTurnsTest::noteStage_keepsEachTry()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    for (int number = 1; number <= 3; ++number) {
        NoteStage note;
        note.held = HeldDelivery(delivery.id, delivery.fence);
        note.stage = domain::Stage::Recovering;
        note.waitsForRuntime = true;
        note.errorCode = u"acp_unavailable"_s;
        note.what = number < 3 ? u"exchange"_s : u"open"_s;
        note.attemptId = u"at-%1"_s.arg(number);
        note.number = number;
        note.target = u"agent"_s;
        QVERIFY(async::blockOn(f.db().noteStage(note)));
        QVERIFY(async::blockOn(f.db().noteStage(note))); // the unit may run twice
    }
    QVERIFY(f.begin(delivery));
    const auto detail = async::blockOn(f.db().deliveryDetail(u"d-a"_s));
    QVERIFY(detail);
    QStringList kinds;
    for (const auto &attempt : detail->attempts)
        kinds << attempt.what;
    kinds.sort();
    QCOMPARE(kinds, QStringList({u"exchange"_s, u"exchange"_s, u"open"_s, u"turn"_s}));
}

void StoreTurnsTest::beginTurn_saysItsNoticesOnce()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    BeginTurn begin;
    begin.held = HeldDelivery(delivery.id, delivery.fence);
    begin.attemptId = u"at"_s;
    begin.notices.push_back(StoreFixture::draft(u"d-a"_s, u"notice:context_lost"_s));
    QVERIFY(async::blockOn(f.db().beginTurn(begin)));
    QVERIFY(async::blockOn(f.db().beginTurn(begin)));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM outbound_messages"_s).toInt(), 1);
}

// A delivery gives up after prompts that could not be handed over, however often engines came and went.
void StoreTurnsTest::onlyFailedHandOversCount()
{
    SIGNALBOX_STORE(f);
    EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    ClaimedDelivery delivery = f.claim(life).front();
    for (int lives = 0; lives < 3; ++lives) {
        QVERIFY(f.reopen());
        life = f.engine();
        delivery = f.claim(life).front();
    }
    QCOMPARE(delivery.attempts, 4);
    QCOMPARE(delivery.notSent, 0);
    FinishTurn again;
    again.held = HeldDelivery(delivery.id, delivery.fence);
    again.state = DeliveryState::Pending;
    again.countsNotSent = true;
    QVERIFY(async::blockOn(f.db().finishTurn(again)));
    delivery = f.claim(life).front();
    QCOMPARE(delivery.notSent, 1);
    // The last try ends the attempt that is open.
    QVERIFY(f.begin(delivery));
    FinishTurn dead;
    dead.held = HeldDelivery(delivery.id, delivery.fence);
    dead.errorCode = u"not_sent"_s;
    QVERIFY(async::blockOn(f.db().finishTurn(dead)));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM attempts WHERE outcome = 'running'"_s).toInt(), 0);
}

QTEST_GUILESS_MAIN(StoreTurnsTest)
#include "tst_store_turns.moc"
