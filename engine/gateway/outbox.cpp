// SPDX-License-Identifier: Apache-2.0
#include "gateway/outbox.h"

#include "async/wind_down.h"
#include "base/log.h"
#include "domain/feedback.h"
#include "domain/installation_trouble.h"
#include "domain/session_id.h"
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
constexpr Millis kSecondLook{5'000};
constexpr Millis kTryRefusedAgain{std::chrono::minutes(5)};
constexpr Millis kAskProviderAgain{5'000};
constexpr Millis kLongestHold{std::chrono::minutes(5)}; // then the channel may say it again
constexpr int kMostRefused = 5; // times that the store refuses a result for another reason than being away

// Its turn in the pace that the channel allows: whoever claims it then sends it.
constexpr QLatin1StringView kPaced("paced");

// It waits again, and nothing has been learnt of it.
OutboundDecision heldBackDecision(
    const store::ClaimedOutbound &row, Millis wait, const QString &why = u"held_back"_s)
{
    OutboundDecision decision;
    decision.state = row.wasUnknown ? OutboundState::Unknown : OutboundState::Retry;
    decision.errorCode = row.wasUnknown ? row.errorCode : why;
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
    facts.isPost = row.op == domain::OutboundOp::Post;
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
    if (rows->empty())
        co_return false;
    // Where several take turns, a share that was not used is free for the others.
    const bool several = rows->front().installationId != rows->back().installationId;
    const bool full = several || static_cast<int>(rows->size()) == most;
    for (store::ClaimedOutbound &row : *rows)
        m_running.spawn("outbound message", sendOne(std::move(row)));
    co_return full;
}

QString Outbox::troubleOf(const QString &installationId) const
{
    const auto known = m_book.byId(installationId);
    return known ? known->row.health.trouble : QString();
}

// The one in use, unless Slack refuses it: then its provider may have another by now.
QCoro::Task<Secret> Outbox::tokenFor(store::ClaimedOutbound row)
{
    const auto known = m_book.byId(row.installationId);
    const bool refused = domain::troubleKind(troubleOf(row.installationId)) == domain::TroubleKind::Token;
    if (known && !known->botToken.isEmpty() && !refused)
        co_return known->botToken;
    Millis &next = m_asked[row.installationId];
    if (m_clock.boot() >= next) {
        next = m_clock.boot() + kAskProviderAgain;
        co_await askProvider(row);
    }
    const auto now = m_book.byId(row.installationId);
    const Secret token = now ? now->botToken : Secret();
    co_return token;
}

QCoro::Task<> Outbox::askProvider(store::ClaimedOutbound row)
{
    const auto provider = m_backends.find(row.backend);
    if (provider == m_backends.end() || !provider->second->hasRegistry())
        co_return;
    runtimes::BindRequest request;
    request.tenant = row.tenant;
    request.place = row.place;
    const auto binding = co_await provider->second->bind(std::move(request), m_running.token());
    // An answer without a runtime may tell the token all the same.
    const auto told = binding ? std::optional(*binding) : provider->second->lastKnown(row.tenant, row.place);
    const auto known = m_book.byId(row.installationId);
    if (!told || !known)
        co_return;
    if (isForeignApp(*known, told->apiAppId)) {
        co_await m_book.note(row.installationId, QString::fromUtf16(domain::kAppMismatch));
        co_return;
    }
    const Secret token = told->botToken;
    co_await m_book.learnToken(row.installationId, token);
}

std::optional<OutboundDecision> Outbox::withoutToken(const store::ClaimedOutbound &row, const Secret &token)
{
    const QString trouble = troubleOf(row.installationId);
    const Millis wait = m_refused.value(row.installationId, Millis(0)) - m_clock.boot();
    const bool refused = wait.count() > 0 && domain::troubleKind(trouble) == domain::TroubleKind::Token;
    if (!token.isEmpty() && !refused)
        return std::nullopt;
    if (token.isEmpty() && row.revoked) {
        OutboundDecision gone;
        gone.state = OutboundState::Dead;
        gone.errorCode = QString::fromUtf16(domain::kAppUninstalled);
        gone.maybeDoubled = row.wasUnknown; // it may have arrived
        return gone;
    }
    if (row.wasUnknown) {
        // Without a token it cannot be looked for, and it must not be sent blindly.
        FindOutcome notNow;
        notNow.found = Found::NotNow;
        return decideLook(notNow, factsOf(row, m_clock.now())).decision;
    }
    SendOutcome noToken;
    noToken.state = OutboundState::Retry;
    noToken.errorCode = trouble.isEmpty() ? QString::fromUtf16(domain::kTokenMissing) : trouble;
    noToken.retryAfter = refused ? wait : Millis(0);
    return decideSent(noToken, factsOf(row, m_clock.now()));
}

// What Slack's answer tells of the installation.
QCoro::Task<> Outbox::learnFrom(store::ClaimedOutbound row, Secret token, SendOutcome outcome)
{
    const bool isPost = row.op == domain::OutboundOp::Post;
    if (outcome.state == OutboundState::Sent) {
        m_refused.remove(row.installationId);
        co_await m_book.proveToken(row.installationId, token, isPost);
        co_return;
    }
    if (!waitsForToken(outcome, isPost))
        co_return;
    // One that was refused while a newer one came says nothing of that one.
    const auto known = m_book.byId(row.installationId);
    if (!known || !(known->botToken == token))
        co_return;
    if (domain::troubleKind(outcome.errorCode) == domain::TroubleKind::Token)
        m_refused[row.installationId] = m_clock.boot() + kTryRefusedAgain;
    co_await m_book.note(row.installationId, outcome.errorCode);
}

QCoro::Task<> Outbox::sendOne(store::ClaimedOutbound row)
{
    store::FinishOutbound finished;
    finished.life = row.life;
    finished.id = row.id;
    finished.attempts = row.attempts;
    finished.startedAt = m_clock.now();
    finished.removeAck = true; // where it was given to be taken back
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
    const bool toLog = domain::hasSessionLog(row.channel);
    if (toLog && body) {
        // Written down is sent. One whose outcome is unknown was not written down: that is one transaction.
        finished.state = OutboundState::Sent;
        finished.toLog = true;
        co_await finish(std::move(finished));
        if (m_logged)
            m_logged(row.place);
        co_return;
    }
    co_await m_book.refresh(row.installationId, row.installationRev);
    request.token = co_await tokenFor(row);
    OutboundDecision decision;
    if (!body) {
        decision.state = OutboundState::Dead;
        decision.errorCode = u"payload_expired"_s;
    } else {
        decision = co_await decide(row, request, &finished);
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

QCoro::Task<OutboundDecision> Outbox::decide(
    store::ClaimedOutbound row, SendRequest request, store::FinishOutbound *finish)
{
    if (const auto waits = withoutToken(row, request.token)) {
        if (request.token.isEmpty())
            co_await m_book.note(row.installationId, QString::fromUtf16(domain::kTokenMissing));
        co_return *waits;
    }
    if (!m_lease.mayAct(row.life))
        co_return heldBackDecision(row, kStorePause);
    // Looking has limits of its own.
    if (row.wasUnknown)
        co_return co_await lookFor(row, request, finish);
    const RateHolds::Wait wait
        = m_holds.admit(row.installationId, row.op, row.place, row.errorCode == kPaced, m_clock.boot());
    if (wait.time.count() > 0)
        co_return heldBackDecision(row, wait.time, wait.paced ? QString(kPaced) : u"held_back"_s);
    co_return co_await post(row, request, row.resent, finish);
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
    // One message tries a token that was refused; the others wait for what comes of it.
    if (domain::troubleKind(troubleOf(row.installationId)) == domain::TroubleKind::Token)
        m_refused[row.installationId] = m_clock.boot() + kTryRefusedAgain;
    request.mayLeave = [this, life = row.life] { return m_lease.mayAct(life); };
    const SendOutcome outcome = co_await m_adapter.send(request, m_running.token());
    finish->channelTs = outcome.channelTs;
    finish->sent = outcome.sent;
    finish->received = outcome.received;
    if (outcome.rateLimited) {
        finish->hold = std::clamp(outcome.retryAfter, kStorePause, kLongestHold);
        finish->holdPlace
            = m_holds.limit(row.installationId, row.op, row.place, finish->hold, m_clock.boot());
    }
    co_await learnFrom(row, request.token, outcome);
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
    if (m_running.token().isCancelled() || !m_lease.mayAct(row.life))
        co_return heldBackDecision(row, kSecondLook);
    store::BeginResend begin;
    begin.life = row.life;
    begin.id = row.id;
    begin.attempts = row.attempts;
    begin.maybeDoubled = look.decision.maybeDoubled;
    const Status spent = co_await m_store.beginResend(begin);
    if (!spent || m_running.token().isCancelled() || !m_lease.mayAct(row.life))
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
            co_await recordStale(std::move(finished));
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

QCoro::Task<> Outbox::recordStale(store::FinishOutbound finish)
{
    store::StaleWrite stale;
    stale.auditId = m_ids.next();
    stale.life = finish.life;
    stale.subjectKind = u"outbound"_s;
    stale.subjectId = finish.id;
    stale.what = u"result "_s + name(finish.state);
    stale.fence = finish.attempts;
    const Status noted = co_await m_store.noteStale(std::move(stale));
    if (!noted)
        logWarning(lcOutbox, "a refused write could not be recorded",
            {{"outbound", finish.id}, {"code", noted.error().native()}});
}

QCoro::Task<> Outbox::stop(Millis grace)
{
    co_await m_loop.stop();
    const bool stopped = co_await async::windDown(m_running, grace, kAbandon);
    if (!stopped)
        logCritical(
            lcOutbox, "outbound messages did not stop", {{"live", QString::number(m_running.live())}});
}

} // namespace signalbox::gateway
