// SPDX-License-Identifier: Apache-2.0
// A row before it is a request, in order within its lane, and what it does to its delivery (DESIGN.md steps 6
// and 7).
#include "store_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using signalbox::domain::DeliveryState;
using signalbox::domain::OutboundKind;
using signalbox::domain::OutboundOp;
using signalbox::domain::OutboundState;
using signalbox::testing::StoreFixture;

class StoreOutboxTest : public QObject
{
    Q_OBJECT

private:
    static FinishOutbound result(const EngineLife &life, const ClaimedOutbound &row, OutboundState state)
    {
        FinishOutbound finish;
        finish.life = life;
        finish.id = row.id;
        finish.attempts = row.attempts;
        finish.state = state;
        finish.channelTs = state == OutboundState::Sent ? u"1700.1"_s : u""_s;
        finish.startedAt = fromMs(1'000 + row.attempts);
        finish.sent = u"chat.postMessage"_s;
        return finish;
    }
    // A delivery whose turn has ended with three reply parts.
    static void reply(StoreFixture &f, const EngineLife &life, const QString &name, bool acknowledged = false)
    {
        f.ingest(name, u"t1"_s);
        const ClaimedDelivery delivery = f.claim(life).front();
        std::vector<OutboundDraft> drafts;
        if (acknowledged) {
            OutboundDraft ack = StoreFixture::draft(delivery.id, u"ack"_s);
            ack.kind = OutboundKind::Reaction;
            ack.op = OutboundOp::React;
            ack.targetTs = u"1700.0"_s;
            std::vector<OutboundDraft> acks{ack};
            QVERIFY(async::blockOn(f.db().enqueueOutbound(acks)));
        }
        for (int part = 1; part <= 3; ++part)
            drafts.push_back(StoreFixture::draft(delivery.id, u"reply"_s, part, 3));
        f.finish(delivery, DeliveryState::Waiting, drafts);
    }

private Q_SLOTS:
    void claim_keepsOrderInLane();
    void otherLanes_goSideBySide();
    void allPartsSent_completeDelivery();
    void refusedPart_cancelsTheRest();
    void retry_waitsForItsTime();
    void unknown_isClaimedAsUnknown();
    void resend_isSpentBeforeItLeaves();
    void stale_changesNothing();
    void resultOfAnEarlierClaim_isStale();
    void nulByte_isStorable();
    void repeatedResult_isSuccess();
    void purpose_isUniqueForDelivery();
    void acknowledgement_isRemovedBehindTheEnd();
    void notice_doesNotSettle();
    void failedStatus_isTriedAgainWhileItIsTrue();
    void oneEngine_sendsForAnInstallation();
    void rateLimit_holdsForWhoeverSends();
    void acknowledgementThatNobodySaw_isNotPosted();
    void lateAcknowledgement_isNotQueued();
    void replyOfACancelledDelivery_isNotSentAgain_data();
    void replyOfACancelledDelivery_isNotSentAgain();
};

void StoreOutboxTest::claim_keepsOrderInLane()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    reply(f, life, u"a"_s);
    for (int part = 1; part <= 3; ++part) {
        const auto rows = f.claimOutbound(life);
        QCOMPARE(rows.size(), size_t(1));
        QCOMPARE(rows.front().part, part);
        QCOMPARE(rows.front().parts, 3);
        QCOMPARE(rows.front().body, QByteArray("{}"));
        QCOMPARE(rows.front().tenant, u"T1"_s);
        QVERIFY(f.claimOutbound(life).empty());
        QVERIFY(async::blockOn(f.db().finishOutbound(result(life, rows.front(), OutboundState::Sent))));
    }
    QVERIFY(f.claimOutbound(life).empty());
}

void StoreOutboxTest::otherLanes_goSideBySide()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    std::vector<OutboundDraft> drafts;
    for (int i = 0; i < 6; ++i) {
        drafts.push_back(StoreFixture::draft(u"d-%1"_s.arg(i), u"notice"_s));
        drafts.back().kind = OutboundKind::Notice;
        drafts.back().thread = u"t%1"_s.arg(i / 2);
    }
    QVERIFY(async::blockOn(f.db().enqueueOutbound(drafts)));
    QCOMPARE(f.claimOutbound(life, 2).size(), size_t(2));
    const auto rest = f.claimOutbound(life, 10);
    QCOMPARE(rest.size(), size_t(1));
    QCOMPARE(rest.front().deliveryId, u"d-4"_s);
}

