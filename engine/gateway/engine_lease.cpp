// SPDX-License-Identifier: Apache-2.0
#include "gateway/engine_lease.h"

#include "base/log.h"
#include "store/errors.h"

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
    m_registration = registration;
    m_registration.lease = m_lease;
    ++m_lives;
    co_return co_await registerLife();
}

QCoro::Task<Result<store::Registered>> EngineLease::registerLife()
{
    const Millis before = m_clock.boot();
    store::EngineRegistration registration = m_registration;
    // One that is run again must know its own life from a former one of the same process.
    registration.token += u'-' + QString::number(m_lives);
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
        const bool done = m_lapsed ? co_await beginAgain() : co_await renewOnce();
        pause = done ? m_lease / 3 : std::min(m_lease / 10, Millis(1000));
    }
}

// False: to be tried again soon.
QCoro::Task<bool> EngineLease::renewOnce()
{
    const Millis before = m_clock.boot();
    const Status renewed = co_await m_store.renewLease(m_life, m_lease, m_lockTtl);
    if (renewed) {
        m_leaseEndsBoot = before + m_lease;
        co_return true;
    }
    if (renewed.error().native() == QStringView(store::kStale)) {
        beReplaced();
        co_return false;
    }
    if (renewed.error().native() != u"lease_ended") {
        logWarning(lcGateway, "the lease could not be renewed", {{"code", renewed.error().native()}});
        // Cut off from a database that others may reach: they take what this life holds, and an agent that
        // went on would work beside theirs.
        if (!m_othersTakeOver || !isLapsed())
            co_return false;
    }
    logCritical(lcGateway, "the lease has lapsed: what this life held is let go of",
        {{"engine", m_life.id}, {"incarnation", QString::number(m_life.incarnation)}});
    m_leaseEndsBoot = Millis(0);
    if (m_letGo)
        co_await m_letGo();
    m_lapsed = true;
    ++m_lives;
    m_registration.former = m_life.incarnation;
    co_return co_await beginAgain();
}

void EngineLease::beReplaced()
{
    logCritical(lcGateway, "this engine has been replaced by another life of it", {{"engine", m_life.id}});
    m_leaseEndsBoot = Millis(0);
    Q_EMIT replaced();
    m_scope.cancel();
}

QCoro::Task<bool> EngineLease::beginAgain()
{
    if (m_scope.token().isCancelled())
        co_return false;
    const auto registered = co_await registerLife();
    if (!registered && registered.error().native() == QStringView(store::kStale)) { // while this one was away
        beReplaced();
        co_return false;
    }
    if (!registered) {
        logWarning(
            lcGateway, "the next life could not be registered", {{"code", registered.error().native()}});
        co_return false;
    }
    m_lapsed = false;
    logWarning(lcGateway, "another life of this engine has begun",
        {{"engine", m_life.id}, {"incarnation", QString::number(m_life.incarnation)}});
    Q_EMIT revived();
    co_return true;
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

bool EngineLease::mayAct(const store::EngineLife &claimer) const
{
    return mayAct() && claimer.id == m_life.id && claimer.incarnation == m_life.incarnation;
}

bool EngineLease::isLapsed() const
{
    return m_clock.boot() >= m_leaseEndsBoot;
}

} // namespace signalbox::gateway
