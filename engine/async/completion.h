// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

#include <QMetaObject>
#include <QObject>
#include <QPointer>
#include <QThread>
#include <QTimer>

#include <coroutine>
#include <memory>
#include <optional>

namespace signalbox::async {

// The result of work done elsewhere, awaited by exactly one coroutine. Whoever holds it calls finish() once,
// on the awaiting thread and from the event loop (a posted event), and the coroutine goes on right there: a
// batch of results costs one event. The waiter must outlive the work or let it finish: work is joined, never
// abandoned.
template <class T>
class Completion
{
public:
    Completion()
        : m_state(std::make_shared<State>())
    {
    }
    // At most once. Resumes the waiter before it returns.
    void finish(T value) const
    {
        const auto state = m_state; // the waiter may destroy everything else
        state->value.emplace(std::move(value));
        if (auto handle = std::exchange(state->handle, nullptr))
            handle.resume();
    }

    struct Awaiter
    {
        Completion *completion;
        [[nodiscard]] bool await_ready() const noexcept { return completion->m_state->value.has_value(); }
        void await_suspend(std::coroutine_handle<> handle) const { completion->m_state->handle = handle; }
        [[nodiscard]] T await_resume() const { return std::move(*completion->m_state->value); }
    };
    // The completion must be a named local of the awaiting coroutine.
    [[nodiscard]] Awaiter wait() { return Awaiter{this}; }

private:
    struct State
    {
        std::optional<T> value;
        std::coroutine_handle<> handle;
    };
    std::shared_ptr<State> m_state;
};

} // namespace signalbox::async
