// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "domain/engine_item.h"
#include "domain/items.h"
#include "store/action_records.h"
#include "store/interaction_records.h"
#include "store/lock_records.h"
#include "store/order_records.h"
#include "store/question_records.h"
#include "store/records.h"
#include "store/session_records.h"
#include "store/socket_records.h"
#include "store/webhook_records.h"

#include <QCoro/QCoroTask>
#include <QObject>

#include <functional>
#include <memory>

namespace signalbox::store {

struct StoreStats
{
    StoreStats() = default;
    int queuedIngest = 0;
    int queuedWork = 0;
    quint64 commits = 0;
    quint64 jobs = 0;
    double commitP99Ms = 0;
};

// Everything durable, behind one port for both databases. Methods may be called on the engine thread only and
// resume there; what they write is committed before they resume. Errors: Unavailable (the database is away,
// full, or too much is queued: nothing was stored), Conflict with native "stale" (the caller's fence or
// incarnation is over: nothing was changed), NotFound, Internal. Every method is one unit of work that may be
// repeated with the same arguments.
class Store
{
public:
    virtual ~Store() = default;

    // --- engines (DESIGN.md "Liveness is one thing")
    // Raises the incarnation and frees the work of the old one at once (on SQLite: of everybody).
    [[nodiscard]] virtual QCoro::Task<Result<Registered>> registerEngine(EngineRegistration registration) = 0;
    // Extends the lease and the locks held by it. Conflict when this life has been replaced; Unavailable,
    // native "lease_ended", when the lease is over (PostgreSQL only): only another life may act again.
    [[nodiscard]] virtual QCoro::Task<Status> renewLease(EngineLife life, Millis lease, Millis lockTtl) = 0;
    // Frees a batch of the work of one other engine whose lease has ended, as registerEngine would, and files
    // it with the audit (PostgreSQL only; one engine at a time does this). `life` of the answer names the
    // lost one; empty: there is none, or another engine is at it.
    [[nodiscard]] virtual QCoro::Task<Result<Registered>> reapLostEngine(ReapOrder order) = 0;
    // A clean stop: hands back what still runs, and lets the lease end.
    [[nodiscard]] virtual QCoro::Task<Status> endEngine(EngineLife life) = 0;

    // What this life is to do because it holds the turn or the connection (order_records.h), oldest first.
    [[nodiscard]] virtual QCoro::Task<Result<std::vector<EngineOrder>>> engineOrders(
        EngineLife life, int most)
        = 0;
    [[nodiscard]] virtual QCoro::Task<Status> finishOrders(std::vector<EngineOrder> orders) = 0;
    // Called on the engine thread when another engine has placed orders; this one's are known to whoever
    // placed them.
    virtual void onOrders(std::function<void()> listener) = 0;

    // --- installations (DESIGN.md "Configuration against state")
    [[nodiscard]] virtual QCoro::Task<Result<std::vector<InstallationRow>>> syncInstallations(
        std::vector<InstallationRow> configured)
        = 0;
    // The row of a tenant that a "*" installation has met; made when it is new.
    [[nodiscard]] virtual QCoro::Task<Result<InstallationRow>> addTenant(InstallationRow row) = 0;
    [[nodiscard]] virtual QCoro::Task<Status> setBotUser(QString installationId, QString botUserId) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<InstallationRow>> installation(QString id) = 0; // NotFound
    // The api_app_id of the app that signs this installation's events; writes only news.
    [[nodiscard]] virtual QCoro::Task<Status> noteApp(QString installationId, QString apiAppId) = 0;
    // What it is in trouble with (domain/installation_trouble.h). True when that was news. One that says
    // less than what is known changes nothing.
    [[nodiscard]] virtual QCoro::Task<Result<bool>> noteTrouble(QString installationId, QString code) = 0;
    // The one trouble that is over; nothing when it is in another one. True when that was news.
    [[nodiscard]] virtual QCoro::Task<Result<bool>> clearTrouble(QString installationId, QString code) = 0;
    // A token that is new, or has proved itself: ends the troubles that it ends, brings a revoked
    // installation back, and lets wait no longer what waited for it.
    [[nodiscard]] virtual QCoro::Task<Result<TokenNoted>> noteToken(NoteToken note) = 0;
    // What Slack said is gone, with all that follows, in one transaction (contracts/spritz-backend.md §3.8).
    [[nodiscard]] virtual QCoro::Task<Result<Revoked>> revoke(RevokeInstallation revoke) = 0;
    // Registries that are to be told now; each is due again after `patience`, whoever took it.
    [[nodiscard]] virtual QCoro::Task<Result<std::vector<ClaimedDisconnect>>> claimDisconnects(
        int most, Millis patience)
        = 0;
    [[nodiscard]] virtual QCoro::Task<Status> finishDisconnect(FinishDisconnect finish) = 0;

