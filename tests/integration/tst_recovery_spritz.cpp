// SPDX-License-Identifier: Apache-2.0
// The built program against a registry and runtimes that come and go (contracts/spritz-backend.md §6.4,
// §6.5): every message ends in its answer, once, with at most one status message, and nobody is asked in a
// hot loop.
#include "sandbox/agent_script.h"
#include "support/gateway_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using sandbox::Fault;
using sandbox::SpritzPhase;
using sandbox::UnavailableStyle;
using testing::GatewayFixture;
using testing::GatewayOptions;
using testing::marked;

class RecoverySpritzTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void aRuntimeComesBack_data();
    void aRuntimeComesBack();
    void notReadyIsTriedOnTheSameRuntimeFirst();
    void aSlowForcedExchangeMayOutlastACall();
    void oneStatusOverTwoKindsOfRecovery();
    void aFailedStatusIsPostedAgain();
    void noStatusAfterTheReply();
    void resolvedButGoneIsNoHotLoop();
    void fiftyWaitingMessagesAskOnceInAnInterval();
    void passingTroubleIsRecovered_data();
    void passingTroubleIsRecovered();
    void anUnknownRequestIsRefusedAndTheTurnGoesOn();
    void anAnswerWhoseTurnWasCutOffIsAdopted();
    void anOpenToolCallIsNotAdopted();
    void aKilledEnginesTurnIsAdoptedByTheNext();
    void afterAnUnconfirmedTurnTheNextIsCancelledFirst();
    void unconfirmedMayBeRetriedByPolicy();
    void replyTroubleIsRepeated_data();
    void replyTroubleIsRepeated();
    void aLongReplyArrivesWhole();

private:
    static GatewayOptions spritz(const QByteArray &statusDelay = "30s");
};

#define START(gateway)                                                                                       \
    do {                                                                                                     \
        const Status started = (gateway).start();                                                            \
        QVERIFY2(started, started ? "" : qPrintable(started.error().toString()));                            \
    } while (false)

namespace {
constexpr int kWait = 40'000;
const QString kTeam = u"T0SANDBOX"_s;
const QString kWaking = u"Still waking up. I will continue here shortly."_s;
const QString kAdopted = u"_recovered after an interruption, may be incomplete_"_s;
using Setup = std::function<void(sandbox::SpritzSimulator &)>;

QString saidBack(const QString &text)
{
    return u"You said: "_s + marked(text);
}
} // namespace

Q_DECLARE_METATYPE(Setup)

GatewayOptions RecoverySpritzTest::spritz(const QByteArray &statusDelay)
{
    GatewayOptions options;
    options.backend = GatewayOptions::Backend::Spritz;
    options.recovery = "http_timeout = \"1s\"\ndelivery_timeout = \"25s\"\nprompt_retry_timeout = \"4s\"\n"
                       "status_message_delay = \""
        + statusDelay + "\"\n";
    options.turn = "first_frame_timeout = \"3s\"\nidle_timeout = \"3s\"\ncancel_grace = \"500ms\"\n"
                   "adoption_interval = \"500ms\"\nadoption_timeout = \"4s\"\n";
    return options;
}

void RecoverySpritzTest::aRuntimeComesBack_data()
{
    QTest::addColumn<Setup>("setup");
    const auto unavailable = [](UnavailableStyle style, bool newInstance) {
        return Setup([style, newInstance](sandbox::SpritzSimulator &spritz) {
            spritz.makeUnavailable(kTeam, style);
            spritz.comeBackAfterForced(kTeam, 2, newInstance);
        });
    };
    const auto phase = [](SpritzPhase which, bool newInstance) {
        return Setup([which, newInstance](sandbox::SpritzSimulator &spritz) {
            spritz.setPhase(kTeam, which);
            spritz.comeBackAfterForced(kTeam, 1, newInstance);
        });
    };
    QTest::newRow("unavailable, with its token") << unavailable(UnavailableStyle::WithAuth, true);
    QTest::newRow("unavailable, without") << unavailable(UnavailableStyle::WithoutAuth, true);
    QTest::newRow("unavailable, plain text") << unavailable(UnavailableStyle::Plain, false);
    QTest::newRow("vanished, a new one comes") << phase(SpritzPhase::Vanished, true);
    QTest::newRow("vanished, the same comes back") << phase(SpritzPhase::Vanished, false);
    QTest::newRow("not ready for too long") << phase(SpritzPhase::NotReady, true);
    QTest::newRow("its socket closes at once") << phase(SpritzPhase::Dead, true);
}

