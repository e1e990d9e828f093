// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/admin_routes.h"
#include "admin/operator_service.h"
#include "base/ids.h"
#include "config/config.h"
#include "gateway/gateway.h"
#include "http/server.h"
#include "store/store.h"

#include <QDir>
#include <QFile>
#include <QObject>

#include <memory>

namespace signalbox {

// The engine, composed. Lives on one thread: the main thread of signalboxd, a thread of its own in the
// console. Start order: data folder, database, registration, gateway, listeners. Stop order: a running start
// ends, ingress stops accepting, the gateway gives running work its grace and hands the rest back, admin
// closes, the operator's service ends, the store finishes what is queued.
class Engine : public QObject
{
    Q_OBJECT
public:
    // `sandbox` is only shown.
    explicit Engine(config::Config config, bool sandbox = false);
    ~Engine() override;

    // Once. Unavailable with native "database" or "listener" when something needed is not to be had,
    // InvalidInput with native "secret_key" for a key file that cannot be used, Cancelled when stop() was
    // called meanwhile; stop() is needed in either case.
    [[nodiscard]] QCoro::Task<Status> start();
    // At any time and more than once; every call answers when the engine has stopped. False: some work did
    // not end within its deadline, which is logged as critical, and still uses the engine. See dispose().
    [[nodiscard]] QCoro::Task<bool> stop();
    // The way to destroy an engine, on its thread: one that was started and not stopped, or whose work did
    // not end, closes its store and is kept until the process ends.
    static void dispose(std::unique_ptr<Engine> engine);

    // "host:port", or "-" for a listener that is off.
    [[nodiscard]] QString ingressAddress() const;
    [[nodiscard]] QString adminAddress() const;
    [[nodiscard]] admin::OperatorService *operatorService() const { return m_service.get(); }
    [[nodiscard]] const config::Config &config() const { return m_config; }

Q_SIGNALS:
    // Another life of this engine has begun: the process must end.
    void replaced();
    void startEnded();
    void stopEnded();

private:
    [[nodiscard]] QCoro::Task<Status> startParts();
    [[nodiscard]] QCoro::Task<> stopParts();
    [[nodiscard]] Status prepareDataDir();
    [[nodiscard]] Status nameEngine(const QDir &dir);
    [[nodiscard]] static Status lock(QFile &file, const QString &path, const QString &what);
    void signLocks();
    [[nodiscard]] Status lockSqliteFile();
    [[nodiscard]] Result<Sealer> loadKey() const;
    [[nodiscard]] Status openDatabase();
    [[nodiscard]] Result<std::unique_ptr<http::Server>> listen(
        const QString &address, http::Router router, const http::Limits &limits);
    [[nodiscard]] Status listenAll();
    [[nodiscard]] Status makeAdminToken();
    [[nodiscard]] Status writeAdminFile();
    void fillVitals(domain::EngineStatus &status) const;
    [[nodiscard]] store::EngineRegistration registration() const;
    [[nodiscard]] admin::OperatorService::Actor actor();

    config::Config m_config;
    bool m_sandbox;
    SystemClock m_clock;
    SystemIdGenerator m_ids;
    Instant m_startedAt;
    QFile m_lockFile; // of the data folder; held while the engine lives
    QFile m_databaseLock; // of a SQLite file
    QByteArray m_adminToken; // made here, when none is configured
    std::unique_ptr<store::Store> m_store;
    std::unique_ptr<gateway::Gateway> m_gateway;
    std::unique_ptr<admin::OperatorService> m_service;
    std::unique_ptr<admin::AdminRoutes> m_adminRoutes;
    std::unique_ptr<http::Server> m_ingress;
    std::unique_ptr<http::Server> m_admin;
    bool m_starting = false;
    bool m_started = false;
    bool m_stopping = false;
    bool m_stopped = false;
    bool m_joined = true; // nothing of it runs
};

} // namespace signalbox