    // --- Socket Mode and the slash command (socket_records.h)
    [[nodiscard]] virtual QCoro::Task<Result<SocketHeld>> holdSocket(HoldSocket hold) = 0;
    [[nodiscard]] virtual QCoro::Task<Status> releaseSocket(QString installationId, EngineLife life) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<PlaceStatus>> placeStatus(
        QString installationId, QString place, int most)
        = 0;
    [[nodiscard]] virtual QCoro::Task<Result<PlaceTurn>> placeTurn(QString deliveryId) = 0;

    // --- the way of a message
    [[nodiscard]] virtual QCoro::Task<Result<IngestOutcome>> ingest(IngestRequest request) = 0;
    // Deliveries with their sessions' locks. Installations take turns.
    [[nodiscard]] virtual QCoro::Task<Result<std::vector<ClaimedDelivery>>> claimDeliveries(
        EngineLife life, ClaimLimits limits)
        = 0;
    // How far a held delivery has come on its way to its runtime.
    [[nodiscard]] virtual QCoro::Task<Status> noteStage(NoteStage note) = 0;
    // What the engine saw of a runtime; writes only what is news.
    [[nodiscard]] virtual QCoro::Task<Status> observeRuntime(ObservedRuntime seen) = 0;
    // Withdraws a delivery's status messages that were not sent yet: what they announced is over.
    [[nodiscard]] virtual QCoro::Task<Status> dropStatus(QString deliveryId) = 0;
    // Commits prompt_state = sending: from then on there is never a second prompt for this delivery by our
    // doing.
    [[nodiscard]] virtual QCoro::Task<Status> beginTurn(BeginTurn begin) = 0;
    [[nodiscard]] virtual QCoro::Task<Status> acceptTurn(HeldDelivery held) = 0;
    // The outcome, its outbound rows and the release of the lock in one transaction.
    [[nodiscard]] virtual QCoro::Task<Result<FinishedTurn>> finishTurn(FinishTurn finish) = 0;

    // --- activity locks (contracts/sessions-locks.md §3; deliveries take theirs with their claim)
    // Never waits; nothing is an answer: somebody holds it. NotFound: no such session; Unavailable, native
    // "lease_ended": the lease of the life that asks is over.
    [[nodiscard]] virtual QCoro::Task<Result<std::optional<LockGrant>>> acquireLock(LockWish wish) = 0;
    // Conflict, native "not_held", when another holder or fence has it, or nobody.
    [[nodiscard]] virtual QCoro::Task<Result<LockGrant>> refreshLock(HeldLock held, Millis ttl) = 0;
    // True when a delivery of the session may run now. Conflict as above: a second release is one.
    [[nodiscard]] virtual QCoro::Task<Result<bool>> releaseLock(HeldLock held) = 0;
    // Deliveries that have waited for their session longer than `delay`, and whose people do not know it yet.
    [[nodiscard]] virtual QCoro::Task<Result<std::vector<BusyWaiter>>> busyWaiters(Millis delay, int most)
        = 0;
    [[nodiscard]] virtual QCoro::Task<Status> tellBusy(std::vector<BusyNotice> notices) = 0;
    // Files a refused write with the audit.
    [[nodiscard]] virtual QCoro::Task<Status> noteStale(StaleWrite stale) = 0;

