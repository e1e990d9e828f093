// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "gateway/delivery_drafts.h"
#include "gateway/engine_lease.h"
#include "gateway/work_loop.h"
#include "store/store.h"

#include <functional>

namespace signalbox::gateway {

// Tells people whose message has waited for its session for status_message_delay who holds it and since when
// (DESIGN.md step 3): once for a person and a wait, as a status message, which is withdrawn when the turn
// comes. Engine thread.
class BusyNotices
{
public:
    BusyNotices(
        store::Store &store, EngineLease &lease, const DeliveryDrafts &drafts, const config::Config &config);

    void start();
    // Something is to be sent.
    void onOutbound(std::function<void()> listener) { m_outbound = std::move(listener); }
    [[nodiscard]] QCoro::Task<> stop();

private:
    [[nodiscard]] QCoro::Task<bool> tell();
    [[nodiscard]] store::BusyNotice notice(const store::BusyWaiter &waiter) const;

    store::Store &m_store;
    EngineLease &m_lease;
    const DeliveryDrafts &m_drafts;
    const config::Config &m_config;
    std::function<void()> m_outbound;
    WorkLoop m_loop;
};

} // namespace signalbox::gateway
