// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

#include <atomic>

namespace signalbox::testing {

// A clock that stands still until it is told to move. Thread-safe.
class FakeClock final : public Clock
{
public:
    explicit FakeClock(Instant start = fromMs(1'764'000'000'000));
    [[nodiscard]] Instant now() const override;
    [[nodiscard]] Millis boot() const override;
    // Time passes: both clocks move.
    void advance(Millis by);
    // Somebody sets the wall clock: boot time stays.
    void jump(Millis by);

private:
    std::atomic<qint64> m_now;
    std::atomic<qint64> m_boot;
};

} // namespace signalbox::testing
