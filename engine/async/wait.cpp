// SPDX-License-Identifier: Apache-2.0
#include "async/wait.h"

#include <QProcess>

namespace signalbox::async {

QCoro::Task<Wake> delay(Millis time, CancelToken token)
{
    LatchAwaiter awaiter;
    awaiter.deadline(time);
    awaiter.cancelWith(token);
    const Wake wake = co_await awaiter.wake();
    co_return wake == Wake::TimedOut ? Wake::Fired : wake;
}

QCoro::Task<> nextTurn()
{
    LatchAwaiter awaiter;
    Latch *latch = awaiter.latch();
    const auto fire = [latch] { latch->complete(Wake::Fired); };
    QMetaObject::invokeMethod(latch, fire, Qt::QueuedConnection); // and its resumption is posted once more
    co_await awaiter.wake();
}

QCoro::Task<Wake> waitProcess(QPointer<QProcess> process, Millis timeout, CancelToken token)
{
    if (!process)
        co_return Wake::SenderGone;
    if (process->state() == QProcess::NotRunning)
        co_return Wake::Fired;
    LatchAwaiter awaiter;
    awaiter.watch(process);
    awaiter.deadline(timeout);
    awaiter.cancelWith(token);
    Latch *latch = awaiter.latch();
    QObject::connect(process, &QProcess::stateChanged, latch, [latch](QProcess::ProcessState state) {
        if (state == QProcess::NotRunning)
            latch->complete(Wake::Fired);
    });
    co_return co_await awaiter.wake();
}

} // namespace signalbox::async
