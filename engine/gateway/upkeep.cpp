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
} // namespace

Upkeep::Upkeep(store::Store &store, const config::Config &config)
    : m_store(store)
    , m_config(config)
    , m_scope(u"upkeep"_s)
{
}

void Upkeep::start()
{
    m_scope.spawn("upkeep", loop());
}

QCoro::Task<> Upkeep::loop()
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
