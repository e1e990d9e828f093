// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gateway/engine_lease.h"
#include "gateway/work_loop.h"

#include <QHash>

#include <functional>

namespace signalbox::gateway {

// Carries out what this engine's life was told to do because it holds the turn or the connection
// (store/order_records.h). Woken by whoever placed an order here, and by other engines through the store; a
// slow poll stands behind both. Engine thread.
class EngineOrders
{
public:
    // May be called more than once for one order. False: it could not be carried out yet, and stays.
    using Handler = std::function<QCoro::Task<bool>(store::EngineOrder)>;

    EngineOrders(store::Store &store, EngineLease &lease);
    // Before start(): what to do for a kind of order.
    void handle(const QString &kind, Handler handler) { m_handlers.insert(kind, std::move(handler)); }
    void start();
    void wake() { m_loop.wake(); }
    [[nodiscard]] QCoro::Task<> stop();

private:
    [[nodiscard]] QCoro::Task<bool> carryOut();
    store::Store &m_store;
    EngineLease &m_lease;
    QHash<QString, Handler> m_handlers;
    WorkLoop m_loop;
};

} // namespace signalbox::gateway
