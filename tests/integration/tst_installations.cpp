// SPDX-License-Identifier: Apache-2.0
// The built program and what may happen to an installation: uninstalled, its token revoked or refused, kept
// sealed over a restart, answered for by another app, and what people are told by its policy.
#include "async/block_on.h"
#include "support/gateway_fixture.h"

#include <QDir>
#include <QFile>

using namespace Qt::StringLiterals;
using namespace signalbox;
using sandbox::Fault;
using testing::GatewayFixture;
using testing::GatewayOptions;
using testing::marked;

namespace {
constexpr int kWait = 40'000;
const QString kTeam = u"T0SANDBOX"_s;
const QString kWaking = u"Still waking up. I will continue here shortly."_s;

#define START(gateway)                                                                                       \
    do {                                                                                                     \
        const Status started = (gateway).start();                                                            \
        QVERIFY2(started, started ? "" : qPrintable(started.error().toString()));                            \
    } while (false)

GatewayOptions spritz()
{
    GatewayOptions options;
    options.backend = GatewayOptions::Backend::Spritz;
    options.configuredBotToken = false;
    options.recovery = "http_timeout = \"1s\"\ndelivery_timeout = \"6s\"\nstatus_message_delay = \"100ms\"\n";
    return options;
}

Json installation(GatewayFixture &gateway, const QString &tenant = kTeam)
{
    const auto page = gateway.admin(u"/installations"_s);
    if (!page)
        return {};
    for (const Json &item : (*page)[u"items"].toArray()) {
        if (item[u"tenant"].toString() == tenant)
            return item;
    }
    return {};
}

QString trouble(GatewayFixture &gateway)
{
    return installation(gateway)[u"trouble"].toString();
}

Json appUninstalled()
{
    return Json::object({{u"type"_s, u"app_uninstalled"_s}});
}

Json tokensRevoked(const QString &bot)
{
    Json bots = Json::array();
    bots.append(bot);
    return Json::object({{u"type"_s, u"tokens_revoked"_s},
        {u"tokens"_s, Json::object({{u"oauth"_s, Json::array()}, {u"bot"_s, bots}})}});
}

int send(GatewayFixture &gateway, const Json &event)
{
    const auto sent = async::blockOn(gateway.slack().send(event), Millis(60'000));
    return sent ? sent->status : 0;
}

Secret token(const char *name)
{
    return Secret(QByteArray("xoxb-") + testing::kMarker + '-' + name);
}

// Slack and the registry know the app again, with a token of its new installation.
void reinstall(GatewayFixture &gateway, const char *name)
{
    gateway.slack().model().replaceToken(kTeam, u"token_revoked"_s, token(name));
    sandbox::SpritzInstallation again;
    again.teamId = kTeam;
    again.botUserId = gateway.options().slackSimulator.botUserId;
    again.apiAppId = gateway.options().slackSimulator.appId;
    again.botToken = token(name);
    gateway.spritz().addInstallation(std::move(again));
}

bool holds(const QString &folder, const QByteArray &text)
{
    const QDir dir(folder);
    for (const QString &name : dir.entryList({u"signalbox.db*"_s}, QDir::Files)) {
        QFile file(dir.filePath(name));
        if (file.open(QIODevice::ReadOnly) && file.readAll().contains(text))
            return true;
    }
    return false;
}

} // namespace

class InstallationsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void uninstalled_tellsTheRegistryOnceAndForgetsTheToken();
    void aKillBeforeTheRegistryKnows_isMadeGoodByTheNextLife();
    void theEventOfAnotherTenantsApp_changesNothing();
    void aRevokedToken_letsMessagesWaitForTheNext();
    void aRefusedToken_isNotHammered();
    void aSealedToken_postsBeforeAnyExchange();
    void anotherKey_isNamedAndMended();
    void aKeyFileThatOthersMayRead_is78();
    void anotherApp_isVisibleUntilItIsMended();
    void whatPeopleAreTold_isThePlacesPolicy();
};

void InstallationsTest::uninstalled_tellsTheRegistryOnceAndForgetsTheToken()
{
    GatewayFixture gateway(spritz());
    START(gateway);
    const auto said = gateway.mention(u"C0GONE"_s, u"hello"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QVERIFY(installation(gateway)[u"has_token"].toBool());

    const Json envelope = gateway.slack().events().envelope(kTeam, appUninstalled());
    QCOMPARE(gateway.post(envelope.toBytes()).status, 200);
    QCOMPARE(gateway.post(envelope.toBytes()).status, 200);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.spritz().callCount(u"disconnect"_s), 1, kWait);
    const Json gone = installation(gateway);
    QCOMPARE(gone[u"state"].toString(), u"revoked"_s);
    QCOMPARE(gone[u"trouble"].toString(), u"app_uninstalled"_s);
    QVERIFY(!gone[u"trouble_since"].toString().isEmpty());
    QVERIFY(!gone[u"has_token"].toBool(true));
    QTRY_VERIFY_WITH_TIMEOUT(!installation(gateway).contains(u"disconnect"_s), kWait);

    // A message that was still on its way ends, and says why nothing could be posted.
    const auto late = gateway.mention(u"C0GONE"_s, u"still there?"_s);
    QTRY_VERIFY_WITH_TIMEOUT(gateway.outcome(late.ts).startsWith(u"dead/"_s), kWait);
    QTRY_COMPARE_WITH_TIMEOUT(
        gateway.delivery(late.ts)[u"outbound"].toArray().at(0)[u"error_code"].toString(),
        u"app_uninstalled"_s, kWait);

    reinstall(gateway, "second");
    const auto again = gateway.mention(u"C0GONE"_s, u"and now?"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, again.ts, "completed/delivered", kWait);
    QCOMPARE(installation(gateway)[u"state"].toString(), u"active"_s);
    QCOMPARE(trouble(gateway), QString());
    QCOMPARE(gateway.spritz().callCount(u"disconnect"_s), 1);
}

void InstallationsTest::aKillBeforeTheRegistryKnows_isMadeGoodByTheNextLife()
{
    GatewayFixture gateway(spritz());
    gateway.spritz().addFault(u"disconnect"_s, Fault::hang().repeat(-1));
    START(gateway);
    QCOMPARE(send(gateway, appUninstalled()), 200);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.spritz().callCount(u"disconnect"_s), 1, kWait);
    gateway.killNow();
    gateway.spritz().clearFaults();
    START(gateway);
    QVERIFY(
        installation(gateway).contains(u"disconnect"_s) || gateway.spritz().callCount(u"disconnect"_s) == 2);
    QTRY_VERIFY_WITH_TIMEOUT(!installation(gateway).contains(u"disconnect"_s), kWait);
    QCOMPARE(gateway.spritz().callCount(u"disconnect"_s), 2);
    QCOMPARE(installation(gateway)[u"state"].toString(), u"revoked"_s);
}

