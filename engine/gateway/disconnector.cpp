// SPDX-License-Identifier: Apache-2.0
#include "gateway/disconnector.h"

#include "async/wind_down.h"
#include "base/log.h"

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcDisconnect, "signalbox.engine.disconnect")

constexpr Millis kBackstop{1000};
constexpr Millis kRetryFirst{1000};
constexpr Millis kRetryMost{std::chrono::minutes(10)};
constexpr Millis kAbandon{10'000};
constexpr int kMostInFlight = 8;

Millis pauseAfter(int attempts)
{
    return std::min(kRetryFirst * (1 << std::clamp(attempts - 1, 0, 12)), kRetryMost);
}

} // namespace

Disconnector::Disconnector(
    store::Store &store, Backends &backends, EngineLease &lease, const config::Config &config)
    : m_store(store)
    , m_backends(backends)
    , m_lease(lease)
    , m_patience(2 * config.recovery.httpTimeout)
    , m_loop("disconnector", kBackstop)
    , m_running(u"disconnector"_s)
{
}

void Disconnector::start()
{
    m_loop.start([this] { return claim(); });
}

QCoro::Task<bool> Disconnector::claim()
{
    const int room = kMostInFlight - m_running.live();
    if (room <= 0 || !m_lease.mayAct())
        co_return false;
    auto rows = co_await m_store.claimDisconnects(room, m_patience);
    if (!rows) {
        logWarning(lcDisconnect, "registries that are to be told could not be read",
            {{"code", rows.error().native()}});
        co_return false; // the backstop tries again
    }
    for (store::ClaimedDisconnect &row : *rows)
        m_running.spawn("disconnect", tell(std::move(row)));
    co_return static_cast<int>(rows->size()) == room;
}

QCoro::Task<> Disconnector::tell(store::ClaimedDisconnect row)
{
    store::FinishDisconnect finish;
    finish.installationId = row.installationId;
    finish.attempts = row.attempts;
    const auto backend = m_backends.find(row.backend);
    if (backend == m_backends.end()) {
        finish.errorCode = u"backend_missing"_s;
    } else {
        const Status told = co_await backend->second->disconnectTenant(row.tenant, m_running.token());
        if (m_running.token().isCancelled())
            co_return; // due again by itself
        finish.done = told.has_value();
        if (!told)
            finish.errorCode = told.error().native().isEmpty() ? errorCodeName(told.error().code())
                                                               : told.error().native();
    }
    finish.dueIn = pauseAfter(row.attempts);
    const Millis dueIn = finish.dueIn;
    const bool done = finish.done;
    if (done)
        logInfo(lcDisconnect, "a registry was told that the app is gone",
            {{"installation", row.installationId}, {"attempt", QString::number(row.attempts)}});
    else
        logWarning(lcDisconnect, "a registry could not be told that the app is gone",
            {{"installation", row.installationId}, {"error", finish.errorCode}});
    const Status stored = co_await m_store.finishDisconnect(std::move(finish));
    if (!stored)
        logWarning(lcDisconnect, "what a registry said could not be stored",
            {{"installation", row.installationId}, {"code", stored.error().native()}});
    if (!done)
        m_loop.wakeIn(dueIn + Millis(5));
}

QCoro::Task<> Disconnector::stop(Millis grace)
{
    co_await m_loop.stop();
    const bool stopped = co_await async::windDown(m_running, grace, kAbandon);
    if (!stopped)
        logCritical(
            lcDisconnect, "calls to registries did not stop", {{"live", QString::number(m_running.live())}});
}

} // namespace signalbox::gateway
