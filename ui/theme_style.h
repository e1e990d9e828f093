// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>

namespace signalbox::ui {

struct Colours;

// The style sheet that turns Fusion into ours, in these colours.
[[nodiscard]] QString styleSheetOf(const Colours &colours);

} // namespace signalbox::ui
