// SPDX-License-Identifier: Apache-2.0
#include "gateway/upkeep.h"

#include "base/log.h"

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcUpkeep, "signalbox.engine.upkeep")
constexpr Millis kPause{std::chrono::minutes(1)};
constexpr Millis kBetweenBatches{50};
constexpr int kBatch = 200;
constexpr Millis kReapPause{3000}; // within lease + 5 s, somebody has taken over
} // namespace

Upkeep::Upkeep(store::Store &store, EngineLease &lease, const config::Config &config, IdGenerator &ids)
    : m_store(store)
    , m_lease(lease)
    , m_config(config)
    , m_ids(ids)
    , m_scope(u"upkeep"_s)
{
}

void Upkeep::start()
{
    m_scope.spawn("upkeep", sweep());
    m_scope.spawn("reaper", reap());
}

// A batch of one lost engine after the other; SQLite has none, whose next life takes everything back.
QCoro::Task<> Upkeep::reap()
{
    const async::CancelToken token = m_scope.token();
    Millis pause = kReapPause;
    while (co_await async::delay(pause, token) != async::Wake::Cancelled) {
        pause = kReapPause;
        if (!m_lease.mayAct())
            continue;
        store::ReapOrder order;
        order.self = m_lease.life();
        order.auditId = m_ids.next();
        const auto reaped = co_await m_store.reapLostEngine(std::move(order));
        if (!reaped) {
            logWarning(lcUpkeep, "lost engines could not be looked for", {{"code", reaped.error().native()}});
            continue;
        }
        if (reaped->life.id.isEmpty())
            continue;
        logWarning(lcUpkeep, "the work of a lost engine was taken back",
            {{"engine", reaped->life.id}, {"run_again", QString::number(reaped->handedBack)},
                {"looked_for", QString::number(reaped->fenced)},
                {"unknown_outbound", QString::number(reaped->unknownOutbound)}});
        if (m_freed)
            m_freed();
        pause = kBetweenBatches; // perhaps there is more, or another
    }
}

QCoro::Task<> Upkeep::sweep()
{
    const async::CancelToken token = m_scope.token();
    store::Retention retention;
    retention.deadLetters = m_config.engine.deadLetterRetention;
    retention.history = m_config.engine.historyRetention;
    Millis pause = kPause;
    while (co_await async::delay(pause, token) != async::Wake::Cancelled) {
        const auto removed = co_await m_store.sweep(retention, kBatch);
        if (!removed)
            logWarning(lcUpkeep, "a sweep failed", {{"code", removed.error().native()}});
        pause = removed && *removed >= kBatch ? kBetweenBatches : kPause;
    }
}

QCoro::Task<> Upkeep::stop()
{
    m_scope.cancel();
    co_await m_scope.join(Millis(5000));
}

} // namespace signalbox::gateway
