// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "sandbox/slack_args.h"
#include "sandbox/slack_gestures.h"
#include "support/gateway_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;
using sandbox::SignedSender;

namespace {
constexpr int kWait = 30'000;
constexpr Millis kLimit{20'000};

const Json &buttonOf(const Json &answer)
{
    for (const Json &block : answer[u"blocks"].toArray()) {
        if (block.contains(u"accessory"))
            return block[u"accessory"];
    }
    return answer[u"none"];
}
} // namespace

#define START(gateway)                                                                                       \
    do {                                                                                                     \
        const Status startedNow = (gateway).start();                                                         \
        QVERIFY2(startedNow, startedNow ? "" : qPrintable(startedNow.error().toString()));                   \
        (gateway).slack().socket().ackDeadline = kLimit;                                                     \
    } while (false)

// /signalbox, its Stop buttons and its shortcut, seen from outside the running program.
class SlashCommandsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void cleanupTestCase();
    void overHttp_statusTurnsAndHelp();
    void overHttp_whatIsNotAuthenticIsRefused_data();
    void overHttp_whatIsNotAuthenticIsRefused();
    void overHttp_aStopIsAClickLikeOthers();
    void aRunningTurn_isShownWithItsStop();
    void aStop_cancelsForWhoAskedAlone();
    void theShortcut_showsThemToOnePerson();
    void slacksOwnStop_cancelsTheThreadsTurn();

private:
    [[nodiscard]] QUrl commandsUrl() const
    {
        return QUrl(u"http://127.0.0.1:%1/slack/commands"_s.arg(m_http->ingressPort()));
    }
    [[nodiscard]] Json overHttp(const QString &text)
    {
        const auto answer = async::blockOn(
            m_http->slack().slash(u"C1"_s, u"U0ANNA"_s, u"/signalbox"_s, text, commandsUrl()), kLimit);
        return answer ? *answer : Json();
    }
    [[nodiscard]] Json overSocket(const QString &channel, const QString &text)
    {
        const auto answer
            = async::blockOn(m_socket->slack().slash(channel, u"U0BERT"_s, u"/signalbox"_s, text), kLimit);
        return answer ? *answer : Json();
    }
    [[nodiscard]] bool press(const QString &channel, const QString &user, const QString &deliveryId)
    {
        const auto pressed = async::blockOn(
            m_socket->slack().pressEphemeral(channel, user, u"signalbox_stop"_s, deliveryId), kLimit);
        return pressed.has_value();
    }
    [[nodiscard]] int notes() const { return m_socket->slack().callCount(u"chat.postEphemeral"_s); }
    // A turn that hangs.
    [[nodiscard]] QString hang(const QString &channel) { return hang(*m_socket, channel); }
    [[nodiscard]] static QString hang(GatewayFixture &gateway, const QString &channel)
    {
        const auto said = gateway.mention(channel, u"mute"_s);
        const auto isPrompted = [&] { return gateway.prompts(said.ts) == 1; };
        return QTest::qWaitFor(isPrompted, kWait) ? said.ts : QString();
    }

    std::unique_ptr<GatewayFixture> m_http;
    std::unique_ptr<GatewayFixture> m_socket;
};

void SlashCommandsTest::initTestCase()
{
    GatewayOptions options;
    options.turn = "first_frame_timeout = \"120s\"\nidle_timeout = \"120s\"\ncancel_grace = \"500ms\"\n";
    options.agentRemembers = true;
    options.installation = "interaction_answerers = [\"requester\", \"U0CLARA\"]\n";
    m_http = std::make_unique<GatewayFixture>(options);
    START(*m_http);
    options.slackSimulator.socketMode = true;
    options.slackSimulator.appToken = Secret(QByteArray("xapp-") + kMarker);
    options.installation
        = "transport = \"socket\"\napp_token = \"" + options.slackSimulator.appToken.reveal() + "\"\n";
    m_socket = std::make_unique<GatewayFixture>(options);
    START(*m_socket);
}

