// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "http/client.h"
#include "sandbox/spritz_simulator.h"

#include <QSignalSpy>
#include <QTest>
#include <QWebSocket>

using namespace Qt::StringLiterals;
using namespace signalbox;
using sandbox::Fault;
using sandbox::SpritzInstallation;
using sandbox::SpritzPhase;
using sandbox::SpritzSimulator;
using sandbox::SpritzSimulatorConfig;
using sandbox::UnavailableStyle;

namespace {
struct Answer
{
    int status = 0;
    Json body;
    QByteArray raw;
};

class SpritzSimulatorTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void init();
    void cleanup();
    void exchange_resolvesWithAuthAndPolicies();
    void exchange_refusesWrongCallers();
    void exchange_isUnavailableInThreeWays();
    void exchange_forcedBringsBackANewRuntime();
    void exchange_forcedCanBeSlow();
    void upsert_isStrictAndFindsItsConversationAgain();
    void upsert_followsThePhase();
    void bootstrap_createsAndKeepsTheSession();
    void connect_refusesBeforeTheUpgrade();
    void connect_promptsAnAgentWithSharedHistory();
    void connect_closesWhenTheRuntimeIsDead();
    void connection_isLostWhenTheRuntimeDrops();
    void fault_hitsItsEndpointOnly();
    void disconnect_forgetsTheTeam();

private:
    Answer post(const QString &url, const Json &body, const QByteArray &token);
    Answer exchange(bool forced = false);
    Json upsertBody() const;
    QString conversation(); // upserts and answers its name
    Answer bootstrap(const QString &name);
    QNetworkRequest connectRequest(const QString &name) const;
    bool open(QWebSocket &socket, const QString &name);
    Json ask(QWebSocket &socket, qint64 id, const QString &method, const Json &params);

    SystemClock m_clock;
    std::unique_ptr<SpritzSimulator> m_spritz;
    std::unique_ptr<http::Client> m_client;
    std::vector<Json> m_frames;
};
} // namespace

void SpritzSimulatorTest::init()
{
    m_client = std::make_unique<http::Client>();
    m_spritz = std::make_unique<SpritzSimulator>(SpritzSimulatorConfig(), m_clock);
    QVERIFY(m_spritz->listen());
    SpritzInstallation installation;
    installation.teamId = u"T1"_s;
    m_spritz->addInstallation(installation);
    m_frames.clear();
}

void SpritzSimulatorTest::cleanup()
{
    async::blockOn(m_spritz->close());
    m_spritz.reset();
    m_client.reset();
}

Answer SpritzSimulatorTest::post(const QString &url, const Json &body, const QByteArray &token)
{
    http::ClientRequest request("POST", QUrl(url));
    request.headers.add("Content-Type", "application/json");
    if (!token.isEmpty())
        request.headers.add("Authorization", "Bearer " + token);
    request.body = body.toBytes();
    request.timeout = Millis(4000);
    const auto response = async::blockOn(m_client->send(std::move(request)));
    Answer answer;
    if (response) {
        answer.status = response->status;
        answer.raw = response->body;
        answer.body = Json::parse(response->body).value_or(Json());
    }
    return answer;
}

Answer SpritzSimulatorTest::exchange(bool forced)
{
    Json body = Json::object({{u"principalId"_s, u"shared-slack-gateway"_s}, {u"provider"_s, u"slack"_s},
        {u"externalScopeType"_s, u"workspace"_s}, {u"externalTenantId"_s, u"T1"_s},
        {u"externalChannelId"_s, u"C1"_s}});
    if (forced)
        body.set(u"forceRefresh"_s, true);
    return post(
        m_spritz->registryUrl() + u"/internal/v1/spritz/channel-sessions/exchange"_s, body, "registry-token");
}

Json SpritzSimulatorTest::upsertBody() const
{
    return Json::object({{u"namespace"_s, u"spritz"_s}, {u"conversationId"_s, QString()},
        {u"principalId"_s, u"shared-slack-gateway"_s}, {u"instanceId"_s, m_spritz->instanceId(u"T1"_s)},
        {u"ownerId"_s, u"owner-T1"_s}, {u"provider"_s, u"slack"_s}, {u"externalScopeType"_s, u"workspace"_s},
        {u"externalTenantId"_s, u"T1"_s}, {u"externalChannelId"_s, u"C1"_s},
        {u"externalConversationId"_s, u"C1"_s}, {u"title"_s, u"Slack C1"_s}});
}

QString SpritzSimulatorTest::conversation()
{
    const QByteArray token = exchange().body[u"session"][u"accessToken"].toString().toUtf8();
    const Answer answer
        = post(m_spritz->spritzUrl() + u"/api/channel-conversations/upsert"_s, upsertBody(), token);
    return answer.body[u"data"][u"conversation"][u"metadata"][u"name"].toString();
}

