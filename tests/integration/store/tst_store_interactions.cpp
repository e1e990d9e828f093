// SPDX-License-Identifier: Apache-2.0
// Questions that wait for a person (DESIGN.md "Interactions", contracts/interactions.md §1): one answer, from
// somebody who may, in its own place, in time; and what follows from each end in the same transaction.
#include "interaction_samples.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using signalbox::domain::ClaimOutcome;
using signalbox::domain::DeliveryState;
using signalbox::domain::InteractionState;
using signalbox::domain::OutboundState;
using namespace signalbox::testing;

class StoreInteractionsTest : public QObject, protected InteractionSteps
{
    Q_OBJECT
private Q_SLOTS:
    void question_isStoredWithItsCard();
    void question_thatIsKnown_isNeitherReopenedNorLonger();
    void answer_isOneAndKept();
    void refusedAnswer_consumesNothing_data();
    void refusedAnswer_consumesNothing();
    void answer_runAgain_isTheSame();
    void racingAnswers_haveOneWinner();
    void answer_endsTheWaitAndReachesTheHolder();
    void answer_beforeTheCardIsKnown_editsItAllTheSame();
    void card_opensItsQuestion();
    void card_thatIsRefused_isTriedAsWordsAndThenGivenUp();
    void expiry_isBoundedAndTold();
    void lostLife_withdrawsWhatItAsked();
    void endOfATurn_withdrawsWhatItAsked();
    void release_withdrawsWhatTheTurnAsked();
    void staleTurn_asksNothing();
    void typedReply_answersTheOldestQuestionOfItsThread();
    void operator_answersAnywhere();
    void texts_goWhenTheirTimeIsOver();
    void views_showWhatIsAsked();
};

void StoreInteractionsTest::question_isStoredWithItsCard()
{
    PREPARED(f);
    QVERIFY(put(f, question(u"q1"_s)).stored);
    QCOMPARE(column(f, "state"), u"posting"_s);
    const auto rows = f.claimOutbound(life);
    QCOMPARE(rows.size(), size_t(1));
    QCOMPARE(rows[0].kind, domain::OutboundKind::Card);
    QCOMPARE(rows[0].thread, u"t1"_s);
    const auto body = Json::parse(rows[0].body);
    QVERIFY(body && (*body)[u"blocks"].size() > 0);
    const auto items = async::blockOn(f.db().interactionItems({u"q1"_s}));
    QVERIFY(items && items->size() == 1);
    QCOMPARE(items->first().expiresAt - items->first().createdAt, kTtl);
    QCOMPARE(items->first().optionKinds.size(), 2);
}

void StoreInteractionsTest::question_thatIsKnown_isNeitherReopenedNorLonger()
{
    PREPARED(f);
    put(f, question(u"q1"_s));
    const QString expires = column(f, "expires_at");
    QCOMPARE(claim(f, click(u"q1"_s)).outcome, ClaimOutcome::Won);
    NewInteraction again = question(u"q1"_s);
    again.ttl = kTtl * 2;
    again.answerers = u"*"_s;
    const StoredInteraction stored = put(f, again);
    QVERIFY(!stored.stored);
    QCOMPARE(stored.state, InteractionState::Answered);
    QCOMPARE(column(f, "state"), u"answered"_s);
    QCOMPARE(column(f, "expires_at"), expires);
    QCOMPARE(column(f, "answerers"), u" U1 U2 "_s);
    again.place = u"C2"_s;
    const auto foreign = async::blockOn(f.db().storeInteraction(again));
    QVERIFY(!foreign && foreign.error().native() == u"id_taken");
}

void StoreInteractionsTest::answer_isOneAndKept()
{
    PREPARED(f);
    put(f, question(u"q1"_s));
    post(f, life);
    QCOMPARE(column(f, "state"), u"open"_s);
    const ClaimedInteraction first = claim(f, click(u"q1"_s, u"U2"_s, 1));
    QCOMPARE(first.outcome, ClaimOutcome::Won);
    QCOMPARE(first.answer.option, u"no"_s);
    QVERIFY(!first.ordered); // nobody holds a connection
    QCOMPARE(claim(f, click(u"q1"_s, u"U1"_s, 0)).outcome, ClaimOutcome::Answered);
    QCOMPARE(claim(f, click(u"q1"_s, u"U2"_s, 1)).outcome, ClaimOutcome::Answered);
    QCOMPARE(column(f, "answered_by"), u"U2"_s);
    const auto edits = f.claimOutbound(life);
    QCOMPARE(edits.size(), size_t(1)); // one, whatever came later
    QCOMPARE(edits[0].op, domain::OutboundOp::Edit);
    QCOMPARE(edits[0].targetTs, u"ts-q1-p"_s);
    const auto body = Json::parse(edits[0].body);
    QVERIFY(body && (*body)[u"text"].toString().contains(u"*Reject* — answered by <@U2>"_s));
}

