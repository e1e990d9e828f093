// SPDX-License-Identifier: Apache-2.0
#include "gateway/delivery_runner.h"

#include "async/completion.h"
#include "base/log.h"
#include "domain/feedback.h"
#include "domain/prompt_text.h"
#include "domain/session_id.h"
#include "domain/slack_text.h"
#include "store/errors.h"

#include <QTimer>

#include <optional>

using namespace Qt::StringLiterals;
using signalbox::domain::DeliveryState;
using signalbox::domain::OutboundKind;
using signalbox::domain::OutboundOp;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcDelivery, "signalbox.engine.delivery")

constexpr Millis kStorePauseFirst{100};
constexpr Millis kStorePauseMost{5000};
constexpr Millis kAgainAfterNotSent{500};
constexpr int kMostRefused = 5; // times that the store refuses an outcome for another reason than being away
constexpr int kMostNotSent = 10; // tries, until people are told that it does not work

bool isStale(const Error &error)
{
    return error.native() == QStringView(store::kStale);
}

bool isPaused(const Error &error)
{
    return error.native() == u"paused";
}

QString turnSummary(const runtimes::TurnResult &result)
{
    Json summary = Json::object(
        {{u"frames"_s, result.frames}, {u"text_characters"_s, static_cast<qint64>(result.text.size())}});
    if (!result.stopReason.isEmpty())
        summary.set(u"stop_reason"_s, result.stopReason);
    if (result.permissionsRefused > 0)
        summary.set(u"permissions_refused"_s, result.permissionsRefused);
    return QString::fromUtf8(summary.toBytes());
}

// What the person says to the agent. Only Slack's texts have mentions and escapes in them.
QString personText(const DeliveryWork &work, bool unescape)
{
    const QString text = work.event[u"text"].toString();
    if (domain::hasSessionLog(work.delivery.channel))
        return text.trimmed();
    return domain::promptText(text, work.binding.botUserId, work.delivery.mentioned, unescape);
}

} // namespace

DeliveryRunner::DeliveryRunner(store::Store &store, InstallationBook &book, Backends &backends,
    EngineLease &lease, RuntimeReach &reach, TurnAdoption &adoption, Interactions &interactions,
    const DeliveryDrafts &drafts, const config::Config &config, IdGenerator &ids)
    : m_store(store)
    , m_book(book)
    , m_backends(backends)
    , m_lease(lease)
    , m_reach(reach)
    , m_adoption(adoption)
    , m_interactions(interactions)
    , m_drafts(drafts)
    , m_config(config)
    , m_ids(ids)
    , m_scope(u"delivery notes"_s)
{
}

QCoro::Task<> DeliveryRunner::stop()
{
    m_scope.cancel();
    co_await m_scope.join(Millis(5000));
}

QCoro::Task<> DeliveryRunner::run(store::ClaimedDelivery delivery, async::CancelToken stop)
{
    auto work = std::make_shared<DeliveryWork>();
    work->held = store::HeldDelivery(delivery.id, delivery.fence);
    work->delivery = std::move(delivery);
    work->stop = stop;
    work->deadline.follow(stop);
    // Ends with the work, which owns the token that it fires.
    QTimer timeout;
    timeout.setSingleShot(true);
    DeliveryWork *raw = work.get();
    QObject::connect(&timeout, &QTimer::timeout, &timeout, [raw] {
        raw->timedOut = true;
        raw->deadline.cancel();
    });
    timeout.start(m_config.recovery.deliveryTimeout);
    Decision decision = co_await decide(work, &timeout);
    timeout.stop();
    // A turn that ended well while the engine was stopping is still written down; the rest is handed back by
    // whoever stops the engine.
    if (stop.isCancelled() && decision.attemptOutcome != u"ok" && !decision.again)
        co_return;
    const bool paused = decision.errorCode == u"paused";
    if (decision.again && !paused && work->delivery.notSent + 1 >= kMostNotSent)
        decision = decideNotOpened(
            Error(ErrorCode::Unavailable, u"the prompt could not be handed over"_s, u"not_sent"_s));
    co_await finish(work, std::move(decision));
}