Answer SpritzSimulatorTest::bootstrap(const QString &name)
{
    const QString url
        = m_spritz->spritzUrl() + u"/api/acp/conversations/%1/bootstrap?namespace=spritz"_s.arg(name);
    return post(url, Json::object(), "spritz-service-token");
}

QNetworkRequest SpritzSimulatorTest::connectRequest(const QString &name) const
{
    QUrl url(m_spritz->spritzUrl() + u"/api/acp/conversations/%1/connect?namespace=spritz"_s.arg(name));
    url.setScheme(u"ws"_s);
    QNetworkRequest request(url);
    request.setRawHeader("Authorization", "Bearer spritz-service-token");
    return request;
}

bool SpritzSimulatorTest::open(QWebSocket &socket, const QString &name)
{
    connect(&socket, &QWebSocket::textMessageReceived, this,
        [this](const QString &text) { m_frames.push_back(Json::parse(text.toUtf8()).value_or(Json())); });
    QSignalSpy connected(&socket, &QWebSocket::connected);
    socket.open(connectRequest(name));
    return connected.wait(4000);
}

Json SpritzSimulatorTest::ask(QWebSocket &socket, qint64 id, const QString &method, const Json &params)
{
    const Json message = Json::object(
        {{u"jsonrpc"_s, u"2.0"_s}, {u"id"_s, id}, {u"method"_s, method}, {u"params"_s, params}});
    socket.sendTextMessage(QString::fromUtf8(message.toBytes()));
    const auto find = [this, id]() -> Json {
        for (const Json &frame : m_frames) {
            if (!frame.contains(u"method") && frame[u"id"].toInt() == id)
                return frame;
        }
        return Json();
    };
    QSignalSpy received(&socket, &QWebSocket::textMessageReceived);
    while (find().isNull() && received.wait(3000)) { }
    return find();
}

void SpritzSimulatorTest::exchange_resolvesWithAuthAndPolicies()
{
    m_spritz->setPolicy(u"T1"_s, u"C7"_s, false);
    const Answer answer = exchange();
    QCOMPARE(answer.status, 200);
    QCOMPARE(answer.body[u"status"].toString(), u"resolved"_s);
    const Json &session = answer.body[u"session"];
    QCOMPARE(session[u"instanceId"].toString(), m_spritz->instanceId(u"T1"_s));
    QCOMPARE(session[u"providerAuth"][u"botAccessToken"].toString(), u"xoxb-sandbox"_s);
    const Json &policy = session[u"installationConfig"][u"channelPolicies"].at(0);
    QCOMPARE(policy[u"externalChannelId"].toString(), u"C7"_s);
    QVERIFY(!policy[u"requireMention"].toBool(true));
}

void SpritzSimulatorTest::exchange_refusesWrongCallers()
{
    const QString url = m_spritz->registryUrl() + u"/internal/v1/spritz/channel-sessions/exchange"_s;
    QCOMPARE(post(url, Json::object(), "spritz-service-token").status, 401);
    QCOMPARE(post(url, Json::object(), "registry-token").status, 400);
    Json body = Json::object({{u"principalId"_s, u"somebody"_s}, {u"provider"_s, u"slack"_s},
        {u"externalScopeType"_s, u"workspace"_s}, {u"externalTenantId"_s, u"T1"_s}});
    QCOMPARE(post(url, body, "registry-token").status, 403);
    body.set(u"principalId"_s, u"shared-slack-gateway"_s);
    body.set(u"externalTenantId"_s, u"T404"_s);
    QCOMPARE(post(url, body, "registry-token").status, 404);
}

void SpritzSimulatorTest::exchange_isUnavailableInThreeWays()
{
    m_spritz->makeUnavailable(u"T1"_s, UnavailableStyle::WithAuth);
    Answer answer = exchange();
    QCOMPARE(answer.status, 503);
    QCOMPARE(answer.body[u"status"].toString(), u"unavailable"_s);
    QVERIFY(!answer.body[u"providerAuth"][u"botAccessToken"].toString().isEmpty());
    m_spritz->makeUnavailable(u"T1"_s, UnavailableStyle::WithoutAuth);
    answer = exchange();
    QCOMPARE(answer.body[u"status"].toString(), u"unavailable"_s);
    QVERIFY(!answer.body.contains(u"providerAuth"));
    m_spritz->makeUnavailable(u"T1"_s, UnavailableStyle::Plain);
    answer = exchange();
    QCOMPARE(answer.status, 503);
    QVERIFY(answer.body.isNull());
    m_spritz->comeBack(u"T1"_s, false);
    QCOMPARE(exchange().status, 200);
}

