// SPDX-License-Identifier: Apache-2.0
#include "gateway/outbox.h"

#include "base/log.h"
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

constexpr Millis kBackstop {1000};
constexpr Millis kStorePause {500};
constexpr Millis kAbandon {10'000};
constexpr int kMostInFlight = 64;
constexpr int kMostClaimed = 64;
constexpr int kInFlightUnderPressure = 4;
constexpr Millis kPressurePause {100};
constexpr Millis kRetryFirst {1000};
constexpr Millis kRetryMost {60'000};
constexpr Millis kGiveUpAfter {std::chrono::hours(24)};
constexpr Millis kFirstLook {10'000};
constexpr Millis kSecondLook {5'000};

// How far the resolution of an unknown outcome has come stands in the row's error code.
constexpr char16_t kLookedOnce[] = u"unknown_looked_once";
constexpr char16_t kResent[] = u"unknown_resent";

} // namespace

OutboundDecision decideOutbound(const SendOutcome &outcome, int attempts, Millis age, bool resent)
{
    OutboundDecision decision;
    decision.state = outcome.state;
    decision.errorCode = outcome.errorCode;
    decision.maybeDoubled = resent;
    if (outcome.state == OutboundState::Unknown) {
        decision.dueIn = kFirstLook;
        decision.errorCode = resent ? QString::fromUtf16(kResent) : u"unknown"_s;
    } else if (outcome.state == OutboundState::Retry) {
        if (age > kGiveUpAfter) {
            decision.state = OutboundState::Dead;
        } else if (outcome.retryAfter.count() > 0) {
            decision.dueIn = outcome.retryAfter;
        } else {
            const int doublings = std::min(attempts - 1, 10);
            decision.dueIn = std::min(kRetryFirst * (1 << std::max(doublings, 0)), kRetryMost);
        }
    }
    return decision;
}

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
    } else if (request.token.isEmpty() && row.wasUnknown) {
        // Without a token it cannot be looked for, and it must not be sent blindly.
        decision.state = OutboundState::Unknown;
        decision.errorCode = row.errorCode;
        decision.dueIn = kSecondLook;
    } else if (request.token.isEmpty()) {
        SendOutcome noToken;
        noToken.state = OutboundState::Retry;
        noToken.errorCode = u"no_token"_s;
        decision = decideOutbound(noToken, row.attempts, m_clock.now() - row.createdAt, false);
    } else if (wait.count() > 0 || !m_lease.mayAct()) {
        decision.state = row.wasUnknown ? OutboundState::Unknown : OutboundState::Retry;
        decision.errorCode = row.wasUnknown ? row.errorCode : u"held_back"_s;
        decision.dueIn = std::max(wait, kStorePause);
    } else if (row.wasUnknown) {
        decision = co_await lookFor(row, request, &finished);
    } else {
        const SendOutcome outcome = co_await m_adapter.send(request, m_running.token());
        finished.channelTs = outcome.channelTs;
        finished.sent = outcome.sent;
        finished.received = outcome.received;
        if (outcome.rateLimited)
            holdBack(row, std::max(outcome.retryAfter, kRetryFirst));
        decision = decideOutbound(outcome, row.attempts, m_clock.now() - row.createdAt, false);
    }
    finished.state = decision.state;
    finished.errorCode = decision.errorCode;
    finished.dueIn = decision.dueIn;
    finished.maybeDoubled = decision.maybeDoubled;
    if (decision.state != OutboundState::Sent) {
        logWarning(lcOutbox, "an outbound message was not sent",
                   {{"outbound", row.id}, {"delivery", row.deliveryId}, {"state", name(decision.state)},
                    {"error", decision.errorCode}});
    }
    co_await finish(std::move(finished));
}

// Looked for after ten seconds and again after five; found: adopted. Absent twice, or unreadable: sent again once under
// the same id; a second unknown that is not found is dead, and flagged.
QCoro::Task<OutboundDecision> Outbox::lookFor(store::ClaimedOutbound row, SendRequest request, store::FinishOutbound *finish)
{
    OutboundDecision decision;
    const bool lookedOnce = row.errorCode == QStringView(kLookedOnce);
    const bool resent = row.errorCode == QStringView(kResent);
    const FindOutcome found = co_await m_adapter.find(request, m_running.token());
    if (found.found == Found::Yes) {
        decision.state = OutboundState::Sent;
        finish->channelTs = found.channelTs;
        finish->received = QString::fromUtf8(Json::object({{u"found"_s, true}, {u"ts"_s, found.channelTs}}).toBytes());
        co_return decision;
    }
    if (resent) {
        decision.state = OutboundState::Dead;
        decision.errorCode = u"unknown"_s;
        decision.maybeDoubled = true;
        co_return decision;
    }
    if (found.found == Found::No && !lookedOnce) {
        decision.state = OutboundState::Unknown;
        decision.errorCode = QString::fromUtf16(kLookedOnce);
        decision.dueIn = kSecondLook;
        co_return decision;
    }
    // The look took its time: nothing leaves an engine that is stopping, or whose lease has run down meanwhile.
    if (m_running.token().isCancelled() || !m_lease.mayAct()) {
        decision.state = OutboundState::Unknown;
        decision.errorCode = row.errorCode;
        decision.dueIn = kSecondLook;
        co_return decision;
    }
    const SendOutcome outcome = co_await m_adapter.send(request, m_running.token());
    finish->channelTs = outcome.channelTs;
    finish->sent = outcome.sent;
    finish->received = outcome.received;
    decision = decideOutbound(outcome, row.attempts, m_clock.now() - row.createdAt, true);
    // Absent for sure is not doubled; unreadable may be.
    decision.maybeDoubled = found.found == Found::Unreadable || decision.state == OutboundState::Unknown;
    co_return decision;
}

QCoro::Task<> Outbox::finish(store::FinishOutbound finished)
{
    Millis pause = kStorePause;
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
        logCritical(lcOutbox, "outbound messages did not stop", {{"live", QString::number(m_running.live())}});
}

} // namespace signalbox::gateway
