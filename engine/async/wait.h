// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/latch.h"

#include <QCoro/QCoroTask>
#include <QPointer>

class QProcess;

namespace signalbox::async {

inline constexpr Millis kNoDeadline{-1};

// Waits for `signal` of `sender`, its death, the deadline or a cancel, whichever is first. Same thread as the
// sender.
template <class Sender, class Signal>
[[nodiscard]] QCoro::Task<Wake> waitSignal(
    Sender *sender, Signal signal, Millis timeout, CancelToken token = {})
{
    LatchAwaiter awaiter;
    awaiter.watch(sender);
    awaiter.deadline(timeout);
    awaiter.cancelWith(token);
    Latch *latch = awaiter.latch();
    QObject::connect(sender, signal, latch, [latch] { latch->complete(Wake::Fired); });
    co_return co_await awaiter.wake();
}

// Fired when the time is over, Cancelled when the token fired first.
[[nodiscard]] QCoro::Task<Wake> delay(Millis time, CancelToken token = {});

// Resumes behind everything that is posted to this thread already, and behind what that posts in turn.
[[nodiscard]] QCoro::Task<> nextTurn();

// Fired when the process is not running any more, whether it never started, ended or was killed.
[[nodiscard]] QCoro::Task<Wake> waitProcess(
    QPointer<QProcess> process, Millis timeout, CancelToken token = {});

} // namespace signalbox::async
