// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "async/wait.h"
#include "channels/slack/socket_mode.h"
#include "domain/installation_trouble.h"
#include "sandbox/slack_simulator.h"
#include "unit/kept_task.h"

#include <QElapsedTimer>
#include <QSignalSpy>
#include <QTcpSocket>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using sandbox::Fault;
using sandbox::SlackSimulator;
using sandbox::SlackSimulatorConfig;
using sandbox::SlackSocketHub;
using sandbox::SocketDelivery;
using slack::SocketAnswer;
using slack::SocketEnvelope;
using slack::SocketModeClient;
using slack::SocketModeOptions;
using slack::SocketTimings;

namespace {

constexpr int kWait = 20'000;
constexpr Millis kLimit{20'000};
using Delivered = std::shared_ptr<testing::Kept<Result<SocketDelivery>>>;

// Says when what waits for it may go on.
class Gate : public QObject
{
    Q_OBJECT
Q_SIGNALS:
    void opened();
};

// A simulated Slack, and what a client handed over.
struct World
{
    World()
        : slack(SlackSimulatorConfig(), clock)
        , ids(clock)
    {
        if (!slack.listen())
            qFatal("no loopback port");
        hub().ackDeadline = kLimit;
        options.apiBaseUrl = QUrl(slack.apiBaseUrl());
        options.appToken = slack.config().appToken;
        options.name = u"slack:T"_s;
        options.timings.backOffFirst = Millis(20);
        options.timings.backOffMost = Millis(100);
        options.timings.drain = Millis(2000);
    }
    ~World()
    {
        held = false;
        Q_EMIT gate.opened();
        if (client)
            QVERIFY(async::blockOn(client->stop(Millis(1000)), kLimit));
        client.reset();
        async::blockOn(slack.close(), kLimit);
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    }
    World(const World &) = delete;
    World &operator=(const World &) = delete;

    [[nodiscard]] SlackSocketHub &hub() { return slack.socket(); }
    void start()
    {
        const auto sink = [this](SocketEnvelope envelope) { return take(std::move(envelope)); };
        client = std::make_unique<SocketModeClient>(http, clock, ids, options, sink);
        client->start();
    }
    QCoro::Task<SocketAnswer> take(SocketEnvelope envelope)
    {
        taken.push_back(envelope);
        if (held)
            co_await async::waitSignal(&gate, &Gate::opened, kLimit);
        SocketAnswer answer(refusals == 0);
        if (refusals > 0)
            --refusals;
        answer.payload = Json::object({{u"text"_s, u"answer"_s}});
        co_return answer;
    }
    [[nodiscard]] Delivered send(const QString &type = u"events_api"_s)
    {
        const Json payload = Json::object({{u"number"_s, ++number}});
        return testing::start(hub().deliver(type, payload, type == u"slash_commands", type == u"events_api"));
    }
    [[nodiscard]] static bool isAcknowledged(const Delivered &delivered)
    {
        return delivered->value && *delivered->value && (**delivered->value).acknowledged;
    }
    [[nodiscard]] int opens() const { return slack.callCount(u"apps.connections.open"_s); }

    SystemClock clock;
    SlackSimulator slack;
    SystemIdGenerator ids;
    http::Client http;
    SocketModeOptions options;
    std::unique_ptr<SocketModeClient> client;
    std::vector<SocketEnvelope> taken;
    Gate gate;
    bool held = false;
    int refusals = 0;
    int number = 0;
};

http::Response slackAnswer(const QByteArray &body)
{
    return http::Response(200, "application/json", body);
}
} // namespace

// Socket Mode (contracts/slack.md §2) against the simulated Slack, which Slack's own client accepts
// (tests/peers).
class SocketModeTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void whatIsStored_isAcknowledged()
    {
        World world;
        world.held = true;
        world.start();
        const Delivered event = world.send();
        QTRY_COMPARE_WITH_TIMEOUT(world.taken.size(), size_t(1), kWait);
        QCOMPARE(world.hub().acknowledged(), 0); // not before the sink has answered
        QVERIFY(world.client->isLive());
        QVERIFY(world.client->findChild<QTcpSocket *>() != nullptr); // shows Slack's pings, see SocketLink
        world.held = false;
        Q_EMIT world.gate.opened();
        QTRY_VERIFY_WITH_TIMEOUT(World::isAcknowledged(event), kWait);
        QVERIFY((**event->value).payload.isNull()); // an event takes no answer
        QCOMPARE(world.taken[0].type, u"events_api"_s);
        QCOMPARE(world.taken[0].connectionApp, world.slack.config().appId);
        QCOMPARE(world.taken[0].payload[u"number"].toInt(), std::optional<qint64>(1));
        const Delivered command = world.send(u"slash_commands"_s);
        QTRY_VERIFY_WITH_TIMEOUT(World::isAcknowledged(command), kWait);
        QCOMPARE((**command->value).payload[u"text"].toString(), u"answer"_s);
        QCOMPARE(world.client->stats().acknowledged, quint64(2));
    }

