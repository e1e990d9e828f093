// SPDX-License-Identifier: Apache-2.0
// How far a held delivery has come, one whose prompt may have left, and what is tried once more (DESIGN.md
// steps 4 and 5 and "Operator actions"), on both databases.
#include "store/units.h"
#include "store_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using signalbox::domain::DeliveryState;
using signalbox::domain::OutboundKind;
using signalbox::domain::Outcome;
using signalbox::domain::PromptState;
using signalbox::domain::Stage;
using signalbox::testing::StoreFixture;

namespace {

HeldDelivery held(const ClaimedDelivery &delivery)
{
    return HeldDelivery(delivery.id, delivery.fence);
}

FinishTurn unconfirmed(const ClaimedDelivery &delivery, const QString &retryId = {})
{
    FinishTurn turn;
    turn.held = held(delivery);
    turn.state = DeliveryState::Unconfirmed;
    turn.errorCode = u"interrupted"_s;
    turn.attemptOutcome = u"unknown"_s;
    turn.retryId = retryId;
    return turn;
}

NoteStage recovering(const HeldDelivery &delivery)
{
    NoteStage note;
    note.held = delivery;
    note.stage = Stage::Recovering;
    note.waitsForRuntime = true;
    note.errorCode = u"acp_unavailable"_s;
    return note;
}

template <class T>
bool isStale(const T &result)
{
    return !result && result.error().code() == ErrorCode::Conflict && result.error().native() == u"stale";
}

} // namespace

class StoreRecoveryTest : public QObject
{
    Q_OBJECT

private:
    static QString value(StoreFixture &f, const QString &column, const QString &id)
    {
        return f.sql(u"SELECT %1 FROM deliveries WHERE id = '%2'"_s.arg(column, id)).toString();
    }
    static int count(StoreFixture &f, const QString &from)
    {
        return f.sql(u"SELECT COUNT(*) FROM "_s + from).toInt();
    }
    // Nobody was told of anything since `head`.
    static bool isQuiet(StoreFixture &f, const FeedCursor &head)
    {
        const auto batch = async::blockOn(f.db().readFeed(head, 10));
        return batch && batch->entries.empty();
    }
    static FeedCursor head(StoreFixture &f)
    {
        const auto cursor = async::blockOn(f.db().feedHead());
        if (!cursor)
            qFatal("feedHead: %s", qPrintable(cursor.error().toString()));
        return *cursor;
    }

private Q_SLOTS:
    void noteStage_showsWhereItIs();
    void noteStage_keepsTheLock();
    void noteStage_underAnotherFenceIsStale();
    void beginTurn_endsTheWaitForTheRuntime();
    void fenced_isNeverBegunAgain();
    void fenced_endsByWhatWasFound();
    void notSent_mayBeBegunAgain();
    void beginTurn_bindsTheSessionToItsRuntime();
    void unconfirmed_leavesTheSessionUnsettled();
    void retry_isOneLinkedDeliveryAtTheTail();
    void retry_runsAtOnceWhenNothingElseDoes();
    void retry_isMadeOnce();
    void retry_withoutTextIsRefused();
    void unconfirmed_withoutTextIsLeftToAPerson();
    void retry_ofSomebodysDecisionKeepsTheirs();
    void status_isCancelledByTheEndOfTheTurn();
    void dropStatus_withdrawsWhatIsNotOnItsWay();
    void ignored_leavesNoText();
    void runtime_isWrittenWhenItIsNews();
};

