// SPDX-License-Identifier: Apache-2.0
#include "async/latch.h"

#include <QTimerEvent>

namespace signalbox::async {

void Latch::arm(std::coroutine_handle<> handle)
{
    m_handle = handle;
    if (m_wake)
        schedule();
}

void Latch::complete(Wake wake)
{
    if (m_wake)
        return;
    m_wake = wake;
    if (m_handle)
        schedule();
}

void Latch::startDeadline(Millis timeout)
{
    static constexpr Millis kCoarseFrom{2000};
    startTimer(timeout, timeout < kCoarseFrom ? Qt::PreciseTimer : Qt::CoarseTimer);
}

void Latch::timerEvent(QTimerEvent *event)
{
    killTimer(event->timerId());
    complete(Wake::TimedOut);
}

void Latch::schedule()
{
    const auto resume = [this] {
        if (auto handle = std::exchange(m_handle, nullptr))
            handle.resume();
    };
    QMetaObject::invokeMethod(this, resume, Qt::QueuedConnection);
}

void LatchDeleter::operator()(Latch *latch) const
{
    latch->disarm();
    latch->disconnect();
    latch->deleteLater();
}

LatchAwaiter::LatchAwaiter()
    : m_latch(new Latch)
{
}

void LatchAwaiter::deadline(Millis timeout)
{
    if (timeout.count() < 0)
        return;
    m_latch->startDeadline(timeout);
}

void LatchAwaiter::cancelWith(const CancelToken &token)
{
    Latch *latch = m_latch.get();
    if (token.isCancelled())
        latch->complete(Wake::Cancelled);
    else if (token.state())
        QObject::connect(
            token.state(), &CancelState::cancelled, latch, [latch] { latch->complete(Wake::Cancelled); });
}

void LatchAwaiter::watch(QObject *sender)
{
    Latch *latch = m_latch.get();
    QObject::connect(sender, &QObject::destroyed, latch, [latch] { latch->complete(Wake::SenderGone); });
}

} // namespace signalbox::async