void SlashCommandsTest::cleanupTestCase()
{
    QCOMPARE(m_http->stop(), std::optional<int>(0));
    QCOMPARE(m_socket->stop(), std::optional<int>(0));
    m_http.reset();
    m_socket.reset();
}

void SlashCommandsTest::overHttp_statusTurnsAndHelp()
{
    const Json status = overHttp(u"status"_s);
    QCOMPARE(status[u"response_type"].toString(), u"ephemeral"_s);
    QVERIFY2(status[u"text"].toString().contains(u"`slack:T0SANDBOX` is active"_s)
            && status[u"text"].toString().contains(u"`under-test` (acp)"_s)
            && status[u"text"].toString().contains(u"No trouble"_s),
        qPrintable(status[u"text"].toString()));
    QCOMPARE(m_http->act(u"/installations/slack:T0SANDBOX/pause"_s,
                 "{\"what\":\"delivery\",\"reason\":\"zqmark-why\"}", "pause-1"),
        200);
    const QString paused = overHttp(u" STATUS "_s)[u"text"].toString();
    QVERIFY2(paused.contains(u"Paused: delivery since"_s), qPrintable(paused));
    QVERIFY(!paused.contains(QString::fromLatin1(kMarker))); // why is for operators
    QCOMPARE(m_http->act(u"/installations/slack:T0SANDBOX/resume"_s,
                 "{\"what\":\"delivery\",\"reason\":\"zqmark-why\"}", "resume-1"),
        200);
    for (const QString &words : {u""_s, u"turns"_s})
        QCOMPARE(overHttp(words)[u"text"].toString(), u"Nothing runs in this channel."_s);
    for (const QString &words : {u"help"_s, u"dance"_s, u"status now"_s, QString(4000, u'x')})
        QVERIFY(overHttp(words)[u"text"].toString().contains(u"/signalbox status"_s));
}

void SlashCommandsTest::overHttp_whatIsNotAuthenticIsRefused_data()
{
    QTest::addColumn<QString>("field");
    QTest::addColumn<QString>("value");
    QTest::addColumn<QByteArray>("signature");
    QTest::addColumn<int>("status");
    QTest::addColumn<QByteArray>("body");
    QTest::newRow("unsigned") << u"text"_s << u"status"_s << QByteArray("") << 401 << QByteArray("");
    QTest::newRow("forged") << u"text"_s << u"status"_s << QByteArray("v0=00") << 401 << QByteArray("");
    QTest::newRow("another tenant") << u"team_id"_s << u"T0OTHER"_s << QByteArray() << 200
                                    << QByteArray("Nothing is installed here");
    QTest::newRow("bad ids") << u"channel_id"_s << u"C 1"_s << QByteArray() << 400
                             << QByteArray("invalid identifiers");
    QTest::newRow("no user") << u"user_id"_s << u""_s << QByteArray() << 400
                             << QByteArray("invalid identifiers");
    QTest::newRow("probe") << u"ssl_check"_s << u"1"_s << QByteArray("") << 200 << QByteArray("");
}

void SlashCommandsTest::overHttp_whatIsNotAuthenticIsRefused()
{
    QFETCH(const QString, field);
    QFETCH(const QString, value);
    QFETCH(const QByteArray, signature);
    QFETCH(const int, status);
    QFETCH(const QByteArray, body);
    sandbox::Gesturer who;
    who.teamId = m_http->slack().config().teamId;
    who.appId = m_http->slack().config().appId;
    who.channel = u"C1"_s;
    who.user = u"U0ANNA"_s;
    who.now = u"1764000000.000100"_s;
    Json fields = sandbox::slashFields(who, u"/signalbox"_s, u"help"_s);
    fields.set(field, value);
    std::vector<std::pair<QString, QString>> form;
    for (const Json::Member &member : fields.toObject())
        form.emplace_back(member.first, member.second.toString());
    SignedSender::Request request(commandsUrl(), sandbox::encodeForm(form));
    request.contentType = "application/x-www-form-urlencoded";
    if (!signature.isNull())
        request.signature = signature;
    const http::Response answer = m_http->post(request);
    QCOMPARE(answer.status, status);
    QVERIFY2(answer.body.contains(body), answer.body.constData());
    QVERIFY(!answer.body.contains("/signalbox status"));
}