void StoreRecoveryTest::noteStage_showsWhereItIs()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    QCOMPARE(value(f, u"stage"_s, u"d-a"_s), u"binding"_s);
    for (int run = 0; run < 2; ++run) {
        QVERIFY(async::blockOn(f.db().noteStage(recovering(held(delivery)))));
        QCOMPARE(f.state(u"d-a"_s), u"waiting:runtime"_s);
        QCOMPARE(value(f, u"stage"_s, u"d-a"_s), u"recovering"_s);
        QCOMPARE(value(f, u"error_code"_s, u"d-a"_s), u"acp_unavailable"_s);
    }
    NoteStage asking;
    asking.held = held(delivery);
    asking.stage = Stage::Binding;
    QVERIFY(async::blockOn(f.db().noteStage(asking)));
    QCOMPARE(f.state(u"d-a"_s), u"running"_s);
    QCOMPARE(value(f, u"stage"_s, u"d-a"_s), u"binding"_s);
    QCOMPARE(value(f, u"error_code"_s, u"d-a"_s), QString());
    f.finish(delivery, DeliveryState::Completed);
    QCOMPARE(value(f, u"stage"_s, u"d-a"_s), QString());
    QVERIFY(isStale(async::blockOn(f.db().noteStage(recovering(held(delivery)))))); // it is over
    QCOMPARE(f.state(u"d-a"_s), u"completed:no_reply"_s);
}

void StoreRecoveryTest::noteStage_keepsTheLock()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    QVERIFY(async::blockOn(f.db().noteStage(recovering(held(delivery)))));
    QVERIFY(!f.ingest(u"b"_s, u"t1"_s).ready); // it still blocks its session
    QCOMPARE(f.state(u"d-b"_s), u"waiting:lock"_s);
    QVERIFY(f.claim(life).empty());
    QCOMPARE(f.sql(u"SELECT lock_holder FROM sessions"_s).toString(), u"d-a"_s);
    // Whoever stops hands it back, and it keeps its place.
    QVERIFY(f.reopen());
    const EngineLife next = f.engine();
    QCOMPARE(f.state(u"d-a"_s), u"pending"_s);
    QCOMPARE(value(f, u"stage"_s, u"d-a"_s), QString());
    QCOMPARE(f.state(u"d-b"_s), u"waiting:lock"_s);
    const auto again = f.claim(next);
    QCOMPARE(again.size(), size_t(1));
    QCOMPARE(again.front().id, u"d-a"_s);
    QCOMPARE(again.front().promptState, PromptState::None);
    QCOMPARE(again.front().attempts, 2);
    QVERIFY(f.begin(again.front()));
}

void StoreRecoveryTest::noteStage_underAnotherFenceIsStale()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    const FeedCursor before = head(f);
    for (const int off : {-1, 1})
        QVERIFY(isStale(
            async::blockOn(f.db().noteStage(recovering(HeldDelivery(delivery.id, delivery.fence + off))))));
    QVERIFY(isStale(async::blockOn(f.db().noteStage(recovering(HeldDelivery(u"d-none"_s, 1))))));
    QCOMPARE(f.state(u"d-a"_s), u"running"_s);
    QVERIFY(isQuiet(f, before));
}

void StoreRecoveryTest::beginTurn_endsTheWaitForTheRuntime()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    QVERIFY(async::blockOn(f.db().noteStage(recovering(held(delivery)))));
    QVERIFY(f.begin(delivery));
    QCOMPARE(f.state(u"d-a"_s), u"running"_s);
    QCOMPARE(value(f, u"stage"_s, u"d-a"_s), u"prompting"_s);
    QCOMPARE(value(f, u"error_code"_s, u"d-a"_s), QString());
    // While its interrupted turn is looked for, its acceptance may still be noted.
    NoteStage adopting = recovering(held(delivery));
    adopting.stage = Stage::Adopting;
    QVERIFY(async::blockOn(f.db().noteStage(adopting)));
    QVERIFY(f.accept(delivery));
    QCOMPARE(f.state(u"d-a"_s), u"waiting:runtime"_s);
    QVERIFY(async::blockOn(f.db().finishTurn(unconfirmed(delivery))));
    QCOMPARE(f.state(u"d-a"_s), u"unconfirmed"_s);
}

