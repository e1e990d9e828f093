// SPDX-License-Identifier: Apache-2.0
#include "gateway/gateway.h"

#include "base/log.h"
#include "domain/installation_trouble.h"
#include "runtimes/backend_factory.h"

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcGateway, "signalbox.engine.gateway")
constexpr Millis kOutboxGrace{3000};
constexpr Millis kForwardGrace{1000};
constexpr Millis kSocketGrace{2000};
constexpr Millis kBackendGrace{2000};
constexpr Millis kIdentityPause{30'000};
} // namespace

Gateway::Gateway(
    store::Store &store, const config::Config &config, const Clock &clock, IdGenerator &ids, Sealer sealer)
    : m_store(store)
    , m_config(config)
    , m_slack(m_client, QUrl(config.slack.apiBaseUrl), config.recovery.httpTimeout)
    , m_lease(store, clock, config.engine.lease, config.lockTtl)
    , m_orders(store, m_lease)
    , m_book(store, config, std::move(sealer))
    , m_interactions(store, m_book, m_lease, m_orders, config, ids)
    , m_pressure(clock)
    , m_ingress(store, m_book, m_backends, m_pressure, config, clock, ids)
    , m_drafts(config, ids)
    , m_refresh(clock, config.recovery.sessionRetryInterval)
    , m_reach(store, m_book, m_refresh, config, clock, ids, m_drafts)
    , m_adoption(store, m_reach, config)
    , m_runner(store, m_book, m_backends, m_lease, m_reach, m_adoption, m_interactions, m_drafts, config, ids)
    , m_dispatcher(
          store, m_lease, m_runner, m_pressure, config.engine.maxConcurrentDeliveries, config.lockTtl)
    , m_busy(store, m_lease, m_drafts, config)
    , m_outbox(store, m_book, m_backends, m_lease, m_slack, m_pressure, config, clock, ids)
    , m_streams(store)
    , m_sessionIngress(store, m_book, m_pressure, m_streams, config, clock, ids)
    , m_lifecycleIngress(store, config, ids)
    , m_forwarder(store, m_client, m_lease, config, clock)
    , m_webhooks(store, m_client, m_lease, config, clock)
    , m_questions(store, m_book, config, ids)
    , m_disconnector(store, m_backends, m_lease, config)
    , m_interactionIngress(m_book, m_interactions, m_slack, config, clock, ids)
    , m_actions(store, config, ids, m_dispatcher, m_outbox, m_orders)
    , m_commands(store, m_book, m_actions, m_client, config, clock)
    , m_sockets(store, m_book, m_lease, m_ingress, m_commands, m_client, config, clock, ids)
    , m_upkeep(store, m_lease, config, ids)
    , m_scope(u"gateway"_s)
{
    m_store.setLifecycleTargets(LifecycleForwarder::targets(config));
    m_lifecycleIngress.onStored([this] { m_forwarder.wake(); });
    m_ingress.onReady([this] { m_dispatcher.wake(); });
    m_upkeep.onFreed([this] { wakeAll(); });
    m_busy.onOutbound([this] { m_outbox.wake(); });
    m_sessionIngress.onReady([this] { m_dispatcher.wake(); });
    m_outbox.onLogged([this](const QString &session) { m_streams.wake(session); });
    m_ingress.onRevoked([this] { m_disconnector.wake(); });
    m_ingress.onSessionStopped(
        [this](Installation installation, QString place, QString thread, QString user) {
            return m_commands.sessionStopped(std::move(installation), place, thread, user);
        });
    m_book.onToken([this] { m_outbox.wake(); });
    m_runner.onOutbound([this] { m_outbox.wake(); });
    m_reach.onOutbound([this] { m_outbox.wake(); });
    m_runner.onReady([this](Millis in) { m_dispatcher.wakeIn(in); });
    m_orders.handle(u"cancel"_s, [this](store::EngineOrder order) { return cancelTurn(std::move(order)); });
    m_orders.handle(
        u"answer"_s, [this](store::EngineOrder order) { return m_interactions.handOver(std::move(order)); });
    // An answer is told to its webhooks, and may be a message in its session.
    m_interactions.onOutbound([this] { wakeAll(); });
    m_questions.onOutbound([this] { m_outbox.wake(); });
    m_ingress.onAnswered([this] { m_interactions.wake(); });
    connectSlack();
    m_lease.onLapse([this] { return letGo(); }, !m_config.engine.database.startsWith(u"sqlite:"));
    connect(&m_lease, &EngineLease::replaced, this, &Gateway::replaced);
    connect(&m_lease, &EngineLease::revived, this, &Gateway::wakeAll);
}

Gateway::~Gateway() = default;

// What comes from Slack besides events, over HTTP and over sockets alike.
void Gateway::connectSlack()
{
    const auto command = [this](Json payload, Installation installation) {
        return m_commands.interact(std::move(payload), std::move(installation));
    };
    m_interactionIngress.setOther(&SlackCommands::owns, command);
    m_sockets.onInteraction([this](Json payload, Installation installation) {
        return takeAction(std::move(payload), std::move(installation));
    });
    m_commands.setMayStop(
        [](const Installation &installation, const QString &requester, const QString &user) {
            const QString may = domain::answerersFor(installation.answerers, requester);
            return may == u"*" || may.contains(u' ' + user + u' ');
        });
}

QCoro::Task<Status> Gateway::takeAction(Json payload, Installation installation)
{
    const slack::SlackAction action = slack::readAction(payload);
    if (!slack::isPlausible(action))
        co_return Status(); // sending it again would not help
    co_return co_await m_interactionIngress.take(action, std::move(installation));
}

