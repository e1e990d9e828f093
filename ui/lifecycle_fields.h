// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/items.h"

#include <QString>

namespace signalbox::ui {

class FieldGrid;
class TimeText;

// The details' Summary of a runtime and of a lifecycle event. UI thread; the grids belong to the details.
void buildRuntimeFields(FieldGrid *grid);
void buildLifecycleFields(FieldGrid *grid);
void showRuntimeFields(FieldGrid *grid, const domain::RuntimeItem &item, const TimeText &time);
void showLifecycleFields(FieldGrid *grid, const domain::LifecycleEventItem &item, const TimeText &time);
// One sentence under the head.
[[nodiscard]] QString explainRuntime(const domain::RuntimeItem &item, const TimeText &time);
[[nodiscard]] QString explainLifecycle(const domain::LifecycleEventItem &item, const TimeText &time);

} // namespace signalbox::ui
