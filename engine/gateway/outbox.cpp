// SPDX-License-Identifier: Apache-2.0
#include "gateway/outbox.h"

#include "base/log.h"
#include "domain/feedback.h"
#include "store/errors.h"

using namespace Qt::StringLiterals;
using signalbox::channels::FindOutcome;
using signalbox::channels::Found;
using signalbox::channels::SendOutcome;
using signalbox::channels::SendRequest;
using signalbox::domain::OutboundState;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcOutbox, "signalbox.engine.outbox")

constexpr Millis kBackstop{1000};
constexpr Millis kStorePause{500};
constexpr Millis kAbandon{10'000};
constexpr int kMostInFlight = 64;
constexpr int kMostClaimed = 64;
constexpr int kInFlightUnderPressure = 4;
constexpr Millis kPressurePause{100};
constexpr Millis kRetryFirst{1000};
constexpr Millis kSecondLook{5'000};
constexpr int kMostRefused = 5; // times that the store refuses a result for another reason than being away

// It waits again, and nothing has been learnt of it.
OutboundDecision heldBackDecision(const store::ClaimedOutbound &row, Millis wait)
{
    OutboundDecision decision;
    decision.state = row.wasUnknown ? OutboundState::Unknown : OutboundState::Retry;
    decision.errorCode = row.wasUnknown ? row.errorCode : u"held_back"_s;
    decision.looks = row.looks;
    decision.dueIn = wait;
    return decision;
}

OutboundFacts factsOf(const store::ClaimedOutbound &row, Instant now)
{
    OutboundFacts facts;
    facts.attempts = row.attempts;
    facts.age = now - row.createdAt;
    facts.looks = row.looks;
    facts.resent = row.resent;
    facts.disposable = row.kind == domain::OutboundKind::Status;
    return facts;
}

} // namespace

Outbox::Outbox(store::Store &store, InstallationBook &book, Backends &backends, EngineLease &lease,
    channels::ChannelAdapter &adapter, const IngestPressure &pressure, const config::Config &config,
    const Clock &clock, IdGenerator &ids)
    : m_store(store)
    , m_book(book)
    , m_backends(backends)
    , m_lease(lease)
    , m_adapter(adapter)
    , m_pressure(pressure)
    , m_config(config)
    , m_clock(clock)
    , m_ids(ids)
    , m_loop("outbox", kBackstop)
    , m_running(u"outbox"_s)
{
}

void Outbox::start()
{
    m_loop.start([this] { return claim(); });
}

QCoro::Task<bool> Outbox::claim()
{
    const bool pressed = m_pressure.isHigh();
    const int room = (pressed ? kInFlightUnderPressure : kMostInFlight) - m_running.live();
    if (pressed)
        m_loop.wakeSoon(kPressurePause);
    if (room <= 0 || !m_lease.mayAct())
        co_return false;
    const int most = std::min(room, kMostClaimed);
    auto rows = co_await m_store.claimOutbound(m_lease.life(), most);
    if (!rows) {
        logWarning(lcOutbox, "outbound messages could not be claimed", {{"code", rows.error().native()}});
        m_loop.wakeIn(kStorePause);
        co_return false;
    }
    const bool full = static_cast<int>(rows->size()) == most;
    for (store::ClaimedOutbound &row : *rows)
        m_running.spawn("outbound message", sendOne(std::move(row)));
    co_return full;
}

Millis Outbox::heldBack(const store::ClaimedOutbound &row) const
{
    const Millis until = m_notBefore.value(row.installationId + name(row.op), Millis(0));
    return std::max(until - m_clock.boot(), Millis(0));
}

void Outbox::holdBack(const store::ClaimedOutbound &row, Millis time)
{
    Millis &until = m_notBefore[row.installationId + name(row.op)];
    until = std::max(until, m_clock.boot() + time);
}

QCoro::Task<Secret> Outbox::tokenFor(QString installationId, QString tenant, QString backend, QString place)
{
    const auto known = m_book.byId(installationId);
    if (known && !known->botToken.isEmpty())
        co_return known->botToken;
    const auto provider = m_backends.find(backend);
    if (provider == m_backends.end())
        co_return Secret();
    runtimes::BindRequest request;
    request.tenant = tenant;
    request.place = place;
    const auto binding = co_await provider->second->bind(std::move(request), m_running.token());
    if (!binding)
        co_return Secret();
    if (known && isForeignApp(*known, binding->apiAppId))
        co_return Secret();
    m_book.learnToken(installationId, binding->botToken);
    const Secret token = binding->botToken;
    co_return token;
}

QCoro::Task<> Outbox::sendOne(store::ClaimedOutbound row)
{
    store::FinishOutbound finished;
    finished.life = m_lease.life();
    finished.id = row.id;
    finished.attempts = row.attempts;
    finished.startedAt = m_clock.now();
    finished.removeAck = m_config.slack.removeAckAfterReply;
    finished.ackRemovalId = m_ids.next();
    SendRequest request;
    request.id = row.id;
    request.op = row.op;
    request.place = row.place;
    request.thread = row.thread;
    request.targetTs = row.targetTs;
    request.createdAt = row.createdAt;
    const auto body = Json::parse(row.body);
    if (body)
        request.body = *body;
    request.token = co_await tokenFor(row.installationId, row.tenant, row.backend, row.place);

    OutboundDecision decision;
    const Millis wait = heldBack(row);
    if (!body) {
        decision.state = OutboundState::Dead;
        decision.errorCode = u"payload_expired"_s;
    } else if (request.token.isEmpty() && !row.wasUnknown) {
        SendOutcome noToken;
        noToken.state = OutboundState::Retry;
        noToken.errorCode = u"no_token"_s;
        decision = decideSent(noToken, factsOf(row, m_clock.now()));
    } else if (request.token.isEmpty()) {
        // Without a token it cannot be looked for, and it must not be sent blindly.
        FindOutcome notNow;
        notNow.found = Found::NotNow;
        decision = decideLook(notNow, factsOf(row, m_clock.now())).decision;
    } else if (wait.count() > 0 || !m_lease.mayAct()) {
        decision = heldBackDecision(row, std::max(wait, kStorePause));
    } else if (row.wasUnknown) {
        decision = co_await lookFor(row, request, &finished);
    } else {
        decision = co_await post(row, request, row.resent, &finished);
    }
    finished.state = decision.state;
    finished.errorCode = decision.errorCode;
    finished.dueIn = decision.dueIn;
    finished.looks = decision.looks;
    finished.maybeDoubled = decision.maybeDoubled;
    if (decision.state != OutboundState::Sent) {
        logWarning(lcOutbox, "an outbound message was not sent",
            {{"outbound", row.id}, {"delivery", row.deliveryId}, {"state", name(decision.state)},
                {"error", decision.errorCode}});
    }
    // The place could be reached, or it would be refused: silence would be a defect. Before the death is
    // written: a row that is tried again queues its notice once.
    const bool isLost = decision.state == OutboundState::Dead && decision.maybeDoubled
        && row.kind == domain::OutboundKind::Reply;
    if (isLost)
        co_await tellLost(row);
    co_await finish(std::move(finished));
}

QCoro::Task<> Outbox::tellLost(store::ClaimedOutbound row)
{
    store::OutboundDraft notice;
    notice.id = m_ids.next();
    notice.installationId = row.installationId;
    notice.deliveryId = row.deliveryId;
    notice.purpose = u"notice:lost"_s;
    notice.kind = domain::OutboundKind::Notice;
    notice.place = row.place;
    notice.thread = row.thread;
    notice.body = Json::object({{u"text"_s, domain::answerLostText()}}).toBytes();
    notice.payloadTtl = m_config.engine.payloadRetention;
    std::vector<store::OutboundDraft> drafts;
    drafts.push_back(std::move(notice));
    const Status queued = co_await m_store.enqueueOutbound(std::move(drafts));
    if (!queued)
        logWarning(lcOutbox, "the notice of a lost answer could not be queued",
            {{"outbound", row.id}, {"code", queued.error().native()}});
}

QCoro::Task<OutboundDecision> Outbox::post(
    store::ClaimedOutbound row, SendRequest request, bool resent, store::FinishOutbound *finish)
{
    const SendOutcome outcome = co_await m_adapter.send(request, m_running.token());
    finish->channelTs = outcome.channelTs;
    finish->sent = outcome.sent;
    finish->received = outcome.received;
    if (outcome.rateLimited)
        holdBack(row, std::max(outcome.retryAfter, kStorePause));
    OutboundFacts facts = factsOf(row, m_clock.now());
    facts.resent = resent;
    co_return decideSent(outcome, facts);
}

// Looked for after ten seconds and again after five; found: adopted. Absent or unreadable twice: sent again
// once under the same id; a second unknown that is not found is dead, and flagged.
QCoro::Task<OutboundDecision> Outbox::lookFor(
    store::ClaimedOutbound row, SendRequest request, store::FinishOutbound *finish)
{
    const FindOutcome found = co_await m_adapter.find(request, m_running.token());
    const LookDecision look = decideLook(found, factsOf(row, m_clock.now()));
    Json seen = Json::object({{u"looked"_s, true}, {u"found"_s, found.found == Found::Yes}});
    if (found.found == Found::Yes) {
        finish->channelTs = found.channelTs;
        seen.set(u"ts"_s, found.channelTs);
    } else if (found.found != Found::No) {
        seen.set(u"readable"_s, false);
    }
    finish->received = QString::fromUtf8(seen.toBytes());
    if (!look.resend)
        co_return look.decision;
    // The look took its time: nothing leaves an engine that is stopping, or whose lease has run down
    // meanwhile.
    if (m_running.token().isCancelled() || !m_lease.mayAct())
        co_return heldBackDecision(row, kSecondLook);
    store::BeginResend begin;
    begin.life = m_lease.life();
    begin.id = row.id;
    begin.attempts = row.attempts;
    begin.maybeDoubled = look.decision.maybeDoubled;
    const Status spent = co_await m_store.beginResend(begin);
    if (!spent || m_running.token().isCancelled() || !m_lease.mayAct())
        co_return heldBackDecision(row, kSecondLook);
    co_return co_await post(row, request, true, finish);
}

QCoro::Task<> Outbox::finish(store::FinishOutbound finished)
{
    Millis pause = kStorePause;
    int refused = 0;
    for (;;) {
        const Status stored = co_await m_store.finishOutbound(finished);
        if (stored)
            break;
        if (stored.error().native() == QStringView(store::kStale)) {
            logWarning(lcOutbox, "a stale result was refused", {{"outbound", finished.id}});
            co_return;
        }
        logWarning(lcOutbox, "the result of an outbound message is not stored yet",
            {{"outbound", finished.id}, {"code", stored.error().native()}});
        const bool away = stored.error().code() == ErrorCode::Unavailable;
        if (!away && ++refused == kMostRefused) {
            logCritical(lcOutbox,
                "the database refuses the result of an outbound message; it is stored without details",
                {{"outbound", finished.id}, {"code", stored.error().native()}});
            finished.sent.clear();
            finished.received.clear();
            finished.errorCode = u"not_storable"_s;
        } else if (refused >= 2 * kMostRefused) {
            logCritical(lcOutbox,
                "an outbound message stays in sending until the next start: its result cannot be stored",
                {{"outbound", finished.id}, {"code", stored.error().native()}});
            co_return;
        }
        // What Slack did must be written down; a crash meanwhile makes it an unknown, which is true.
        if (co_await async::delay(pause, m_running.token()) == async::Wake::Cancelled)
            co_return;
        pause = std::min(pause * 2, Millis(5000));
    }
    if (finished.dueIn.count() > 0)
        m_loop.wakeIn(finished.dueIn + Millis(5));
    m_loop.wake(); // the next of the lane
}

QCoro::Task<> Outbox::stop(Millis grace)
{
    co_await m_loop.stop();
    const bool ended = co_await m_running.join(grace);
    if (ended)
        co_return;
    m_running.cancel();
    const bool stopped = co_await m_running.join(kAbandon);
    if (!stopped)
        logCritical(
            lcOutbox, "outbound messages did not stop", {{"live", QString::number(m_running.live())}});
}

} // namespace signalbox::gateway
