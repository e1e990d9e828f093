// SPDX-License-Identifier: Apache-2.0
#include "store/action_records.h"
#include "store_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using namespace signalbox::testing;
using domain::Act;
using domain::ActionRequest;
using domain::ActionResult;
using domain::DeliveryState;

// What operators do, on both databases: effect, audit and answer in one transaction (DESIGN.md "Operator
// actions").
class StoreActionsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void aReleaseEndsTheHolderAndWakesTheNext();
    void aReleaseBeforeThePromptCancels();
    void aReleaseOfWhatWasNotSeenChangesNothing();
    void anExtensionOutlivesRenewals();
    void aReplayIsANewDeliveryAtTheTail();
    void aReplayToAnotherBackendHasItsOwnSession();
    void aReplayWithoutItsTextIsRefused();
    void confirmingAndDiscardingSettleOnce();
    void cancellingFreesWhatWaits();
    void pausesHoldBackWhatTheyName();
    void aPausedPromptDoesNotBegin();
    void replaysPassAPausedIntake();
    void clocksStandStillDuringAPause();
    void aResumeAtARateSpreadsWhatWasHeld();
    void aRepeatedReleaseStillNamesTheTurn();
    void aKeyIsAnsweredOnce();
    void locksAndTheAuditAreListed();
    void anExplanationCollectsTheFacts();
};

namespace {

int s_made = 0;

ActionOrder order(Act act, const QString &id)
{
    ActionOrder order;
    order.request = ActionRequest(act, id, u"because"_s);
    order.request.actor = u"token:ops"_s;
    const QString number = u"%1"_s.arg(++s_made, 4, 10, QChar(u'0'));
    order.auditId = u"au-"_s + number;
    order.newDeliveryId = u"dx-"_s + number;
    order.noticeId = u"on-"_s + number;
    order.ackRemovalId = u"oa-"_s + number;
    order.payloadTtl = Millis(3'600'000);
    order.lockTtl = Millis(180'000);
    return order;
}

Result<ActionResult> act(StoreFixture &f, const ActionOrder &order)
{
    return async::blockOn(f.db().act(order));
}

ActionOrder pauseOrder(Act what, const QString &scope, const QString &id, const QString &kind)
{
    ActionOrder pause = order(what, id);
    pause.request.scope = scope;
    pause.request.what = kind;
    return pause;
}

qint64 audits(StoreFixture &f)
{
    return f.sql(u"SELECT COUNT(*) FROM audit"_s).toLongLong();
}

} // namespace

void StoreActionsTest::aReleaseEndsTheHolderAndWakesTheNext()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"1"_s, u"t"_s);
    f.ingest(u"2"_s, u"t"_s);
    const auto claimed = f.claim(life);
    QCOMPARE(claimed.size(), 1U);
    QVERIFY(f.begin(claimed[0]));
    ActionOrder release = order(Act::ReleaseLock, u"se_t"_s);
    release.request.expectedFence = claimed[0].fence;
    const auto done = act(f, release);
    QVERIFY2(done, done ? "" : qPrintable(done.error().toString()));
    QVERIFY(done->orders);
    const auto orders = async::blockOn(f.db().engineOrders(life, 10));
    QVERIFY(orders);
    QCOMPARE(orders->size(), 1U);
    QCOMPARE(orders->front().kind, u"cancel"_s);
    QCOMPARE(orders->front().subjectId, u"d-1"_s);
    QVERIFY(async::blockOn(f.db().finishOrders(*orders)));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM engine_orders"_s).toInt(), 0);
    QVERIFY(done->wakes);
    QCOMPARE(done->fence, claimed[0].fence + 1);
    QCOMPARE(f.state(u"d-1"_s), u"unconfirmed"_s);
    QCOMPARE(f.sql(u"SELECT error_code FROM deliveries WHERE id = 'd-1'"_s).toString(), u"released"_s);
    QCOMPARE(f.sql(u"SELECT purpose FROM outbound_messages WHERE delivery_id = 'd-1'"_s).toString(),
        u"notice:released"_s);
    QCOMPARE(f.sql(u"SELECT unsettled FROM sessions WHERE id = 'se_t'"_s).toInt(), 1);
    QCOMPARE(f.sql(u"SELECT outcome FROM attempts WHERE delivery_id = 'd-1'"_s).toString(), u"unknown"_s);
    QCOMPARE(audits(f), 1);
    // Nothing of the old holder counts any more.
    FinishTurn late;
    late.held = HeldDelivery(claimed[0].id, claimed[0].fence);
    late.state = DeliveryState::Waiting;
    late.outbound.push_back(StoreFixture::draft(u"d-1"_s, u"reply:1"_s));
    QVERIFY(!async::blockOn(f.db().finishTurn(late)));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM outbound_messages"_s).toInt(), 1);
    const auto next = f.claim(life);
    QCOMPARE(next.size(), 1U);
    QCOMPARE(next[0].id, u"d-2"_s);
    QVERIFY(next[0].fence > done->fence);
    QVERIFY(next[0].unsettled);
}

