// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/ids.h"
#include "config/config.h"
#include "gateway/delivery_work.h"

#include <vector>

namespace signalbox::gateway {

// Makes the outbound rows that speak for one delivery: at most one for each purpose, whatever happens. Engine
// thread.
class DeliveryDrafts
{
public:
    DeliveryDrafts(const config::Config &config, IdGenerator &ids)
        : m_config(config)
        , m_ids(ids)
    {
    }

    [[nodiscard]] store::OutboundDraft message(const store::ClaimedDelivery &delivery, const QString &purpose,
        domain::OutboundKind kind, const QString &escapedText) const;
    // `removed`: taken back when the delivery is over.
    [[nodiscard]] store::OutboundDraft acknowledgement(
        const store::ClaimedDelivery &delivery, const QString &reaction, bool removed) const;
    // The parts of a reply, escaped and split as Slack wants them; a session's log takes it as it is.
    void addReply(const store::ClaimedDelivery &delivery, const QString &text,
        std::vector<store::OutboundDraft> &drafts) const;

private:
    const config::Config &m_config;
    IdGenerator &m_ids;
};

} // namespace signalbox::gateway
