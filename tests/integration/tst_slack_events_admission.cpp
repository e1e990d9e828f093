// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "support/gateway_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;
using sandbox::SignedSender;
using sandbox::TwinOrder;

// contracts/spritz-backend.md §3.3–3.7 and DESIGN.md step 1: what the running program makes of authentic
// events.
class SlackEventsAdmissionTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void cleanupTestCase();
    void answersTheChallenge();
    void acknowledgesWhatItDoesNotKnow_data();
    void acknowledgesWhatItDoesNotKnow();
    void dropsWhatIsNotForIt_data();
    void dropsWhatIsNotForIt();
    void keepsChatterAsIgnoredWithoutAnswering();
    void answersADirectMessage();
    void redeliveriesBecomeOneDelivery();
    void twinsBecomeOnePromptAndOneReply_data();
    void twinsBecomeOnePromptAndOneReply();
    void aPlainMessageNeedsAKnownBot();
    void anyTenantIsMetOnFirstSight();
    void anUnknownTenantIsIgnored();
    void aForeignAppsSecretIsRefused();

private:
    [[nodiscard]] Json event(const QString &type, const QString &text = u"hello"_s) const;
    [[nodiscard]] QByteArray envelope(const Json &event, const QString &team = u"T0SANDBOX"_s) const;
    [[nodiscard]] static QString waitForBot(GatewayFixture &gateway);

    std::unique_ptr<GatewayFixture> m_gateway;
};

namespace {
constexpr int kWait = 30'000;
const QByteArray kOk = R"({"ok":true})";
const QByteArray kIgnored = R"({"ignored":true,"ok":true})";

// Nobody learns the bot's id.
void hideBot(GatewayFixture &gateway)
{
    gateway.slack().addFault(u"auth.test"_s, sandbox::Fault::slackError(u"fatal_error"_s).repeat(-1));
}
} // namespace

#define START(gateway)                                                                                       \
    do {                                                                                                     \
        const Status startedNow = (gateway).start();                                                         \
        QVERIFY2(startedNow, startedNow ? "" : qPrintable(startedNow.error().toString()));                   \
    } while (false)

void SlackEventsAdmissionTest::initTestCase()
{
    GatewayOptions options;
    options.agentRemembers = true;
    m_gateway = std::make_unique<GatewayFixture>(options);
    START(*m_gateway);
    QCOMPARE(waitForBot(*m_gateway), QString());
}

void SlackEventsAdmissionTest::cleanupTestCase()
{
    QCOMPARE(m_gateway->stop(), std::optional<int>(0));
    m_gateway.reset();
}

// The program asks Slack who it is after it is ready; a mention in a plain message shows whether it knows.
QString SlackEventsAdmissionTest::waitForBot(GatewayFixture &gateway)
{
    for (int i = 0; i < 50; ++i) {
        const auto said
            = gateway.mention(u"C0PROBE"_s, u"do you know yourself?"_s, {}, TwinOrder::MessageOnly);
        if (gateway.outcome(said.ts) != u"completed/ignored")
            return {};
    }
    return u"the bot's id was not learnt"_s;
}

Json SlackEventsAdmissionTest::event(const QString &type, const QString &text) const
{
    Json event = Json::object({{u"type"_s, type}, {u"user"_s, u"U0ANNA"_s}, {u"channel"_s, u"C0DROP"_s}});
    event.set(u"ts"_s, u"1764000000.000200"_s);
    event.set(u"text"_s, marked(text));
    return event;
}

QByteArray SlackEventsAdmissionTest::envelope(const Json &event, const QString &team) const
{
    return m_gateway->slack().events().envelope(team, event).toBytes();
}

void SlackEventsAdmissionTest::answersTheChallenge()
{
    const http::Response answer
        = m_gateway->post(R"({"token":"zqmark","challenge":"3eZbrw1aB \" <&> ü","type":"url_verification"})");
    QCOMPARE(answer.status, 200);
    QCOMPARE(answer.headers.value("Content-Type"), QByteArray("text/plain; charset=utf-8"));
    QCOMPARE(answer.body, QByteArray("3eZbrw1aB \" <&> ü"));
}

