// SPDX-License-Identifier: Apache-2.0
#include "runtimes/acp/acp_backend.h"

#include "async/wait.h"
#include "base/log.h"
#include "runtimes/acp/acp_turn.h"

#include <QPointer>

using namespace Qt::StringLiterals;

namespace signalbox::runtimes {

namespace {
Q_LOGGING_CATEGORY(lcAcp, "signalbox.engine.runtimes")

// A connection is dropped from inside its own signals.
std::shared_ptr<AcpConnection> makeConnection(const AcpCommand &command, const AcpLimits &limits)
{
    return {new AcpConnection(command, limits), [](AcpConnection *connection) { connection->deleteLater(); }};
}

Error closedError()
{
    return {ErrorCode::Unavailable, u"the agent was stopped"_s, u"closed"_s};
}

Error exitedError(const QString &message)
{
    return {ErrorCode::Unavailable, message, u"exited"_s};
}
} // namespace

AcpBackend::AcpBackend(
    QString name, AcpCommand command, AcpLimits limits, const Clock *clock, QObject *parent)
    : RuntimeBackend(parent)
    , m_name(std::move(name))
    , m_command(std::move(command))
    , m_limits(limits)
    , m_clock(clock != nullptr ? clock : &m_systemClock)
    , m_scope(std::make_unique<async::TaskScope>(u"acp"_s))
{
}

AcpBackend::~AcpBackend()
{
    m_scope->cancel();
    for (const std::shared_ptr<AcpConnection> &connection : {m_connection, m_wedged}) {
        if (connection) {
            connection->disconnect(this);
            connection->process().kill();
        }
    }
}

QString AcpBackend::kind() const
{
    return u"acp"_s;
}

QString AcpBackend::renderPrompt(const domain::PromptContext &context, const QString &text) const
{
    return domain::acpPrompt(context, text);
}

QCoro::Task<Result<Binding>> AcpBackend::bind(BindRequest, async::CancelToken)
{
    co_return Binding();
}

QCoro::Task<Result<std::shared_ptr<Turn>>> AcpBackend::open(
    Binding, OpenRequest request, async::CancelToken cancel)
{
    const Connected agent = co_await connection(cancel);
    if (!agent) {
        co_return fail(agent.error());
    }
    const std::shared_ptr<AcpConnection> held = *agent;
    const Result<AcpConnection::Opened> opened = co_await held->openSession(request.agentSession, cancel);
    if (!opened) {
        co_return fail(opened.error());
    }
    co_return std::static_pointer_cast<Turn>(std::make_shared<AcpTurn>(held, *opened));
}

// The backend may be destroyed at each co_await, whatever ended the wait: nothing of it is touched before a
// look.
QCoro::Task<AcpBackend::Connected> AcpBackend::connection(async::CancelToken cancel)
{
    const QPointer<AcpBackend> self(this);
    for (;;) {
        if (!self || m_isClosing) {
            co_return fail(closedError());
        }
        if (cancel.isCancelled()) {
            co_return fail(Error(ErrorCode::Cancelled, u"cancelled while the agent started"_s));
        }
        if (m_isReady && m_connection) {
            const std::shared_ptr<AcpConnection> copy
                = m_connection; // QCoro 0.8 moves out of what co_return names
            co_return copy;
        }
        if (!m_isStarting && !m_wedged) {
            if (const std::optional<Error> refused = refusal()) {
                co_return fail(*refused);
            }
            m_isStarting = true;
            ++m_attempt;
            m_scope->spawn("acp.start", startAgent());
        }
        // startAgent() and stopWedged() answer from the event loop, so there is always something to wait for
        // here.
        const quint64 attempt = m_attempt;
        const Millis patience = m_limits.initializeTimeout + m_limits.stopGrace + Millis(10'000);
        const async::Wake wake
            = co_await async::waitSignal(this, &AcpBackend::startSettled, patience, cancel);
        if (wake == async::Wake::TimedOut) {
            co_return fail(
                Error(ErrorCode::DeadlineExceeded, u"the agent did not start in time"_s, u"timeout"_s));
        }
        if (self && wake == async::Wake::Fired && m_attempt == attempt && m_startError) {
            co_return fail(*m_startError);
        }
    }
}

QCoro::Task<> AcpBackend::startAgent()
{
    const QPointer<AcpBackend> self(this);
    m_startError.reset();
    m_connection = makeConnection(m_command, m_limits);
    const std::shared_ptr<AcpConnection> started = m_connection;
    connect(started.get(), &AcpConnection::ended, this,
        [this, raw = started.get()](const QString &) { onEnded(raw); });
    connect(started.get(), &AcpConnection::wedged, this, [this, raw = started.get()] { onWedged(raw); });
    connect(
        started.get(), &AcpConnection::loginNeeded, this, [this] { Q_EMIT phaseChanged(u"login_needed"_s); });
    Q_EMIT phaseChanged(u"starting"_s);
    const Status status = co_await started->initialize(m_scope->token());
    if (self) {
        onStarted(started, status);
    }
    if (!self || m_connection != started) {
        co_await started->stop(Millis(2000), closedError());
    }
}

void AcpBackend::onStarted(const std::shared_ptr<AcpConnection> &started, const Status &status)
{
    m_isStarting = false;
    if (status && started == m_connection) {
        m_isReady = true;
        logInfo(lcAcp, "agent ready", {{"backend", m_name}, {"pid", QString::number(processId())}});
        Q_EMIT phaseChanged(u"ready"_s);
        Q_EMIT startSettled();
        return;
    }
    const Error error = status ? exitedError(u"the agent ended as soon as it had started"_s) : status.error();
    m_startError = error;
    const bool died = started != m_connection; // counted when it ended
    if (!died) {
        m_lastErrorOutput = started->process().errorOutput();
        m_connection.reset();
    }
    if (!died && error.code() != ErrorCode::Cancelled && error.native() != u"login_needed") {
        noteCrash();
    }
    Q_EMIT startSettled();
}

void AcpBackend::onEnded(const AcpConnection *ended)
{
    if (m_connection.get() != ended) {
        return;
    }
    m_lastErrorOutput = m_connection->process().errorOutput();
    m_connection.reset();
    m_isReady = false;
    noteCrash();
}

void AcpBackend::onWedged(const AcpConnection *wedged)
{
    if (m_connection.get() != wedged || !m_isReady) {
        return;
    }
    logWarning(lcAcp, "agent wedged", {{"backend", m_name}, {"pid", QString::number(processId())}});
    m_wedged = std::exchange(m_connection, nullptr);
    m_isReady = false;
    m_scope->spawn("acp.stop", stopWedged(m_wedged));
    noteCrash();
}

QCoro::Task<> AcpBackend::stopWedged(std::shared_ptr<AcpConnection> connection)
{
    const QPointer<AcpBackend> self(this);
    const Error reason(
        ErrorCode::Unavailable, u"the agent said nothing any more and is replaced"_s, u"wedged"_s);
    co_await connection->stop(m_limits.stopGrace, reason);
    if (self) {
        m_lastErrorOutput = connection->process().errorOutput();
        m_wedged.reset();
        Q_EMIT startSettled();
    }
}

void AcpBackend::noteCrash()
{
    m_crashes.push_back(m_clock->boot());
    logWarning(
        lcAcp, "agent down", {{"backend", m_name}, {"recent_crashes", QString::number(m_crashes.size())}});
    Q_EMIT phaseChanged(u"exited"_s);
}

// Why the agent may not be started now.
std::optional<Error> AcpBackend::refusal()
{
    const Millis now = m_clock->boot();
    while (!m_crashes.empty() && m_crashes.front() + m_limits.crashWindow <= now) {
        m_crashes.pop_front();
    }
    if (m_crashes.size() >= size_t(m_limits.crashes)) {
        const Millis wait = m_crashes.front() + m_limits.crashWindow - now;
        return Error(ErrorCode::Unavailable, u"the agent ended too often and is not restarted for now"_s,
            u"crash_loop"_s)
            .withRetryAfter(wait);
    }
    return std::nullopt;
}

QCoro::Task<> AcpBackend::close(Millis grace)
{
    const QPointer<AcpBackend> self(this);
    m_isClosing = true;
    m_scope->cancel();
    m_isReady = false;
    if (m_wedged) {
        m_wedged->process().kill(); // it has had its chance
    }
    if (const std::shared_ptr<AcpConnection> held = std::exchange(m_connection, nullptr)) {
        co_await held->stop(grace, closedError());
        if (!self) {
            co_return;
        }
        m_lastErrorOutput = held->process().errorOutput();
    }
    co_await m_scope->join(grace + Millis(10'000));
    if (!self) {
        co_return;
    }
    m_scope = std::make_unique<async::TaskScope>(u"acp"_s);
    m_isClosing = false;
}

qint64 AcpBackend::processId() const
{
    return m_connection ? m_connection->process().processId() : 0;
}

QByteArray AcpBackend::errorOutput() const
{
    return m_connection ? m_connection->process().errorOutput() : m_lastErrorOutput;
}

} // namespace signalbox::runtimes
