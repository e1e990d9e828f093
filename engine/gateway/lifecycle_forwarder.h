// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "gateway/hook_sender.h"

#include <map>

namespace signalbox::gateway {

// The body as contracts/spritz-backend.md §7 has it, with what we know besides.
[[nodiscard]] QByteArray forwardBody(const store::ClaimedForward &forward);

// Sends lifecycle events to the webhooks of the backends, every phase in order within a target and runtime.
// Engine thread.
class LifecycleForwarder
{
public:
    LifecycleForwarder(store::Store &store, http::Client &client, EngineLease &lease,
        const config::Config &config, const Clock &clock);

    // The backends that want lifecycle events.
    [[nodiscard]] static QStringList targets(const config::Config &config);
    void start();
    void wake() { m_sender.wake(); }
    [[nodiscard]] QCoro::Task<> stop(Millis grace) { return m_sender.stop(grace); }

private:
    struct Hook
    {
        Hook() = default;
        QUrl url;
        Secret token;
    };
    [[nodiscard]] QCoro::Task<Result<std::vector<HookCall>>> claim(QString target, int room);
    [[nodiscard]] HookCall callOf(const store::ClaimedForward &forward) const;

    store::Store &m_store;
    EngineLease &m_lease;
    QStringList m_targets;
    std::map<QString, Hook> m_hooks; // by backend
    HookSender m_sender;
};

} // namespace signalbox::gateway