void StoreRecoveryTest::fenced_isNeverBegunAgain()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    ClaimedDelivery delivery = f.claim(life).front();
    QVERIFY(f.begin(delivery));
    QVERIFY(f.begin(delivery)); // this very unit, run again
    QCOMPARE(count(f, u"attempts"_s), 1);
    const QString sentAt = value(f, u"prompt_sent_at"_s, u"d-a"_s);
    for (int run = 0; run < 3; ++run) { // however many lives look for it
        QVERIFY(f.reopen());
        delivery = f.claim(f.engine()).front();
        QCOMPARE(delivery.promptState, PromptState::Sending);
        const FeedCursor before = head(f);
        QVERIFY(isStale(f.begin(delivery)));
        QVERIFY(isQuiet(f, before));
        QCOMPARE(f.state(u"d-a"_s), u"running"_s); // still held
        QCOMPARE(value(f, u"prompt_state"_s, u"d-a"_s), u"sending"_s);
        QCOMPARE(value(f, u"prompt_sent_at"_s, u"d-a"_s), sentAt);
        QCOMPARE(count(f, u"attempts WHERE outcome = 'running'"_s), 0);
    }
    QVERIFY(!delivery.payload.isEmpty());
}

void StoreRecoveryTest::fenced_endsByWhatWasFound()
{
    SIGNALBOX_STORE(f);
    f.ingest(u"a"_s, u"t1"_s);
    QVERIFY(f.begin(f.claim(f.engine()).front()));
    const EngineLife next = f.engine();
    const ClaimedDelivery delivery = f.claim(next).front();
    FinishTurn adopted;
    adopted.held = held(delivery);
    adopted.state = DeliveryState::Waiting;
    adopted.attemptId = u"a-look"_s;
    adopted.attemptTarget = u"agent"_s;
    adopted.attemptSent = u"{\"looked_for\":true}"_s;
    adopted.attemptOutcome = u"ok"_s;
    adopted.received = u"{\"adopted\":true}"_s;
    adopted.outbound = {StoreFixture::draft(u"d-a"_s, u"reply:1"_s)};
    for (int run = 0; run < 2; ++run) {
        QVERIFY(async::blockOn(f.db().finishTurn(adopted)));
        QCOMPARE(f.state(u"d-a"_s), u"waiting:outbound"_s);
        QCOMPARE(count(f, u"outbound_messages"_s), 1);
        // The turn that was cut off, and the look: each its own attempt.
        QCOMPARE(count(f, u"attempts"_s), 2);
        QCOMPARE(f.sql(u"SELECT outcome FROM attempts WHERE number = 1"_s).toString(), u"unknown"_s);
        QCOMPARE(f.sql(u"SELECT outcome FROM attempts WHERE number = 2"_s).toString(), u"ok"_s);
        QCOMPARE(f.sql(u"SELECT sent FROM attempts WHERE id = 'a-look'"_s).toString(), adopted.attemptSent);
        QCOMPARE(f.sql(u"SELECT received FROM attempts WHERE id = 'a-look'"_s).toString(), adopted.received);
    }
    QCOMPARE(f.sql(u"SELECT unsettled FROM sessions"_s).toInt(), 0); // it is known to have ended
}

void StoreRecoveryTest::notSent_mayBeBegunAgain()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    ClaimedDelivery delivery = f.claim(life).front();
    QVERIFY(f.begin(delivery));
    FinishTurn again; // refused before the first byte left
    again.held = held(delivery);
    again.state = DeliveryState::Pending;
    again.errorCode = u"not_sent"_s;
    again.attemptOutcome = u"failed"_s;
    QVERIFY(async::blockOn(f.db().finishTurn(again)));
    delivery = f.claim(life).front();
    QCOMPARE(delivery.promptState, PromptState::None);
    QVERIFY(f.begin(delivery));
    QCOMPARE(value(f, u"prompt_state"_s, u"d-a"_s), u"sending"_s);
    QCOMPARE(count(f, u"attempts"_s), 2);
}

