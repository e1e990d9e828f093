// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/task_scope.h"
#include "config/config.h"
#include "store/store.h"

namespace signalbox::gateway {

// Removes what has outlived its time, in small batches (DESIGN.md "Configuration against state", retention).
class Upkeep
{
public:
    Upkeep(store::Store &store, const config::Config &config);
    void start();
    [[nodiscard]] QCoro::Task<> stop();

private:
    [[nodiscard]] QCoro::Task<> loop();
    store::Store &m_store;
    const config::Config &m_config;
    async::TaskScope m_scope;
};

} // namespace signalbox::gateway
