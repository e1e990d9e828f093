// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "support/gateway_fixture.h"
#include "support/postgres.h"

#include <QElapsedTimer>

#include <csignal>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;
using sandbox::Fault;

// DESIGN.md steps 1, 5 and 6: what Slack has had its 2xx for is answered once, or told, whenever the program
// dies.
class KillAfterAckTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void killedBeforeThePromptIsAnsweredOnce_data() { databasesAndBackends(); }
    void killedBeforeThePromptIsAnsweredOnce();
    void killedInTheInstantOfTheAnswerIsAnsweredOrToldOnce_data() { databases(); }
    void killedInTheInstantOfTheAnswerIsAnsweredOrToldOnce();
    void killedDuringATurnIsToldOnceAndNotPromptedAgain_data() { databasesAndBackends(); }
    void killedDuringATurnIsToldOnceAndNotPromptedAgain();
    void killedWhilePostingPostsOnce_data();
    void killedWhilePostingPostsOnce();
    void aStopLetsAShortTurnEnd_data() { databases(); }
    void aStopLetsAShortTurnEnd();
    void aStopHandsALongTurnBack_data() { databases(); }
    void aStopHandsALongTurnBack();
    void aSecondSignalEndsAtOnce();
    void anotherEngineTakesOver();

private:
    using Backend = GatewayOptions::Backend;
    static void databases();
    static void databasesAndBackends();
    [[nodiscard]] static bool isUnconfirmed(GatewayFixture &gateway, const QString &ts);
    std::optional<PostgresDatabase> m_postgres;
};

namespace {
constexpr int kWait = 45'000;
// An interrupted turn is looked for; ten seconds between two loads would make the rounds minutes long.
const QByteArray kQuickLooks = "adoption_interval = \"300ms\"\nadoption_timeout = \"2s\"\n";

// An agent command that waits at a gate before it becomes the simulated agent: nothing is prompted until
// open().
class Gate
{
public:
    explicit Gate(const QString &folder)
        : m_path(folder + u"/gate"_s)
    {
        ::mkfifo(QFile::encodeName(m_path).constData(), 0600);
        m_file = ::open(QFile::encodeName(m_path).constData(), O_RDWR | O_CLOEXEC);
    }
    ~Gate() { ::close(m_file); }
    Gate(const Gate &) = delete;
    Gate &operator=(const Gate &) = delete;
    // Lets one agent pass.
    [[nodiscard]] bool open() const { return ::write(m_file, "go\n", 3) == 3; }
    [[nodiscard]] QStringList command() const
    {
        return {u"/bin/sh"_s, u"-c"_s, u"read -r go < \"$1\" && exec \"$2\" --sandbox-agent"_s, u"sh"_s,
            m_path, GatewayFixture::program()};
    }

private:
    QString m_path;
    int m_file = -1;
};

QString replyTo(const QString &text)
{
    return u"You said: "_s + marked(text);
}
} // namespace

#define START(gateway)                                                                                       \
    do {                                                                                                     \
        const Status startedNow = (gateway).start();                                                         \
        QVERIFY2(startedNow, startedNow ? "" : qPrintable(startedNow.error().toString()));                   \
    } while (false)

// Fills in the database of a row.
#define USE_DATABASE(options)                                                                                \
    QFETCH(bool, postgres);                                                                                  \
    m_postgres.reset();                                                                                      \
    if (postgres) {                                                                                          \
        SIGNALBOX_NEED_POSTGRES();                                                                           \
        auto created = PostgresDatabase::create();                                                           \
        QVERIFY2(created, created ? "" : qPrintable(created.error().toString()));                            \
        m_postgres.emplace(std::move(*created));                                                             \
        (options).database = m_postgres->url();                                                              \
    }

void KillAfterAckTest::databases()
{
    QTest::addColumn<bool>("postgres");
    QTest::newRow("sqlite") << false;
    QTest::newRow("postgres") << true;
}

void KillAfterAckTest::databasesAndBackends()
{
    QTest::addColumn<bool>("postgres");
    QTest::addColumn<bool>("spritz");
    QTest::newRow("sqlite, acp") << false << false;
    QTest::newRow("sqlite, spritz") << false << true;
    QTest::newRow("postgres, acp") << true << false;
    QTest::newRow("postgres, spritz") << true << true;
}

bool KillAfterAckTest::isUnconfirmed(GatewayFixture &gateway, const QString &ts)
{
    return gateway.outcome(ts).startsWith(u"unconfirmed");
}

