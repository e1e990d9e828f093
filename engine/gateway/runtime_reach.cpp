// SPDX-License-Identifier: Apache-2.0
#include "gateway/runtime_reach.h"

#include "async/wait.h"
#include "base/log.h"
#include "domain/feedback.h"
#include "domain/installation_trouble.h"
#include "domain/session_id.h"
#include "store/errors.h"

using namespace Qt::StringLiterals;
using signalbox::domain::ReachStep;
using signalbox::domain::RecoveryAction;
using signalbox::domain::Stage;
using signalbox::domain::Trouble;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcRecovery, "signalbox.engine.recovery")
constexpr Millis kStatusAgain{1000};
constexpr int kTriesKept = 20; // of one claim, as attempts; the delivery itself shows the last one
constexpr int kTriesOfClaim = 1000; // numbers between those of two claims

domain::RecoveryClocks clocksOf(const config::RecoveryConfig &config)
{
    domain::RecoveryClocks clocks;
    clocks.retryInitial = config.promptRetryInitial;
    clocks.retryMost = config.promptRetryMax;
    clocks.retryTimeout = config.promptRetryTimeout;
    return clocks;
}

// Shared per installation and runtime, or place before one is known.
QString refreshKey(const DeliveryWork &work)
{
    const QString what = work.binding.instanceId.isEmpty()
        ? u"place:"_s + work.delivery.place
        : work.binding.nameSpace + u'/' + work.binding.instanceId;
    return work.delivery.installationId + u'|' + work.delivery.backend + u'|' + what;
}

} // namespace

// One delivery's recovery, from its first trouble to its open conversation.
struct RuntimeReach::Recovery
{
    explicit Recovery(domain::RecoveryClocks clocks)
        : ladder(clocks)
    {
    }
    domain::RecoveryLadder ladder;
    bool began = false;
    int tries = 0; // noted so far
    Instant triedAt; // when the step that is under way began
    async::CancelSource over; // disarms the status message
};

RuntimeReach::RuntimeReach(store::Store &store, InstallationBook &book, RuntimeRefresh &refresh,
    const config::Config &config, const Clock &clock, IdGenerator &ids, const DeliveryDrafts &drafts)
    : m_store(store)
    , m_book(book)
    , m_refresh(refresh)
    , m_config(config)
    , m_clock(clock)
    , m_ids(ids)
    , m_drafts(drafts)
    , m_scope(u"runtime reach"_s)
{
}

QCoro::Task<> RuntimeReach::stop()
{
    m_scope.cancel();
    co_await m_scope.join(Millis(5000));
}

QCoro::Task<Status> RuntimeReach::bind(std::shared_ptr<DeliveryWork> work)
{
    Result<runtimes::Binding> answer
        = co_await work->backend->bind(work->bindRequest(), work->deadline.token());
    co_return co_await learn(work, std::move(answer));
}

// Also of an answer that has no runtime: it may tell the token with which people are told.
QCoro::Task<Status> RuntimeReach::learn(std::shared_ptr<DeliveryWork> work, Result<runtimes::Binding> answer)
{
    const QString &installation = work->delivery.installationId;
    const auto known = m_book.byId(installation);
    std::optional<runtimes::Binding> told;
    if (answer)
        told = *answer;
    else
        told = work->backend->lastKnown(work->delivery.tenant, work->delivery.place);
    // Before anything of it is learnt: a foreign app's token must never become this installation's.
    if (told && known && isForeignApp(*known, told->apiAppId)) {
        work->binding = runtimes::Binding();
        co_await m_book.note(installation, QString::fromUtf16(domain::kAppMismatch));
        co_return fail(Error(
            ErrorCode::Conflict, u"the provider's token belongs to another Slack app"_s, u"app_mismatch"_s));
    }
    // A replay to another backend speaks for that one alone.
    if (told && known && known->row.backend == work->delivery.backend) {
        const Secret token = told->botToken;
        co_await m_book.learnToken(installation, token);
        if (!told->apiAppId.isEmpty())
            co_await m_book.clear(installation, QString::fromUtf16(domain::kAppMismatch));
        if (!told->botUserId.isEmpty())
            m_scope.spawn("bot user", m_book.learnBotUser(installation, told->botUserId));
    }
    if (!answer)
        co_return fail(answer.error());
    // No token that Slack still accepts, and nobody to answer: the app is gone, and its provider does not
    // know yet.
    if (const auto now = m_book.byId(installation); now && now->isRevoked() && now->botToken.isEmpty()) {
        co_return fail(Error(ErrorCode::Unauthorized, u"the app was uninstalled from this tenant"_s,
            QString::fromUtf16(domain::kAppUninstalled)));
    }
    work->binding = std::move(*answer);
    if (work->binding.botUserId.isEmpty() && known)
        work->binding.botUserId = known->row.botUserId;
    co_return Status();
}

