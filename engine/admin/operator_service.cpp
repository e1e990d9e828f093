// SPDX-License-Identifier: Apache-2.0
#include "admin/operator_service.h"

using namespace Qt::StringLiterals;
using namespace signalbox::domain;

namespace signalbox::admin {

namespace {
constexpr Millis kCoalesce{100}; // at most ten batches a second
constexpr Millis kPulse{1000};
constexpr int kQuietPulses = 5;
constexpr int kMostListed = 500;
constexpr int kMostReason = 1000;
constexpr Millis kPingAge{1000};
constexpr Millis kPingDeadline{2000};

} // namespace

OperatorService::OperatorService(store::Store &store, const Clock &clock, Vitals vitals)
    : m_store(store)
    , m_clock(clock)
    , m_ids(clock)
    , m_vitals(std::move(vitals))
    , m_scope(u"operator service"_s)
    , m_hub(store, clock, m_scope)
{
    m_batch.setSingleShot(true);
    connect(&m_batch, &QTimer::timeout, this, &OperatorService::flush);
    connect(&m_hub, &FeedHub::changed, this, &OperatorService::take);
    connect(&m_hub, &FeedHub::stirred, this, [this] { m_changed = true; });
    connect(&m_hub, &FeedHub::gap, this, [this] {
        if (m_watched)
            Q_EMIT gap();
    });
}

void OperatorService::start()
{
    m_hub.start();
    m_scope.spawn("status pulse", pulse());
}

QCoro::Task<> OperatorService::stop()
{
    m_hub.stop();
    m_scope.cancel();
    co_await m_scope.join(Millis(5000));
}

void OperatorService::watch(QStringList kinds)
{
    const bool first = !m_watched && !kinds.isEmpty();
    m_watched = !kinds.isEmpty();
    if (!m_watched)
        m_coming.clear();
    m_hub.watch(kindsNamed(kinds));
    // Whoever begins to watch is told the counts at once.
    if (first)
        m_scope.spawn("first status", tellStatus());
}

void OperatorService::wantStatus()
{
    if (!m_lastStatus.isValid() || m_lastStatus.elapsed() >= kPulse.count()) {
        m_lastStatus.start();
        m_scope.spawn("status", tellStatus());
    }
}

void OperatorService::take(const QList<Change> &changes)
{
    for (const Change &change : changes)
        m_coming.insert(change.kind + u'/' + change.id, change);
    if (m_batch.isActive())
        return;
    const qint64 since = m_lastBatch.isValid() ? m_lastBatch.elapsed() : kCoalesce.count();
    if (since >= kCoalesce.count())
        flush();
    else
        m_batch.start(static_cast<int>(kCoalesce.count() - since));
}

void OperatorService::flush()
{
    if (m_coming.isEmpty())
        return;
    m_lastBatch.start();
    const QList<Change> changes = std::exchange(m_coming, {}).values();
    Q_EMIT changed(changes);
}

QCoro::Task<Result<QString>> OperatorService::feedHead()
{
    const auto head = co_await m_store.feedHead();
    if (!head)
        co_return fail(head.error());
    co_return head->toString();
}

QCoro::Task<> OperatorService::tellStatus()
{
    m_lastStatus.start();
    const auto now = co_await status();
    if (now)
        Q_EMIT statusChanged(*now);
}

void OperatorService::fillVitals(EngineStatus &status) const
{
    status.now = m_clock.now();
    status.database = m_store.databaseKind();
    const store::StoreStats stats = m_store.stats();
    status.commitP99Ms = stats.commitP99Ms;
    status.ingestQueue = stats.queuedIngest;
    status.feedLagMs = m_hub.lagMs();
    m_vitals(status);
}

QCoro::Task<> OperatorService::ping()
{
    const Status answered = co_await m_store.ping();
    m_databaseAnswers = answered.has_value();
    m_pingedAt = m_clock.boot();
    m_pinging = false;
    Q_EMIT pinged();
}

bool OperatorService::isPingFresh() const
{
    return m_pingedAt && m_clock.boot() - *m_pingedAt < kPingAge;
}

QCoro::Task<EngineStatus> OperatorService::readiness()
{
    const async::CancelToken token = m_scope.token();
    if (!isPingFresh() && !m_pinging && !token.isCancelled()) {
        m_pinging = true;
        m_scope.spawn("database ping", ping());
    }
    if (m_pinging)
        co_await async::waitSignal(this, &OperatorService::pinged, kPingDeadline, token);
    const bool answers = isPingFresh() && m_databaseAnswers;
    EngineStatus status;
    fillVitals(status);
    if (!answers) {
        status.ready = false;
        status.reasons << u"the database does not answer"_s;
    }
    co_return status;
}

QCoro::Task<Result<EngineStatus>> OperatorService::status()
{
    EngineStatus status;
    fillVitals(status);
    const auto counts = co_await m_store.counts();
    if (!counts) {
        // Vitals are told while the database is away, too.
        status.ready = false;
        status.reasons << u"the database does not answer"_s;
        co_return status;
    }
    for (const auto &[state, count] : counts->deliveries)
        status.deliveries.insert(state, count);
    for (const auto &[state, count] : counts->sessions)
        status.sessions.insert(state, count);
    status.oldestUnfinishedAt = counts->oldestUnfinishedAt;
    status.needPerson = counts->needPerson;
    status.forwarding = counts->forwarding;
    co_return status;
}

// The head comes first: what the list misses, a stream from there on brings.
template <class Item>
QCoro::Task<Result<Page<Item>>> OperatorService::listed(
    QCoro::Task<Result<Page<Item>>> (store::Store::*list)(ListQuery), ListQuery query)
{
    if (query.limit < 1 || query.limit > kMostListed)
        co_return fail(ErrorCode::InvalidInput, u"limit must be between 1 and %1"_s.arg(kMostListed));
    const auto head = co_await feedHead();
    if (!head)
        co_return fail(head.error());
    auto page = co_await (m_store.*list)(std::move(query));
    if (page)
        page->asOf = *head;
    co_return page;
}

QCoro::Task<Result<Page<SessionItem>>> OperatorService::sessions(ListQuery query)
{
    return listed(&store::Store::listSessions, std::move(query));
}

QCoro::Task<Result<Page<DeliveryItem>>> OperatorService::deliveries(ListQuery query)
{
    return listed(&store::Store::listDeliveries, std::move(query));
}

QCoro::Task<Result<SessionItem>> OperatorService::session(QString id)
{
    QStringList ids;
    ids << id;
    const auto items = co_await m_store.sessionItems(ids);
    if (!items)
        co_return fail(items.error());
    if (items->isEmpty())
        co_return fail(ErrorCode::NotFound, u"there is no such session"_s);
    co_return items->first();
}

QCoro::Task<Result<DeliveryDetail>> OperatorService::delivery(QString id)
{
    return m_store.deliveryDetail(std::move(id));
}

QCoro::Task<Result<Page<RuntimeItem>>> OperatorService::runtimes(ListQuery query)
{
    return listed(&store::Store::listRuntimes, std::move(query));
}

QCoro::Task<Result<RuntimeItem>> OperatorService::runtime(QString id)
{
    QStringList ids;
    ids << id;
    const auto items = co_await m_store.runtimeItems(ids);
    if (!items)
        co_return fail(items.error());
    if (items->isEmpty())
        co_return fail(ErrorCode::NotFound, u"there is no such runtime"_s);
    co_return items->first();
}

QCoro::Task<Result<Page<LifecycleEventItem>>> OperatorService::lifecycleEvents(ListQuery query)
{
    return listed(&store::Store::listLifecycleEvents, std::move(query));
}

QCoro::Task<Result<Page<LockItem>>> OperatorService::locks(ListQuery query)
{
    return listed(&store::Store::listLocks, std::move(query));
}

QCoro::Task<Result<Page<AuditItem>>> OperatorService::audit(ListQuery query)
{
    return listed(&store::Store::listAudit, std::move(query));
}

QCoro::Task<Result<Page<InteractionItem>>> OperatorService::interactions(ListQuery query)
{
    return listed(&store::Store::listInteractions, std::move(query));
}

QCoro::Task<Result<InteractionItem>> OperatorService::interaction(QString id)
{
    QStringList ids;
    ids << id;
    const auto items = co_await m_store.interactionItems(ids);
    if (!items)
        co_return fail(items.error());
    if (items->isEmpty())
        co_return fail(ErrorCode::NotFound, u"there is no such interaction"_s);
    co_return items->first();
}

QCoro::Task<Result<LifecycleEventItem>> OperatorService::lifecycleEvent(QString id)
{
    QStringList ids;
    ids << id;
    const auto items = co_await m_store.lifecycleEventItems(ids);
    if (!items)
        co_return fail(items.error());
    if (items->isEmpty())
        co_return fail(ErrorCode::NotFound, u"there is no such lifecycle event"_s);
    co_return items->first();
}

QCoro::Task<Result<ForwardItem>> OperatorService::replayLifecycleEvent(
    QString id, QString backend, QString actor, QString reason)
{
    if (reason.trimmed().isEmpty() || reason.size() > kMostReason)
        co_return fail(
            ErrorCode::InvalidInput, u"a reason of at most %1 characters is needed"_s.arg(kMostReason));
    store::ReplayForward replay;
    replay.forwardId = m_ids.next();
    replay.auditId = m_ids.next();
    replay.eventId = id;
    replay.target = backend;
    replay.actor = actor;
    replay.reason = reason;
    co_return co_await m_store.replayForward(std::move(replay));
}

QCoro::Task<> OperatorService::pulse()
{
    const async::CancelToken token = m_scope.token();
    int quiet = 0;
    while (!token.isCancelled()) {
        const bool due = std::exchange(m_changed, false) || ++quiet >= kQuietPulses;
        // Nobody watches: nothing is counted.
        if (due && m_hub.isWatched()) {
            quiet = 0;
            co_await tellStatus();
        }
        co_await async::delay(kPulse, token);
    }
}

} // namespace signalbox::admin
