// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/task_scope.h"
#include "base/ids.h"
#include "config/config.h"
#include "gateway/engine_lease.h"
#include "store/store.h"

#include <functional>

namespace signalbox::gateway {

// Removes what has outlived its time, in small batches (DESIGN.md "Configuration against state", retention),
// and takes back the work of engines whose lease has ended (PostgreSQL). Engine thread.
class Upkeep
{
public:
    Upkeep(store::Store &store, EngineLease &lease, const config::Config &config, IdGenerator &ids);
    void start();
    // Work of a lost engine may be claimed now.
    void onFreed(std::function<void()> listener) { m_freed = std::move(listener); }
    [[nodiscard]] QCoro::Task<> stop();

private:
    [[nodiscard]] QCoro::Task<> sweep();
    [[nodiscard]] QCoro::Task<> reap();
    store::Store &m_store;
    EngineLease &m_lease;
    const config::Config &m_config;
    IdGenerator &m_ids;
    std::function<void()> m_freed;
    async::TaskScope m_scope;
};

} // namespace signalbox::gateway
