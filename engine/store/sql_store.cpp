// SPDX-License-Identifier: Apache-2.0
#include "store/errors.h"
#include "store/migrator.h"
#include "store/postgres_executor.h"
#include "store/sql_store_p.h"
#include "store/sqlite_executor.h"
#include "store/units.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>

#include <sqlite3.h>

using namespace Qt::StringLiterals;

namespace signalbox::store {

namespace {
constexpr int kSqliteReaders = 2;

template <class T>
QCoro::Task<Result<T>> refuse(Error error)
{
    co_return fail(std::move(error));
}

} // namespace

SqlStore::SqlStore(std::unique_ptr<Executor> executor, Dialect dialect, int maxQueuedIngest)
    : m_executor(std::move(executor))
    , m_dialect(dialect)
    , m_maxQueuedIngest(maxQueuedIngest)
{
}

SqlStore::~SqlStore()
{
    close();
}

QCoro::Task<Status> SqlStore::writeStatus(Lane lane, FailPlace place, Unit<bool> unit)
{
    const Result<bool> result = co_await write<bool>(lane, place, std::move(unit));
    if (!result)
        co_return fail(result.error());
    co_return Status();
}

QCoro::Task<Result<Registered>> SqlStore::registerEngine(EngineRegistration registration)
{
    return write<Registered>(Lane::Work, FailPlace::CommitRegisterEngine,
        [registration](Session &session) { return registerEngineUnit(session, registration); });
}

QCoro::Task<Status> SqlStore::renewLease(EngineLife life, Millis lease, Millis lockTtl)
{
    // In the ingest lane: a lease must not lapse because much else is to be written.
    return writeStatus(Lane::Ingest, FailPlace::CommitRenewLease,
        [life, lease, lockTtl](Session &session) { return renewLeaseUnit(session, life, lease, lockTtl); });
}

QCoro::Task<Result<Registered>> SqlStore::reapLostEngine(ReapOrder order)
{
    return write<Registered>(Lane::Work, FailPlace::CommitOther,
        [order](Session &session) { return reapLostEngineUnit(session, order); });
}

QCoro::Task<Result<std::vector<EngineOrder>>> SqlStore::engineOrders(EngineLife life, int most)
{
    return read<std::vector<EngineOrder>>(
        [life, most](Session &session) { return engineOrdersUnit(session, life, most); });
}

QCoro::Task<Status> SqlStore::finishOrders(std::vector<EngineOrder> orders)
{
    return writeStatus(Lane::Work, FailPlace::CommitOther,
        [orders](Session &session) { return finishOrdersUnit(session, orders); });
}

void SqlStore::onOrders(std::function<void()> listener)
{
    m_executor->onOrders(std::move(listener));
}

QCoro::Task<Status> SqlStore::endEngine(EngineLife life)
{
    return writeStatus(Lane::Work, FailPlace::CommitEndEngine,
        [life](Session &session) { return endEngineUnit(session, life); });
}

QCoro::Task<Result<std::vector<InstallationRow>>> SqlStore::syncInstallations(
    std::vector<InstallationRow> configured)
{
    return write<std::vector<InstallationRow>>(Lane::Work, FailPlace::CommitSyncInstallations,
        [configured](Session &session) { return syncInstallationsUnit(session, configured); });
}

QCoro::Task<Result<InstallationRow>> SqlStore::addTenant(InstallationRow row)
{
    return write<InstallationRow>(Lane::Ingest, FailPlace::CommitAddTenant,
        [row](Session &session) { return addTenantUnit(session, row); });
}

QCoro::Task<Status> SqlStore::setBotUser(QString installationId, QString botUserId)
{
    return writeStatus(
        Lane::Work, FailPlace::CommitSetBotUser, [installationId, botUserId](Session &session) {
            return setBotUserUnit(session, installationId, botUserId);
        });
}

QCoro::Task<Result<InstallationRow>> SqlStore::installation(QString id)
{
    return read<InstallationRow>([id](Session &session) { return installationUnit(session, id); });
}

QCoro::Task<Status> SqlStore::noteApp(QString installationId, QString apiAppId)
{
    return writeStatus(Lane::Ingest, FailPlace::CommitOther, [installationId, apiAppId](Session &session) {
        return noteAppUnit(session, installationId, apiAppId);
    });
}

QCoro::Task<Result<bool>> SqlStore::noteTrouble(QString installationId, QString code)
{
    return write<bool>(Lane::Work, FailPlace::CommitOther,
        [installationId, code](Session &session) { return noteTroubleUnit(session, installationId, code); });
}

QCoro::Task<Result<bool>> SqlStore::clearTrouble(QString installationId, QString code)
{
    return write<bool>(Lane::Work, FailPlace::CommitOther,
        [installationId, code](Session &session) { return clearTroubleUnit(session, installationId, code); });
}

QCoro::Task<Result<TokenNoted>> SqlStore::noteToken(NoteToken note)
{
    return write<TokenNoted>(Lane::Work, FailPlace::CommitOther,
        [note](Session &session) { return noteTokenUnit(session, note); });
}

QCoro::Task<Result<Revoked>> SqlStore::revoke(RevokeInstallation revoke)
{
    return write<Revoked>(Lane::Ingest, FailPlace::CommitOther,
        [revoke](Session &session) { return revokeUnit(session, revoke); });
}

QCoro::Task<Result<std::vector<ClaimedDisconnect>>> SqlStore::claimDisconnects(int most, Millis patience)
{
    return write<std::vector<ClaimedDisconnect>>(Lane::Work, FailPlace::CommitOther,
        [most, patience](Session &session) { return claimDisconnectsUnit(session, most, patience); });
}

QCoro::Task<Status> SqlStore::finishDisconnect(FinishDisconnect finish)
{
    return writeStatus(Lane::Work, FailPlace::CommitOther,
        [finish](Session &session) { return finishDisconnectUnit(session, finish); });
}

QCoro::Task<Result<IngestOutcome>> SqlStore::ingest(IngestRequest request)
{
    if (m_executor->stats().queuedIngest.load(std::memory_order_relaxed) >= m_maxQueuedIngest)
        return refuse<IngestOutcome>(
            Error(ErrorCode::Unavailable, u"too many messages wait to be stored"_s, u"queue_full"_s));
    return write<IngestOutcome>(Lane::Ingest, FailPlace::CommitIngest,
        [request = std::move(request)](Session &session) { return ingestUnit(session, request); });
}

template <class T, class Claim>
QCoro::Task<Result<std::vector<T>>> SqlStore::claim(
    FailPlace place, Unsettled<T> *unsettled, EngineLife life, Claim unit)
{
    // Written by the runs of the unit on a store thread, one after the other, and read here after the last of
    // them.
    const auto taken = std::make_shared<std::vector<T>>();
    if (unsettled->life.id == life.id && unsettled->life.incarnation == life.incarnation)
        std::swap(*taken, unsettled->claimed);
    Unit<std::vector<T>> work = [life, taken, unit](Session &session) {
        Result<std::vector<T>> claimed = unit(session, life, *taken);
        if (!claimed)
            return claimed;
        for (T &row : *claimed)
            row.life = life;
        *taken = *claimed;
        return claimed;
    };
    auto running = write<std::vector<T>>(Lane::Work, place, std::move(work));
    Result<std::vector<T>> claimed = co_await running;
    if (!claimed && claimed.error().native() != QStringView(kStale)) {
        unsettled->life = life;
        unsettled->claimed.insert(unsettled->claimed.end(), taken->begin(), taken->end());
    }
    co_return claimed;
}

QCoro::Task<Result<std::vector<ClaimedDelivery>>> SqlStore::claimDeliveries(
    EngineLife life, ClaimLimits limits)
{
    const auto unit
        = [limits](Session &session, const EngineLife &self, const std::vector<ClaimedDelivery> &earlier) {
              return claimDeliveriesUnit(session, self, limits, earlier);
          };
    return claim<ClaimedDelivery>(FailPlace::CommitClaimDeliveries, &m_unsettledDeliveries, life, unit);
}

QCoro::Task<Status> SqlStore::noteStage(NoteStage note)
{
    return writeStatus(Lane::Work, FailPlace::CommitNoteStage,
        [note](Session &session) { return noteStageUnit(session, note); });
}

QCoro::Task<Status> SqlStore::observeRuntime(ObservedRuntime seen)
{
    const QStringList targets = m_lifecycleTargets;
    return writeStatus(Lane::Work, FailPlace::CommitObserveRuntime,
        [seen, targets](Session &session) { return observeRuntimeUnit(session, seen, targets); });
}

QCoro::Task<Status> SqlStore::dropStatus(QString deliveryId)
{
    return writeStatus(Lane::Work, FailPlace::CommitDropStatus,
        [deliveryId](Session &session) { return dropStatusUnit(session, deliveryId); });
}

QCoro::Task<Status> SqlStore::beginTurn(BeginTurn begin)
{
    return writeStatus(Lane::Work, FailPlace::CommitBeginTurn,
        [begin](Session &session) { return beginTurnUnit(session, begin); });
}

QCoro::Task<Status> SqlStore::acceptTurn(HeldDelivery held)
{
    return writeStatus(Lane::Work, FailPlace::CommitAcceptTurn,
        [held](Session &session) { return acceptTurnUnit(session, held); });
}

QCoro::Task<Result<FinishedTurn>> SqlStore::finishTurn(FinishTurn finish)
{
    return write<FinishedTurn>(Lane::Work, FailPlace::CommitFinishTurn,
        [finish = std::move(finish)](Session &session) { return finishTurnUnit(session, finish); });
}

QCoro::Task<Result<std::optional<LockGrant>>> SqlStore::acquireLock(LockWish wish)
{
    return write<std::optional<LockGrant>>(Lane::Work, FailPlace::CommitOther,
        [wish](Session &session) { return acquireLockUnit(session, wish); });
}

QCoro::Task<Result<LockGrant>> SqlStore::refreshLock(HeldLock held, Millis ttl)
{
    return write<LockGrant>(Lane::Work, FailPlace::CommitOther,
        [held, ttl](Session &session) { return refreshLockUnit(session, held, ttl); });
}

QCoro::Task<Result<bool>> SqlStore::releaseLock(HeldLock held)
{
    return write<bool>(Lane::Work, FailPlace::CommitOther,
        [held](Session &session) { return releaseLockUnit(session, held); });
}

QCoro::Task<Result<std::vector<BusyWaiter>>> SqlStore::busyWaiters(Millis delay, int most)
{
    return read<std::vector<BusyWaiter>>(
        [delay, most](Session &session) { return busyWaitersUnit(session, delay, most); });
}

QCoro::Task<Status> SqlStore::tellBusy(std::vector<BusyNotice> notices)
{
    return writeStatus(Lane::Work, FailPlace::CommitOther,
        [notices = std::move(notices)](Session &session) { return tellBusyUnit(session, notices); });
}

QCoro::Task<Status> SqlStore::noteStale(StaleWrite stale)
{
    return writeStatus(Lane::Work, FailPlace::CommitOther,
        [stale](Session &session) { return noteStaleUnit(session, stale); });
}

QCoro::Task<Result<SessionAnswer>> SqlStore::createSession(NewSession wanted)
{
    return write<SessionAnswer>(Lane::Work, FailPlace::CommitOther,
        [wanted](Session &session) { return createSessionUnit(session, wanted); });
}

QCoro::Task<Result<SessionAnswer>> SqlStore::resolveSession(NewSession wanted)
{
    return write<SessionAnswer>(Lane::Work, FailPlace::CommitOther,
        [wanted](Session &session) { return resolveSessionUnit(session, wanted); });
}

QCoro::Task<Result<SessionAnswer>> SqlStore::lookupSession(SessionLookup wanted)
{
    const Lane lane = wanted.call.key.isEmpty() ? Lane::Read : Lane::Work;
    return write<SessionAnswer>(lane, lane == Lane::Read ? FailPlace::None : FailPlace::CommitOther,
        [wanted](Session &session) { return lookupSessionUnit(session, wanted); });
}

QCoro::Task<Result<SessionAnswer>> SqlStore::bindTicket(TicketBinding binding)
{
    return write<SessionAnswer>(Lane::Work, FailPlace::CommitOther,
        [binding](Session &session) { return bindTicketUnit(session, binding); });
}

QCoro::Task<Result<SessionAnswer>> SqlStore::storeMessage(SessionMessage message)
{
    if (m_executor->stats().queuedIngest.load(std::memory_order_relaxed) >= m_maxQueuedIngest)
        return refuse<SessionAnswer>(
            Error(ErrorCode::Unavailable, u"too many messages wait to be stored"_s, u"queue_full"_s));
    return write<SessionAnswer>(Lane::Ingest, FailPlace::CommitOther,
        [message = std::move(message)](Session &session) { return storeMessageUnit(session, message); });
}

QCoro::Task<Result<SessionBrief>> SqlStore::sessionBrief(QString id)
{
    return read<SessionBrief>([id](Session &session) { return sessionBriefUnit(session, id); });
}

QCoro::Task<Result<LogBatch>> SqlStore::readSessionLog(QString id, qint64 after, int most)
{
    return read<LogBatch>(
        [id, after, most](Session &session) { return readSessionLogUnit(session, id, after, most); });
}

QCoro::Task<Result<std::vector<LogHead>>> SqlStore::sessionLogHeads(QStringList ids)
{
    return read<std::vector<LogHead>>([ids](Session &session) { return sessionLogHeadsUnit(session, ids); });
}

QCoro::Task<Status> SqlStore::enqueueOutbound(std::vector<OutboundDraft> drafts)
{
    return writeStatus(Lane::Work, FailPlace::CommitEnqueueOutbound,
        [drafts = std::move(drafts)](Session &session) { return enqueueOutboundUnit(session, drafts); });
}

QCoro::Task<Result<std::vector<ClaimedOutbound>>> SqlStore::claimOutbound(EngineLife life, int most)
{
    const auto unit
        = [most](Session &session, const EngineLife &self, const std::vector<ClaimedOutbound> &earlier) {
              return claimOutboundUnit(session, self, most, earlier);
          };
    return claim<ClaimedOutbound>(FailPlace::CommitClaimOutbound, &m_unsettledOutbound, life, unit);
}

QCoro::Task<Status> SqlStore::beginResend(BeginResend begin)
{
    return writeStatus(Lane::Work, FailPlace::CommitBeginResend,
        [begin](Session &session) { return beginResendUnit(session, begin); });
}

QCoro::Task<Status> SqlStore::finishOutbound(FinishOutbound finish)
{
    return writeStatus(Lane::Work, FailPlace::CommitFinishOutbound,
        [finish](Session &session) { return finishOutboundUnit(session, finish); });
}

QCoro::Task<Result<LifecycleStored>> SqlStore::storeLifecycle(LifecycleReport report)
{
    const QStringList targets = m_lifecycleTargets;
    return write<LifecycleStored>(Lane::Work, FailPlace::CommitStoreLifecycle,
        [report, targets](Session &session) { return storeLifecycleUnit(session, report, targets); });
}

QCoro::Task<Result<std::vector<ClaimedForward>>> SqlStore::claimForwards(
    EngineLife life, QString target, int most)
{
    const auto unit = [target, most](Session &session, const EngineLife &self,
                          const std::vector<ClaimedForward> &earlier) {
        return claimForwardsUnit(session, self, target, most, earlier);
    };
    return claim<ClaimedForward>(FailPlace::CommitClaimForwards, &m_unsettledForwards, life, unit);
}

QCoro::Task<Status> SqlStore::finishForward(FinishForward finish)
{
    return writeStatus(Lane::Work, FailPlace::CommitFinishForward,
        [finish](Session &session) { return finishForwardUnit(session, finish); });
}

QCoro::Task<Result<std::vector<ClaimedWebhookCall>>> SqlStore::claimWebhookCalls(
    EngineLife life, QString webhook, int most)
{
    const auto unit = [webhook, most](Session &session, const EngineLife &self,
                          const std::vector<ClaimedWebhookCall> &earlier) {
        return claimWebhookCallsUnit(session, self, webhook, most, earlier);
    };
    return claim<ClaimedWebhookCall>(FailPlace::CommitOther, &m_unsettledCalls, life, unit);
}

QCoro::Task<Status> SqlStore::finishWebhookCall(FinishForward finish)
{
    return writeStatus(Lane::Work, FailPlace::CommitOther,
        [finish](Session &session) { return finishWebhookCallUnit(session, finish); });
}

QCoro::Task<Result<domain::ForwardItem>> SqlStore::replayForward(ReplayForward replay)
{
    const QStringList targets = m_lifecycleTargets;
    return write<domain::ForwardItem>(Lane::Work, FailPlace::CommitOther,
        [replay, targets](Session &session) { return replayForwardUnit(session, replay, targets); });
}

QCoro::Task<Result<domain::Page<domain::RuntimeItem>>> SqlStore::listRuntimes(domain::ListQuery query)
{
    return read<domain::Page<domain::RuntimeItem>>(
        [query](Session &session) { return listRuntimesUnit(session, query); });
}

QCoro::Task<Result<domain::Page<domain::LifecycleEventItem>>> SqlStore::listLifecycleEvents(
    domain::ListQuery query)
{
    return read<domain::Page<domain::LifecycleEventItem>>(
        [query](Session &session) { return listLifecycleEventsUnit(session, query); });
}

QCoro::Task<Result<QList<domain::RuntimeItem>>> SqlStore::runtimeItems(QStringList ids)
{
    return read<QList<domain::RuntimeItem>>(
        [ids](Session &session) { return runtimeItemsUnit(session, ids); });
}

QCoro::Task<Result<QList<domain::LifecycleEventItem>>> SqlStore::lifecycleEventItems(QStringList ids)
{
    return read<QList<domain::LifecycleEventItem>>(
        [ids](Session &session) { return lifecycleEventItemsUnit(session, ids); });
}

QCoro::Task<Result<FeedCursor>> SqlStore::feedHead()
{
    return read<FeedCursor>([](Session &session) { return feedHeadUnit(session); });
}

QCoro::Task<Result<FeedBatch>> SqlStore::readFeed(FeedCursor after, int most)
{
    return read<FeedBatch>([after, most](Session &session) { return readFeedUnit(session, after, most); });
}

void SqlStore::onChange(std::function<void()> listener)
{
    m_executor->onChange(std::move(listener));
}

QCoro::Task<Result<int>> SqlStore::sweep(Retention retention, int most)
{
    return write<int>(Lane::Work, FailPlace::CommitOther,
        [retention, most](Session &session) { return sweepUnit(session, retention, most); });
}

namespace {
Result<bool> pingUnit(Session &session)
{
    auto rows = session.query("SELECT value FROM meta WHERE key = 'cluster_id'");
    if (!rows)
        return fail(rows.error());
    return rows->next();
}
} // namespace

QCoro::Task<Status> SqlStore::ping()
{
    return writeStatus(Lane::Read, FailPlace::None, pingUnit);
}

StoreStats SqlStore::stats() const
{
    const ExecutorStats &measured = m_executor->stats();
    StoreStats stats;
    stats.queuedIngest = measured.queuedIngest;
    stats.queuedWork = measured.queuedWork;
    stats.commits = measured.commits;
    stats.jobs = measured.jobs;
    stats.commitP99Ms = static_cast<double>(measured.commitP99Micros.load()) / 1000.0;
    return stats;
}

QString SqlStore::databaseKind() const
{
    return m_dialect == Dialect::Sqlite ? u"sqlite"_s : u"postgresql"_s;
}

void SqlStore::close()
{
    if (std::exchange(m_closed, true))
        return;
    m_executor->close();
}

Result<std::unique_ptr<Store>> openStore(const StoreOptions &options, const Clock &clock, QObject *home)
{
    auto target = DatabaseTarget::parse(options.database, options.dataDir);
    if (!target)
        return fail(target.error());
    if (!options.password.isEmpty())
        target->password = options.password;
    const bool sqlite = target->dialect == Dialect::Sqlite;
    if (sqlite) {
        // Nobody reads SQLite's memory statistics, and each allocation locks a mutex for them. Refused, and
        // harmless, once the library runs.
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    }
    if (sqlite && !QDir().mkpath(QFileInfo(target->path).absolutePath()))
        return fail(ErrorCode::Unavailable, u"the folder of the database cannot be made"_s);
    {
        Connection connection(*target, clock, u"signalbox-migrate"_s);
        if (auto migrated = openAndMigrate(connection, *target); !migrated)
            return fail(migrated.error());
        if (sqlite)
            QFile::setPermissions(target->path, QFile::ReadOwner | QFile::WriteOwner);
    }
    std::unique_ptr<Executor> executor;
    if (sqlite)
        executor = std::make_unique<SqliteExecutor>(*target, clock, kSqliteReaders, home);
    else
        executor = std::make_unique<PostgresExecutor>(*target, clock, options.pool, home);
    if (auto opened = executor->open(); !opened)
        return fail(opened.error());
    return std::make_unique<SqlStore>(std::move(executor), target->dialect, options.maxQueuedIngest);
}

} // namespace signalbox::store