void SpritzSimulatorTest::exchange_forcedBringsBackANewRuntime()
{
    const QString before = m_spritz->instanceId(u"T1"_s);
    m_spritz->setPhase(u"T1"_s, SpritzPhase::Vanished);
    m_spritz->comeBackAfterForced(u"T1"_s, 2, true);
    QCOMPARE(exchange(true).body[u"session"][u"instanceId"].toString(), before);
    QVERIFY(exchange(true).body[u"session"][u"instanceId"].toString() != before);
    QCOMPARE(m_spritz->callCount(u"exchange.forced"_s), 2);
    QCOMPARE(m_spritz->callCount(u"exchange"_s), 2);
    QVERIFY(!conversation().isEmpty());
}

void SpritzSimulatorTest::exchange_forcedCanBeSlow()
{
    m_spritz->setForcedExchangeDelay(Millis(100));
    const Millis start = m_clock.boot();
    QCOMPARE(exchange(true).status, 200);
    QVERIFY(m_clock.boot() - start >= Millis(99));
}

void SpritzSimulatorTest::upsert_isStrictAndFindsItsConversationAgain()
{
    const QString url = m_spritz->spritzUrl() + u"/api/channel-conversations/upsert"_s;
    const QByteArray owner = exchange().body[u"session"][u"accessToken"].toString().toUtf8();
    Answer answer = post(url, upsertBody(), owner);
    QCOMPARE(answer.status, 201);
    QVERIFY(answer.body[u"data"][u"created"].toBool());
    answer = post(url, upsertBody(), owner);
    QCOMPARE(answer.status, 200);
    QVERIFY(!answer.body[u"data"][u"created"].toBool(true));
    Json body = upsertBody();
    body.set(u"surprise"_s, true);
    answer = post(url, body, owner);
    QCOMPARE(answer.status, 400);
    QCOMPARE(answer.body[u"status"].toString(), u"fail"_s);
    QCOMPARE(post(url, upsertBody(), "spritz-service-token").status, 403);
    QCOMPARE(post(url, upsertBody(), "stranger").status, 403);
}

void SpritzSimulatorTest::upsert_followsThePhase()
{
    const QString url = m_spritz->spritzUrl() + u"/api/channel-conversations/upsert"_s;
    const QByteArray owner = exchange().body[u"session"][u"accessToken"].toString().toUtf8();
    const Json body = upsertBody();
    m_spritz->setPhase(u"T1"_s, SpritzPhase::NotReady);
    Answer answer = post(url, body, owner);
    QCOMPARE(answer.status, 409);
    QCOMPARE(answer.body[u"message"].toString(), u"acp unavailable"_s);
    m_spritz->setPhase(u"T1"_s, SpritzPhase::Vanished);
    answer = post(url, body, owner);
    QCOMPARE(answer.status, 404);
    QCOMPARE(answer.body[u"message"].toString(), u"spritz not found"_s);
    // The old identity of a runtime that was replaced is gone too.
    m_spritz->comeBack(u"T1"_s, true);
    QCOMPARE(post(url, body, owner).status, 404);
}

void SpritzSimulatorTest::bootstrap_createsAndKeepsTheSession()
{
    const QString name = conversation();
    const Answer first = bootstrap(name);
    QCOMPARE(first.status, 200);
    const QString session = first.body[u"data"][u"effectiveSessionId"].toString();
    QVERIFY(!session.isEmpty());
    QCOMPARE(bootstrap(name).body[u"data"][u"effectiveSessionId"].toString(), session);
    QCOMPARE(m_spritz->sessionOf(u"T1"_s, u"C1"_s), session);
    m_spritz->forgetSessions(u"T1"_s);
    const Answer replaced = bootstrap(name);
    QVERIFY(replaced.body[u"data"][u"replaced"].toBool());
    QVERIFY(replaced.body[u"data"][u"effectiveSessionId"].toString() != session);
    QCOMPARE(bootstrap(u"nobody"_s).body[u"message"].toString(), u"conversation not found"_s);
}

void SpritzSimulatorTest::connect_refusesBeforeTheUpgrade()
{
    const QString name = conversation();
    const auto status = [this](QNetworkRequest request) {
        http::ClientRequest get("GET", QUrl(request.url().toString().replace(u"ws:"_s, u"http:"_s)));
        for (const QByteArray &header : request.rawHeaderList())
            get.headers.add(header, request.rawHeader(header));
        get.headers.add("Upgrade", "websocket");
        get.headers.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        get.headers.add("Sec-WebSocket-Version", "13");
        const auto response = async::blockOn(m_client->send(std::move(get)));
        return response ? response->status : 0;
    };
    QNetworkRequest request = connectRequest(name);
    request.setRawHeader("Origin", "http://localhost");
    QCOMPARE(status(request), 403);
    request = connectRequest(name);
    request.setRawHeader("Authorization", "Bearer wrong");
    QCOMPARE(status(request), 403);
    QCOMPARE(status(connectRequest(u"nobody"_s)), 404);
    m_spritz->setPhase(u"T1"_s, SpritzPhase::NotReady);
    QCOMPARE(status(connectRequest(name)), 409);
    m_spritz->setPhase(u"T1"_s, SpritzPhase::Ready);
    m_spritz->addFault(u"connect"_s, Fault::httpStatus(502));
    QCOMPARE(status(connectRequest(name)), 502);
    // A real client sees such a refusal too.
    m_spritz->setPhase(u"T1"_s, SpritzPhase::Vanished);
    QWebSocket socket;
    QSignalSpy failed(&socket, QOverload<QAbstractSocket::SocketError>::of(&QWebSocket::error));
    socket.open(connectRequest(name));
    QVERIFY(failed.wait(4000));
    QCOMPARE(m_spritz->openConnections(), 0);
}

