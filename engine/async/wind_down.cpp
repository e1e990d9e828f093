// SPDX-License-Identifier: Apache-2.0
#include "async/wind_down.h"

namespace signalbox::async {

QCoro::Task<bool> windDown(TaskScope &scope, Millis grace, Millis abandon)
{
    const bool ended = co_await scope.join(grace);
    if (ended)
        co_return true;
    scope.cancel();
    co_return co_await scope.join(abandon);
}

} // namespace signalbox::async