void StoreOutboxTest::allPartsSent_completeDelivery()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    reply(f, life, u"a"_s);
    for (int part = 1; part <= 3; ++part) {
        QCOMPARE(f.state(u"d-a"_s), u"waiting:outbound"_s);
        QVERIFY(async::blockOn(
            f.db().finishOutbound(result(life, f.claimOutbound(life).front(), OutboundState::Sent))));
    }
    QCOMPARE(f.state(u"d-a"_s), u"completed:delivered"_s);
    const auto detail = async::blockOn(f.db().deliveryDetail(u"d-a"_s));
    QVERIFY(detail);
    QCOMPARE(detail->outbound.size(), 3);
    QCOMPARE(detail->outbound.first().channelTs, u"1700.1"_s);
    QCOMPARE(detail->attempts.size(), 3);
}

void StoreOutboxTest::refusedPart_cancelsTheRest()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    reply(f, life, u"a"_s);
    QVERIFY(async::blockOn(
        f.db().finishOutbound(result(life, f.claimOutbound(life).front(), OutboundState::Sent))));
    const auto head = async::blockOn(f.db().feedHead());
    QVERIFY(head);
    FinishOutbound refused = result(life, f.claimOutbound(life).front(), OutboundState::Refused);
    refused.errorCode = u"channel_not_found"_s;
    QVERIFY(async::blockOn(f.db().finishOutbound(refused)));
    QCOMPARE(f.state(u"d-a"_s), u"dead"_s);
    QCOMPARE(f.sql(u"SELECT error_code FROM deliveries"_s).toString(), u"channel_not_found"_s);
    QCOMPARE(f.outboundState(u"o-d-a-reply-2"_s), u"refused"_s);
    QCOMPARE(f.outboundState(u"o-d-a-reply-3"_s), u"cancelled"_s);
    QVERIFY(f.claimOutbound(life).empty());
    // Whoever watches hears of the cancelled part as well.
    const auto batch = async::blockOn(f.db().readFeed(*head, 20));
    QVERIFY(batch);
    QVERIFY(std::any_of(batch->entries.begin(), batch->entries.end(),
        [](const FeedEntry &entry) { return entry.id == u"o-d-a-reply-3"; }));
    // Nor does it block what comes behind it in the lane.
    std::vector<OutboundDraft> notices{StoreFixture::draft(u"d-a"_s, u"z-notice"_s)};
    notices.front().kind = OutboundKind::Notice;
    QVERIFY(async::blockOn(f.db().enqueueOutbound(notices)));
    QCOMPARE(f.claimOutbound(life).size(), size_t(1));
}

void StoreOutboxTest::retry_waitsForItsTime()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    reply(f, life, u"a"_s);
    FinishOutbound retry = result(life, f.claimOutbound(life).front(), OutboundState::Retry);
    retry.dueIn = Millis(3'600'000);
    retry.errorCode = u"ratelimited"_s;
    QVERIFY(async::blockOn(f.db().finishOutbound(retry)));
    QVERIFY(f.claimOutbound(life).empty()); // neither it nor the parts behind it
    f.sql(u"UPDATE outbound_messages SET due_at = 1 WHERE state = 'retry'"_s);
    const auto rows = f.claimOutbound(life);
    QCOMPARE(rows.size(), size_t(1));
    QCOMPARE(rows.front().attempts, 2);
    QVERIFY(!rows.front().wasUnknown);
}

