// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/cancel.h"
#include "base/clock.h"

#include <QObject>

#include <coroutine>
#include <memory>
#include <optional>

namespace signalbox::async {

// What ended a wait. Every await on the outside handles all four.
enum class Wake { Fired, TimedOut, Cancelled, SenderGone };

// One-shot meeting point of a coroutine and the world: the first of {fired, deadline, cancelled, sender
// destroyed} wins, later ones are ignored, and the coroutine is resumed through the event loop, never inside
// the emission that woke it. Lives on the thread of the coroutine. Replaces QCoro 0.8's awaiters, which use
// freed memory when a signal comes twice (TOOLCHAIN: findings 2 and 3).
class Latch : public QObject
{
    Q_OBJECT
public:
    Latch() = default;
    void arm(std::coroutine_handle<> handle);
    void complete(Wake wake);
    void disarm() { m_handle = nullptr; }
    // The deadline's timer dies with the latch: QTimer::singleShot() would keep its own until the time is
    // over, however soon the wait had ended.
    void startDeadline(Millis timeout);
    [[nodiscard]] std::optional<Wake> wake() const { return m_wake; }

protected:
    void timerEvent(QTimerEvent *event) override;

private:
    void schedule();
    std::coroutine_handle<> m_handle;
    std::optional<Wake> m_wake;
};

struct LatchDeleter
{
    void operator()(Latch *latch) const;
};

// Owns a latch for exactly as long as the awaiting frame lives.
class LatchAwaiter
{
public:
    LatchAwaiter();
    LatchAwaiter(LatchAwaiter &&) = default;

    [[nodiscard]] Latch *latch() const { return m_latch.get(); }
    // Negative: no deadline.
    void deadline(Millis timeout);
    void cancelWith(const CancelToken &token);
    void watch(QObject *sender);

    // GCC 12 copies an lvalue awaiter that passes through await_transform(), so this one is trivially
    // copyable.
    struct Awaiter
    {
        Latch *latch;
        [[nodiscard]] bool await_ready() const noexcept { return latch->wake().has_value(); }
        void await_suspend(std::coroutine_handle<> handle) const { latch->arm(handle); }
        [[nodiscard]] Wake await_resume() const noexcept { return *latch->wake(); }
    };
    [[nodiscard]] Awaiter wake() const { return {m_latch.get()}; }

private:
    std::unique_ptr<Latch, LatchDeleter> m_latch;
};

} // namespace signalbox::async