void StoreInteractionsTest::refusedAnswer_consumesNothing_data()
{
    QTest::addColumn<QString>("what");
    QTest::addColumn<int>("outcome");
    const auto row = [](const char *what, ClaimOutcome outcome) {
        QTest::newRow(what) << QString::fromUtf8(what) << static_cast<int>(outcome);
    };
    row("person", ClaimOutcome::NotAllowed);
    row("case", ClaimOutcome::NotAllowed);
    row("part", ClaimOutcome::NotAllowed);
    row("installation", ClaimOutcome::Elsewhere);
    row("place", ClaimOutcome::Elsewhere);
    row("option", ClaimOutcome::NoSuchOption);
    row("id", ClaimOutcome::Unknown);
    row("late", ClaimOutcome::Late);
    row("cancelled", ClaimOutcome::Closed);
}

void StoreInteractionsTest::refusedAnswer_consumesNothing()
{
    QFETCH(QString, what);
    QFETCH(int, outcome);
    PREPARED(f);
    NewInteraction asked = question(u"q1"_s);
    if (what == u"late")
        asked.ttl = Millis(1);
    put(f, asked);
    post(f, life);
    ClaimInteraction bad = click(u"q1"_s);
    QString state = u"open"_s;
    if (what == u"person") {
        bad.person = u"U3"_s;
    } else if (what == u"case") {
        bad.person = u"u1"_s;
    } else if (what == u"part") {
        bad.person = u"U"_s;
    } else if (what == u"installation") {
        bad.installationId = u"in2"_s;
    } else if (what == u"place") {
        bad.place = u"C2"_s;
    } else if (what == u"option") {
        bad.option = 2;
    } else if (what == u"id") {
        bad.id = u"q2"_s;
    } else if (what == u"late") {
        f.clock.advance(Millis(10));
        QTRY_COMPARE(int(claim(f, click(u"q1"_s)).outcome), outcome); // PostgreSQL's own clock
    } else {
        ResolveInteraction cancel;
        cancel.id = u"q1"_s;
        QVERIFY(*async::blockOn(f.db().resolveInteraction(cancel)));
        QVERIFY(!*async::blockOn(f.db().resolveInteraction(cancel)));
        state = u"cancelled"_s;
    }
    QCOMPARE(int(claim(f, bad).outcome), outcome);
    QCOMPARE(column(f, "state"), state);
    QCOMPARE(column(f, "answered_by"), QString());
    QCOMPARE(column(f, "clicked_at"), u"0"_s);
    if (state == u"open" && what != u"late")
        QCOMPARE(claim(f, click(u"q1"_s)).outcome, ClaimOutcome::Won);
}

void StoreInteractionsTest::answer_runAgain_isTheSame()
{
    PREPARED(f);
    put(f, question(u"q1"_s));
    post(f, life);
    const ClaimInteraction same = click(u"q1"_s);
    QCOMPARE(claim(f, same).outcome, ClaimOutcome::Won);
    const ClaimedInteraction again = claim(f, same);
    QCOMPARE(again.outcome, ClaimOutcome::Won);
    QCOMPARE(again.answer.option, u"yes"_s);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM outbound_messages WHERE op = 'edit'"_s).toInt(), 1);
}

