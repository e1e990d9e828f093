// SPDX-License-Identifier: Apache-2.0
#include "store/units.h"

using namespace Qt::StringLiterals;
using namespace signalbox::domain;

// What operators see of runtimes and of lifecycle events. Read-only.

namespace signalbox::store {

namespace {

constexpr qint64 kExactTotals = 10'000;

#define SIGNALBOX_RUNTIME_COLUMNS                                                                            \
    "SELECT r.id, r.backend, r.namespace, r.instance_id, r.phase, r.phase_source, r.detail, "                \
    "(SELECT COUNT(*) FROM sessions s WHERE s.runtime_instance <> '' AND s.runtime_instance = "              \
    "r.instance_id AND s.runtime_namespace = r.namespace AND s.backend = r.backend), r.last_position, "      \
    "r.phase_at, r.created_at, r.updated_at, r.rev FROM runtimes r "
// '' switches a condition off; phases compare without case, because senders and engines spell them
// differently.
#define SIGNALBOX_RUNTIME_FILTER                                                                             \
    "(? = '' OR lower(r.phase) IN (?, ?, ?, ?, ?, ?, ?)) AND (? = '' OR r.id = ? OR r.instance_id = ? OR "   \
    "r.namespace = ? OR r.backend = ?) "
#define SIGNALBOX_EVENT_STATE                                                                                \
    "CASE WHEN EXISTS (SELECT 1 FROM lifecycle_forwards f WHERE f.event_id = e.id AND f.state IN "           \
    "('pending', 'retry', 'sending')) THEN 'forwarding' WHEN EXISTS (SELECT 1 FROM lifecycle_forwards f "    \
    "WHERE f.event_id = e.id AND f.state = 'dead' AND NOT EXISTS (SELECT 1 FROM lifecycle_forwards l WHERE " \
    "l.event_id = e.id AND l.target = f.target AND l.lane_order > f.lane_order)) THEN 'dead' WHEN EXISTS "   \
    "(SELECT 1 FROM lifecycle_forwards f WHERE f.event_id = e.id) THEN 'forwarded' ELSE 'none' END"
#define SIGNALBOX_EVENT_COLUMNS                                                                              \
    "SELECT e.id, " SIGNALBOX_EVENT_STATE ", e.runtime_id, e.backend, e.namespace, e.instance_id, "          \
    "e.position, e.phase, e.reason, e.source, e.event_id, e.moved, e.unbound, e.observed_at, "               \
    "e.received_at, e.updated_at, e.rev FROM lifecycle_events e "
#define SIGNALBOX_EVENT_FILTER                                                                               \
    "(? = '' OR " SIGNALBOX_EVENT_STATE " IN (?, ?, ?, ?)) AND (? = '' OR e.id = ? OR e.event_id = ? OR "    \
    "e.runtime_id = ? OR e.instance_id = ? OR e.namespace = ? OR e.backend = ? OR lower(e.phase) = "         \
    "lower(?)) "

RuntimeItem runtimeFrom(const Rows &rows)
{
    RuntimeItem item;
    item.id = rows.text(0);
    item.backend = rows.text(1);
    item.nameSpace = rows.text(2);
    item.instanceId = rows.text(3);
    item.phase = rows.text(4);
    item.phaseSource = rows.text(5);
    item.detail = rows.text(6);
    item.sessions = static_cast<int>(rows.number(7));
    item.events = rows.number(8);
    item.phaseAt = rows.instant(9);
    item.createdAt = rows.instant(10);
    item.updatedAt = rows.instant(11);
    item.rev = rows.number(12);
    return item;
}

LifecycleEventItem eventFrom(const Rows &rows)
{
    LifecycleEventItem item;
    item.id = rows.text(0);
    item.state = rows.text(1);
    item.runtimeId = rows.text(2);
    item.backend = rows.text(3);
    item.nameSpace = rows.text(4);
    item.instanceId = rows.text(5);
    item.position = rows.number(6);
    item.phase = rows.text(7);
    item.reason = rows.text(8);
    item.source = rows.text(9);
    item.eventId = rows.text(10);
    item.moved = rows.flag(11);
    item.unbound = static_cast<int>(rows.number(12));
    item.observedAt = rows.instant(13);
    item.receivedAt = rows.instant(14);
    item.updatedAt = rows.instant(15);
    item.rev = rows.number(16);
    return item;
}

QString stateAt(const QStringList &states, qsizetype i)
{
    return states.isEmpty() ? QString(u""_s) : states[std::min(i, states.size() - 1)].toLower();
}

// The total of a list, exact up to kExactTotals.
template <class Item>
Status setTotal(Page<Item> &page, Result<Rows> rows)
{
    if (!rows)
        return fail(rows.error());
    const qint64 total = rows->next() ? rows->number(0) : 0;
    page.total = std::min(total, kExactTotals);
    page.totalIsExact = total <= kExactTotals;
    return {};
}

Status addForwards(Session &session, QList<LifecycleEventItem> &items)
{
    for (LifecycleEventItem &item : items) {
        auto forwards = forwardsOfEvent(session, item.id);
        if (!forwards)
            return fail(forwards.error());
        item.forwards = std::move(*forwards);
    }
    return {};
}

} // namespace

Result<QList<ForwardItem>> forwardsOfEvent(Session &session, const QString &eventId)
{
    auto rows = session.query("SELECT id, event_id, target, state, attempts, error_code, parent_id, actor, "
                              "due_at, created_at, updated_at FROM lifecycle_forwards WHERE event_id = ? "
                              "ORDER BY lane_order, target",
        eventId);
    if (!rows)
        return fail(rows.error());
    QList<ForwardItem> items;
    while (rows->next()) {
        ForwardItem item;
        item.id = rows->text(0);
        item.eventId = rows->text(1);
        item.target = rows->text(2);
        item.state = rows->text(3);
        item.attempts = static_cast<int>(rows->number(4));
        item.errorCode = rows->text(5);
        item.replayOf = rows->text(6);
        item.actor = rows->text(7);
        item.nextTryAt = item.state == u"retry" ? rows->instant(8) : Instant();
        item.createdAt = rows->instant(9);
        item.updatedAt = rows->instant(10);
        items << item;
    }
    return items;
}

Result<Page<RuntimeItem>> listRuntimesUnit(Session &session, const ListQuery &query)
{
    Page<RuntimeItem> page;
    const QString anyState = query.states.isEmpty() ? u""_s : u"1"_s;
    const auto state = [&](qsizetype i) { return stateAt(query.states, i); };
    const QString &text = query.text;
    if (auto set = setTotal(page,
            session.query("SELECT COUNT(*) FROM (SELECT 1 FROM runtimes r WHERE " SIGNALBOX_RUNTIME_FILTER
                          "LIMIT 10001) AS counted",
                anyState, state(0), state(1), state(2), state(3), state(4), state(5), state(6), text, text,
                text, text, text));
        !set)
        return fail(set.error());
    // The keyset is (created_at, id); a cursor is "<ms>:<id>".
    const qsizetype colon = query.cursor.indexOf(u':');
    const qint64 at
        = colon < 0 ? (query.oldestFirst ? -1 : 0x7fffffffffffffffLL) : query.cursor.left(colon).toLongLong();
    const QString id = colon < 0 ? QString(u""_s) : query.cursor.mid(colon + 1);
    const char *sql = query.oldestFirst
        ? SIGNALBOX_RUNTIME_COLUMNS "WHERE (r.created_at, r.id) > (?, ?) AND " SIGNALBOX_RUNTIME_FILTER
                                    "ORDER BY r.created_at ASC, r.id ASC LIMIT ?"
        : SIGNALBOX_RUNTIME_COLUMNS "WHERE (r.created_at, r.id) < (?, ?) AND " SIGNALBOX_RUNTIME_FILTER
                                    "ORDER BY r.created_at DESC, r.id DESC LIMIT ?";
    auto rows = session.query(sql, at, id, anyState, state(0), state(1), state(2), state(3), state(4),
        state(5), state(6), text, text, text, text, text, query.limit + 1);
    if (!rows)
        return fail(rows.error());
    while (rows->next())
        page.items << runtimeFrom(*rows);
    if (page.items.size() > query.limit) {
        page.items.removeLast();
        const RuntimeItem &last = page.items.last();
        page.nextCursor = QString::number(toMs(last.createdAt)) + u':' + last.id;
    }
    return page;
}

Result<Page<LifecycleEventItem>> listLifecycleEventsUnit(Session &session, const ListQuery &query)
{
    Page<LifecycleEventItem> page;
    const QString anyState = query.states.isEmpty() ? u""_s : u"1"_s;
    const auto state = [&](qsizetype i) { return stateAt(query.states, i); };
    const QString &text = query.text;
    if (auto set = setTotal(page,
            session.query(
                "SELECT COUNT(*) FROM (SELECT 1 FROM lifecycle_events e WHERE " SIGNALBOX_EVENT_FILTER
                "LIMIT 10001) AS counted",
                anyState, state(0), state(1), state(2), state(3), text, text, text, text, text, text, text,
                text));
        !set)
        return fail(set.error());
    // Ids follow the time: they are the keyset.
    const QString from = !query.cursor.isEmpty() ? query.cursor : query.oldestFirst ? u""_s : u"~"_s;
    const char *sql = query.oldestFirst
        ? SIGNALBOX_EVENT_COLUMNS "WHERE e.id > ? AND " SIGNALBOX_EVENT_FILTER "ORDER BY e.id ASC LIMIT ?"
        : SIGNALBOX_EVENT_COLUMNS "WHERE e.id < ? AND " SIGNALBOX_EVENT_FILTER "ORDER BY e.id DESC LIMIT ?";
    {
        auto rows = session.query(sql, from, anyState, state(0), state(1), state(2), state(3), text, text,
            text, text, text, text, text, text, query.limit + 1);
        if (!rows)
            return fail(rows.error());
        while (rows->next())
            page.items << eventFrom(*rows);
    }
    if (page.items.size() > query.limit) {
        page.items.removeLast();
        page.nextCursor = page.items.last().id;
    }
    if (auto added = addForwards(session, page.items); !added)
        return fail(added.error());
    return page;
}

Result<QList<RuntimeItem>> runtimeItemsUnit(Session &session, const QStringList &ids)
{
    QList<RuntimeItem> items;
    for (const QString &id : ids) {
        auto rows = session.query(SIGNALBOX_RUNTIME_COLUMNS "WHERE r.id = ?", id);
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            items << runtimeFrom(*rows);
    }
    return items;
}

Result<QList<LifecycleEventItem>> lifecycleEventItemsUnit(Session &session, const QStringList &ids)
{
    QList<LifecycleEventItem> items;
    for (const QString &id : ids) {
        auto rows = session.query(SIGNALBOX_EVENT_COLUMNS "WHERE e.id = ?", id);
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            items << eventFrom(*rows);
    }
    if (auto added = addForwards(session, items); !added)
        return fail(added.error());
    return items;
}

} // namespace signalbox::store