QCoro::Task<Decision> DeliveryRunner::decide(std::shared_ptr<DeliveryWork> work, QTimer *timeout)
{
    const auto event = Json::parse(work->delivery.payload);
    work->event = event ? *event : Json();
    const auto backend = m_backends.find(work->delivery.backend);
    if (backend != m_backends.end())
        work->backend = backend->second.get();
    if (!domain::mayPrompt(work->delivery.promptState)) {
        timeout->stop();
        co_return co_await lookFor(work, u"interrupted"_s);
    }
    if (work->delivery.payload.isEmpty())
        co_return decideNotOpened(
            Error(ErrorCode::NotFound, u"the message's text has expired"_s, u"payload_expired"_s));
    if (!work->backend)
        co_return decideNotOpened(Error(
            ErrorCode::NotFound, u"the installation's backend is not configured"_s, u"backend_missing"_s));
    co_return co_await turn(work, timeout);
}

// The prompt may have left: it is never sent again by our doing, but its answer may be there.
QCoro::Task<Decision> DeliveryRunner::lookFor(std::shared_ptr<DeliveryWork> work, QString errorCode)
{
    FoundTurn found;
    if (work->backend && work->backend->canLook())
        found = co_await m_adoption.find(work);
    Json seen = Json::object({{u"adopted"_s, found.answered}, {u"looks"_s, found.looks},
        {u"text_characters"_s, static_cast<qint64>(found.text.size())}});
    if (!found.lastTrouble.isEmpty())
        seen.set(u"trouble"_s, found.lastTrouble);
    work->received = QString::fromUtf8(seen.toBytes());
    co_return decideFound(found, errorCode);
}

QCoro::Task<Decision> DeliveryRunner::turn(std::shared_ptr<DeliveryWork> work, QTimer *timeout)
{
    std::function<bool()> onBound = [this, work] { return begins(work); };
    const auto opened = co_await m_reach.reach(work, std::move(onBound));
    if (!opened) {
        if (opened.error().native() == u"nothing_to_do")
            co_return decideIgnored();
        if (work->timedOut) {
            const Error late(
                ErrorCode::DeadlineExceeded, u"the runtime was not ready in time"_s, u"delivery_timeout"_s);
            co_return decideNotOpened(late.context(opened.error().toString()));
        }
        co_return decideNotOpened(opened.error());
    }
    const std::shared_ptr<runtimes::Turn> turn = *opened;
    work->contextLost = turn->contextLost();
    domain::PromptContext context;
    context.provider = work->delivery.channel;
    context.tenant = work->delivery.tenant;
    context.user = work->delivery.user;
    context.place = work->delivery.place;
    context.channelType = work->event[u"channel_type"].toString();
    context.messageTs = work->delivery.messageTs;
    context.threadTs = work->event[u"thread_ts"].toString();
    context.direct = work->delivery.direct;
    const QString text = personText(*work, work->backend->unescapesText());
    const QString prompt = work->backend->renderPrompt(context, text);
    if (work->delivery.unsettled)
        co_await turn->settle(m_config.turn.cancelGrace, work->deadline.token());
    if (work->deadline.token().isCancelled()) {
        const QString why = work->timedOut ? u"delivery_timeout"_s : u"cancelled"_s;
        co_return decideNotOpened(Error(ErrorCode::Cancelled, u"stopped before the prompt"_s, why));
    }
    const Status begun = co_await beginTurn(work, turn->agentSession(), prompt);
    if (!begun)
        co_return isPaused(begun.error()) ? decidePaused() : decideNotOpened(begun.error());
    // From here on the prompt may have left: never again by our doing.
    timeout->stop();
    const std::function<bool()> mayLeave = [this, work] { return m_lease.mayAct(work->delivery.life); };
    const std::function<void()> onAccepted = [this, work] {
        m_scope.spawn("acceptance", accept(work->held));
        m_reach.disarm(work);
    };
    const std::shared_ptr<runtimes::Asker> asker = m_interactions.askerFor(work, turn);
    turn->setAsker(asker);
    const runtimes::TurnResult result
        = co_await turn->prompt(prompt, clocks(*work->backend), mayLeave, onAccepted, work->stop);
    work->received = turnSummary(result);
    co_await m_interactions.turnOver(work->held.id);
    const Decision decision = decideTurn(result);
    const bool cutOff = decision.state == DeliveryState::Unconfirmed && !work->stop.isCancelled();
    if (cutOff && work->backend->canLook())
        co_return co_await lookFor(work, decision.errorCode);
    co_return decision;
}