void StoreOutboxTest::unknown_isClaimedAsUnknown()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    reply(f, life, u"a"_s);
    FinishOutbound unknown = result(life, f.claimOutbound(life).front(), OutboundState::Unknown);
    QVERIFY(async::blockOn(f.db().finishOutbound(unknown)));
    const auto rows = f.claimOutbound(life);
    QCOMPARE(rows.size(), size_t(1));
    QVERIFY(rows.front().wasUnknown);
    FinishOutbound dead = result(life, rows.front(), OutboundState::Dead);
    dead.maybeDoubled = true;
    QVERIFY(async::blockOn(f.db().finishOutbound(dead)));
    QCOMPARE(f.state(u"d-a"_s), u"dead"_s);
    const auto items = async::blockOn(f.db().outboundItems({rows.front().id}));
    QVERIFY(items);
    QVERIFY(items->first().maybeDoubled);
}

void StoreOutboxTest::stale_changesNothing()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    reply(f, life, u"a"_s);
    const ClaimedOutbound row = f.claimOutbound(life).front();
    const EngineLife other(life.id, life.incarnation + 1);
    const auto refused = async::blockOn(f.db().finishOutbound(result(other, row, OutboundState::Sent)));
    QVERIFY(!refused);
    QCOMPARE(refused.error().native(), u"stale"_s);
    QCOMPARE(f.outboundState(row.id), u"sending"_s);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM attempts WHERE what = 'post'"_s).toInt(), 0);
}

void StoreOutboxTest::resend_isSpentBeforeItLeaves()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    reply(f, life, u"a"_s);
    FinishOutbound unknown = result(life, f.claimOutbound(life).front(), OutboundState::Unknown);
    unknown.looks = 1;
    QVERIFY(async::blockOn(f.db().finishOutbound(unknown)));
    ClaimedOutbound row = f.claimOutbound(life).front();
    QCOMPARE(row.looks, 1);
    QVERIFY(!row.resent);
    BeginResend begin;
    begin.life = life;
    begin.id = row.id;
    begin.attempts = row.attempts - 1;
    const auto stale = async::blockOn(f.db().beginResend(begin));
    QVERIFY(!stale);
    QCOMPARE(stale.error().native(), u"stale"_s);
    begin.attempts = row.attempts;
    QVERIFY(async::blockOn(f.db().beginResend(begin)));
    QVERIFY(async::blockOn(f.db().beginResend(begin))); // a repeated unit
    // A try again later keeps it spent.
    FinishOutbound later = result(life, row, OutboundState::Retry);
    QVERIFY(async::blockOn(f.db().finishOutbound(later)));
    row = f.claimOutbound(life).front();
    QVERIFY(row.resent);
    QVERIFY(!row.wasUnknown);
    QCOMPARE(row.looks, 0);
}

void StoreOutboxTest::resultOfAnEarlierClaim_isStale()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    reply(f, life, u"a"_s);
    const FinishOutbound first = result(life, f.claimOutbound(life).front(), OutboundState::Retry);
    QVERIFY(async::blockOn(f.db().finishOutbound(first)));
    // The same life has claimed it again: the earlier result, run once more, must not free it.
    const ClaimedOutbound again = f.claimOutbound(life).front();
    FinishOutbound held = first;
    held.sent.clear();
    held.errorCode = u"held_back"_s;
    const auto late = async::blockOn(f.db().finishOutbound(held));
    QVERIFY(!late);
    QCOMPARE(late.error().native(), u"stale"_s);
    QCOMPARE(f.outboundState(again.id), u"sending"_s);
}

void StoreOutboxTest::nulByte_isStorable()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    reply(f, life, u"a"_s);
    FinishOutbound sent = result(life, f.claimOutbound(life).front(), OutboundState::Sent);
    sent.received = u"a\0b"_s;
    QCOMPARE(sent.received.size(), 3);
    QVERIFY(async::blockOn(f.db().finishOutbound(sent)));
    QCOMPARE(f.outboundState(sent.id), u"sent"_s);
}