    void whatIsNotStored_comesAgain()
    {
        World world;
        world.hub().ackDeadline = Millis(200);
        world.refusals = 2;
        world.start();
        const Delivered event = world.send();
        QTRY_VERIFY_WITH_TIMEOUT(event->value, kWait);
        QVERIFY(World::isAcknowledged(event));
        QCOMPARE((**event->value).attempts, 3);
        QCOMPARE(world.taken.size(), size_t(3));
        QCOMPARE(world.taken[2].retryAttempt, 2);
        QVERIFY(world.taken[0].id != world.taken[1].id);
        QCOMPARE(world.client->stats().notStored, quint64(2));
    }

    void aConnectionToBeReplaced_isKeptUntilTheNextIsGreeted_data()
    {
        QTest::addColumn<QString>("reason");
        QTest::newRow("warning") << u"warning"_s;
        QTest::newRow("refresh") << u"refresh_requested"_s;
    }
    void aConnectionToBeReplaced_isKeptUntilTheNextIsGreeted()
    {
        QFETCH(const QString, reason);
        World world;
        world.hub().warningLead = Millis(300);
        world.start();
        QTRY_VERIFY_WITH_TIMEOUT(world.client->isLive(), kWait);
        QSignalSpy changes(world.client.get(), &SocketModeClient::changed);
        world.hub().sayDisconnect(reason);
        std::vector<Delivered> sent;
        for (int i = 0; i < 50; ++i) {
            sent.push_back(world.send());
            QTRY_VERIFY_WITH_TIMEOUT(sent.back()->value, kWait);
        }
        QTRY_COMPARE_WITH_TIMEOUT(world.hub().connected(), 2, kWait);
        QTRY_COMPARE_WITH_TIMEOUT(world.hub().connections(), 1, kWait);
        QVERIFY(world.client->isLive());
        int attempts = 0;
        for (const Delivered &one : sent) {
            QVERIFY(World::isAcknowledged(one));
            attempts += (**one->value).attempts;
        }
        QVERIFY(attempts <= 51); // one may have been on its way when Slack closed the old connection
        QCOMPARE(world.hub().mostConnections(), 2);
        QCOMPARE(world.client->stats().replaced, quint64(1));
        QCOMPARE(world.client->stats().lost, quint64(0));
        QCOMPARE(changes.count(), 1); // only the new one
    }

    void aDisabledLink_stopsUntilSomebodyWantsItAgain()
    {
        World world;
        world.start();
        QTRY_VERIFY_WITH_TIMEOUT(world.client->isLive(), kWait);
        world.hub().sayDisconnect(u"link_disabled"_s);
        QTRY_COMPARE_WITH_TIMEOUT(
            world.client->trouble(), QString::fromUtf16(domain::kSocketDisabled), kWait);
        QVERIFY(!world.client->isLive());
        QTRY_COMPARE_WITH_TIMEOUT(world.hub().connections(), 0, kWait);
        async::blockOn(async::delay(world.options.timings.backOffMost * 3));
        QCOMPARE(world.opens(), 1);
        world.client->retry();
        QTRY_VERIFY_WITH_TIMEOUT(world.client->isLive(), kWait);
        QCOMPARE(world.client->trouble(), QString());
    }

