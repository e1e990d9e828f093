// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

#include <QCoro/QCoroTask>
#include <QEventLoop>
#include <QTimer>

#include <exception>
#include <optional>
#include <type_traits>
#include <variant>

namespace signalbox::async {

// Blocks on a task with a nested event loop: for tests and main() only. Rethrows what the task threw; ends
// the process when the limit passes, because the task still refers to the caller's frame then.
template <class T>
T blockOn(QCoro::Task<T> task, Millis limit = Millis(5000))
{
    struct Outcome
    {
        std::conditional_t<std::is_void_v<T>, std::optional<std::monostate>, std::optional<T>> value;
        std::exception_ptr error;
        bool done = false;
    };
    QEventLoop loop;
    Outcome outcome;
    const auto pump = [](QCoro::Task<T> inner, Outcome &out, QEventLoop &wake) -> QCoro::Task<> {
        try {
            if constexpr (std::is_void_v<T>) {
                co_await inner;
                out.value.emplace();
            } else {
                out.value.emplace(co_await inner);
            }
        } catch (...) {
            out.error = std::current_exception();
        }
        out.done = true;
        wake.quit();
    };
    auto running = pump(std::move(task), outcome, loop);
    if (!outcome.done) {
        QTimer::singleShot(limit, &loop, &QEventLoop::quit);
        loop.exec();
    }
    if (!outcome.done)
        qFatal("blockOn: the limit passed");
    if (outcome.error)
        std::rethrow_exception(outcome.error);
    if constexpr (!std::is_void_v<T>)
        return std::move(*outcome.value);
}

} // namespace signalbox::async