// The window is real: the agent waits at its gate, or the registry does not answer, while the 2xx has long
// been given.
void KillAfterAckTest::killedBeforeThePromptIsAnsweredOnce()
{
    QFETCH(bool, spritz);
    GatewayOptions options;
    options.turn = kQuickLooks;
    USE_DATABASE(options);
    QTemporaryDir folder;
    const Gate gate(folder.path());
    options.backend = spritz ? Backend::Spritz : Backend::Acp;
    options.agentCommand = gate.command();
    options.agentRemembers = true;
    GatewayFixture gateway(options);
    const int rounds = GatewayFixture::isFullForm() ? 50 : 3;
    for (int i = 0; i < rounds; ++i) {
        START(gateway);
        if (spritz)
            gateway.spritz().addFault(u"exchange"_s, Fault::hang());
        const QString channel = u"C0KILL%1"_s.arg(i);
        const auto said = gateway.mention(channel, u"round %1"_s.arg(i));
        QCOMPARE(said.mention.status, 200);
        QCOMPARE(said.message.status, 200);
        gateway.killNow();
        QCOMPARE(gateway.prompts(said.ts), 0);
        gateway.spritz().clearFaults();
        QVERIFY(gate.open());
        START(gateway);
        SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
        QCOMPARE(gateway.prompts(said.ts), 1);
        QCOMPARE(gateway.appTexts(channel, spritz ? QString() : said.ts),
            QStringList(replyTo(u"round %1"_s.arg(i))));
        QCOMPARE(gateway.stop(), std::optional<int>(0));
    }
    QCOMPARE(gateway.spritz().agents().maxPrompts(), spritz ? 1 : 0);
}

// Killed as soon as the bytes of the 2xx are there, wherever the program is then.
void KillAfterAckTest::killedInTheInstantOfTheAnswerIsAnsweredOrToldOnce()
{
    GatewayOptions options;
    options.turn = kQuickLooks;
    USE_DATABASE(options);
    options.agentRemembers = true;
    GatewayFixture gateway(options);
    const int rounds = GatewayFixture::isFullForm() ? 50 : 10;
    int answered = 0;
    for (int i = 0; i < rounds; ++i) {
        START(gateway);
        // A running agent is prompted at once: only then is the prompt near the kill.
        const auto first = gateway.mention(u"C0WARM"_s, u"warm"_s);
        SIGNALBOX_WAIT_OUTCOME(gateway, first.ts, "completed/delivered", kWait);
        const QString channel = u"C0INSTANT%1"_s.arg(i);
        gateway.slack().addChannel(channel);
        gateway.slack().events().setEventUrl(QUrl(u"http://127.0.0.1:1/"_s)); // said, but sent by us
        const auto said = gateway.mention(channel, u"instant"_s, {}, sandbox::TwinOrder::MentionOnly);
        gateway.slack().events().setEventUrl(gateway.eventsUrl());
        Json event = Json::object(
            {{u"type"_s, u"app_mention"_s}, {u"user"_s, u"U0ANNA"_s}, {u"channel"_s, channel}});
        event.set(u"ts"_s, said.ts);
        event.set(u"text"_s, u"<@U0BOT> "_s + marked(u"instant"_s));
        QCOMPARE(
            gateway.post(gateway.slack().events().envelope(u"T0SANDBOX"_s, event).toBytes()).status, 200);
        ::kill(static_cast<pid_t>(gateway.processId()), SIGKILL);
        gateway.killNow();
        START(gateway);
        QTRY_VERIFY2_WITH_TIMEOUT(
            gateway.outcome(said.ts) == u"completed/delivered" || isUnconfirmed(gateway, said.ts),
            qPrintable(gateway.outcome(said.ts)), kWait);
        QTRY_COMPARE_WITH_TIMEOUT(gateway.appTexts(channel, said.ts).size(), 1, kWait);
        QVERIFY2(gateway.prompts(said.ts) <= 1, QByteArray::number(gateway.prompts(said.ts)).constData());
        if (gateway.outcome(said.ts) == u"completed/delivered") {
            ++answered;
            QCOMPARE(gateway.appTexts(channel, said.ts), QStringList(replyTo(u"instant"_s)));
            QCOMPARE(gateway.prompts(said.ts), 1);
        }
        QCOMPARE(gateway.stop(), std::optional<int>(0));
    }
    qInfo("%d of %d were answered, the others told", answered, rounds);
}

