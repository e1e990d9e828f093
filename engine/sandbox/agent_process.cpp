// SPDX-License-Identifier: Apache-2.0
#include "sandbox/agent_process.h"

#include <QEventLoop>
#include <QSocketNotifier>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace signalbox::sandbox {

namespace {
constexpr int kDied = 70;

// The two pipes and the lines on them. Writes are collected and leave once per turn of the event loop.
class StdioTransport : public QObject
{
public:
    StdioTransport(AgentStore &store, AgentOptions options)
        : m_agent(store, std::move(options))
        , m_reader(STDIN_FILENO, QSocketNotifier::Read)
        , m_writer(STDOUT_FILENO, QSocketNotifier::Write)
    {
        m_writer.setEnabled(false);
        setNonBlocking(STDIN_FILENO);
        setNonBlocking(STDOUT_FILENO);
        connect(&m_reader, &QSocketNotifier::activated, this, [this] { read(); });
        connect(&m_writer, &QSocketNotifier::activated, this, [this] { flush(); });
        m_agent.send = [this](const Json &message) { queue(message); };
        m_agent.die = [this] { finish(kDied); };
    }

    int run() { return m_finished ? m_exitCode : m_loop.exec(); }

private:
    static void setNonBlocking(int descriptor)
    {
        const int flags = ::fcntl(descriptor, F_GETFL);
        ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
    }

    void read()
    {
        std::array<char, 65536> block;
        for (int round = 0; round < 16 && !m_finished; ++round) {
            const ssize_t got = ::read(STDIN_FILENO, block.data(), block.size());
            if (got < 0)
                break; // nothing more for now
            if (got == 0) {
                takeLine(std::exchange(m_in, QByteArray())); // an unterminated last line is a message too
                finish(0);
                return;
            }
            m_in.append(block.data(), got);
            takeLines();
        }
        flush();
    }

    void takeLines()
    {
        qsizetype from = 0;
        for (qsizetype end = m_in.indexOf('\n'); end >= 0 && !m_finished; end = m_in.indexOf('\n', from)) {
            takeLine(QByteArrayView(m_in).sliced(from, end - from));
            from = end + 1;
        }
        m_in.remove(0, from);
    }

    void takeLine(QByteArrayView line)
    {
        const QByteArrayView text = line.trimmed();
        if (!text.isEmpty())
            m_agent.receiveText(text);
    }

    void queue(const Json &message)
    {
        m_out += message.toBytes();
        m_out += '\n';
        if (!m_flushQueued) {
            m_flushQueued = true;
            QMetaObject::invokeMethod(
                this, [this] { flush(); }, Qt::QueuedConnection);
        }
    }

    void flush()
    {
        m_flushQueued = false;
        qsizetype written = 0;
        while (written < m_out.size()) {
            const ssize_t now
                = ::write(STDOUT_FILENO, m_out.constData() + written, size_t(m_out.size() - written));
            if (now < 0 && errno == EINTR)
                continue;
            if (now < 0)
                break;
            written += now;
        }
        const bool broken = written < m_out.size() && errno != EAGAIN && errno != EWOULDBLOCK;
        m_out.remove(0, written);
        m_writer.setEnabled(!m_out.isEmpty() && !broken);
        if (broken && !m_finished) {
            m_out.clear();
            finish(1);
        }
    }

    // What is queued still leaves; nobody may wait longer than a second for it.
    void finish(int code)
    {
        m_finished = true;
        m_exitCode = code;
        m_reader.setEnabled(false);
        for (int i = 0; i < 10 && !m_out.isEmpty(); ++i) {
            flush();
            pollfd descriptor{STDOUT_FILENO, POLLOUT, 0};
            if (!m_out.isEmpty())
                ::poll(&descriptor, 1, 100);
        }
        if (code == kDied)
            ::_exit(kDied);
        m_loop.exit(code);
    }

    SimulatedAgent m_agent;
    QSocketNotifier m_reader;
    QSocketNotifier m_writer;
    QEventLoop m_loop;
    QByteArray m_in;
    QByteArray m_out;
    int m_exitCode = 0;
    bool m_flushQueued = false;
    bool m_finished = false;
};
} // namespace

int runAgentOnStdio(AgentOptions options)
{
    AgentStore store(qEnvironmentVariable("SIGNALBOX_SANDBOX_AGENT_DIR"));
    StdioTransport transport(store, std::move(options));
    return transport.run();
}

} // namespace signalbox::sandbox
