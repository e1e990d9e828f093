// SPDX-License-Identifier: Apache-2.0
// What becomes of a question's card when its end comes in an unusual way (contracts/interactions.md §1).
#include "interaction_samples.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using signalbox::domain::OutboundState;
using namespace signalbox::testing;

class StoreInteractionCardsTest : public QObject, protected InteractionSteps
{
    Q_OBJECT
private Q_SLOTS:
    void typedReply_answersTheCardItStandsUnder();
    void secondCard_doesNotLookOpen();
    void uninstalledApp_endsWhatIsAsked();
};

void StoreInteractionCardsTest::typedReply_answersTheCardItStandsUnder()
{
    PREPARED(f);
    NewInteraction asked = question(u"q1"_s);
    asked.thread.clear(); // the card begins a thread of its own
    put(f, asked);
    post(f, life);
    IngestRequest reply = StoreFixture::message(u"reply"_s, u"ts-q1-p"_s);
    reply.place = u"C1"_s;
    reply.thread = u"ts-q1-p"_s;
    reply.user = u"U1"_s;
    reply.reply.emplace();
    reply.reply->number = 2;
    QCOMPARE(f.ingest(reply).result, IngestResult::Answered);
    QCOMPARE(column(f, "state"), u"answered"_s);
}

// A post whose end was not known was sent again, and then its end came.
void StoreInteractionCardsTest::secondCard_doesNotLookOpen()
{
    PREPARED(f);
    put(f, question(u"q1"_s));
    const auto rows = f.claimOutbound(life);
    QCOMPARE(rows.size(), size_t(1));
    f.sql(u"UPDATE interactions SET channel_ts = 'ts-first', state = 'open' WHERE id = 'q1'"_s);
    FinishOutbound finish;
    finish.life = life;
    finish.id = rows[0].id;
    finish.attempts = rows[0].attempts;
    finish.state = OutboundState::Sent;
    finish.channelTs = u"ts-second"_s;
    finish.sent = u"{}"_s;
    finish.startedAt = f.clock.now();
    QVERIFY(async::blockOn(f.db().finishOutbound(finish)));
    QCOMPARE(column(f, "channel_ts"), u"ts-first"_s);
    const auto edits = f.claimOutbound(life);
    QCOMPARE(edits.size(), size_t(1));
    QCOMPARE(edits[0].targetTs, u"ts-second"_s);
    QCOMPARE(edits[0].op, domain::OutboundOp::Edit);
}

void StoreInteractionCardsTest::uninstalledApp_endsWhatIsAsked()
{
    PREPARED(f);
    const ClaimedDelivery delivery = running(f, life);
    put(f, questionOf(delivery, life));
    RevokeInstallation revoke;
    revoke.installationId = delivery.installationId;
    revoke.uninstalled = true;
    const auto revoked = async::blockOn(f.db().revoke(revoke));
    QVERIFY(revoked && revoked->news);
    QCOMPARE(column(f, "state"), u"cancelled"_s);
    QCOMPARE(column(f, "error_code"), u"app_uninstalled"_s);
    QCOMPARE(orders(f, life).size(), size_t(1)); // whoever asked is told
    QVERIFY(f.claimOutbound(life).empty());
}

QTEST_GUILESS_MAIN(StoreInteractionCardsTest)
#include "tst_store_interaction_cards.moc"
