// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/ids.h"
#include "channels/channel_adapter.h"
#include "config/config.h"
#include "gateway/delivery_runner.h"
#include "gateway/ingest_pressure.h"
#include "gateway/outbox_decision.h"
#include "gateway/work_loop.h"

#include <QHash>

namespace signalbox::gateway {

// Sends outbound rows: claimed durably before the request leaves, in order within a lane, `Retry-After`
// honoured for the whole method of an installation, an unknown outcome resolved by looking. Engine thread.
class Outbox
{
public:
    Outbox(store::Store &store, InstallationBook &book, Backends &backends, EngineLease &lease,
        channels::ChannelAdapter &adapter, const IngestPressure &pressure, const config::Config &config,
        const Clock &clock, IdGenerator &ids);

    void start();
    void wake() { m_loop.wake(); }
    [[nodiscard]] QCoro::Task<> stop(Millis grace);

private:
    [[nodiscard]] QCoro::Task<bool> claim();
    [[nodiscard]] QCoro::Task<> sendOne(store::ClaimedOutbound row);
    [[nodiscard]] QCoro::Task<Secret> tokenFor(
        QString installationId, QString tenant, QString backend, QString place);
    [[nodiscard]] QCoro::Task<OutboundDecision> post(store::ClaimedOutbound row,
        channels::SendRequest request, bool resent, store::FinishOutbound *finish);
    [[nodiscard]] QCoro::Task<OutboundDecision> lookFor(
        store::ClaimedOutbound row, channels::SendRequest request, store::FinishOutbound *finish);
    [[nodiscard]] QCoro::Task<> tellLost(store::ClaimedOutbound row);
    [[nodiscard]] QCoro::Task<> finish(store::FinishOutbound finish);
    [[nodiscard]] Millis heldBack(const store::ClaimedOutbound &row) const;
    void holdBack(const store::ClaimedOutbound &row, Millis time);

    store::Store &m_store;
    InstallationBook &m_book;
    Backends &m_backends;
    EngineLease &m_lease;
    channels::ChannelAdapter &m_adapter;
    const IngestPressure &m_pressure;
    const config::Config &m_config;
    const Clock &m_clock;
    IdGenerator &m_ids;
    WorkLoop m_loop;
    async::TaskScope m_running;
    QHash<QString, Millis> m_notBefore; // installation and op to boot time
};

} // namespace signalbox::gateway
