// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/engine_item.h"
#include "domain/items.h"
#include "store/records.h"
#include "store/session.h"

namespace signalbox::store {

// The units of work as plain functions on one transaction, grouped as in the files that hold them. SqlStore
// posts them.

// sql_engines.cpp
[[nodiscard]] Result<Registered> registerEngineUnit(Session &session, const EngineRegistration &registration);
[[nodiscard]] Result<bool> renewLeaseUnit(
    Session &session, const EngineLife &life, Millis lease, Millis lockTtl);
// What engines.lease_until says besides a time: stopped cleanly, or its work was taken back.
inline constexpr qint64 kLeaseEnded = 0;
inline constexpr qint64 kLeaseReaped = -1;
[[nodiscard]] Result<bool> endEngineUnit(Session &session, const EngineLife &life);
// What a life may take. Conflict when it has been replaced. Keeps the engine's row from being replaced until
// the commit.
struct ClaimRight
{
    ClaimRight() = default;
    bool alive = false; // false while its lease has lapsed: it takes no work (PostgreSQL only)
    bool paused = false; // something is: only then need single rows be looked at
};
[[nodiscard]] Result<ClaimRight> claimRight(Session &session, const EngineLife &life);
[[nodiscard]] Result<bool> mayClaim(Session &session, const EngineLife &life);
// Of what ended before that time, nothing is left but its place in the audit log.
[[nodiscard]] Result<int> sweepEngines(Session &session, Instant before, int most);
[[nodiscard]] Result<Registered> reapLostEngineUnit(Session &session, const ReapOrder &order);
// A held delivery whose holder is gone.
struct LostDelivery
{
    LostDelivery(QString deliveryId, QString session, QString prompt)
        : id(std::move(deliveryId))
        , sessionId(std::move(session))
        , promptState(std::move(prompt))
    {
    }
    QString id;
    QString sessionId;
    QString promptState;
};
// Back to be claimed, and its lock free. How far its prompt had come stays with it: whoever claims it next
// runs it, or, when the prompt may have left, looks for what became of it and never prompts again (DESIGN.md
// step 5).
[[nodiscard]] Status handBack(Session &session, const LostDelivery &lost, Registered *count = nullptr);

// sql_engine_views.cpp
[[nodiscard]] Result<QList<domain::EngineItem>> engineItemsUnit(Session &session);

// sql_installations.cpp
[[nodiscard]] Result<std::vector<InstallationRow>> syncInstallationsUnit(
    Session &session, const std::vector<InstallationRow> &configured);
[[nodiscard]] Result<InstallationRow> addTenantUnit(Session &session, const InstallationRow &row);
[[nodiscard]] Result<bool> setBotUserUnit(
    Session &session, const QString &installationId, const QString &botUserId);
[[nodiscard]] Result<InstallationRow> installationUnit(Session &session, const QString &id);
[[nodiscard]] Result<bool> noteAppUnit(
    Session &session, const QString &installationId, const QString &apiAppId);
[[nodiscard]] Result<bool> noteTroubleUnit(
    Session &session, const QString &installationId, const QString &code);
[[nodiscard]] Result<bool> clearTroubleUnit(
    Session &session, const QString &installationId, const QString &code);
[[nodiscard]] Result<TokenNoted> noteTokenUnit(Session &session, const NoteToken &note);

// sql_revocations.cpp
[[nodiscard]] Result<Revoked> revokeUnit(Session &session, const RevokeInstallation &revoke);
[[nodiscard]] Result<std::vector<ClaimedDisconnect>> claimDisconnectsUnit(
    Session &session, int most, Millis patience);
[[nodiscard]] Result<bool> finishDisconnectUnit(Session &session, const FinishDisconnect &finish);

// sql_ingest.cpp
[[nodiscard]] Result<IngestOutcome> ingestUnit(Session &session, const IngestRequest &request);
// A message that is known to be new: at the end of its session's order, with its text.
[[nodiscard]] Result<IngestOutcome> insertDelivery(
    Session &session, const IngestRequest &request, Instant now);

// Claims take turns between installations: a flood of one delays the others by one share, not by its length.
// Which of them come first is different at different times, so that none is always behind. fair_shares.cpp
struct Share
{
    QString installation;
    int most = 0;
};
[[nodiscard]] std::vector<Share> fairShares(const QStringList &installations, int room, Instant now);

// sql_deliveries.cpp
[[nodiscard]] Result<std::vector<ClaimedDelivery>> claimDeliveriesUnit(Session &session,
    const EngineLife &life, const ClaimLimits &limits, const std::vector<ClaimedDelivery> &earlier);
// sql_turns.cpp
[[nodiscard]] Result<bool> noteStageUnit(Session &session, const NoteStage &note);
[[nodiscard]] Result<bool> dropStatusUnit(Session &session, const QString &deliveryId);
[[nodiscard]] Result<bool> beginTurnUnit(Session &session, const BeginTurn &begin);
[[nodiscard]] Result<bool> acceptTurnUnit(Session &session, const HeldDelivery &held);
[[nodiscard]] Result<FinishedTurn> finishTurnUnit(Session &session, const FinishTurn &finish);

// sql_replays.cpp
// A new delivery at the tail of the parent's session, and the parent settled by `resolution`, by `actor`.
// True when it may run at once. Conflict, native "payload_expired", when the parent's text is gone. With
// `sessionId` it goes to the tail of that session, which exists.
[[nodiscard]] Result<bool> insertRetry(Session &session, const QString &parentId, const QString &newId,
    const QString &resolution, const QString &actor, const QString &sessionId = {});

// sql_outbox.cpp
[[nodiscard]] Status insertOutbound(Session &session, const OutboundDraft &draft);
// Puts the removal of a delivery's acknowledgement behind everything else that was said about it.
[[nodiscard]] Status removeAcknowledgement(
    Session &session, const QString &deliveryId, const QString &removalId);
// Ends the wait for outbound rows when none is open any more: delivered, dead when one failed, no_reply when
// there was none.
[[nodiscard]] Status settleDelivery(Session &session, const QString &deliveryId, const QString &errorCode,
    bool removeAck, const QString &ackRemovalId);
[[nodiscard]] Result<bool> enqueueOutboundUnit(Session &session, const std::vector<OutboundDraft> &drafts);
[[nodiscard]] Result<std::vector<ClaimedOutbound>> claimOutboundUnit(
    Session &session, const EngineLife &life, int most, const std::vector<ClaimedOutbound> &earlier);
[[nodiscard]] Result<bool> beginResendUnit(Session &session, const BeginResend &begin);
[[nodiscard]] Result<bool> finishOutboundUnit(Session &session, const FinishOutbound &finish);

// sql_lifecycle.cpp
// True when that was news.
[[nodiscard]] Result<bool> observeRuntimeUnit(
    Session &session, const ObservedRuntime &seen, const QStringList &targets);
[[nodiscard]] Result<LifecycleStored> storeLifecycleUnit(
    Session &session, const LifecycleReport &report, const QStringList &targets);

// sql_forwards.cpp
// Queues one forward of an event behind the others of its lane. `order` grows with every forward of a
// runtime.
[[nodiscard]] Status insertForward(Session &session, const QString &id, const QString &eventId,
    const QString &runtimeId, const QString &target, qint64 order);
[[nodiscard]] Result<std::vector<ClaimedForward>> claimForwardsUnit(Session &session, const EngineLife &life,
    const QString &target, int most, const std::vector<ClaimedForward> &earlier);
[[nodiscard]] Result<bool> finishForwardUnit(Session &session, const FinishForward &finish);
[[nodiscard]] Result<domain::ForwardItem> replayForwardUnit(
    Session &session, const ReplayForward &replay, const QStringList &targets);
// An engine's lives from `first` to `last`, or every life but `life`.
struct LostLives
{
    LostLives(EngineLife engine, qint64 firstIncarnation, qint64 lastIncarnation, bool all)
        : life(std::move(engine))
        , first(firstIncarnation)
        , last(lastIncarnation)
        , allOthers(all)
    {
    }
    EngineLife life;
    qint64 first;
    qint64 last;
    bool allOthers;
};
// Forwards that nobody has tried since `before`: their backend has no webhook any more. How many.
[[nodiscard]] Result<int> abandonForwards(Session &session, Instant now, Instant before, int most);
// What they held is sent again.
[[nodiscard]] Status freeForwards(Session &session, const LostLives &lost);

// sql_lifecycle_views.cpp
[[nodiscard]] Result<domain::Page<domain::RuntimeItem>> listRuntimesUnit(
    Session &session, const domain::ListQuery &query);
[[nodiscard]] Result<domain::Page<domain::LifecycleEventItem>> listLifecycleEventsUnit(
    Session &session, const domain::ListQuery &query);
[[nodiscard]] Result<QList<domain::RuntimeItem>> runtimeItemsUnit(Session &session, const QStringList &ids);
[[nodiscard]] Result<QList<domain::LifecycleEventItem>> lifecycleEventItemsUnit(
    Session &session, const QStringList &ids);
[[nodiscard]] Result<QList<domain::ForwardItem>> forwardsOfEvent(Session &session, const QString &eventId);

// sql_feed.cpp
[[nodiscard]] Result<FeedCursor> feedHeadUnit(Session &session);
[[nodiscard]] Result<FeedBatch> readFeedUnit(Session &session, const FeedCursor &after, int most);
// The oldest entries that are older than `before`; how many went.
[[nodiscard]] Result<int> trimFeed(Session &session, Instant before, int most);

// sql_retention.cpp
[[nodiscard]] Result<int> sweepUnit(Session &session, const Retention &retention, int most);

// sql_views.cpp
[[nodiscard]] Result<domain::Page<domain::SessionItem>> listSessionsUnit(
    Session &session, const domain::ListQuery &query);
[[nodiscard]] Result<domain::Page<domain::DeliveryItem>> listDeliveriesUnit(
    Session &session, const domain::ListQuery &query);
[[nodiscard]] Result<domain::DeliveryDetail> deliveryDetailUnit(Session &session, const QString &id);
[[nodiscard]] Result<QList<domain::SessionItem>> sessionItemsUnit(Session &session, const QStringList &ids);
[[nodiscard]] Result<QList<domain::DeliveryItem>> deliveryItemsUnit(Session &session, const QStringList &ids);
[[nodiscard]] Result<QList<domain::OutboundItem>> outboundItemsUnit(Session &session, const QStringList &ids);
[[nodiscard]] Result<StoreCounts> countsUnit(Session &session);

} // namespace signalbox::store
