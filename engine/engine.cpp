// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include "async/keep_until_exit.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "config/render.h"
#include "store/session.h"

#include <QCoreApplication>
#include <QFile>
#include <QFileInfo>
#include <QPointer>
#include <QSaveFile>
#include <QSysInfo>

#include <sys/file.h>

using namespace Qt::StringLiterals;

namespace signalbox {

namespace {
Q_LOGGING_CATEGORY(lcEngine, "signalbox.engine")
constexpr Millis kServerGrace{2000};
// Slack has given up after three seconds; what is stored later is recognised when it comes again.
constexpr Millis kIngressHandlerTimeout{10'000};
// An eighth of the whole. Slack comes from many addresses; a reverse proxy on another host comes from one,
// and has a request in each of these only when more than five hundred wait for their commit at once.
constexpr int kIngressConnectionsPerPeer = 512;
constexpr int kAdminConnections = 2048; // a thousand of them may be streams

Error needed(const QString &what, const Error &error)
{
    return Error(error.code() == ErrorCode::Conflict ? ErrorCode::Conflict : ErrorCode::Unavailable,
        error.toString(), what);
}

Status stoppedMeanwhile()
{
    return fail(Error(ErrorCode::Cancelled, u"the engine was stopped while it started"_s, u"stopping"_s));
}

QString shown(const std::unique_ptr<http::Server> &server)
{
    if (!server || server->port() == 0)
        return u"-"_s;
    const QHostAddress address = server->address();
    const QString host = address.protocol() == QAbstractSocket::IPv6Protocol
        ? u'[' + address.toString() + u']'
        : address.toString();
    return host + u':' + QString::number(server->port());
}

} // namespace

Engine::Engine(config::Config config, bool sandbox)
    : m_config(std::move(config))
    , m_sandbox(sandbox)
    , m_ids(m_clock)
{
}

Engine::~Engine() = default;

Status Engine::prepareDataDir()
{
    const QDir dir(m_config.engine.dataDir);
    if (!dir.mkpath(u"."_s))
        return fail(Error(ErrorCode::Unavailable, u"the data folder cannot be made"_s, u"data_dir"_s));
    QFile::setPermissions(dir.path(), QFile::ReadOwner | QFile::WriteOwner | QFile::ExeOwner);
    if (auto locked = lock(m_lockFile, dir.filePath(u"engine.lock"_s), u"this data folder"_s); !locked)
        return locked;
    if (auto named = nameEngine(dir); !named)
        return named;
    if (auto locked = lockSqliteFile(); !locked)
        return locked;
    signLocks();
    return {};
}

// The id is made once and kept.
Status Engine::nameEngine(const QDir &dir)
{
    if (!m_config.engine.id.isEmpty())
        return {};
    QFile file(dir.filePath(u"engine-id"_s));
    if (file.open(QIODevice::ReadOnly)) {
        m_config.engine.id = QString::fromUtf8(file.readAll()).trimmed();
        if (!m_config.engine.id.isEmpty())
            return {};
    }
    m_config.engine.id = u"engine-"_s + QString::fromLatin1(m_ids.randomBytes(6).toHex());
    QSaveFile made(file.fileName());
    if (!made.open(QIODevice::WriteOnly) || made.write(m_config.engine.id.toUtf8() + '\n') < 0
        || !made.commit())
        return fail(Error(
            ErrorCode::Unavailable, u"the engine's id cannot be kept in the data folder"_s, u"data_dir"_s));
    return {};
}

// A second process on the same data folder would have the same id and take this one's work away; one on the
// same SQLite file would free it (SQLite is for one engine). The kernel drops the lock with the process,
// however it ends, and it needs no process ids, which mean nothing across containers: they are for people.
Status Engine::lock(QFile &file, const QString &path, const QString &what)
{
    file.setFileName(path);
    if (!file.open(QIODevice::ReadWrite))
        return fail(Error(ErrorCode::Unavailable, u"%1 cannot be written to"_s.arg(what), u"data_dir"_s));
    if (::flock(file.handle(), LOCK_EX | LOCK_NB) == 0)
        return {};
    const QStringList holder = QString::fromUtf8(file.readAll()).trimmed().split(u' ');
    file.close();
    const QString named = holder.size() == 2 ? u" (%1, process %2)"_s.arg(holder[1], holder[0]) : QString();
    return fail(Error(ErrorCode::Conflict, u"another engine%1 uses %2"_s.arg(named, what), u"data_dir"_s));
}

// Who holds them, for the message above.
void Engine::signLocks()
{
    for (QFile *file : {&m_lockFile, &m_databaseLock}) {
        if (!file->isOpen())
            continue;
        file->resize(0);
        file->write(QByteArray::number(QCoreApplication::applicationPid()) + ' ' + m_config.engine.id.toUtf8()
            + '\n');
        file->flush();
    }
}

Status Engine::lockSqliteFile()
{
    const auto target = store::DatabaseTarget::parse(m_config.engine.database, m_config.engine.dataDir);
    if (!target || target->dialect != store::Dialect::Sqlite)
        return {}; // a wrong URL is told when it is opened
    // The same file by any of its names. Before it is made, its folder's.
    const QFileInfo info(target->path);
    const QString folder = QFileInfo(info.path()).canonicalFilePath();
    const QString path = info.exists() ? info.canonicalFilePath() : folder + u'/' + info.fileName();
    return lock(m_databaseLock, path + u".lock"_s, u"this database file"_s);
}

// One that is configured is shared with others, so it must be there.
Result<Sealer> Engine::loadKey() const
{
    const QString &configured = m_config.engine.secretKeyFile;
    const bool own = configured.isEmpty();
    return Sealer::withKeyFile(
        own ? QDir(m_config.engine.dataDir).filePath(u"secret.key"_s) : configured, own);
}

Status Engine::openDatabase()
{
    store::StoreOptions options;
    options.database = m_config.engine.database;
    options.password = QString::fromUtf8(m_config.engine.databasePassword.reveal());
    options.dataDir = m_config.engine.dataDir;
    options.pool = m_config.engine.databasePool;
    options.maxQueuedIngest = m_config.engine.maxQueuedIngest;
    auto opened = store::openStore(options, m_clock, this);
    if (!opened)
        return fail(needed(u"database"_s, opened.error()));
    m_store = std::move(*opened);
    return {};
}

store::EngineRegistration Engine::registration() const
{
    store::EngineRegistration registration;
    registration.id = m_config.engine.id;
    registration.token
        = QString::number(QCoreApplication::applicationPid()) + u'-' + QString::number(toMs(m_clock.now()));
    registration.host = QSysInfo::machineHostName();
    registration.pid = QCoreApplication::applicationPid();
    registration.version = QStringLiteral(SIGNALBOX_VERSION);
    registration.configHash = config::configHash(m_config);
    return registration;
}

QCoro::Task<Status> Engine::start()
{
    if (m_stopping)
        co_return stoppedMeanwhile();
    m_starting = true;
    m_joined = false;
    const Status started = co_await startParts();
    m_starting = false;
    Q_EMIT startEnded();
    co_return started;
}

// After each await a stop() may have been called. It waits for the end of this, and then unwinds what there
// is.
QCoro::Task<Status> Engine::startParts()
{
    m_startedAt = m_clock.now();
    if (auto ready = prepareDataDir(); !ready)
        co_return ready;
    const auto sealer = loadKey();
    if (!sealer)
        co_return fail(sealer.error());
    if (auto opened = openDatabase(); !opened)
        co_return opened;
    m_gateway = std::make_unique<gateway::Gateway>(*m_store, m_config, m_clock, m_ids, *sealer);
    connect(m_gateway.get(), &gateway::Gateway::replaced, this, &Engine::replaced);
    store::EngineRegistration mine = registration();
    const Status prepared = co_await m_gateway->prepare(std::move(mine));
    if (m_stopping)
        co_return stoppedMeanwhile();
    if (!prepared)
        co_return fail(needed(u"gateway"_s, prepared.error()));
    const auto vitals = [this](domain::EngineStatus &status) { fillVitals(status); };
    m_service = std::make_unique<admin::OperatorService>(*m_store, m_clock, vitals);
    m_service->setActor(actor());
    if (auto token = makeAdminToken(); !token)
        co_return token;
    m_adminRoutes = std::make_unique<admin::AdminRoutes>(*m_service, m_config.admin.tokens);
    if (auto listening = listenAll(); !listening)
        co_return listening;
    if (auto written = writeAdminFile(); !written)
        co_return written;
    m_service->start();
    m_gateway->start();
    m_started = true;
    logInfo(lcEngine, "engine started",
        {{"engine", m_config.engine.id},
            {"incarnation", QString::number(m_gateway->lease().life().incarnation)},
            {"database", m_store->databaseKind()}, {"ingress", ingressAddress()}, {"admin", adminAddress()}});
    co_return Status();
}

admin::OperatorService::Actor Engine::actor()
{
    admin::OperatorService::Actor actor;
    actor.act
        = [this](domain::ActionRequest request) { return m_gateway->actions().act(std::move(request)); };
    actor.backends = [this] { return m_gateway->actions().backends(); };
    return actor;
}

Result<std::unique_ptr<http::Server>> Engine::listen(
    const QString &address, http::Router router, const http::Limits &limits)
{
    auto server = std::make_unique<http::Server>(std::move(router), limits);
    const qsizetype colon = address.lastIndexOf(u':');
    QString host = address.left(colon);
    if (host.startsWith(u'['))
        host = host.mid(1, host.size() - 2);
    const QHostAddress at = host == u"localhost" ? QHostAddress(QHostAddress::LocalHost) : QHostAddress(host);
    const auto listening = server->listen(at, static_cast<quint16>(address.mid(colon + 1).toUInt()));
    if (!listening)
        return fail(needed(u"listener"_s, listening.error().context(u"listening on "_s + address)));
    return server;
}

Status Engine::listenAll()
{
    if (!m_config.ingress.listen.isEmpty()) {
        http::Router router;
        m_gateway->addIngressRoutes(router);
        router.add("GET", u"/healthz"_s, [](http::Request, http::Context) -> QCoro::Task<http::Response> {
            co_return http::Response::text(200, "ok");
        });
        http::Limits limits;
        limits.maxBodyBytes = m_config.ingress.maxBodyBytes;
        limits.handlerTimeout = kIngressHandlerTimeout;
        limits.maxConnectionsPerPeer = kIngressConnectionsPerPeer;
        auto server = listen(m_config.ingress.listen, std::move(router), limits);
        if (!server)
            return fail(server.error());
        m_ingress = std::move(*server);
    }
    if (!m_config.admin.listen.isEmpty()) {
        http::Router router;
        m_adminRoutes->addRoutes(router);
        http::Limits limits;
        limits.maxConnections = kAdminConnections;
        auto server = listen(m_config.admin.listen, std::move(router), limits);
        if (!server)
            return fail(server.error());
        m_admin = std::move(*server);
    }
    return {};
}

// Without configured tokens the engine makes one admin token, found by the command line in
// {data_dir}/admin.json (DESIGN.md "Security and privacy").
Status Engine::makeAdminToken()
{
    if (m_config.admin.listen.isEmpty() || !m_config.admin.tokens.isEmpty())
        return {};
    m_adminToken = m_ids.randomBytes(32).toHex();
    config::TokenConfig token;
    token.name = u"local"_s;
    token.role = u"admin"_s;
    token.sha256 = sha256(m_adminToken);
    token.installations = QStringList{u"*"_s};
    token.may = QStringList{u"reveal"_s, u"edit"_s};
    m_config.admin.tokens << token;
    return {};
}

Status Engine::writeAdminFile()
{
    if (m_adminToken.isEmpty())
        return {};
    QSaveFile file(QDir(m_config.engine.dataDir).filePath(u"admin.json"_s));
    const Json json = Json::object(
        {{u"url"_s, u"http://"_s + adminAddress()}, {u"token"_s, QString::fromLatin1(m_adminToken)}});
    const bool written = file.open(QIODevice::WriteOnly)
        && file.setPermissions(QFile::ReadOwner | QFile::WriteOwner) && file.write(json.toBytes() + '\n') > 0
        && file.commit();
    if (!written)
        return fail(Error(ErrorCode::Unavailable, u"admin.json cannot be written"_s, u"data_dir"_s));
    return {};
}

QCoro::Task<bool> Engine::stop()
{
    if (std::exchange(m_stopping, true)) {
        const QPointer<Engine> self(this);
        if (!m_stopped)
            co_await async::waitSignal(this, &Engine::stopEnded, async::kNoDeadline);
        co_return self && self->m_joined;
    }
    if (m_starting)
        co_await async::waitSignal(this, &Engine::startEnded, async::kNoDeadline);
    co_await stopParts();
    // The one place where a join that failed somewhere below is acted upon.
    const QStringList left = async::TaskScope::unjoined();
    if (left.isEmpty())
        logInfo(lcEngine, "engine stopped", {{"engine", m_config.engine.id}});
    else
        logCritical(
            lcEngine, "work did not end in time; what it uses is kept", {{"scopes", left.join(u", "_s)}});
    const bool joined = left.isEmpty();
    m_joined = joined;
    m_stopped = true;
    Q_EMIT stopEnded();
    co_return joined;
}

QCoro::Task<> Engine::stopParts()
{
    if (m_ingress)
        co_await m_ingress->close(kServerGrace);
    if (m_gateway)
        co_await m_gateway->stop(m_config.engine.shutdownGrace);
    if (m_admin)
        co_await m_admin->close(kServerGrace);
    if (m_adminRoutes)
        co_await m_adminRoutes->stop();
    if (m_service)
        co_await m_service->stop();
    if (m_store)
        m_store->close();
    // What the store had finished reaches its awaiters; what they ask for now is refused at once.
    co_await async::nextTurn();
}

void Engine::dispose(std::unique_ptr<Engine> engine)
{
    if (!engine || engine->m_joined)
        return;
    if (engine->m_store)
        engine->m_store->close(); // its threads must not outlive main()
    async::keepUntilExit(std::move(engine));
}

QString Engine::ingressAddress() const
{
    return shown(m_ingress);
}

QString Engine::adminAddress() const
{
    return shown(m_admin);
}

void Engine::fillVitals(domain::EngineStatus &status) const
{
    const store::EngineLife &life = m_gateway->lease().life();
    status.engineId = life.id;
    status.incarnation = life.incarnation;
    status.clusterId = m_gateway->registered().clusterId;
    status.version = QStringLiteral(SIGNALBOX_VERSION);
    status.ingress = ingressAddress();
    status.admin = adminAddress();
    status.sandbox = m_sandbox;
    status.startedAt = m_startedAt;
    status.inFlight = m_gateway->inFlight();
    status.ingestQueueLimit = m_config.engine.maxQueuedIngest;
    if (m_stopping)
        status.reasons << u"the engine is stopping"_s;
    else if (!m_started)
        status.reasons << u"the engine is starting"_s;
    if (m_gateway->lease().isLapsed())
        status.reasons << u"the engine's lease has lapsed"_s;
    if (!m_config.ingress.listen.isEmpty() && (!m_ingress || m_ingress->port() == 0))
        status.reasons << u"the ingress listener is closed"_s;
    status.ready = status.reasons.isEmpty();
}

} // namespace signalbox
