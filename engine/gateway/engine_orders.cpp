// SPDX-License-Identifier: Apache-2.0
#include "gateway/engine_orders.h"

#include "base/log.h"

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcOrders, "signalbox.engine.orders")
constexpr Millis kBackstop{1000};
constexpr Millis kAgain{250};
constexpr int kMost = 100;
} // namespace

EngineOrders::EngineOrders(store::Store &store, EngineLease &lease)
    : m_store(store)
    , m_lease(lease)
    , m_loop("orders", kBackstop)
{
}

void EngineOrders::start()
{
    m_store.onOrders([this] { m_loop.wake(); });
    m_loop.start([this] { return carryOut(); });
}

QCoro::Task<> EngineOrders::stop()
{
    m_store.onOrders({});
    return m_loop.stop();
}

QCoro::Task<bool> EngineOrders::carryOut()
{
    const auto orders = co_await m_store.engineOrders(m_lease.life(), kMost);
    if (!orders) {
        logWarning(lcOrders, "orders could not be read", {{"code", orders.error().native()}});
        co_return false; // the backstop tries again
    }
    std::vector<store::EngineOrder> done;
    for (const store::EngineOrder &order : *orders) {
        const Handler handler = m_handlers.value(order.kind);
        if (!handler || co_await handler(order))
            done.push_back(order);
    }
    if (done.size() < orders->size())
        m_loop.wakeSoon(kAgain);
    if (done.empty())
        co_return false;
    const bool full = static_cast<int>(done.size()) == kMost;
    const Status finished = co_await m_store.finishOrders(std::move(done));
    if (!finished)
        logWarning(lcOrders, "orders could not be put away", {{"code", finished.error().native()}});
    co_return full;
}

} // namespace signalbox::gateway
