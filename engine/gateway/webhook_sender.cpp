// SPDX-License-Identifier: Apache-2.0
#include "gateway/webhook_sender.h"

#include "gateway/webhook_signature.h"

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

WebhookSender::WebhookSender(store::Store &store, http::Client &client, EngineLease &lease,
    const config::Config &config, const Clock &clock)
    : m_store(store)
    , m_lease(lease)
    , m_clock(clock)
    , m_sender("webhooks", client, lease, clock, config.recovery.httpTimeout)
{
    for (const config::WebhookConfig &webhook : config.webhooks)
        m_webhooks.emplace(webhook.name, webhook);
}

QStringList WebhookSender::wanting(const config::Config &config, const QString &event)
{
    QStringList names;
    for (const config::WebhookConfig &webhook : config.webhooks) {
        if (webhook.events.contains(event))
            names << webhook.name;
    }
    return names;
}

void WebhookSender::start()
{
    HookSender::Queue queue;
    queue.claim = [this](QString target, int room) { return claim(std::move(target), room); };
    queue.finish
        = [this](store::FinishForward finish) { return m_store.finishWebhookCall(std::move(finish)); };
    QStringList targets;
    for (const auto &[name, webhook] : m_webhooks)
        targets << name;
    m_sender.start(std::move(targets), std::move(queue));
}

QCoro::Task<Result<std::vector<HookCall>>> WebhookSender::claim(QString target, int room)
{
    const auto rows = co_await m_store.claimWebhookCalls(m_lease.life(), target, room);
    if (!rows)
        co_return fail(rows.error());
    std::vector<HookCall> calls;
    for (const store::ClaimedWebhookCall &row : *rows)
        calls.push_back(callOf(row));
    co_return calls;
}

HookCall WebhookSender::callOf(const store::ClaimedWebhookCall &row) const
{
    const config::WebhookConfig &webhook = m_webhooks.at(row.webhook); // only these are claimed
    HookCall call;
    call.life = row.life;
    call.id = row.id;
    call.target = row.webhook;
    call.attempts = row.attempts;
    call.createdAt = row.createdAt;
    call.request = http::ClientRequest("POST", QUrl(webhook.url));
    const QByteArray id = row.id.toLatin1();
    const qint64 seconds = toMs(m_clock.now()) / 1000;
    call.request.headers.add("Content-Type", "application/json");
    call.request.headers.add("webhook-id", id);
    call.request.headers.add("webhook-timestamp", QByteArray::number(seconds));
    call.request.headers.add(
        "webhook-signature", webhookSignature(webhook.allSecrets(), id, seconds, row.body));
    call.request.body = row.body;
    return call;
}

} // namespace signalbox::gateway
