// SPDX-License-Identifier: Apache-2.0
#include "gateway/work_loop.h"

#include <QTimer>

namespace signalbox::gateway {

namespace {
constexpr Millis kJoin{30'000};
}

WorkLoop::WorkLoop(const char *name, Millis backstop)
    : m_name(name)
    , m_backstop(backstop)
    , m_scope(QString::fromUtf8(name))
{
}

void WorkLoop::start(Step step)
{
    m_scope.spawn(m_name, run(std::move(step)));
}

void WorkLoop::wake()
{
    if (std::exchange(m_wanted, true))
        return;
    Q_EMIT woken();
}

void WorkLoop::wakeIn(Millis time)
{
    QTimer::singleShot(time, this, [this] { wake(); });
}

void WorkLoop::wakeSoon(Millis time)
{
    if (std::exchange(m_soon, true))
        return;
    QTimer::singleShot(time, this, [this] {
        m_soon = false;
        wake();
    });
}

QCoro::Task<> WorkLoop::run(Step step)
{
    const async::CancelToken token = m_scope.token();
    while (!token.isCancelled()) {
        m_wanted = false;
        const bool more = co_await step();
        if (more || m_wanted)
            continue;
        if (token.isCancelled())
            break;
        co_await async::waitSignal(this, &WorkLoop::woken, m_backstop, token);
    }
}

QCoro::Task<> WorkLoop::stop()
{
    m_scope.cancel();
    co_await m_scope.join(kJoin);
}

} // namespace signalbox::gateway
