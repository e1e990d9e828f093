// SPDX-License-Identifier: Apache-2.0
#include "gateway/runtime_refresh.h"

#include "async/wait.h"
#include "base/log.h"
#include "domain/recovery.h"

using namespace Qt::StringLiterals;
using signalbox::domain::ReachStep;
using signalbox::domain::Trouble;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcRecovery, "signalbox.engine.recovery")
constexpr qsizetype kRememberedPolls = 1000;
} // namespace

// Those who wait for one runtime. Its end tells all of them at once.
struct RuntimeRefresh::Group
{
    Group() = default;
    runtimes::BindRequest request; // of the first one
    int waiting = 0;
    std::optional<Result<runtimes::Binding>> end;
    async::CancelSource nobody; // fires when the last one has left
    async::CancelSource ended;
};

RuntimeRefresh::RuntimeRefresh(const Clock &clock, Millis interval)
    : m_clock(clock)
    , m_interval(interval)
    , m_scope(u"runtime refresh"_s)
{
}

QCoro::Task<Result<std::optional<runtimes::Binding>>> RuntimeRefresh::wait(
    runtimes::RuntimeBackend *backend, QString key, runtimes::BindRequest request, async::CancelToken cancel)
{
    std::shared_ptr<Group> group = m_groups.value(key);
    if (!group || group->nobody.token().isCancelled()) {
        group = std::make_shared<Group>();
        group->request = request;
        group->request.force = true;
        group->nobody.follow(m_scope.token());
        m_groups.insert(key, group);
        m_scope.spawn("runtime refresh", poll(backend, key, group));
    }
    ++group->waiting;
    const async::CancelToken ended = group->ended.token();
    if (!ended.isCancelled() && !cancel.isCancelled()) {
        co_await async::waitSignal(ended.state(), &async::CancelState::cancelled, async::kNoDeadline, cancel);
    }
    if (--group->waiting == 0 && !group->end)
        group->nobody.cancel();
    if (!group->end)
        co_return fail(
            Error(ErrorCode::Cancelled, u"cancelled while a runtime was waited for"_s, u"cancelled"_s));
    const Result<runtimes::Binding> end = *group->end;
    if (!end)
        co_return fail(end.error());
    if (group->request.place == request.place && group->request.tenant == request.tenant)
        co_return std::optional<runtimes::Binding>(*end);
    co_return std::optional<runtimes::Binding>();
}

QCoro::Task<> RuntimeRefresh::poll(
    runtimes::RuntimeBackend *backend, QString key, std::shared_ptr<Group> group)
{
    const async::CancelToken token = group->nobody.token();
    while (!token.isCancelled()) {
        const Millis now = m_clock.boot();
        const Millis due = m_lastPoll.contains(key) ? m_lastPoll.value(key) + m_interval : now;
        if (due > now) {
            const async::Wake wake = co_await async::delay(due - now, token);
            if (wake == async::Wake::Cancelled)
                break;
        }
        if (m_lastPoll.size() >= kRememberedPolls)
            m_lastPoll.clear();
        m_lastPoll.insert(key, m_clock.boot());
        runtimes::BindRequest request = group->request;
        Result<runtimes::Binding> answer = co_await backend->bind(std::move(request), token);
        if (token.isCancelled())
            break;
        const bool refused = !answer
            && domain::classifyTrouble(ReachStep::Exchange, answer.error().native()) == Trouble::Refused;
        if (!answer)
            logInfo(lcRecovery, "a runtime is not there yet", {{"code", answer.error().native()}});
        if (answer || refused) {
            group->end = std::move(answer);
            break;
        }
    }
    if (m_groups.value(key) == group)
        m_groups.remove(key);
    group->ended.cancel();
}

QCoro::Task<> RuntimeRefresh::stop()
{
    m_scope.cancel();
    co_await m_scope.join(Millis(5000));
}

} // namespace signalbox::gateway