    // --- sessions of callers (session_records.h)
    [[nodiscard]] virtual QCoro::Task<Result<SessionAnswer>> createSession(NewSession wanted) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<SessionAnswer>> resolveSession(NewSession wanted) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<SessionAnswer>> lookupSession(SessionLookup wanted) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<SessionAnswer>> bindTicket(TicketBinding binding) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<SessionAnswer>> storeMessage(SessionMessage message) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<SessionBrief>> sessionBrief(QString id) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<LogBatch>> readSessionLog(QString id, qint64 after, int most)
        = 0;
    [[nodiscard]] virtual QCoro::Task<Result<std::vector<LogHead>>> sessionLogHeads(QStringList ids) = 0;

    // --- outbox
    [[nodiscard]] virtual QCoro::Task<Status> enqueueOutbound(std::vector<OutboundDraft> drafts) = 0;
    // Rows in state sending, in order within a lane.
    [[nodiscard]] virtual QCoro::Task<Result<std::vector<ClaimedOutbound>>> claimOutbound(
        EngineLife life, int most)
        = 0;
    // Committed before the resend leaves: a second unknown is never sent a third time.
    [[nodiscard]] virtual QCoro::Task<Status> beginResend(BeginResend begin) = 0;
    // Moves the row and, when it settles them, its delivery.
    [[nodiscard]] virtual QCoro::Task<Status> finishOutbound(FinishOutbound finish) = 0;

    // --- lifecycle
    // The backends whose webhooks every event is forwarded to. Called once, before anything is stored.
    virtual void setLifecycleTargets(QStringList targets) = 0;
    // Stores an event, moves its runtime's phase unless a later one is known, unbinds the sessions of a
    // runtime that has ended, and queues the forwards. What is known already changes nothing.
    [[nodiscard]] virtual QCoro::Task<Result<LifecycleStored>> storeLifecycle(LifecycleReport report) = 0;
    // Forwards to one target in state sending, the heads of their lanes (target and runtime).
    [[nodiscard]] virtual QCoro::Task<Result<std::vector<ClaimedForward>>> claimForwards(
        EngineLife life, QString target, int most)
        = 0;
    [[nodiscard]] virtual QCoro::Task<Status> finishForward(FinishForward finish) = 0;
    // A new forward behind the others of its lane, and an audit entry. NotFound: no such event; InvalidInput:
    // no such target; Conflict: the event is on its way there.
    [[nodiscard]] virtual QCoro::Task<Result<domain::ForwardItem>> replayForward(ReplayForward replay) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<domain::Page<domain::RuntimeItem>>> listRuntimes(
        domain::ListQuery query)
        = 0;
    [[nodiscard]] virtual QCoro::Task<Result<domain::Page<domain::LifecycleEventItem>>> listLifecycleEvents(
        domain::ListQuery query)
        = 0;
    [[nodiscard]] virtual QCoro::Task<Result<QList<domain::RuntimeItem>>> runtimeItems(QStringList ids) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<QList<domain::LifecycleEventItem>>> lifecycleEventItems(
        QStringList ids)
        = 0;

    // --- change feed
    [[nodiscard]] virtual QCoro::Task<Result<FeedCursor>> feedHead() = 0;
    [[nodiscard]] virtual QCoro::Task<Result<FeedBatch>> readFeed(FeedCursor after, int most) = 0;
    // Called on the engine thread after this process has written to the feed, or another one has.
    virtual void onChange(std::function<void()> listener) = 0;

    // --- views
    [[nodiscard]] virtual QCoro::Task<Result<domain::Page<domain::SessionItem>>> listSessions(
        domain::ListQuery query)
        = 0;
    [[nodiscard]] virtual QCoro::Task<Result<domain::Page<domain::DeliveryItem>>> listDeliveries(
        domain::ListQuery query)
        = 0;
    [[nodiscard]] virtual QCoro::Task<Result<domain::DeliveryDetail>> deliveryDetail(QString id) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<QList<domain::SessionItem>>> sessionItems(QStringList ids) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<QList<domain::DeliveryItem>>> deliveryItems(QStringList ids) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<QList<domain::OutboundItem>>> outboundItems(QStringList ids) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<StoreCounts>> counts() = 0;

