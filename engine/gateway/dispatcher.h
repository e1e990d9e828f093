// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gateway/delivery_runner.h"
#include "gateway/ingest_pressure.h"
#include "gateway/work_loop.h"

#include <QHash>

#include <memory>

namespace signalbox::gateway {

// Claims deliveries that may run and runs them, at most `max_concurrent_deliveries` at once, and only a few
// while ingest needs the machine. Engine thread.
class Dispatcher
{
public:
    Dispatcher(store::Store &store, EngineLease &lease, DeliveryRunner &runner,
        const IngestPressure &pressure, int mostInFlight, Millis lockTtl);

    void start();
    void wake() { m_loop.wake(); }
    void wakeIn(Millis time);
    [[nodiscard]] int inFlight() const { return m_running.live(); }

    // Fires the token of a delivery that runs here: its turn is cancelled, has `cancel_grace` to end, and
    // writes nothing more unless it ended well. False: it does not run here.
    bool cancelDelivery(const QString &id);

    // Fires the tokens of all that runs here and waits until it has ended, `cancelGrace` at most and a
    // little. It goes on claiming afterwards.
    [[nodiscard]] QCoro::Task<> letGo(Millis cancelGrace);

    // Claims nothing more; what runs goes on until the grace is over, then its tokens fire, and turns have
    // `cancelGrace` to end.
    [[nodiscard]] QCoro::Task<> stop(Millis grace, Millis cancelGrace);

private:
    [[nodiscard]] QCoro::Task<bool> claim();
    [[nodiscard]] QCoro::Task<> runOne(store::ClaimedDelivery delivery);
    store::Store &m_store;
    EngineLease &m_lease;
    DeliveryRunner &m_runner;
    const IngestPressure &m_pressure;
    int m_mostInFlight;
    Millis m_lockTtl;
    WorkLoop m_loop;
    QHash<QString, std::shared_ptr<async::CancelSource>> m_sources; // of what runs, by delivery
    async::TaskScope m_running;
};

} // namespace signalbox::gateway
