// SPDX-License-Identifier: Apache-2.0
#include "support/child_process.h"

#include <QDeadlineTimer>
#include <QEventLoop>
#include <QTcpServer>
#include <QTimer>

#include <csignal>
#include <unistd.h>

using namespace Qt::StringLiterals;

namespace signalbox::testing {

namespace {
constexpr Millis kPoll{20}; // a signal wakes the loop earlier

// The first complete line from `from` on that holds `part`; moves `from` behind it.
std::optional<QByteArray> findLine(const QByteArray &stream, qsizetype &from, const QByteArray &part)
{
    qsizetype start = from;
    for (qsizetype end = stream.indexOf('\n', start); end >= 0; end = stream.indexOf('\n', start)) {
        const QByteArray line = stream.mid(start, end - start);
        start = end + 1;
        if (line.contains(part)) {
            from = start;
            return line;
        }
    }
    return std::nullopt;
}
} // namespace

ChildProcess::ChildProcess(QObject *parent)
    : QObject(parent)
{
    m_process.setProcessEnvironment(QProcessEnvironment::systemEnvironment());
    m_process.setChildProcessModifier([] { ::setpgid(0, 0); });
    connect(&m_process, &QProcess::readyReadStandardOutput, this,
        [this] { m_output += m_process.readAllStandardOutput(); });
    connect(&m_process, &QProcess::readyReadStandardError, this,
        [this] { m_errors += m_process.readAllStandardError(); });
}

ChildProcess::~ChildProcess()
{
    kill();
}

void ChildProcess::setEnvironment(const QString &name, const QString &value)
{
    QProcessEnvironment environment = m_process.processEnvironment();
    environment.insert(name, value);
    m_process.setProcessEnvironment(environment);
}

Status ChildProcess::start(const QString &program, const QStringList &arguments)
{
    m_process.start(program, arguments);
    if (!m_process.waitForStarted(10'000))
        return fail(ErrorCode::Unavailable, m_process.errorString());
    m_group = m_process.processId();
    return {};
}

Result<QByteArray> ChildProcess::waitForLine(const QByteArray &part, Millis timeout)
{
    return waitIn(m_output, m_outputRead, part, timeout);
}

Result<QByteArray> ChildProcess::waitForErrorLine(const QByteArray &part, Millis timeout)
{
    return waitIn(m_errors, m_errorsRead, part, timeout);
}

Result<QByteArray> ChildProcess::waitIn(
    const QByteArray &stream, qsizetype &from, const QByteArray &part, Millis timeout)
{
    const QDeadlineTimer deadline(timeout);
    while (true) {
        if (auto line = findLine(stream, from, part))
            return *line;
        const QString evidence = QString::fromUtf8(m_errors.right(2000));
        if (!isRunning())
            return fail(ErrorCode::Unavailable, u"the program has ended: "_s + evidence);
        if (deadline.hasExpired())
            return fail(ErrorCode::DeadlineExceeded, u"no such line: "_s + evidence);
        QEventLoop loop;
        connect(&m_process, &QProcess::readyRead, &loop, &QEventLoop::quit);
        connect(&m_process, &QProcess::finished, &loop, &QEventLoop::quit);
        QTimer::singleShot(kPoll, &loop, &QEventLoop::quit);
        loop.exec();
    }
}

std::optional<int> ChildProcess::waitForEnd(Millis timeout)
{
    if (isRunning()) {
        QEventLoop loop;
        connect(&m_process, &QProcess::finished, &loop, &QEventLoop::quit);
        QTimer::singleShot(timeout, &loop, &QEventLoop::quit);
        loop.exec();
    }
    if (isRunning() || m_process.exitStatus() != QProcess::NormalExit)
        return std::nullopt;
    return m_process.exitCode();
}

void ChildProcess::terminate()
{
    if (isRunning())
        ::kill(static_cast<pid_t>(m_process.processId()), SIGTERM);
}

void ChildProcess::kill()
{
    if (m_group <= 1)
        return;
    // Children of the program may outlive it: the group goes as a whole.
    ::kill(-static_cast<pid_t>(m_group), SIGKILL);
    if (m_process.state() != QProcess::NotRunning)
        m_process.waitForFinished(10'000);
    m_group = 0;
}

quint16 freePort()
{
    QTcpServer server;
    server.listen(QHostAddress(QHostAddress::LocalHost), 0);
    return server.serverPort();
}

} // namespace signalbox::testing