void StoreInteractionsTest::racingAnswers_haveOneWinner()
{
    PREPARED(f);
    NewInteraction asked = question(u"q1"_s);
    asked.answerers = u"*"_s;
    put(f, asked);
    std::unique_ptr<Store> second;
    if (StoreFixture::isPostgres()) {
        auto opened = f.open();
        QVERIFY(opened);
        second = std::move(*opened);
    }
    std::vector<ClaimedInteraction> results;
    for (int i = 0; i < 100; ++i) {
        Store *store = second && i % 2 == 1 ? second.get() : &f.db();
        claimLater(store, click(u"q1"_s, u"U%1"_s.arg(i), i % 2), &results);
    }
    QTRY_COMPARE_WITH_TIMEOUT(results.size(), size_t(100), 30'000);
    int won = 0;
    for (const ClaimedInteraction &result : results) {
        won += result.outcome == ClaimOutcome::Won ? 1 : 0;
        QVERIFY(result.outcome == ClaimOutcome::Won || result.outcome == ClaimOutcome::Answered);
    }
    QCOMPARE(won, 1);
}

void StoreInteractionsTest::answer_endsTheWaitAndReachesTheHolder()
{
    PREPARED(f);
    const ClaimedDelivery first = f.claim(life).front();
    const ClaimedDelivery delivery = running(f, life);
    put(f, questionOf(delivery, life, u"q1"_s));
    put(f, questionOf(delivery, life, u"q2"_s));
    QCOMPARE(f.state(delivery.id), u"waiting:person"_s);
    // The lock stays held.
    QCOMPARE(f.sql(u"SELECT lock_holder FROM sessions WHERE id = '%1'"_s.arg(delivery.sessionId)).toString(),
        delivery.id);
    QVERIFY(claim(f, click(u"q1"_s)).ordered);
    QCOMPARE(f.state(delivery.id), u"waiting:person"_s); // the other one is open
    QVERIFY(claim(f, click(u"q2"_s)).ordered);
    QCOMPARE(f.state(delivery.id), u"running"_s);
    const auto placed = orders(f, life);
    QCOMPARE(placed.size(), size_t(2));
    QCOMPARE(placed[0].kind, u"answer"_s);
    AcceptInteraction accept;
    accept.id = u"q1"_s;
    accept.life = EngineLife(u"other"_s, 1);
    QVERIFY(!*async::blockOn(f.db().acceptInteraction(accept)));
    accept.life = life;
    QVERIFY(*async::blockOn(f.db().acceptInteraction(accept)));
    QVERIFY(!*async::blockOn(f.db().acceptInteraction(accept))); // once
    const auto row = async::blockOn(f.db().interaction(u"q1"_s));
    QVERIFY(row && row->accepted);
    QCOMPARE(row->connection, u"conn"_s);
    QCOMPARE(row->answer.option, u"yes"_s);
}

void StoreInteractionsTest::answer_beforeTheCardIsKnown_editsItAllTheSame()
{
    PREPARED(f);
    put(f, question(u"q1"_s));
    auto rows = f.claimOutbound(life); // it is on its way
    QCOMPARE(rows.size(), size_t(1));
    ClaimInteraction early = click(u"q1"_s);
    early.cardTs = u"ts-early"_s;
    QCOMPARE(claim(f, early).outcome, ClaimOutcome::Won);
    QCOMPARE(column(f, "channel_ts"), u"ts-early"_s);
    QCOMPARE(f.sql(u"SELECT target_ts FROM outbound_messages WHERE op = 'edit'"_s).toString(), u"ts-early"_s);
    // One that expires while its post is on its way is edited when that has come to its end.
    NewInteraction elsewhere = question(u"q2"_s);
    elsewhere.thread = u"t2"_s;
    put(f, elsewhere);
    rows = f.claimOutbound(life);
    std::erase_if(rows, [](const ClaimedOutbound &row) { return row.id != u"q2-p"; });
    QCOMPARE(rows.size(), size_t(1));
    ResolveInteraction cancel;
    cancel.id = u"q2"_s;
    QVERIFY(*async::blockOn(f.db().resolveInteraction(cancel)));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM outbound_messages WHERE op = 'edit'"_s).toInt(), 1);
    for (const ClaimedOutbound &row : rows) {
        FinishOutbound finish;
        finish.life = life;
        finish.id = row.id;
        finish.attempts = row.attempts;
        finish.channelTs = u"ts-late"_s;
        finish.sent = u"{}"_s;
        QVERIFY(async::blockOn(f.db().finishOutbound(finish)));
    }
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM outbound_messages WHERE op = 'edit' AND target_ts = 'ts-late'"_s)
                 .toInt(),
        1);
    // And one that nobody has begun to post is not posted.
    put(f, question(u"q3"_s));
    cancel.id = u"q3"_s;
    QVERIFY(*async::blockOn(f.db().resolveInteraction(cancel)));
    QCOMPARE(f.outboundState(u"q3-p"_s), u"cancelled"_s);
}

