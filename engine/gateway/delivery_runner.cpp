// SPDX-License-Identifier: Apache-2.0
#include "gateway/delivery_runner.h"

#include "async/completion.h"
#include "base/log.h"
#include "domain/feedback.h"
#include "domain/prompt_text.h"
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
constexpr int kMostNotSent = 10; // claims, until people are told that it does not work

bool isStale(const Error &error)
{
    return error.native() == QStringView(store::kStale);
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

} // namespace

// What is known of one delivery while it runs.
struct DeliveryRunner::Work
{
    Work() = default;
    store::ClaimedDelivery delivery;
    store::HeldDelivery held;
    Json event;
    runtimes::RuntimeBackend *backend = nullptr;
    runtimes::Binding binding;
    async::CancelToken stop; // the engine stops
    async::CancelSource deadline; // or delivery_timeout has passed
    bool timedOut = false;
    bool contextLost = false;
    QString received;
    // The queueing of the acknowledgement has ended; before the outcome is written, so that its removal finds
    // it.
    std::optional<async::Completion<bool>> acknowledged;
};

DeliveryRunner::DeliveryRunner(store::Store &store, InstallationBook &book, Backends &backends,
    EngineLease &lease, const config::Config &config, const Clock &clock, IdGenerator &ids)
    : m_store(store)
    , m_book(book)
    , m_backends(backends)
    , m_lease(lease)
    , m_config(config)
    , m_clock(clock)
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
    auto work = std::make_shared<Work>();
    work->held = store::HeldDelivery(delivery.id, delivery.fence);
    work->delivery = std::move(delivery);
    work->stop = stop;
    work->deadline.follow(stop);
    // Ends with the work, which owns the token that it fires.
    QTimer timeout;
    timeout.setSingleShot(true);
    Work *raw = work.get();
    QObject::connect(&timeout, &QTimer::timeout, &timeout, [raw] {
        raw->timedOut = true;
        raw->deadline.cancel();
    });
    timeout.start(m_config.recovery.deliveryTimeout);
    Decision decision;
    if (work->delivery.payload.isEmpty()) {
        decision = decideNotOpened(
            Error(ErrorCode::NotFound, u"the message's text has expired"_s, u"payload_expired"_s));
    } else {
        const auto event = Json::parse(work->delivery.payload);
        work->event = event ? *event : Json();
        decision = co_await turn(work);
    }
    timeout.stop();
    // A turn that ended well while the engine was stopping is still written down; the rest is handed back by
    // whoever stops the engine.
    if (stop.isCancelled() && decision.attemptOutcome != u"ok")
        co_return;
    if (decision.again && work->delivery.attempts >= kMostNotSent)
        decision = decideNotOpened(
            Error(ErrorCode::Unavailable, u"the prompt could not be handed over"_s, u"not_sent"_s));
    co_await finish(work, std::move(decision));
}

