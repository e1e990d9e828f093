// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "support/gateway_fixture.h"
#include "support/recording_relay.h"

#include <QUrl>

#include <functional>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;
using sandbox::Fault;
using sandbox::SpritzPhase;
using sandbox::UnavailableStyle;

// contracts/spritz-backend.md §4, §5 and DESIGN.md "Silence is a defect": the running program in front of a
// registry and a Spritz API, seen from outside.
class FirstMessageSpritzTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void theRequestsAreExactlyThoseOfTheContract();
    void aTopLevelMessageIsAnsweredTopLevelAndAThreadInItsThread();
    void aPlaceIsOneConversationInOrder();
    void channelPoliciesOfTheRegistryAreObeyed();
    void everyFailureBeforeThePromptIsTold_data();
    void everyFailureBeforeThePromptIsTold();
    void everyEndOfATurnIsTold_data();
    void everyEndOfATurnIsTold();
    void aForgottenConversationIsSaid();
    void theTokenOfTheRegistryIsEnough();

private:
    static GatewayOptions spritz();
};

namespace {
constexpr int kWait = 30'000;
const QString kTeam = u"T0SANDBOX"_s;
const QString kNoRuntime = u"I could not recover the channel runtime. Please try again."_s;
const QString kInternal = u"I hit an internal error while processing that request."_s;
const QString kAfresh
    = u"I could not pick up our earlier conversation in this thread and am starting afresh."_s;
using Setup = std::function<void(sandbox::SpritzSimulator &)>;

// The body of an upsert, key by key in the contract's order (§5.1): the API refuses unknown ones.
QByteArray specOf(const QString &ts)
{
    return R"({"namespace":"spritz","conversationId":"","principalId":"shared-slack-gateway",)"
           R"("instanceId":"zeno-t0sandbox-1","ownerId":"owner-T0SANDBOX","provider":"slack",)"
           R"("externalScopeType":"workspace","externalTenantId":"T0SANDBOX","externalChannelId":"C0WIRE",)"
           R"("externalConversationId":"C0WIRE","title":"Slack C0WIRE","lookupExternalConversationIds":[")"
        + ts.toUtf8() + R"("]})";
}

QString saidBack(const QString &text)
{
    return u"You said: "_s + marked(text);
}

// The endpoint fails so, for every call.
Setup fault(const QString &endpoint, Fault what)
{
    return [endpoint, what](sandbox::SpritzSimulator &spritz) {
        Fault copy = what;
        copy.times = -1;
        spritz.addFault(endpoint, copy);
    };
}
} // namespace

Q_DECLARE_METATYPE(Setup)

#define START(gateway)                                                                                       \
    do {                                                                                                     \
        const Status startedNow = (gateway).start();                                                         \
        QVERIFY2(startedNow, startedNow ? "" : qPrintable(startedNow.error().toString()));                   \
    } while (false)

GatewayOptions FirstMessageSpritzTest::spritz()
{
    GatewayOptions options;
    options.backend = GatewayOptions::Backend::Spritz;
    options.recovery
        = "http_timeout = \"1s\"\ndelivery_timeout = \"2500ms\"\nprompt_retry_timeout = \"500ms\"\n"
          "status_message_delay = \"30s\"\n";
    options.turn = "first_frame_timeout = \"2s\"\nidle_timeout = \"2s\"\ncancel_grace = \"500ms\"\n"
                   "adoption_interval = \"300ms\"\nadoption_timeout = \"2s\"\n";
    return options;
}