// Whether policy, as the provider told it just now, wants this message without a mention.
bool DeliveryRunner::isWanted(const DeliveryWork &work) const
{
    const store::ClaimedDelivery &delivery = work.delivery;
    const auto installation = m_book.byId(delivery.installationId);
    const bool mentionNeeded
        = (!installation || installation->row.requireMention) && work.binding.requireMention.value_or(true);
    const QString &bot = work.binding.botUserId;
    return delivery.mentioned || delivery.direct || !mentionNeeded
        || (!bot.isEmpty() && work.event[u"text"].toString().contains(u"<@"_s + bot + u'>'));
}

// Somebody answers in the place: acknowledged, unless there is nothing to say or policy wants none of it.
bool DeliveryRunner::begins(const std::shared_ptr<DeliveryWork> &work)
{
    if (personText(*work, false).isEmpty() || !isWanted(*work))
        return false;
    const domain::FeedbackPolicy policy
        = m_book.feedback(work->delivery.installationId, work->delivery.place);
    const QString reaction
        = domain::acknowledgementFor(policy, work->delivery.direct, work->delivery.mentioned);
    // An answer that came as a message stands in no channel: there is nothing to react to.
    const bool stands
        = !domain::hasSessionLog(work->delivery.channel) && !work->delivery.messageTs.startsWith(u"answer-");
    if (!work->acknowledged && !reaction.isEmpty() && stands) {
        work->acknowledged.emplace();
        m_scope.spawn("acknowledgement", acknowledge(work, reaction, policy.removesReaction));
    }
    return true;
}

QCoro::Task<> DeliveryRunner::acknowledge(std::shared_ptr<DeliveryWork> work, QString reaction, bool removed)
{
    std::vector<store::OutboundDraft> drafts;
    drafts.push_back(m_drafts.acknowledgement(work->delivery, reaction, removed));
    const Status queued = co_await m_store.enqueueOutbound(std::move(drafts));
    if (!queued)
        logWarning(lcDelivery, "the acknowledgement could not be queued", {{"delivery", work->held.id}});
    else if (m_outbound)
        m_outbound();
    work->acknowledged->finish(queued.has_value()); // resumes finish() here, where it waits for this
}

