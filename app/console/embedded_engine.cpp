// SPDX-License-Identifier: Apache-2.0
#include "console/embedded_engine.h"

#include "engine.h"

using namespace Qt::StringLiterals;

namespace signalbox::console {

namespace {

// Both run in the engine's thread, and so does `done`.
QCoro::Task<> startEngine(Engine *engine, std::function<void(Status)> done)
{
    const Status status = co_await engine->start();
    done(status);
}

QCoro::Task<> stopEngine(Engine *engine, std::function<void()> done)
{
    co_await engine->stop();
    done();
}

} // namespace

EmbeddedEngine::EmbeddedEngine(config::Config config, bool sandbox, admin::LocalOperatorApi &api)
    : m_context(new QObject)
    , m_config(std::move(config))
    , m_sandbox(sandbox)
    , m_api(api)
{
    m_thread.setObjectName(u"engine"_s);
    m_context->moveToThread(&m_thread);
    connect(&m_thread, &QThread::finished, m_context, &QObject::deleteLater);
    connect(&m_thread, &QThread::finished, this, &EmbeddedEngine::onThreadFinished, Qt::QueuedConnection);
}

EmbeddedEngine::~EmbeddedEngine()
{
    if (m_state == State::Idle) {
        delete m_context; // its thread never ran
        return;
    }
    // Every wait of a stop has a deadline, so the thread ends by itself.
    if (m_state == State::Running)
        askToStop();
    m_thread.wait();
}

void EmbeddedEngine::start()
{
    if (m_state != State::Idle)
        return;
    m_state = State::Running;
    m_thread.start();
    QMetaObject::invokeMethod(
        m_context, [this] { beginStart(); }, Qt::QueuedConnection);
}

void EmbeddedEngine::beginStart()
{
    m_engine = std::make_unique<Engine>(m_config, m_sandbox);
    QObject::connect(m_engine.get(), &Engine::replaced, m_context, [this] {
        const auto tell = [this] { Q_EMIT failed(tr("Another process has taken over this engine.")); };
        QMetaObject::invokeMethod(this, tell, Qt::QueuedConnection);
    });
    auto starting = startEngine(m_engine.get(), [this](const Status &status) { onStarted(status); });
}

void EmbeddedEngine::onStarted(const Status &status)
{
    // Read here: the engine belongs to this thread.
    const QString ingress = status ? m_engine->ingressAddress() : QString();
    const QString reason = status ? QString() : status.error().toString();
    const auto tell = [this, ingress, reason] {
        if (reason.isEmpty())
            tellStarted(ingress);
        else
            tellFailed(reason);
    };
    QMetaObject::invokeMethod(this, tell, Qt::QueuedConnection);
}

// What was under way to this thread when stop() was called is not news any more, and the engine may be gone.
void EmbeddedEngine::tellStarted(const QString &ingressAddress)
{
    if (m_state != State::Running)
        return;
    m_api.attach(m_engine->operatorService());
    Q_EMIT started(ingressAddress);
}

void EmbeddedEngine::tellFailed(const QString &message)
{
    if (m_state != State::Running)
        return;
    m_api.detach(message);
    Q_EMIT failed(message);
}

void EmbeddedEngine::stop()
{
    switch (m_state) {
    case State::Idle:
    case State::Stopped:
        Q_EMIT stopped();
        break;
    case State::Running:
        askToStop();
        break;
    case State::Stopping:
        break; // its end is everybody's answer
    }
}

void EmbeddedEngine::askToStop()
{
    m_state = State::Stopping;
    m_api.detach(tr("The engine was stopped."));
    QMetaObject::invokeMethod(
        m_context, [this] { beginStop(); }, Qt::QueuedConnection);
}

void EmbeddedEngine::beginStop()
{
    const auto end = [this] {
        Engine::dispose(std::move(m_engine));
        QThread::currentThread()->quit();
    };
    // The engine must not die inside its own coroutine: its end goes through the queue.
    const auto later = [this, end] { QMetaObject::invokeMethod(m_context, end, Qt::QueuedConnection); };
    auto stopping = stopEngine(m_engine.get(), later);
}

void EmbeddedEngine::onThreadFinished()
{
    m_thread.wait();
    m_state = State::Stopped;
    Q_EMIT stopped();
}

} // namespace signalbox::console