QCoro::Task<Result<std::shared_ptr<runtimes::Turn>>> RuntimeReach::reach(
    std::shared_ptr<DeliveryWork> work, std::function<bool()> onBound)
{
    const auto recovery = std::make_shared<Recovery>(clocksOf(m_config.recovery));
    Result<std::shared_ptr<runtimes::Turn>> turn = co_await climb(work, recovery, std::move(onBound));
    recovery->over.cancel();
    co_return turn;
}

QCoro::Task<Result<std::shared_ptr<runtimes::Turn>>> RuntimeReach::climb(
    std::shared_ptr<DeliveryWork> work, std::shared_ptr<Recovery> recovery, std::function<bool()> onBound)
{
    bool isBound = false;
    if (work->delivery.runtimeStale) {
        // What was bound is known to have ended: no round through a runtime that is not there.
        begin(work, recovery, u"runtime_ended"_s);
        co_await note(work, stageNote(*work, u"runtime_ended"_s));
        const Result<bool> refreshed = co_await refresh(work);
        isBound = refreshed && *refreshed;
    }
    for (;;) {
        recovery->triedAt = m_clock.now();
        if (!isBound) {
            const Status asked = co_await bind(work);
            if (!asked) {
                const Result<bool> recovered
                    = co_await recover(work, recovery, ReachStep::Exchange, asked.error());
                if (!recovered)
                    co_return fail(recovered.error());
                if (!*recovered)
                    continue;
            }
        }
        const bool goOn = onBound();
        if (!goOn)
            co_return fail(Error(ErrorCode::InvalidInput, u"nothing to do"_s, u"nothing_to_do"_s));
        recovery->triedAt = m_clock.now();
        auto opened
            = co_await work->backend->open(work->binding, work->openRequest(), work->deadline.token());
        const QString &instance = work->binding.instanceId;
        if (opened) {
            if (!instance.isEmpty() && (recovery->began || instance != work->delivery.runtimeInstance))
                co_await observe(work, u"ready"_s, QString());
            co_return opened;
        }
        if (opened.error().native() == u"spritz_not_found")
            co_await observe(work, u"lost"_s, opened.error().native());
        const Result<bool> recovered = co_await recover(work, recovery, ReachStep::Open, opened.error());
        if (!recovered)
            co_return fail(recovered.error());
        isBound = *recovered;
    }
}

// The first trouble of a delivery: from here on people are told when it takes long.
void RuntimeReach::begin(
    const std::shared_ptr<DeliveryWork> &work, const std::shared_ptr<Recovery> &recovery, const QString &code)
{
    if (std::exchange(recovery->began, true))
        return;
    logInfo(lcRecovery, "a runtime has to be recovered",
        {{"delivery", work->held.id}, {"backend", work->delivery.backend}, {"code", code}});
    const auto delay
        = domain::startingDelayFor(m_book.feedback(work->delivery.installationId, work->delivery.place));
    if (delay)
        m_scope.spawn("status message", announce(work, recovery, *delay));
}

// One step of the ladder. True: work->binding is the one to open; false: it has to be asked for.
QCoro::Task<Result<bool>> RuntimeReach::recover(
    std::shared_ptr<DeliveryWork> work, std::shared_ptr<Recovery> recovery, ReachStep step, Error error)
{
    const Trouble trouble = domain::classifyTrouble(step, error.native());
    const domain::RecoveryStep next = recovery->ladder.next(step, trouble, m_clock.boot());
    const async::CancelToken token = work->deadline.token();
    store::NoteStage tried = stageNote(*work, error.native());
    if (recovery->tries < kTriesKept)
        tried.what = step == ReachStep::Exchange ? u"exchange"_s : u"open"_s;
    tried.attemptId = m_ids.next();
    tried.number = work->delivery.attempts * kTriesOfClaim + recovery->tries;
    tried.target = work->delivery.backend;
    tried.errorText = error.toString();
    tried.startedAt = recovery->triedAt;
    ++recovery->tries;
    if (token.isCancelled())
        co_return fail(error);
    if (next.action == RecoveryAction::GiveUp) {
        tried.waitsForRuntime = false; // it ends now
        co_await note(work, std::move(tried));
        co_return fail(error);
    }
    begin(work, recovery, error.native());
    co_await note(work, std::move(tried));
    if (next.action == RecoveryAction::OpenAgain) {
        const async::Wake wake = co_await async::delay(next.pause, token);
        if (wake == async::Wake::Cancelled)
            co_return fail(error);
        co_return true;
    }
    const Result<bool> refreshed = co_await refresh(work);
    if (!refreshed && refreshed.error().code() == ErrorCode::Cancelled)
        co_return fail(error);
    co_return refreshed;
}

