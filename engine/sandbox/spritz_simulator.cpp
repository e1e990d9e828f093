// SPDX-License-Identifier: Apache-2.0
#include "sandbox/spritz_simulator.h"

#include "base/hash.h"

#include <QWebSocket>
#include <QWebSocketServer>

using namespace Qt::StringLiterals;

namespace signalbox::sandbox {

namespace {
constexpr Millis kHandlerTimeout = std::chrono::hours(25); // hangs are wanted here
// Callers must keep a path prefix of the Spritz URL for HTTP and WebSocket alike.
constexpr QLatin1StringView kPrefix("/deployment");

http::Response jsonResponse(int status, const Json &json)
{
    return http::Response(status, "application/json", json.toBytes());
}

// JSend, as the Spritz API answers errors (§5.1).
http::Response apiFailure(int status, const QString &message)
{
    if (status >= 500)
        return jsonResponse(
            status, Json::object({{u"status"_s, u"error"_s}, {u"message"_s, message}, {u"code"_s, status}}));
    return jsonResponse(status,
        Json::object({{u"status"_s, u"fail"_s}, {u"message"_s, message},
            {u"data"_s, Json::object({{u"message"_s, message}})}}));
}

http::Response apiSuccess(int status, Json data)
{
    return jsonResponse(status, Json::object({{u"status"_s, u"success"_s}, {u"data"_s, std::move(data)}}));
}

bool knowsOnly(const Json &object, std::initializer_list<QStringView> keys)
{
    return std::all_of(object.toObject().begin(), object.toObject().end(), [&keys](const auto &member) {
        return std::find(keys.begin(), keys.end(), QStringView(member.first)) != keys.end();
    });
}

QString nameInPath(const QString &path)
{
    const QStringList parts = path.split(u'/');
    return parts.value(parts.size() - 2);
}
} // namespace

SpritzSimulator::SpritzSimulator(SpritzSimulatorConfig config, const Clock &clock, QObject *parent)
    : QObject(parent)
    , m_config(std::move(config))
    , m_clock(clock)
    , m_sockets(std::make_unique<QWebSocketServer>(u"spritz"_s, QWebSocketServer::NonSecureMode))
{
    http::Router router;
    route(router, "POST", u"/internal/v1/spritz/channel-sessions/exchange"_s, u"exchange"_s,
        &SpritzSimulator::exchange);
    route(router, "POST", u"/internal/v1/spritz/channel-installations/disconnect"_s, u"disconnect"_s,
        &SpritzSimulator::disconnect);
    route(router, "POST", kPrefix + u"/api/channel-conversations/upsert"_s, u"upsert"_s,
        &SpritzSimulator::upsert);
    route(router, "POST", kPrefix + u"/api/acp/conversations/{name}/bootstrap"_s, u"bootstrap"_s,
        &SpritzSimulator::bootstrap);
    route(router, "GET", kPrefix + u"/api/acp/conversations/{name}/connect"_s, u"connect"_s,
        &SpritzSimulator::refuseConnect);
    http::Limits limits;
    limits.handlerTimeout = kHandlerTimeout;
    m_server = std::make_unique<http::Server>(std::move(router), limits);
    m_server->setUpgradeHandler(
        [this](const http::Request &head, QTcpSocket *socket) { return upgrade(head, socket); });
    m_sockets->setMaxPendingConnections(100'000);
    connect(m_sockets.get(), &QWebSocketServer::newConnection, this, &SpritzSimulator::adoptSocket);
}

SpritzSimulator::~SpritzSimulator()
{
    m_stop.cancel();
    m_server.reset();
    for (auto &[socket, connection] : m_connections) {
        socket->QObject::disconnect(this);
        delete socket;
    }
}

void SpritzSimulator::route(http::Router &router, const QByteArray &method, const QString &path,
    const QString &name, Endpoint endpoint)
{
    router.add(method, path, [this, name, endpoint](http::Request request, http::Context context) {
        return handle(name, endpoint, request, context);
    });
}

Status SpritzSimulator::listen(quint16 port)
{
    return m_server->listen(QHostAddress(QHostAddress::LocalHost), port);
}

QCoro::Task<> SpritzSimulator::close()
{
    m_stop.cancel();
    for (auto &[socket, connection] : m_connections) {
        socket->QObject::disconnect(this);
        socket->abort();
        socket->deleteLater();
    }
    m_connections.clear();
    co_await m_server->close(Millis(500));
}

QString SpritzSimulator::registryUrl() const
{
    return u"http://127.0.0.1:%1"_s.arg(m_server->port());
}

QString SpritzSimulator::spritzUrl() const
{
    return registryUrl() + kPrefix;
}

QCoro::Task<http::Response> SpritzSimulator::handle(
    const QString &name, Endpoint endpoint, const http::Request &request, const http::Context &context)
{
    auto fault = m_faults.take(name);
    const bool forced = name == "exchange"_L1 && request.body.contains("\"forceRefresh\":true");
    if (!fault && forced && m_forcedDelay > Millis(0))
        fault = Fault::delayedEffect(m_forcedDelay);
    if (!fault)
        return answer(perform(name, endpoint, request));
    const bool effective = fault->kind == Fault::Kind::CloseAfterEffect
        || fault->kind == Fault::Kind::DelayedAnswer || fault->kind == Fault::Kind::DelayedEffect
        || fault->kind == Fault::Kind::Garbage;
    if (!effective) {
        m_calls.add(CallRecord(
            m_clock.now(), name, fault->kind == Fault::Kind::HttpStatus ? fault->status : 0, fault->error));
        Q_EMIT called(name);
    }
    auto effect = [this, name, endpoint, request] { return perform(name, endpoint, request); };
    auto shape
        = [](const QString &error, int status) { return apiFailure(status == 200 ? 500 : status, error); };
    return answerFaulty(*fault, std::move(effect), std::move(shape), context.cancel, m_stop.token());
}

http::Response SpritzSimulator::perform(const QString &name, Endpoint endpoint, const http::Request &request)
{
    http::Response response = (this->*endpoint)(request);
    m_calls.add(CallRecord(m_clock.now(), name, response.status, QString()));
    Q_EMIT called(name);
    return response;
}

void SpritzSimulator::addInstallation(SpritzInstallation installation)
{
    if (installation.ownerAuthId.isEmpty())
        installation.ownerAuthId = u"owner-"_s + installation.teamId;
    Runtime &runtime = m_runtimes[installation.teamId];
    runtime.installation = std::move(installation);
    startInstance(runtime);
}

void SpritzSimulator::startInstance(Runtime &runtime)
{
    runtime.instanceId = u"zeno-%1-%2"_s.arg(runtime.installation.teamId.toLower()).arg(++runtime.instances);
}

void SpritzSimulator::setPolicy(const QString &teamId, const QString &channel, bool requireMention)
{
    m_runtimes[teamId].installation.channelPolicies[channel] = requireMention;
}

void SpritzSimulator::setAuth(const QString &teamId, const QString &apiAppId, const Secret &botToken)
{
    m_runtimes[teamId].installation.apiAppId = apiAppId;
    m_runtimes[teamId].installation.botToken = botToken;
}

void SpritzSimulator::makeUnavailable(const QString &teamId, UnavailableStyle style)
{
    m_runtimes[teamId].unavailable = style;
}

void SpritzSimulator::setPhase(const QString &teamId, SpritzPhase phase)
{
    m_runtimes[teamId].phase = phase;
}

void SpritzSimulator::comeBack(const QString &teamId, bool newInstance)
{
    Runtime &runtime = m_runtimes[teamId];
    runtime.unavailable.reset();
    runtime.phase = SpritzPhase::Ready;
    runtime.forcedUntilBack = 0;
    if (newInstance)
        startInstance(runtime);
}

void SpritzSimulator::comeBackAfterForced(const QString &teamId, int forced, bool newInstance)
{
    m_runtimes[teamId].forcedUntilBack = forced;
    m_runtimes[teamId].backAsNew = newInstance;
}

QString SpritzSimulator::instanceId(const QString &teamId) const
{
    const auto found = m_runtimes.find(teamId);
    return found == m_runtimes.end() ? QString() : found->second.instanceId;
}

void SpritzSimulator::dropConnections(const QString &teamId)
{
    const QString instance = instanceId(teamId);
    std::vector<QWebSocket *> sockets;
    for (const auto &[socket, connection] : m_connections) {
        if (connection.instanceId == instance)
            sockets.push_back(socket);
    }
    for (QWebSocket *socket : sockets)
        socket->abort();
}

void SpritzSimulator::forgetSessions(const QString &teamId)
{
    const QString instance = instanceId(teamId);
    for (auto &[name, conversation] : m_conversations) {
        if (conversation.instanceId == instance)
            m_store.forget(conversation.sessionId);
    }
}

QString SpritzSimulator::sessionOf(const QString &teamId, const QString &channel) const
{
    const QString name = m_conversationOf.value(instanceId(teamId) + u'/' + channel);
    const auto found = m_conversations.find(name);
    return found == m_conversations.end() ? QString() : found->second.sessionId;
}

Json SpritzSimulator::exchangeBody(const Runtime &runtime) const
{
    const SpritzInstallation &installation = runtime.installation;
    Json policies = Json::array();
    for (const auto &[channel, requireMention] : installation.channelPolicies)
        policies.append(
            Json::object({{u"externalChannelId"_s, channel}, {u"requireMention"_s, requireMention}}));
    Json scopes = Json::array();
    for (const QString &scope : {u"app_mentions:read"_s, u"chat:write"_s, u"reactions:write"_s})
        scopes.append(scope);
    Json auth = Json::object({{u"providerInstallRef"_s, u"slack-install:"_s + installation.teamId},
        {u"apiAppId"_s, installation.apiAppId}, {u"teamId"_s, installation.teamId},
        {u"enterpriseId"_s, QString()}, {u"installingUserId"_s, u"U0OWNER"_s},
        {u"botUserId"_s, installation.botUserId}, {u"scopeSet"_s, scopes},
        {u"botAccessToken"_s, QString::fromUtf8(installation.botToken.reveal())}});
    return Json::object({{u"providerAuth"_s, auth},
        {u"installationConfig"_s, Json::object({{u"channelPolicies"_s, policies}})}});
}

http::Response SpritzSimulator::exchange(const http::Request &request)
{
    const auto body = Json::parse(request.body);
    if (request.bearerToken() != m_config.registryToken.reveal())
        return jsonResponse(401, Json::object({{u"error"_s, u"unauthorized"_s}}));
    if (!body || (*body)[u"provider"].toString() != "slack"_L1
        || (*body)[u"externalScopeType"].toString() != "workspace"_L1)
        return jsonResponse(400, Json::object({{u"error"_s, u"invalid_request"_s}}));
    if ((*body)[u"principalId"].toString() != m_config.principalId)
        return jsonResponse(403, Json::object({{u"error"_s, u"forbidden"_s}}));
    const auto found = m_runtimes.find((*body)[u"externalTenantId"].toString());
    if (found == m_runtimes.end())
        return jsonResponse(404, Json::object({{u"status"_s, u"unresolved"_s}}));
    Runtime &runtime = found->second;
    if ((*body)[u"forceRefresh"].toBool()) {
        m_calls.add(CallRecord(m_clock.now(), u"exchange.forced"_s, 0, QString()));
        if (runtime.forcedUntilBack > 0 && --runtime.forcedUntilBack == 0)
            comeBack(found->first, runtime.backAsNew);
    }
    const Json known = exchangeBody(runtime);
    if (runtime.unavailable) {
        if (*runtime.unavailable == UnavailableStyle::Plain)
            return http::Response(503, "text/plain; charset=utf-8", "upstream connect error\n");
        Json unavailable = Json::object({{u"status"_s, u"unavailable"_s}});
        if (*runtime.unavailable == UnavailableStyle::WithAuth) {
            unavailable.set(u"providerAuth"_s, known[u"providerAuth"]);
            unavailable.set(u"installationConfig"_s, known[u"installationConfig"]);
        }
        return jsonResponse(503, unavailable);
    }
    Json session = Json::object({{u"accessToken"_s, QString::fromUtf8(runtime.ownerToken())},
        {u"expiresAt"_s, toRfc3339(m_clock.now() + std::chrono::hours(1))},
        {u"ownerAuthId"_s, runtime.installation.ownerAuthId},
        {u"namespace"_s, runtime.installation.nameSpace}, {u"instanceId"_s, runtime.instanceId},
        {u"providerAuth"_s, known[u"providerAuth"]},
        {u"installationConfig"_s, known[u"installationConfig"]}});
    return jsonResponse(200, Json::object({{u"status"_s, u"resolved"_s}, {u"session"_s, session}}));
}

http::Response SpritzSimulator::disconnect(const http::Request &request)
{
    const auto body = Json::parse(request.body);
    if (request.bearerToken() != m_config.registryToken.reveal())
        return jsonResponse(401, Json::object({{u"error"_s, u"unauthorized"_s}}));
    if (!body || (*body)[u"externalTenantId"].toString().isEmpty())
        return jsonResponse(400, Json::object({{u"error"_s, u"invalid_request"_s}}));
    m_runtimes.erase((*body)[u"externalTenantId"].toString());
    return jsonResponse(200, Json::object({{u"status"_s, u"disconnected"_s}}));
}

SpritzSimulator::Runtime *SpritzSimulator::byInstance(const QString &instanceId)
{
    for (auto &[team, runtime] : m_runtimes) {
        if (runtime.instanceId == instanceId)
            return &runtime;
    }
    return nullptr;
}

std::optional<http::Response> SpritzSimulator::phaseProblem(const Runtime *runtime) const
{
    // An instance that was replaced is as gone as one that vanished.
    if (runtime == nullptr || runtime->phase == SpritzPhase::Vanished)
        return apiFailure(404, u"spritz not found"_s);
    if (runtime->phase == SpritzPhase::NotReady)
        return apiFailure(409, u"acp unavailable"_s);
    return std::nullopt;
}

http::Response SpritzSimulator::upsert(const http::Request &request)
{
    const auto body = Json::parse(request.body);
    if (!body || !body->isObject()
        || !knowsOnly(*body,
            {u"namespace", u"conversationId", u"principalId", u"instanceId", u"ownerId", u"provider",
                u"externalScopeType", u"externalTenantId", u"externalChannelId", u"externalConversationId",
                u"title", u"lookupExternalConversationIds", u"requestId", u"cwd"}))
        return apiFailure(400, u"invalid request body"_s);
    const QByteArray token = request.bearerToken();
    if (token.isEmpty() || token == m_config.serviceToken.reveal())
        return apiFailure(
            token.isEmpty() ? 401 : 403, token.isEmpty() ? u"unauthenticated"_s : u"forbidden"_s);
    for (const QString &field : {u"namespace"_s, u"instanceId"_s, u"principalId"_s, u"ownerId"_s,
             u"provider"_s, u"externalScopeType"_s, u"externalTenantId"_s, u"externalChannelId"_s,
             u"externalConversationId"_s}) {
        if ((*body)[field].toString().isEmpty())
            return apiFailure(400, field + u" is required"_s);
    }
    Runtime *runtime = byInstance((*body)[u"instanceId"].toString());
    if (runtime != nullptr && token != runtime->ownerToken())
        return apiFailure(403, u"forbidden"_s);
    if (auto problem = phaseProblem(runtime))
        return *problem;
    if ((*body)[u"namespace"].toString() != runtime->installation.nameSpace)
        return apiFailure(404, u"spritz not found"_s);
    if ((*body)[u"ownerId"].toString() != runtime->installation.ownerAuthId)
        return apiFailure(403, u"forbidden"_s);
    bool created = false;
    const Conversation &conversation = conversationFor(*runtime, *body, created);
    return apiSuccess(created ? 201 : 200,
        Json::object({{u"created"_s, created}, {u"conversation"_s, conversationJson(conversation)}}));
}

SpritzSimulator::Conversation &SpritzSimulator::conversationFor(
    const Runtime &runtime, const Json &spec, bool &created)
{
    const QString external = spec[u"externalConversationId"].toString();
    const QString key = runtime.instanceId + u'/' + external;
    QString &name = m_conversationOf[key];
    created = name.isEmpty();
    if (created)
        name = u"channel-"_s + QString::fromLatin1(sha256(key.toUtf8()).toHex().first(16));
    Conversation &conversation = m_conversations[name];
    if (created) {
        conversation.name = name;
        conversation.instanceId = runtime.instanceId;
        conversation.nameSpace = runtime.installation.nameSpace;
        conversation.channel = external;
        conversation.spec = spec;
    }
    return conversation;
}

Json SpritzSimulator::conversationJson(const Conversation &conversation) const
{
    Json spec = conversation.spec;
    spec.set(u"sessionId"_s, conversation.sessionId);
    spec.set(u"cwd"_s, u"/home/dev"_s);
    return Json::object(
        {{u"metadata"_s,
             Json::object({{u"name"_s, conversation.name}, {u"namespace"_s, conversation.nameSpace}})},
            {u"spec"_s, spec}, {u"status"_s, Json::object({{u"bindingState"_s, u"active"_s}})}});
}

http::Response SpritzSimulator::bootstrap(const http::Request &request)
{
    if (request.bearerToken() != m_config.serviceToken.reveal())
        return apiFailure(request.bearerToken().isEmpty() ? 401 : 403, u"forbidden"_s);
    const auto found = m_conversations.find(request.pathValues.at(u"name"_s));
    if (found == m_conversations.end() || request.query(u"namespace") != found->second.nameSpace)
        return apiFailure(404, u"conversation not found"_s);
    Conversation &conversation = found->second;
    const Runtime *runtime = byInstance(conversation.instanceId);
    if (auto problem = phaseProblem(runtime))
        return *problem;
    const bool loaded = !conversation.sessionId.isEmpty() && m_store.contains(conversation.sessionId);
    const bool replaced = !conversation.sessionId.isEmpty() && !loaded;
    if (!loaded)
        conversation.sessionId = m_store.create(u"/home/dev"_s);
    const int replayed = static_cast<int>(m_store.history(conversation.sessionId).size());
    return apiSuccess(200,
        Json::object({{u"conversation"_s, conversationJson(conversation)},
            {u"effectiveSessionId"_s, conversation.sessionId}, {u"effectiveCwd"_s, u"/home/dev"_s},
            {u"bindingState"_s, u"active"_s}, {u"loaded"_s, loaded}, {u"replaced"_s, replaced},
            {u"replayMessageCount"_s, replayed},
            {u"agentInfo"_s, Json::object({{u"name"_s, m_config.agent.name}})},
            {u"capabilities"_s, Json::object({{u"loadSession"_s, true}})}}));
}

std::optional<http::Response> SpritzSimulator::connectProblem(const http::Request &request)
{
    if (request.headers.contains("Origin"))
        return apiFailure(403, u"origin not allowed"_s);
    if (request.bearerToken() != m_config.serviceToken.reveal())
        return apiFailure(request.bearerToken().isEmpty() ? 401 : 403, u"forbidden"_s);
    const auto found = m_conversations.find(nameInPath(request.path));
    if (found == m_conversations.end() || request.query(u"namespace") != found->second.nameSpace)
        return apiFailure(404, u"conversation not found"_s);
    return phaseProblem(byInstance(found->second.instanceId));
}

http::Response SpritzSimulator::refuseConnect(const http::Request &request)
{
    m_calls.add(CallRecord(m_clock.now(), u"connect.refused"_s, 0, QString()));
    if (auto problem = connectProblem(request))
        return *problem;
    return apiFailure(400, u"websocket upgrade required"_s);
}

bool SpritzSimulator::upgrade(const http::Request &head, QTcpSocket *socket)
{
    // What is refused, and what a fault hits, goes the way of an ordinary request.
    if (!head.path.endsWith("/connect"_L1) || m_faults.pending(u"connect"_s) || connectProblem(head))
        return false;
    m_calls.add(CallRecord(m_clock.now(), u"connect"_s, 101, QString()));
    Q_EMIT called(u"connect"_s);
    m_sockets->handleConnection(socket);
    return true;
}

void SpritzSimulator::adoptSocket()
{
    while (QWebSocket *socket = m_sockets->nextPendingConnection()) {
        const auto found = m_conversations.find(nameInPath(socket->requestUrl().path()));
        Runtime *runtime = found == m_conversations.end() ? nullptr : byInstance(found->second.instanceId);
        if (runtime == nullptr || runtime->phase == SpritzPhase::Dead) {
            connect(socket, &QWebSocket::disconnected, socket, &QObject::deleteLater);
            socket->close(QWebSocketProtocol::CloseCodeAbnormalDisconnection);
            socket->abort();
            continue;
        }
        Connection &connection = m_connections[socket];
        connection.instanceId = runtime->instanceId;
        connection.agent = std::make_unique<SimulatedAgent>(m_store, m_config.agent);
        SimulatedAgent *agent = connection.agent.get();
        agent->send = [socket](const Json &message) {
            socket->sendTextMessage(QString::fromUtf8(message.toBytes()));
        };
        // The close comes after the frames that were written.
        agent->die = [socket] {
            QMetaObject::invokeMethod(
                socket, [socket] { socket->close(QWebSocketProtocol::CloseCodeGoingAway); },
                Qt::QueuedConnection);
        };
        connect(agent, &SimulatedAgent::prompted, this, &SpritzSimulator::endOrphans);
        connect(agent, &SimulatedAgent::cancelled, this, &SpritzSimulator::endOrphans);
        connect(agent, &SimulatedAgent::prompted, this, &SpritzSimulator::prompted);
        connect(agent, &SimulatedAgent::cancelled, this, &SpritzSimulator::cancelled);
        connect(socket, &QWebSocket::textMessageReceived, agent,
            [agent](const QString &text) { agent->receiveText(text.toUtf8()); });
        connect(socket, &QWebSocket::disconnected, this, [this, socket] {
            // The agent may be in the middle of a frame of its own.
            const auto gone = m_connections.find(socket);
            if (gone != m_connections.end()) {
                outlive(std::move(gone->second.agent));
                m_connections.erase(gone);
            }
            socket->deleteLater();
        });
        m_maxConnections = std::max(m_maxConnections, openConnections());
    }
}

// The agent may be in the middle of a frame of its own.
void SpritzSimulator::outlive(std::unique_ptr<SimulatedAgent> agent)
{
    if (!agent->outlives()) {
        agent.release()->deleteLater();
        return;
    }
    SimulatedAgent *raw = agent.get();
    raw->send = [](const Json &) {};
    raw->die = nullptr;
    connect(raw, &SimulatedAgent::turnEnded, this, [this, raw] {
        const auto ended = std::find_if(
            m_orphans.begin(), m_orphans.end(), [raw](const auto &orphan) { return orphan.get() == raw; });
        if (ended != m_orphans.end()) {
            ended->release()->deleteLater();
            m_orphans.erase(ended);
        }
    });
    m_orphans.push_back(std::move(agent));
}

// A runtime does one turn of a session at a time: the next prompt, or a cancel, ends what was left of the
// last.
void SpritzSimulator::endOrphans(const QString &sessionId)
{
    std::erase_if(m_orphans, [&](const auto &orphan) { return orphan->isRunning(sessionId); });
}

} // namespace signalbox::sandbox
