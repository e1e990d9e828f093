// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

#include <QString>

namespace signalbox::domain {

// What a person is told whose message waits for a busy session (DESIGN.md step 3: once, who holds it and
// since when).
struct Busy
{
    Busy() = default;
    QString user; // who is told
    QString holderUser; // whose message goes first; empty: unknown
    Instant since;
    int ahead = 0; // messages before this one, the running one included
};

// For Slack: mentions and times in its own form, shown in each reader's zone.
[[nodiscard]] QString busyTextForSlack(const Busy &busy);
// For a log that is read as it stands: times in UTC.
[[nodiscard]] QString busyTextPlain(const Busy &busy);

} // namespace signalbox::domain