void KillAfterAckTest::killedDuringATurnIsToldOnceAndNotPromptedAgain()
{
    QFETCH(bool, spritz);
    GatewayOptions options;
    USE_DATABASE(options);
    options.backend = spritz ? Backend::Spritz : Backend::Acp;
    options.agentRemembers = true;
    options.turn = kQuickLooks + "cancel_grace = \"1s\"\n";
    GatewayFixture gateway(options);
    START(gateway);
    // Of a spritz turn that had said something the next life would take that for the answer.
    const auto said = gateway.mention(u"C0TURN"_s, spritz ? u"mute"_s : u"stuck"_s);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.prompts(said.ts), 1, kWait);
    const auto waiting = gateway.mention(u"C0TURN"_s, u"and this?"_s, said.ts); // behind it
    gateway.killNow();
    START(gateway);
    QTRY_VERIFY2_WITH_TIMEOUT(isUnconfirmed(gateway, said.ts), qPrintable(gateway.outcome(said.ts)), kWait);
    SIGNALBOX_WAIT_OUTCOME(gateway, waiting.ts, "completed/delivered", kWait);
    const auto told = [&] {
        return gateway.appTexts(u"C0TURN"_s, said.ts)
                   .filter(u"I was interrupted while working on that request"_s)
                   .size()
            + gateway.appTexts(u"C0TURN"_s)
                  .filter(u"I was interrupted while working on that request"_s)
                  .size();
    };
    QTRY_COMPARE_WITH_TIMEOUT(told(), 1, kWait);
    QCOMPARE(gateway.appTexts(u"C0TURN"_s, said.ts).filter(replyTo(u"and this?"_s)).size(), 1);
    // Another life changes nothing any more.
    gateway.killNow();
    START(gateway);
    const auto later = gateway.mention(u"C0LATER"_s, u"later"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, later.ts, "completed/delivered", kWait);
    QCOMPARE(told(), 1);
    QCOMPARE(gateway.prompts(said.ts), 1);
    QCOMPARE(gateway.prompts(waiting.ts), 1);
}

void KillAfterAckTest::killedWhilePostingPostsOnce_data()
{
    QTest::addColumn<bool>("postgres");
    QTest::addColumn<bool>("effect");
    QTest::newRow("sqlite, Slack has it") << false << true;
    QTest::newRow("sqlite, Slack has it not") << false << false;
    QTest::newRow("postgres, Slack has it") << true << true;
    QTest::newRow("postgres, Slack has it not") << true << false;
}

// The outcome of a post in flight is unknown: it is looked for after ten seconds and again after five.
void KillAfterAckTest::killedWhilePostingPostsOnce()
{
    QFETCH(bool, effect);
    GatewayOptions options;
    options.turn = kQuickLooks;
    USE_DATABASE(options);
    options.agentRemembers = true;
    GatewayFixture gateway(options);
    START(gateway);
    gateway.slack().addFault(
        u"chat.postMessage"_s, effect ? Fault::delayedAnswer(Millis(60'000)) : Fault::hang());
    const auto said = gateway.mention(u"C0POST"_s, u"once"_s);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.slack().callCount(u"chat.postMessage"_s), 1, kWait);
    gateway.killNow();
    QCOMPARE(gateway.appTexts(u"C0POST"_s, said.ts).size(), effect ? 1 : 0);
    gateway.slack().clearFaults();
    START(gateway);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.appTexts(u"C0POST"_s, said.ts), QStringList(replyTo(u"once"_s)));
    QCOMPARE(gateway.prompts(said.ts), 1);
    QTRY_VERIFY_WITH_TIMEOUT(gateway.slack().reactions(u"C0POST"_s, said.ts).isEmpty(), kWait);
}

void KillAfterAckTest::aStopLetsAShortTurnEnd()
{
    GatewayOptions options;
    options.turn = kQuickLooks;
    USE_DATABASE(options);
    options.agentRemembers = true;
    GatewayFixture gateway(options);
    START(gateway);
    const auto said = gateway.mention(u"C0STOP"_s, u"slow 2s hello"_s);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.prompts(said.ts), 1, kWait);
    QElapsedTimer timer;
    timer.start();
    QCOMPARE(gateway.stop(), std::optional<int>(0));
    QVERIFY2(timer.elapsed() < 18'000, QByteArray::number(timer.elapsed()).constData());
    QVERIFY(!gateway.delivery(said.ts).isObject()); // nobody listens any more
    START(gateway);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.appTexts(u"C0STOP"_s, said.ts), QStringList(replyTo(u"hello"_s)));
    QCOMPARE(gateway.prompts(said.ts), 1);
}

