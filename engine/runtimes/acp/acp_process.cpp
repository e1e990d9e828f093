// SPDX-License-Identifier: Apache-2.0
#include "runtimes/acp/acp_process.h"

#include <QPointer>
#include <QSet>

#include <algorithm>
#include <csignal>
#include <sys/prctl.h>
#include <unistd.h>

using namespace Qt::StringLiterals;

namespace signalbox::runtimes {

namespace {
bool isPassedOn(const QString &name)
{
    static const QSet<QString> kNames{
        u"PATH"_s,
        u"HOME"_s,
        u"USER"_s,
        u"LOGNAME"_s,
        u"SHELL"_s,
        u"LANG"_s,
        u"LANGUAGE"_s,
        u"TZ"_s,
        u"TMPDIR"_s,
        u"TERM"_s,
        u"SSL_CERT_FILE"_s,
        u"SSL_CERT_DIR"_s,
        u"http_proxy"_s,
        u"https_proxy"_s,
        u"no_proxy"_s,
        u"HTTP_PROXY"_s,
        u"HTTPS_PROXY"_s,
        u"NO_PROXY"_s,
        u"NODE_EXTRA_CA_CERTS"_s,
    };
    return kNames.contains(name) || name.startsWith(u"LC_") || name.startsWith(u"XDG_");
}
} // namespace

QProcessEnvironment agentEnvironment(const QProcessEnvironment &engine, const QMap<QString, QString> &added)
{
    QProcessEnvironment environment;
    environment.insert(
        u"PATH"_s, u"/usr/local/bin:/usr/bin:/bin"_s); // QProcess takes an empty one for "inherit all"
    for (const QString &name : engine.keys()) {
        if (isPassedOn(name)) {
            environment.insert(name, engine.value(name));
        }
    }
    for (auto it = added.cbegin(); it != added.cend(); ++it) {
        environment.insert(it.key(), it.value());
    }
    return environment;
}

AcpProcess::AcpProcess(AcpCommand command, QObject *parent)
    : QObject(parent)
    , m_command(std::move(command))
    , m_process(this)
{
    connect(&m_process, &QProcess::readyReadStandardOutput, this, &AcpProcess::readFrames);
    connect(&m_process, &QProcess::readyReadStandardError, this, &AcpProcess::readErrors);
    connect(&m_process, &QProcess::errorOccurred, this, [this](QProcess::ProcessError error) {
        if (error == QProcess::FailedToStart) {
            end(u"not_started"_s);
        }
    });
    connect(&m_process, &QProcess::finished, this, [this](int, QProcess::ExitStatus status) {
        readFrames();
        readErrors();
        if (!m_buffer.isEmpty() && !isBrokenOff()) {
            emitFrame(std::exchange(m_buffer, {})); // a last line without its end is a message too
        }
        end(status == QProcess::NormalExit ? u"exited"_s : u"crashed"_s);
    });
}

AcpProcess::~AcpProcess()
{
    m_process.disconnect(this);
    if (isRunning()) {
        kill();
        m_process.waitForFinished(5000); // after SIGKILL: reaps, does not wait for the agent's consent
    }
}

void AcpProcess::start()
{
    if (m_command.command.isEmpty()) {
        end(u"not_started"_s);
        return;
    }
    m_process.setProcessEnvironment(
        agentEnvironment(QProcessEnvironment::systemEnvironment(), m_command.environment));
    if (!m_command.workingDirectory.isEmpty()) {
        m_process.setWorkingDirectory(m_command.workingDirectory);
    }
    const pid_t engine = ::getpid();
    // Between fork and exec: system calls only.
    m_process.setChildProcessModifier([engine] {
        ::setpgid(0, 0);
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != engine) {
            ::_exit(127); // the engine died before the line above
        }
    });
    m_process.setProgram(m_command.command.first());
    m_process.setArguments(m_command.command.mid(1));
    m_process.start();
    m_pid = m_process.processId();
}

bool AcpProcess::write(const QByteArray &frame)
{
    if (!isRunning() || m_ended || isBrokenOff()) {
        return false;
    }
    if (m_process.bytesToWrite() > kMaxUnwritten) {
        breakOff(u"not_reading"_s);
        return false;
    }
    m_process.write(frame + '\n');
    return true;
}

void AcpProcess::readFrames()
{
    if (isBrokenOff()) {
        m_process.readAllStandardOutput();
        return;
    }
    const qsizetype searched = m_buffer.size();
    QByteArray bytes = std::exchange(m_buffer, {});
    bytes += m_process.readAllStandardOutput();
    qsizetype begin = 0;
    qsizetype newline = bytes.indexOf('\n', searched);
    bool tooLong = false;
    while (newline >= 0 && !tooLong && !isBrokenOff()) { // by an answer that could not be written
        if (newline - begin > kMaxFrame) {
            tooLong = true;
        } else {
            emitFrame(QByteArrayView(bytes).sliced(begin, newline - begin));
        }
        begin = newline + 1;
        newline = bytes.indexOf('\n', begin);
    }
    m_buffer
        = begin == 0 ? std::move(bytes) : bytes.sliced(begin); // a long line is not copied with every read
    if (tooLong || m_buffer.size() > kMaxFrame) {
        breakOff(u"frame_too_long"_s);
    }
    if (isBrokenOff()) {
        m_buffer = {};
    }
}

// The end itself comes from the event loop.
void AcpProcess::breakOff(const QString &reason)
{
    m_brokenOff = reason;
    kill();
}

void AcpProcess::emitFrame(QByteArrayView line)
{
    const QByteArrayView frame = line.trimmed();
    if (!frame.isEmpty() && m_onFrame) {
        m_onFrame(QByteArray::fromRawData(frame.data(), frame.size()));
    }
}

void AcpProcess::readErrors()
{
    m_errorOutput += m_process.readAllStandardError();
    if (m_errorOutput.size() > kMaxErrorOutput) {
        m_errorOutput = m_errorOutput.last(kMaxErrorOutput);
    }
}

void AcpProcess::end(const QString &reason)
{
    if (m_ended) {
        return;
    }
    m_ended = true;
    signalGroup(SIGKILL); // whatever it left behind in its group
    Q_EMIT ended(isBrokenOff() ? m_brokenOff : reason);
}

void AcpProcess::signalGroup(int signalNumber) const
{
    if (m_pid > 1) {
        ::kill(static_cast<pid_t>(-m_pid), signalNumber);
    }
}

void AcpProcess::kill()
{
    if (isRunning()) {
        signalGroup(SIGKILL);
        m_process.kill(); // the group may not exist yet
    }
}

QCoro::Task<> AcpProcess::stop(Millis grace)
{
    const QPointer<AcpProcess> self(this);
    m_process.closeWriteChannel();
    const Millis polite = std::min(Millis(2000), grace / 2);
    co_await async::waitProcess(&m_process, polite);
    if (self && isRunning()) {
        signalGroup(SIGTERM);
        co_await async::waitProcess(&m_process, grace - polite);
    }
    if (self && isRunning()) {
        kill();
        co_await async::waitProcess(&m_process, Millis(5000));
    }
}

} // namespace signalbox::runtimes