void SlackEventsAdmissionTest::acknowledgesWhatItDoesNotKnow_data()
{
    QTest::addColumn<QByteArray>("body");
    QTest::newRow("another event") << envelope(event(u"reaction_added"_s));
    QTest::newRow("an event without a type") << envelope(Json::object({{u"text"_s, marked(u"hello"_s)}}));
    QTest::newRow("another envelope")
        << QByteArray(R"({"type":"app_rate_limited","team_id":"T0SANDBOX","minute_rate_limited":1})");
    QTest::newRow("an empty object") << QByteArray("{}");
    QTest::newRow("an event that is no object")
        << QByteArray(R"({"type":"event_callback","team_id":"T0SANDBOX","event":7})");
}

void SlackEventsAdmissionTest::acknowledgesWhatItDoesNotKnow()
{
    QFETCH(QByteArray, body);
    const qint64 before = m_gateway->deliveryTotal();
    const http::Response answer = m_gateway->post(body);
    QCOMPARE(answer.status, 200);
    QCOMPARE(answer.body, kIgnored);
    QCOMPARE(m_gateway->deliveryTotal(), before);
}

void SlackEventsAdmissionTest::dropsWhatIsNotForIt_data()
{
    QTest::addColumn<QByteArray>("body");
    for (const char *subtype : {"message_changed", "message_deleted", "channel_join", "bot_message",
             "me_message", "thread_broadcast"}) {
        Json json = event(u"message"_s);
        json.set(u"subtype"_s, QString::fromLatin1(subtype));
        QTest::newRow(subtype) << envelope(json);
    }
    const auto changed = [this](const QString &type, const QString &key, Json value) {
        Json json = event(type);
        json.set(key, std::move(value));
        return envelope(json);
    };
    QTest::newRow("of a bot") << changed(u"app_mention"_s, u"bot_id"_s, u"B0OTHER"_s);
    QTest::newRow("of ourselves") << changed(u"app_mention"_s, u"user"_s, u"U0BOT"_s);
    QTest::newRow("of nobody") << changed(u"app_mention"_s, u"user"_s, u""_s);
    QTest::newRow("nowhere") << changed(u"app_mention"_s, u"channel"_s, u""_s);
    QTest::newRow("never") << changed(u"app_mention"_s, u"ts"_s, Json());
    QTest::newRow("a mention in a direct message") << changed(u"app_mention"_s, u"channel"_s, u"D0DIRECT"_s);
    QTest::newRow("of no team") << envelope(event(u"app_mention"_s), u""_s);
}

void SlackEventsAdmissionTest::dropsWhatIsNotForIt()
{
    QFETCH(QByteArray, body);
    const qint64 before = m_gateway->deliveryTotal();
    const http::Response answer = m_gateway->post(body);
    QCOMPARE(answer.status, 200);
    QCOMPARE(answer.body, kOk);
    QCOMPARE(m_gateway->deliveryTotal(), before);
}

void SlackEventsAdmissionTest::keepsChatterAsIgnoredWithoutAnswering()
{
    const int posted = m_gateway->slack().postedCount();
    const auto said = async::blockOn(
        m_gateway->slack().chatter(u"C0CHAT"_s, u"U0ANNA"_s, marked(u"nobody in particular"_s)),
        Millis(kWait));
    QVERIFY(said);
    QCOMPARE(said->message.status, 200);
    QCOMPARE(said->message.body, kOk);
    QCOMPARE(m_gateway->outcome(said->ts), u"completed/ignored"_s);
    QCOMPARE(m_gateway->prompts(said->ts), 0);
    QVERIFY(m_gateway->slack().reactions(u"C0CHAT"_s, said->ts).isEmpty());
    QCOMPARE(m_gateway->slack().postedCount(), posted);
}