void FirstMessageSpritzTest::theRequestsAreExactlyThoseOfTheContract()
{
    GatewayOptions options = spritz();
    GatewayFixture origin(options); // not started: its simulator is relayed to
    RecordingRelay relay(static_cast<quint16>(QUrl(origin.spritz().registryUrl()).port()));
    options.registryUrl = u"http://127.0.0.1:%1"_s.arg(relay.port());
    options.spritzUrl = options.registryUrl + QUrl(origin.spritz().spritzUrl()).path();
    const QByteArray prefix = QUrl(options.spritzUrl).path().toUtf8();
    GatewayFixture gateway(options);
    START(gateway);
    const auto said = gateway.mention(u"C0WIRE"_s, u"over the wire"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.appTexts(u"C0WIRE"_s), QStringList(saidBack(u"over the wire"_s)));

    const QByteArray registryToken = "Bearer " + options.spritzSimulator.registryToken.reveal();
    const QByteArray serviceToken = "Bearer " + options.spritzSimulator.serviceToken.reveal();
    QHash<QByteArray, std::vector<RecordedRequest>> byTarget;
    for (const RecordedRequest &request : relay.requests())
        byTarget[request.target.split('?').first().split('/').last()].push_back(request);
    QCOMPARE(QSet<QByteArray>(byTarget.keyBegin(), byTarget.keyEnd()),
        QSet<QByteArray>({"exchange", "upsert", "bootstrap", "connect"}));
    for (const auto &requests : std::as_const(byTarget))
        QCOMPARE(requests.size(), size_t(1));

    const RecordedRequest exchange = byTarget["exchange"].front();
    QCOMPARE(exchange.method, QByteArray("POST"));
    QCOMPARE(exchange.target, QByteArray("/internal/v1/spritz/channel-sessions/exchange"));
    QCOMPARE(exchange.field("Authorization"), registryToken);
    QCOMPARE(exchange.field("Content-Type"), QByteArray("application/json"));
    QCOMPARE(exchange.body,
        QByteArray(R"({"principalId":"shared-slack-gateway","provider":"slack",)"
                   R"("externalScopeType":"workspace","externalTenantId":"T0SANDBOX",)"
                   R"("externalChannelId":"C0WIRE"})"));

    const RecordedRequest upsert = byTarget["upsert"].front();
    QCOMPARE(upsert.target, prefix + "/api/channel-conversations/upsert");
    QCOMPARE(upsert.field("Authorization"), QByteArray("Bearer owner:zeno-t0sandbox-1"));
    QCOMPARE(upsert.body, specOf(said.ts));

    const RecordedRequest bootstrap = byTarget["bootstrap"].front();
    QCOMPARE(bootstrap.method, QByteArray("POST"));
    QVERIFY(bootstrap.target.startsWith(prefix + "/api/acp/conversations/"));
    QVERIFY(bootstrap.target.endsWith("/bootstrap?namespace=spritz"));
    QCOMPARE(bootstrap.field("Authorization"), serviceToken);
    QCOMPARE(bootstrap.body, QByteArray("{}"));

    const RecordedRequest connect = byTarget["connect"].front();
    QCOMPARE(connect.method, QByteArray("GET"));
    QCOMPARE(connect.target, QByteArray(bootstrap.target).replace("/bootstrap?", "/connect?"));
    QCOMPARE(connect.field("Authorization"), serviceToken);
    QCOMPARE(connect.field("Upgrade").toLower(), QByteArray("websocket"));
    QVERIFY2(connect.field("Origin").isEmpty(), connect.field("Origin").constData());
}

void FirstMessageSpritzTest::aTopLevelMessageIsAnsweredTopLevelAndAThreadInItsThread()
{
    GatewayFixture gateway(spritz());
    START(gateway);
    const auto top = gateway.mention(u"C0TOP"_s, u"slow 1s top"_s);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.slack().reactions(u"C0TOP"_s, top.ts), QStringList(u"eyes"_s), kWait);
    SIGNALBOX_WAIT_OUTCOME(gateway, top.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.appTexts(u"C0TOP"_s), QStringList(saidBack(u"top"_s)));
    QVERIFY(gateway.appTexts(u"C0TOP"_s, top.ts).isEmpty());
    QTRY_VERIFY_WITH_TIMEOUT(gateway.slack().reactions(u"C0TOP"_s, top.ts).isEmpty(), kWait);
    const auto inside = gateway.mention(u"C0TOP"_s, u"inside"_s, top.ts);
    SIGNALBOX_WAIT_OUTCOME(gateway, inside.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.appTexts(u"C0TOP"_s, top.ts), QStringList(saidBack(u"inside"_s)));
    const Json item = gateway.delivery(top.ts);
    QCOMPARE(item[u"attempt_list"].at(0)[u"outcome"].toString(), u"ok"_s);
    QVERIFY(item[u"timeline"].size() >= 1);
    QCOMPARE(gateway.stop(), std::optional<int>(0));
}

void FirstMessageSpritzTest::aPlaceIsOneConversationInOrder()
{
    GatewayFixture gateway(spritz());
    START(gateway);
    const auto first = gateway.mention(u"C0ORDER"_s, u"slow 1s first"_s);
    const auto second = gateway.mention(u"C0ORDER"_s, u"second"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, second.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.appTexts(u"C0ORDER"_s), QStringList({saidBack(u"first"_s), saidBack(u"second"_s)}));
    QCOMPARE(gateway.spritz().conversationCount(), 1);
    QCOMPARE(gateway.spritz().maxOpenConnections(), 1);
    QCOMPARE(gateway.delivery(first.ts)[u"session"].toString(),
        gateway.delivery(second.ts)[u"session"].toString());
}

void FirstMessageSpritzTest::channelPoliciesOfTheRegistryAreObeyed()
{
    GatewayFixture gateway(spritz());
    START(gateway);
    const auto said = async::blockOn(
        gateway.slack().chatter(u"C0CHAT"_s, u"U0ANNA"_s, marked(u"nobody in particular"_s)), Millis(kWait));
    QVERIFY(said);
    QCOMPARE(gateway.outcome(said->ts), u"completed/ignored"_s);
    QCOMPARE(gateway.spritz().agents().promptTotal(), 0);
}