QCoro::Task<Decision> DeliveryRunner::turn(std::shared_ptr<Work> work)
{
    const auto opened = co_await open(work);
    if (!opened) {
        if (opened.error().native() == u"nothing_to_say") {
            Decision decision;
            decision.state = DeliveryState::Completed;
            decision.outcome = domain::Outcome::Ignored;
            co_return decision;
        }
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
    context.tenant = work->delivery.tenant;
    context.user = work->delivery.user;
    context.place = work->delivery.place;
    context.channelType = work->event[u"channel_type"].toString();
    context.messageTs = work->delivery.messageTs;
    context.threadTs = work->event[u"thread_ts"].toString();
    context.direct = work->delivery.direct;
    const QString text = domain::promptText(work->event[u"text"].toString(), work->binding.botUserId,
        work->delivery.mentioned, work->backend->unescapesText());
    const QString prompt = work->backend->renderPrompt(context, text);
    const Status begun = co_await beginTurn(work, turn->agentSession(), prompt);
    if (!begun)
        co_return decideNotOpened(begun.error());
    // From here on the prompt may have left: never again by our doing.
    const store::HeldDelivery held = work->held;
    const std::function<bool()> mayLeave = [this] { return m_lease.mayAct(); };
    const std::function<void()> onAccepted = [this, held] { m_scope.spawn("acceptance", accept(held)); };
    const runtimes::TurnResult result
        = co_await turn->prompt(prompt, clocks(*work->backend), mayLeave, onAccepted, work->stop);
    work->received = turnSummary(result);
    co_return decideTurn(result);
}

QCoro::Task<Result<std::shared_ptr<runtimes::Turn>>> DeliveryRunner::open(std::shared_ptr<Work> work)
{
    const auto backend = m_backends.find(work->delivery.backend);
    if (backend == m_backends.end())
        co_return fail(Error(
            ErrorCode::NotFound, u"the installation's backend is not configured"_s, u"backend_missing"_s));
    work->backend = backend->second.get();
    const Status bound = co_await bind(work);
    if (!bound)
        co_return fail(bound.error());
    const QString text = domain::promptText(
        work->event[u"text"].toString(), work->binding.botUserId, work->delivery.mentioned, false);
    if (text.isEmpty())
        co_return fail(Error(ErrorCode::InvalidInput, u"nothing but a mention"_s, u"nothing_to_say"_s));
    if (!m_config.slack.ackReaction.isEmpty()) {
        work->acknowledged.emplace();
        m_scope.spawn("acknowledgement", acknowledge(work));
    }
    runtimes::OpenRequest request;
    request.tenant = work->delivery.tenant;
    request.place = work->delivery.place;
    request.threadTs = work->event[u"thread_ts"].toString();
    request.messageTs = work->delivery.messageTs;
    request.direct = work->delivery.direct;
    request.agentSession = work->delivery.agentSession;
    co_return co_await work->backend->open(work->binding, std::move(request), work->deadline.token());
}

QCoro::Task<Status> DeliveryRunner::bind(std::shared_ptr<Work> work)
{
    runtimes::BindRequest request;
    request.tenant = work->delivery.tenant;
    request.place = work->delivery.place;
    auto binding = co_await work->backend->bind(std::move(request), work->deadline.token());
    if (!binding)
        co_return fail(binding.error());
    work->binding = std::move(*binding);
    const QString &installation = work->delivery.installationId;
    const auto known = m_book.byId(installation);
    // Before anything of it is learnt: a foreign app's token must never become this installation's.
    if (known && isForeignApp(*known, work->binding.apiAppId)) {
        work->binding = runtimes::Binding();
        co_return fail(Error(
            ErrorCode::Conflict, u"the provider's token belongs to another Slack app"_s, u"app_mismatch"_s));
    }
    m_book.learnToken(installation, work->binding.botToken);
    if (!work->binding.botUserId.isEmpty())
        m_scope.spawn("bot user", m_book.learnBotUser(installation, work->binding.botUserId));
    else if (known)
        work->binding.botUserId = known->row.botUserId;
    co_return Status();
}

QCoro::Task<> DeliveryRunner::acknowledge(std::shared_ptr<Work> work)
{
    store::OutboundDraft reaction = draft(*work, u"ack"_s, OutboundKind::Reaction, QString());
    reaction.op = OutboundOp::React;
    reaction.targetTs = work->delivery.messageTs;
    reaction.body = Json::object({{u"name"_s, m_config.slack.ackReaction}}).toBytes();
    std::vector<store::OutboundDraft> drafts;
    drafts.push_back(std::move(reaction));
    const Status queued = co_await m_store.enqueueOutbound(std::move(drafts));
    if (!queued)
        logWarning(lcDelivery, "the acknowledgement could not be queued", {{"delivery", work->held.id}});
    else if (m_outbound)
        m_outbound();
    work->acknowledged->finish(queued.has_value()); // resumes finish() here, where it waits for this
}

QCoro::Task<Status> DeliveryRunner::beginTurn(
    std::shared_ptr<Work> work, QString agentSession, QString prompt)
{
    store::BeginTurn begin;
    begin.held = work->held;
    begin.attemptId = m_ids.next();
    begin.backend = work->delivery.backend;
    begin.agentSession = agentSession;
    Json sent = Json::object({{u"prompt_characters"_s, static_cast<qint64>(prompt.size())},
        {u"message_ts"_s, work->delivery.messageTs}});
    if (!agentSession.isEmpty())
        sent.set(u"agent_session"_s, agentSession);
    begin.sent = QString::fromUtf8(sent.toBytes());
    Millis pause = kStorePauseFirst;
    for (;;) {
        const Status begun = co_await m_store.beginTurn(begin);
        if (begun || isStale(begun.error()))
            co_return begun;
        // The database is away: nothing has left yet, so waiting is safe.
        if (co_await async::delay(pause, work->deadline.token()) == async::Wake::Cancelled)
            co_return begun;
        pause = std::min(pause * 2, kStorePauseMost);
    }
}

QCoro::Task<> DeliveryRunner::accept(store::HeldDelivery held)
{
    const Status noted = co_await m_store.acceptTurn(held);
    // A turn that has ended meanwhile says more than its acceptance.
    if (!noted && !isStale(noted.error()))
        logWarning(lcDelivery, "the acceptance of a prompt could not be noted", {{"delivery", held.id}});
}

store::OutboundDraft DeliveryRunner::draft(
    const Work &work, const QString &purpose, OutboundKind kind, const QString &escapedText)
{
    store::OutboundDraft draft;
    draft.id = m_ids.next();
    draft.installationId = work.delivery.installationId;
    draft.deliveryId = work.delivery.id;
    draft.purpose = purpose;
    draft.kind = kind;
    draft.place = work.delivery.place;
    draft.thread = work.delivery.thread;
    draft.body = Json::object({{u"text"_s, escapedText}}).toBytes();
    draft.payloadTtl = m_config.engine.payloadRetention;
    return draft;
}

void DeliveryRunner::addReply(
    const Work &work, const QString &text, std::vector<store::OutboundDraft> &drafts)
{
    const QStringList parts = domain::splitForSlack(domain::escapeForSlack(text.trimmed()));
    for (qsizetype i = 0; i < parts.size(); ++i) {
        store::OutboundDraft part = draft(work, u"reply:%1"_s.arg(i + 1), OutboundKind::Reply, parts[i]);
        part.part = static_cast<int>(i) + 1;
        part.parts = static_cast<int>(parts.size());
        drafts.push_back(std::move(part));
    }
}

// What can be stored whatever the runtime said.
void DeliveryRunner::makeMinimal(const Work &work, store::FinishTurn &finish)
{
    finish.state = DeliveryState::Dead;
    finish.outcome = domain::Outcome::None;
    finish.errorCode = u"not_storable"_s;
    finish.errorText.clear();
    finish.received.clear();
    finish.outbound.clear();
    finish.outbound.push_back(
        draft(work, u"notice:failure"_s, OutboundKind::Notice, domain::internalFailureText()));
}

QCoro::Task<> DeliveryRunner::finish(std::shared_ptr<Work> work, Decision decision)
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
    finish.removeAck = m_config.slack.removeAckAfterReply;
    finish.ackRemovalId = m_ids.next();
    if (work->contextLost && !decision.again)
        finish.outbound.push_back(
            draft(*work, u"notice:context_lost"_s, OutboundKind::Notice, domain::contextLostText()));
    if (!decision.reply.isEmpty())
        addReply(*work, decision.reply, finish.outbound);
    if (!decision.notice.isEmpty())
        finish.outbound.push_back(
            draft(*work, u"notice:"_s + decision.noticePurpose, OutboundKind::Notice, decision.notice));
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