void StoreRecoveryTest::beginTurn_bindsTheSessionToItsRuntime()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    QCOMPARE(delivery.runtimeInstance, QString());
    BeginTurn begin;
    begin.held = held(delivery);
    begin.attemptId = u"a1"_s;
    begin.backend = u"agent"_s;
    begin.agentSession = u"s1"_s;
    begin.runtimeNamespace = u"ns"_s;
    begin.runtimeInstance = u"runtime-1"_s;
    QVERIFY(async::blockOn(f.db().beginTurn(begin)));
    f.finish(delivery, DeliveryState::Completed);
    f.ingest(u"b"_s, u"t1"_s);
    const ClaimedDelivery next = f.claim(life).front();
    QCOMPARE(next.agentSession, u"s1"_s);
    QCOMPARE(next.runtimeNamespace, u"ns"_s);
    QCOMPARE(next.runtimeInstance, u"runtime-1"_s);
    QVERIFY(!next.unsettled);
}

void StoreRecoveryTest::unconfirmed_leavesTheSessionUnsettled()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    for (const QString &name : {u"a"_s, u"b"_s, u"c"_s, u"d"_s})
        f.ingest(name, u"t1"_s);
    f.ingest(u"other"_s, u"t2"_s);
    const auto first = f.claim(life);
    QCOMPARE(first.size(), size_t(2));
    const ClaimedDelivery &a = first.front().id == u"d-a" ? first.front() : first.back();
    QVERIFY(f.begin(a));
    QVERIFY(async::blockOn(f.db().finishTurn(unconfirmed(a))));
    QCOMPARE(count(f, u"sessions WHERE unsettled = 1"_s), 1);
    // Told until a turn has begun that has cancelled what may still run.
    const ClaimedDelivery b = f.claim(life).front();
    QCOMPARE(b.id, u"d-b"_s);
    QVERIFY(b.unsettled);
    f.finish(b, DeliveryState::Dead); // its runtime was never reached
    const ClaimedDelivery c = f.claim(life).front();
    QVERIFY(c.unsettled);
    BeginTurn begin;
    begin.held = held(c);
    begin.attemptId = u"a-c"_s;
    begin.backend = u"agent"_s;
    begin.agentSession = u"agent-session"_s;
    QVERIFY(async::blockOn(f.db().beginTurn(begin)));
    QCOMPARE(count(f, u"sessions WHERE unsettled = 1"_s), 1); // this one has cancelled nothing
    begin.settles = true;
    QVERIFY(async::blockOn(f.db().beginTurn(begin)));
    QCOMPARE(count(f, u"sessions WHERE unsettled = 1"_s), 0);
    f.finish(c, DeliveryState::Completed);
    QVERIFY(!f.claim(life).front().unsettled);
}

void StoreRecoveryTest::retry_isOneLinkedDeliveryAtTheTail()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    for (const QString &name : {u"a"_s, u"b"_s, u"c"_s})
        f.ingest(name, u"t1"_s);
    const ClaimedDelivery parent = f.claim(life).front();
    QVERIFY(f.begin(parent));
    const FinishTurn turn = unconfirmed(parent, u"d-again"_s);
    for (int run = 0; run < 2; ++run) { // a commit of unknown outcome
        const auto finished = async::blockOn(f.db().finishTurn(turn));
        QVERIFY2(finished, finished ? "" : qPrintable(finished.error().toString()));
        QVERIFY(finished->woke);
        QCOMPARE(count(f, u"deliveries"_s), 4);
        QCOMPARE(count(f, u"deliveries WHERE parent_id = 'd-a'"_s), 1);
        QCOMPARE(f.state(u"d-a"_s), u"unconfirmed"_s);
        QCOMPARE(f.state(u"d-again"_s), u"waiting:lock"_s);
    }
    QCOMPARE(value(f, u"resolution"_s, u"d-a"_s), u"retried"_s);
    QCOMPARE(value(f, u"resolved_by"_s, u"d-a"_s), u"policy"_s);
    QVERIFY(value(f, u"resolved_at"_s, u"d-a"_s).toLongLong() > 0);
    const auto counts = async::blockOn(f.db().counts());
    QVERIFY(counts);
    QCOMPARE(counts->needPerson, 0);
    QStringList order;
    ClaimedDelivery last;
    for (int i = 0; i < 3; ++i) {
        const auto claimed = f.claim(life);
        QCOMPARE(claimed.size(), size_t(1));
        last = claimed.front();
        order << last.id;
        f.finish(last, DeliveryState::Completed);
    }
    QCOMPARE(order, QStringList({u"d-b"_s, u"d-c"_s, u"d-again"_s}));
    QCOMPARE(last.payload, parent.payload);
    QCOMPARE(last.messageTs, parent.messageTs);
    QCOMPARE(last.place, parent.place);
    QCOMPARE(last.thread, parent.thread);
    QCOMPARE(last.user, parent.user);
    QCOMPARE(last.installationId, parent.installationId);
    QCOMPARE(last.mentioned, parent.mentioned);
    QCOMPARE(last.direct, parent.direct);
    QCOMPARE(last.promptState, PromptState::None); // prompted as what it is: another delivery
    QVERIFY(last.unsettled);
}

