// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/executor.h"
#include "store/store.h"

namespace signalbox::store {

// The Store over SQL: wraps each unit of work into a job and posts it to its executor. What differs between
// the databases stands in the units, beside the reason.
class SqlStore final : public Store
{
public:
    SqlStore(std::unique_ptr<Executor> executor, Dialect dialect, int maxQueuedIngest);
    ~SqlStore() override;

    QCoro::Task<Result<Registered>> registerEngine(EngineRegistration registration) override;
    QCoro::Task<Status> renewLease(EngineLife life, Millis lease, Millis lockTtl) override;
    QCoro::Task<Result<Registered>> reapLostEngine(ReapOrder order) override;
    QCoro::Task<Result<std::vector<EngineOrder>>> engineOrders(EngineLife life, int most) override;
    QCoro::Task<Status> finishOrders(std::vector<EngineOrder> orders) override;
    void onOrders(std::function<void()> listener) override;
    QCoro::Task<Status> endEngine(EngineLife life) override;
    QCoro::Task<Result<std::vector<InstallationRow>>> syncInstallations(
        std::vector<InstallationRow> configured) override;
    QCoro::Task<Result<InstallationRow>> addTenant(InstallationRow row) override;
    QCoro::Task<Status> setBotUser(QString installationId, QString botUserId) override;
    QCoro::Task<Result<InstallationRow>> installation(QString id) override;
    QCoro::Task<Status> noteApp(QString installationId, QString apiAppId) override;
    QCoro::Task<Result<bool>> noteTrouble(QString installationId, QString code) override;
    QCoro::Task<Result<bool>> clearTrouble(QString installationId, QString code) override;
    QCoro::Task<Result<TokenNoted>> noteToken(NoteToken note) override;
    QCoro::Task<Result<Revoked>> revoke(RevokeInstallation revoke) override;
    QCoro::Task<Result<std::vector<ClaimedDisconnect>>> claimDisconnects(int most, Millis patience) override;
    QCoro::Task<Status> finishDisconnect(FinishDisconnect finish) override;
    QCoro::Task<Result<SocketHeld>> holdSocket(HoldSocket hold) override;
    QCoro::Task<Status> releaseSocket(QString installationId, EngineLife life) override;
    QCoro::Task<Result<PlaceStatus>> placeStatus(QString installationId, QString place, int most) override;
    QCoro::Task<Result<PlaceTurn>> placeTurn(QString deliveryId) override;
    QCoro::Task<Result<IngestOutcome>> ingest(IngestRequest request) override;
    QCoro::Task<Result<std::vector<ClaimedDelivery>>> claimDeliveries(
        EngineLife life, ClaimLimits limits) override;
    QCoro::Task<Status> noteStage(NoteStage note) override;
    QCoro::Task<Status> observeRuntime(ObservedRuntime seen) override;
    QCoro::Task<Status> dropStatus(QString deliveryId) override;
    QCoro::Task<Status> beginTurn(BeginTurn begin) override;
    QCoro::Task<Status> acceptTurn(HeldDelivery held) override;
    QCoro::Task<Result<FinishedTurn>> finishTurn(FinishTurn finish) override;
    QCoro::Task<Result<std::optional<LockGrant>>> acquireLock(LockWish wish) override;
    QCoro::Task<Result<LockGrant>> refreshLock(HeldLock held, Millis ttl) override;
    QCoro::Task<Result<bool>> releaseLock(HeldLock held) override;
    QCoro::Task<Result<std::vector<BusyWaiter>>> busyWaiters(Millis delay, int most) override;
    QCoro::Task<Status> tellBusy(std::vector<BusyNotice> notices) override;
    QCoro::Task<Status> noteStale(StaleWrite stale) override;
    QCoro::Task<Result<SessionAnswer>> createSession(NewSession wanted) override;
    QCoro::Task<Result<SessionAnswer>> resolveSession(NewSession wanted) override;
    QCoro::Task<Result<SessionAnswer>> lookupSession(SessionLookup wanted) override;
    QCoro::Task<Result<SessionAnswer>> bindTicket(TicketBinding binding) override;
    QCoro::Task<Result<SessionAnswer>> storeMessage(SessionMessage message) override;
    QCoro::Task<Result<SessionBrief>> sessionBrief(QString id) override;
    QCoro::Task<Result<LogBatch>> readSessionLog(QString id, qint64 after, int most) override;
    QCoro::Task<Result<std::vector<LogHead>>> sessionLogHeads(QStringList ids) override;
    QCoro::Task<Status> enqueueOutbound(std::vector<OutboundDraft> drafts) override;
    QCoro::Task<Result<std::vector<ClaimedOutbound>>> claimOutbound(EngineLife life, int most) override;
    QCoro::Task<Status> beginResend(BeginResend begin) override;
    QCoro::Task<Status> finishOutbound(FinishOutbound finish) override;
    void setLifecycleTargets(QStringList targets) override { m_lifecycleTargets = std::move(targets); }
    QCoro::Task<Result<LifecycleStored>> storeLifecycle(LifecycleReport report) override;
    QCoro::Task<Result<std::vector<ClaimedForward>>> claimForwards(
        EngineLife life, QString target, int most) override;
    QCoro::Task<Status> finishForward(FinishForward finish) override;
    QCoro::Task<Result<domain::ForwardItem>> replayForward(ReplayForward replay) override;
    QCoro::Task<Result<domain::Page<domain::RuntimeItem>>> listRuntimes(domain::ListQuery query) override;
    QCoro::Task<Result<domain::Page<domain::LifecycleEventItem>>> listLifecycleEvents(
        domain::ListQuery query) override;
    QCoro::Task<Result<QList<domain::RuntimeItem>>> runtimeItems(QStringList ids) override;
    QCoro::Task<Result<QList<domain::LifecycleEventItem>>> lifecycleEventItems(QStringList ids) override;
    QCoro::Task<Result<FeedCursor>> feedHead() override;
    QCoro::Task<Result<FeedBatch>> readFeed(FeedCursor after, int most) override;
    void onChange(std::function<void()> listener) override;
    QCoro::Task<Result<domain::Page<domain::SessionItem>>> listSessions(domain::ListQuery query) override;
    QCoro::Task<Result<domain::Page<domain::DeliveryItem>>> listDeliveries(domain::ListQuery query) override;
    QCoro::Task<Result<domain::DeliveryDetail>> deliveryDetail(QString id) override;
    QCoro::Task<Result<QList<domain::SessionItem>>> sessionItems(QStringList ids) override;
    QCoro::Task<Result<QList<domain::DeliveryItem>>> deliveryItems(QStringList ids) override;
    QCoro::Task<Result<QList<domain::OutboundItem>>> outboundItems(QStringList ids) override;
    QCoro::Task<Result<StoreCounts>> counts() override;
    QCoro::Task<Result<AskedQuestion>> askQuestion(AskQuestion ask) override;
    QCoro::Task<Result<QuestionView>> question(QString id) override;
    QCoro::Task<Result<bool>> acceptAnswer(QString id) override;
    QCoro::Task<Result<std::vector<ClaimedWebhookCall>>> claimWebhookCalls(
        EngineLife life, QString webhook, int most) override;
    QCoro::Task<Status> finishWebhookCall(FinishForward finish) override;
    QCoro::Task<Result<StoredInteraction>> storeInteraction(NewInteraction asked) override;
    QCoro::Task<Result<ClaimedInteraction>> claimInteraction(ClaimInteraction claim) override;
    QCoro::Task<Result<bool>> resolveInteraction(ResolveInteraction resolve) override;
    QCoro::Task<Result<bool>> acceptInteraction(AcceptInteraction accept) override;
    QCoro::Task<Result<ClosedInteractions>> expireInteractions(int most) override;
    QCoro::Task<Result<ClosedInteractions>> withdrawInteractions(QString deliveryId) override;
    QCoro::Task<Result<InteractionRow>> interaction(QString id) override;
    QCoro::Task<Result<domain::Page<domain::InteractionItem>>> listInteractions(
        domain::ListQuery query) override;
    QCoro::Task<Result<QList<domain::InteractionItem>>> interactionItems(QStringList ids) override;
    QCoro::Task<Result<domain::ActionResult>> act(ActionOrder order) override;
    QCoro::Task<Result<domain::ActionResult>> answerOf(QString actor, QString key) override;
    QCoro::Task<Result<domain::Page<domain::LockItem>>> listLocks(domain::ListQuery query) override;
    QCoro::Task<Result<domain::Page<domain::AuditItem>>> listAudit(domain::ListQuery query) override;
    QCoro::Task<Result<QList<domain::AuditItem>>> auditItems(QStringList ids) override;
    QCoro::Task<Result<QList<domain::PauseItem>>> pauses() override;
    QCoro::Task<Result<QList<domain::InstallationItem>>> installationItems() override;
    QCoro::Task<Result<QList<domain::EngineItem>>> engineItems() override;
    QCoro::Task<Result<domain::ExplainFacts>> explainFacts(QString deliveryId) override;
    QCoro::Task<Result<int>> sweep(Retention retention, int most) override;
    QCoro::Task<Status> ping() override;
    StoreStats stats() const override;
    QString databaseKind() const override;
    void close() override;

private:
    template <class T>
    [[nodiscard]] QCoro::Task<Result<T>> read(Unit<T> unit);
    // Every commit has a place at which a test may kill the process.
    template <class T>
    [[nodiscard]] QCoro::Task<Result<T>> write(Lane lane, FailPlace place, Unit<T> unit);
    [[nodiscard]] QCoro::Task<Status> writeStatus(Lane lane, FailPlace place, Unit<bool> unit);

    // A claim that failed may have been committed all the same; the next one picks up what it took.
    template <class T>
    struct Unsettled
    {
        Unsettled() = default;
        EngineLife life;
        std::vector<T> claimed;
    };
    template <class T, class Claim>
    [[nodiscard]] QCoro::Task<Result<std::vector<T>>> claim(
        FailPlace place, Unsettled<T> *unsettled, EngineLife life, Claim unit);

    Unsettled<ClaimedDelivery> m_unsettledDeliveries;
    Unsettled<ClaimedOutbound> m_unsettledOutbound;
    Unsettled<ClaimedForward> m_unsettledForwards;
    Unsettled<ClaimedWebhookCall> m_unsettledCalls;
    QStringList m_lifecycleTargets;
    std::unique_ptr<Executor> m_executor;
    Dialect m_dialect;
    int m_maxQueuedIngest;
    bool m_closed = false;
};

} // namespace signalbox::store
