// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "gateway/hook_sender.h"

#include <map>

namespace signalbox::gateway {

// Calls the webhooks of [[webhooks]] with what they asked to be told, signed as Standard Webhooks
// (webhook_signature.h). Engine thread.
class WebhookSender
{
public:
    WebhookSender(store::Store &store, http::Client &client, EngineLease &lease, const config::Config &config,
        const Clock &clock);

    // The webhooks that want this event.
    [[nodiscard]] static QStringList wanting(const config::Config &config, const QString &event);
    void start();
    void wake() { m_sender.wake(); }
    [[nodiscard]] QCoro::Task<> stop(Millis grace) { return m_sender.stop(grace); }

private:
    [[nodiscard]] QCoro::Task<Result<std::vector<HookCall>>> claim(QString target, int room);
    [[nodiscard]] HookCall callOf(const store::ClaimedWebhookCall &row) const;

    store::Store &m_store;
    EngineLease &m_lease;
    const Clock &m_clock;
    std::map<QString, config::WebhookConfig> m_webhooks; // by name
    HookSender m_sender;
};

} // namespace signalbox::gateway
