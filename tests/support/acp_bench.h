// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/block_on.h"
#include "runtimes/acp/acp_backend.h"
#include "support/fake_clock.h"

#include <QCoreApplication>
#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <malloc.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
extern "C" size_t
__sanitizer_get_current_allocated_bytes(); // its header is not installed with every compiler
#endif

namespace signalbox::testing {

using namespace Qt::StringLiterals;
using runtimes::AcpBackend;
using runtimes::AcpCommand;
using runtimes::AcpLimits;
using runtimes::Binding;
using runtimes::OpenRequest;
using runtimes::Turn;
using runtimes::TurnClocks;
using runtimes::TurnEnd;
using runtimes::TurnResult;
using Opened = Result<std::shared_ptr<runtimes::Turn>>;
constexpr Millis kLimit{20'000};

// What the kernel says about a process: its state, its parent and its group.
struct ProcessFacts
{
    explicit ProcessFacts(const QString &pid)
    {
        QFile stat(u"/proc/"_s + pid + u"/stat"_s);
        if (stat.open(QIODevice::ReadOnly)) {
            const QByteArray text = stat.readAll();
            fields = text.mid(text.lastIndexOf(')') + 2).split(' ');
        }
    }
    // An orphan that is dead and that init has not reaped yet is gone; a child that we have not reaped is
    // not.
    [[nodiscard]] bool isGone() const
    {
        return fields.size() < 3 || (fields.at(0) == "Z" && fields.at(1).toLongLong() != ::getpid());
    }
    [[nodiscard]] qint64 group() const { return fields.value(2).toLongLong(); }
    QByteArrayList fields;
};

inline bool isProcessGone(qint64 pid)
{
    return ProcessFacts(QString::number(pid)).isGone();
}

inline bool isGroupGone(qint64 pid)
{
    if (::kill(static_cast<pid_t>(-pid), 0) == -1 && errno == ESRCH) {
        return true;
    }
    const QStringList pids = QDir(u"/proc"_s).entryList({u"[0-9]*"_s}, QDir::Dirs);
    return std::all_of(pids.cbegin(), pids.cend(), [pid](const QString &other) {
        const ProcessFacts facts(other);
        return facts.isGone() || facts.group() != pid;
    });
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
        start(command(mode));
    }
    [[nodiscard]] AcpCommand command(const QString &mode) const
    {
        AcpCommand command;
        const QString agent = qEnvironmentVariable("SIGNALBOX_BIN_DIR") + u"/fake_acp_agent"_s;
        command.command = {agent, mode, folder.path()};
        return command;
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
            QTRY_VERIFY(pid == 0 || isGroupGone(pid)); // killed is not yet dead
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
        return opened.open(QIODevice::ReadOnly)
            ? QString::fromUtf8(opened.readAll()).split(u'\n', Qt::SkipEmptyParts)
            : QStringList();
    }

    QTemporaryDir folder;
    FakeClock clock;
    std::unique_ptr<AcpBackend> backend;

private:
    AcpLimits m_limits;
};

// ---- turns

inline TurnClocks clocksOf(int firstFrame, int idle, int maximum, int grace)
{
    TurnClocks clocks;
    clocks.firstFrame = Millis(firstFrame);
    clocks.idle = Millis(idle);
    clocks.maximum = Millis(maximum);
    clocks.cancelGrace = Millis(grace);
    return clocks;
}

inline const TurnClocks kPatient = clocksOf(15'000, 15'000, 0, 15'000);

struct Run
{
    TurnResult result;
    int accepted = 0;
};

inline Run prompt(Turn &turn, const TurnClocks &clocks = kPatient, const async::CancelToken &cancel = {})
{
    Run run;
    run.result
        = async::blockOn(turn.prompt(
                             u"question"_s, clocks, [] { return true; }, [&run] { ++run.accepted; }, cancel),
            kLimit);
    return run;
}

inline QCoro::Task<> keepResult(QCoro::Task<TurnResult> task, std::shared_ptr<std::optional<TurnResult>> into)
{
    *into = co_await task;
}

inline QCoro::Task<> keepTurn(QCoro::Task<Opened> task, std::shared_ptr<std::vector<Opened>> into)
{
    Opened opened = co_await task;
    into->push_back(std::move(opened));
}

inline std::shared_ptr<std::optional<TurnResult>> promptLater(
    Turn &turn, const TurnClocks &clocks = kPatient, const QString &text = u"question"_s)
{
    auto into = std::make_shared<std::optional<TurnResult>>();
    keepResult(turn.prompt(
                   text, clocks, [] { return true; }, [] {}, {}),
        into);
    return into;
}

inline QString nativeOf(const Opened &opened)
{
    return opened ? u"(opened)"_s : opened.error().native();
}

} // namespace signalbox::testing
