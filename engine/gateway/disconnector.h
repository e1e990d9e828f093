// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "gateway/delivery_work.h"
#include "gateway/engine_lease.h"
#include "gateway/work_loop.h"

namespace signalbox::gateway {

// Tells registries that the app is gone from a tenant, until they know (contracts/spritz-backend.md §3.8): a
// row that was committed with the event, tried again after 1 s, 2 s, … at most 10 min. Engine thread.
class Disconnector
{
public:
    Disconnector(store::Store &store, Backends &backends, EngineLease &lease, const config::Config &config);

    void start();
    void wake() { m_loop.wake(); }
    [[nodiscard]] QCoro::Task<> stop(Millis grace);

private:
    [[nodiscard]] QCoro::Task<bool> claim();
    [[nodiscard]] QCoro::Task<> tell(store::ClaimedDisconnect row);

    store::Store &m_store;
    Backends &m_backends;
    EngineLease &m_lease;
    Millis m_patience; // longer than a call takes
    WorkLoop m_loop;
    async::TaskScope m_running;
};

} // namespace signalbox::gateway