void StoreInteractionsTest::card_opensItsQuestion()
{
    PREPARED(f);
    put(f, question(u"q1"_s));
    post(f, life);
    QCOMPARE(column(f, "state"), u"open"_s);
    QCOMPARE(column(f, "channel_ts"), u"ts-q1-p"_s);
    claim(f, click(u"q1"_s));
    QCOMPARE(column(f, "card_updated_at"), u"0"_s);
    post(f, life);
    QVERIFY(column(f, "card_updated_at") != u"0");
    QCOMPARE(column(f, "channel_ts"), u"ts-q1-p"_s);
}

void StoreInteractionsTest::card_thatIsRefused_isTriedAsWordsAndThenGivenUp()
{
    PREPARED(f);
    const ClaimedDelivery first = f.claim(life).front();
    const ClaimedDelivery delivery = running(f, life);
    put(f, questionOf(delivery, life));
    post(f, life, OutboundState::Refused, u"invalid_blocks"_s);
    QCOMPARE(column(f, "state"), u"posting"_s);
    const auto rows = f.claimOutbound(life);
    QCOMPARE(rows.size(), size_t(1));
    QVERIFY(!rows[0].body.contains("blocks"));
    FinishOutbound finish;
    finish.life = life;
    finish.id = rows[0].id;
    finish.attempts = rows[0].attempts;
    finish.state = OutboundState::Refused;
    finish.errorCode = u"is_archived"_s;
    finish.sent = u"{}"_s;
    QVERIFY(async::blockOn(f.db().finishOutbound(finish)));
    QCOMPARE(column(f, "state"), u"cancelled"_s);
    QCOMPARE(column(f, "error_code"), u"is_archived"_s);
    QCOMPARE(orders(f, life).size(), size_t(1)); // the agent is told
    QCOMPARE(f.state(delivery.id), u"running"_s);
}

void StoreInteractionsTest::expiry_isBoundedAndTold()
{
    PREPARED(f);
    const ClaimedDelivery first = f.claim(life).front();
    const ClaimedDelivery delivery = running(f, life);
    for (int i = 0; i < 5; ++i)
        put(f, questionOf(delivery, life, u"q%1"_s.arg(i)));
    post(f, life);
    QCOMPARE(async::blockOn(f.db().expireInteractions(3))->count, 0);
    if (StoreFixture::isPostgres())
        f.sql(u"UPDATE interactions SET created_at = 1, expires_at = 2"_s);
    f.clock.advance(kTtl + Millis(1));
    auto closed = async::blockOn(f.db().expireInteractions(3));
    QVERIFY(closed && closed->ordered);
    QCOMPARE(closed->count, 3);
    QCOMPARE(f.state(delivery.id), u"waiting:person"_s);
    closed = async::blockOn(f.db().expireInteractions(3));
    QCOMPARE(closed->count, 2);
    QCOMPARE(async::blockOn(f.db().expireInteractions(3))->count, 0);
    QCOMPARE(f.state(delivery.id), u"running"_s);
    QCOMPARE(orders(f, life).size(), size_t(5));
    QCOMPARE(column(f, "state"), u"expired"_s);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM outbound_messages WHERE op = 'edit'"_s).toInt(), 5);
    QCOMPARE(claim(f, click(u"q1"_s)).outcome, ClaimOutcome::Late);
}

void StoreInteractionsTest::lostLife_withdrawsWhatItAsked()
{
    PREPARED(f);
    const ClaimedDelivery first = f.claim(life).front();
    const ClaimedDelivery delivery = running(f, life);
    put(f, questionOf(delivery, life, u"q-open"_s));
    put(f, questionOf(delivery, life, u"q-answered"_s));
    put(f, questionOf(delivery, life, u"q-taken"_s));
    put(f, question(u"q-api"_s)); // of nobody's connection
    post(f, life);
    claim(f, click(u"q-answered"_s));
    claim(f, click(u"q-taken"_s));
    AcceptInteraction accept;
    accept.id = u"q-taken"_s;
    accept.life = life;
    QVERIFY(*async::blockOn(f.db().acceptInteraction(accept)));
    post(f, life);
    const EngineLife next = f.engine(); // the same engine lives again
    QVERIFY(next.incarnation > life.incarnation);
    QCOMPARE(column(f, "state", u"q-open"_s), u"withdrawn"_s);
    QCOMPARE(column(f, "state", u"q-answered"_s), u"withdrawn"_s);
    QCOMPARE(column(f, "answered_by", u"q-answered"_s), u"U1"_s); // who gave it stays
    QVERIFY(column(f, "answer", u"q-answered"_s).contains(u"yes"_s));
    QCOMPARE(column(f, "state", u"q-taken"_s), u"answered"_s);
    QCOMPARE(column(f, "state", u"q-api"_s), u"open"_s);
    QCOMPARE(f.state(delivery.id), u"pending"_s); // through the fence
    QCOMPARE(claim(f, click(u"q-open"_s)).outcome, ClaimOutcome::Closed);
    QCOMPARE(claim(f, click(u"q-api"_s)).outcome, ClaimOutcome::Won);
    const QString text = f.sql(u"SELECT p.body FROM payloads p WHERE p.id = 'q-answered-e2'"_s).toString();
    QVERIFY2(text.contains(u"<@U1> answered *Allow*, but the agent was gone"_s), qPrintable(text));
}

