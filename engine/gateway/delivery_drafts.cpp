// SPDX-License-Identifier: Apache-2.0
#include "gateway/delivery_drafts.h"

#include "domain/session_id.h"
#include "domain/slack_text.h"

using namespace Qt::StringLiterals;
using signalbox::domain::OutboundKind;

namespace signalbox::gateway {

store::OutboundDraft DeliveryDrafts::message(const store::ClaimedDelivery &delivery, const QString &purpose,
    OutboundKind kind, const QString &escapedText) const
{
    store::OutboundDraft draft;
    draft.id = m_ids.next();
    draft.installationId = delivery.installationId;
    draft.deliveryId = delivery.id;
    draft.purpose = purpose;
    draft.kind = kind;
    draft.place = delivery.place;
    draft.thread = delivery.thread;
    draft.body = Json::object({{u"text"_s, escapedText}}).toBytes();
    draft.payloadTtl = m_config.engine.payloadRetention;
    return draft;
}

store::OutboundDraft DeliveryDrafts::acknowledgement(
    const store::ClaimedDelivery &delivery, const QString &reaction, bool removed) const
{
    // Decided once, when it is given: the store takes back what is called "ack" and nothing else.
    store::OutboundDraft draft
        = message(delivery, removed ? u"ack"_s : u"ack_kept"_s, OutboundKind::Reaction, QString());
    draft.fence = delivery.fence;
    draft.op = domain::OutboundOp::React;
    draft.targetTs = delivery.messageTs;
    draft.body = Json::object({{u"name"_s, reaction}}).toBytes();
    return draft;
}

void DeliveryDrafts::addReply(const store::ClaimedDelivery &delivery, const QString &text,
    std::vector<store::OutboundDraft> &drafts) const
{
    const QString whole = text.trimmed();
    const QStringList parts = domain::hasSessionLog(delivery.channel)
        ? QStringList(whole)
        : domain::splitForSlack(domain::escapeForSlack(whole));
    for (qsizetype i = 0; i < parts.size(); ++i) {
        store::OutboundDraft part
            = message(delivery, u"reply:%1"_s.arg(i + 1), OutboundKind::Reply, parts[i]);
        part.part = static_cast<int>(i) + 1;
        part.parts = static_cast<int>(parts.size());
        drafts.push_back(std::move(part));
    }
}

} // namespace signalbox::gateway
