// SPDX-License-Identifier: Apache-2.0
// Slack's own code against our simulated Slack: its verifier and receiver take our signatures, its client
// drives our Web API. What passes here may stand for Slack in every other test.
#include "async/block_on.h"
#include "peers/peers.h"
#include "sandbox/slack_simulator.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using sandbox::Fault;
using sandbox::SignedSender;
using sandbox::SlackSimulator;
using sandbox::SlackSimulatorConfig;
using testing::ChildProcess;
using testing::EmulatedSlack;
using testing::Peers;

namespace {
class SlackPeersTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void signature_passesSlacksVerifier();
    void events_passSlacksReceiver();
    void webClient_drivesTheSimulator();
    void socketModeClient_acceptsTheSimulator();
    void emulate_startsAndAnswers();

private:
    SystemClock m_clock;
};

Json verification(
    const Secret &secret, const QByteArray &timestamp, const QByteArray &signature, const QByteArray &body)
{
    return Json::object({{u"secret"_s, QString::fromUtf8(secret.reveal())},
        {u"timestamp"_s, QString::fromUtf8(timestamp)}, {u"signature"_s, QString::fromUtf8(signature)},
        {u"body"_s, QString::fromLatin1(body.toBase64())}});
}
} // namespace

void SlackPeersTest::initTestCase()
{
    const QString problem = Peers::problem();
    QVERIFY2(problem.isEmpty(), qPrintable(problem));
}

void SlackPeersTest::signature_passesSlacksVerifier()
{
    // The vector of Slack's documentation (contracts/slack.md §1).
    const Secret documented("8f742231b10e8888abcd99yyyzzz85a5");
    const QByteArray form = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&"
                            "channel_id=G8PSS9T3V&channel_name="
                            "foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
                            "response_url=https%3A%2F%2F"
                            "hooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%"
                            "2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015."
                            "47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const QByteArray vector = SignedSender::sign(documented, "1531420618", form);
    QCOMPARE(vector, QByteArray("v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"));

    const Secret secret("shhh");
    const QByteArray now = QByteArray::number(toMs(m_clock.now()) / 1000);
    const QByteArray old = QByteArray::number(toMs(m_clock.now()) / 1000 - 400);
    const QByteArray body = QString(u"{\"text\":\"grüße & <more> 🦆\"}"_s).toUtf8();
    const QByteArray good = SignedSender::sign(secret, now, body);
    Json documentedCase = verification(documented, "1531420618", vector, form);
    documentedCase.set(u"now"_s, Json(qint64(1'531'420'618'000)));

    ChildProcess verifier;
    Peers::prepare(verifier);
    QVERIFY(verifier.start(Peers::node(), {Peers::script(u"verify_signature.mjs"_s)}));
    const auto verdict = [&verifier](const Json &request) {
        verifier.write(request.toBytes() + '\n');
        return verifier.waitForLine("e").value_or("no answer"); // "accepted" and "refused" both hold one
    };
    QCOMPARE(verdict(documentedCase), QByteArray("accepted"));
    QCOMPARE(verdict(verification(secret, now, good, body)), QByteArray("accepted"));
    QVERIFY(verdict(verification(secret, now, good, body + ' ')).contains("signature mismatch"));
    QVERIFY(verdict(verification(Secret("other"), now, good, body)).contains("signature mismatch"));
    QVERIFY(
        verdict(verification(secret, old, SignedSender::sign(secret, old, body), body)).contains("stale"));
    QVERIFY(
        verdict(verification(secret, now, "v1=" + good.mid(3), body)).contains("unknown signature version"));
}

