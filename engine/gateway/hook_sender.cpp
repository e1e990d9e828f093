// SPDX-License-Identifier: Apache-2.0
#include "gateway/hook_sender.h"

#include "async/wind_down.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "store/errors.h"

#include <algorithm>

using namespace Qt::StringLiterals;
using signalbox::store::ForwardState;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcHooks, "signalbox.engine.webhooks")

constexpr Millis kBackstop{1000};
constexpr Millis kStorePause{500};
constexpr Millis kAbandon{10'000};
constexpr int kMostInFlight = 16; // for each target
constexpr Millis kRetryFirst{1000};
constexpr Millis kRetryMost{60'000};
constexpr Millis kGiveUp{std::chrono::hours(24)};
constexpr Millis kMostRetryAfter{std::chrono::hours(1)};
constexpr int kMostRefusals = 5; // by the store
constexpr Millis kNotStorable{60'000};
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

HookDecision decideHook(const Result<http::Response> &answer, int attempts, Millis age)
{
    HookDecision decision;
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

HookSender::HookSender(
    const char *name, http::Client &client, EngineLease &lease, const Clock &clock, Millis timeout)
    : m_name(name)
    , m_client(client)
    , m_lease(lease)
    , m_clock(clock)
    , m_timeout(timeout)
    , m_loop(name, kBackstop)
    , m_running(QString::fromUtf8(name))
{
}

void HookSender::start(QStringList targets, Queue queue)
{
    m_targets = std::move(targets);
    m_queue = std::move(queue);
    m_loop.start([this] { return claim(); });
}

QCoro::Task<bool> HookSender::claim()
{
    const QStringList targets = m_targets;
    for (const QString &target : targets) {
        const int room = kMostInFlight - m_inFlight.value(target);
        if (room <= 0)
            continue;
        if (!m_lease.mayAct())
            co_return false;
        auto calls = co_await m_queue.claim(target, room);
        if (!calls) {
            logWarning(lcHooks, "calls to a webhook could not be claimed",
                {{"queue", QString::fromUtf8(m_name)}, {"code", calls.error().native()}});
            m_loop.wakeIn(kStorePause);
            co_return false;
        }
        for (HookCall &call : *calls) {
            ++m_inFlight[call.target];
            m_running.spawn("webhook call", sendOne(std::move(call)));
        }
    }
    co_return false; // the end of each wakes the loop
}

QCoro::Task<Result<http::Response>> HookSender::post(HookCall call)
{
    http::ClientRequest request = std::move(call.request);
    request.timeout = m_timeout;
    request.maxResponseBytes = kMostAnswer;
    request.idempotent = true;
    request.mayLeave = [this, life = call.life] { return m_lease.mayAct(life); };
    reachFailpoint(FailPlace::SendForward, FailEdge::Before);
    Result<http::Response> answer = co_await m_client.send(std::move(request), m_running.token());
    reachFailpoint(FailPlace::SendForward, FailEdge::After);
    co_return answer;
}

QCoro::Task<> HookSender::sendOne(HookCall call)
{
    store::FinishForward finished;
    finished.life = call.life;
    finished.id = call.id;
    finished.attempts = call.attempts;
    const QString target = call.target;
    const Instant created = call.createdAt;
    const auto answer = co_await post(std::move(call));
    --m_inFlight[target];
    const HookDecision decision = decideHook(answer, finished.attempts, m_clock.now() - created);
    finished.state = decision.state;
    finished.errorCode = decision.errorCode;
    finished.dueIn = decision.dueIn;
    if (decision.state != ForwardState::Sent)
        logWarning(lcHooks, "a webhook was not reached",
            {{"queue", QString::fromUtf8(m_name)}, {"call", finished.id}, {"target", target},
                {"code", decision.errorCode}, {"attempts", QString::number(finished.attempts)},
                {"dead", decision.state == ForwardState::Dead ? u"yes"_s : u"no"_s}});
    co_await finish(std::move(finished));
}

QCoro::Task<> HookSender::finish(store::FinishForward finished)
{
    Millis pause{200};
    int refusals = 0;
    for (;;) {
        const Status stored = co_await m_queue.finish(finished);
        if (stored)
            break;
        const bool away = stored.error().code() == ErrorCode::Unavailable;
        logWarning(lcHooks, "what came of a webhook call is not stored yet",
            {{"call", finished.id}, {"code", stored.error().native()}});
        if (stored.error().native() == QStringView(store::kStale))
            co_return; // not held any more: whoever holds it next sends it again
        // One that cannot be stored would block its lane for as long as this engine lives.
        if (!away && ++refusals == kMostRefusals)
            co_return;
        if (!away) {
            finished.state = ForwardState::Retry;
            finished.errorCode = u"not_storable"_s;
            finished.dueIn = kNotStorable;
        }
        if (co_await async::delay(pause, m_running.token()) == async::Wake::Cancelled)
            co_return;
        pause = std::min(pause * 2, Millis(5000));
    }
    if (finished.dueIn.count() > 0)
        m_loop.wakeIn(finished.dueIn + Millis(5));
    m_loop.wake(); // the next of the lane
}

QCoro::Task<> HookSender::stop(Millis grace)
{
    co_await m_loop.stop();
    const bool stopped = co_await async::windDown(m_running, grace, kAbandon);
    if (!stopped)
        logCritical(lcHooks, "calls to webhooks did not stop", {{"live", QString::number(m_running.live())}});
}

} // namespace signalbox::gateway
