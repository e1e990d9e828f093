// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/records.h"
#include "store/session.h"

namespace signalbox::store {

struct LostLives;

// Calls to configured webhooks: queued in the transaction of what they tell, claimed by one engine, tried
// until they are taken or a day has passed. The receiver knows a call by its id, so what may have arrived is
// sent again.

struct WebhookDraft
{
    WebhookDraft() = default;
    QString id;
    QString webhook; // its name in the configuration
    QString event; // "interaction.answered"
    QString subjectId;
    QByteArray body; // JSON
    Millis payloadTtl{0};
};

struct ClaimedWebhookCall
{
    ClaimedWebhookCall() = default;
    EngineLife life; // that claimed it
    QString id;
    QString webhook;
    QString event;
    int attempts = 0; // this one included
    Instant createdAt;
    QByteArray body; // empty: it has expired
};

// sql_webhooks.cpp
// Nothing happens when the id is there already.
[[nodiscard]] Status insertWebhookCall(Session &session, const WebhookDraft &draft);
[[nodiscard]] Result<std::vector<ClaimedWebhookCall>> claimWebhookCallsUnit(Session &session,
    const EngineLife &life, const QString &webhook, int most, const std::vector<ClaimedWebhookCall> &earlier);
// Conflict, native "stale", when another life has it.
[[nodiscard]] Result<bool> finishWebhookCallUnit(Session &session, const FinishForward &finish);
// What nobody has tried since that time is dead: its webhook is configured nowhere any more.
[[nodiscard]] Result<int> abandonWebhookCalls(Session &session, Instant before, int most);
// What lost lives held is sent again.
[[nodiscard]] Status freeWebhookCalls(Session &session, const LostLives &lost);

} // namespace signalbox::store
