// SPDX-License-Identifier: Apache-2.0
#include "gateway/ingest_pressure.h"

namespace signalbox::gateway {

namespace {
constexpr Millis kWindow{100};
constexpr int kHighInWindow = 150;
constexpr Millis kStaysHigh{200};
} // namespace

IngestPressure::IngestPressure(const Clock &clock)
    : m_clock(clock)
{
}

void IngestPressure::note()
{
    const Millis now = m_clock.boot();
    if (now - m_windowBegan >= kWindow) {
        m_windowBegan = now;
        m_inWindow = 0;
    }
    if (++m_inWindow >= kHighInWindow)
        m_highUntil = now + kStaysHigh;
}

bool IngestPressure::isHigh() const
{
    return m_clock.boot() < m_highUntil;
}

} // namespace signalbox::gateway
