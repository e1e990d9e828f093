// SPDX-License-Identifier: Apache-2.0
#include "store/lock_records.h"
#include "store/units.h"

using namespace Qt::StringLiterals;

// Those who wait for a busy session, and whoever went on writing after losing it (DESIGN.md step 3).

namespace signalbox::store {

namespace {
// Far behind every clock: what needs no telling any more is not looked at again.
constexpr Instant kNever{Millis(Q_INT64_C(253402300799000))};
} // namespace

Result<std::vector<BusyWaiter>> busyWaitersUnit(Session &session, Millis delay, int most)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    auto rows = session.query(
        "SELECT d.id, d.installation_id, d.place, d.thread, d.user_id, d.message_ts, i.channel, h.user_id, "
        "COALESCE(s.lock_acquired_at, h.created_at, d.created_at), "
        "(SELECT COUNT(*) FROM deliveries a WHERE a.session_id = d.session_id AND a.blocks = 1 "
        "AND a.ordinal < d.ordinal), "
        "EXISTS (SELECT 1 FROM deliveries t WHERE t.session_id = d.session_id AND t.blocks = 1 "
        "AND t.state = 'waiting' AND t.waits_for = 'lock' AND t.busy_told = 1 AND t.user_id = d.user_id), "
        "d.session_id "
        "FROM deliveries d JOIN sessions s ON s.id = d.session_id "
        "JOIN installations i ON i.id = d.installation_id "
        "LEFT JOIN deliveries h ON h.id = COALESCE(s.lock_holder, (SELECT f.id FROM deliveries f "
        "WHERE f.session_id = d.session_id AND f.blocks = 1 ORDER BY f.ordinal LIMIT 1)) "
        "WHERE d.state = 'waiting' AND d.state <> 'completed' AND d.waits_for = 'lock' AND d.due_at <= ? "
        "ORDER BY d.due_at, d.id LIMIT ?",
        *now - delay, most);
    if (!rows)
        return fail(rows.error());
    std::vector<BusyWaiter> waiters;
    while (rows->next()) {
        BusyWaiter &waiter = waiters.emplace_back();
        waiter.delivery.id = rows->text(0);
        waiter.delivery.installationId = rows->text(1);
        waiter.delivery.place = rows->text(2);
        waiter.delivery.thread = rows->text(3);
        waiter.delivery.user = rows->text(4);
        waiter.delivery.messageTs = rows->text(5);
        waiter.channel = rows->text(6);
        waiter.holderUser = rows->text(7);
        waiter.since = rows->instant(8);
        waiter.ahead = static_cast<int>(rows->number(9));
        waiter.toldBefore = rows->flag(10);
        waiter.sessionId = rows->text(11);
    }
    return waiters;
}

Result<bool> tellBusyUnit(Session &session, const std::vector<BusyNotice> &notices)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    for (const BusyNotice &notice : notices) {
        {
            auto rows = session.query(
                "UPDATE deliveries SET due_at = ?, busy_told = CASE WHEN ? = 1 THEN 1 ELSE busy_told END, "
                "updated_at = ?, rev = rev + 1 WHERE id = ? AND state = 'waiting' AND waits_for = 'lock' "
                "AND due_at < ? RETURNING rev",
                kNever, !notice.drafts.empty(), *now, notice.deliveryId, kNever);
            if (!rows)
                return fail(rows.error());
            if (!rows->next())
                continue; // its turn has come, or somebody has told it
            session.touch("delivery", notice.deliveryId, rows->number(0));
        }
        for (const OutboundDraft &draft : notice.drafts) {
            if (auto inserted = insertOutbound(session, draft); !inserted)
                return fail(inserted.error());
        }
    }
    return true;
}

Status dropBusyNotice(Session &session, const QString &deliveryId, Instant now)
{
    auto rows = session.query(
        "UPDATE outbound_messages SET state = 'cancelled', updated_at = ?, rev = rev + 1 "
        "WHERE delivery_id = ? AND purpose = 'status:busy' AND state IN ('pending', 'retry', 'unknown') "
        "RETURNING id, rev",
        now, deliveryId);
    if (!rows)
        return fail(rows.error());
    while (rows->next())
        session.touch("outbound", rows->text(0), rows->number(1));
    return {};
}

Result<bool> noteStaleUnit(Session &session, const StaleWrite &stale)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto written
        = session.run("INSERT INTO audit (id, at, actor, action, subject_kind, subject_id, reason, result) "
                      "VALUES (?, ?, ?, 'stale_write', ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
            stale.auditId, *now, u"engine:%1/%2"_s.arg(stale.life.id).arg(stale.life.incarnation),
            stale.subjectKind, stale.subjectId, stale.what, u"refused: fence %1 is over"_s.arg(stale.fence));
    if (!written)
        return fail(written.error());
    if (*written > 0)
        session.touch("audit", stale.auditId, 1);
    return true;
}

} // namespace signalbox::store