// POST /slack/interactions, and whoever interaction_answerers names besides who asked.
void SlashCommandsTest::overHttp_aStopIsAClickLikeOthers()
{
    m_http->slack().setInteractionUrl(
        QUrl(u"http://127.0.0.1:%1/slack/interactions"_s.arg(m_http->ingressPort())));
    const QString ts = hang(*m_http, u"C0CLICK"_s);
    QVERIFY(!ts.isEmpty());
    const QString id = m_http->delivery(ts)[u"id"].toString();
    const auto press = [&](const QString &user) {
        const auto pressed = async::blockOn(
            m_http->slack().pressEphemeral(u"C0CLICK"_s, user, u"signalbox_stop"_s, id), kLimit);
        return pressed ? pressed->status : 0;
    };
    QCOMPARE(press(u"U0BERT"_s), 200);
    QTRY_COMPARE_WITH_TIMEOUT(m_http->slack().callCount(u"chat.postEphemeral"_s), 1, kWait);
    QCOMPARE(m_http->outcome(ts), u"running"_s);
    QCOMPARE(press(u"U0CLARA"_s), 200);
    SIGNALBOX_WAIT_OUTCOME(*m_http, ts, "cancelled/cancelled", kWait);
}

void SlashCommandsTest::aRunningTurn_isShownWithItsStop()
{
    const QString ts = hang(u"C0RUN"_s);
    QVERIFY(!ts.isEmpty());
    const auto next = m_socket->mention(u"C0RUN"_s, u"and me?"_s, ts);
    QTRY_VERIFY_WITH_TIMEOUT(
        overSocket(u"C0RUN"_s, {})[u"text"].toString().contains(u"one message behind it"_s), kWait);
    const Json answer = overSocket(u"C0RUN"_s, u"turns"_s);
    QCOMPARE(answer[u"response_type"].toString(), u"ephemeral"_s);
    const QString text = answer[u"text"].toString();
    QVERIFY2(text.contains(u"For <@U0ANNA> since <!date^"_s), qPrintable(text));
    QVERIFY2(text.contains(u"https://sandbox.slack.com/archives/C0RUN/p"_s), qPrintable(text));
    QVERIFY(!text.contains(QString::fromLatin1(kMarker)));
    QCOMPARE(buttonOf(answer)[u"action_id"].toString(), u"signalbox_stop"_s);
    QCOMPARE(buttonOf(answer)[u"value"].toString(), m_socket->delivery(ts)[u"id"].toString());
    QVERIFY(overSocket(u"C0RUN"_s, u"status"_s)[u"text"].toString().contains(u"1 running, 1 waiting"_s));
    QCOMPARE(overSocket(u"C0ELSEWHERE"_s, {})[u"text"].toString(), u"Nothing runs in this channel."_s);
    QVERIFY(press(u"C0RUN"_s, u"U0ANNA"_s, buttonOf(answer)[u"value"].toString()));
    SIGNALBOX_WAIT_OUTCOME(*m_socket, ts, "cancelled/cancelled", kWait);
    SIGNALBOX_WAIT_OUTCOME(*m_socket, next.ts, "completed/delivered", kWait);
}