    void aSilentConnection_isReplaced()
    {
        World world;
        world.options.timings.ping = Millis(50);
        world.options.timings.silence = Millis(600);
        world.start();
        QTRY_VERIFY_WITH_TIMEOUT(world.client->isLive(), kWait);
        async::blockOn(async::delay(world.options.timings.silence * 2));
        QCOMPARE(world.hub().connected(), 1); // one that only answers pings is alive
        world.hub().goSilent();
        QTRY_COMPARE_WITH_TIMEOUT(world.hub().connected(), 2, kWait);
        QTRY_VERIFY_WITH_TIMEOUT(world.client->isLive(), kWait);
        QCOMPARE(world.client->stats().lost, quint64(1));
    }

    void nothingCounts_beforeTheGreeting()
    {
        World world;
        world.hub().greets = false;
        world.options.timings.hello = Millis(300);
        world.start();
        QTRY_COMPARE_WITH_TIMEOUT(world.hub().connected(), 1, kWait);
        world.hub().sendText(
            uR"({"envelope_id":"early","type":"events_api","payload":{"type":"event_callback"}})"_s);
        QTRY_VERIFY_WITH_TIMEOUT(world.hub().connected() >= 2, kWait);
        QVERIFY(!world.client->isLive());
        QVERIFY(world.taken.empty());
        world.hub().greets = true;
        QTRY_VERIFY_WITH_TIMEOUT(world.client->isLive(), kWait);
    }

    void aLostConnection_comesBack()
    {
        World world;
        world.start();
        QTRY_VERIFY_WITH_TIMEOUT(world.client->isLive(), kWait);
        world.hub().drop();
        const Delivered event = world.send(); // waits for the next one
        QTRY_VERIFY_WITH_TIMEOUT(World::isAcknowledged(event), kWait);
        QCOMPARE(world.hub().connected(), 2);
        QCOMPARE(world.client->stats().lost, quint64(1));
    }

    void aLimit_isWaitedFor()
    {
        World world;
        world.slack.addFault(u"apps.connections.open"_s, Fault::rateLimited(std::chrono::seconds(1)));
        QElapsedTimer timer;
        timer.start();
        world.start();
        QTRY_VERIFY_WITH_TIMEOUT(world.client->isLive(), kWait);
        QVERIFY(timer.elapsed() >= 990);
        QCOMPARE(world.opens(), 2);
    }

    void failures_areTriedAgainEverSlower()
    {
        World world;
        world.options.timings.backOffFirst = Millis(100);
        world.options.timings.backOffMost = Millis(400);
        world.slack.addFault(u"apps.connections.open"_s, Fault::httpStatus(500).repeat(4));
        QElapsedTimer timer;
        timer.start();
        world.start();
        QTRY_VERIFY_WITH_TIMEOUT(world.client->isLive(), kWait);
        QVERIFY(timer.elapsed() >= (100 + 200 + 400 + 400) / 2); // by chance up to twice as long
        QCOMPARE(world.opens(), 5);
    }

    void aRefusedToken_isATroubleAndNoLoop_data()
    {
        QTest::addColumn<QByteArray>("token");
        QTest::addColumn<QString>("trouble");
        QTest::newRow("unknown") << QByteArray("xapp-other") << QString::fromUtf16(domain::kAppTokenRefused);
        QTest::newRow("of a bot") << QByteArray("xoxb-sandbox")
                                  << QString::fromUtf16(domain::kAppTokenWrongType);
    }
    void aRefusedToken_isATroubleAndNoLoop()
    {
        QFETCH(const QByteArray, token);
        QFETCH(const QString, trouble);
        World world;
        world.options.appToken = Secret(token);
        world.start();
        QTRY_COMPARE_WITH_TIMEOUT(world.client->trouble(), trouble, kWait);
        async::blockOn(async::delay(world.options.timings.backOffMost * 3));
        QCOMPARE(world.opens(), 1);
        QVERIFY(domain::troubleKind(trouble) == domain::TroubleKind::Socket);
        QVERIFY(!domain::troubleWords(trouble).isEmpty());
    }

