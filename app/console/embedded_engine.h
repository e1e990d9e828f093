// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/local_operator_api.h"
#include "config/config.h"

#include <QObject>
#include <QThread>

#include <memory>

namespace signalbox {
class Engine;
}

namespace signalbox::console {

// The engine inside the desktop program: in a thread of its own, with the console as its operator. Lives on the UI
// thread, which never waits for it but in the destructor, when there is nothing left to show. Stop order: the console
// is detached, the engine gives running work its grace and hands the rest back, the thread ends.
class EmbeddedEngine : public QObject
{
    Q_OBJECT
public:
    EmbeddedEngine(config::Config config, bool sandbox, admin::LocalOperatorApi &api);
    ~EmbeddedEngine() override;

    void start();
    // Answers with stopped(), also when the engine never started.
    void stop();

Q_SIGNALS:
    void started(const QString &ingressAddress);
    // `message` is for people; the engine does not run.
    void failed(const QString &message);
    void stopped();

private:
    void onEngineStarted(const QString &ingressAddress);
    QThread m_thread;
    QObject *m_context; // lives in the thread
    std::unique_ptr<Engine> m_engine; // made, used and destroyed in the thread
    config::Config m_config;
    bool m_sandbox;
    admin::LocalOperatorApi &m_api;
    bool m_running = false;
};

} // namespace signalbox::console
