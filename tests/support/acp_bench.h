// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/block_on.h"
#include "runtimes/acp/acp_backend.h"
#include "support/fake_clock.h"

#include <QCoreApplication>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <cerrno>
#include <csignal>
#include <malloc.h>

#ifdef __SANITIZE_ADDRESS__
extern "C" size_t __sanitizer_get_current_allocated_bytes(); // its header is not installed with every compiler
#endif

namespace signalbox::testing {

using namespace Qt::StringLiterals;
using runtimes::AcpBackend;
using runtimes::AcpCommand;
using runtimes::AcpLimits;
using runtimes::Binding;
using runtimes::OpenRequest;
using Opened = Result<std::shared_ptr<runtimes::Turn>>;
constexpr Millis kLimit {20'000};

inline bool isGroupGone(qint64 pid)
{
    return ::kill(static_cast<pid_t>(-pid), 0) == -1 && errno == ESRCH;
}

// Bytes that this process has allocated and not freed.
inline size_t allocatedBytes()
{
#ifdef __SANITIZE_ADDRESS__
    return __sanitizer_get_current_allocated_bytes();
#else
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
#endif
}

// A backend with an agent of one behaviour, in a folder of its own.
class Bench
{
public:
    explicit Bench(const QString &mode, AcpLimits limits = {})
        : m_limits(limits)
    {
        use(mode);
    }
    ~Bench()
    {
        stop();
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    }
    Bench(const Bench &) = delete;
    Bench &operator=(const Bench &) = delete;

    void use(const QString &mode)
    {
        stop();
        AcpCommand command;
        const QString agent = qEnvironmentVariable("SIGNALBOX_BIN_DIR") + u"/fake_acp_agent"_s;
        command.command = {agent, mode, folder.path()};
        start(command);
    }
    void start(const AcpCommand &command)
    {
        backend = std::make_unique<AcpBackend>(u"local"_s, command, m_limits, &clock);
    }
    void stop()
    {
        if (backend) {
            const qint64 pid = backend->processId();
            async::blockOn(backend->close(Millis(2000)), kLimit);
            backend.reset();
            QVERIFY(pid == 0 || isGroupGone(pid));
        }
    }
    [[nodiscard]] Opened open(const QString &stored = {}) const
    {
        OpenRequest request;
        request.agentSession = stored;
        return async::blockOn(backend->open(Binding(), request, {}), kLimit);
    }
    [[nodiscard]] QStringList lines(const QString &file) const
    {
        QFile opened(folder.filePath(file));
        return opened.open(QIODevice::ReadOnly) ? QString::fromUtf8(opened.readAll()).split(u'\n', Qt::SkipEmptyParts)
                                                : QStringList();
    }

    QTemporaryDir folder;
    FakeClock clock;
    std::unique_ptr<AcpBackend> backend;

private:
    AcpLimits m_limits;
};

} // namespace signalbox::testing
