// SPDX-License-Identifier: Apache-2.0
#include "store/units.h"

using namespace Qt::StringLiterals;
using namespace signalbox::domain;

// What operators see: keyset pages, single items, counts. Read-only.

namespace signalbox::store {

namespace {

constexpr qint64 kExactTotals = 10'000;
constexpr int kIdChunk = 8; // ids in one statement; the last one is repeated to fill it

#define SIGNALBOX_SESSION_COLUMNS                                                                            \
    "SELECT s.id, s.channel, s.tenant, s.place, s.thread, s.backend, s.agent_session, s.lock_holder, "       \
    "s.lock_engine, "                                                                                        \
    "s.lock_acquired_at, s.lock_expires_at, s.fence, "                                                       \
    "(SELECT COUNT(*) FROM deliveries d WHERE d.session_id = s.id AND d.blocks = 1), "                       \
    "s.last_active_at, s.created_at, s.updated_at, s.rev, s.source, s.user_id, s.ticket FROM sessions s "
#define SIGNALBOX_DELIVERY_COLUMNS                                                                           \
    "SELECT d.id, d.state, d.waits_for, d.outcome, d.prompt_state, i.channel, i.tenant, d.place, d.thread, " \
    "d.message_ts, "                                                                                         \
    "d.user_id, d.installation_id, d.session_id, COALESCE((SELECT s.backend FROM sessions s WHERE s.id = "   \
    "d.session_id), i.backend), d.engine_id, d.mentioned, d.direct, "                                        \
    "d.attempts, d.due_at, "                                                                                 \
    "d.error_code, d.error_text, d.resolution, d.fence, d.created_at, d.claimed_at, d.prompt_sent_at, "      \
    "d.accepted_at, "                                                                                        \
    "d.turn_ended_at, d.finished_at, d.updated_at, d.rev, d.stage, d.parent_id FROM deliveries d "           \
    "JOIN installations i ON i.id = d.installation_id "
#define SIGNALBOX_OUTBOUND_COLUMNS                                                                           \
    "SELECT id, delivery_id, kind, op, state, place, thread, part, parts, attempts, error_code, "            \
    "channel_ts, "                                                                                           \
    "maybe_doubled, due_at, created_at, updated_at, rev FROM outbound_messages "
// `text` is an id's beginning or a whole place, thread, ts, user or tenant; both are bound, '' switches a
// condition off.
#define SIGNALBOX_DELIVERY_FILTER(states)                                                                    \
    "(? = '' OR d.session_id = ?) AND " states                                                               \
    "AND (? = '' OR d.id LIKE ? ESCAPE '!' OR d.place = ? OR d.thread = ? OR d.message_ts = ? OR d.user_id " \
    "= ? OR i.tenant = ?) "
#define SIGNALBOX_ANY_STATE "(? = '' OR d.state IN (?, ?, ?, ?, ?, ?, ?)) "
// Few rows of many: deliveries_open finds them, instead of a walk through everything that was ever completed.
#define SIGNALBOX_OPEN_STATE "(? <> '' AND d.state <> 'completed' AND d.state IN (?, ?, ?, ?, ?, ?, ?)) "
#define SIGNALBOX_DELIVERY_TOTAL(states)                                                                     \
    "SELECT COUNT(*) FROM (SELECT 1 FROM deliveries d JOIN installations i ON i.id = d.installation_id "     \
    "WHERE " SIGNALBOX_DELIVERY_FILTER(states) "LIMIT 10001) AS counted"
// The order is over an expression where the index is to find the rows: it would not be chosen against the
// primary key.
#define SIGNALBOX_DELIVERY_PAGE(states, key, compare, direction)                                             \
    SIGNALBOX_DELIVERY_COLUMNS "WHERE " key compare " ? AND " SIGNALBOX_DELIVERY_FILTER(                     \
        states) "ORDER BY " key direction " LIMIT ?"
#define SIGNALBOX_SESSION_STATE                                                                              \
    "CASE WHEN s.lock_holder IS NOT NULL THEN 'running' WHEN EXISTS (SELECT 1 FROM deliveries d "            \
    "WHERE d.session_id = s.id AND d.blocks = 1) THEN 'waiting' ELSE 'idle' END"
#define SIGNALBOX_SESSION_FILTER                                                                             \
    "(? = '' OR " SIGNALBOX_SESSION_STATE " IN (?, ?, ?)) "                                                  \
    "AND (? = '' OR s.id LIKE ? ESCAPE '!' OR s.place = ? OR s.thread = ? OR s.tenant = ? OR s.lock_holder " \
    "= ? OR s.ticket = ?) "

SessionItem sessionFrom(const Rows &rows)
{
    SessionItem item;
    item.id = rows.text(0);
    item.channel = rows.text(1);
    item.tenant = rows.text(2);
    item.place = rows.text(3);
    item.thread = rows.text(4);
    item.backend = rows.text(5);
    item.runtime = rows.text(6);
    item.lockHolder = rows.text(7);
    item.lockEngine = rows.text(8);
    item.lockAcquiredAt = rows.instant(9);
    item.lockExpiresAt = rows.instant(10);
    item.fence = rows.number(11);
    item.open = static_cast<int>(rows.number(12));
    item.lastActivityAt = rows.instant(13);
    item.createdAt = rows.instant(14);
    item.updatedAt = rows.instant(15);
    item.rev = rows.number(16);
    item.source = rows.text(17);
    item.user = rows.text(18);
    item.ticket = rows.text(19);
    item.state = !item.lockHolder.isEmpty() ? u"running"_s : item.open > 0 ? u"waiting"_s : u"idle"_s;
    return item;
}

DeliveryItem deliveryFrom(const Rows &rows)
{
    DeliveryItem item;
    item.id = rows.text(0);
    item.state = rows.text(1);
    item.waitsFor = rows.text(2);
    item.outcome = rows.text(3);
    item.promptState = rows.text(4);
    item.channel = rows.text(5);
    item.tenant = rows.text(6);
    item.place = rows.text(7);
    item.thread = rows.text(8);
    item.messageTs = rows.text(9);
    item.user = rows.text(10);
    item.installation = rows.text(11);
    item.sessionId = rows.text(12);
    item.backend = rows.text(13);
    item.engine = rows.text(14);
    item.mentioned = rows.flag(15);
    item.direct = rows.flag(16);
    item.attempts = static_cast<int>(rows.number(17));
    item.nextTryAt = item.waitsFor == u"retry" ? rows.instant(18) : Instant();
    item.errorCode = rows.text(19);
    item.errorText = rows.text(20);
    item.resolution = rows.text(21);
    item.fence = rows.number(22);
    item.createdAt = rows.instant(23);
    item.claimedAt = rows.instant(24);
    item.promptSentAt = rows.instant(25);
    item.acceptedAt = rows.instant(26);
    item.turnEndedAt = rows.instant(27);
    item.finishedAt = rows.instant(28);
    item.updatedAt = rows.instant(29);
    item.rev = rows.number(30);
    item.stage = rows.text(31);
    item.parentId = rows.text(32);
    return item;
}

OutboundItem outboundFrom(const Rows &rows)
{
    OutboundItem item;
    item.id = rows.text(0);
    item.deliveryId = rows.text(1);
    item.kind = rows.text(2);
    item.op = rows.text(3);
    item.state = rows.text(4);
    item.place = rows.text(5);
    item.thread = rows.text(6);
    item.part = static_cast<int>(rows.number(7));
    item.parts = static_cast<int>(rows.number(8));
    item.attempts = static_cast<int>(rows.number(9));
    item.errorCode = rows.text(10);
    item.channelTs = rows.text(11);
    item.maybeDoubled = rows.flag(12);
    item.nextTryAt = item.state == u"retry" || item.state == u"unknown" ? rows.instant(13) : Instant();
    item.createdAt = rows.instant(14);
    item.updatedAt = rows.instant(15);
    item.rev = rows.number(16);
    return item;
}

// A LIKE pattern for ids that begin with the text, whose own wildcards mean themselves. Shorter than four
// characters it matches no id: it would match nearly all.
QString idPattern(const QString &text)
{
    if (text.size() < 4)
        return u"-"_s;
    QString pattern = text;
    for (const QChar special : u"!%_"_s)
        pattern.replace(special, u'!' + QString(special));
    return pattern + u'%';
}

QString stateAt(const QStringList &states, qsizetype i)
{
    return states.isEmpty() ? QString(u""_s) : states[std::min(i, states.size() - 1)];
}

Result<qint64> countedTotal(Result<Rows> rows)
{
    if (!rows)
        return fail(rows.error());
    return rows->next() ? rows->number(0) : 0;
}

template <class Item, class Key>
void closePage(Page<Item> &page, int limit, Key key)
{
    if (page.items.size() > limit) {
        page.items.removeLast();
        page.nextCursor = key(page.items.last());
    }
}

} // namespace

Result<Page<DeliveryItem>> listDeliveriesUnit(Session &session, const ListQuery &query)
{
    Page<DeliveryItem> page;
    const QStringList &states = query.states;
    const QString anyState = states.isEmpty() ? u""_s : u"1"_s;
    const auto state = [&](qsizetype i) { return stateAt(states, i); };
    const QString &text = query.text;
    const bool open = !states.isEmpty() && !states.contains(u"completed"_s);
    const auto total = countedTotal(session.query(
        open ? SIGNALBOX_DELIVERY_TOTAL(SIGNALBOX_OPEN_STATE) : SIGNALBOX_DELIVERY_TOTAL(SIGNALBOX_ANY_STATE),
        query.session, query.session, anyState, state(0), state(1), state(2), state(3), state(4), state(5),
        state(6), text, idPattern(text), text, text, text, text, text));
    if (!total)
        return fail(total.error());
    page.total = std::min(*total, kExactTotals);
    page.totalIsExact = *total <= kExactTotals;
    // Ids follow the time of acceptance: they are the keyset.
    const QString from = !query.cursor.isEmpty() ? query.cursor : query.oldestFirst ? u""_s : u"~"_s;
    const char *sql = nullptr;
    if (open) {
        sql = query.oldestFirst ? SIGNALBOX_DELIVERY_PAGE(SIGNALBOX_OPEN_STATE, "d.id || ''", " >", " ASC")
                                : SIGNALBOX_DELIVERY_PAGE(SIGNALBOX_OPEN_STATE, "d.id || ''", " <", " DESC");
    } else {
        sql = query.oldestFirst ? SIGNALBOX_DELIVERY_PAGE(SIGNALBOX_ANY_STATE, "d.id", " >", " ASC")
                                : SIGNALBOX_DELIVERY_PAGE(SIGNALBOX_ANY_STATE, "d.id", " <", " DESC");
    }
    auto rows = session.query(sql, from, query.session, query.session, anyState, state(0), state(1), state(2),
        state(3), state(4), state(5), state(6), text, idPattern(text), text, text, text, text, text,
        query.limit + 1);
    if (!rows)
        return fail(rows.error());
    while (rows->next())
        page.items << deliveryFrom(*rows);
    closePage(page, query.limit, [](const DeliveryItem &item) { return item.id; });
    return page;
}

Result<Page<SessionItem>> listSessionsUnit(Session &session, const ListQuery &query)
{
    Page<SessionItem> page;
    const QStringList &states = query.states;
    const QString anyState = states.isEmpty() ? u""_s : u"1"_s;
    const auto state = [&](qsizetype i) { return stateAt(states, i); };
    const QString &text = query.text;
    const auto total = countedTotal(
        session.query("SELECT COUNT(*) FROM (SELECT 1 FROM sessions s WHERE " SIGNALBOX_SESSION_FILTER
                      "LIMIT 10001) AS counted",
            anyState, state(0), state(1), state(2), text, idPattern(text), text, text, text, text, text));
    if (!total)
        return fail(total.error());
    page.total = std::min(*total, kExactTotals);
    page.totalIsExact = *total <= kExactTotals;
    // The keyset is (created_at, id); a cursor is "<ms>:<id>".
    const qsizetype colon = query.cursor.indexOf(u':');
    const qint64 at
        = colon < 0 ? (query.oldestFirst ? -1 : 0x7fffffffffffffffLL) : query.cursor.left(colon).toLongLong();
    const QString id = colon < 0 ? QString(u""_s) : query.cursor.mid(colon + 1);
    const char *sql = query.oldestFirst
        ? SIGNALBOX_SESSION_COLUMNS "WHERE (s.created_at, s.id) > (?, ?) AND " SIGNALBOX_SESSION_FILTER
                                    "ORDER BY s.created_at ASC, s.id ASC LIMIT ?"
        : SIGNALBOX_SESSION_COLUMNS "WHERE (s.created_at, s.id) < (?, ?) AND " SIGNALBOX_SESSION_FILTER
                                    "ORDER BY s.created_at DESC, s.id DESC LIMIT ?";
    auto rows = session.query(sql, at, id, anyState, state(0), state(1), state(2), text, idPattern(text),
        text, text, text, text, text, query.limit + 1);
    if (!rows)
        return fail(rows.error());
    while (rows->next())
        page.items << sessionFrom(*rows);
    closePage(page, query.limit,
        [](const SessionItem &item) { return QString::number(toMs(item.createdAt)) + u':' + item.id; });
    return page;
}

namespace {

template <class Item, class From>
Result<QList<Item>> itemsByIds(Session &session, const char *sql, const QStringList &ids, From from)
{
    QList<Item> items;
    for (qsizetype first = 0; first < ids.size(); first += kIdChunk) {
        const auto id = [&](qsizetype i) { return ids[std::min(first + i, ids.size() - 1)]; };
        auto rows = session.query(sql, id(0), id(1), id(2), id(3), id(4), id(5), id(6), id(7));
        if (!rows)
            return fail(rows.error());
        while (rows->next())
            items << from(*rows);
    }
    return items;
}

} // namespace

Result<QList<SessionItem>> sessionItemsUnit(Session &session, const QStringList &ids)
{
    return itemsByIds<SessionItem>(
        session, SIGNALBOX_SESSION_COLUMNS "WHERE s.id IN (?, ?, ?, ?, ?, ?, ?, ?)", ids, sessionFrom);
}

Result<QList<DeliveryItem>> deliveryItemsUnit(Session &session, const QStringList &ids)
{
    return itemsByIds<DeliveryItem>(
        session, SIGNALBOX_DELIVERY_COLUMNS "WHERE d.id IN (?, ?, ?, ?, ?, ?, ?, ?)", ids, deliveryFrom);
}

Result<QList<OutboundItem>> outboundItemsUnit(Session &session, const QStringList &ids)
{
    return itemsByIds<OutboundItem>(
        session, SIGNALBOX_OUTBOUND_COLUMNS "WHERE id IN (?, ?, ?, ?, ?, ?, ?, ?)", ids, outboundFrom);
}

namespace {

TimelineEntry point(const QString &lane, const QString &what, Instant at)
{
    TimelineEntry entry;
    entry.lane = lane;
    entry.what = what;
    entry.from = at;
    return entry;
}

TimelineEntry span(const QString &lane, const QString &what, Instant from, Instant to, bool open)
{
    TimelineEntry entry = point(lane, what, from);
    entry.to = to;
    entry.open = open;
    return entry;
}

QList<TimelineEntry> timelineOf(const DeliveryDetail &detail)
{
    const DeliveryItem &item = detail.item;
    QList<TimelineEntry> timeline;
    timeline << point(u"inbound"_s, u"received"_s, item.createdAt);
    const bool unfinished = isNever(item.finishedAt);
    if (item.state != u"completed" || item.outcome != u"ignored")
        timeline << span(
            u"lock"_s, u"waiting"_s, item.createdAt, item.claimedAt, isNever(item.claimedAt) && unfinished);
    if (!isNever(item.claimedAt))
        timeline << span(
            u"lock"_s, u"held"_s, item.claimedAt, item.turnEndedAt, isNever(item.turnEndedAt) && unfinished);
    if (!isNever(item.promptSentAt)) {
        TimelineEntry turn = span(u"turn"_s, u"prompt_sent"_s, item.promptSentAt, item.turnEndedAt,
            isNever(item.turnEndedAt) && unfinished);
        turn.failed = item.state == u"dead" || item.state == u"unconfirmed";
        turn.detail = item.errorCode;
        timeline << turn;
    }
    if (!isNever(item.acceptedAt))
        timeline << point(u"turn"_s, u"accepted"_s, item.acceptedAt);
    for (const OutboundItem &outbound : detail.outbound) {
        const bool done = outbound.state == u"sent" || outbound.state == u"refused"
            || outbound.state == u"dead" || outbound.state == u"cancelled";
        TimelineEntry entry = span(
            u"outbound"_s, outbound.kind, outbound.createdAt, done ? outbound.updatedAt : Instant(), !done);
        entry.detail = outbound.errorCode.isEmpty() ? outbound.channelTs : outbound.errorCode;
        entry.failed = outbound.state == u"refused" || outbound.state == u"dead";
        timeline << entry;
    }
    return timeline;
}

} // namespace

Result<DeliveryDetail> deliveryDetailUnit(Session &session, const QString &id)
{
    DeliveryDetail detail;
    const auto items = deliveryItemsUnit(session, {id});
    if (!items)
        return fail(items.error());
    if (items->isEmpty())
        return fail(ErrorCode::NotFound, u"there is no such delivery"_s);
    detail.item = items->first();
    {
        auto rows = session.query(
            "SELECT id, number, what, target, outcome, error_code, error_text, sent, received, started_at, "
            "ended_at FROM attempts WHERE delivery_id = ? ORDER BY started_at, subject_id, number",
            id);
        if (!rows)
            return fail(rows.error());
        while (rows->next()) {
            AttemptItem attempt;
            attempt.id = rows->text(0);
            attempt.number = static_cast<int>(rows->number(1));
            attempt.what = rows->text(2);
            attempt.target = rows->text(3);
            attempt.outcome = rows->text(4);
            attempt.errorCode = rows->text(5);
            attempt.errorText = rows->text(6);
            attempt.sent = rows->text(7);
            attempt.received = rows->text(8);
            attempt.startedAt = rows->instant(9);
            attempt.endedAt = rows->instant(10);
            detail.attempts << attempt;
        }
    }
    {
        auto rows = session.query(SIGNALBOX_OUTBOUND_COLUMNS "WHERE delivery_id = ? ORDER BY id", id);
        if (!rows)
            return fail(rows.error());
        while (rows->next())
            detail.outbound << outboundFrom(*rows);
    }
    detail.timeline = timelineOf(detail);
    return detail;
}

Result<StoreCounts> countsUnit(Session &session)
{
    StoreCounts counts;
    QString oldest;
    {
        // The first condition is the partial index's own.
        auto rows = session.query(
            "SELECT state, waits_for, COUNT(*), MIN(id) FROM deliveries WHERE state <> 'completed' AND "
            "(state IN ('pending', 'running', 'waiting') OR (state IN ('dead', 'unconfirmed') AND resolution "
            "IS NULL)) "
            "GROUP BY state, waits_for");
        if (!rows)
            return fail(rows.error());
        qint64 waiting = 0;
        while (rows->next()) {
            const QString state = rows->text(0);
            const qint64 count = rows->number(2);
            if (state == u"waiting") {
                waiting += count;
                counts.deliveries.emplace_back(state + u':' + rows->text(1), count);
            } else {
                counts.deliveries.emplace_back(state, count);
            }
            if (state == u"dead" || state == u"unconfirmed")
                counts.needPerson += count;
            else if (oldest.isEmpty() || rows->text(3) < oldest)
                oldest = rows->text(3); // ids follow the time of acceptance
        }
        counts.deliveries.emplace_back(u"waiting"_s, waiting);
    }
    if (!oldest.isEmpty()) {
        auto rows = session.query("SELECT created_at FROM deliveries WHERE id = ?", oldest);
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            counts.oldestUnfinishedAt = rows->instant(0);
    }
    const auto total = countedTotal(
        session.query("SELECT COUNT(*) FROM (SELECT 1 FROM deliveries LIMIT 10001) AS counted"));
    if (!total)
        return fail(total.error());
    counts.deliveries.emplace_back(u"total"_s, *total);
    const auto sessions
        = countedTotal(session.query("SELECT COUNT(*) FROM (SELECT 1 FROM sessions LIMIT 10001) AS counted"));
    if (!sessions)
        return fail(sessions.error());
    counts.sessions.emplace_back(u"total"_s, *sessions);
    const auto running
        = countedTotal(session.query("SELECT COUNT(*) FROM sessions WHERE lock_holder IS NOT NULL"));
    if (!running)
        return fail(running.error());
    counts.sessions.emplace_back(u"running"_s, *running);
    // The condition is that of the partial index lifecycle_forwards_lane: the open ones alone are walked.
    auto forwards = session.query(
        "SELECT COUNT(*) FROM lifecycle_forwards WHERE state IN ('pending', 'retry', 'sending')");
    if (!forwards)
        return fail(forwards.error());
    if (forwards->next())
        counts.forwarding = forwards->number(0);
    auto asking = session.query("SELECT COUNT(*), MIN(created_at) FROM interactions WHERE resolved_at = 0");
    if (!asking)
        return fail(asking.error());
    if (asking->next()) {
        counts.asking = asking->number(0);
        counts.oldestAskedAt = asking->instant(1);
    }
    return counts;
}

} // namespace signalbox::store