QCoro::Task<Status> Gateway::prepare(store::EngineRegistration registration)
{
    for (const config::BackendConfig &backend : m_config.backends) {
        auto made = runtimes::makeBackend(backend, m_config, m_client, nullptr);
        if (!made)
            co_return fail(made.error().context(u"backend "_s + backend.name));
        if (backend.kind == u"acp")
            connect(made->get(), &runtimes::RuntimeBackend::phaseChanged, this,
                [this, name = backend.name](const QString &phase) { observeAgent(name, phase); });
        m_backends.emplace(backend.name, std::move(*made));
    }
    auto registered = co_await m_lease.begin(std::move(registration));
    if (!registered)
        co_return fail(registered.error().context(u"registering the engine"_s));
    m_registered = std::move(*registered);
    const auto &freed = m_registered;
    if (freed.handedBack + freed.fenced + freed.unknownOutbound > 0) {
        logWarning(lcGateway, "a former life of this engine left work behind",
            {{"run_again", QString::number(freed.handedBack)}, {"looked_for", QString::number(freed.fenced)},
                {"unknown_outbound", QString::number(freed.unknownOutbound)}});
    }
    co_return co_await m_book.load();
}

void Gateway::start()
{
    m_lease.startRenewing();
    m_orders.start();
    m_interactions.start();
    m_dispatcher.start();
    m_busy.start();
    m_outbox.start();
    m_streams.start();
    m_forwarder.start();
    m_webhooks.start();
    m_disconnector.start();
    m_upkeep.start();
    m_sockets.start();
    m_scope.spawn("bot identities", watchTokens());
}

void Gateway::wakeAll()
{
    m_dispatcher.wake();
    m_outbox.wake();
    m_forwarder.wake();
    m_webhooks.wake();
}

QCoro::Task<bool> Gateway::cancelTurn(store::EngineOrder order)
{
    // The fence has risen already: whatever the turn still says is refused.
    m_dispatcher.cancelDelivery(order.subjectId);
    co_return true;
}

// This life is over: its turns are cancelled, and the processes that ran them end, before another one claims.
QCoro::Task<> Gateway::letGo()
{
    co_await m_dispatcher.letGo(m_config.turn.cancelGrace);
    for (auto &[name, backend] : m_backends)
        co_await backend->close(kBackendGrace);
}

// Configured tokens are tried once, and again while they are in trouble or our own user id is not known: it
// is needed to see mentions in plain messages. Until one is known, app_mention events do.
QCoro::Task<> Gateway::watchTokens()
{
    const async::CancelToken token = m_scope.token();
    bool first = true;
    while (!token.isCancelled()) {
        for (const config::InstallationConfig &configured : m_config.installations) {
            if (configured.channel != u"slack" || configured.botToken.isEmpty() || configured.tenant == u"*")
                continue;
            auto installation = co_await m_book.forTenant(configured.tenant, configured.app);
            if (!installation)
                continue;
            const bool wanted = first || installation->row.botUserId.isEmpty() || installation->isRevoked()
                || domain::isTokenTrouble(installation->row.health.trouble);
            if (wanted && installation->botToken == configured.botToken)
                co_await testToken(std::move(*installation), configured.botToken);
        }
        first = false;
        co_await async::delay(kIdentityPause, token);
    }
}

QCoro::Task<> Gateway::testToken(Installation installation, Secret token)
{
    const QString id = installation.row.id;
    const auto user = co_await m_slack.botUserId(token, m_scope.token());
    if (user) {
        co_await m_book.learnBotUser(id, *user);
        co_await m_book.proveToken(id, token, false);
        co_return;
    }
    const QString code = user.error().native();
    if (domain::troubleKind(code) == domain::TroubleKind::Token)
        co_await m_book.note(id, code);
    else if (installation.row.botUserId.isEmpty())
        logWarning(lcGateway, "the bot user of an installation is not known yet",
            {{"installation", id}, {"error", code}});
}

// The runtime of an acp backend is its one agent process (DESIGN.md "Lifecycle": one that died is exited).
void Gateway::observeAgent(const QString &backend, const QString &phase)
{
    if (m_scope.token().isCancelled() || (phase != u"ready" && phase != u"exited"))
        return;
    store::ObservedRuntime seen;
    seen.backend = backend;
    seen.nameSpace = u"local"_s;
    seen.instanceId = backend;
    seen.phase = phase;
    m_scope.spawn("agent phase", noteAgent(std::move(seen)));
}

QCoro::Task<> Gateway::noteAgent(store::ObservedRuntime seen)
{
    const Status noted = co_await m_store.observeRuntime(std::move(seen));
    if (!noted)
        logWarning(lcGateway, "the phase of an agent could not be noted", {{"code", noted.error().native()}});
    m_forwarder.wake();
}

QCoro::Task<> Gateway::stop(Millis grace)
{
    m_scope.cancel();
    co_await m_sockets.stop(kSocketGrace);
    co_await m_upkeep.stop();
    co_await m_busy.stop();
    co_await m_streams.stop();
    co_await m_dispatcher.stop(grace, m_config.turn.cancelGrace);
    co_await m_orders.stop(); // turns that end in the grace hear what people say
    co_await m_outbox.stop(kOutboxGrace);
    co_await m_forwarder.stop(kForwardGrace);
    co_await m_webhooks.stop(kForwardGrace);
    co_await m_disconnector.stop(kForwardGrace);
    co_await m_interactionIngress.stop();
    co_await m_interactions.stop();
    co_await m_commands.stop();
    co_await m_runner.stop();
    co_await m_reach.stop();
    co_await m_refresh.stop();
    co_await m_scope.join(Millis(5000));
    for (auto &[name, backend] : m_backends)
        co_await backend->close(kBackendGrace);
    co_await m_lease.end();
}

} // namespace signalbox::gateway