void StoreActionsTest::aReleaseBeforeThePromptCancels()
{
    SIGNALBOX_STORE(f);
    const auto life = f.engine();
    f.ingest(u"1"_s, u"t"_s);
    const auto claimed = f.claim(life);
    ActionOrder release = order(Act::ReleaseLock, u"se_t"_s);
    release.request.expectedFence = claimed[0].fence;
    QVERIFY(act(f, release));
    QCOMPARE(f.state(u"d-1"_s), u"cancelled"_s);
    QVERIFY(!f.begin(claimed[0]));
    QCOMPARE(f.sql(u"SELECT unsettled FROM sessions WHERE id = 'se_t'"_s).toInt(), 0);
}

void StoreActionsTest::aReleaseOfWhatWasNotSeenChangesNothing()
{
    SIGNALBOX_STORE(f);
    const auto life = f.engine();
    f.ingest(u"1"_s, u"t"_s);
    ActionOrder release = order(Act::ReleaseLock, u"se_t"_s);
    release.request.expectedFence = 0;
    QCOMPARE(act(f, release).error().native(), u"not_held"_s);
    const auto claimed = f.claim(life);
    release.request.expectedFence = claimed[0].fence + 1;
    QCOMPARE(act(f, release).error().native(), u"fence_differs"_s);
    ActionOrder unknown = order(Act::ReleaseLock, u"se_nobody"_s);
    unknown.request.expectedFence = 1;
    QCOMPARE(act(f, unknown).error().code(), ErrorCode::NotFound);
    QCOMPARE(f.state(u"d-1"_s), u"running"_s);
    QCOMPARE(audits(f), 0);
    QVERIFY(f.begin(claimed[0]));
}

void StoreActionsTest::anExtensionOutlivesRenewals()
{
    SIGNALBOX_STORE(f);
    const auto life = f.engine();
    f.ingest(u"1"_s, u"t"_s);
    QCOMPARE(f.claim(life).size(), 1U);
    const Instant until = fromMs(4'000'000'000'000);
    ActionOrder extend = order(Act::ExtendLock, u"se_t"_s);
    extend.request.until = until;
    QVERIFY(act(f, extend));
    QVERIFY(async::blockOn(f.db().renewLease(life, Millis(15'000), Millis(180'000))));
    QCOMPARE(f.sql(u"SELECT lock_expires_at FROM sessions WHERE id = 'se_t'"_s).toLongLong(), toMs(until));
    extend = order(Act::ExtendLock, u"se_t"_s);
    extend.request.until = fromMs(1000);
    QCOMPARE(act(f, extend).error().code(), ErrorCode::InvalidInput);
}