QCoro::Task<Status> DeliveryRunner::beginTurn(
    std::shared_ptr<DeliveryWork> work, QString agentSession, QString prompt)
{
    store::BeginTurn begin;
    begin.held = work->held;
    begin.attemptId = m_ids.next();
    begin.backend = work->delivery.backend;
    begin.agentSession = agentSession;
    begin.settles = work->delivery.unsettled;
    begin.runtimeNamespace = work->binding.nameSpace;
    begin.runtimeInstance = work->binding.instanceId;
    Json sent = Json::object({{u"prompt_characters"_s, static_cast<qint64>(prompt.size())},
        {u"message_ts"_s, work->delivery.messageTs}});
    if (!agentSession.isEmpty())
        sent.set(u"agent_session"_s, agentSession);
    begin.sent = QString::fromUtf8(sent.toBytes());
    if (work->contextLost)
        begin.notices.push_back(m_drafts.message(
            work->delivery, u"notice:context_lost"_s, OutboundKind::Notice, domain::contextLostText()));
    begin.announcement = announcement(*work);
    Millis pause = kStorePauseFirst;
    for (;;) {
        const Status begun = co_await m_store.beginTurn(begin);
        if (begun && (begin.announcement || !begin.notices.empty()) && m_outbound)
            m_outbound();
        if (begun || isStale(begun.error()) || isPaused(begun.error()))
            co_return begun;
        // The database is away: nothing has left yet, so waiting is safe.
        if (co_await async::delay(pause, work->deadline.token()) == async::Wake::Cancelled)
            co_return begun;
        pause = std::min(pause * 2, kStorePauseMost);
    }
}

// Of a new conversation, where the installation wants one. A retry or a replay begins nothing new.
std::optional<store::OutboundDraft> DeliveryRunner::announcement(const DeliveryWork &work) const
{
    const auto installation = m_book.byId(work.delivery.installationId);
    if (!installation || installation->newConversation.isEmpty() || work.delivery.isRetry)
        return std::nullopt;
    return m_drafts.message(
        work.delivery, u"notice:new_conversation"_s, OutboundKind::Notice, installation->newConversation);
}

QCoro::Task<> DeliveryRunner::accept(store::HeldDelivery held)
{
    const Status noted = co_await m_store.acceptTurn(held);
    // A turn that has ended meanwhile says more than its acceptance.
    if (!noted && !isStale(noted.error()))
        logWarning(lcDelivery, "the acceptance of a prompt could not be noted", {{"delivery", held.id}});
}

// What can be stored whatever the runtime said.
void DeliveryRunner::makeMinimal(const DeliveryWork &work, store::FinishTurn &finish)
{
    finish.state = DeliveryState::Dead;
    finish.outcome = domain::Outcome::None;
    finish.errorCode = u"not_storable"_s;
    finish.errorText.clear();
    finish.received.clear();
    finish.outbound.clear();
    const domain::FeedbackPolicy policy = m_book.feedback(work.delivery.installationId, work.delivery.place);
    const QString notice = domain::noticeText(policy, domain::Notice::Error);
    if (!notice.isEmpty())
        finish.outbound.push_back(m_drafts.message(
            work.delivery, domain::noticePurpose(domain::Notice::Error), OutboundKind::Notice, notice));
}

