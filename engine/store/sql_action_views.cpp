// SPDX-License-Identifier: Apache-2.0
#include "store/action_records.h"
#include "store/units.h"

using namespace Qt::StringLiterals;
using namespace signalbox::domain;

// Locks, the audit, and what an explanation is made of. Read-only.

namespace signalbox::store {

namespace {

#define SIGNALBOX_LOCK_SELECT                                                                                \
    "SELECT s.id, s.channel, s.tenant, s.place, s.thread, s.backend, s.lock_holder, d.state, d.stage, "      \
    "d.prompt_state, d.updated_at, s.lock_engine, e.lease_until, "                                           \
    "CASE WHEN e.incarnation = s.lock_incarnation THEN 1 ELSE 0 END, s.lock_acquired_at, "                   \
    "s.lock_expires_at, s.fence, (SELECT COUNT(*) FROM deliveries w WHERE w.session_id = s.id "              \
    "AND w.blocks = 1 AND w.id <> s.lock_holder), s.created_at, s.rev "
#define SIGNALBOX_LOCK_FROM                                                                                  \
    "FROM sessions s LEFT JOIN deliveries d ON d.id = s.lock_holder "                                        \
    "LEFT JOIN engines e ON e.id = s.lock_engine WHERE s.lock_holder IS NOT NULL "                           \
    "AND (? = '' OR s.id = ? OR s.place = ? OR s.thread = ? OR s.tenant = ? OR s.lock_holder = ?) "

LockItem lockFrom(const Rows &rows, Dialect dialect, Instant now)
{
    LockItem item;
    item.id = rows.text(0);
    item.channel = rows.text(1);
    item.tenant = rows.text(2);
    item.place = rows.text(3);
    item.thread = rows.text(4);
    item.backend = rows.text(5);
    item.holder = rows.text(6);
    item.holderState = rows.text(7);
    item.holderStage = rows.text(8);
    item.promptState = rows.text(9);
    item.holderUpdatedAt = rows.instant(10);
    item.engine = rows.text(11);
    item.leaseUntil = rows.instant(12);
    // On SQLite there is one engine, whose life does not end by a clock.
    item.engineAlive = rows.flag(13) && (dialect == Dialect::Sqlite || item.leaseUntil > now);
    item.acquiredAt = rows.instant(14);
    item.expiresAt = rows.instant(15);
    item.fence = rows.number(16);
    item.waiters = static_cast<int>(rows.number(17));
    item.createdAt = rows.instant(18);
    item.rev = rows.number(19);
    return item;
}

} // namespace

Result<Page<LockItem>> listLocksUnit(Session &session, const ListQuery &query)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    Page<LockItem> page;
    const QString &text = query.text;
    {
        auto rows = session.query("SELECT COUNT(*) " SIGNALBOX_LOCK_FROM, text, text, text, text, text, text);
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            page.total = rows->number(0);
    }
    // The keyset is (created_at, id), as of sessions.
    const qsizetype colon = query.cursor.indexOf(u':');
    const qint64 at
        = colon < 0 ? (query.oldestFirst ? -1 : 0x7fffffffffffffffLL) : query.cursor.left(colon).toLongLong();
    const QString id = colon < 0 ? QString(u""_s) : query.cursor.mid(colon + 1);
    auto rows = session.query(query.oldestFirst ? SIGNALBOX_LOCK_SELECT SIGNALBOX_LOCK_FROM
            "AND (s.created_at, s.id) > (?, ?) ORDER BY s.created_at ASC, s.id ASC LIMIT ?"
                                                : SIGNALBOX_LOCK_SELECT SIGNALBOX_LOCK_FROM
            "AND (s.created_at, s.id) < (?, ?) ORDER BY s.created_at DESC, s.id DESC LIMIT ?",
        text, text, text, text, text, text, at, id, query.limit + 1);
    if (!rows)
        return fail(rows.error());
    while (rows->next())
        page.items << lockFrom(*rows, session.dialect(), *now);
    if (page.items.size() > query.limit) {
        page.items.removeLast();
        const LockItem &last = page.items.last();
        page.nextCursor = QString::number(toMs(last.createdAt)) + u':' + last.id;
    }
    return page;
}

