// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/latch.h"

#include <QCoro/QCoroTask>
#include <QThreadPool>

#include <exception>
#include <optional>
#include <type_traits>
#include <variant>

namespace signalbox::async {

// Runs a pure function on a pool and resumes on the awaiting thread. The frame stays until the job has
// reported, so jobs are joined at shutdown and never abandoned. Exceptions keep their type; results may be
// move-only.
template <class Function, class R = std::invoke_result_t<Function>>
[[nodiscard]] QCoro::Task<R> runOn(QThreadPool *pool, Function function)
{
    using Slot = std::conditional_t<std::is_void_v<R>, std::monostate, R>;
    struct Shared
    {
        std::optional<Slot> value;
        std::exception_ptr error;
    };
    auto shared = std::make_shared<Shared>();
    LatchAwaiter awaiter;
    Latch *latch = awaiter.latch();
    pool->start([shared, latch, function = std::move(function)]() mutable {
        try {
            if constexpr (std::is_void_v<R>) {
                function();
                shared->value.emplace();
            } else {
                shared->value.emplace(function());
            }
        } catch (...) {
            shared->error = std::current_exception();
        }
        QMetaObject::invokeMethod(
            latch, [latch] { latch->complete(Wake::Fired); }, Qt::QueuedConnection);
    });
    co_await awaiter.wake();
    if (shared->error)
        std::rethrow_exception(shared->error);
    if constexpr (!std::is_void_v<R>)
        co_return std::move(*shared->value);
}

// Keeps the functor for as long as its task runs, then hands over the value or what was thrown.
template <class R, class Work, class Done>
QCoro::Task<> runAndTell(Work work, Done done)
{
    std::optional<R> value;
    std::exception_ptr error;
    try {
        auto task = work();
        value.emplace(co_await task);
    } catch (...) {
        error = std::current_exception();
    }
    done(std::move(value), error);
}

// Runs `work()`, which returns a Task<R>, on the thread of `target` and delivers its result, or what it
// threw, to the calling thread. Both threads need an event loop. The answer is `gone` when `target` died
// before the work had ended. This is how the console's UI thread talks to the engine's thread.
template <class R, class Work>
[[nodiscard]] QCoro::Task<R> runOnThread(QObject *target, Work work, R gone)
{
    struct Shared
    {
        std::optional<R> value;
        std::exception_ptr error;
    };
    auto shared = std::make_shared<Shared>();
    auto awaiter = std::make_shared<LatchAwaiter>();
    const std::weak_ptr<LatchAwaiter> weak = awaiter;
    // Belongs to the calling thread, is kept alive by whoever may still report to it, and drops what comes
    // too late.
    const std::shared_ptr<QObject> home(new QObject, [](QObject *object) { object->deleteLater(); });
    awaiter->watch(target);
    auto start = [shared, weak, home, work = std::move(work)]() mutable {
        auto done = [shared, weak, home](std::optional<R> value, std::exception_ptr error) {
            // `shared` is touched on the calling thread only.
            auto wake = [shared, weak, value = std::move(value), error = std::move(error)]() mutable {
                shared->value = std::move(value);
                shared->error = std::move(error);
                if (auto alive = weak.lock())
                    alive->latch()->complete(Wake::Fired);
            };
            QMetaObject::invokeMethod(home.get(), std::move(wake), Qt::QueuedConnection);
        };
        runAndTell<R>(std::move(work), std::move(done));
    };
    QMetaObject::invokeMethod(target, std::move(start), Qt::QueuedConnection);
    co_await awaiter->wake();
    if (shared->error)
        std::rethrow_exception(shared->error);
    if (shared->value)
        co_return std::move(*shared->value);
    co_return gone;
}

} // namespace signalbox::async
