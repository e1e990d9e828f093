// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

namespace signalbox::gateway {

// Whether so many messages arrive that acknowledging them must come before everything else. A channel waits
// three seconds for its 2xx and then sends again; an answer may come some seconds later. Engine thread.
class IngestPressure
{
public:
    explicit IngestPressure(const Clock &clock);
    // A message has arrived.
    void note();
    // High while more than 1,500 a second arrive, and for a moment after.
    [[nodiscard]] bool isHigh() const;

private:
    const Clock &m_clock;
    Millis m_windowBegan{0};
    Millis m_highUntil{0};
    int m_inWindow = 0;
};

} // namespace signalbox::gateway