QCoro::Task<> DeliveryRunner::finish(std::shared_ptr<DeliveryWork> work, Decision decision)
{
    store::FinishTurn finish;
    finish.held = work->held;
    finish.state = decision.state;
    finish.outcome = decision.outcome;
    finish.dueIn = decision.again ? kAgainAfterNotSent : Millis(0);
    finish.errorCode = decision.errorCode;
    finish.errorText = decision.errorText;
    finish.attemptOutcome = decision.attemptOutcome;
    finish.received = work->received;
    finish.removeAck = true; // where it was given to be taken back
    finish.ackRemovalId = m_ids.next();
    finish.dropPayload = decision.dropPayload;
    finish.unlessPaused = decision.errorCode == u"delivery_timeout";
    finish.countsNotSent = decision.again && decision.errorCode != u"paused" && !work->stop.isCancelled();
    finish.unlessMentioned = decision.dropPayload && !work->delivery.mentioned;
    if (decision.looked) {
        finish.attemptId = m_ids.next();
        finish.attemptTarget = work->delivery.backend;
        finish.attemptSent = u"{\"looked_for\":true}"_s;
    }
    const auto installation = m_book.byId(work->delivery.installationId);
    // Once: a message that always ends like this would go round for ever.
    const bool retries = installation && installation->retriesUnconfirmed && !work->delivery.isRetry;
    if (decision.state == DeliveryState::Unconfirmed && retries)
        finish.retryId = m_ids.next();
    // A replay to another backend says who answered.
    if (installation && !decision.reply.isEmpty() && installation->row.backend != work->delivery.backend)
        decision.reply = domain::answeredByText(decision.reply, work->delivery.backend);
    if (!decision.reply.isEmpty())
        m_drafts.addReply(work->delivery, decision.reply, finish.outbound);
    const QString notice = domain::noticeText(
        m_book.feedback(work->delivery.installationId, work->delivery.place), decision.notice);
    if (!notice.isEmpty())
        finish.outbound.push_back(m_drafts.message(
            work->delivery, domain::noticePurpose(decision.notice), OutboundKind::Notice, notice));
    if (!decision.errorCode.isEmpty()) {
        logWarning(lcDelivery, "a delivery did not end well",
            {{"delivery", work->held.id}, {"state", name(decision.state)}, {"error", decision.errorCode}});
    }
    if (work->acknowledged)
        co_await work->acknowledged->wait();
    // The outcome must not be lost: it is tried until it is stored, or until this engine holds it no more.
    Millis pause = kStorePauseFirst;
    int refused = 0;
    for (;;) {
        const auto finished = co_await m_store.finishTurn(finish);
        if (finished) {
            if (m_outbound && !finish.outbound.empty())
                m_outbound();
            if (m_ready && (finished->woke || decision.again))
                m_ready(finish.dueIn);
            co_return;
        }
        if (isStale(finished.error())) {
            logWarning(lcDelivery, "a stale outcome was refused", {{"delivery", work->held.id}});
            co_await recordStale(work, u"outcome"_s);
            co_return;
        }
        logWarning(lcDelivery, "the outcome of a delivery is not stored yet",
            {{"delivery", work->held.id}, {"code", finished.error().native()}});
        const bool away = finished.error().code() == ErrorCode::Unavailable;
        if (!away && ++refused == kMostRefused) {
            logCritical(lcDelivery,
                "the database refuses the outcome of a delivery; it ends dead, with a notice",
                {{"delivery", work->held.id}, {"code", finished.error().native()}});
            makeMinimal(*work, finish);
        } else if (refused >= 2 * kMostRefused) {
            logCritical(lcDelivery,
                "a delivery stays running until the next start: its outcome cannot be stored",
                {{"delivery", work->held.id}, {"code", finished.error().native()}});
            co_return;
        }
        if (co_await async::delay(pause, work->stop) == async::Wake::Cancelled)
            co_return;
        pause = std::min(pause * 2, kStorePauseMost);
    }
}

// Whoever holds the lock now has written what counts; this one's try stays on record.
QCoro::Task<> DeliveryRunner::recordStale(std::shared_ptr<DeliveryWork> work, QString what)
{
    store::StaleWrite stale;
    stale.auditId = m_ids.next();
    stale.life = work->delivery.life;
    stale.subjectKind = u"delivery"_s;
    stale.subjectId = work->held.id;
    stale.what = what;
    stale.fence = work->held.fence;
    const Status noted = co_await m_store.noteStale(std::move(stale));
    if (!noted)
        logWarning(lcDelivery, "a refused write could not be recorded",
            {{"delivery", work->held.id}, {"code", noted.error().native()}});
}

runtimes::TurnClocks DeliveryRunner::clocks(const runtimes::RuntimeBackend &backend) const
{
    runtimes::TurnClocks clocks;
    clocks.firstFrame = m_config.turn.firstFrameTimeout;
    clocks.idle = m_config.turn.idleTimeout;
    clocks.maximum = m_config.turn.maxDuration;
    if (clocks.maximum.count() == 0 && backend.kind() == u"spritz")
        clocks.maximum = m_config.recovery.deliveryTimeout;
    clocks.cancelGrace = m_config.turn.cancelGrace;
    return clocks;
}

} // namespace signalbox::gateway
