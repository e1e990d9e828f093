// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "gateway/engine_lease.h"
#include "gateway/work_loop.h"
#include "http/client.h"

#include <QHash>

#include <map>

namespace signalbox::gateway {

// What comes of one try to forward a lifecycle event.
struct ForwardDecision
{
    ForwardDecision() = default;
    store::ForwardState state = store::ForwardState::Retry;
    QString errorCode;
    Millis dueIn{0};
};

// 2xx is sent; everything else is tried again after 1 s, 2 s, … at most 60 s, or when the receiver says so,
// and given up after 24 h. `attempts` includes this one, `age` is the forward's. Pure.
[[nodiscard]] ForwardDecision decideForward(const Result<http::Response> &answer, int attempts, Millis age);

// The body as contracts/spritz-backend.md §7 has it, with what we know besides.
[[nodiscard]] QByteArray forwardBody(const store::ClaimedForward &forward);

// Sends lifecycle events to the webhooks of the backends: claimed durably before a request leaves, every
// phase in order within a target and runtime. Engine thread.
class LifecycleForwarder
{
public:
    LifecycleForwarder(store::Store &store, http::Client &client, EngineLease &lease,
        const config::Config &config, const Clock &clock);

    // The backends that want lifecycle events.
    [[nodiscard]] static QStringList targets(const config::Config &config);
    void start();
    void wake() { m_loop.wake(); }
    [[nodiscard]] QCoro::Task<> stop(Millis grace);

private:
    struct Hook
    {
        Hook() = default;
        QUrl url;
        Secret token;
    };
    [[nodiscard]] QCoro::Task<bool> claim();
    [[nodiscard]] QCoro::Task<> sendOne(store::ClaimedForward forward);
    [[nodiscard]] QCoro::Task<Result<http::Response>> post(store::ClaimedForward forward);
    [[nodiscard]] QCoro::Task<> finish(store::FinishForward finish);

    store::Store &m_store;
    http::Client &m_client;
    EngineLease &m_lease;
    const Clock &m_clock;
    Millis m_timeout;
    std::map<QString, Hook> m_hooks; // by backend
    QHash<QString, int> m_inFlight; // by backend: one that hangs holds up no other
    WorkLoop m_loop;
    async::TaskScope m_running;
};

} // namespace signalbox::gateway
