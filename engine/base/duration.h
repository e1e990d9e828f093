// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

#include <QString>

#include <optional>

namespace signalbox {

// One whole number with one unit: "250ms", "5s", "3m", "24h", "30d" (INTERFACE.md "Configuration"). Nothing
// for anything else, and for more than a hundred years.
[[nodiscard]] std::optional<Millis> parseDuration(QStringView text);
// In the largest unit that loses nothing; what parseDuration reads back.
[[nodiscard]] QString formatDuration(Millis duration);

} // namespace signalbox