void StoreRecoveryTest::retry_runsAtOnceWhenNothingElseDoes()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery parent = f.claim(life).front();
    QVERIFY(f.begin(parent));
    const auto finished = async::blockOn(f.db().finishTurn(unconfirmed(parent, u"d-again"_s)));
    QVERIFY(finished);
    QVERIFY(finished->woke);
    QCOMPARE(f.state(u"d-again"_s), u"pending"_s);
    const auto claimed = f.claim(life);
    QCOMPARE(claimed.size(), size_t(1));
    QCOMPARE(claimed.front().id, u"d-again"_s);
    QVERIFY(claimed.front().unsettled);
    QVERIFY(claimed.front().isRetry); // told, so that nobody tries it once more again
    QVERIFY(!parent.isRetry);
    QVERIFY(f.begin(claimed.front()));
}

void StoreRecoveryTest::retry_isMadeOnce()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    f.finish(f.claim(life).front(), DeliveryState::Unconfirmed);
    Connection connection(*DatabaseTarget::parse(f.url(), QString()), f.clock, u"again"_s);
    QVERIFY(connection.open(false));
    Session session(connection);
    for (int run = 0; run < 2; ++run) {
        const auto ready = insertRetry(session, u"d-a"_s, u"d-again"_s, u"retried"_s, u"anna"_s);
        QVERIFY2(ready, ready ? "" : qPrintable(ready.error().toString()));
        QVERIFY(*ready);
        QCOMPARE(count(f, u"deliveries"_s), 2);
        QCOMPARE(count(f, u"payloads"_s), 2);
    }
    QCOMPARE(value(f, u"resolved_by"_s, u"d-a"_s), u"anna"_s);
    QCOMPARE(f.sql(u"SELECT next_ordinal FROM sessions"_s).toInt(),
        f.sql(u"SELECT MAX(ordinal) FROM deliveries"_s).toInt());
}

void StoreRecoveryTest::retry_withoutTextIsRefused()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    f.finish(f.claim(life).front(), DeliveryState::Unconfirmed);
    f.sql(u"DELETE FROM payloads"_s);
    Connection connection(*DatabaseTarget::parse(f.url(), QString()), f.clock, u"again"_s);
    QVERIFY(connection.open(false));
    Session session(connection);
    const auto refused = insertRetry(session, u"d-a"_s, u"d-again"_s, u"retried"_s, u"anna"_s);
    QVERIFY(!refused);
    QCOMPARE(refused.error().code(), ErrorCode::Conflict);
    QCOMPARE(refused.error().native(), u"payload_expired"_s);
    QCOMPARE(count(f, u"deliveries"_s), 1);
    QVERIFY(f.sql(u"SELECT resolution FROM deliveries"_s).isNull());
    const auto unknown = insertRetry(session, u"d-none"_s, u"d-again"_s, u"retried"_s, u"anna"_s);
    QVERIFY(!unknown);
}