void StoreInteractionsTest::endOfATurn_withdrawsWhatItAsked()
{
    PREPARED(f);
    const ClaimedDelivery first = f.claim(life).front();
    const ClaimedDelivery delivery = running(f, life);
    put(f, questionOf(delivery, life));
    f.finish(delivery, DeliveryState::Unconfirmed);
    QCOMPARE(column(f, "state"), u"withdrawn"_s);
    QCOMPARE(f.state(delivery.id), u"unconfirmed"_s);
    QVERIFY(orders(f, life).empty()); // nobody is there to be told
}

void StoreInteractionsTest::release_withdrawsWhatTheTurnAsked()
{
    PREPARED(f);
    const ClaimedDelivery first = f.claim(life).front();
    const ClaimedDelivery delivery = running(f, life);
    put(f, questionOf(delivery, life));
    ActionOrder release;
    release.request.act = domain::Act::ReleaseLock;
    release.request.id = delivery.sessionId;
    release.request.expectedFence = delivery.fence;
    release.request.reason = u"test"_s;
    release.request.actor = u"anna"_s;
    release.request.key = u"k"_s;
    release.auditId = u"au1"_s;
    release.noticeId = u"no1"_s;
    release.payloadTtl = kTtl;
    const auto done = async::blockOn(f.db().act(release));
    QVERIFY2(done, done ? "" : qPrintable(done.error().toString()));
    QCOMPARE(column(f, "state"), u"withdrawn"_s);
    QCOMPARE(f.state(delivery.id), u"unconfirmed"_s);
}

void StoreInteractionsTest::staleTurn_asksNothing()
{
    PREPARED(f);
    const ClaimedDelivery first = f.claim(life).front();
    const ClaimedDelivery delivery = running(f, life);
    NewInteraction asked = questionOf(delivery, life);
    asked.asking.fence += 1;
    const auto stored = async::blockOn(f.db().storeInteraction(asked));
    QVERIFY(!stored && stored.error().native() == QStringView(u"stale"));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM interactions"_s).toInt(), 0);
    QCOMPARE(f.state(delivery.id), u"running"_s);
}

void StoreInteractionsTest::typedReply_answersTheOldestQuestionOfItsThread()
{
    PREPARED(f);
    put(f, question(u"q1"_s));
    put(f, question(u"q2"_s));
    post(f, life);
    IngestRequest reply = StoreFixture::message(u"reply"_s, u"t1"_s);
    reply.place = u"C1"_s;
    reply.thread = u"t1"_s;
    reply.user = u"U1"_s;
    reply.reply.emplace();
    reply.reply->number = 2;
    const IngestOutcome answered = f.ingest(reply);
    QCOMPARE(answered.result, IngestResult::Answered);
    QCOMPARE(column(f, "state", u"q1"_s), u"answered"_s);
    QVERIFY(column(f, "answer", u"q1"_s).contains(u"no"_s));
    QCOMPARE(column(f, "state", u"q2"_s), u"open"_s);
    // Its twin and Slack's copies change nothing, and make no message of it.
    IngestRequest twin = reply;
    twin.deliveryId = u"d-twin"_s;
    twin.mentionEvent = true;
    QCOMPARE(f.ingest(twin).result, IngestResult::Duplicate);
    QCOMPARE(column(f, "state", u"q2"_s), u"open"_s);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM deliveries WHERE id IN ('d-reply', 'd-twin')"_s).toInt(), 0);
    const auto ordinary = [&](const QString &name, const QString &user, int number, const QString &thread) {
        IngestRequest other = StoreFixture::message(name, thread);
        other.place = u"C1"_s;
        other.thread = thread;
        other.user = user;
        other.reply.emplace();
        other.reply->number = number;
        return f.ingest(other).result;
    };
    QCOMPARE(ordinary(u"x1"_s, u"U3"_s, 1, u"t1"_s), IngestResult::Stored); // may not
    QCOMPARE(ordinary(u"x2"_s, u"U1"_s, 3, u"t1"_s), IngestResult::Stored); // no such option
    QCOMPARE(ordinary(u"x3"_s, u"U1"_s, 1, u"t9"_s), IngestResult::Stored); // another thread
    QCOMPARE(ordinary(u"x4"_s, u"U1"_s, 1, u"t1"_s), IngestResult::Answered);
    QCOMPARE(ordinary(u"x5"_s, u"U1"_s, 1, u"t1"_s), IngestResult::Stored); // nothing is asked any more
}