void StoreOutboxTest::repeatedResult_isSuccess()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    reply(f, life, u"a"_s);
    const FinishOutbound sent = result(life, f.claimOutbound(life).front(), OutboundState::Sent);
    QVERIFY(async::blockOn(f.db().finishOutbound(sent)));
    QVERIFY(async::blockOn(f.db().finishOutbound(sent)));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM attempts WHERE what = 'post'"_s).toInt(), 1);
    FinishOutbound other = sent;
    other.state = OutboundState::Refused;
    QVERIFY(!async::blockOn(f.db().finishOutbound(other)));
    QCOMPARE(f.outboundState(sent.id), u"sent"_s);
    // One that was only held back leaves no attempt.
    FinishOutbound held = result(life, f.claimOutbound(life).front(), OutboundState::Retry);
    held.sent.clear();
    held.dueIn = Millis(60'000);
    QVERIFY(async::blockOn(f.db().finishOutbound(held)));
    QVERIFY(async::blockOn(f.db().finishOutbound(held)));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM attempts WHERE what = 'post'"_s).toInt(), 1);
}

void StoreOutboxTest::purpose_isUniqueForDelivery()
{
    SIGNALBOX_STORE(f);
    f.ingest(u"a"_s, u"t1"_s);
    OutboundDraft first = StoreFixture::draft(u"d-a"_s, u"notice:failure"_s);
    OutboundDraft second = first;
    second.id = u"o-second"_s;
    std::vector<OutboundDraft> one{first};
    std::vector<OutboundDraft> both{first, second};
    QVERIFY(async::blockOn(f.db().enqueueOutbound(one)));
    QVERIFY(async::blockOn(f.db().enqueueOutbound(both)));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM outbound_messages"_s).toInt(), 1);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM payloads WHERE id LIKE 'o-%'"_s).toInt(), 1);
}

void StoreOutboxTest::acknowledgement_isRemovedBehindTheEnd()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    reply(f, life, u"a"_s, true);
    // The reaction has a lane of its own beside the reply.
    auto rows = f.claimOutbound(life);
    QCOMPARE(rows.size(), size_t(2));
    bool removed = false;
    for (int round = 0; round < 6 && !rows.empty(); ++round) {
        for (const ClaimedOutbound &row : rows) {
            if (row.op == OutboundOp::Unreact) {
                QCOMPARE(f.state(u"d-a"_s), u"completed:delivered"_s);
                QCOMPARE(row.targetTs, u"1700.0"_s);
                QCOMPARE(row.body, QByteArray("{}"));
                removed = true;
            }
            FinishOutbound sent = result(life, row, OutboundState::Sent);
            sent.removeAck = true;
            sent.ackRemovalId = u"o-removal"_s;
            QVERIFY(async::blockOn(f.db().finishOutbound(sent)));
        }
        rows = f.claimOutbound(life);
    }
    QVERIFY(removed);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM outbound_messages WHERE purpose = 'ack_removal'"_s).toInt(), 1);
    // A delivery that was never acknowledged gets no removal.
    f.ingest(u"b"_s, u"t2"_s);
    FinishTurn end;
    const ClaimedDelivery delivery = f.claim(life).front();
    end.held = HeldDelivery(delivery.id, delivery.fence);
    end.removeAck = true;
    end.ackRemovalId = u"o-none"_s;
    QVERIFY(async::blockOn(f.db().finishTurn(end)));
    QCOMPARE(f.outboundState(u"o-none"_s), QString());
}

void StoreOutboxTest::notice_doesNotSettle()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    reply(f, life, u"a"_s);
    std::vector<OutboundDraft> notices{StoreFixture::draft(u"d-a"_s, u"notice:busy"_s)};
    notices.front().kind = OutboundKind::Notice;
    notices.front().thread = u"elsewhere"_s;
    QVERIFY(async::blockOn(f.db().enqueueOutbound(notices)));
    for (const ClaimedOutbound &row : f.claimOutbound(life)) {
        if (row.kind == OutboundKind::Notice)
            QVERIFY(async::blockOn(f.db().finishOutbound(result(life, row, OutboundState::Refused))));
    }
    QCOMPARE(f.state(u"d-a"_s), u"waiting:outbound"_s);
}

