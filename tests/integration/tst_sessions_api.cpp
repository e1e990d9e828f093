// SPDX-License-Identifier: Apache-2.0
#include "sessions_api_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;
using namespace signalbox::testing::sessions_api;

// The /v1/sessions routes of the running program, seen from outside (INTERFACE.md "Ingress routes", DESIGN.md
// step 2, contracts/sessions-locks.md §2 and §4).
class SessionsApiTest : public QObject, private SessionsCaller
{
    Q_OBJECT
private Q_SLOTS:
    void aWebSessionIsAnsweredOnItsStream();
    void aStreamResumesWithoutGapOrDouble();
    void aStreamEndsWithItsEngine();
    void twoEnginesServeOneSession();
    void aKillBetweenPromptAndReplyIsTold();
    void killsLoseAndDoubleNothing();
    void aKeyIsAnsweredOnce();
    void aMessageIdIsOneDelivery();
    void aResolvedPlaceIsTheSessionOfItsMention();
    void aTicketKeepsSessionHistoryAndLock();
    void slackSessionsHaveNoLog();
    void aNewConversationIsAnnouncedOnce();
};

void SessionsApiTest::aWebSessionIsAnsweredOnItsStream()
{
    GatewayFixture gateway(options());
    START(gateway);
    const QString id = fresh(gateway, u"web:acme"_s, kAcme);
    SseClient stream(gateway.ingressPort(), streamOf(id), kAcme);
    QTRY_COMPARE_WITH_TIMEOUT(stream.status(), 200, kWait);
    QVERIFY(stream.head().contains("text/event-stream"));
    // Nothing of Slack's escapes, here or there; one part however long.
    const QString text = marked(u"a &amp; <b> & \"c\""_s);
    const Answer said = say(gateway, id, u"m-1"_s, u"  "_s + text + u'\n', kAcme);
    QCOMPARE(said.status, 202);
    QVERIFY(!said.json[u"duplicate"].toBool(true));
    QTRY_COMPARE_WITH_TIMEOUT(stream.texts(), QStringList(u"reply:You said: "_s + text), kWait);
    const SseEvent &event = stream.events().front();
    QCOMPARE(event.id, 1);
    QCOMPARE(event.name, "message");
    QCOMPARE(event.data[u"delivery_id"].toString(), said.json[u"delivery_id"].toString());
    QVERIFY(event.data[u"at"].toString().endsWith(u'Z'));
    QCOMPARE(gateway.outcome(u"m-1"_s), u"completed/delivered"_s);
    QCOMPARE(gateway.prompts(u"m-1"_s), 1);
    const Json delivery = gateway.delivery(u"m-1"_s);
    QCOMPARE(delivery[u"channel"].toString(), u"web"_s);
    QCOMPARE(delivery[u"outbound"].size(), size_t(1)); // no reaction
    const auto session = gateway.admin(u"/sessions/"_s + id);
    QVERIFY(session);
    QCOMPARE((*session)[u"source"].toString(), u"web"_s);
    QCOMPARE((*session)[u"user"].toString(), u"anna"_s);
    QCOMPARE(gateway.slack().callCount(u"chat.postMessage"_s), 0);
    QCOMPARE(gateway.slack().callCount(u"reactions.add"_s), 0);

    const QString cli = fresh(gateway, u"cli:acme"_s);
    SseClient other(gateway.ingressPort(), streamOf(cli), kToken);
    QCOMPARE(say(gateway, cli, u"m-2"_s, u"long 20000"_s).status, 202);
    QTRY_COMPARE_WITH_TIMEOUT(other.events().size(), size_t(1), kWait);
    QVERIFY(other.events()[0].data[u"text"].toString().size() >= 20'000);
    QVERIFY(other.events()[0].data[u"parts"].isNull());
    QCOMPARE(stream.events().size(), size_t(1));
}

void SessionsApiTest::aStreamResumesWithoutGapOrDouble()
{
    GatewayFixture gateway(options());
    START(gateway);
    const QString id = fresh(gateway);
    for (int i = 1; i <= 5; ++i)
        QCOMPARE(say(gateway, id, u"m-%1"_s.arg(i), u"number %1"_s.arg(i)).status, 202);
    SseClient first(gateway.ingressPort(), streamOf(id), kToken);
    QTRY_VERIFY_WITH_TIMEOUT(first.events().size() >= 2, kWait);
    first.close();
    SIGNALBOX_WAIT_OUTCOME(gateway, u"m-5"_s, "completed/delivered", kWait);
    SseClient byField(gateway.ingressPort(), streamOf(id), kToken, "Last-Event-ID: 2\r\n");
    SseClient byQuery(gateway.ingressPort(), streamOf(id, u"?since=4"_s), kToken);
    SseClient whole(gateway.ingressPort(), streamOf(id), kToken);
    QTRY_COMPARE_WITH_TIMEOUT(byField.ids(), QList<qint64>({3, 4, 5}), kWait);
    QTRY_COMPARE_WITH_TIMEOUT(byQuery.ids(), QList<qint64>({5}), kWait);
    QTRY_COMPARE_WITH_TIMEOUT(whole.ids(), QList<qint64>({1, 2, 3, 4, 5}), kWait);
    QStringList texts;
    for (int i = 1; i <= 5; ++i)
        texts << u"reply:You said: number %1"_s.arg(i);
    QCOMPARE(whole.texts(), texts); // in the order of the messages
    QCOMPARE(say(gateway, id, u"m-6"_s, u"number 6"_s).status, 202);
    for (SseClient *client : {&byField, &byQuery, &whole})
        QTRY_COMPARE_WITH_TIMEOUT(client->ids().last(), 6, kWait);
    QCOMPARE(byQuery.ids(), QList<qint64>({5, 6}));
    if (GatewayFixture::isFullForm())
        QTRY_VERIFY_WITH_TIMEOUT(whole.comments() >= 2, 20'000); // a heartbeat behind the greeting
}

void SessionsApiTest::aStreamEndsWithItsEngine()
{
    GatewayFixture gateway(options());
    START(gateway);
    const QString id = fresh(gateway);
    SseClient stream(gateway.ingressPort(), streamOf(id), kToken);
    QTRY_COMPARE_WITH_TIMEOUT(stream.status(), 200, kWait);
    QCOMPARE(gateway.stop(), std::optional<int>(0));
    QTRY_VERIFY_WITH_TIMEOUT(stream.hasEnded(), kWait);
    QTRY_VERIFY_WITH_TIMEOUT(stream.isClosed(), kWait);
}

void SessionsApiTest::twoEnginesServeOneSession()
{
    SIGNALBOX_NEED_POSTGRES();
    auto database = PostgresDatabase::create();
    QVERIFY(database);
    GatewayOptions shared = options();
    shared.database = database->url();
    GatewayFixture one(shared);
    GatewayFixture two(shared);
    START(one);
    START(two);
    const QString id = fresh(one);
    SseClient atOne(one.ingressPort(), streamOf(id), kToken);
    SseClient atTwo(two.ingressPort(), streamOf(id), kToken);
    QTRY_VERIFY_WITH_TIMEOUT(atOne.status() == 200 && atTwo.status() == 200, kWait);
    QList<qint64> ids;
    for (int i = 1; i <= 6; ++i) {
        QCOMPARE(say(i % 2 == 0 ? one : two, id, u"m-%1"_s.arg(i), u"number %1"_s.arg(i)).status, 202);
        ids << i;
    }
    QTRY_COMPARE_WITH_TIMEOUT(atOne.ids(), ids, kWait);
    QTRY_COMPARE_WITH_TIMEOUT(atTwo.ids(), ids, kWait);
    QCOMPARE(atTwo.texts(), atOne.texts());
    QVERIFY(say(two, id, u"m-1"_s, u"number 1"_s).json[u"duplicate"].toBool());
}

void SessionsApiTest::aKillBetweenPromptAndReplyIsTold()
{
    GatewayFixture gateway(options());
    START(gateway);
    const QString id = fresh(gateway);
    QCOMPARE(say(gateway, id, u"m-1"_s, u"hello"_s).status, 202);
    SIGNALBOX_WAIT_OUTCOME(gateway, u"m-1"_s, "completed/delivered", kWait);
    QCOMPARE(say(gateway, id, u"m-2"_s, u"slow 60s hello"_s).status, 202);
    QCOMPARE(say(gateway, id, u"m-3"_s, u"and then"_s).status, 202);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.prompts(u"m-2"_s), 1, kWait);
    gateway.killNow();
    START(gateway);
    SseClient stream(gateway.ingressPort(), streamOf(id), kToken);
    SIGNALBOX_WAIT_OUTCOME(gateway, u"m-3"_s, "completed/delivered", kWait);
    QTRY_COMPARE_WITH_TIMEOUT(stream.texts(),
        QStringList({u"reply:You said: hello"_s, kUnconfirmed, u"reply:You said: and then"_s}), kWait);
    QCOMPARE(stream.ids(), QList<qint64>({1, 2, 3}));
    QCOMPARE(gateway.prompts(u"m-2"_s), 1); // never again by our doing
    QVERIFY(gateway.outcome(u"m-2"_s).startsWith(u"unconfirmed"_s));
}

void SessionsApiTest::killsLoseAndDoubleNothing()
{
    GatewayFixture gateway(options());
    START(gateway);
    QStringList sessions;
    for (int i = 0; i < 4; ++i)
        sessions << fresh(gateway);
    const int rounds = GatewayFixture::isFullForm() ? 10 : 3;
    int number = 0;
    for (int round = 0; round < rounds; ++round) {
        for (const QString &session : std::as_const(sessions))
            QCOMPARE(say(gateway, session, u"m-%1"_s.arg(number++), u"echo %1"_s.arg(round)).status, 202);
        // Somewhere between the first prompt and the last entry, another place each round.
        SseClient watch(gateway.ingressPort(), streamOf(sessions[round % 4], u"?since=0"_s), kToken);
        if (round % 2 == 0)
            QTRY_VERIFY_WITH_TIMEOUT(watch.events().size() > static_cast<size_t>(round), kWait);
        gateway.killNow();
        START(gateway);
    }
    for (int i = 0; i < number; ++i) {
        const auto ended = [&] {
            const QString outcome = gateway.outcome(u"m-%1"_s.arg(i));
            return outcome == u"completed/delivered" || outcome.startsWith(u"unconfirmed");
        };
        QTRY_VERIFY_WITH_TIMEOUT(ended(), kWait);
        QVERIFY(gateway.prompts(u"m-%1"_s.arg(i)) <= 1);
    }
    for (const QString &session : std::as_const(sessions)) {
        SseClient log(gateway.ingressPort(), streamOf(session), kToken);
        const auto outcomes = [&] { // each delivery is told about exactly once
            QStringList told;
            for (const SseEvent &event : log.events()) {
                const QString &text = event.data[u"text"].toString();
                if (text.startsWith(u"You said") || text.startsWith(u"I was interrupted"))
                    told << event.data[u"delivery_id"].toString();
            }
            return told;
        };
        QTRY_COMPARE_WITH_TIMEOUT(outcomes().size(), qsizetype(rounds), kWait);
        QStringList told = outcomes();
        QCOMPARE(told.removeDuplicates(), 0);
        for (int i = 0; i < log.ids().size(); ++i)
            QCOMPARE(log.ids()[i], i + 1);
    }
}

void SessionsApiTest::aKeyIsAnsweredOnce()
{
    GatewayFixture gateway(options());
    START(gateway);
    const QByteArray body = R"({"source":"web","installation":"web:acme","user":"anna","ticket":"INC-1"})";
    const Answer first = post(gateway, u""_s, body, kToken, "k-1");
    QCOMPARE(first.status, 201);
    const Answer again = post(gateway, u""_s, body, kToken, "k-1");
    QCOMPARE(again.status, 201);
    QCOMPARE(again.raw, first.raw);
    const QString id = first.json[u"id"].toString();
    QCOMPARE(post(gateway, u""_s, body + ' ', kToken, "k-1").status, 422);
    QCOMPARE(post(gateway, u"/%1/ticket"_s.arg(id), body, kToken, "k-1").status, 400);
    QCOMPARE(post(gateway, u"/%1/ticket"_s.arg(id), R"({"ticket":"INC-1"})", kToken, "k-1").status, 422);
    // Another token's key is another key.
    QCOMPARE(post(gateway, u""_s, R"({"source":"web","installation":"web:acme","user":"anna"})", kAcme, "k-1")
                 .status,
        201);
    const Answer said = say(gateway, id, u"m-1"_s, u"hello"_s, kToken, "k-2");
    QCOMPARE(said.status, 202);
    gateway.killNow();
    START(gateway);
    QCOMPARE(say(gateway, id, u"m-1"_s, u"hello"_s, kToken, "k-2").raw, said.raw);
    QCOMPARE(say(gateway, id, u"m-1"_s, u"hello!"_s, kToken, "k-2").status, 422);
    const Answer bound = post(gateway, u"/%1/ticket"_s.arg(id), R"({"ticket":"INC-1"})", kToken, "k-3");
    QCOMPARE(bound.status, 200);
    QCOMPARE(post(gateway, u"/%1/ticket"_s.arg(id), R"({"ticket":"INC-1"})", kToken, "k-3").raw, bound.raw);
    const QByteArray place = R"({"installation":"slack:T0SANDBOX","place":"C0KEY","thread":"1700.000100"})";
    const Answer resolved = post(gateway, u"/resolve"_s, place, kToken, "k-4");
    QCOMPARE(resolved.status, 200);
    QVERIFY(resolved.json[u"created"].toBool());
    QCOMPARE(post(gateway, u"/resolve"_s, place, kToken, "k-4").raw, resolved.raw);
    QVERIFY(!post(gateway, u"/resolve"_s, place, kToken, "k-5").json[u"created"].toBool(true));
    QCOMPARE(post(gateway, u"/lookup"_s, place, kToken, "k-4").status, 422);
    const Answer found = post(gateway, u"/lookup"_s, place, kToken, "k-6");
    QCOMPARE(found.status, 200);
    QCOMPARE(post(gateway, u"/lookup"_s, place, kToken, "k-6").raw, found.raw);
    SIGNALBOX_WAIT_OUTCOME(gateway, u"m-1"_s, "completed/delivered", kWait);
}

void SessionsApiTest::aMessageIdIsOneDelivery()
{
    GatewayFixture gateway(options());
    START(gateway);
    const QString id = fresh(gateway);
    const Answer first = say(gateway, id, u"m-1"_s, u"hello"_s);
    const Answer again = say(gateway, id, u"m-1"_s, u"hello"_s);
    QCOMPARE(again.status, 202);
    QVERIFY(again.json[u"duplicate"].toBool());
    QCOMPARE(again.json[u"delivery_id"].toString(), first.json[u"delivery_id"].toString());
    SIGNALBOX_WAIT_OUTCOME(gateway, u"m-1"_s, "completed/delivered", kWait);
    gateway.killNow();
    START(gateway);
    QVERIFY(say(gateway, id, u"m-1"_s, u"hello"_s).json[u"duplicate"].toBool());
    QCOMPARE(gateway.deliveryTotal(), 1);
    QCOMPARE(gateway.prompts(u"m-1"_s), 1);
}

void SessionsApiTest::aResolvedPlaceIsTheSessionOfItsMention()
{
    GatewayFixture gateway(options());
    START(gateway);
    const auto said = gateway.mention(u"C0FIRST"_s, u"hello"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    const auto place = [](const QString &channel, const QString &thread) {
        return bodyOf({{u"installation"_s, kSlack}, {u"place"_s, channel}, {u"thread"_s, thread},
            {u"user"_s, u"U0BOB"_s}});
    };
    // One that was there is not made, and is told so.
    const Answer known = post(gateway, u"/resolve"_s, place(u"C0FIRST"_s, said.ts));
    QCOMPARE(known.status, 200);
    QVERIFY(!known.json[u"created"].toBool(true));
    QCOMPARE(known.json[u"id"].toString(), gateway.delivery(said.ts)[u"session"].toString());
    // One that is made before its mention is the mention's session.
    const QString thread = u"1700000000.000100"_s;
    QCOMPARE(post(gateway, u"/lookup"_s, place(u"C0NEXT"_s, thread)).status, 404);
    const Answer made = post(gateway, u"/resolve"_s, place(u"C0NEXT"_s, thread));
    QVERIFY(made.json[u"created"].toBool());
    const auto next = gateway.mention(u"C0NEXT"_s, u"hello"_s, thread);
    SIGNALBOX_WAIT_OUTCOME(gateway, next.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.delivery(next.ts)[u"session"].toString(), made.json[u"id"].toString());
    const Answer found = post(gateway, u"/lookup"_s, place(u"C0NEXT"_s, thread));
    QCOMPARE(found.status, 200);
    QCOMPARE(found.json[u"id"].toString(), made.json[u"id"].toString());
    QVERIFY(!found.json[u"created"].toBool(true));
    const auto session = gateway.admin(u"/sessions/"_s + made.json[u"id"].toString());
    QVERIFY(session);
    QCOMPARE((*session)[u"source"].toString(), u"slack"_s);
    QCOMPARE((*session)[u"user"].toString(), u"U0BOB"_s);
}

void SessionsApiTest::aTicketKeepsSessionHistoryAndLock()
{
    GatewayFixture gateway(options());
    START(gateway);
    const auto first = gateway.mention(u"C0CASE"_s, u"slow 2s first"_s);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.prompts(first.ts), 1, kWait);
    const auto second = gateway.mention(u"C0CASE"_s, u"second"_s, first.ts);
    const QString id = gateway.delivery(first.ts)[u"session"].toString();
    const auto running = gateway.admin(u"/sessions/"_s + id);
    QVERIFY(running);
    const QString holder = (*running)[u"lock"][u"holder"].toString();
    QVERIFY(!holder.isEmpty());
    const Answer bound = post(gateway, u"/%1/ticket"_s.arg(id), R"({"ticket":"INC-7"})");
    QCOMPARE(bound.status, 200);
    QCOMPARE(bound.json[u"id"].toString(), id);
    const auto still = gateway.admin(u"/sessions/"_s + id);
    QVERIFY(still);
    QCOMPARE((*still)[u"lock"][u"holder"].toString(), holder);
    QCOMPARE((*still)[u"ticket"].toString(), u"INC-7"_s);
    QCOMPARE((*still)[u"fence"].toInt(), (*running)[u"fence"].toInt());
    QCOMPARE((*still)[u"open_deliveries"].toInt().value_or(0), 2);
    SIGNALBOX_WAIT_OUTCOME(gateway, first.ts, "completed/delivered", kWait);
    SIGNALBOX_WAIT_OUTCOME(gateway, second.ts, "completed/delivered", kWait);
    const auto third = gateway.mention(u"C0CASE"_s, u"third"_s, first.ts);
    SIGNALBOX_WAIT_OUTCOME(gateway, third.ts, "completed/delivered", kWait);
    for (const QString &ts : {first.ts, second.ts, third.ts})
        QCOMPARE(gateway.delivery(ts)[u"session"].toString(), id);
    const auto after = gateway.admin(u"/sessions/"_s + id);
    QVERIFY(after);
    QCOMPARE((*after)[u"ticket"].toString(), u"INC-7"_s); // no turn has written it away
    const Answer found
        = post(gateway, u"/lookup"_s, R"({"installation":"slack:T0SANDBOX","ticket":"INC-7"})");
    QCOMPARE(found.json[u"id"].toString(), id);

    const QString before = stored(gateway);
    const Answer another = post(gateway, u"/%1/ticket"_s.arg(id), R"({"ticket":"INC-8"})");
    QCOMPARE(another.status, 409);
    QCOMPARE(another.type, "application/problem+json");
    QCOMPARE(another.json[u"present"][u"ticket"].toString(), u"INC-7"_s);
    QCOMPARE(post(gateway, u"/%1/ticket"_s.arg(id), R"({"ticket":"INC-7"})").status, 200);
    const Answer other = post(gateway, u"/resolve"_s,
        R"({"installation":"slack:T0SANDBOX","place":"C0OTHER","thread":"1700000000.000100"})");
    const Answer taken
        = post(gateway, u"/%1/ticket"_s.arg(other.json[u"id"].toString()), R"({"ticket":"INC-7"})");
    QCOMPARE(taken.status, 409);
    QCOMPARE(taken.json[u"present"][u"id"].toString(), id);
    QCOMPARE(stored(gateway), QString(before).replace(u"sessions=1 "_s, u"sessions=2 "_s));
}

void SessionsApiTest::slackSessionsHaveNoLog()
{
    GatewayFixture gateway(options());
    START(gateway);
    const Answer made = post(gateway, u"/resolve"_s,
        R"({"installation":"slack:T0SANDBOX","place":"C0LOG","thread":"1700000000.000100"})");
    const QString id = made.json[u"id"].toString();
    const QString before = stored(gateway);
    QCOMPARE(say(gateway, id, u"m-1"_s, u"hello"_s).status, 409);
    QCOMPARE(call(gateway, "GET", u"/%1/stream"_s.arg(id), {}).status, 409);
    QCOMPARE(stored(gateway), before);
}

void SessionsApiTest::aNewConversationIsAnnouncedOnce()
{
    GatewayFixture gateway(options("[installations.feedback]\nnew_conversation = \"A new conversation.\"\n"));
    START(gateway);
    const QString id = fresh(gateway);
    SseClient stream(gateway.ingressPort(), streamOf(id), kToken);
    QCOMPARE(say(gateway, id, u"m-1"_s, u"one"_s).status, 202);
    QCOMPARE(say(gateway, id, u"m-2"_s, u"two"_s).status, 202);
    QTRY_COMPARE_WITH_TIMEOUT(stream.texts(),
        QStringList({u"notice:A new conversation."_s, u"reply:You said: one"_s, u"reply:You said: two"_s}),
        kWait);
    const auto said = gateway.mention(u"C0NEW"_s, u"echo one"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    const auto more = gateway.mention(u"C0NEW"_s, u"echo two"_s, said.ts);
    SIGNALBOX_WAIT_OUTCOME(gateway, more.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.appTexts(u"C0NEW"_s, said.ts),
        QStringList({u"A new conversation."_s, u"You said: "_s + marked(u"one"_s),
            u"You said: "_s + marked(u"two"_s)}));
}

QTEST_GUILESS_MAIN(SessionsApiTest)
#include "tst_sessions_api.moc"
