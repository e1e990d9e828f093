// SPDX-License-Identifier: Apache-2.0
#include "console/embedded_engine.h"

#include "async/block_on.h"
#include "engine.h"

using namespace Qt::StringLiterals;

namespace signalbox::console {

namespace {

// Runs in the engine's thread. Reports through `done`, which may be called from any thread.
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
}

EmbeddedEngine::~EmbeddedEngine()
{
    // Only when nobody called stop(): the engine dies in its own thread, its work is found again at the next start.
    if (m_thread.isRunning())
        QMetaObject::invokeMethod(m_context, [this] { m_engine.reset(); }, Qt::BlockingQueuedConnection);
    m_thread.quit();
    m_thread.wait();
}

void EmbeddedEngine::start()
{
    m_running = true;
    m_thread.start();
    const auto report = [this](Status status) {
        // Read here: the engine belongs to this thread.
        const QString ingress = status ? m_engine->ingressAddress() : QString();
        const QString reason = status ? QString() : status.error().toString();
        const auto tell = [this, ingress, reason] {
            if (reason.isEmpty()) {
                onEngineStarted(ingress);
            } else {
                m_api.detach(reason);
                Q_EMIT failed(reason);
            }
        };
        QMetaObject::invokeMethod(this, tell, Qt::QueuedConnection);
    };
    const auto begin = [this, report] {
        m_engine = std::make_unique<Engine>(m_config, m_sandbox);
        const auto replaced = [this] {
            const auto tell = [this] { Q_EMIT failed(tr("Another process has taken over this engine.")); };
            QMetaObject::invokeMethod(this, tell, Qt::QueuedConnection);
        };
        QObject::connect(m_engine.get(), &Engine::replaced, m_context, replaced);
        auto starting = startEngine(m_engine.get(), report);
    };
    QMetaObject::invokeMethod(m_context, begin, Qt::QueuedConnection);
}

void EmbeddedEngine::onEngineStarted(const QString &ingressAddress)
{
    if (!m_running)
        return; // stopped while it was starting: the engine may be gone already
    m_api.attach(m_engine->operatorService());
    Q_EMIT started(ingressAddress);
}

void EmbeddedEngine::stop()
{
    if (!m_running) {
        Q_EMIT stopped();
        return;
    }
    m_running = false;
    m_api.detach(tr("The engine was stopped."));
    const auto report = [this] {
        m_engine.reset(); // in its own thread
        const auto tell = [this] {
            m_thread.quit();
            m_thread.wait();
            Q_EMIT stopped();
        };
        QMetaObject::invokeMethod(this, tell, Qt::QueuedConnection);
    };
    const auto end = [this, report] {
        if (!m_engine) {
            report();
            return;
        }
        // The engine must not die inside its own coroutine: the report goes through the queue.
        const auto later = [this, report] { QMetaObject::invokeMethod(m_context, report, Qt::QueuedConnection); };
        auto stopping = stopEngine(m_engine.get(), later);
    };
    QMetaObject::invokeMethod(m_context, end, Qt::QueuedConnection);
}

} // namespace signalbox::console
