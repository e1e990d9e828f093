// SPDX-License-Identifier: Apache-2.0
#include "support/fake_clock.h"

namespace signalbox::testing {

FakeClock::FakeClock(Instant start)
    : m_now(toMs(start))
    , m_boot(1'000'000)
{
}

Instant FakeClock::now() const
{
    return fromMs(m_now.load());
}

Millis FakeClock::boot() const
{
    return Millis(m_boot.load());
}

void FakeClock::advance(Millis by)
{
    m_now += by.count();
    m_boot += by.count();
}

void FakeClock::jump(Millis by)
{
    m_now += by.count();
}

} // namespace signalbox::testing