void SlashCommandsTest::aStop_cancelsForWhoAskedAlone()
{
    const QString ts = hang(u"C0STOP"_s);
    QVERIFY(!ts.isEmpty());
    const QString id = m_socket->delivery(ts)[u"id"].toString();
    int told = notes();
    // Another person, another place, and what is none of ours.
    QVERIFY(press(u"C0STOP"_s, u"U0BERT"_s, id));
    QTRY_COMPARE_WITH_TIMEOUT(notes(), told + 1, kWait);
    told = notes();
    m_socket->slack().addChannel(u"C0OTHER"_s);
    QVERIFY(press(u"C0OTHER"_s, u"U0ANNA"_s, id));
    QTRY_COMPARE_WITH_TIMEOUT(notes(), told + 1, kWait);
    told = notes();
    QVERIFY(press(u"C0STOP"_s, u"U0ANNA"_s, u"nonsense"_s));
    QTRY_COMPARE_WITH_TIMEOUT(notes(), told + 1, kWait);
    told = notes();
    QCOMPARE(m_socket->outcome(ts), u"running"_s);

    QVERIFY(press(u"C0STOP"_s, u"U0ANNA"_s, id));
    SIGNALBOX_WAIT_OUTCOME(*m_socket, ts, "cancelled/cancelled", kWait);
    QTRY_COMPARE_WITH_TIMEOUT(notes(), told + 1, kWait);
    told = notes();
    QVERIFY(press(u"C0STOP"_s, u"U0ANNA"_s, id)); // too late, and told so
    QTRY_COMPARE_WITH_TIMEOUT(notes(), told + 1, kWait);
    told = notes();
    const auto audit = m_socket->admin(u"/audit?filter="_s + id);
    QVERIFY(audit);
    QCOMPARE((*audit)[u"items"].size(), size_t(1));
    QCOMPARE((*audit)[u"items"].at(0)[u"actor"].toString(), u"slack:U0ANNA"_s);
    QCOMPARE((*audit)[u"items"].at(0)[u"reason"].toString(), u"stopped in Slack"_s);
}

void SlashCommandsTest::theShortcut_showsThemToOnePerson()
{
    const auto said = m_socket->mention(u"C0CUT"_s, u"hello"_s);
    SIGNALBOX_WAIT_OUTCOME(*m_socket, said.ts, "completed/delivered", kWait);
    const int told = notes();
    const auto chosen = async::blockOn(
        m_socket->slack().shortcut(u"C0CUT"_s, said.ts, u"U0BERT"_s, u"signalbox_status"_s), kLimit);
    QVERIFY(chosen);
    QTRY_COMPARE_WITH_TIMEOUT(notes(), told + 1, kWait);
    const auto other = async::blockOn(
        m_socket->slack().shortcut(u"C0CUT"_s, said.ts, u"U0BERT"_s, u"somebody_elses"_s), kLimit);
    QVERIFY(other); // acknowledged, and nothing comes of it
    QCOMPARE(notes(), told + 1);
}

void SlashCommandsTest::slacksOwnStop_cancelsTheThreadsTurn()
{
    const QString ts = hang(u"C0VIEW"_s);
    QVERIFY(!ts.isEmpty());
    const auto stopped = [&](const QString &user) {
        Json event = Json::object({{u"type"_s, u"agent_session_stopped"_s}, {u"channel"_s, u"C0VIEW"_s},
            {u"user"_s, user}, {u"thread_ts"_s, ts}});
        const auto sent = async::blockOn(m_socket->slack().send(std::move(event)), kLimit);
        return sent && sent->delivered;
    };
    const int told = notes();
    m_socket->slack().addUser(u"U0BERT"_s);
    QVERIFY(stopped(u"U0BERT"_s));
    QTRY_COMPARE_WITH_TIMEOUT(notes(), told + 1, kWait);
    QCOMPARE(m_socket->outcome(ts), u"running"_s);
    QVERIFY(stopped(u"U0ANNA"_s));
    SIGNALBOX_WAIT_OUTCOME(*m_socket, ts, "cancelled/cancelled", kWait);
}

QTEST_GUILESS_MAIN(SlashCommandsTest)
#include "tst_slash_commands.moc"
