// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>

#include <chrono>

namespace signalbox {

using Millis = std::chrono::milliseconds;
// A point in UTC, to the millisecond, as the database and the API know it. The epoch itself means "never".
using Instant = std::chrono::sys_time<Millis>;

[[nodiscard]] inline qint64 toMs(Instant at)
{
    return at.time_since_epoch().count();
}
[[nodiscard]] inline Instant fromMs(qint64 ms)
{
    return Instant(Millis(ms));
}
[[nodiscard]] inline bool isNever(Instant at)
{
    return at == Instant();
}
// RFC 3339 with milliseconds and Z; empty for "never".
[[nodiscard]] QString toRfc3339(Instant at);

// The only source of time in the engine. Thread-safe. Handed in so that tests can stop it.
class Clock
{
public:
    virtual ~Clock() = default;
    // Wall-clock time.
    [[nodiscard]] virtual Instant now() const = 0;
    // Time since boot including sleep (CLOCK_BOOTTIME): never jumps back, and counts a suspended laptop.
    [[nodiscard]] virtual Millis boot() const = 0;
};

class SystemClock final : public Clock
{
public:
    [[nodiscard]] Instant now() const override;
    [[nodiscard]] Millis boot() const override;
};

} // namespace signalbox