void RecoverySpritzTest::aRuntimeComesBack()
{
    QFETCH(Setup, setup);
    GatewayFixture gateway(spritz());
    START(gateway);
    setup(gateway.spritz());
    const auto said = gateway.mention(u"C0BACK"_s, u"are you there?"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.appTexts(u"C0BACK"_s), QStringList(saidBack(u"are you there?"_s)));
    QCOMPARE(gateway.spritz().agents().prompts(said.ts), 1);
    QVERIFY(gateway.spritz().callCount(u"exchange.forced"_s) >= 1);
}

void RecoverySpritzTest::notReadyIsTriedOnTheSameRuntimeFirst()
{
    GatewayFixture gateway(spritz());
    START(gateway);
    gateway.spritz().setPhase(kTeam, SpritzPhase::NotReady);
    const auto said = gateway.mention(u"C0READY"_s, u"ready?"_s);
    QTRY_VERIFY_WITH_TIMEOUT(gateway.spritz().callCount(u"upsert"_s) >= 3, kWait);
    QCOMPARE(gateway.outcome(said.ts), u"waiting/runtime"_s);
    gateway.spritz().setPhase(kTeam, SpritzPhase::Ready);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.spritz().callCount(u"exchange.forced"_s), 0);
}

void RecoverySpritzTest::aSlowForcedExchangeMayOutlastACall()
{
    GatewayFixture gateway(spritz());
    START(gateway);
    gateway.spritz().setForcedExchangeDelay(Millis(2500)); // http_timeout is 1 s
    gateway.spritz().makeUnavailable(kTeam, UnavailableStyle::WithAuth);
    gateway.spritz().comeBackAfterForced(kTeam, 1, true);
    const auto said = gateway.mention(u"C0SLOW"_s, u"take your time"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.spritz().callCount(u"exchange.forced"_s), 1);
}

void RecoverySpritzTest::oneStatusOverTwoKindsOfRecovery()
{
    GatewayFixture gateway(spritz("300ms"));
    START(gateway);
    gateway.spritz().setPhase(kTeam, SpritzPhase::NotReady);
    const auto said = gateway.mention(u"C0STATUS"_s, u"hello"_s);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.appTexts(u"C0STATUS"_s), QStringList(kWaking), kWait);
    gateway.spritz().makeUnavailable(kTeam, UnavailableStyle::WithAuth);
    QTRY_VERIFY_WITH_TIMEOUT(gateway.spritz().callCount(u"exchange.forced"_s) >= 2, kWait);
    gateway.spritz().comeBack(kTeam, true);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.appTexts(u"C0STATUS"_s), QStringList({kWaking, saidBack(u"hello"_s)}));
}

void RecoverySpritzTest::aFailedStatusIsPostedAgain()
{
    GatewayFixture gateway(spritz("200ms"));
    START(gateway);
    gateway.slack().addFault(u"chat.postMessage"_s, Fault::httpStatus(500));
    gateway.spritz().makeUnavailable(kTeam, UnavailableStyle::WithAuth);
    const auto said = gateway.mention(u"C0AGAIN"_s, u"hello"_s);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.appTexts(u"C0AGAIN"_s), QStringList(kWaking), kWait);
    gateway.spritz().comeBack(kTeam, false);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.appTexts(u"C0AGAIN"_s), QStringList({kWaking, saidBack(u"hello"_s)}));
}

void RecoverySpritzTest::noStatusAfterTheReply()
{
    GatewayFixture gateway(spritz("200ms"));
    START(gateway);
    // The status message cannot be posted while there is a recovery; the reply must not be followed by it.
    gateway.slack().addFault(u"chat.postMessage"_s, Fault::rateLimited(std::chrono::seconds(3)));
    gateway.spritz().makeUnavailable(kTeam, UnavailableStyle::WithAuth);
    const auto said = gateway.mention(u"C0LATE"_s, u"hello"_s);
    QTRY_VERIFY_WITH_TIMEOUT(gateway.slack().callCount(u"chat.postMessage"_s) >= 1, kWait);
    gateway.spritz().comeBack(kTeam, false);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.appTexts(u"C0LATE"_s), QStringList(saidBack(u"hello"_s)));
    QCOMPARE(gateway.stop(), std::optional<int>(0));
    QCOMPARE(gateway.appTexts(u"C0LATE"_s), QStringList(saidBack(u"hello"_s)));
}

void RecoverySpritzTest::resolvedButGoneIsNoHotLoop()
{
    GatewayFixture gateway(spritz());
    START(gateway);
    gateway.spritz().setPhase(kTeam, SpritzPhase::Vanished);
    QElapsedTimer clock;
    clock.start();
    const auto said = gateway.mention(u"C0LOOP"_s, u"anybody?"_s);
    QTRY_VERIFY_WITH_TIMEOUT(gateway.spritz().callCount(u"exchange.forced"_s) >= 6, kWait);
    // Two calls a second, and the first round besides.
    const double seconds = static_cast<double>(clock.elapsed()) / 1000.0;
    const int calls = gateway.spritz().callCount(u"exchange"_s) + gateway.spritz().callCount(u"upsert"_s);
    QVERIFY2(calls <= 2 * seconds + 4, qPrintable(u"%1 calls in %2 s"_s.arg(calls).arg(seconds)));
    gateway.spritz().comeBack(kTeam, true);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
}