void FirstMessageSpritzTest::everyFailureBeforeThePromptIsTold_data()
{
    QTest::addColumn<Setup>("setup");
    const auto unavailable = [](UnavailableStyle style) {
        return Setup([style](sandbox::SpritzSimulator &spritz) { spritz.makeUnavailable(kTeam, style); });
    };
    const auto phase = [](SpritzPhase which) {
        return Setup([which](sandbox::SpritzSimulator &spritz) { spritz.setPhase(kTeam, which); });
    };
    const auto gone = [](const QString &endpoint) { // after the upsert
        return fault(endpoint,
            Fault::httpStatus(404,
                R"({"status":"fail","message":"spritz not found","data":{"message":"spritz not found"}})"));
    };
    const auto busy = [](const QString &endpoint) {
        return fault(endpoint,
            Fault::httpStatus(409,
                R"({"status":"fail","message":"acp unavailable","data":{"message":"acp unavailable"}})"));
    };
    QTest::newRow("unavailable, with its token") << unavailable(UnavailableStyle::WithAuth);
    QTest::newRow("unavailable, without") << unavailable(UnavailableStyle::WithoutAuth);
    QTest::newRow("unavailable, plain text") << unavailable(UnavailableStyle::Plain);
    QTest::newRow("the runtime vanished") << phase(SpritzPhase::Vanished);
    QTest::newRow("the runtime is not ready") << phase(SpritzPhase::NotReady);
    QTest::newRow("the socket closes at once") << phase(SpritzPhase::Dead);
    QTest::newRow("bootstrap: gone") << gone(u"bootstrap"_s);
    QTest::newRow("bootstrap: not ready") << busy(u"bootstrap"_s);
    QTest::newRow("bootstrap: 502") << fault(
        u"bootstrap"_s, Fault::httpStatus(502, R"({"status":"error","message":"dial"})"));
    QTest::newRow("connect: gone") << gone(u"connect"_s);
    QTest::newRow("connect: not ready") << busy(u"connect"_s);
    QTest::newRow("connect: 502") << fault(u"connect"_s, Fault::httpStatus(502));
    for (const char *endpoint : {"exchange", "upsert", "bootstrap", "connect"}) {
        const QString name = QString::fromLatin1(endpoint);
        QTest::addRow("%s: 401", endpoint)
            << fault(name, Fault::httpStatus(401, R"({"error":"unauthorized"})"));
        QTest::addRow("%s: 404", endpoint) << fault(name, Fault::httpStatus(404, "not found"));
        QTest::addRow("%s: 500", endpoint) << fault(name, Fault::httpStatus(500, R"({"status":"error"})"));
        QTest::addRow("%s: 503 plain", endpoint)
            << fault(name, Fault::httpStatus(503, "upstream connect error"));
        QTest::addRow("%s: hangs", endpoint) << fault(name, Fault::hang());
        QTest::addRow("%s: closes", endpoint) << fault(name, Fault::closeBeforeEffect());
    }
    for (const char *endpoint : {"exchange", "upsert", "bootstrap"})
        QTest::addRow("%s: garbage", endpoint) << fault(QString::fromLatin1(endpoint), Fault::garbage());
}

// Nothing left for the runtime: the person is told, the delivery is dead with its reason, and the next
// message goes through when the runtime is back.
void FirstMessageSpritzTest::everyFailureBeforeThePromptIsTold()
{
    QFETCH(Setup, setup);
    GatewayFixture gateway(spritz());
    START(gateway);
    setup(gateway.spritz());
    const auto said = gateway.mention(u"C0FAIL"_s, u"anybody there?"_s);
    QTRY_VERIFY2_WITH_TIMEOUT(
        gateway.outcome(said.ts).startsWith(u"dead/"), qPrintable(gateway.outcome(said.ts)), kWait);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.appTexts(u"C0FAIL"_s), QStringList(kNoRuntime), kWait);
    QTRY_VERIFY_WITH_TIMEOUT(gateway.slack().reactions(u"C0FAIL"_s, said.ts).isEmpty(), kWait);
    QCOMPARE(gateway.spritz().agents().promptTotal(), 0);
    gateway.spritz().clearFaults();
    gateway.spritz().comeBack(kTeam, false);
    const auto next = gateway.mention(u"C0FAIL"_s, u"and now?"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, next.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.appTexts(u"C0FAIL"_s).last(), saidBack(u"and now?"_s));
}