// Policy wants a retry that is not possible any more: that must not cost the outcome.
void StoreRecoveryTest::unconfirmed_withoutTextIsLeftToAPerson()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    QVERIFY(f.begin(delivery));
    f.sql(u"DELETE FROM payloads"_s);
    const auto finished = async::blockOn(f.db().finishTurn(unconfirmed(delivery, u"d-again"_s)));
    QVERIFY2(finished, finished ? "" : qPrintable(finished.error().toString()));
    QVERIFY(!finished->woke);
    QCOMPARE(f.state(u"d-a"_s), u"unconfirmed"_s);
    QVERIFY(f.sql(u"SELECT resolution FROM deliveries"_s).isNull());
    QCOMPARE(count(f, u"deliveries"_s), 1);
    QCOMPARE(count(f, u"sessions WHERE unsettled = 1"_s), 1);
    const auto counts = async::blockOn(f.db().counts());
    QVERIFY(counts);
    QCOMPARE(counts->needPerson, 1);
}

void StoreRecoveryTest::retry_ofSomebodysDecisionKeepsTheirs()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    f.finish(f.claim(life).front(), DeliveryState::Dead);
    f.sql(u"UPDATE deliveries SET resolution = 'discarded', resolved_by = 'ben', resolved_at = 5"_s);
    Connection connection(*DatabaseTarget::parse(f.url(), QString()), f.clock, u"again"_s);
    QVERIFY(connection.open(false));
    Session session(connection);
    QVERIFY(insertRetry(session, u"d-a"_s, u"d-again"_s, u"replayed"_s, u"anna"_s));
    QCOMPARE(value(f, u"resolution"_s, u"d-a"_s), u"discarded"_s);
    QCOMPARE(value(f, u"resolved_by"_s, u"d-a"_s), u"ben"_s);
    QCOMPARE(value(f, u"parent_id"_s, u"d-again"_s), u"d-a"_s);
}

void StoreRecoveryTest::status_isCancelledByTheEndOfTheTurn()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    OutboundDraft status = StoreFixture::draft(u"d-a"_s, u"status:runtime"_s);
    status.kind = OutboundKind::Status;
    OutboundDraft another = StoreFixture::draft(u"d-b"_s, u"status:runtime"_s);
    another.kind = OutboundKind::Status;
    std::vector<OutboundDraft> drafts{status, another};
    QVERIFY(async::blockOn(f.db().enqueueOutbound(drafts)));
    FinishTurn turn;
    turn.held = held(delivery);
    turn.state = DeliveryState::Waiting;
    turn.outbound = {StoreFixture::draft(u"d-a"_s, u"reply:1"_s)};
    QVERIFY(async::blockOn(f.db().finishTurn(turn)));
    QCOMPARE(f.outboundState(status.id), u"cancelled"_s);
    QCOMPARE(f.outboundState(another.id), u"pending"_s); // another delivery's
    QCOMPARE(f.outboundState(u"o-d-a-reply:1-1"_s), u"pending"_s);
    // It fails nothing: only replies count for the outcome.
    QCOMPARE(f.state(u"d-a"_s), u"waiting:outbound"_s);
    FinishOutbound sent;
    sent.life = life;
    sent.startedAt = fromMs(5);
    for (int round = 0; round < 2; ++round) { // the same lane, one behind the other
        for (const ClaimedOutbound &row : f.claimOutbound(life)) {
            QVERIFY(row.id != status.id);
            sent.id = row.id;
            sent.attempts = row.attempts;
            QVERIFY(async::blockOn(f.db().finishOutbound(sent)));
        }
    }
    QCOMPARE(f.state(u"d-a"_s), u"completed:delivered"_s);
}

