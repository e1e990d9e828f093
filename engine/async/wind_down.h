// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/task_scope.h"

namespace signalbox::async {

// Lets what runs in a scope go on for the grace, then fires its tokens and waits `abandon` at most. False:
// not all has ended, and the scope is one of TaskScope::unjoined(). The scope outlives the call.
[[nodiscard]] QCoro::Task<bool> windDown(TaskScope &scope, Millis grace, Millis abandon);

} // namespace signalbox::async
