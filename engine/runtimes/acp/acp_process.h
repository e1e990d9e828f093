// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/wait.h"

#include <QMap>
#include <QObject>
#include <QProcess>
#include <QStringList>

#include <functional>

namespace signalbox::runtimes {

struct AcpCommand
{
    AcpCommand() = default;
    QStringList command; // the program and its arguments
    QString workingDirectory; // absolute; empty: the engine's
    QMap<QString, QString> environment; // added to the engine's own
};

// An agent process that speaks one JSON-RPC message per line on its stdin and stdout (contracts/acp.md §1). It leads a
// process group of its own. It is killed when the thread that started it ends (PR_SET_PDEATHSIG is bound to that
// thread), so start() belongs on the engine thread. Run once: a new start is a new object.
class AcpProcess : public QObject
{
    Q_OBJECT
public:
    static constexpr qsizetype kMaxFrame = 32 * 1024 * 1024; // bytes of one message
    static constexpr qint64 kMaxUnwritten = 16 * 1024 * 1024; // bytes that wait for an agent that does not read
    static constexpr qsizetype kMaxErrorOutput = 64 * 1024; // bytes of stderr that are kept

    explicit AcpProcess(AcpCommand command, QObject *parent = nullptr);
    // Kills the group when it still runs.
    ~AcpProcess() override;

    // Called for each line with something in it, without its line end. The bytes are only lent. Must not destroy the
    // process.
    void setFrameHandler(std::function<void(QByteArray)> handler) { m_onFrame = std::move(handler); }
    // Returns at once; a program that cannot be started is reported by ended().
    void start();
    [[nodiscard]] bool isRunning() const { return m_process.state() != QProcess::NotRunning; }
    [[nodiscard]] qint64 processId() const { return m_pid; }

    // Adds the line end. False: not running, or it has not read enough of what it has been sent.
    [[nodiscard]] bool write(const QByteArray &frame);
    // Closes stdin and gives it half of the grace (at most 2 s), then SIGTERM for the rest, then SIGKILL of the group.
    [[nodiscard]] QCoro::Task<> stop(Millis grace);
    void kill();

    // The last 64 KiB of stderr: may hold what people wrote, so never for logs.
    [[nodiscard]] QByteArray errorOutput() const { return m_errorOutput; }

Q_SIGNALS:
    // Once. "not_started", "exited", "crashed", "frame_too_long".
    void ended(const QString &reason);

private:
    void readFrames();
    void emitFrame(QByteArrayView line);
    void readErrors();
    void end(const QString &reason);
    void signalGroup(int signalNumber) const;

    AcpCommand m_command;
    QProcess m_process;
    std::function<void(QByteArray)> m_onFrame;
    qint64 m_pid = 0;
    QByteArray m_buffer;
    QByteArray m_errorOutput;
    bool m_tooLong = false;
    bool m_ended = false;
};

} // namespace signalbox::runtimes
