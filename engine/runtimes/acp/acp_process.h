// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/wait.h"

#include <QMap>
#include <QObject>
#include <QProcess>
#include <QProcessEnvironment>
#include <QStringList>

#include <functional>

namespace signalbox::runtimes {

struct AcpCommand
{
    AcpCommand() = default;
    QStringList command; // the program and its arguments
    QString workingDirectory; // absolute; empty: the engine's
    QMap<QString, QString> environment; // added to agentEnvironment(), and wins over it
};

// What an agent gets of the engine's own environment: where things are (PATH, HOME, USER, LOGNAME, SHELL,
// TMPDIR, XDG_*), how to write (LANG, LANGUAGE, LC_*, TZ, TERM) and how to reach the outside (SSL_CERT_FILE,
// SSL_CERT_DIR, NODE_EXTRA_CA_CERTS; http_proxy, https_proxy, no_proxy in both cases). Everything else, the
// secrets above all that
// *_env keys of the configuration name, stays with the engine: what an agent needs is given to it by name in
// `environment`. The program itself is looked up in the engine's PATH.
[[nodiscard]] QProcessEnvironment agentEnvironment(
    const QProcessEnvironment &engine, const QMap<QString, QString> &added);

// An agent process that speaks one JSON-RPC message per line on its stdin and stdout (contracts/acp.md §1).
// Run once: a new start is a new object.
//
// It leads a process group of its own, and when it ends, for whatever reason, the rest of its group is
// killed. It is killed itself when the thread that started it ends (PR_SET_PDEATHSIG is bound to that
// thread), so start() belongs on the engine thread. Two kinds of its children escape: those that left the
// group (setsid), and those of an engine that was itself killed by SIGKILL, because the kernel then kills the
// agent alone and nobody is left to kill its group. A service manager that ends whole control groups takes
// these too.
class AcpProcess : public QObject
{
    Q_OBJECT
public:
    static constexpr qsizetype kMaxFrame = 32 * 1024 * 1024; // bytes of one message
    static constexpr qint64 kMaxUnwritten
        = 8 * 1024 * 1024; // bytes that wait for an agent that does not read
    static constexpr qsizetype kMaxErrorOutput = 64 * 1024; // bytes of stderr that are kept

    explicit AcpProcess(AcpCommand command, QObject *parent = nullptr);
    // Kills the group when it still runs.
    ~AcpProcess() override;

    // Called for each line with something in it, without its line end. The bytes are only lent. Must not
    // destroy the process.
    void setFrameHandler(std::function<void(QByteArray)> handler) { m_onFrame = std::move(handler); }
    // Returns at once; a program that cannot be started is reported by ended().
    void start();
    [[nodiscard]] bool isRunning() const { return m_process.state() != QProcess::NotRunning; }
    [[nodiscard]] qint64 processId() const { return m_pid; }

    // Adds the line end. False: not running. An agent that has left more than kMaxUnwritten unread is killed
    // then, and ended() says "not_reading".
    [[nodiscard]] bool write(const QByteArray &frame);
    // Closes stdin and gives it half of the grace (at most 2 s), then SIGTERM for the rest, then SIGKILL of
    // the group.
    [[nodiscard]] QCoro::Task<> stop(Millis grace);
    void kill();

    // The last 64 KiB of stderr: may hold what people wrote, so never for logs.
    [[nodiscard]] QByteArray errorOutput() const { return m_errorOutput; }

Q_SIGNALS:
    // Once. "not_started", "exited", "crashed", "frame_too_long", "not_reading".
    void ended(const QString &reason);

private:
    void readFrames();
    void emitFrame(QByteArrayView line);
    void readErrors();
    void end(const QString &reason);
    [[nodiscard]] bool isBrokenOff() const { return !m_brokenOff.isEmpty(); }
    void breakOff(const QString &reason);
    void signalGroup(int signalNumber) const;

    AcpCommand m_command;
    QProcess m_process;
    std::function<void(QByteArray)> m_onFrame;
    qint64 m_pid = 0;
    QByteArray m_buffer;
    QByteArray m_errorOutput;
    QString m_brokenOff; // why it was killed by us; empty: it was not
    bool m_ended = false;
};

} // namespace signalbox::runtimes