void KillAfterAckTest::aStopHandsALongTurnBack()
{
    GatewayOptions options;
    USE_DATABASE(options);
    options.agentRemembers = true;
    options.engine = "shutdown_grace = \"1s\"\n";
    options.turn = kQuickLooks + "cancel_grace = \"1s\"\n";
    GatewayFixture gateway(options);
    START(gateway);
    const auto said = gateway.mention(u"C0HAND"_s, u"late 60s hello"_s);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.prompts(said.ts), 1, kWait);
    const auto waiting = gateway.mention(u"C0HAND"_s, u"and this?"_s, said.ts);
    QElapsedTimer timer;
    timer.start();
    QCOMPARE(gateway.stop(), std::optional<int>(0));
    QVERIFY2(timer.elapsed() < 10'000, QByteArray::number(timer.elapsed()).constData());
    START(gateway);
    QTRY_VERIFY2_WITH_TIMEOUT(isUnconfirmed(gateway, said.ts), qPrintable(gateway.outcome(said.ts)), kWait);
    SIGNALBOX_WAIT_OUTCOME(gateway, waiting.ts, "completed/delivered", kWait);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.appTexts(u"C0HAND"_s, said.ts)
                                  .filter(u"I was interrupted while working on that request"_s)
                                  .size(),
        1, kWait);
    QCOMPARE(gateway.appTexts(u"C0HAND"_s, said.ts).filter(replyTo(u"and this?"_s)).size(), 1);
    QCOMPARE(gateway.prompts(said.ts), 1);
}

void KillAfterAckTest::aSecondSignalEndsAtOnce()
{
    GatewayOptions options;
    options.turn = kQuickLooks;
    options.engine = "shutdown_grace = \"60s\"\n";
    options.agentRemembers = true;
    GatewayFixture gateway(options);
    START(gateway);
    const auto said = gateway.mention(u"C0TWICE"_s, u"late 60s hello"_s);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.prompts(said.ts), 1, kWait);
    gateway.terminate();
    QTRY_VERIFY_WITH_TIMEOUT(gateway.log().contains("stopping"), kWait);
    QElapsedTimer timer;
    timer.start();
    QCOMPARE(gateway.stop(), std::optional<int>(1));
    QVERIFY2(timer.elapsed() < 5000, QByteArray::number(timer.elapsed()).constData());
    START(gateway);
    QTRY_VERIFY_WITH_TIMEOUT(isUnconfirmed(gateway, said.ts), kWait);
}

// An engine that never comes back: another one on the same database ends what it had begun.
void KillAfterAckTest::anotherEngineTakesOver()
{
    SIGNALBOX_NEED_POSTGRES();
    auto created = PostgresDatabase::create();
    QVERIFY2(created, created ? "" : qPrintable(created.error().toString()));
    m_postgres.emplace(std::move(*created));
    GatewayOptions options;
    options.database = m_postgres->url();
    options.engine = "lease = \"2s\"\n";
    options.turn = kQuickLooks;
    options.agentRemembers = true;
    GatewayFixture lost(options);
    START(lost);
    const auto said = lost.mention(u"C0LOST"_s, u"stuck"_s);
    QTRY_COMPARE_WITH_TIMEOUT(lost.prompts(said.ts), 1, kWait);
    const auto waiting = lost.mention(u"C0LOST"_s, u"and this?"_s, said.ts); // behind it
    GatewayFixture other(options);
    other.slack().addChannel(u"C0LOST"_s); // its people and places are not those of the first one
    START(other);
    QCOMPARE(other.outcome(waiting.ts), u"waiting/lock"_s);
    lost.killNow();
    QElapsedTimer timer;
    timer.start();
    QTRY_VERIFY2_WITH_TIMEOUT(isUnconfirmed(other, said.ts), qPrintable(other.outcome(said.ts)), kWait);
    SIGNALBOX_WAIT_OUTCOME(other, waiting.ts, "completed/delivered", kWait);
    qInfo("taken over within %lld ms of the kill, with a lease of 2 s",
        static_cast<long long>(timer.elapsed()));
    QCOMPARE(other.prompts(said.ts), 0); // never again by our doing
    QCOMPARE(other.prompts(waiting.ts), 1);
    QTRY_COMPARE_WITH_TIMEOUT(other.appTexts(u"C0LOST"_s, said.ts)
                                  .filter(u"I was interrupted while working on that request"_s)
                                  .size(),
        1, kWait);
}

QTEST_GUILESS_MAIN(KillAfterAckTest)
#include "tst_kill_after_ack.moc"