void StoreRecoveryTest::dropStatus_withdrawsWhatIsNotOnItsWay()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    QCOMPARE(f.claim(life).size(), size_t(1));
    OutboundDraft sending = StoreFixture::draft(u"d-a"_s, u"status:first"_s);
    sending.kind = OutboundKind::Status;
    std::vector<OutboundDraft> first{sending};
    QVERIFY(async::blockOn(f.db().enqueueOutbound(first)));
    QCOMPARE(f.claimOutbound(life).size(), size_t(1));
    OutboundDraft waiting = StoreFixture::draft(u"d-a"_s, u"status:second"_s);
    waiting.kind = OutboundKind::Status;
    OutboundDraft notice = StoreFixture::draft(u"d-a"_s, u"notice:x"_s);
    notice.kind = OutboundKind::Notice;
    std::vector<OutboundDraft> more{waiting, notice};
    QVERIFY(async::blockOn(f.db().enqueueOutbound(more)));
    QVERIFY(async::blockOn(f.db().dropStatus(u"d-a"_s)));
    QCOMPARE(f.outboundState(sending.id), u"sending"_s); // too late for that one
    QCOMPARE(f.outboundState(waiting.id), u"cancelled"_s);
    QCOMPARE(f.outboundState(notice.id), u"pending"_s);
    QCOMPARE(f.state(u"d-a"_s), u"running"_s);
    const FeedCursor before = head(f);
    QVERIFY(async::blockOn(f.db().dropStatus(u"d-a"_s))); // nothing left
    QVERIFY(isQuiet(f, before));
}

void StoreRecoveryTest::ignored_leavesNoText()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    f.ingest(u"b"_s, u"t2"_s);
    for (const ClaimedDelivery &delivery : f.claim(life)) {
        QVERIFY(!delivery.payload.isEmpty());
        FinishTurn turn;
        turn.held = held(delivery);
        turn.state = DeliveryState::Completed;
        turn.outcome = Outcome::Ignored;
        turn.dropPayload = delivery.id == u"d-a";
        QVERIFY(async::blockOn(f.db().finishTurn(turn)));
        QVERIFY(async::blockOn(f.db().finishTurn(turn)));
    }
    QCOMPARE(f.state(u"d-a"_s), u"completed:ignored"_s);
    QCOMPARE(count(f, u"payloads WHERE id = 'd-a'"_s), 0);
    QCOMPARE(count(f, u"payloads WHERE id = 'd-b'"_s), 1);
    QCOMPARE(count(f, u"attempts"_s), 0);
}

void StoreRecoveryTest::runtime_isWrittenWhenItIsNews()
{
    SIGNALBOX_STORE(f);
    ObservedRuntime seen;
    seen.backend = u"prod"_s;
    seen.nameSpace = u"ns"_s;
    seen.instanceId = u"runtime-1"_s;
    seen.phase = u"recovering"_s;
    seen.detail = u"acp_unavailable"_s;
    const auto observe
        = [&f](const ObservedRuntime &what) { return async::blockOn(f.db().observeRuntime(what)); };
    QVERIFY(observe(seen));
    QCOMPARE(count(f, u"runtimes"_s), 1);
    QCOMPARE(f.sql(u"SELECT rev FROM runtimes"_s).toInt(), 1);
    QCOMPARE(f.sql(u"SELECT phase_source FROM runtimes"_s).toString(), u"observed"_s);
    const FeedCursor before = head(f);
    f.clock.advance(Millis(5000));
    QVERIFY(observe(seen));
    QCOMPARE(f.sql(u"SELECT rev FROM runtimes"_s).toInt(), 1);
    QVERIFY(isQuiet(f, before));
    seen.detail = u"timeout"_s;
    QVERIFY(observe(seen));
    seen.phase = u"ready"_s;
    seen.detail.clear();
    QVERIFY(observe(seen));
    QCOMPARE(f.sql(u"SELECT rev FROM runtimes"_s).toInt(), 3);
    QCOMPARE(f.sql(u"SELECT phase FROM runtimes"_s).toString(), u"ready"_s);
    const auto batch = async::blockOn(f.db().readFeed(before, 10));
    QVERIFY(batch);
    QVERIFY(!batch->entries.empty());
    // Another namespace's runtime of the same name is another one.
    seen.nameSpace = u"ns2"_s;
    QVERIFY(observe(seen));
    QCOMPARE(count(f, u"runtimes"_s), 2);
}

QTEST_GUILESS_MAIN(StoreRecoveryTest)
#include "tst_store_recovery.moc"