// The timer was disarmed too late for one that was being sent: it must not come behind what it announced, nor
// hold it up.
void StoreOutboxTest::failedStatus_isTriedAgainWhileItIsTrue()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    std::vector<OutboundDraft> drafts{StoreFixture::draft(u"d-a"_s, u"status:runtime"_s)};
    drafts.front().kind = OutboundKind::Status;
    QVERIFY(async::blockOn(f.db().enqueueOutbound(drafts)));
    const QString id = drafts.front().id;
    auto rows = f.claimOutbound(life);
    QCOMPARE(rows.size(), size_t(1));
    FinishOutbound failed = result(life, rows.front(), OutboundState::Retry);
    QVERIFY(async::blockOn(f.db().finishOutbound(failed)));
    QCOMPARE(f.outboundState(id), u"retry"_s); // its runtime is still awaited
    rows = f.claimOutbound(life);
    QCOMPARE(rows.size(), size_t(1));
    QVERIFY(f.begin(delivery));
    std::vector<OutboundDraft> replies{StoreFixture::draft(u"d-a"_s, u"reply:1"_s)};
    f.finish(delivery, DeliveryState::Waiting, replies);
    QCOMPARE(f.outboundState(id), u"sending"_s);
    failed = result(life, rows.front(), OutboundState::Retry);
    for (int run = 0; run < 2; ++run) {
        QVERIFY(async::blockOn(f.db().finishOutbound(failed)));
        QCOMPARE(f.outboundState(id), u"cancelled"_s);
    }
    rows = f.claimOutbound(life);
    QCOMPARE(rows.size(), size_t(1)); // the reply goes at once
    QCOMPARE(rows.front().id, replies.front().id);
}

void StoreOutboxTest::oneEngine_sendsForAnInstallation()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine(u"e1"_s);
    reply(f, life, u"a"_s);
    const auto rows = f.claimOutbound(life);
    QCOMPARE(rows.size(), size_t(1));
    QVERIFY(async::blockOn(f.db().finishOutbound(result(life, rows.front(), OutboundState::Sent))));
    QCOMPARE(f.sql(u"SELECT engine_id FROM outbound_senders"_s).toString(), u"e1"_s);
    if (!StoreFixture::isPostgres()) { // the next life takes over at once
        const EngineLife next = f.engine(u"e1"_s);
        QCOMPARE(f.claimOutbound(next).size(), size_t(1));
        return;
    }
    const EngineLife other = f.engine(u"e2"_s);
    QVERIFY(f.claimOutbound(other).empty()); // due, and somebody else's
    QCOMPARE(f.claimOutbound(life).size(), size_t(1));
    QVERIFY(async::blockOn(f.db().endEngine(life)));
    QVERIFY(f.claimOutbound(other).empty()); // what was being sent is looked for first
    f.sql(u"UPDATE outbound_messages SET due_at = 0 WHERE state = 'unknown'"_s);
    const auto taken = f.claimOutbound(other);
    QCOMPARE(taken.size(), size_t(1));
    QVERIFY(taken.front().wasUnknown);
    QCOMPARE(f.sql(u"SELECT engine_id FROM outbound_senders"_s).toString(), u"e2"_s);
    // A sender that claims nothing any more loses it by time.
    f.sql(u"UPDATE outbound_senders SET until_at = 1"_s);
    QVERIFY(async::blockOn(f.db().finishOutbound(result(other, taken.front(), OutboundState::Sent))));
    const EngineLife third = f.engine(u"e3"_s);
    QCOMPARE(f.claimOutbound(third).size(), size_t(1));
    QVERIFY(f.claimOutbound(other).empty());
}