void RecoverySpritzTest::fiftyWaitingMessagesAskOnceInAnInterval()
{
    GatewayFixture gateway(spritz());
    START(gateway);
    const auto warm = gateway.mention(u"C0MANY0"_s, u"hello"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, warm.ts, "completed/delivered", kWait);
    gateway.spritz().setPhase(kTeam, SpritzPhase::Vanished);
    QElapsedTimer clock;
    clock.start();
    QStringList all;
    for (int i = 1; i <= 50; ++i)
        all << gateway.mention(u"C0MANY%1"_s.arg(i), u"number %1"_s.arg(i)).ts;
    QTRY_VERIFY_WITH_TIMEOUT(gateway.spritz().callCount(u"exchange.forced"_s) >= 4, kWait);
    const double seconds = static_cast<double>(clock.elapsed()) / 1000.0;
    const int forced = gateway.spritz().callCount(u"exchange.forced"_s);
    QVERIFY2(forced <= seconds + 2, qPrintable(u"%1 forced in %2 s"_s.arg(forced).arg(seconds)));
    gateway.spritz().comeBack(kTeam, false);
    for (const QString &ts : all)
        SIGNALBOX_WAIT_OUTCOME(gateway, ts, "completed/delivered", kWait);
    QCOMPARE(gateway.spritz().agents().maxPrompts(), 1);
}

void RecoverySpritzTest::passingTroubleIsRecovered_data()
{
    QTest::addColumn<QString>("endpoint");
    QTest::addColumn<int>("kind");
    for (const char *endpoint : {"exchange", "upsert", "bootstrap", "connect"}) {
        const QString name = QString::fromLatin1(endpoint);
        QTest::addRow("%s: 500", endpoint) << name << 0;
        QTest::addRow("%s: 502", endpoint) << name << 1;
        QTest::addRow("%s: hangs", endpoint) << name << 2;
        QTest::addRow("%s: closes", endpoint) << name << 3;
        QTest::addRow("%s: 429", endpoint) << name << 4;
    }
}

void RecoverySpritzTest::passingTroubleIsRecovered()
{
    QFETCH(QString, endpoint);
    QFETCH(int, kind);
    GatewayFixture gateway(spritz());
    START(gateway);
    const std::vector<Fault> faults{Fault::httpStatus(500), Fault::httpStatus(502, "dial"), Fault::hang(),
        Fault::closeBeforeEffect(), Fault::rateLimited(std::chrono::seconds(1))};
    gateway.spritz().addFault(endpoint, faults[static_cast<size_t>(kind)]);
    const auto said = gateway.mention(u"C0PASS"_s, u"and through"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.appTexts(u"C0PASS"_s), QStringList(saidBack(u"and through"_s)));
    QCOMPARE(gateway.spritz().agents().prompts(said.ts), 1);
}

void RecoverySpritzTest::anUnknownRequestIsRefusedAndTheTurnGoesOn()
{
    GatewayFixture gateway(spritz());
    START(gateway);
    const auto said = gateway.mention(u"C0ASK"_s, u"unknown then go on"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.spritz().agents().prompts(said.ts), 1);
}

// The agent finished, and only we did not hear it: the answer is in the conversation.
void RecoverySpritzTest::anAnswerWhoseTurnWasCutOffIsAdopted()
{
    GatewayFixture gateway(spritz());
    START(gateway);
    connect(
        &gateway.spritz(), &sandbox::SpritzSimulator::prompted, &gateway,
        [&gateway](const QString &session) {
            gateway.spritz().agents().append(
                session, sandbox::textUpdate(u"agent_message_chunk"_s, marked(u"the whole answer"_s)));
            gateway.spritz().dropConnections(kTeam);
        },
        Qt::QueuedConnection);
    const auto said = gateway.mention(u"C0ADOPT"_s, u"mute"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(
        gateway.appTexts(u"C0ADOPT"_s), QStringList(marked(u"the whole answer"_s) + u"\n\n"_s + kAdopted));
    QCOMPARE(gateway.spritz().agents().prompts(said.ts), 1);
    bool adopted = false;
    const Json attempts = gateway.delivery(said.ts)[u"attempt_list"];
    for (const Json &attempt : attempts.toArray())
        adopted = adopted
            || (attempt[u"what"].toString() == u"turn" && attempt[u"received"][u"adopted"].toBool());
    QVERIFY2(adopted, attempts.toBytes().constData());
}

void RecoverySpritzTest::anOpenToolCallIsNotAdopted()
{
    GatewayFixture gateway(spritz());
    START(gateway);
    const auto said = gateway.mention(u"C0TOOL"_s, u"die"_s); // a tool call in progress, then the end
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "unconfirmed/connection_lost", kWait);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.appTexts(u"C0TOOL"_s).size(), 1, kWait);
    QVERIFY(gateway.appTexts(u"C0TOOL"_s).first().startsWith(u"I was interrupted"));
    QCOMPARE(gateway.spritz().agents().prompts(said.ts), 1);
}

