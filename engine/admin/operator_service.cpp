// SPDX-License-Identifier: Apache-2.0
#include "admin/operator_service.h"

#include "base/log.h"

#include <QMap>

#include <algorithm>

using namespace Qt::StringLiterals;
using namespace signalbox::domain;

namespace signalbox::admin {

namespace {
Q_LOGGING_CATEGORY(lcAdmin, "signalbox.engine.admin")
constexpr int kMostEntries = 500;
constexpr Millis kCoalesce{100}; // at most ten batches a second
constexpr Millis kBackstop{1000};
constexpr Millis kPulse{1000};
constexpr int kQuietPulses = 5;
constexpr int kMostListed = 500;
constexpr int kMostReason = 1000;
constexpr Millis kPingAge{1000};
constexpr Millis kPingDeadline{2000};

Status checkQuery(const ListQuery &query)
{
    if (query.limit < 1 || query.limit > kMostListed)
        return fail(ErrorCode::InvalidInput, u"limit must be between 1 and %1"_s.arg(kMostListed));
    return {};
}

} // namespace

OperatorService::OperatorService(store::Store &store, const Clock &clock, Vitals vitals)
    : m_store(store)
    , m_clock(clock)
    , m_ids(clock)
    , m_vitals(std::move(vitals))
    , m_scope(u"operator service"_s)
{
}

void OperatorService::start()
{
    m_store.onChange([this] {
        m_changed = true;
        Q_EMIT wake();
    });
    m_scope.spawn("feed pump", pump());
    m_scope.spawn("status pulse", pulse());
}

QCoro::Task<> OperatorService::stop()
{
    m_store.onChange({});
    m_scope.cancel();
    co_await m_scope.join(Millis(5000));
}

void OperatorService::watch(QStringList kinds)
{
    const bool first = m_kinds.isEmpty() && !kinds.isEmpty();
    m_kinds = std::move(kinds);
    if (m_kinds.isEmpty())
        m_cursor.reset();
    // Whoever begins to watch is told the counts at once.
    if (first)
        m_scope.spawn("first status", tellStatus());
    Q_EMIT wake();
}

QCoro::Task<> OperatorService::tellStatus()
{
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
    status.feedLagMs = m_lagMs;
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

QCoro::Task<Result<Page<SessionItem>>> OperatorService::sessions(ListQuery query)
{
    if (auto checked = checkQuery(query); !checked)
        co_return fail(checked.error());
    co_return co_await m_store.listSessions(query);
}

QCoro::Task<Result<Page<DeliveryItem>>> OperatorService::deliveries(ListQuery query)
{
    if (auto checked = checkQuery(query); !checked)
        co_return fail(checked.error());
    co_return co_await m_store.listDeliveries(query);
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
    if (auto checked = checkQuery(query); !checked)
        co_return fail(checked.error());
    co_return co_await m_store.listRuntimes(query);
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
    if (auto checked = checkQuery(query); !checked)
        co_return fail(checked.error());
    co_return co_await m_store.listLifecycleEvents(query);
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

QCoro::Task<> OperatorService::pump()
{
    const async::CancelToken token = m_scope.token();
    while (!token.isCancelled()) {
        bool more = false;
        if (!m_kinds.isEmpty())
            more = co_await readOnce();
        if (token.isCancelled())
            break;
        if (!more)
            co_await async::waitSignal(this, &OperatorService::wake, kBackstop, token);
        // What comes within a tenth of a second is one batch.
        co_await async::delay(kCoalesce, token);
    }
}

QCoro::Task<bool> OperatorService::readOnce()
{
    if (!m_cursor) {
        const auto head = co_await m_store.feedHead();
        if (!head)
            co_return false;
        m_cursor = *head;
        co_return false;
    }
    auto batch = co_await m_store.readFeed(*m_cursor, kMostEntries);
    if (!batch) {
        logWarning(lcAdmin, "the change feed could not be read", {{"code", batch.error().native()}});
        co_return false;
    }
    if (batch->gap) {
        m_cursor.reset();
        Q_EMIT gap();
        co_return true;
    }
    m_lagMs = batch->lagMs;
    const QStringList kinds = m_kinds;
    const bool more = batch->more;
    const store::FeedCursor next = batch->cursor;
    QList<Change> changes = co_await itemsOf(std::move(batch->entries), kinds);
    m_cursor = next;
    if (!changes.isEmpty())
        Q_EMIT changed(changes);
    co_return more;
}

namespace {

template <class Item>
void addChanges(const Result<QList<Item>> &items, const QString &kind, QList<Change> &changes)
{
    if (!items)
        return;
    for (const Item &item : *items) {
        Change change;
        change.kind = kind;
        change.id = item.id;
        if constexpr (requires { item.rev; })
            change.rev = item.rev;
        else
            change.rev = 1; // written once, never changed
        change.item = item;
        changes << change;
    }
}

// Whether what this entry says is seen at the installation.
bool concerns(const store::FeedEntry &entry, const InstallationItem &item)
{
    if (entry.kind == u"installation")
        return entry.id == item.id;
    return entry.kind == u"pause"
        && (entry.id.startsWith(u"engine/"_s) || entry.id == u"installation/"_s + item.id
            || entry.id == u"backend/"_s + item.backend);
}

bool concernsAny(const std::vector<store::FeedEntry> &entries)
{
    return std::any_of(entries.begin(), entries.end(), [](const store::FeedEntry &entry) {
        return entry.kind == u"installation" || entry.kind == u"pause";
    });
}

// A pause is told as a change of every installation that it stops.
void addInstallations(const Result<QList<InstallationItem>> &items,
    const std::vector<store::FeedEntry> &entries, Instant readAt, QList<Change> &changes)
{
    if (!items)
        return;
    for (const InstallationItem &item : *items) {
        const auto touched = [&item](const store::FeedEntry &entry) { return concerns(entry, item); };
        if (std::none_of(entries.begin(), entries.end(), touched))
            continue;
        Change change;
        change.kind = u"installation"_s;
        change.id = item.id;
        change.rev = toMs(readAt);
        change.item = item;
        changes << change;
    }
}

} // namespace

QCoro::Task<QList<Change>> OperatorService::itemsOf(std::vector<store::FeedEntry> entries, QStringList kinds)
{
    QMap<QString, QStringList> ids;
    for (const store::FeedEntry &entry : entries) {
        if (kinds.contains(entry.kind) && !ids[entry.kind].contains(entry.id))
            ids[entry.kind] << entry.id;
    }
    QList<Change> changes;
    const QStringList sessionIds = ids.value(u"session"_s);
    if (!sessionIds.isEmpty())
        addChanges(co_await m_store.sessionItems(sessionIds), u"session"_s, changes);
    const QStringList deliveryIds = ids.value(u"delivery"_s);
    if (!deliveryIds.isEmpty())
        addChanges(co_await m_store.deliveryItems(deliveryIds), u"delivery"_s, changes);
    const QStringList outboundIds = ids.value(u"outbound"_s);
    if (!outboundIds.isEmpty())
        addChanges(co_await m_store.outboundItems(outboundIds), u"outbound"_s, changes);
    const QStringList runtimeIds = ids.value(u"runtime"_s);
    if (!runtimeIds.isEmpty())
        addChanges(co_await m_store.runtimeItems(runtimeIds), u"runtime"_s, changes);
    const QStringList eventIds = ids.value(u"lifecycle_event"_s);
    if (!eventIds.isEmpty())
        addChanges(co_await m_store.lifecycleEventItems(eventIds), u"lifecycle_event"_s, changes);
    const QStringList auditIds = ids.value(u"audit"_s);
    if (!auditIds.isEmpty())
        addChanges(co_await m_store.auditItems(auditIds), u"audit"_s, changes);
    if (kinds.contains(u"installation"_s) && concernsAny(entries)) {
        const auto installations = co_await m_store.installationItems();
        addInstallations(installations, entries, m_clock.now(), changes);
    }
    co_return changes;
}

QCoro::Task<> OperatorService::pulse()
{
    const async::CancelToken token = m_scope.token();
    int quiet = 0;
    while (!token.isCancelled()) {
        const bool due = std::exchange(m_changed, false) || ++quiet >= kQuietPulses;
        // Nobody watches: nothing is counted.
        if (due && !m_kinds.isEmpty()) {
            quiet = 0;
            co_await tellStatus();
        }
        co_await async::delay(kPulse, token);
    }
}

} // namespace signalbox::admin
