// SPDX-License-Identifier: Apache-2.0
#include "runtimes/spritz/spritz_backend.h"

#include "runtimes/spritz/spritz_turn.h"

#include <QPointer>

using namespace Qt::StringLiterals;

namespace signalbox::runtimes {

SpritzBackend::SpritzBackend(SpritzOptions options, http::Client &client, QObject *parent)
    : RuntimeBackend(parent)
    , m_options(std::move(options))
    , m_client(client)
{
}

namespace {
constexpr qint64 kPolicyFreshMs = 10'000;

Error closedError()
{
    return {ErrorCode::Unavailable, u"the backend was closed"_s, u"closed"_s};
}
} // namespace

SpritzBackend::~SpritzBackend()
{
    m_closing.cancel();
    const QSet<SpritzConnection *> open = std::exchange(m_connections, {});
    for (SpritzConnection *connection : open) {
        connection->disconnect(this);
        connection->shut(u"closed"_s);
    }
}

QString SpritzBackend::kind() const
{
    return u"spritz"_s;
}

QString SpritzBackend::renderPrompt(const domain::PromptContext &context, const QString &text) const
{
    return domain::spritzPrompt(context, text);
}

http::ClientRequest SpritzBackend::post(const QUrl &url, const Secret &token, QByteArray body) const
{
    http::ClientRequest request("POST", url);
    request.headers.add("Content-Type", "application/json");
    request.headers.add("Authorization", "Bearer " + token.reveal());
    request.body = std::move(body);
    request.timeout = m_options.stepTimeout;
    request.idempotent = true; // an exchange looks, an upsert and a bootstrap find what is there
    return request;
}

QCoro::Task<Result<http::Response>> SpritzBackend::call(
    http::ClientRequest request, FailPlace place, async::CancelToken cancel)
{
    async::CancelSource source;
    source.follow(cancel);
    source.follow(m_closing.token());
    reachFailpoint(place, FailEdge::Before);
    Result<http::Response> response = co_await m_client.send(std::move(request), source.token());
    reachFailpoint(place, FailEdge::After);
    if (!response) {
        co_return fail(spritz::transportError(response.error()));
    }
    co_return response;
}

QCoro::Task<Result<Binding>> SpritzBackend::bind(BindRequest request, async::CancelToken cancel)
{
    const QUrl url = spritz::urlUnder(m_options.registryUrl, "/internal/v1/spritz/channel-sessions/exchange");
    http::ClientRequest exchange
        = post(url, m_options.registryToken, spritz::exchangeBody(m_options.principalId, request));
    if (request.force) {
        exchange.timeout = std::max(m_options.stepTimeout, m_options.forcedExchangeTimeout);
    }
    const QPointer<SpritzBackend> self(this);
    const Result<http::Response> response
        = co_await call(std::move(exchange), FailPlace::SendExchange, cancel);
    if (!self) {
        co_return fail(closedError());
    }
    if (!response) {
        co_return fail(response.error().context(u"exchange"_s));
    }
    if (const std::optional<spritz::TenantFacts> facts = spritz::tenantFacts(*response)) {
        keep(request.tenant, *facts);
    }
    const Result<Binding> binding = spritz::readExchange(*response, request.place);
    if (!binding) {
        co_return fail(binding.error().context(u"exchange"_s));
    }
    co_return binding;
}

void SpritzBackend::keep(const QString &tenant, const spritz::TenantFacts &facts)
{
    const auto known = m_known.find(tenant);
    if (known != m_known.end()) {
        const spritz::TenantFacts earlier = known->facts;
        known->facts = facts;
        known->since.start();
        if (facts.botToken.isEmpty()) {
            // An answer without a token does not take back the one before, nor whose token it is.
            known->facts.botToken = earlier.botToken;
            known->facts.botUserId = earlier.botUserId;
            known->facts.apiAppId = earlier.apiAppId;
        }
        m_byAge.splice(m_byAge.end(), m_byAge, known->age);
        return;
    }
    if (size_t(m_known.size()) >= kMaxTenants) {
        m_known.remove(m_byAge.front());
        m_byAge.pop_front();
    }
    const auto age = m_byAge.insert(m_byAge.end(), tenant);
    QElapsedTimer since;
    since.start();
    m_known.insert(tenant, Known{facts, since, age});
}

std::optional<PlacePolicy> SpritzBackend::placePolicy(const QString &tenant, const QString &place) const
{
    PlacePolicy policy;
    const auto known = m_known.constFind(tenant);
    if (known != m_known.constEnd()) {
        policy.requireMention = known->facts.requireMention.value(place, true);
        policy.fresh = !known->since.hasExpired(kPolicyFreshMs);
    }
    return policy;
}

std::optional<Binding> SpritzBackend::lastKnown(const QString &tenant, const QString &place) const
{
    const auto known = m_known.constFind(tenant);
    if (known == m_known.constEnd()) {
        return std::nullopt;
    }
    Binding binding;
    spritz::applyFacts(known->facts, place, binding);
    return binding;
}

QCoro::Task<Status> SpritzBackend::disconnectTenant(QString tenant, async::CancelToken cancel)
{
    const QUrl url
        = spritz::urlUnder(m_options.registryUrl, "/internal/v1/spritz/channel-installations/disconnect");
    http::ClientRequest request
        = post(url, m_options.registryToken, spritz::disconnectBody(m_options.principalId, tenant));
    const Result<http::Response> response = co_await call(std::move(request), FailPlace::None, cancel);
    if (!response) {
        co_return fail(response.error().context(u"disconnect"_s));
    }
    co_return spritz::readDisconnect(*response);
}

void SpritzBackend::forgetTenant(const QString &tenant)
{
    const auto known = m_known.constFind(tenant);
    if (known != m_known.constEnd()) {
        m_byAge.erase(known->age);
        m_known.erase(known);
    }
}

// The backend may be destroyed at each co_await: nothing of it is touched before a look.
QCoro::Task<Result<SpritzBackend::Reached>> SpritzBackend::reach(
    Binding binding, OpenRequest request, async::CancelToken cancel)
{
    const QPointer<SpritzBackend> self(this);
    http::ClientRequest upsert
        = post(spritz::urlUnder(m_options.spritzUrl, "/api/channel-conversations/upsert"), binding.ownerToken,
            spritz::upsertBody(m_options.principalId, binding, request));
    const Result<http::Response> upserted = co_await call(std::move(upsert), FailPlace::SendUpsert, cancel);
    if (!self) {
        co_return fail(closedError());
    }
    const Result<QString> name = upserted ? spritz::readUpsert(*upserted) : fail(upserted.error());
    if (!name) {
        co_return fail(name.error().context(u"upsert"_s));
    }
    http::ClientRequest bootstrap
        = post(spritz::conversationUrl(m_options.spritzUrl, *name, u"bootstrap"_s, binding.nameSpace),
            m_options.spritzToken, "{}");
    const Result<http::Response> answer
        = co_await call(std::move(bootstrap), FailPlace::SendBootstrap, cancel);
    if (!self) {
        co_return fail(closedError());
    }
    Result<spritz::Bootstrapped> ready = answer ? spritz::readBootstrap(*answer) : fail(answer.error());
    if (!ready) {
        co_return fail(ready.error().context(u"bootstrap"_s));
    }
    Reached reached;
    reached.ready = std::move(*ready);
    reached.connection = makeConnection();
    const Status upgraded = co_await upgrade(reached.connection, *name, binding.nameSpace, cancel);
    if (!upgraded || !self) {
        co_return fail(self ? upgraded.error().context(u"connect"_s) : closedError());
    }
    co_return reached;
}

QCoro::Task<Result<std::shared_ptr<Turn>>> SpritzBackend::open(
    Binding binding, OpenRequest request, async::CancelToken cancel)
{
    const Millis timeout = m_options.stepTimeout;
    const Result<Reached> reached = co_await reach(std::move(binding), std::move(request), cancel);
    if (!reached) {
        co_return fail(reached.error());
    }
    const spritz::Bootstrapped &ready = reached->ready;
    const Status loaded = co_await reached->connection->load(ready.sessionId, ready.cwd, timeout, cancel);
    if (!loaded) {
        co_return fail(loaded.error());
    }
    co_return std::static_pointer_cast<Turn>(
        std::make_shared<SpritzTurn>(reached->connection, ready.sessionId, ready.replaced));
}

QCoro::Task<Result<domain::Transcript>> SpritzBackend::look(
    Binding binding, OpenRequest request, async::CancelToken cancel)
{
    const Millis timeout = m_options.stepTimeout;
    const Result<Reached> reached = co_await reach(std::move(binding), std::move(request), cancel);
    if (!reached) {
        co_return fail(reached.error());
    }
    const auto transcript = std::make_shared<domain::Transcript>();
    std::function<void(const Json &)> listener = [transcript](const Json &update) {
        transcript->take(update, spritz::contentText(update[u"content"]));
    };
    reached->connection->setReplayListener(std::move(listener));
    const spritz::Bootstrapped &ready = reached->ready;
    const Status loaded = co_await reached->connection->load(ready.sessionId, ready.cwd, timeout, cancel);
    reached->connection->shut(u"closed"_s);
    if (!loaded) {
        co_return fail(loaded.error());
    }
    co_return std::move(*transcript);
}

std::shared_ptr<SpritzConnection> SpritzBackend::makeConnection()
{
    // Dropped from inside its own signals.
    const std::shared_ptr<SpritzConnection> connection(
        new SpritzConnection(this), [](SpritzConnection *dropped) {
            dropped->shut(u"closed"_s);
            dropped->deleteLater();
        });
    m_connections.insert(connection.get());
    connect(connection.get(), &QObject::destroyed, this,
        [this, raw = connection.get()] { m_connections.remove(raw); });
    return connection;
}

// QWebSocket keeps the status of a refused handshake to itself, and "spritz not found" or "acp unavailable"
// must not get lost here: they start a recovery. The server decides both before it upgrades, so the same GET
// without the upgrade tells.
QCoro::Task<Status> SpritzBackend::upgrade(std::shared_ptr<SpritzConnection> connection, QString conversation,
    QString nameSpace, async::CancelToken cancel)
{
    const QPointer<SpritzBackend> self(this);
    const QUrl socketUrl
        = spritz::conversationUrl(m_options.spritzUrl, conversation, u"connect"_s, nameSpace, true);
    reachFailpoint(FailPlace::SendConnect, FailEdge::Before);
    const Status connected
        = co_await connection->connectTo(socketUrl, m_options.spritzToken, m_options.stepTimeout, cancel);
    reachFailpoint(FailPlace::SendConnect, FailEdge::After);
    if (!self) {
        co_return fail(closedError());
    }
    if (connected || connected.error().native() != u"handshake") {
        co_return connected;
    }
    http::ClientRequest probe(
        "GET", spritz::conversationUrl(m_options.spritzUrl, conversation, u"connect"_s, nameSpace));
    probe.headers.add("Authorization", "Bearer " + m_options.spritzToken.reveal());
    probe.timeout = m_options.stepTimeout;
    probe.idempotent = true;
    const Result<http::Response> answer = co_await call(std::move(probe), FailPlace::None, cancel);
    if (!answer) {
        co_return fail(answer.error());
    }
    // 400 and 426 mean: an upgrade was expected. So this time it would have gone through.
    if (answer->status < 400 || answer->status == 400 || answer->status == 426) {
        co_return connected;
    }
    co_return fail(spritz::refusal(*answer));
}

QCoro::Task<> SpritzBackend::close(Millis)
{
    std::exchange(m_closing, async::CancelSource()).cancel();
    const QSet<SpritzConnection *> open = m_connections;
    for (SpritzConnection *connection : open) {
        connection->shut(u"closed"_s);
    }
    co_return;
}

} // namespace signalbox::runtimes