void StoreActionsTest::aReplayIsANewDeliveryAtTheTail()
{
    SIGNALBOX_STORE(f);
    const auto life = f.engine();
    f.ingest(u"1"_s, u"t"_s);
    QCOMPARE(act(f, order(Act::Replay, u"d-1"_s)).error().native(), u"not_final"_s);
    const auto claimed = f.claim(life);
    f.finish(claimed[0], DeliveryState::Dead);
    f.ingest(u"2"_s, u"t"_s);
    const auto done = act(f, order(Act::Replay, u"d-1"_s));
    QVERIFY2(done, done ? "" : qPrintable(done.error().toString()));
    QCOMPARE(f.state(done->id), u"waiting:lock"_s);
    QCOMPARE(f.sql(u"SELECT parent_id FROM deliveries WHERE id = '%1'"_s.arg(done->id)).toString(), u"d-1"_s);
    QCOMPARE(f.sql(u"SELECT resolution FROM deliveries WHERE id = 'd-1'"_s).toString(), u"replayed"_s);
    QCOMPARE(f.sql(u"SELECT resolved_by FROM deliveries WHERE id = 'd-1'"_s).toString(), u"token:ops"_s);
    QCOMPARE(act(f, order(Act::Replay, u"d-none"_s)).error().code(), ErrorCode::NotFound);
}

void StoreActionsTest::aReplayToAnotherBackendHasItsOwnSession()
{
    SIGNALBOX_STORE(f);
    const auto life = f.engine();
    f.ingest(u"1"_s, u"t"_s);
    f.finish(f.claim(life)[0], DeliveryState::Dead);
    ActionOrder replay = order(Act::Replay, u"d-1"_s);
    replay.request.backend = u"other"_s;
    replay.perThread = true;
    const auto done = act(f, replay);
    QVERIFY2(done, done ? "" : qPrintable(done.error().toString()));
    const auto claimed = f.claim(life);
    QCOMPARE(claimed.size(), 1U);
    QCOMPARE(claimed[0].id, done->id);
    QCOMPARE(claimed[0].backend, u"other"_s);
    QVERIFY(claimed[0].sessionId != u"se_t"_s);
    QCOMPARE(claimed[0].place, u"C1"_s);
    QCOMPARE(claimed[0].thread, u"t"_s);
    QVERIFY(claimed[0].agentSession.isEmpty());
    QVERIFY(!claimed[0].payload.isEmpty());
    QCOMPARE(async::blockOn(f.db().deliveryDetail(done->id))->item.backend, u"other"_s);
}

void StoreActionsTest::aReplayWithoutItsTextIsRefused()
{
    SIGNALBOX_STORE(f);
    const auto life = f.engine();
    f.ingest(u"1"_s, u"t"_s);
    f.finish(f.claim(life)[0], DeliveryState::Dead);
    f.sql(u"DELETE FROM payloads"_s);
    const auto refused = act(f, order(Act::Replay, u"d-1"_s));
    QVERIFY(!refused);
    QCOMPARE(refused.error().code(), ErrorCode::Conflict);
    QCOMPARE(refused.error().native(), u"payload_expired"_s);
    QVERIFY(f.sql(u"SELECT resolution FROM deliveries WHERE id = 'd-1'"_s).isNull());
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM deliveries"_s).toInt(), 1);
    QCOMPARE(audits(f), 0);
}

void StoreActionsTest::confirmingAndDiscardingSettleOnce()
{
    SIGNALBOX_STORE(f);
    const auto life = f.engine();
    for (const QString &name : {u"1"_s, u"2"_s, u"3"_s})
        f.ingest(name, name);
    auto claimed = f.claim(life);
    QCOMPARE(claimed.size(), 3U);
    for (auto &delivery : claimed)
        f.finish(delivery, delivery.id == u"d-3" ? DeliveryState::Dead : DeliveryState::Unconfirmed);
    ActionOrder confirm = order(Act::Confirm, u"d-1"_s);
    confirm.request.as = u"delivered"_s;
    QVERIFY(act(f, confirm));
    QCOMPARE(f.sql(u"SELECT resolution FROM deliveries WHERE id = 'd-1'"_s).toString(), u"delivered"_s);
    QCOMPARE(act(f, confirm).error().native(), u"settled"_s);
    ActionOrder retry = order(Act::Confirm, u"d-2"_s);
    retry.request.as = u"retry"_s;
    const auto again = act(f, retry);
    QVERIFY(again);
    QCOMPARE(f.state(again->id), u"pending"_s);
    QCOMPARE(f.sql(u"SELECT resolution FROM deliveries WHERE id = 'd-2'"_s).toString(), u"retried"_s);
    QCOMPARE(act(f, order(Act::Discard, u"d-2"_s)).error().native(), u"not_dead"_s);
    QVERIFY(act(f, order(Act::Discard, u"d-3"_s)));
    QCOMPARE(f.sql(u"SELECT resolution FROM deliveries WHERE id = 'd-3'"_s).toString(), u"discarded"_s);
    QCOMPARE(async::blockOn(f.db().counts())->needPerson, 0);
}