void StoreInteractionsTest::operator_answersAnywhere()
{
    PREPARED(f);
    put(f, question(u"q1"_s));
    ClaimInteraction answer = click(u"q1"_s, u"operator:anna"_s, -1);
    answer.installationId.clear();
    answer.place.clear();
    answer.optionId = u"no"_s;
    QCOMPARE(claim(f, answer).outcome, ClaimOutcome::Elsewhere);
    answer.isOperator = true;
    answer.comment = u"as agreed"_s;
    QCOMPARE(claim(f, answer).outcome, ClaimOutcome::Won);
    QCOMPARE(column(f, "comment"), u"as agreed"_s);
}

void StoreInteractionsTest::texts_goWhenTheirTimeIsOver()
{
    PREPARED(f);
    put(f, question(u"q1"_s));
    put(f, question(u"q2"_s));
    claim(f, click(u"q1"_s));
    f.sql(u"UPDATE interactions SET kept_until = 1"_s);
    QVERIFY(async::blockOn(f.db().sweep(Retention(), 100)));
    QCOMPARE(column(f, "text", u"q1"_s), QString());
    QCOMPARE(column(f, "answer", u"q1"_s), QString());
    QCOMPARE(column(f, "answered_by", u"q1"_s), u"U1"_s);
    QCOMPARE(column(f, "text", u"q2"_s), u"May I?"_s); // still asked
    f.sql(u"UPDATE interactions SET resolved_at = 1, clicked_at = 1 WHERE id = 'q1'"_s);
    QVERIFY(async::blockOn(f.db().sweep(Retention(), 100)));
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM interactions"_s).toInt(), 1);
}

void StoreInteractionsTest::views_showWhatIsAsked()
{
    PREPARED(f);
    for (int i = 0; i < 4; ++i)
        put(f, question(u"q%1"_s.arg(i)));
    claim(f, click(u"q2"_s));
    domain::ListQuery query;
    query.limit = 2;
    auto page = async::blockOn(f.db().listInteractions(query));
    QVERIFY(page);
    QCOMPARE(page->total, qint64(4));
    QCOMPARE(page->items.first().id, u"q3"_s);
    query.cursor = page->nextCursor;
    page = async::blockOn(f.db().listInteractions(query));
    QCOMPARE(page->items.size(), 2);
    QCOMPARE(page->items.last().id, u"q0"_s);
    QVERIFY(page->nextCursor.isEmpty());
    query = domain::ListQuery();
    query.states = QStringList{u"answered"_s};
    page = async::blockOn(f.db().listInteractions(query));
    QCOMPARE(page->items.size(), 1);
    QCOMPARE(page->items.first().chosenKind, u"allow_once"_s);
    QCOMPARE(page->items.first().answeredBy, u"U1"_s);
    query.states = QStringList{u"posting"_s, u"open"_s};
    query.text = u"C1"_s;
    QCOMPARE(async::blockOn(f.db().listInteractions(query))->items.size(), 3);
    const auto counts = async::blockOn(f.db().counts());
    QVERIFY(counts);
    QCOMPARE(counts->asking, qint64(3));
    QVERIFY(!isNever(counts->oldestAskedAt));
    QVERIFY(f.sql(u"SELECT COUNT(*) FROM feed WHERE kind = 'interaction'"_s).toInt() >= 5);
}

QTEST_GUILESS_MAIN(StoreInteractionsTest)
#include "tst_store_interactions.moc"
