// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/ids.h"
#include "channels/channel_adapter.h"
#include "config/config.h"
#include "gateway/delivery_runner.h"
#include "gateway/ingest_pressure.h"
#include "gateway/outbox_decision.h"
#include "gateway/rate_holds.h"
#include "gateway/work_loop.h"

namespace signalbox::gateway {

// Sends outbound rows: claimed durably before the request leaves, in order within a lane, as the channel's
// rate limits allow (rate_holds.h), an unknown outcome resolved by looking. Engine thread.
class Outbox
{
public:
    Outbox(store::Store &store, InstallationBook &book, Backends &backends, EngineLease &lease,
        channels::ChannelAdapter &adapter, const IngestPressure &pressure, const config::Config &config,
        const Clock &clock, IdGenerator &ids);

    void start();
    void wake() { m_loop.wake(); }
    // Called with the session whose log has grown.
    void onLogged(std::function<void(const QString &)> listener) { m_logged = std::move(listener); }
    [[nodiscard]] QCoro::Task<> stop(Millis grace);

private:
    [[nodiscard]] QCoro::Task<bool> claim();
    [[nodiscard]] QCoro::Task<> sendOne(store::ClaimedOutbound row);
    [[nodiscard]] QCoro::Task<Secret> tokenFor(store::ClaimedOutbound row);
    [[nodiscard]] QCoro::Task<> askProvider(store::ClaimedOutbound row);
    [[nodiscard]] QCoro::Task<OutboundDecision> decide(
        store::ClaimedOutbound row, channels::SendRequest request, store::FinishOutbound *finish);
    // What is known of a row whose token is not there, or not accepted now.
    [[nodiscard]] std::optional<OutboundDecision> withoutToken(
        const store::ClaimedOutbound &row, const Secret &token);
    [[nodiscard]] QCoro::Task<> learnFrom(
        store::ClaimedOutbound row, Secret token, channels::SendOutcome outcome);
    [[nodiscard]] QString troubleOf(const QString &installationId) const;
    [[nodiscard]] QCoro::Task<OutboundDecision> post(store::ClaimedOutbound row,
        channels::SendRequest request, bool resent, store::FinishOutbound *finish);
    [[nodiscard]] QCoro::Task<OutboundDecision> lookFor(
        store::ClaimedOutbound row, channels::SendRequest request, store::FinishOutbound *finish);
    [[nodiscard]] QCoro::Task<> tellLost(store::ClaimedOutbound row);
    [[nodiscard]] QCoro::Task<> finish(store::FinishOutbound finish);
    [[nodiscard]] QCoro::Task<> recordStale(store::FinishOutbound finish);

    store::Store &m_store;
    InstallationBook &m_book;
    Backends &m_backends;
    EngineLease &m_lease;
    channels::ChannelAdapter &m_adapter;
    const IngestPressure &m_pressure;
    const config::Config &m_config;
    const Clock &m_clock;
    IdGenerator &m_ids;
    std::function<void(const QString &)> m_logged;
    WorkLoop m_loop;
    async::TaskScope m_running;
    RateHolds m_holds;
    QHash<QString, Millis> m_refused; // installation to boot time: its token is not tried before
    QHash<QString, Millis> m_asked; // installation to boot time: its provider is not asked before
};

} // namespace signalbox::gateway