void SlackPeersTest::events_passSlacksReceiver()
{
    const quint16 port = testing::freePort();
    SlackSimulatorConfig config;
    config.eventUrl = QUrl(u"http://127.0.0.1:%1/slack/events"_s.arg(port));
    SlackSimulator slack(config, m_clock);
    ChildProcess receiver;
    Peers::prepare(receiver);
    const QString secret = QString::fromUtf8(config.signingSecret.reveal());
    QVERIFY(receiver.start(
        Peers::node(), {Peers::script(u"receive_event.mjs"_s), QString::number(port), secret}));
    const auto ready = receiver.waitForLine("ready");
    QVERIFY2(ready, ready ? "" : qPrintable(ready.error().toString()));

    const auto said = async::blockOn(slack.mention(u"C1"_s, u"U1"_s, u"hello & bye"_s), Millis(20'000));
    QVERIFY(said);
    QVERIFY2(said->message.delivered && said->mention.delivered, said->message.body.constData());
    QCOMPARE(
        receiver.waitForLine("event").value_or(""), QByteArray("event message <@U0BOT> hello &amp; bye"));
    QCOMPARE(
        receiver.waitForLine("event").value_or(""), QByteArray("event app_mention <@U0BOT> hello &amp; bye"));

    SignedSender::Request forged(config.eventUrl, "{}");
    forged.signature = SignedSender::sign(Secret("wrong"), "1", "{}");
    SignedSender sender = slack.signedSender();
    const auto refused = async::blockOn(sender.post(forged), Millis(20'000));
    QVERIFY(refused);
    QCOMPARE(refused->status, 401);
    async::blockOn(slack.close());
}

void SlackPeersTest::webClient_drivesTheSimulator()
{
    SlackSimulator slack(SlackSimulatorConfig(), m_clock);
    QVERIFY(slack.listen());
    slack.addChannel(u"C1"_s, u"general"_s);
    slack.addChannel(u"C_LIMITED"_s);
    slack.addUser(u"U1"_s);
    // Four messages stand in C1 right before the script comes to the channel that is limited.
    connect(&slack, &SlackSimulator::posted, &slack, [&slack](const QString &channel, const QString &) {
        if (slack.messages(channel).size() == 4 && channel == "C1"_L1)
            slack.addFault(u"chat.postMessage"_s, Fault::rateLimited(std::chrono::seconds(1)));
    });
    ChildProcess client;
    Peers::prepare(client);
    QVERIFY(client.start(Peers::node(), {Peers::script(u"drive_slack.mjs"_s), slack.apiBaseUrl()}));
    const auto code = client.waitForEnd(Millis(40'000));
    QVERIFY2(code == 0, (client.output() + client.errors()).constData());
    QVERIFY(client.output().contains("all checks hold"));
    QCOMPARE(slack.messages(u"C_LIMITED"_s).size(), size_t(1));
    async::blockOn(slack.close());
}

void SlackPeersTest::socketModeClient_acceptsTheSimulator()
{
    SlackSimulatorConfig config;
    config.socketMode = true;
    SlackSimulator slack(config, m_clock);
    QVERIFY(slack.listen());
    slack.socket().ackDeadline = Millis(20'000);
    slack.socket().warningLead = Millis(1000);
    ChildProcess client;
    Peers::prepare(client);
    QVERIFY(client.start(Peers::node(), {Peers::script(u"socket_mode.mjs"_s), slack.apiBaseUrl()}));
    const auto connected = client.waitForLine("connected 1");
    QVERIFY2(connected, connected ? "" : qPrintable(connected.error().toString()));
    sandbox::SayOptions mention;
    mention.order = sandbox::TwinOrder::MentionOnly;
    const auto said = async::blockOn(slack.mention(u"C1"_s, u"U1"_s, u"hello"_s, mention), Millis(30'000));
    QVERIFY(said && said->mention.delivered);
    QCOMPARE(said->mention.attempts, 1);
    QVERIFY(client.waitForLine("event <@U0BOT> hello"));
    const auto answer
        = async::blockOn(slack.slash(u"C1"_s, u"U1"_s, u"/signalbox"_s, u"status"_s), Millis(30'000));
    QVERIFY(answer);
    QCOMPARE((*answer)[u"text"].toString(), u"answer to status"_s);
    const auto pressed
        = async::blockOn(slack.pressEphemeral(u"C1"_s, u"U1"_s, u"a1"_s, u"v1"_s), Millis(30'000));
    QVERIFY(pressed);

    // It closes first and connects then, so what is said meanwhile waits, or comes again.
    slack.socket().sayDisconnect(u"refresh_requested"_s);
    const auto again = client.waitForLine("connected 2");
    QVERIFY2(again, again ? "" : qPrintable(again.error().toString()));
    const auto last = async::blockOn(slack.mention(u"C1"_s, u"U1"_s, u"stop"_s, mention), Millis(60'000));
    QVERIFY(last && last->mention.delivered);
    const auto code = client.waitForEnd(Millis(40'000));
    QVERIFY2(code == 0, (client.output() + client.errors()).constData());
    QVERIFY(client.output().contains("all checks hold"));
    QCOMPARE(slack.socket().strayAcknowledgements(), 0);
    async::blockOn(slack.close());
}

void SlackPeersTest::emulate_startsAndAnswers()
{
    EmulatedSlack slack;
    const Status started = slack.start();
    QVERIFY2(started, started ? "" : qPrintable(started.error().toString()));
    QCOMPARE(slack.botUserId(), slack.userId(u"signalbox"_s));
    const QString general = slack.channelId(u"general"_s);
    QVERIFY(!general.isEmpty());
    const auto posted
        = slack.call(u"chat.postMessage"_s, Json::object({{u"channel"_s, general}, {u"text"_s, u"hi"_s}}));
    QVERIFY(posted);
    QVERIFY2((*posted)[u"ok"].toBool(), posted->toBytes().constData());
    const Json where = Json::object({{u"channel"_s, general}, {u"ts"_s, (*posted)[u"ts"]}});
    const auto replies = slack.call(u"conversations.replies"_s, where);
    QVERIFY(replies);
    QCOMPARE((*replies)[u"messages"].at(0)[u"text"].toString(), u"hi"_s);
}

QTEST_GUILESS_MAIN(SlackPeersTest)
#include "tst_slack_peers.moc"
