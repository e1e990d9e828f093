// SPDX-License-Identifier: Apache-2.0
#include "gateway/dispatcher.h"

#include "base/log.h"

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcDispatcher, "signalbox.engine.dispatcher")
constexpr Millis kBackstop{1000};
constexpr Millis kStorePause{500};
constexpr Millis kAbandonBeyondGrace{5000};
constexpr int kMostClaimed = 64;
constexpr int kInFlightUnderPressure = 8;
constexpr Millis kPressurePause{100};
} // namespace

Dispatcher::Dispatcher(store::Store &store, EngineLease &lease, DeliveryRunner &runner,
    const IngestPressure &pressure, int mostInFlight, Millis lockTtl)
    : m_store(store)
    , m_lease(lease)
    , m_runner(runner)
    , m_pressure(pressure)
    , m_mostInFlight(mostInFlight)
    , m_lockTtl(lockTtl)
    , m_loop("dispatcher", kBackstop)
    , m_running(u"deliveries"_s)
{
}

void Dispatcher::start()
{
    m_loop.start([this] { return claim(); });
}

void Dispatcher::wakeIn(Millis time)
{
    if (time.count() <= 0)
        m_loop.wake();
    else
        m_loop.wakeIn(time);
}

QCoro::Task<bool> Dispatcher::claim()
{
    const bool pressed = m_pressure.isHigh();
    const int room
        = (pressed ? std::min(kInFlightUnderPressure, m_mostInFlight) : m_mostInFlight) - m_running.live();
    if (pressed)
        m_loop.wakeSoon(kPressurePause);
    if (room <= 0 || !m_lease.mayAct())
        co_return false; // woken again when one ends, or by the backstop
    const int most = std::min(room, kMostClaimed);
    store::ClaimLimits limits;
    limits.most = most;
    limits.lockTtl = m_lockTtl;
    auto claimed = co_await m_store.claimDeliveries(m_lease.life(), limits);
    if (!claimed) {
        logWarning(lcDispatcher, "deliveries could not be claimed", {{"code", claimed.error().native()}});
        m_loop.wakeIn(kStorePause);
        co_return false;
    }
    if (claimed->empty())
        co_return false;
    // Where several take turns, a share that was not used is free for the others.
    const bool several = claimed->front().installationId != claimed->back().installationId;
    const bool full = several || static_cast<int>(claimed->size()) == most;
    for (store::ClaimedDelivery &delivery : *claimed)
        m_running.spawn("delivery", runOne(std::move(delivery)));
    co_return full;
}

QCoro::Task<> Dispatcher::runOne(store::ClaimedDelivery delivery)
{
    const bool wasFull = m_running.live() >= m_mostInFlight;
    const auto source = std::make_shared<async::CancelSource>();
    source->follow(m_running.token());
    const QString id = delivery.id;
    m_sources.insert(id, source);
    co_await m_runner.run(std::move(delivery), source->token());
    // A later claim of the same delivery has its own.
    if (m_sources.value(id) == source)
        m_sources.remove(id);
    if (wasFull || m_running.live() >= m_mostInFlight)
        m_loop.wake();
}

bool Dispatcher::cancelDelivery(const QString &id)
{
    const auto source = m_sources.value(id);
    if (!source)
        return false;
    source->cancel();
    return true;
}

QCoro::Task<> Dispatcher::letGo(Millis cancelGrace)
{
    const auto sources = m_sources;
    for (const auto &source : sources)
        source->cancel();
    if (m_running.live() > 0)
        co_await async::waitSignal(&m_running, &async::TaskScope::drained, cancelGrace + kAbandonBeyondGrace);
    if (m_running.live() > 0)
        logCritical(
            lcDispatcher, "deliveries were not let go of", {{"live", QString::number(m_running.live())}});
}

QCoro::Task<> Dispatcher::stop(Millis grace, Millis cancelGrace)
{
    co_await m_loop.stop();
    const bool ended = co_await m_running.join(grace);
    if (ended)
        co_return;
    m_running.cancel();
    const bool stopped = co_await m_running.join(cancelGrace + kAbandonBeyondGrace);
    if (!stopped)
        logCritical(lcDispatcher, "deliveries did not stop", {{"live", QString::number(m_running.live())}});
}

} // namespace signalbox::gateway
