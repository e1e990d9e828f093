// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QCoro/QCoroTask>

#include <memory>
#include <optional>
#include <stdexcept>

namespace signalbox::testing {

// Starts a task and keeps what came of it, so that a test can act while it runs. Nothing else holds the task:
// one that never ends is a leak, which the leak checker reports.
template <class T>
struct Kept
{
    std::optional<T> value;
};

template <class T>
QCoro::Task<> keepInto(QCoro::Task<T> task, std::shared_ptr<Kept<T>> into)
{
    into->value.emplace(co_await task);
}

template <class T>
std::shared_ptr<Kept<T>> start(QCoro::Task<T> task)
{
    auto kept = std::make_shared<Kept<T>>();
    keepInto(std::move(task), kept);
    return kept;
}

// An exception whose type and content must survive the way that it travels.
struct Typed : std::runtime_error
{
    explicit Typed(int number)
        : std::runtime_error("typed")
        , code(number)
    {
    }
    int code;
};

} // namespace signalbox::testing