void SlackEventsAdmissionTest::answersADirectMessage()
{
    const auto said = async::blockOn(
        m_gateway->slack().directMessage(u"U0BEA"_s, marked(u"between us"_s)), Millis(kWait));
    QVERIFY(said);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, said->ts, "completed/delivered", kWait);
    QCOMPARE(m_gateway->appTexts(said->channel), QStringList(u"You said: "_s + marked(u"between us"_s)));
    QVERIFY(m_gateway->delivery(said->ts)[u"direct"].toBool());
}

// Slack sends an event again when an answer was late: with its own headers, to a gateway that has it already.
void SlackEventsAdmissionTest::redeliveriesBecomeOneDelivery()
{
    const auto said = m_gateway->mention(u"C0AGAIN"_s, u"once"_s);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, said.ts, "completed/delivered", kWait);
    const qint64 before = m_gateway->deliveryTotal();
    Json again = event(u"app_mention"_s, u"<@U0BOT> once"_s);
    again.set(u"channel"_s, u"C0AGAIN"_s);
    again.set(u"ts"_s, said.ts);
    const QByteArray bodies[]{
        m_gateway->slack().events().envelope(u"T0SANDBOX"_s, again, said.mention.eventId).toBytes(),
        m_gateway->slack().events().envelope(u"T0SANDBOX"_s, again, u"Ev0ELSE"_s).toBytes(), // by place and
                                                                                             // ts
    };
    for (const QByteArray &body : bodies) {
        for (const char *number : {"1", "2", "3"}) {
            SignedSender::Request request(m_gateway->eventsUrl(), body);
            request.headers.emplace_back("x-slack-retry-num", number);
            request.headers.emplace_back("x-slack-retry-reason", "http_timeout");
            const http::Response answer = m_gateway->post(request);
            QCOMPARE(answer.status, 200);
            QCOMPARE(answer.body, kOk);
        }
    }
    QCOMPARE(m_gateway->deliveryTotal(), before);
    QCOMPARE(m_gateway->outcome(said.ts), u"completed/delivered"_s);
    QCOMPARE(m_gateway->prompts(said.ts), 1);
    QCOMPARE(m_gateway->appTexts(u"C0AGAIN"_s, said.ts).size(), 1);
}

void SlackEventsAdmissionTest::twinsBecomeOnePromptAndOneReply_data()
{
    QTest::addColumn<bool>("botKnown");
    QTest::addColumn<int>("order");
    for (const bool known : {true, false}) {
        const char *bot = known ? "known bot" : "unknown bot";
        QTest::addRow("%s, message first", bot) << known << int(TwinOrder::MessageFirst);
        QTest::addRow("%s, mention first", bot) << known << int(TwinOrder::MentionFirst);
        QTest::addRow("%s, together", bot) << known << int(TwinOrder::Together);
        QTest::addRow("%s, mention only", bot) << known << int(TwinOrder::MentionOnly);
    }
}

void SlackEventsAdmissionTest::twinsBecomeOnePromptAndOneReply()
{
    QFETCH(bool, botKnown);
    QFETCH(int, order);
    GatewayOptions options;
    options.agentRemembers = true;
    GatewayFixture unknowing(options);
    GatewayFixture &gateway = botKnown ? *m_gateway : unknowing;
    if (!botKnown) {
        hideBot(gateway);
        START(gateway);
    }
    sandbox::SayOptions say;
    say.order = static_cast<TwinOrder>(order);
    say.copies = 2;
    const auto said = async::blockOn(
        gateway.slack().mention(u"C0TWINS"_s, u"U0ANNA"_s, marked(u"twin"_s), say), Millis(kWait));
    QVERIFY(said);
    QCOMPARE(said->mention.status, 200);
    SIGNALBOX_WAIT_OUTCOME(gateway, said->ts, "completed/delivered", kWait);
    QCOMPARE(gateway.prompts(said->ts), 1);
    QCOMPARE(gateway.appTexts(u"C0TWINS"_s, said->ts), QStringList(u"You said: "_s + marked(u"twin"_s)));
    const auto page = gateway.admin(u"/deliveries?filter="_s + said->ts);
    QVERIFY(page);
    QCOMPARE((*page)[u"total"].toInt(), std::optional<qint64>(1));
}