void RecoverySpritzTest::aKilledEnginesTurnIsAdoptedByTheNext()
{
    GatewayFixture gateway(spritz());
    START(gateway);
    QString session;
    connect(&gateway.spritz(), &sandbox::SpritzSimulator::prompted, &gateway,
        [&session](const QString &of) { session = of; });
    const auto said = gateway.mention(u"C0KILL"_s, u"mute"_s);
    QTRY_VERIFY_WITH_TIMEOUT(!session.isEmpty(), kWait);
    gateway.killNow();
    gateway.spritz().agents().append(
        session, sandbox::textUpdate(u"agent_message_chunk"_s, marked(u"finished meanwhile"_s)));
    START(gateway);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(
        gateway.appTexts(u"C0KILL"_s), QStringList(marked(u"finished meanwhile"_s) + u"\n\n"_s + kAdopted));
    QCOMPARE(gateway.spritz().agents().prompts(said.ts), 1);
}

void RecoverySpritzTest::afterAnUnconfirmedTurnTheNextIsCancelledFirst()
{
    GatewayFixture gateway(spritz());
    START(gateway);
    const auto said = gateway.mention(u"C0NEXT"_s, u"crash"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "unconfirmed/connection_lost", kWait);
    QElapsedTimer clock;
    clock.start();
    const auto next = gateway.mention(u"C0NEXT"_s, u"go on"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, next.ts, "completed/delivered", kWait);
    QVERIFY(clock.elapsed() >= 500); // the grace
    QCOMPARE(gateway.spritz().agents().prompts(said.ts), 1);
}

void RecoverySpritzTest::unconfirmedMayBeRetriedByPolicy()
{
    GatewayOptions options = spritz();
    options.installation = "on_unconfirmed = \"retry\"\n";
    GatewayFixture gateway(options);
    START(gateway);
    const auto said = gateway.mention(u"C0RETRY"_s, u"crash"_s);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.spritz().agents().prompts(said.ts), 2, kWait);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.appTexts(u"C0RETRY"_s).size(), 2, kWait); // a notice for each
    // And not for ever: another message shows that nothing of it is left.
    const auto next = gateway.mention(u"C0RETRY"_s, u"go on"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, next.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.spritz().agents().prompts(said.ts), 2);
}

void RecoverySpritzTest::replyTroubleIsRepeated_data()
{
    QTest::addColumn<int>("kind");
    QTest::newRow("429 with Retry-After") << 0;
    QTest::newRow("503, nothing happened") << 1;
    QTest::newRow("500 and it had happened") << 2;
    QTest::newRow("service_unavailable") << 3;
}

void RecoverySpritzTest::replyTroubleIsRepeated()
{
    QFETCH(int, kind);
    GatewayFixture gateway(spritz());
    START(gateway);
    const std::vector<Fault> faults{Fault::rateLimited(std::chrono::seconds(2)), Fault::httpStatus(503),
        Fault::closeAfterEffect(), Fault::slackError(u"service_unavailable"_s)};
    gateway.slack().addFault(u"chat.postMessage"_s, faults[static_cast<size_t>(kind)]);
    const auto said = gateway.mention(u"C0REPLY"_s, u"once"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.appTexts(u"C0REPLY"_s), QStringList(saidBack(u"once"_s)));
}

void RecoverySpritzTest::aLongReplyArrivesWhole()
{
    GatewayFixture gateway(spritz());
    START(gateway);
    const auto said = gateway.mention(u"C0LONG"_s, u"long 60000"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    qsizetype characters = 0;
    for (const QString &text : gateway.appTexts(u"C0LONG"_s)) {
        QVERIFY(text.size() <= 4000);
        characters += text.size();
    }
    // Splitting drops the blank at a cut.
    QVERIFY2(characters <= 60'000 && characters >= 59'900, qPrintable(QString::number(characters)));
}

QTEST_GUILESS_MAIN(RecoverySpritzTest)
#include "tst_recovery_spritz.moc"