void StoreActionsTest::cancellingFreesWhatWaits()
{
    SIGNALBOX_STORE(f);
    const auto life = f.engine();
    for (const QString &name : {u"1"_s, u"2"_s, u"3"_s})
        f.ingest(name, u"t"_s);
    const auto claimed = f.claim(life);
    QVERIFY(f.begin(claimed[0]));
    const auto middle = act(f, order(Act::Cancel, u"d-2"_s));
    QVERIFY(middle);
    QVERIFY(!middle->wakes);
    QVERIFY(!middle->orders); // nobody holds it
    QCOMPARE(f.state(u"d-2"_s), u"cancelled"_s);
    QCOMPARE(f.state(u"d-1"_s), u"running"_s);
    const auto first = act(f, order(Act::Cancel, u"d-1"_s));
    QVERIFY(first);
    QVERIFY(first->orders);
    QVERIFY(first->wakes);
    QCOMPARE(f.state(u"d-3"_s), u"pending"_s);
    QCOMPARE(act(f, order(Act::Cancel, u"d-1"_s)).error().native(), u"finished"_s);
    QCOMPARE(
        f.sql(u"SELECT COUNT(*) FROM outbound_messages WHERE purpose = 'notice:cancelled'"_s).toInt(), 2);
    const auto next = f.claim(life);
    QCOMPARE(next.size(), 1U);
    QVERIFY(next[0].unsettled);
    // One whose turn is over keeps what was sent, and sends no more.
    f.finish(next[0], DeliveryState::Waiting, {StoreFixture::draft(u"d-3"_s, u"reply:1"_s)});
    QVERIFY(act(f, order(Act::Cancel, u"d-3"_s)));
    QCOMPARE(f.state(u"d-3"_s), u"cancelled"_s);
    QCOMPARE(
        f.sql(u"SELECT state FROM outbound_messages WHERE purpose = 'reply:1'"_s).toString(), u"cancelled"_s);
}

void StoreActionsTest::pausesHoldBackWhatTheyName()
{
    SIGNALBOX_STORE(f);
    const auto life = f.engine();
    f.ingest(u"1"_s, u"t"_s);
    for (const auto &[scope, id] : {std::pair(u"installation"_s, u"in1"_s),
             std::pair(u"backend"_s, u"agent"_s), std::pair(u"engine"_s, u"all"_s)}) {
        QVERIFY(act(f, pauseOrder(Act::Pause, scope, id, u"delivery"_s)));
        QVERIFY2(f.claim(life).empty(), qPrintable(scope));
        QCOMPARE(async::blockOn(f.db().pauses())->size(), 1);
        QCOMPARE(async::blockOn(f.db().installationItems())->first().pauses.size(), 1);
        QVERIFY(act(f, pauseOrder(Act::Resume, scope, id, u"delivery"_s)));
        QCOMPARE(act(f, pauseOrder(Act::Resume, scope, id, u"delivery"_s)).error().native(), u"not_paused"_s);
    }
    QCOMPARE(act(f, pauseOrder(Act::Pause, u"installation"_s, u"in-none"_s, u"delivery"_s)).error().code(),
        ErrorCode::NotFound);
    QVERIFY(act(f, pauseOrder(Act::Pause, u"backend"_s, u"another"_s, u"delivery"_s)));
    // The intake: what came before goes on, what comes is held.
    f.sql(u"UPDATE deliveries SET created_at = created_at - 1000"_s);
    QVERIFY(act(f, pauseOrder(Act::Pause, u"installation"_s, u"in1"_s, u"intake"_s)));
    f.ingest(u"2"_s, u"u"_s);
    const auto claimed = f.claim(life);
    QCOMPARE(claimed.size(), 1U);
    QCOMPARE(claimed[0].id, u"d-1"_s);
    // Posts: the lane stands still until the pause ends by itself.
    f.finish(claimed[0], DeliveryState::Waiting, {StoreFixture::draft(u"d-1"_s, u"reply:1"_s)});
    QVERIFY(act(f, pauseOrder(Act::Pause, u"backend"_s, u"agent"_s, u"outbound"_s)));
    QVERIFY(f.claimOutbound(life).empty());
    f.sql(u"UPDATE pauses SET until_at = 1"_s);
    QCOMPARE(f.claimOutbound(life).size(), 1U);
    QCOMPARE(f.claim(life).size(), 1U);
    QVERIFY(async::blockOn(f.db().pauses())->isEmpty());
}

