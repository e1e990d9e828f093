// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "domain/delivery_state.h"
#include "domain/interaction.h"
#include "domain/outbound_state.h"
#include "store/installation_records.h"
#include "store/keyed_call.h"

#include <QByteArray>
#include <QString>
#include <QStringList>

#include <optional>
#include <vector>

namespace signalbox::store {

// What units of work take and give: values with constructors (GCC 12 destroys temporary aggregates twice).

// One life of an engine: every restart raises the incarnation.
struct EngineLife
{
    EngineLife() = default;
    EngineLife(QString engineId, qint64 engineIncarnation)
        : id(std::move(engineId))
        , incarnation(engineIncarnation)
    {
    }
    QString id;
    qint64 incarnation = 0;
};

struct EngineRegistration
{
    EngineRegistration() = default;
    QString id;
    QString token; // unique to this process: a repeated unit recognises its own registration
    QString host;
    qint64 pid = 0;
    QString version;
    QString configHash;
    Millis lease{15'000};
    // The life that ended, of an engine that goes on in another: refused when a third has begun. 0: a process
    // that starts, and takes the place of any.
    qint64 former = 0;
};

struct Registered
{
    Registered() = default;
    EngineLife life;
    QString clusterId;
    int handedBack = 0; // deliveries that run again
    int fenced = 0; // deliveries whose prompt may have left: they are looked for, never prompted again
    int unknownOutbound = 0; // outbound messages that were being sent
    int withdrawn = 0; // questions of connections that are gone
    bool complete = true; // false: there was more than the batch
};

// One bounded batch of what a lost engine held (DESIGN.md "Replicas and live updates").
struct ReapOrder
{
    ReapOrder() = default;
    EngineLife self;
    QString auditId;
    int most = 200;
};

struct InstallationRow
{
    InstallationRow() = default;
    QString id;
    QString channel;
    QString tenant; // "*": any
    QString app;
    QString backend;
    QString state; // active | absent | revoked
    bool requireMention = true;
    QString botUserId;
    InstallationHealth health; // what was learnt of it since
    qint64 rev = 0;
};

struct IngestRequest
{
    IngestRequest() = default;
    QString deliveryId; // made by the caller, so that a repeated unit recognises its own work
    QString installationId;
    QString channel;
    QString tenant;
    QString backend;
    QStringList lookupKeys; // any of them known: a duplicate
    QStringList keys; // filed for the new delivery
    Millis keyTtl{0};
    QString sessionId;
    QString sessionThread;
    QString place;
    QString thread; // of the reply
    QString messageTs;
    QString user;
    bool mentioned = false;
    bool mentionEvent = false; // an app_mention: may bring an ignored twin back
    bool direct = false;
    bool ignored = false; // policy ignores it: keys only, no text
    QByteArray payload; // JSON
    Millis payloadTtl{0};
    std::optional<domain::TypedReply> reply; // it may be the answer to a question in its thread
};

// Answered: it was the answer to a question, and no delivery comes of it.
enum class IngestResult { Stored, Ignored, Duplicate, Revived, Answered };

struct IngestOutcome
{
    IngestOutcome() = default;
    IngestOutcome(IngestResult what, QString id, bool isReady)
        : result(what)
        , deliveryId(std::move(id))
        , ready(isReady)
    {
    }
    IngestResult result = IngestResult::Stored;
    QString deliveryId;
    bool ready = false; // may be claimed at once
    bool ordered = false; // of Answered: an engine is to hand the answer over
};

struct ClaimLimits
{
    ClaimLimits() = default;
    int most = 1;
    Millis lockTtl{180'000};
};

struct ClaimedDelivery
{
    ClaimedDelivery() = default;
    EngineLife life; // that claimed it
    QString id;
    QString installationId;
    QString sessionId;
    qint64 fence = 0;
    QString channel;
    QString tenant;
    QString backend;
    QString place;
    QString thread; // of the reply; empty: top level
    QString messageTs;
    QString user;
    bool mentioned = false;
    bool direct = false;
    int attempts = 0; // claims, this one included
    int notSent = 0; // how often its prompt could not be handed over
    QString agentSession;
    QString runtimeNamespace; // the runtime the session is bound to, as last seen; empty: none
    QString runtimeInstance;
    domain::PromptState promptState
        = domain::PromptState::None; // of a former life: not None means never again
    bool isRetry = false; // of another delivery
    bool runtimeStale = false; // its runtime is known to have ended: the provider looks anew at once
    bool unsettled = false; // an earlier turn of the session may still run: cancel it before the prompt
    QByteArray payload; // JSON; empty when it has expired
};

// Names a running delivery under its lock: every write carries it, and a stale one changes nothing.
struct HeldDelivery
{
    HeldDelivery() = default;
    HeldDelivery(QString deliveryId, qint64 lockFence)
        : id(std::move(deliveryId))
        , fence(lockFence)
    {
    }
    QString id;
    qint64 fence = 0;
};

struct OutboundDraft
{
    OutboundDraft() = default;
    QString id; // a time-ordered id: order within a lane
    QString installationId;
    QString deliveryId;
    QString purpose; // "reply:1", "notice:failure", "ack": at most one row for a delivery and purpose
    domain::OutboundKind kind = domain::OutboundKind::Reply;
    domain::OutboundOp op = domain::OutboundOp::Post;
    QString place;
    QString thread;
    QString targetTs; // of a reaction
    int part = 1;
    int parts = 1;
    QByteArray body; // JSON
    Millis payloadTtl{0};
    qint64 fence = 0; // not 0: only while its delivery is held under this fence
    QString interactionId; // of a card
};

// How far a held delivery has come on its way to its runtime.
struct NoteStage
{
    NoteStage() = default;
    HeldDelivery held;
    domain::Stage stage = domain::Stage::None;
    bool waitsForRuntime = false; // shown as waiting: runtime; its lock stays held
    QString errorCode; // what it last met
    // The try that met it, kept as an attempt: "exchange" or "open"; empty: none. `number` orders the tries
    // of a delivery over all its claims.
    QString what;
    QString attemptId;
    qint64 number = 0;
    QString target; // the backend
    QString errorText;
    Instant startedAt;
};

// What the engine saw of a runtime (DESIGN.md "Lifecycle").
struct ObservedRuntime
{
    ObservedRuntime() = default;
    QString backend;
    QString nameSpace;
    QString instanceId;
    QString phase; // ready | recovering | lost | exited
    QString detail; // an error code
};

struct BeginTurn
{
    BeginTurn() = default;
    HeldDelivery held;
    QString attemptId;
    QString backend;
    QString sent; // a summary without anything people wrote
    QString agentSession; // stored with the session
    bool settles = false; // what an earlier turn may have left running has been cancelled
    std::optional<OutboundDraft> announcement; // posted when no turn has begun in the session before
    QString runtimeNamespace; // the runtime that the session is bound to from now on
    QString runtimeInstance;
    std::vector<OutboundDraft> notices; // said before the answer, once: the context was lost
};

struct FinishTurn
{
    FinishTurn() = default;
    HeldDelivery held;
    domain::DeliveryState state = domain::DeliveryState::Dead;
    domain::Outcome outcome = domain::Outcome::None; // of Completed
    // With Waiting the delivery waits for its outbound rows; with Pending it goes back to be claimed again at
    // dueIn.
    Millis dueIn{0};
    QString errorCode;
    QString errorText;
    QString attemptOutcome; // ok | failed | unknown; empty: no turn was begun
    QString attemptId; // of an attempt that only looked for an interrupted turn; empty: none
    QString attemptTarget;
    QString attemptSent;
    QString received; // a summary
    std::vector<OutboundDraft> outbound;
    QString retryId; // of Unconfirmed: the id of the delivery that tries it once more; empty: none
    bool dropPayload = false; // policy ignores it after all: its text goes
    bool unlessMentioned = false; // its mention has come meanwhile: back to be claimed instead
    bool unlessPaused = false; // an operator has stopped prompts: its clocks stand still, back to be claimed
    bool countsNotSent = false; // of Pending: the prompt could not be handed over
    bool removeAck = false;
    QString ackRemovalId;
};

struct FinishedTurn
{
    FinishedTurn() = default;
    bool woke = false; // another delivery of the session may run now
};

struct ClaimedOutbound
{
    ClaimedOutbound() = default;
    EngineLife life; // that claimed it
    QString id;
    QString installationId;
    QString deliveryId;
    domain::OutboundKind kind = domain::OutboundKind::Reply;
    domain::OutboundOp op = domain::OutboundOp::Post;
    bool wasUnknown = false; // look for it before sending
    int looks = 0; // for it, since the last send
    bool resent = false; // the one permitted resend is spent
    QString errorCode; // of the try before this one
    QString channel;
    QString tenant;
    QString backend;
    QString place;
    QString thread;
    QString targetTs;
    int part = 1;
    int parts = 1;
    int attempts = 0; // this one included
    Instant createdAt;
    QByteArray body; // JSON
    bool revoked = false; // the app is gone from the tenant
    qint64 installationRev = 0;
};

// Spends the one permitted resend of a message that was looked for and not found.
struct BeginResend
{
    BeginResend() = default;
    EngineLife life;
    QString id;
    int attempts = 0; // as claimed
    bool maybeDoubled = false; // it could not be looked for
};

struct FinishOutbound
{
    FinishOutbound() = default;
    EngineLife life;
    QString id;
    int attempts = 0; // as claimed: a result of an earlier claim is stale
    domain::OutboundState state = domain::OutboundState::Sent;
    bool toLog = false; // of Sent: its session's log takes it in the same transaction
    QString channelTs; // of Sent
    QString errorCode;
    Millis dueIn{0}; // of Retry and Unknown
    int looks = 0; // of Unknown
    bool maybeDoubled = false;
    Millis hold{0}; // of Retry: the channel wants nothing of this kind for so long
    QString holdPlace; // in this place; empty: in any
    QString sent; // summaries for the attempt
    QString received;
    Instant startedAt;
    bool removeAck = false; // when this settles the delivery
    QString ackRemovalId;
    Millis payloadTtl{0};
};

// --- lifecycle (DESIGN.md "Lifecycle")

// A phase that somebody reported. All ids are bounded by whoever takes them in.
struct LifecycleReport
{
    LifecycleReport() = default;
    QString id; // of the event, made by the caller: a time-ordered id
    QString backend;
    QString nameSpace;
    QString instanceId;
    QString phase;
    QString reason;
    QString eventScope; // within which eventId is unique
    QString eventId; // empty: the sender has none
    KeyedCall call;
    std::optional<Instant> observedAt;
};

struct LifecycleStored
{
    LifecycleStored() = default;
    QString id; // of the event, an earlier one when duplicate
    bool duplicate = false;
    int unbound = 0; // sessions
};

// An event on its way to one webhook.
struct ClaimedForward
{
    ClaimedForward() = default;
    EngineLife life; // that claimed it
    QString id;
    QString target; // a backend's name
    int attempts = 0; // this one included
    Instant createdAt;
    QString eventId; // as reported, or our own
    QString nameSpace;
    QString instanceId;
    QString phase;
    QString reason;
    QString source; // reported | observed
    Instant observedAt;
};

enum class ForwardState { Sent, Retry, Dead };

struct FinishForward
{
    FinishForward() = default;
    EngineLife life;
    QString id;
    int attempts = 0; // as claimed
    ForwardState state = ForwardState::Sent;
    QString errorCode;
    Millis dueIn{0}; // of Retry
};

struct ReplayForward
{
    ReplayForward() = default;
    QString forwardId; // made by the caller
    QString auditId;
    QString eventId;
    QString target; // empty: the event's own backend, or the only one that has a webhook
    QString actor;
    QString reason;
};

struct FeedCursor
{
    FeedCursor() = default;
    QString epoch;
    qint64 xid = 0;
    qint64 seq = 0;
    [[nodiscard]] QString toString() const
    {
        return epoch + u'.' + QString::number(xid) + u'.' + QString::number(seq);
    }
    [[nodiscard]] static std::optional<FeedCursor> parse(QStringView text);
    // Of two of one epoch.
    [[nodiscard]] bool isBefore(const FeedCursor &other) const
    {
        return xid != other.xid ? xid < other.xid : seq < other.seq;
    }
};

struct FeedEntry
{
    FeedEntry() = default;
    QString kind;
    QString id;
    qint64 rev = 0;
    qint64 xid = 0; // with seq: the cursor behind this entry
    qint64 seq = 0;
};

struct FeedBatch
{
    FeedBatch() = default;
    std::vector<FeedEntry> entries;
    FeedCursor cursor; // behind the last entry; without more, behind all that will never change any more
    FeedCursor oldest; // of a gap: from here on the feed can be read
    qint64 lagMs = 0; // age of the oldest entry, also of one that is held back
    Instant readAt; // by the database's clock
    bool gap = false; // the cursor is too old, of another epoch or of the future: lists must be read anew
    bool more = false;
    bool held = false; // there are entries behind a transaction that is still open
};

// How long what is over is kept (DESIGN.md "Configuration against state").
struct Retention
{
    Retention() = default;
    Millis feed{std::chrono::hours(24)};
    Millis deadLetters{std::chrono::hours(24 * 90)}; // payloads of what needs a person
    Millis history{std::chrono::hours(24 * 180)};
    Millis audit{std::chrono::hours(24 * 365)};
};

struct StoreCounts
{
    StoreCounts() = default;
    std::vector<std::pair<QString, qint64>>
        deliveries; // open ones by state, waiting also as waiting:<what>; "total" capped
    std::vector<std::pair<QString, qint64>> sessions;
    Instant oldestUnfinishedAt;
    qint64 needPerson = 0;
    qint64 forwarding = 0; // forwards that are under way
    qint64 asking = 0; // questions that wait for a person
    Instant oldestAskedAt; // never: none
};

} // namespace signalbox::store
