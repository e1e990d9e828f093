// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "async/wait.h"
#include "support/gateway_fixture.h"
#include "support/postgres.h"
#include "unit/kept_task.h"

#include <QElapsedTimer>
#include <QSignalSpy>

#include <sqlite3.h>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;
using sandbox::EventOutcome;
using sandbox::SayOutcome;

namespace {

constexpr int kWait = 30'000;
constexpr Millis kSocketLease{10'000};
using Said = std::shared_ptr<Kept<Result<SayOutcome>>>;

GatewayOptions socketOptions()
{
    GatewayOptions options;
    options.slackSimulator.socketMode = true;
    options.slackSimulator.appToken = Secret(QByteArray("xapp-") + kMarker);
    options.installation
        = "transport = \"socket\"\napp_token = \"" + options.slackSimulator.appToken.reveal() + "\"\n";
    return options;
}

// A mention whose delivery is not waited for.
Said say(GatewayFixture &world, const QString &channel, const QString &text)
{
    sandbox::SayOptions options;
    options.order = sandbox::TwinOrder::MentionOnly;
    return testing::start(world.slack().mention(channel, u"U0ANNA"_s, marked(text), options));
}

bool isDelivered(const Said &said)
{
    return said->value && *said->value && (**said->value).mention.delivered;
}

Json installation(GatewayFixture &gateway)
{
    const auto page = gateway.admin(u"/installations"_s);
    return page ? (*page)[u"items"].at(0) : Json();
}

QString troubleOf(GatewayFixture &gateway)
{
    return installation(gateway)[u"trouble"].toString();
}

// Writes of everybody else wait as long as this lives.
class LockedDatabase
{
public:
    explicit LockedDatabase(const QString &path)
    {
        m_locked = sqlite3_open(path.toUtf8().constData(), &m_database) == SQLITE_OK
            && sqlite3_busy_timeout(m_database, 5000) == SQLITE_OK
            && sqlite3_exec(m_database, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK;
    }
    ~LockedDatabase() { sqlite3_close(m_database); }
    LockedDatabase(const LockedDatabase &) = delete;
    LockedDatabase &operator=(const LockedDatabase &) = delete;
    [[nodiscard]] bool isLocked() const { return m_locked; }

private:
    sqlite3 *m_database = nullptr;
    bool m_locked = false;
};

} // namespace

#define START(gateway)                                                                                       \
    do {                                                                                                     \
        const Status startedNow = (gateway).start();                                                         \
        QVERIFY2(startedNow, startedNow ? "" : qPrintable(startedNow.error().toString()));                   \
        (gateway).slack().socket().ackDeadline = Millis(20'000);                                             \
    } while (false)

// transport = "socket" seen from outside the running program.
class SocketFeedsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void aMentionIsAnswered_andWhatIsForeignIsNot()
    {
        GatewayFixture gateway(socketOptions());
        START(gateway);
        const SayOutcome said = gateway.mention(u"C1"_s, u"hello"_s);
        QVERIFY(said.message.delivered && said.mention.delivered);
        SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
        QTRY_COMPARE_WITH_TIMEOUT(gateway.appTexts(u"C1"_s, said.ts).size(), qsizetype(1), kWait);
        QCOMPARE(gateway.deliveryTotal(), 1); // the twin events are one message

        // Acknowledged, because it is of no use to send it again; and nothing comes of it.
        const Json event = Json::object(
            {{u"type"_s, u"app_mention"_s}, {u"user"_s, u"U1"_s}, {u"text"_s, marked(u"<@U0BOT> hi"_s)},
                {u"channel"_s, u"C1"_s}, {u"ts"_s, u"1764000000.000100"_s}});
        for (const auto &[member, value] : {std::pair(u"team_id"_s, u"T0OTHER"_s),
                 std::pair(u"api_app_id"_s, u"A0OTHER"_s), std::pair(u"type"_s, u"app_rate_limited"_s)}) {
            Json envelope = gateway.slack().events().envelope(gateway.slack().config().teamId, event);
            envelope.set(member, value);
            const auto sent = async::blockOn(
                gateway.slack().socket().deliver(u"events_api"_s, envelope, false, true), Millis(kWait));
            QVERIFY(sent && sent->acknowledged);
            QCOMPARE(sent->attempts, 1);
        }
        QCOMPARE(gateway.deliveryTotal(), 1);
        QCOMPARE(gateway.stop(), std::optional<int>(0));
        QCOMPARE(gateway.slack().socket().connections(), 0);
    }

    // The way of POST /slack/interactions.
    void aClick_answersWhatTheAgentAsks()
    {
        GatewayFixture gateway(socketOptions());
        START(gateway);
        const SayOutcome said = gateway.mention(u"C0ASK"_s, u"ask please"_s);
        SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "waiting/person", kWait);
        const auto card = [&] {
            for (const sandbox::SlackMessage &message : gateway.slack().messages(u"C0ASK"_s)) {
                if (message.blocks.isArray() && message.threadTs == said.ts)
                    return message.ts;
            }
            return QString();
        };
        QTRY_VERIFY_WITH_TIMEOUT(!card().isEmpty(), kWait);
        const auto clicked = async::blockOn(
            gateway.slack().click(u"C0ASK"_s, card(), u"signalbox.answer.0"_s, u"U0ANNA"_s), Millis(kWait));
        QVERIFY(clicked);
        SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
        QCOMPARE(gateway.stop(), std::optional<int>(0));
    }

    void whatCannotBeStored_isNotAcknowledged()
    {
        GatewayFixture gateway(socketOptions());
        START(gateway);
        auto &hub = gateway.slack().socket();
        QTRY_COMPARE_WITH_TIMEOUT(hub.connections(), 1, kWait);
        hub.ackDeadline = Millis(400);
        hub.retries = 200;
        QSignalSpy sent(&hub, &sandbox::SlackSocketHub::sent);
        Said said;
        {
            const LockedDatabase locked(gateway.dataDir() + u"/signalbox.db"_s);
            QVERIFY(locked.isLocked());
            said = say(gateway, u"C1"_s, u"patience"_s);
            QTRY_VERIFY_WITH_TIMEOUT(sent.count() >= 3, kWait);
            QCOMPARE(hub.acknowledged() + hub.strayAcknowledgements(), 0);
        }
        QTRY_VERIFY_WITH_TIMEOUT(isDelivered(said), kWait);
        const QString ts = (**said->value).ts;
        SIGNALBOX_WAIT_OUTCOME(gateway, ts, "completed/delivered", kWait);
        QCOMPARE(gateway.deliveryTotal(), 1);
        QTRY_COMPARE_WITH_TIMEOUT(gateway.appTexts(u"C1"_s, ts).size(), qsizetype(1), kWait);
        QCOMPARE(gateway.stop(), std::optional<int>(0));
    }

    void aRefreshUnderLoad_losesNothing()
    {
        GatewayFixture gateway(socketOptions());
        START(gateway);
        auto &hub = gateway.slack().socket();
        hub.warningLead = Millis(700);
        QTRY_COMPARE_WITH_TIMEOUT(hub.connections(), 1, kWait);
        std::vector<Said> all;
        for (int round = 0; round < 3; ++round) {
            for (int i = 0; i < 15; ++i) {
                all.push_back(say(gateway, u"C%1"_s.arg(i), u"round %1"_s.arg(round)));
                if (i == 5)
                    hub.sayDisconnect(round % 2 == 0 ? u"refresh_requested"_s : u"warning"_s);
            }
            QTRY_VERIFY_WITH_TIMEOUT(std::all_of(all.begin(), all.end(), isDelivered), kWait);
            QTRY_COMPARE_WITH_TIMEOUT(hub.connected(), round + 2, kWait);
            QTRY_COMPARE_WITH_TIMEOUT(hub.connections(), 1, kWait);
        }
        QCOMPARE(gateway.deliveryTotal(), qint64(all.size()));
        QCOMPARE(gateway.stop(), std::optional<int>(0));
    }

    void aDisabledLink_isShownUntilAnOperatorResumes()
    {
        GatewayFixture gateway(socketOptions());
        START(gateway);
        auto &hub = gateway.slack().socket();
        QTRY_COMPARE_WITH_TIMEOUT(hub.connections(), 1, kWait);
        hub.sayDisconnect(u"link_disabled"_s);
        QTRY_COMPARE_WITH_TIMEOUT(troubleOf(gateway), u"socket_disabled"_s, kWait);
        QVERIFY(!installation(gateway)[u"trouble_words"].toString().isEmpty());
        QCOMPARE(hub.connected(), 1);
        const QString resume = u"/installations/slack:%1/resume"_s.arg(gateway.slack().config().teamId);
        const QByteArray body = "{\"what\":\"intake\",\"reason\":\"switched on again\"}";
        int tries = 0; // its holder has said within two seconds that it has stopped
        QTRY_COMPARE_WITH_TIMEOUT(
            gateway.act(resume, body, "resume-" + QByteArray::number(++tries)), 200, kWait);
        QTRY_COMPARE_WITH_TIMEOUT(hub.connections(), 1, kWait);
        QTRY_COMPARE_WITH_TIMEOUT(troubleOf(gateway), QString(), kWait);
        const SayOutcome said = gateway.mention(u"C1"_s, u"hello again"_s);
        SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
        QCOMPARE(gateway.act(resume, body, "resume-once-more"), 409); // nothing has stopped
        QCOMPARE(gateway.stop(), std::optional<int>(0));
    }

    void aRefusedAppToken_isATrouble()
    {
        GatewayOptions options = socketOptions();
        options.installation
            = "transport = \"socket\"\napp_token = \"xapp-" + QByteArray(kMarker) + "-old\"\n";
        GatewayFixture gateway(options);
        START(gateway);
        QTRY_COMPARE_WITH_TIMEOUT(troubleOf(gateway), u"app_token_refused"_s, kWait);
        QCOMPARE(gateway.slack().callCount(u"apps.connections.open"_s), 1);
        QCOMPARE(gateway.stop(), std::optional<int>(0));
    }

    void oneOfTwoEnginesHoldsTheSocket()
    {
        SIGNALBOX_NEED_POSTGRES();
        const auto database = PostgresDatabase::create();
        QVERIFY(database);
        GatewayOptions options = socketOptions();
        options.database = database->url();
        options.engine = "lease = \"3s\"\nid = \"one\"\n";
        GatewayFixture one(options);
        options.engine = "lease = \"3s\"\nid = \"two\"\n";
        GatewayFixture two(options, one);
        START(one);
        auto &hub = one.slack().socket();
        QTRY_COMPARE_WITH_TIMEOUT(hub.connections(), 1, kWait);
        START(two);
        const SayOutcome first = two.mention(u"C1"_s, u"one of you"_s);
        SIGNALBOX_WAIT_OUTCOME(two, first.ts, "completed/delivered", kWait);
        QCOMPARE(hub.connected(), 1);

        QElapsedTimer gone;
        gone.start();
        one.killNow();
        QTRY_COMPARE_WITH_TIMEOUT(hub.connected(), 2, kWait);
        QVERIFY2(gone.elapsed() <= (kSocketLease + Millis(5000)).count(),
            qPrintable(QString::number(gone.elapsed())));
        const SayOutcome second = two.mention(u"C2"_s, u"the other one"_s);
        SIGNALBOX_WAIT_OUTCOME(two, second.ts, "completed/delivered", kWait);

        // A clean stop hands it over at once.
        START(one);
        gone.restart();
        two.terminate();
        QTRY_COMPARE_WITH_TIMEOUT(hub.connected(), 3, kWait);
        QVERIFY2(gone.elapsed() <= 6000, qPrintable(QString::number(gone.elapsed())));
        QCOMPARE(two.waitForEnd(), std::optional<int>(0));
        QTRY_COMPARE_WITH_TIMEOUT(hub.connections(), 1, kWait);
        QCOMPARE(one.stop(), std::optional<int>(0));
    }
};

QTEST_GUILESS_MAIN(SocketFeedsTest)
#include "tst_socket_feeds.moc"