void StoreActionsTest::aPausedPromptDoesNotBegin()
{
    SIGNALBOX_STORE(f);
    const auto life = f.engine();
    f.ingest(u"1"_s, u"t"_s);
    const auto claimed = f.claim(life);
    QVERIFY(act(f, pauseOrder(Act::Pause, u"engine"_s, u"all"_s, u"delivery"_s)));
    const Status begun = f.begin(claimed[0]);
    QVERIFY(!begun);
    QCOMPARE(begun.error().native(), u"paused"_s);
    QVERIFY(act(f, pauseOrder(Act::Resume, u"engine"_s, u"all"_s, u"delivery"_s)));
    QVERIFY(f.begin(claimed[0]));
}

// What an operator asks for is no intake.
void StoreActionsTest::replaysPassAPausedIntake()
{
    SIGNALBOX_STORE(f);
    const auto life = f.engine();
    f.ingest(u"1"_s, u"t"_s);
    f.finish(f.claim(life)[0], DeliveryState::Dead);
    QVERIFY(act(f, pauseOrder(Act::Pause, u"installation"_s, u"in1"_s, u"intake"_s)));
    const auto replayed = act(f, order(Act::Replay, u"d-1"_s));
    QVERIFY(replayed);
    const auto claimed = f.claim(life);
    QCOMPARE(claimed.size(), 1U);
    QCOMPARE(claimed[0].id, replayed->id);
}

void StoreActionsTest::clocksStandStillDuringAPause()
{
    SIGNALBOX_STORE(f);
    const auto life = f.engine();
    f.ingest(u"1"_s, u"t"_s);
    FinishTurn late;
    late.unlessPaused = true;
    late.state = DeliveryState::Dead;
    late.errorCode = u"delivery_timeout"_s;
    auto claimed = f.claim(life);
    late.held = HeldDelivery(claimed[0].id, claimed[0].fence);
    QVERIFY(act(f, pauseOrder(Act::Pause, u"engine"_s, u"all"_s, u"delivery"_s)));
    QVERIFY(async::blockOn(f.db().finishTurn(late)));
    QCOMPARE(f.state(u"d-1"_s), u"pending"_s);
    QVERIFY(f.claim(life).empty());
    QVERIFY(act(f, pauseOrder(Act::Resume, u"engine"_s, u"all"_s, u"delivery"_s)));
    claimed = f.claim(life);
    late.held = HeldDelivery(claimed[0].id, claimed[0].fence);
    QVERIFY(async::blockOn(f.db().finishTurn(late)));
    QCOMPARE(f.state(u"d-1"_s), u"dead"_s);
}