    void badFrames_areCountedAndIgnored()
    {
        World world;
        world.start();
        QTRY_VERIFY_WITH_TIMEOUT(world.client->isLive(), kWait);
        for (const QString &frame : {u"nonsense"_s, u"{}"_s, u"[1]"_s, u"{\"envelope_id\":\"x\"}"_s,
                 u"{\"type\":\"events_api\",\"payload\":{}}"_s,
                 u"{\"envelope_id\":\"x\",\"type\":\"events_api\",\"payload\":7}"_s})
            world.hub().sendText(frame);
        world.hub().sendBinary("\x01\x02");
        QTRY_COMPARE_WITH_TIMEOUT(world.client->stats().badFrames, quint64(7), kWait);
        const Delivered event = world.send();
        QTRY_VERIFY_WITH_TIMEOUT(World::isAcknowledged(event), kWait);
        QCOMPARE(world.taken.size(), size_t(1));
        QCOMPARE(world.hub().connected(), 1);
    }

    void debugReconnects_replaceConnectionsSoon()
    {
        World world;
        world.options.debugReconnects = true;
        world.hub().debugLifetime = Millis(100);
        world.hub().warningLead = Millis(100);
        world.start();
        QTRY_VERIFY_WITH_TIMEOUT(world.hub().connected() >= 3, kWait);
        QCOMPARE(world.client->stats().lost, quint64(0));
    }

    void moreThanMayBeInHand_isLeftToComeAgain()
    {
        World world;
        world.options.maxInFlight = 1;
        world.hub().ackDeadline = Millis(300);
        world.hub().retries = 100;
        world.held = true;
        world.start();
        const Delivered first = world.send();
        const Delivered second = world.send();
        QTRY_VERIFY_WITH_TIMEOUT(world.client->stats().overflowed >= 1, kWait);
        QCOMPARE(world.taken.size(), size_t(1));
        world.held = false;
        Q_EMIT world.gate.opened();
        QTRY_VERIFY_WITH_TIMEOUT(World::isAcknowledged(first) && World::isAcknowledged(second), kWait);
    }

    void aStop_letsWhatIsInHandBeAcknowledged()
    {
        World world;
        world.held = true;
        world.start();
        const Delivered event = world.send();
        QTRY_COMPARE_WITH_TIMEOUT(world.taken.size(), size_t(1), kWait);
        const auto stopped = testing::start(world.client->stop(kLimit));
        world.held = false;
        Q_EMIT world.gate.opened();
        QTRY_VERIFY_WITH_TIMEOUT(stopped->value.has_value(), kWait);
        QVERIFY(*stopped->value);
        QTRY_VERIFY_WITH_TIMEOUT(World::isAcknowledged(event), kWait);
        QTRY_COMPARE_WITH_TIMEOUT(world.hub().connections(), 0, kWait);
    }

    void anAddress_isUsedWithTheApisOwnSecurityAlone()
    {
        using slack::interpretOpen;
        const QByteArray plain = R"({"ok":true,"url":"ws://127.0.0.1:1/link/?ticket=t"})";
        QVERIFY(interpretOpen(slackAnswer(plain), true).url.isValid());
        QCOMPARE(interpretOpen(slackAnswer(plain), false).error, u"unusable_address"_s);
        const QByteArray tls = R"({"ok":true,"url":"wss://wss.example/link/?ticket=t"})";
        QVERIFY(interpretOpen(slackAnswer(tls), false).url.isValid());
        for (const char *url : {"http://a/", "", "wss:", "file:///etc/passwd"}) {
            const QByteArray body = QByteArray(R"({"ok":true,"url":")") + url + "\"}";
            QCOMPARE(interpretOpen(slackAnswer(body), true).error, u"unusable_address"_s);
        }
        QCOMPARE(interpretOpen(slackAnswer("<html>"), false).error, u"unreadable"_s);
        QVERIFY(
            interpretOpen(slackAnswer(R"({"ok":false,"error":"internal_error"})"), false).trouble.isEmpty());
        http::Response limited(429, "text/plain", "");
        limited.headers.add("Retry-After", "30");
        QCOMPARE(interpretOpen(limited, false).retryAfter, Millis(30'000));
    }
};

QTEST_GUILESS_MAIN(SocketModeTest)
#include "tst_socket_mode.moc"