void StoreOutboxTest::rateLimit_holdsForWhoeverSends()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    std::vector<OutboundDraft> drafts;
    for (int i = 0; i < 3; ++i) {
        drafts.push_back(StoreFixture::draft(u"d-%1"_s.arg(i), u"notice"_s));
        drafts.back().kind = OutboundKind::Notice;
        drafts.back().thread = u"t%1"_s.arg(i);
    }
    drafts[2].place = u"C2"_s;
    QVERIFY(async::blockOn(f.db().enqueueOutbound(drafts)));
    const auto first = f.claimOutbound(life, 1);
    QCOMPARE(first.size(), size_t(1));
    FinishOutbound limited = result(life, first.front(), OutboundState::Retry);
    limited.dueIn = Millis(3'600'000);
    limited.hold = limited.dueIn;
    limited.holdPlace = u"C1"_s;
    limited.errorCode = u"ratelimited"_s;
    QVERIFY(async::blockOn(f.db().finishOutbound(limited)));
    auto rows = f.claimOutbound(life);
    QCOMPARE(rows.size(), size_t(1)); // the other place
    QCOMPARE(rows.front().place, u"C2"_s);
    // The whole method: a later life knows it too.
    FinishOutbound all = result(life, rows.front(), OutboundState::Retry);
    all.hold = Millis(3'600'000);
    QVERIFY(async::blockOn(f.db().finishOutbound(all)));
    const EngineLife next = f.engine();
    QVERIFY(f.claimOutbound(next).empty());
    std::vector<OutboundDraft> reaction{StoreFixture::draft(u"d-5"_s, u"ack"_s)};
    reaction.front().kind = OutboundKind::Reaction;
    reaction.front().op = OutboundOp::React;
    QVERIFY(async::blockOn(f.db().enqueueOutbound(reaction)));
    rows = f.claimOutbound(next);
    QCOMPARE(rows.size(), size_t(1)); // another method
    QCOMPARE(rows.front().op, OutboundOp::React);
    f.sql(u"UPDATE outbound_holds SET until_at = 1"_s);
    f.sql(u"UPDATE outbound_messages SET due_at = 0 WHERE state = 'retry'"_s);
    QCOMPARE(f.claimOutbound(next).size(), size_t(3));
}

void StoreOutboxTest::acknowledgementThatNobodySaw_isNotPosted()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    OutboundDraft ack = StoreFixture::draft(delivery.id, u"ack"_s);
    ack.purpose = u"ack"_s;
    ack.kind = OutboundKind::Reaction;
    ack.op = OutboundOp::React;
    ack.fence = delivery.fence;
    std::vector<OutboundDraft> acks{ack};
    QVERIFY(async::blockOn(f.db().enqueueOutbound(acks)));
    QCOMPARE(f.outboundState(ack.id), u"pending"_s);
    FinishTurn end;
    end.held = HeldDelivery(delivery.id, delivery.fence);
    end.removeAck = true;
    end.ackRemovalId = u"o-removal"_s;
    QVERIFY(async::blockOn(f.db().finishTurn(end)));
    QCOMPARE(f.outboundState(ack.id), u"cancelled"_s);
    QCOMPARE(f.outboundState(u"o-removal"_s), QString());
    QVERIFY(f.claimOutbound(life).empty());
}

void StoreOutboxTest::lateAcknowledgement_isNotQueued()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    const ClaimedDelivery delivery = f.claim(life).front();
    f.finish(delivery, DeliveryState::Completed);
    OutboundDraft late = StoreFixture::draft(delivery.id, u"ack"_s);
    late.fence = delivery.fence;
    std::vector<OutboundDraft> acks{late};
    QVERIFY(async::blockOn(f.db().enqueueOutbound(acks)));
    QCOMPARE(f.outboundState(late.id), QString());
}

void StoreOutboxTest::replyOfACancelledDelivery_isNotSentAgain_data()
{
    QTest::addColumn<bool>("unknown");
    QTest::newRow("retry") << false;
    QTest::newRow("unknown") << true;
}

void StoreOutboxTest::replyOfACancelledDelivery_isNotSentAgain()
{
    QFETCH(const bool, unknown);
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    reply(f, life, u"a"_s);
    const ClaimedOutbound row = f.claimOutbound(life).front();
    QVERIFY(
        !f.sql(u"UPDATE deliveries SET state = 'cancelled', waits_for = '', finished_at = 5"_s).isValid());
    BeginResend resend;
    resend.life = life;
    resend.id = row.id;
    resend.attempts = row.attempts;
    QVERIFY(!async::blockOn(f.db().beginResend(resend)));
    const OutboundState state = unknown ? OutboundState::Unknown : OutboundState::Retry;
    QVERIFY(async::blockOn(f.db().finishOutbound(result(life, row, state))));
    QCOMPARE(f.outboundState(row.id), u"cancelled"_s);
}

QTEST_GUILESS_MAIN(StoreOutboxTest)
#include "tst_store_outbox.moc"