void SlackEventsAdmissionTest::aPlainMessageNeedsAKnownBot()
{
    const auto heard = m_gateway->mention(u"C0PLAIN"_s, u"by message alone"_s, {}, TwinOrder::MessageOnly);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, heard.ts, "completed/delivered", kWait);
    GatewayFixture unknowing;
    hideBot(unknowing);
    START(unknowing);
    const auto said = unknowing.mention(u"C0PLAIN"_s, u"by message alone"_s, {}, TwinOrder::MessageOnly);
    QCOMPARE(said.message.status, 200);
    QCOMPARE(unknowing.outcome(said.ts), u"completed/ignored"_s);
    QCOMPARE(unknowing.slack().postedCount(), 0);
}

void SlackEventsAdmissionTest::anyTenantIsMetOnFirstSight()
{
    GatewayOptions options;
    options.tenant = u"*"_s;
    GatewayFixture gateway(options);
    START(gateway);
    const auto said = gateway.mention(u"C0NEW"_s, u"hello from a new place"_s);
    QCOMPARE(said.mention.status, 200);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.appTexts(u"C0NEW"_s, said.ts).size(), 1);
    const Json item = gateway.delivery(said.ts);
    QCOMPARE(item[u"tenant"].toString(), u"T0SANDBOX"_s);
    QVERIFY(!item[u"installation"].toString().contains(u'*'));
}

void SlackEventsAdmissionTest::anUnknownTenantIsIgnored()
{
    const qint64 before = m_gateway->deliveryTotal();
    const http::Response answer = m_gateway->post(envelope(event(u"app_mention"_s), u"T0ELSE"_s));
    QCOMPARE(answer.status, 200);
    QCOMPARE(answer.body, kIgnored);
    QCOMPARE(m_gateway->deliveryTotal(), before);
}

// Two apps with their own secrets: a message is authentic only by the secret of the installation it claims.
void SlackEventsAdmissionTest::aForeignAppsSecretIsRefused()
{
    GatewayOptions options;
    options.further = "[[installations]]\nchannel = \"slack\"\ntenant = \"T0OTHER\"\napp = \"A0OTHER\"\n"
                      "backend = \"under-test\"\nbot_token = \"xoxb-zqmark-other\"\nsigning_secret = "
                      "\"zqmark-other-secret\"\n";
    GatewayFixture gateway(options);
    START(gateway);
    const QByteArray timestamp = QByteArray::number(toMs(SystemClock().now()) / 1000);
    const auto postAs = [&](const QByteArray &secret, const QString &team, const QString &app) {
        Json json = gateway.slack().events().envelope(team, event(u"app_mention"_s));
        json.set(u"api_app_id"_s, app);
        SignedSender::Request request(gateway.eventsUrl(), json.toBytes());
        request.timestamp = timestamp;
        request.signature = SignedSender::sign(Secret(secret), timestamp, request.body);
        return gateway.post(request);
    };
    const QByteArray first = options.slackSimulator.signingSecret.reveal();
    const QByteArray second = "zqmark-other-secret";
    const http::Response refused = postAs(second, u"T0SANDBOX"_s, u"A0SANDBOX"_s);
    QCOMPARE(refused.status, 401);
    QCOMPARE(refused.body, QByteArray("invalid slack signature\n"));
    QCOMPARE(postAs(first, u"T0OTHER"_s, u"A0OTHER"_s).status, 401);
    QCOMPARE(gateway.deliveryTotal(), 0);
    QCOMPARE(postAs(first, u"T0SANDBOX"_s, u"A0SANDBOX"_s).status, 200);
    QCOMPARE(postAs(second, u"T0OTHER"_s, u"A0OTHER"_s).status, 200);
    QCOMPARE(gateway.deliveryTotal(), 2);
}

QTEST_GUILESS_MAIN(SlackEventsAdmissionTest)
#include "tst_slack_events_admission.moc"
