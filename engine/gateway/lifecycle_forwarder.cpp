// SPDX-License-Identifier: Apache-2.0
#include "gateway/lifecycle_forwarder.h"

#include "base/failpoint.h"
#include "base/log.h"

#include <algorithm>

using namespace Qt::StringLiterals;
using signalbox::store::ForwardState;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcForward, "signalbox.engine.lifecycle")

constexpr Millis kBackstop{1000};
constexpr Millis kStorePause{500};
constexpr Millis kAbandon{10'000};
constexpr int kMostInFlight = 16; // for each target
constexpr Millis kRetryFirst{1000};
constexpr Millis kRetryMost{60'000};
constexpr Millis kGiveUp{std::chrono::hours(24)};
constexpr Millis kMostRetryAfter{std::chrono::hours(1)};
constexpr qint64 kMostAnswer = 64 * 1024;

Millis pauseAfter(int attempts)
{
    const int doublings = std::clamp(attempts - 1, 0, 6);
    return std::min(kRetryFirst * (1 << doublings), kRetryMost);
}

std::optional<Millis> retryAfter(const http::Response &response)
{
    bool ok = false;
    const qint64 seconds = response.headers.value("Retry-After").trimmed().toLongLong(&ok);
    if (!ok || seconds < 0)
        return std::nullopt;
    return std::clamp(Millis(std::min(seconds, qint64(86'400)) * 1000), kRetryFirst, kMostRetryAfter);
}

QString codeOf(const Error &error)
{
    switch (error.code()) {
    case ErrorCode::DeadlineExceeded:
        return u"timeout"_s;
    case ErrorCode::NotFound:
        return u"no_webhook"_s;
    case ErrorCode::Cancelled:
        return u"stopped"_s;
    default:
        return error.native() == QStringView(http::kNotSent) ? u"unreachable"_s : u"interrupted"_s;
    }
}

} // namespace

ForwardDecision decideForward(const Result<http::Response> &answer, int attempts, Millis age)
{
    ForwardDecision decision;
    if (answer && answer->status >= 200 && answer->status < 300) {
        decision.state = ForwardState::Sent;
        return decision;
    }
    decision.errorCode = answer ? u"http_"_s + QString::number(answer->status) : codeOf(answer.error());
    if (age >= kGiveUp) {
        decision.state = ForwardState::Dead;
        return decision;
    }
    decision.dueIn = pauseAfter(attempts);
    if (answer)
        decision.dueIn = retryAfter(*answer).value_or(decision.dueIn);
    return decision;
}

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
    , m_client(client)
    , m_lease(lease)
    , m_clock(clock)
    , m_timeout(config.recovery.httpTimeout)
    , m_loop("lifecycle forwarder", kBackstop)
    , m_running(u"lifecycle forwarder"_s)
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
    m_loop.start([this] { return claim(); });
}

QCoro::Task<bool> LifecycleForwarder::claim()
{
    for (const auto &[target, hook] : m_hooks) {
        const int room = kMostInFlight - m_inFlight.value(target);
        if (room <= 0)
            continue;
        if (!m_lease.mayAct())
            co_return false;
        auto rows = co_await m_store.claimForwards(m_lease.life(), target, room);
        if (!rows) {
            logWarning(
                lcForward, "lifecycle forwards could not be claimed", {{"code", rows.error().native()}});
            m_loop.wakeIn(kStorePause);
            co_return false;
        }
        for (store::ClaimedForward &row : *rows) {
            ++m_inFlight[row.target];
            m_running.spawn("lifecycle forward", sendOne(std::move(row)));
        }
    }
    co_return false; // the end of each wakes the loop
}

QCoro::Task<Result<http::Response>> LifecycleForwarder::post(store::ClaimedForward forward)
{
    const auto found = m_hooks.find(forward.target);
    if (found == m_hooks.end())
        co_return fail(ErrorCode::NotFound, u"the backend has no lifecycle_webhook_url"_s);
    const Hook &hook = found->second;
    http::ClientRequest request("POST", hook.url);
    request.headers.add("Content-Type", "application/json");
    request.headers.add("Idempotency-Key", forward.id.toLatin1());
    if (!hook.token.isEmpty())
        request.headers.add("Authorization", "Bearer " + hook.token.reveal());
    request.body = forwardBody(forward);
    request.timeout = m_timeout;
    request.maxResponseBytes = kMostAnswer;
    request.idempotent = true;
    if (!m_lease.mayAct(forward.life))
        co_return fail(Error(ErrorCode::Cancelled, u"the lease has lapsed"_s, u"not_sent"_s));
    reachFailpoint(FailPlace::SendForward, FailEdge::Before);
    Result<http::Response> answer = co_await m_client.send(std::move(request), m_running.token());
    reachFailpoint(FailPlace::SendForward, FailEdge::After);
    co_return answer;
}

QCoro::Task<> LifecycleForwarder::sendOne(store::ClaimedForward forward)
{
    const auto answer = co_await post(forward);
    --m_inFlight[forward.target];
    const ForwardDecision decision
        = decideForward(answer, forward.attempts, m_clock.now() - forward.createdAt);
    store::FinishForward finished;
    finished.life = forward.life;
    finished.id = forward.id;
    finished.attempts = forward.attempts;
    finished.state = decision.state;
    finished.errorCode = decision.errorCode;
    finished.dueIn = decision.dueIn;
    if (decision.state != ForwardState::Sent)
        logWarning(lcForward, "a lifecycle event was not forwarded",
            {{"forward", forward.id}, {"backend", forward.target}, {"code", decision.errorCode},
                {"attempts", QString::number(forward.attempts)},
                {"dead", decision.state == ForwardState::Dead ? u"yes"_s : u"no"_s}});
    co_await finish(std::move(finished));
}

QCoro::Task<> LifecycleForwarder::finish(store::FinishForward finished)
{
    Millis pause{200};
    for (;;) {
        const Status stored = co_await m_store.finishForward(finished);
        if (stored)
            break;
        const bool away = stored.error().code() == ErrorCode::Unavailable;
        logWarning(lcForward, "the result of a lifecycle forward is not stored yet",
            {{"forward", finished.id}, {"code", stored.error().native()}});
        // Not held any more, or not storable: whoever holds it next sends it again.
        if (!away)
            co_return;
        if (co_await async::delay(pause, m_running.token()) == async::Wake::Cancelled)
            co_return;
        pause = std::min(pause * 2, Millis(5000));
    }
    if (finished.dueIn.count() > 0)
        m_loop.wakeIn(finished.dueIn + Millis(5));
    m_loop.wake(); // the next of the lane
}

QCoro::Task<> LifecycleForwarder::stop(Millis grace)
{
    co_await m_loop.stop();
    const bool ended = co_await m_running.join(grace);
    if (ended)
        co_return;
    m_running.cancel();
    const bool stopped = co_await m_running.join(kAbandon);
    if (!stopped)
        logCritical(
            lcForward, "lifecycle forwards did not stop", {{"live", QString::number(m_running.live())}});
}

} // namespace signalbox::gateway
