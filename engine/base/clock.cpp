// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <QDateTime>
#include <QTimeZone>

#include <time.h>

namespace signalbox {

QString toRfc3339(Instant at)
{
    if (isNever(at))
        return {};
    return QDateTime::fromMSecsSinceEpoch(toMs(at), Qt::UTC).toString(Qt::ISODateWithMs);
}

Instant SystemClock::now() const
{
    return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
}

Millis SystemClock::boot() const
{
    timespec at{};
    clock_gettime(CLOCK_BOOTTIME, &at);
    return std::chrono::seconds(at.tv_sec)
        + std::chrono::duration_cast<Millis>(std::chrono::nanoseconds(at.tv_nsec));
}

} // namespace signalbox