void StoreActionsTest::aResumeAtARateSpreadsWhatWasHeld()
{
    SIGNALBOX_STORE(f);
    const auto life = f.engine();
    QVERIFY(act(f, pauseOrder(Act::Pause, u"installation"_s, u"in1"_s, u"delivery"_s)));
    for (int i = 0; i < 5; ++i)
        f.ingest(QString::number(i), u"t%1"_s.arg(i));
    ActionOrder resume = pauseOrder(Act::Resume, u"installation"_s, u"in1"_s, u"delivery"_s);
    resume.request.rate = 1;
    QVERIFY(act(f, resume));
    QCOMPARE(f.sql(u"SELECT MAX(due_at) - MIN(due_at) FROM deliveries"_s).toInt(), 4000);
    QCOMPARE(f.claim(life).size(), 1U);
    resume.request.rate = 1001;
    QVERIFY(!resume.request.check());
    // Posts likewise.
    QVERIFY(act(f, pauseOrder(Act::Pause, u"engine"_s, u"all"_s, u"outbound"_s)));
    std::vector<OutboundDraft> drafts;
    for (int i = 0; i < 3; ++i)
        drafts.push_back(StoreFixture::draft(u"d-%1"_s.arg(i), u"notice"_s));
    QVERIFY(async::blockOn(f.db().enqueueOutbound(drafts)));
    ActionOrder posts = pauseOrder(Act::Resume, u"engine"_s, u"all"_s, u"outbound"_s);
    posts.request.rate = 2;
    QVERIFY(act(f, posts));
    QCOMPARE(f.sql(u"SELECT MAX(due_at) - MIN(due_at) FROM outbound_messages"_s).toInt(), 1000);
}

// The engine that acted may have died before it ended the turn.
void StoreActionsTest::aRepeatedReleaseStillNamesTheTurn()
{
    SIGNALBOX_STORE(f);
    const auto life = f.engine();
    f.ingest(u"1"_s, u"t"_s);
    const auto claimed = f.claim(life);
    QVERIFY(f.begin(claimed[0]));
    ActionOrder release = order(Act::ReleaseLock, u"se_t"_s);
    release.request.expectedFence = claimed[0].fence;
    release.request.key = u"k1"_s;
    const auto first = act(f, release);
    QVERIFY(first);
    QVERIFY(first->orders);
    const auto second = act(f, release);
    QVERIFY(second);
    QVERIFY(second->repeated);
    QVERIFY(second->orders);
    QVERIFY(second->posts);
}

void StoreActionsTest::aKeyIsAnsweredOnce()
{
    SIGNALBOX_STORE(f);
    const auto life = f.engine();
    f.ingest(u"1"_s, u"t"_s);
    f.finish(f.claim(life)[0], DeliveryState::Dead);
    ActionOrder replay = order(Act::Replay, u"d-1"_s);
    replay.request.key = u"k1"_s;
    const auto first = act(f, replay);
    QVERIFY(first);
    ActionOrder same = order(Act::Replay, u"d-1"_s);
    same.request.key = u"k1"_s;
    const auto second = act(f, same);
    QVERIFY(second);
    QCOMPARE(second->id, first->id);
    QVERIFY(second->repeated);
    QCOMPARE(second->wakes, first->wakes); // whoever asks again must do what the first one did not hear of
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM deliveries"_s).toInt(), 2);
    QCOMPARE(audits(f), 1);
    same.request.reason = u"another"_s;
    QCOMPARE(act(f, same).error().native(), u"key_reused"_s);
    QCOMPARE(async::blockOn(f.db().answerOf(u"token:ops"_s, u"k1"_s))->id, first->id);
    QVERIFY(!async::blockOn(f.db().answerOf(u"token:other"_s, u"k1"_s)));
    // A refused action leaves its key unused.
    ActionOrder refused = order(Act::Discard, u"d-1"_s);
    refused.request.key = u"k2"_s;
    QVERIFY(!act(f, refused));
    QVERIFY(!async::blockOn(f.db().answerOf(u"token:ops"_s, u"k2"_s)));
    // Another operator's key of the same name is another key, and old ones are forgotten.
    f.sql(u"UPDATE idempotency SET at = at - 90000000"_s);
    same.request.reason = u"once more"_s;
    const auto later = act(f, same);
    QVERIFY(later);
    QVERIFY(later->id != first->id);
}

