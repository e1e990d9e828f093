// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "list_row.h"
#include "words.h"

namespace signalbox::ui {

class TimeText;

// The looks that the cells of all kinds share.
[[nodiscard]] ListCell textCell(const QString &text);
[[nodiscard]] ListCell monoCell(const QString &text);
[[nodiscard]] ListCell idCell(const QString &text); // the middle is what tells the least
[[nodiscard]] ListCell numberCell(qint64 value, const QString &tip = {}); // nothing for 0
[[nodiscard]] ListCell momentCell(Instant at, const TimeText &time);
[[nodiscard]] ListCell ageCell(Instant since, const TimeText &time); // runs while the data is live
[[nodiscard]] ListCell lookCell(const StateLook &look);
// A tooltip that shows what others wrote as it stands: Qt would take what looks like HTML for HTML.
[[nodiscard]] QString plainTip(const QString &text);
// What stands where there is no value: muted, in words.
[[nodiscard]] ListCell mutedCell(const QString &text);

} // namespace signalbox::ui
