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

// The engine inside the desktop program: in a thread of its own, with the console as its operator. Lives on
// the UI thread, which waits for it in the destructor alone, and only when nobody waited for stopped(). Stop
// order: the console is detached, a running start ends, the engine gives running work its grace and hands the
// rest back, it is disposed of in its thread, the thread ends. An engine whose work does not end is kept
// until the process ends (Engine::dispose()).
class EmbeddedEngine : public QObject
{
    Q_OBJECT
public:
    EmbeddedEngine(config::Config config, bool sandbox, admin::LocalOperatorApi &api);
    ~EmbeddedEngine() override;

    // Once.
    void start();
    // At any time and more than once. Answers with stopped(), also when the engine never started.
    void stop();

Q_SIGNALS:
    void started(const QString &ingressAddress);
    // `message` is for people; the engine does not run. stop() is needed all the same.
    void failed(const QString &message);
    void stopped();

private:
    enum class State { Idle, Running, Stopping, Stopped };
    // In the engine's thread.
    void beginStart();
    void beginStop();
    void onStarted(const Status &status);
    // In the UI thread.
    void askToStop();
    void tellStarted(const QString &ingressAddress);
    void tellFailed(const QString &message);
    void onThreadFinished();

    QThread m_thread;
    QObject *m_context; // lives in the thread
    std::unique_ptr<Engine> m_engine; // made, used and disposed of in the thread
    config::Config m_config;
    bool m_sandbox;
    admin::LocalOperatorApi &m_api;
    State m_state = State::Idle;
};

} // namespace signalbox::console