void InstallationsTest::theEventOfAnotherTenantsApp_changesNothing()
{
    GatewayOptions options = spritz();
    options.further = "[[installations]]\nchannel = \"slack\"\nbackend = \"under-test\"\ntenant = "
                      "\"T0OTHER\"\nsigning_secret = \"zqmark-other-secret\"\n";
    GatewayFixture gateway(std::move(options));
    START(gateway);
    // Signed with a secret that we know, but not the one of that tenant's app.
    const Json foreign = gateway.slack().events().envelope(u"T0OTHER"_s, appUninstalled());
    QCOMPARE(gateway.post(foreign.toBytes()).status, 401);
    QCOMPARE(installation(gateway, u"T0OTHER"_s)[u"state"].toString(), u"active"_s);
    const Json unknown = gateway.slack().events().envelope(u"T0NOBODY"_s, appUninstalled());
    QCOMPARE(gateway.post(unknown.toBytes()).status, 200);
    http::ClientRequest raw("POST", gateway.eventsUrl());
    raw.body = foreign.toBytes();
    http::Client client;
    const auto refused = async::blockOn(client.send(std::move(raw)), Millis(20'000));
    QVERIFY(refused);
    QCOMPARE(refused->status, 401);
    QCOMPARE(installation(gateway)[u"state"].toString(), u"active"_s);
    QCOMPARE(gateway.spritz().callCount(u"disconnect"_s), 0);
}

void InstallationsTest::aRevokedToken_letsMessagesWaitForTheNext()
{
    GatewayFixture gateway(spritz());
    START(gateway);
    const auto said = gateway.mention(u"C0WAIT"_s, u"hello"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    // Another bot of the workspace is none of our business.
    QCOMPARE(send(gateway, tokensRevoked(u"U0STRANGER"_s)), 200);
    QCOMPARE(trouble(gateway), QString());

    gateway.slack().model().replaceToken(kTeam, u"token_revoked"_s, Secret());
    QCOMPARE(send(gateway, tokensRevoked(gateway.options().slackSimulator.botUserId)), 200);
    QCOMPARE(trouble(gateway), u"token_revoked"_s);
    QCOMPARE(installation(gateway)[u"state"].toString(), u"active"_s);
    QCOMPARE(gateway.spritz().callCount(u"disconnect"_s), 0);

    const int posted = gateway.slack().callCount(u"chat.postMessage"_s);
    const auto waits = gateway.mention(u"C0WAIT"_s, u"while it is away"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, waits.ts, "waiting/outbound", kWait);
    QTRY_COMPARE_WITH_TIMEOUT(
        gateway.delivery(waits.ts)[u"outbound"].toArray().at(0)[u"state"].toString(), u"retry"_s, kWait);
    const QString id = gateway.delivery(waits.ts)[u"id"].toString();
    const auto why = gateway.admin(u"/explain/deliveries/"_s + id);
    QVERIFY2(why, why ? "" : qPrintable(why.error().toString()));
    const Json last = (*why)[u"links"].toArray().back();
    QCOMPARE(last[u"what"].toString(), u"needs_token"_s);
    QCOMPARE(last[u"evidence"].toString(), u"token_revoked"_s);
    // The dead token, which the registry still gives, is tried once: Slack names no token when it revokes.
    QVERIFY(gateway.slack().callCount(u"chat.postMessage"_s) <= posted + 1);

    gateway.slack().model().replaceToken(kTeam, u"token_revoked"_s, token("next"));
    gateway.spritz().setAuth(kTeam, gateway.options().slackSimulator.appId, token("next"));
    const auto more = gateway.mention(u"C0OTHER"_s, u"back again"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, more.ts, "completed/delivered", kWait);
    SIGNALBOX_WAIT_OUTCOME(gateway, waits.ts, "completed/delivered", kWait);
    QCOMPARE(trouble(gateway), QString());
}

void InstallationsTest::aRefusedToken_isNotHammered()
{
    GatewayFixture gateway;
    START(gateway);
    const Secret old = gateway.options().slackSimulator.botToken;
    QTRY_VERIFY_WITH_TIMEOUT(gateway.slack().callCount(u"auth.test"_s) > 0, kWait);
    gateway.slack().model().replaceToken(kTeam, u"account_inactive"_s, Secret());
    const auto one = gateway.mention(u"C0ONE"_s, u"one"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, one.ts, "waiting/outbound", kWait);
    QTRY_COMPARE_WITH_TIMEOUT(trouble(gateway), u"account_inactive"_s, kWait);
    for (int i = 0; i < 5; ++i) {
        const auto more = gateway.mention(u"C0MORE%1"_s.arg(i), u"more"_s);
        SIGNALBOX_WAIT_OUTCOME(gateway, more.ts, "waiting/outbound", kWait);
        QTRY_COMPARE_WITH_TIMEOUT(
            gateway.delivery(more.ts)[u"outbound"].toArray().back()[u"error_code"].toString(),
            u"account_inactive"_s, kWait);
    }
    const int calls
        = gateway.slack().callCount(u"chat.postMessage"_s) + gateway.slack().callCount(u"reactions.add"_s);
    QVERIFY2(calls <= 3, qPrintable(QString::number(calls)));
    // Slack takes it again; the next life finds out at once.
    gateway.slack().model().replaceToken(kTeam, u"invalid_auth"_s, old);
    QCOMPARE(gateway.stop(), std::optional<int>(0));
    START(gateway);
    SIGNALBOX_WAIT_OUTCOME(gateway, one.ts, "completed/delivered", kWait);
    QCOMPARE(trouble(gateway), QString());
}

void InstallationsTest::aSealedToken_postsBeforeAnyExchange()
{
    GatewayFixture gateway(spritz());
    START(gateway);
    const auto said = gateway.mention(u"C0SEAL"_s, u"hello"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    gateway.killNow();
    QVERIFY(!holds(gateway.dataDir(), gateway.options().slackSimulator.botToken.reveal()));
    QVERIFY(holds(gateway.dataDir(), "v1:"));
    gateway.spritz().addFault(u"exchange"_s, Fault::hang().repeat(-1));
    START(gateway);
    const auto later = gateway.mention(u"C0LATER"_s, u"are you there?"_s);
    QTRY_VERIFY_WITH_TIMEOUT(gateway.appTexts(u"C0LATER"_s).contains(kWaking), kWait);
    QTRY_VERIFY_WITH_TIMEOUT(gateway.outcome(later.ts).startsWith(u"dead/"_s), kWait);
    QTRY_VERIFY_WITH_TIMEOUT(gateway.appTexts(u"C0LATER"_s)
                                 .contains(u"I could not recover the channel runtime. Please try again."_s),
        kWait);
    const auto shown = gateway.get(gateway.adminPort(), u"/api/v1/installations"_s, gateway.adminToken());
    QVERIFY(shown);
    QVERIFY(!shown->body.contains(testing::kMarker) && !shown->body.contains("v1:"));
}

void InstallationsTest::anotherKey_isNamedAndMended()
{
    GatewayFixture gateway(spritz());
    START(gateway);
    const auto said = gateway.mention(u"C0KEY"_s, u"hello"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.stop(), std::optional<int>(0));
    QFile key(gateway.dataDir() + u"/secret.key"_s);
    QVERIFY(key.open(QIODevice::ReadWrite));
    QCOMPARE(key.permissions() & (QFile::ReadGroup | QFile::ReadOther), QFile::Permissions());
    QCOMPARE(key.write(QByteArray(64, 'a')), qint64(64));
    key.close();
    START(gateway);
    QTRY_COMPARE_WITH_TIMEOUT(trouble(gateway), u"sealed_with_another_key"_s, kWait);
    const auto again = gateway.mention(u"C0KEY"_s, u"and now?"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, again.ts, "completed/delivered", kWait);
    QTRY_COMPARE_WITH_TIMEOUT(trouble(gateway), QString(), kWait);
}

void InstallationsTest::aKeyFileThatOthersMayRead_is78()
{
    GatewayFixture gateway;
    START(gateway);
    QCOMPARE(gateway.stop(), std::optional<int>(0));
    QFile key(gateway.dataDir() + u"/secret.key"_s);
    QVERIFY(key.setPermissions(QFile::ReadOwner | QFile::WriteOwner | QFile::ReadGroup));
    QVERIFY(!gateway.start());
    QCOMPARE(gateway.waitForEnd(), std::optional<int>(78));
    QVERIFY2(gateway.log().contains("chmod 600"), gateway.log().right(500).constData());
}

void InstallationsTest::anotherApp_isVisibleUntilItIsMended()
{
    GatewayFixture gateway(spritz());
    const sandbox::SlackSimulatorConfig &slack = gateway.options().slackSimulator;
    gateway.spritz().setAuth(kTeam, u"A0OTHER"_s, slack.botToken);
    START(gateway);
    const auto said = gateway.mention(u"C0APP"_s, u"hello"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "dead/app_mismatch", kWait);
    QTRY_COMPARE_WITH_TIMEOUT(trouble(gateway), u"app_mismatch"_s, kWait);
    QVERIFY(installation(gateway)[u"trouble_words"].toString().contains(u"another Slack app"_s));
    QVERIFY(!installation(gateway)[u"has_token"].toBool(true));
    QVERIFY(gateway.appTexts(u"C0APP"_s).isEmpty());
    QCOMPARE(gateway.prompts(said.ts), 0);
    gateway.spritz().setAuth(kTeam, slack.appId, slack.botToken);
    const auto again = gateway.mention(u"C0APP"_s, u"and now?"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, again.ts, "completed/delivered", kWait);
    QTRY_COMPARE_WITH_TIMEOUT(trouble(gateway), QString(), kWait);
}

void InstallationsTest::whatPeopleAreTold_isThePlacesPolicy()
{
    GatewayOptions options = spritz();
    options.installation = "[installations.feedback.acknowledgement]\nremove_after_reply = false\n"
                           "[[installations.feedback.places]]\nplace = \"C0QUIET\"\n"
                           "[installations.feedback.places.acknowledgement]\ntype = \"none\"\n"
                           "[installations.feedback.places.status_messages.timeout]\n"
                           "message = \"Ask the help desk.\"\n"
                           "[[installations.feedback.places]]\nplace = \"C0MUTE\"\n"
                           "[installations.feedback.places.status_messages.timeout]\nenabled = false\n";
    GatewayFixture gateway(std::move(options));
    START(gateway);
    const auto quiet = gateway.mention(u"C0QUIET"_s, u"hello"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, quiet.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.slack().callCount(u"reactions.add"_s), 0);
    const auto loud = gateway.mention(u"C0LOUD"_s, u"hello"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, loud.ts, "completed/delivered", kWait);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.slack().reactions(u"C0LOUD"_s, loud.ts), QStringList{u"eyes"_s}, kWait);

    gateway.spritz().addFault(u"exchange"_s, Fault::httpStatus(404).repeat(-1));
    const auto mute = gateway.mention(u"C0MUTE"_s, u"anybody?"_s);
    const auto told = gateway.mention(u"C0QUIET"_s, u"anybody?"_s);
    const auto usual = gateway.mention(u"C0LOUD"_s, u"anybody?"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, mute.ts, "dead/http_404", kWait);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.appTexts(u"C0QUIET"_s).last(), u"Ask the help desk."_s, kWait);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.appTexts(u"C0LOUD"_s).last(),
        u"I could not recover the channel runtime. Please try again."_s, kWait);
    QVERIFY(gateway.appTexts(u"C0MUTE"_s).isEmpty());
    QCOMPARE(gateway.delivery(mute.ts)[u"outbound"].toArray().size(), size_t(0));
    QCOMPARE(gateway.slack().callCount(u"reactions.remove"_s), 0);
    QCOMPARE(gateway.slack().reactions(u"C0LOUD"_s, loud.ts), QStringList{u"eyes"_s});
}

QTEST_GUILESS_MAIN(InstallationsTest)
#include "tst_installations.moc"