namespace {

#define SIGNALBOX_AUDIT_COLUMNS                                                                              \
    "SELECT id, at, actor, action, subject_kind, subject_id, reason, result FROM audit "

AuditItem auditFrom(const Rows &rows)
{
    AuditItem item;
    item.id = rows.text(0);
    item.at = rows.instant(1);
    item.actor = rows.text(2);
    item.action = rows.text(3);
    item.subjectKind = rows.text(4);
    item.subject = rows.text(5);
    item.reason = rows.text(6);
    item.result = rows.text(7);
    return item;
}

} // namespace

Result<QList<AuditItem>> auditItemsUnit(Session &session, const QStringList &ids)
{
    QList<AuditItem> items;
    for (const QString &id : ids) {
        auto rows = session.query(SIGNALBOX_AUDIT_COLUMNS "WHERE id = ?", id);
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            items << auditFrom(*rows);
    }
    return items;
}

Result<Page<AuditItem>> listAuditUnit(Session &session, const ListQuery &query)
{
    Page<AuditItem> page;
    const QString &text = query.text;
    {
        auto rows = session.query("SELECT COUNT(*) FROM (SELECT 1 FROM audit WHERE (? = '' OR subject_id = ? "
                                  "OR actor = ? OR id = ?) LIMIT 10001) AS counted",
            text, text, text, text);
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            page.total = rows->number(0);
    }
    page.totalIsExact = page.total <= 10'000;
    page.total = std::min<qint64>(page.total, 10'000);
    const QString from = !query.cursor.isEmpty() ? query.cursor : query.oldestFirst ? u""_s : u"~"_s;
    auto rows = session.query(query.oldestFirst ? SIGNALBOX_AUDIT_COLUMNS
            "WHERE id > ? AND (? = '' OR subject_id = ? OR actor = ? OR id = ?) ORDER BY id ASC LIMIT ?"
                                                : SIGNALBOX_AUDIT_COLUMNS
            "WHERE id < ? AND (? = '' OR subject_id = ? OR actor = ? OR id = ?) ORDER BY id DESC LIMIT ?",
        from, text, text, text, text, query.limit + 1);
    if (!rows)
        return fail(rows.error());
    while (rows->next())
        page.items << auditFrom(*rows);
    if (page.items.size() > query.limit) {
        page.items.removeLast();
        page.nextCursor = page.items.last().id;
    }
    return page;
}

namespace {

Result<QString> stageOf(Session &session, const QString &deliveryId)
{
    auto rows = session.query("SELECT stage FROM deliveries WHERE id = ?", deliveryId);
    if (!rows)
        return fail(rows.error());
    return rows->next() ? rows->text(0) : QString();
}

Status addAhead(Session &session, ExplainFacts &facts)
{
    QString ahead;
    {
        auto rows = session.query("SELECT id, stage FROM deliveries WHERE session_id = ? AND blocks = 1 "
                                  "ORDER BY ordinal LIMIT 1",
            facts.delivery.sessionId);
        if (!rows)
            return fail(rows.error());
        if (!rows->next() || rows->text(0) == facts.delivery.id)
            return {};
        ahead = rows->text(0);
        facts.aheadStage = rows->text(1);
    }
    const auto items = deliveryItemsUnit(session, QStringList(ahead));
    if (!items)
        return fail(items.error());
    if (!items->isEmpty())
        facts.ahead = items->first();
    return {};
}

Status addSession(Session &session, ExplainFacts &facts)
{
    const auto items = sessionItemsUnit(session, QStringList(facts.delivery.sessionId));
    if (!items)
        return fail(items.error());
    if (items->isEmpty())
        return {};
    facts.session = items->first();
    auto rows = session.query(
        "SELECT s.lock_engine, e.lease_until, CASE WHEN e.incarnation = s.lock_incarnation THEN 1 ELSE 0 "
        "END, "
        "r.phase, r.detail, r.phase_at FROM sessions s LEFT JOIN engines e ON e.id = s.lock_engine "
        "LEFT JOIN runtimes r ON r.backend = s.backend AND r.namespace = s.runtime_namespace "
        "AND r.instance_id = s.runtime_instance WHERE s.id = ?",
        facts.delivery.sessionId);
    if (!rows)
        return fail(rows.error());
    if (rows->next()) {
        facts.engine = rows->text(0);
        facts.leaseUntil = rows->instant(1);
        facts.engineAlive
            = rows->flag(2) && (session.dialect() == Dialect::Sqlite || facts.leaseUntil > facts.now);
        facts.runtimePhase = rows->text(3);
        facts.runtimeDetail = rows->text(4);
        facts.runtimeSince = rows->instant(5);
    }
    return {};
}

Status addOutbound(Session &session, ExplainFacts &facts)
{
    QString first;
    QString head;
    {
        auto rows
            = session.query("SELECT id FROM outbound_messages WHERE delivery_id = ? AND op = 'post' "
                            "AND state IN ('pending', 'sending', 'retry', 'unknown') ORDER BY id LIMIT 1",
                facts.delivery.id);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return {};
        first = rows->text(0);
    }
    {
        auto rows = session.query(
            "SELECT e.id FROM outbound_messages o JOIN outbound_messages e ON e.lane = o.lane "
            "WHERE o.id = ? AND e.id < o.id AND e.state IN ('pending', 'sending', 'retry', 'unknown') "
            "ORDER BY e.id LIMIT 1",
            first);
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            head = rows->text(0);
    }
    const auto items
        = outboundItemsUnit(session, head.isEmpty() ? QStringList(first) : QStringList{first, head});
    if (!items)
        return fail(items.error());
    for (const OutboundItem &item : *items)
        (item.id == first ? facts.outbound : facts.laneHead) = item;
    auto rows = session.query(
        "SELECT h.until_at, h.place FROM outbound_messages o JOIN outbound_holds h "
        "ON h.installation_id = o.installation_id AND h.op = o.op AND (h.place = '' OR h.place = o.place) "
        "WHERE o.id = ? AND h.until_at > ? ORDER BY h.until_at DESC LIMIT 1",
        head.isEmpty() ? first : head, facts.now);
    if (!rows)
        return fail(rows.error());
    if (rows->next()) {
        facts.heldUntil = rows->instant(0);
        facts.heldPlace = rows->text(1);
    }
    return {};
}

} // namespace

Result<ExplainFacts> explainFactsUnit(Session &session, const QString &deliveryId)
{
    ExplainFacts facts;
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    facts.now = *now;
    const auto items = deliveryItemsUnit(session, QStringList(deliveryId));
    if (!items)
        return fail(items.error());
    if (items->isEmpty())
        return fail(ErrorCode::NotFound, u"there is no such delivery"_s);
    facts.delivery = items->first();
    const auto stage = stageOf(session, deliveryId);
    if (!stage)
        return fail(stage.error());
    facts.stage = *stage;
    if (auto added = addSession(session, facts); !added)
        return fail(added.error());
    if (auto added = addAhead(session, facts); !added)
        return fail(added.error());
    if (auto added = addOutbound(session, facts); !added)
        return fail(added.error());
    const auto installation = installationUnit(session, facts.delivery.installation);
    if (!installation)
        return fail(installation.error());
    facts.trouble = installation->health.trouble;
    facts.troubleSince = installation->health.troubleAt;
    const auto pauses = pausesUnit(session);
    if (!pauses)
        return fail(pauses.error());
    const QString backend = facts.session ? facts.session->backend : facts.delivery.backend;
    for (const PauseItem &pause : *pauses) {
        if ((pause.scope == u"installation" && pause.id != facts.delivery.installation)
            || (pause.scope == u"backend" && pause.id != backend))
            continue;
        ExplainPause &found = facts.pauses.emplace_back();
        found.scope = pause.scope;
        found.id = pause.id;
        found.what = pause.what;
        found.who = pause.who;
        found.since = pause.since;
        found.until = pause.until;
    }
    return facts;
}

} // namespace signalbox::store