void FirstMessageSpritzTest::everyEndOfATurnIsTold_data()
{
    QTest::addColumn<QString>("text");
    QTest::addColumn<bool>("drop");
    QTest::addColumn<QString>("outcome");
    QTest::newRow("the agent fails") << u"fail"_s << false << u"dead/-32603"_s;
    QTest::newRow("the agent is mute") << u"mute"_s << false << u"unconfirmed/first_frame_timeout"_s;
    QTest::newRow("the agent is stuck") << u"stuck"_s << false << u"dead/idle_timeout"_s;
    QTest::newRow("the agent dies at once") << u"crash"_s << false << u"unconfirmed/connection_lost"_s;
    // What it had said is all there will be: adopted, with a word about it.
    QTest::newRow("the agent dies half-way") << u"half"_s << false << u"completed/delivered"_s;
    QTest::newRow("the connection drops before a frame")
        << u"mute"_s << true << u"unconfirmed/connection_lost"_s;
    QTest::newRow("the connection drops after a frame") << u"stuck"_s << true << u"completed/delivered"_s;
    QTest::newRow("permission is refused") << u"ask"_s << false << u"completed/delivered"_s;
    QTest::newRow("nothing is said") << u"empty"_s << false << u"completed/no_reply"_s;
}

void FirstMessageSpritzTest::everyEndOfATurnIsTold()
{
    QFETCH(QString, text);
    QFETCH(bool, drop);
    QFETCH(QString, outcome);
    GatewayFixture gateway(spritz());
    START(gateway);
    if (drop) {
        connect(
            &gateway.spritz(), &sandbox::SpritzSimulator::prompted, &gateway,
            [&gateway] { gateway.spritz().dropConnections(kTeam); }, Qt::QueuedConnection);
    }
    const auto said = gateway.mention(u"C0TURN"_s, text);
    QTRY_VERIFY2_WITH_TIMEOUT(
        gateway.outcome(said.ts) == outcome, qPrintable(gateway.outcome(said.ts)), kWait);
    QTRY_VERIFY_WITH_TIMEOUT(gateway.slack().reactions(u"C0TURN"_s, said.ts).isEmpty(), kWait);
    QTRY_COMPARE_WITH_TIMEOUT(
        gateway.appTexts(u"C0TURN"_s).size(), outcome.endsWith(u"no_reply") ? 0 : 1, kWait);
    const QString told = gateway.appTexts(u"C0TURN"_s).value(0);
    if (outcome.startsWith(u"unconfirmed"))
        QVERIFY2(told.startsWith(u"I was interrupted while working on that request"), qPrintable(told));
    else if (outcome.startsWith(u"dead"))
        QCOMPARE(told, kInternal);
    else if (text == u"half" || text == u"stuck")
        QVERIFY2(told.endsWith(u"_recovered after an interruption, may be incomplete_"), qPrintable(told));
    else if (text == u"ask")
        QVERIFY2(told.startsWith(u"Permission refused."), qPrintable(told));
    QCOMPARE(gateway.spritz().agents().prompts(said.ts), 1);
}

void FirstMessageSpritzTest::aForgottenConversationIsSaid()
{
    GatewayFixture gateway(spritz());
    START(gateway);
    const auto first = gateway.mention(u"C0LOSS"_s, u"remember me"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, first.ts, "completed/delivered", kWait);
    gateway.spritz().forgetSessions(kTeam);
    const auto second = gateway.mention(u"C0LOSS"_s, u"who am I?"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, second.ts, "completed/delivered", kWait);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.appTexts(u"C0LOSS"_s),
        QStringList({saidBack(u"remember me"_s), kAfresh, saidBack(u"who am I?"_s)}), kWait);
}

// No token in the configuration: the registry's is used for the reply, and for a notice as soon as one is
// known.
void FirstMessageSpritzTest::theTokenOfTheRegistryIsEnough()
{
    GatewayOptions options = spritz();
    options.configuredBotToken = false;
    GatewayFixture gateway(options);
    START(gateway);
    gateway.spritz().makeUnavailable(kTeam, UnavailableStyle::Plain);
    const auto early = gateway.mention(u"C0TOKEN"_s, u"too early"_s);
    QTRY_VERIFY_WITH_TIMEOUT(gateway.outcome(early.ts).startsWith(u"dead/"), kWait);
    QVERIFY(gateway.appTexts(u"C0TOKEN"_s).isEmpty());
    gateway.spritz().comeBack(kTeam, false);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.appTexts(u"C0TOKEN"_s), QStringList(kNoRuntime), kWait);
    const auto said = gateway.mention(u"C0TOKEN"_s, u"in time"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.appTexts(u"C0TOKEN"_s).last(), saidBack(u"in time"_s));
}

QTEST_GUILESS_MAIN(FirstMessageSpritzTest)
#include "tst_first_message_spritz.moc"
