// SPDX-License-Identifier: Apache-2.0
#include "gateway/lifecycle_forwarder.h"

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

QByteArray forwardBody(const store::ClaimedForward &forward)
{
    Json json = Json::object({{u"namespace"_s, forward.nameSpace}, {u"instanceId"_s, forward.instanceId},
        {u"phase"_s, forward.phase}});
    if (!forward.reason.isEmpty())
        json.set(u"reason"_s, forward.reason);
    json.set(u"observedAt"_s, toRfc3339(forward.observedAt));
    json.set(u"eventId"_s, forward.eventId);
    json.set(u"source"_s, forward.source);
    return json.toBytes();
}

LifecycleForwarder::LifecycleForwarder(store::Store &store, http::Client &client, EngineLease &lease,
    const config::Config &config, const Clock &clock)
    : m_store(store)
    , m_lease(lease)
    , m_targets(targets(config))
    , m_sender("lifecycle forwarder", client, lease, clock, config.recovery.httpTimeout)
{
    for (const config::BackendConfig &backend : config.backends) {
        if (backend.lifecycleWebhookUrl.isEmpty())
            continue;
        Hook hook;
        hook.url = QUrl(backend.lifecycleWebhookUrl);
        hook.token = backend.lifecycleWebhookToken;
        m_hooks.emplace(backend.name, hook);
    }
}

QStringList LifecycleForwarder::targets(const config::Config &config)
{
    QStringList names;
    for (const config::BackendConfig &backend : config.backends) {
        if (!backend.lifecycleWebhookUrl.isEmpty())
            names << backend.name;
    }
    return names;
}

void LifecycleForwarder::start()
{
    HookSender::Queue queue;
    queue.claim = [this](QString target, int room) { return claim(std::move(target), room); };
    queue.finish = [this](store::FinishForward finish) { return m_store.finishForward(std::move(finish)); };
    m_sender.start(m_targets, std::move(queue));
}

QCoro::Task<Result<std::vector<HookCall>>> LifecycleForwarder::claim(QString target, int room)
{
    const auto rows = co_await m_store.claimForwards(m_lease.life(), target, room);
    if (!rows)
        co_return fail(rows.error());
    std::vector<HookCall> calls;
    for (const store::ClaimedForward &row : *rows)
        calls.push_back(callOf(row));
    co_return calls;
}

HookCall LifecycleForwarder::callOf(const store::ClaimedForward &forward) const
{
    const Hook &hook = m_hooks.at(forward.target); // only these are claimed
    HookCall call;
    call.life = forward.life;
    call.id = forward.id;
    call.target = forward.target;
    call.attempts = forward.attempts;
    call.createdAt = forward.createdAt;
    call.request = http::ClientRequest("POST", hook.url);
    call.request.headers.add("Content-Type", "application/json");
    call.request.headers.add("Idempotency-Key", forward.id.toLatin1());
    if (!hook.token.isEmpty())
        call.request.headers.add("Authorization", "Bearer " + hook.token.reveal());
    call.request.body = forwardBody(forward);
    return call;
}

} // namespace signalbox::gateway