void SpritzSimulatorTest::connect_promptsAnAgentWithSharedHistory()
{
    const QString name = conversation();
    const QString session = bootstrap(name).body[u"data"][u"effectiveSessionId"].toString();
    const Json load = Json::object(
        {{u"sessionId"_s, session}, {u"cwd"_s, u"/home/dev"_s}, {u"mcpServers"_s, Json::array()}});
    for (int round = 0; round < 2; ++round) {
        QWebSocket socket;
        m_frames.clear();
        QVERIFY(open(socket, name));
        QVERIFY(
            ask(socket, 1, u"initialize"_s, Json::object({{u"protocolVersion"_s, 1}}))[u"result"].isObject());
        QVERIFY(ask(socket, 2, u"session/load"_s, load)[u"result"].isObject());
        // The second connection is told what the first one heard.
        const bool replayed = std::any_of(m_frames.begin(), m_frames.end(), [](const Json &frame) {
            return frame[u"params"][u"update"][u"sessionUpdate"].toString() == "user_message_chunk"_L1;
        });
        QCOMPARE(replayed, round == 1);
        const Json text = Json::object({{u"type"_s, u"text"_s}, {u"text"_s, u"hello"_s}});
        const Json prompt = Json::object({{u"sessionId"_s, session}, {u"prompt"_s, Json(Json::Array{text})}});
        QCOMPARE(
            ask(socket, 3, u"session/prompt"_s, prompt)[u"result"][u"stopReason"].toString(), u"end_turn"_s);
    }
    QCOMPARE(m_spritz->agents().promptTotal(), 2);
    QCOMPARE(m_spritz->callCount(u"connect"_s), 2);
    QTRY_COMPARE(m_spritz->openConnections(), 0);
}

void SpritzSimulatorTest::connect_closesWhenTheRuntimeIsDead()
{
    const QString name = conversation();
    m_spritz->setPhase(u"T1"_s, SpritzPhase::Dead);
    QWebSocket socket;
    QSignalSpy gone(&socket, &QWebSocket::disconnected);
    QVERIFY(open(socket, name));
    QVERIFY(!gone.isEmpty() || gone.wait(4000));
}

void SpritzSimulatorTest::connection_isLostWhenTheRuntimeDrops()
{
    const QString name = conversation();
    QWebSocket socket;
    QVERIFY(open(socket, name));
    QTRY_COMPARE(m_spritz->openConnections(), 1);
    QSignalSpy gone(&socket, &QWebSocket::disconnected);
    m_spritz->dropConnections(u"T1"_s);
    QVERIFY(!gone.isEmpty() || gone.wait(4000));
    QCOMPARE(m_spritz->openConnections(), 0);
}

void SpritzSimulatorTest::fault_hitsItsEndpointOnly()
{
    m_spritz->addFault(u"bootstrap"_s, Fault::httpStatus(502).repeat(2));
    const QString name = conversation();
    QCOMPARE(bootstrap(name).status, 502);
    QCOMPARE(bootstrap(name).status, 502);
    QCOMPARE(bootstrap(name).status, 200);
    QCOMPARE(m_spritz->callCount(u"bootstrap"_s), 3);
}

void SpritzSimulatorTest::disconnect_forgetsTheTeam()
{
    const Json body
        = Json::object({{u"principalId"_s, u"shared-slack-gateway"_s}, {u"provider"_s, u"slack"_s},
            {u"externalScopeType"_s, u"workspace"_s}, {u"externalTenantId"_s, u"T1"_s}});
    const QString url = m_spritz->registryUrl() + u"/internal/v1/spritz/channel-installations/disconnect"_s;
    QCOMPARE(post(url, body, "registry-token").status, 200);
    QCOMPARE(exchange().status, 404);
    QCOMPARE(m_spritz->callCount(u"disconnect"_s), 1);
}

QTEST_GUILESS_MAIN(SpritzSimulatorTest)
#include "tst_spritz_simulator.moc"
