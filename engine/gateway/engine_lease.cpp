// SPDX-License-Identifier: Apache-2.0
#include "gateway/engine_lease.h"

#include "base/log.h"

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcGateway, "signalbox.engine.gateway")
// What must be left of the lease for something to leave the engine.
constexpr Millis kMargin{5000};
constexpr Millis kJoin{5000};
} // namespace

EngineLease::EngineLease(store::Store &store, const Clock &clock, Millis lease, Millis lockTtl)
    : m_store(store)
    , m_clock(clock)
    , m_lease(lease)
    , m_lockTtl(lockTtl)
    , m_scope(u"lease"_s)
{
}

QCoro::Task<Result<store::Registered>> EngineLease::begin(store::EngineRegistration registration)
{
    const Millis before = m_clock.boot();
    registration.lease = m_lease;
    Result<store::Registered> registered = co_await m_store.registerEngine(registration);
    if (registered) {
        m_life = registered->life;
        m_leaseEndsBoot = before + m_lease;
    }
    co_return registered;
}

void EngineLease::startRenewing()
{
    m_scope.spawn("lease renewal", renewLoop());
}

QCoro::Task<> EngineLease::renewLoop()
{
    const async::CancelToken token = m_scope.token();
    Millis pause = m_lease / 3;
    while (!token.isCancelled()) {
        if (co_await async::delay(pause, token) == async::Wake::Cancelled)
            break;
        const Millis before = m_clock.boot();
        const Status renewed = co_await m_store.renewLease(m_life, m_lease, m_lockTtl);
        if (renewed) {
            m_leaseEndsBoot = before + m_lease;
            pause = m_lease / 3;
        } else if (renewed.error().code() == ErrorCode::Conflict) {
            logCritical(
                lcGateway, "this engine has been replaced by another life of it", {{"engine", m_life.id}});
            Q_EMIT replaced();
            break;
        } else {
            logWarning(lcGateway, "the lease could not be renewed", {{"code", renewed.error().native()}});
            pause = std::min(m_lease / 10, Millis(1000));
        }
    }
}

QCoro::Task<> EngineLease::end()
{
    m_scope.cancel();
    co_await m_scope.join(kJoin);
    m_leaseEndsBoot = Millis(0); // what could not be joined acts no more
    if (m_life.id.isEmpty())
        co_return; // it never began
    const Status ended = co_await m_store.endEngine(m_life);
    if (!ended)
        logWarning(lcGateway, "the lease could not be ended; it runs out by itself",
            {{"code", ended.error().native()}});
}

bool EngineLease::mayAct() const
{
    return m_clock.boot() + std::min(kMargin, m_lease / 3) < m_leaseEndsBoot;
}

bool EngineLease::isLapsed() const
{
    return m_clock.boot() >= m_leaseEndsBoot;
}

} // namespace signalbox::gateway
