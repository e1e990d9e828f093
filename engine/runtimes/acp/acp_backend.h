// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/task_scope.h"
#include "runtimes/acp/acp_connection.h"
#include "runtimes/runtime_backend.h"

#include <deque>
#include <memory>
#include <optional>

namespace signalbox::runtimes {

// An agent on this host that speaks ACP on its stdin and stdout (DESIGN.md "ACP agent processes"). One
// process serves every conversation of the backend; it is started by the first open() and again by the next
// one after it ended. A wedged one (see AcpConnection) is replaced: its turns are lost, it is stopped within
// AcpLimits::stopGrace, and the next open() waits for that and starts a new one. Every end that was not asked
// for counts as a crash, this one too. Native codes of open()'s errors: "exited" (ended meanwhile),
// "crash_loop" (five ends in ten minutes: no restart until ten minutes after the first of them), "timeout",
// "unsupported_version", "login_needed", "session_busy", "bad_answer", "closed", "wedged", "not_sent", or the
// number of an error that the agent answered with.
class AcpBackend final : public RuntimeBackend
{
    Q_OBJECT
public:
    // `clock` outlives the backend; without one it is the system's.
    AcpBackend(QString name, AcpCommand command, AcpLimits limits = {}, const Clock *clock = nullptr,
        QObject *parent = nullptr);
    // close() comes first. Without it the process is killed, and what waits in open() or close() ends with
    // "closed".
    ~AcpBackend() override;

    [[nodiscard]] QString name() const override { return m_name; }
    [[nodiscard]] QString kind() const override;
    [[nodiscard]] bool sessionsPerThread() const override { return true; }
    [[nodiscard]] QString renderPrompt(
        const domain::PromptContext &context, const QString &text) const override;
    [[nodiscard]] bool unescapesText() const override { return true; }

    // An agent has no registry: nothing is bound, and nothing can fail.
    [[nodiscard]] QCoro::Task<Result<Binding>> bind(BindRequest request, async::CancelToken cancel) override;
    [[nodiscard]] QCoro::Task<Result<std::shared_ptr<Turn>>> open(
        Binding binding, OpenRequest request, async::CancelToken cancel) override;
    // Open turns end as Lost. A later open() starts the agent again.
    [[nodiscard]] QCoro::Task<> close(Millis grace) override;

    [[nodiscard]] qint64 processId() const; // 0: none
    // The last 64 KiB of the agent's stderr, of the last one when none runs: only for who may reveal.
    [[nodiscard]] QByteArray errorOutput() const;

Q_SIGNALS:
    void startSettled();

private:
    using Connected = Result<std::shared_ptr<AcpConnection>>;
    [[nodiscard]] QCoro::Task<Connected> connection(async::CancelToken cancel);
    [[nodiscard]] QCoro::Task<> startAgent();
    [[nodiscard]] QCoro::Task<> stopWedged(std::shared_ptr<AcpConnection> connection);
    void onStarted(const std::shared_ptr<AcpConnection> &started, const Status &status);
    void onEnded(const AcpConnection *ended);
    void onWedged(const AcpConnection *wedged);
    void noteCrash();
    [[nodiscard]] std::optional<Error> refusal();

    QString m_name;
    AcpCommand m_command;
    AcpLimits m_limits;
    SystemClock m_systemClock;
    const Clock *m_clock;
    std::shared_ptr<AcpConnection> m_connection;
    std::shared_ptr<AcpConnection> m_wedged; // while it is being stopped
    QByteArray m_lastErrorOutput;
    bool m_isReady = false;
    bool m_isStarting = false;
    bool m_isClosing = false;
    quint64 m_attempt = 0;
    std::optional<Error> m_startError;
    std::deque<Millis> m_crashes; // times since boot
    std::unique_ptr<async::TaskScope> m_scope;
};

} // namespace signalbox::runtimes
