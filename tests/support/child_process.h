// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/result.h"

#include <QByteArray>
#include <QObject>
#include <QProcess>
#include <QStringList>

#include <optional>

namespace signalbox::testing {

// A program in a process group of its own, for tests: its lines are waited for with a deadline, its stderr is
// kept for the failure message, and the whole group (and nothing else) is killed when the object dies. Lives
// on one thread.
class ChildProcess : public QObject
{
    Q_OBJECT
public:
    explicit ChildProcess(QObject *parent = nullptr);
    ~ChildProcess() override;

    void setEnvironment(const QString &name, const QString &value);
    void setWorkingDirectory(const QString &folder) { m_process.setWorkingDirectory(folder); }
    [[nodiscard]] Status start(const QString &program, const QStringList &arguments);

    // The first line of stdout (from where the last wait ended) that holds this text; DeadlineExceeded with
    // the end of stderr, Unavailable when the program has ended.
    [[nodiscard]] Result<QByteArray> waitForLine(const QByteArray &part, Millis timeout = Millis(20'000));
    // The same on stderr, where the product's own programs report.
    [[nodiscard]] Result<QByteArray> waitForErrorLine(
        const QByteArray &part, Millis timeout = Millis(20'000));
    // Its exit code, or nullopt when it was killed by a signal or did not end in time.
    [[nodiscard]] std::optional<int> waitForEnd(Millis timeout = Millis(20'000));

    void write(const QByteArray &data) { m_process.write(data); }
    void closeInput() { m_process.closeWriteChannel(); }
    void terminate(); // SIGTERM to the program alone
    void kill(); // SIGKILL to its group; returns when it is gone
    [[nodiscard]] bool isRunning() const { return m_process.state() == QProcess::Running; }
    [[nodiscard]] qint64 processId() const { return m_process.processId(); }
    [[nodiscard]] const QByteArray &output() const { return m_output; }
    [[nodiscard]] const QByteArray &errors() const { return m_errors; }

private:
    [[nodiscard]] Result<QByteArray> waitIn(
        const QByteArray &stream, qsizetype &from, const QByteArray &part, Millis timeout);
    QProcess m_process;
    QByteArray m_output;
    QByteArray m_errors;
    qsizetype m_outputRead = 0;
    qsizetype m_errorsRead = 0;
    qint64 m_group = 0;
};

// A loopback port that was free a moment ago, for programs that cannot pick one themselves.
[[nodiscard]] quint16 freePort();

} // namespace signalbox::testing
