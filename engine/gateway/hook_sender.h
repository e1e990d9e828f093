// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gateway/engine_lease.h"
#include "gateway/work_loop.h"
#include "http/client.h"

#include <QHash>

#include <functional>
#include <vector>

namespace signalbox::gateway {

// What comes of one try to call a webhook.
struct HookDecision
{
    HookDecision() = default;
    store::ForwardState state = store::ForwardState::Retry;
    QString errorCode;
    Millis dueIn{0};
};

// 2xx is sent; everything else is tried again after 1 s, 2 s, … at most 60 s, or when the receiver says so,
// and given up after 24 h. `attempts` includes this one, `age` is the call's. Pure.
[[nodiscard]] HookDecision decideHook(const Result<http::Response> &answer, int attempts, Millis age);

// A call that this engine has claimed.
struct HookCall
{
    HookCall() = default;
    store::EngineLife life; // that claimed it
    QString id;
    QString target;
    int attempts = 0; // this one included
    Instant createdAt;
    http::ClientRequest request; // without its limits
};

// Sends calls to configured webhooks: claimed durably before a request leaves, each target with room of its
// own, so that one that hangs holds up no other. What is called, and in which order, is its owner's. Engine
// thread.
class HookSender
{
public:
    struct Queue
    {
        Queue() = default;
        std::function<QCoro::Task<Result<std::vector<HookCall>>>(QString target, int room)> claim;
        // Conflict, native "stale", when another life has the call.
        std::function<QCoro::Task<Status>(store::FinishForward)> finish;
    };
    // `name` is a literal, for logs.
    HookSender(
        const char *name, http::Client &client, EngineLease &lease, const Clock &clock, Millis timeout);

    void start(QStringList targets, Queue queue);
    void wake() { m_loop.wake(); }
    [[nodiscard]] QCoro::Task<> stop(Millis grace);

private:
    [[nodiscard]] QCoro::Task<bool> claim();
    [[nodiscard]] QCoro::Task<> sendOne(HookCall call);
    [[nodiscard]] QCoro::Task<Result<http::Response>> post(HookCall call);
    [[nodiscard]] QCoro::Task<> finish(store::FinishForward finish);

    const char *m_name;
    http::Client &m_client;
    EngineLease &m_lease;
    const Clock &m_clock;
    Millis m_timeout;
    QStringList m_targets;
    Queue m_queue;
    QHash<QString, int> m_inFlight; // by target
    WorkLoop m_loop;
    async::TaskScope m_running;
};

} // namespace signalbox::gateway