// Joins the one who makes the provider look anew. False: its answer was for another place.
QCoro::Task<Result<bool>> RuntimeReach::refresh(std::shared_ptr<DeliveryWork> work)
{
    const async::CancelToken token = work->deadline.token();
    runtimes::BindRequest request = work->bindRequest();
    const auto refreshed
        = co_await m_refresh.wait(work->backend, refreshKey(*work), std::move(request), token);
    if (!refreshed)
        co_return fail(refreshed.error());
    if (!*refreshed)
        co_return false;
    Result<runtimes::Binding> answer = **refreshed;
    const Status learnt = co_await learn(work, std::move(answer));
    if (!learnt)
        co_return fail(learnt.error());
    co_return true;
}

store::NoteStage RuntimeReach::stageNote(const DeliveryWork &work, const QString &errorCode)
{
    store::NoteStage note;
    note.held = work.held;
    note.stage = Stage::Recovering;
    note.waitsForRuntime = true;
    note.errorCode = errorCode;
    return note;
}

// Shown to operators; an engine that cannot write it goes on, for it decides nothing.
QCoro::Task<> RuntimeReach::note(std::shared_ptr<DeliveryWork> work, store::NoteStage note)
{
    const Status noted = co_await m_store.noteStage(std::move(note));
    if (!noted) {
        logWarning(lcRecovery, "how far a delivery has come could not be noted",
            {{"delivery", work->held.id}, {"code", noted.error().native()}});
        // The fence has risen: an operator has released the lock, or another life has taken over.
        if (noted.error().native() == QStringView(store::kStale))
            work->deadline.cancel();
    }
}

QCoro::Task<> RuntimeReach::observe(std::shared_ptr<DeliveryWork> work, QString phase, QString detail)
{
    store::ObservedRuntime seen;
    seen.backend = work->delivery.backend;
    seen.nameSpace = work->binding.nameSpace;
    seen.instanceId = work->binding.instanceId;
    seen.phase = phase;
    seen.detail = detail;
    const Status observed = co_await m_store.observeRuntime(std::move(seen));
    if (!observed)
        logWarning(
            lcRecovery, "the phase of a runtime could not be noted", {{"code", observed.error().native()}});
}

// After the visible delay, once a token is known; until it is queued, or the recovery is over.
QCoro::Task<> RuntimeReach::announce(
    std::shared_ptr<DeliveryWork> work, std::shared_ptr<Recovery> recovery, Millis delay)
{
    async::CancelSource source;
    source.follow(recovery->over.token());
    source.follow(work->deadline.token());
    source.follow(m_scope.token());
    const async::CancelToken token = source.token();
    Millis pause = delay;
    while (!work->statusQueued) {
        const async::Wake wake = co_await async::delay(pause, token);
        if (wake == async::Wake::Cancelled)
            co_return;
        const auto known = m_book.byId(work->delivery.installationId);
        if (known && (!known->botToken.isEmpty() || domain::hasSessionLog(known->row.channel)))
            co_await postStatus(work, token);
        pause = kStatusAgain;
    }
}

QCoro::Task<> RuntimeReach::postStatus(std::shared_ptr<DeliveryWork> work, async::CancelToken token)
{
    // From now on one may be on its way, whatever the answer says.
    work->statusQueued = true;
    std::vector<store::OutboundDraft> drafts;
    const QString text = m_book.feedback(work->delivery.installationId, work->delivery.place).startingText;
    drafts.push_back(
        m_drafts.message(work->delivery, u"status:runtime"_s, domain::OutboundKind::Status, text));
    drafts.back().fence = work->held.fence;
    const Status queued = co_await m_store.enqueueOutbound(std::move(drafts));
    if (!queued) {
        logWarning(lcRecovery, "a status message could not be queued", {{"delivery", work->held.id}});
        work->statusQueued = token.isCancelled();
    }
    // What it announces has come meanwhile: nothing may follow it.
    if (token.isCancelled())
        co_await withdraw(work->held.id);
    else if (m_outbound)
        m_outbound();
}

void RuntimeReach::disarm(const std::shared_ptr<DeliveryWork> &work)
{
    if (work->statusQueued)
        m_scope.spawn("status withdrawal", withdraw(work->held.id));
}

QCoro::Task<> RuntimeReach::withdraw(QString deliveryId)
{
    // The end of the turn withdraws it too; this is earlier.
    const Status dropped = co_await m_store.dropStatus(deliveryId);
    if (!dropped)
        logWarning(lcRecovery, "a status message could not be withdrawn", {{"delivery", deliveryId}});
}

} // namespace signalbox::gateway
