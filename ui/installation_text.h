// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/actions.h"

#include <QString>

namespace signalbox::ui {

class TimeText;

// A sentence for a trouble, or its code where there is none; empty: no trouble.
[[nodiscard]] QString troubleText(const domain::InstallationItem &item);
// What stops an installation, in words. A pause with an end is over by itself: nobody tells it.
[[nodiscard]] QList<domain::PauseItem> pausesInForce(
    const domain::InstallationItem &item, const TimeText &time);
// "Posts, prompts"; empty when nothing is paused.
[[nodiscard]] QString pausedText(const domain::InstallationItem &item, const TimeText &time);
// "Posts (this installation), by token:ops since 14:02:11 until 15:00:00: upgrade"; one line for each.
[[nodiscard]] QString pauseLines(const domain::InstallationItem &item, const TimeText &time);

} // namespace signalbox::ui