void StoreActionsTest::locksAndTheAuditAreListed()
{
    SIGNALBOX_STORE(f);
    const auto life = f.engine();
    for (const QString &name : {u"1"_s, u"2"_s, u"3"_s})
        f.ingest(name, u"t"_s);
    f.ingest(u"4"_s, u"u"_s);
    QVERIFY(async::blockOn(f.db().listLocks(domain::ListQuery()))->items.isEmpty());
    QCOMPARE(f.claim(life).size(), 2U);
    domain::ListQuery query;
    query.limit = 1;
    const auto page = async::blockOn(f.db().listLocks(query));
    QVERIFY(page);
    QCOMPARE(page->total, 2);
    QCOMPARE(page->items.size(), 1);
    query.cursor = page->nextCursor;
    const auto rest = async::blockOn(f.db().listLocks(query));
    QCOMPARE(rest->items.size(), 1);
    QVERIFY(rest->nextCursor.isEmpty());
    QVERIFY(rest->items[0].id != page->items[0].id);
    query = domain::ListQuery();
    query.text = u"d-1"_s;
    const auto lock = async::blockOn(f.db().listLocks(query))->items.value(0);
    QCOMPARE(lock.id, u"se_t"_s);
    QCOMPARE(lock.holder, u"d-1"_s);
    QCOMPARE(lock.holderState, u"running"_s);
    QCOMPARE(lock.waiters, 2);
    QCOMPARE(lock.engine, u"e1"_s);
    QVERIFY(lock.engineAlive);
    QVERIFY(!isNever(lock.leaseUntil) && !isNever(lock.acquiredAt) && !isNever(lock.expiresAt));
    QVERIFY(act(f, order(Act::Cancel, u"d-3"_s)));
    QVERIFY(act(f, order(Act::Cancel, u"d-2"_s)));
    query = domain::ListQuery();
    const auto audit = async::blockOn(f.db().listAudit(query));
    QCOMPARE(audit->items.size(), 2);
    QCOMPARE(audit->items[0].subject, u"d-2"_s);
    QCOMPARE(audit->items[0].actor, u"token:ops"_s);
    QCOMPARE(audit->items[0].action, u"cancel"_s);
    QCOMPARE(audit->items[0].reason, u"because"_s);
    QCOMPARE(audit->items[0].subjectKind, u"delivery"_s);
    query.text = u"d-3"_s;
    QCOMPARE(async::blockOn(f.db().listAudit(query))->items.size(), 1);
}

void StoreActionsTest::anExplanationCollectsTheFacts()
{
    SIGNALBOX_STORE(f);
    const auto life = f.engine();
    f.ingest(u"1"_s, u"t"_s);
    f.ingest(u"2"_s, u"t"_s);
    const auto claimed = f.claim(life);
    QVERIFY(f.begin(claimed[0]));
    QVERIFY(act(f, pauseOrder(Act::Pause, u"backend"_s, u"agent"_s, u"outbound"_s)));
    QVERIFY(act(f, pauseOrder(Act::Pause, u"backend"_s, u"another"_s, u"outbound"_s)));
    const auto facts = async::blockOn(f.db().explainFacts(u"d-2"_s));
    QVERIFY(facts);
    QVERIFY(facts->ahead);
    QCOMPARE(facts->ahead->id, u"d-1"_s);
    QCOMPARE(facts->aheadStage, u"prompting"_s);
    QCOMPARE(facts->session->fence, claimed[0].fence);
    QVERIFY(facts->engineAlive);
    QCOMPARE(facts->pauses.size(), 1);
    QCOMPARE(domain::explain(*facts).action, u"release"_s);
    f.finish(claimed[0], DeliveryState::Waiting,
        {StoreFixture::draft(u"d-1"_s, u"reply:1"_s, 1, 2),
            StoreFixture::draft(u"d-1"_s, u"reply:2"_s, 2, 2)});
    const auto posting = async::blockOn(f.db().explainFacts(u"d-1"_s));
    QVERIFY(posting->outbound);
    QVERIFY(!posting->laneHead);
    QCOMPARE(domain::explain(*posting).action, u"resume"_s);
    QCOMPARE(async::blockOn(f.db().explainFacts(u"d-none"_s)).error().code(), ErrorCode::NotFound);
}

QTEST_GUILESS_MAIN(StoreActionsTest)
#include "tst_store_actions.moc"