    // --- questions of programs, and webhooks (question_records.h, webhook_records.h)
    [[nodiscard]] virtual QCoro::Task<Result<AskedQuestion>> askQuestion(AskQuestion ask) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<QuestionView>> question(QString id) = 0; // NotFound
    // Whoever asked has the answer now. False: that was known.
    [[nodiscard]] virtual QCoro::Task<Result<bool>> acceptAnswer(QString id) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<std::vector<ClaimedWebhookCall>>> claimWebhookCalls(
        EngineLife life, QString webhook, int most)
        = 0;
    [[nodiscard]] virtual QCoro::Task<Status> finishWebhookCall(FinishForward finish) = 0;

    // --- interactions (interaction_records.h)
    // Stores the question with its card and makes its delivery wait for a person; one that is known is
    // neither opened again nor given more time. Conflict, native "stale": its delivery is not held under this
    // fence.
    [[nodiscard]] virtual QCoro::Task<Result<StoredInteraction>> storeInteraction(NewInteraction asked) = 0;
    // One conditional update: whoever may not, comes late or second consumes nothing.
    [[nodiscard]] virtual QCoro::Task<Result<ClaimedInteraction>> claimInteraction(ClaimInteraction claim)
        = 0;
    [[nodiscard]] virtual QCoro::Task<Result<bool>> resolveInteraction(ResolveInteraction resolve) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<bool>> acceptInteraction(AcceptInteraction accept) = 0;
    // A bounded batch of those whose time is over.
    [[nodiscard]] virtual QCoro::Task<Result<ClosedInteractions>> expireInteractions(int most) = 0;
    // What a delivery still asks: its turn is over.
    [[nodiscard]] virtual QCoro::Task<Result<ClosedInteractions>> withdrawInteractions(QString deliveryId)
        = 0;
    [[nodiscard]] virtual QCoro::Task<Result<InteractionRow>> interaction(QString id) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<domain::Page<domain::InteractionItem>>> listInteractions(
        domain::ListQuery query)
        = 0;
    [[nodiscard]] virtual QCoro::Task<Result<QList<domain::InteractionItem>>> interactionItems(
        QStringList ids)
        = 0;

    // --- operator actions (DESIGN.md "Operator actions"; errors: action_records.h)
    [[nodiscard]] virtual QCoro::Task<Result<domain::ActionResult>> act(ActionOrder order) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<domain::ActionResult>> answerOf(QString actor, QString key) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<domain::Page<domain::LockItem>>> listLocks(
        domain::ListQuery query)
        = 0;
    [[nodiscard]] virtual QCoro::Task<Result<domain::Page<domain::AuditItem>>> listAudit(
        domain::ListQuery query)
        = 0;
    [[nodiscard]] virtual QCoro::Task<Result<QList<domain::AuditItem>>> auditItems(QStringList ids) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<QList<domain::PauseItem>>> pauses() = 0;
    [[nodiscard]] virtual QCoro::Task<Result<QList<domain::InstallationItem>>> installationItems() = 0;
    [[nodiscard]] virtual QCoro::Task<Result<QList<domain::EngineItem>>> engineItems() = 0;
    // NotFound for an unknown delivery.
    [[nodiscard]] virtual QCoro::Task<Result<domain::ExplainFacts>> explainFacts(QString deliveryId) = 0;

    // --- upkeep: one bounded batch; the number of rows removed
    [[nodiscard]] virtual QCoro::Task<Result<int>> sweep(Retention retention, int most) = 0;
    // Answers when a trivial read came back: for /readyz.
    [[nodiscard]] virtual QCoro::Task<Status> ping() = 0;

    [[nodiscard]] virtual StoreStats stats() const = 0;
    [[nodiscard]] virtual QString databaseKind() const = 0; // "sqlite" | "postgresql"
    // Finishes what is queued and closes the connections. Awaiters still get their results through the event
    // loop.
    virtual void close() = 0;
};

struct StoreOptions
{
    StoreOptions() = default;
    QString database; // as in the configuration
    QString password;
    QString dataDir;
    int pool = 4;
    int maxQueuedIngest = 10'000;
};

// Opens (and creates, and migrates) the database. Blocks: only at start. `home` is an object of the engine
// thread. Unavailable: cannot be reached or opened; Conflict: a schema of a newer program; InvalidInput: the
// URL.
[[nodiscard]] Result<std::unique_ptr<Store>> openStore(
    const StoreOptions &options, const Clock &clock, QObject *home);

} // namespace signalbox::store
