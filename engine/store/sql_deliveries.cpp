// SPDX-License-Identifier: Apache-2.0
#include "store/action_records.h"
#include "store/errors.h"
#include "store/units.h"

using namespace Qt::StringLiterals;
using signalbox::domain::DeliveryState;

// Claiming, the prompt fence and the end of a turn (DESIGN.md steps 3, 5 and 7). Every write after the claim
// carries the lock's fence.

namespace signalbox::store {

namespace {

// SQLite has one writer and nothing to skip; on PostgreSQL several engines claim side by side. The second
// condition is the partial index's own.
constexpr char kDueSqlite[]
    = "SELECT id, session_id FROM deliveries WHERE state = ? AND state <> 'completed' AND waits_for = ? "
      "AND due_at <= ? ORDER BY due_at, id LIMIT ?";
constexpr char kDuePostgres[]
    = "SELECT id, session_id FROM deliveries WHERE state = ? AND state <> 'completed' AND waits_for = ? "
      "AND due_at <= ? ORDER BY due_at, id LIMIT ? FOR UPDATE SKIP LOCKED";

// While something is paused, claims look at what stops each row (DESIGN.md "Configuration against state"): a
// pause of deliveries stops them all, one of the intake those that came since.
#define SIGNALBOX_UNPAUSED_DUE                                                                               \
    "SELECT d.id, d.session_id FROM deliveries d JOIN sessions s ON s.id = d.session_id "                    \
    "WHERE d.state = ? AND d.state <> 'completed' AND d.waits_for = ? AND d.due_at <= ? "                    \
    "AND NOT EXISTS (SELECT 1 FROM pauses p WHERE (p.until_at = 0 OR p.until_at > ?) "                       \
    "AND (p.what = 'delivery' OR (p.what = 'intake' AND d.created_at >= p.since_at)) "                       \
    "AND (p.scope = 'engine' OR (p.scope = 'installation' AND p.id = d.installation_id) "                    \
    "OR (p.scope = 'backend' AND p.id = s.backend))) ORDER BY d.due_at, d.id LIMIT ?"

Result<bool> takeLock(
    Session &session, const EngineLife &life, ClaimedDelivery &claimed, Instant now, Millis lockTtl)
{
    if (session.dialect() == Dialect::Postgres) {
        // A guarded update that finds the lock held does not wait for whoever is releasing it, and the
        // release does not see this delivery waiting yet: nobody would wake it. So the session's row is
        // locked first.
        auto row = session.query("SELECT 1 FROM sessions WHERE id = ? FOR UPDATE", claimed.sessionId);
        if (!row)
            return fail(row.error());
    }
    auto rows = session.query(
        "UPDATE sessions SET lock_holder = ?, lock_engine = ?, lock_incarnation = ?, lock_acquired_at = ?, "
        "lock_expires_at = ?, fence = fence + 1, rev = rev + 1, updated_at = ? "
        "WHERE id = ? AND (lock_holder IS NULL OR lock_holder = ?) RETURNING fence, rev, agent_session, "
        "tenant, backend, runtime_namespace, runtime_instance, unsettled, runtime_stale, channel",
        claimed.id, life.id, life.incarnation, now, now + lockTtl, now, claimed.sessionId, claimed.id);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return false;
    claimed.fence = rows->number(0);
    session.touch("session", claimed.sessionId, rows->number(1));
    claimed.agentSession = rows->text(2);
    claimed.tenant = rows->text(3);
    claimed.backend = rows->text(4);
    claimed.runtimeNamespace = rows->text(5);
    claimed.runtimeInstance = rows->text(6);
    claimed.unsettled = rows->flag(7);
    claimed.runtimeStale = rows->flag(8);
    claimed.channel = rows->text(9);
    return true;
}

Result<bool> startRunning(Session &session, const EngineLife &life, ClaimedDelivery &claimed, Instant now)
{
    {
        auto rows = session.query(
            "UPDATE deliveries SET state = 'running', waits_for = '', stage = 'binding', engine_id = ?, "
            "incarnation = ?, fence = ?, claimed_at = ?, attempts = attempts + 1, error_code = '', "
            "error_text = '', updated_at = ?, rev = rev + 1 WHERE id = ? "
            "RETURNING rev, installation_id, place, thread, message_ts, user_id, mentioned, direct, "
            "attempts, "
            "prompt_state, parent_id",
            life.id, life.incarnation, claimed.fence, now, now, claimed.id);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return false;
        session.touch("delivery", claimed.id, rows->number(0));
        claimed.installationId = rows->text(1);
        claimed.place = rows->text(2);
        claimed.thread = rows->text(3);
        claimed.messageTs = rows->text(4);
        claimed.user = rows->text(5);
        claimed.mentioned = rows->flag(6);
        claimed.direct = rows->flag(7);
        claimed.attempts = static_cast<int>(rows->number(8));
        claimed.isRetry = !rows->text(10).isEmpty();
        claimed.promptState = domain::promptState(rows->text(9)).value_or(domain::PromptState::Sending);
    }
    auto payload = session.query("SELECT body FROM payloads WHERE id = ?", claimed.id);
    if (!payload)
        return fail(payload.error());
    if (payload->next())
        claimed.payload = payload->utf8(0);
    return true;
}

} // namespace

namespace {

// Of what an earlier run of this claim took, what is still held under that fence and was not prompted under
// it: that run's commit had gone through, and nobody works on it yet.
Result<std::vector<ClaimedDelivery>> stillHeld(
    Session &session, const EngineLife &life, const std::vector<ClaimedDelivery> &earlier)
{
    std::vector<ClaimedDelivery> held;
    for (const ClaimedDelivery &delivery : earlier) {
        auto rows = session.query(
            "SELECT 1 FROM deliveries WHERE id = ? AND state = 'running' AND fence = ? AND engine_id = ? "
            "AND incarnation = ? AND (prompt_state = 'none' OR prompt_fence < fence)",
            delivery.id, delivery.fence, life.id, life.incarnation);
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            held.push_back(delivery);
    }
    return held;
}

Status findDue(Session &session, const QString &state, const QString &waitsFor, Instant now, int most,
    std::vector<ClaimedDelivery> &due)
{
    const int room = most - static_cast<int>(due.size());
    if (room <= 0)
        return {};
    const auto paused = anyPause(session);
    if (!paused)
        return fail(paused.error());
    const bool sqlite = session.dialect() == Dialect::Sqlite;
    auto rows = *paused ? session.query(
                    sqlite ? SIGNALBOX_UNPAUSED_DUE : SIGNALBOX_UNPAUSED_DUE " FOR UPDATE OF d SKIP LOCKED",
                    state, waitsFor, now, now, room)
                        : session.query(sqlite ? kDueSqlite : kDuePostgres, state, waitsFor, now, room);
    if (!rows)
        return fail(rows.error());
    while (rows->next()) {
        ClaimedDelivery &delivery = due.emplace_back();
        delivery.id = rows->text(0);
        delivery.sessionId = rows->text(1);
    }
    return {};
}

} // namespace

Result<std::vector<ClaimedDelivery>> claimDeliveriesUnit(Session &session, const EngineLife &life, int most,
    Millis lockTtl, const std::vector<ClaimedDelivery> &earlier)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto alive = mayClaim(session, life);
    if (!alive)
        return fail(alive.error());
    auto claimed = stillHeld(session, life, earlier);
    if (!claimed || !*alive || static_cast<int>(claimed->size()) >= most)
        return claimed;
    most -= static_cast<int>(claimed->size());
    std::vector<ClaimedDelivery> due;
    // What was tried before goes first: it is older, and there is little of it.
    if (auto found = findDue(session, u"waiting"_s, u"retry"_s, *now, most, due); !found)
        return fail(found.error());
    if (auto found = findDue(session, u"pending"_s, u""_s, *now, most, due); !found)
        return fail(found.error());
    for (ClaimedDelivery &delivery : due) {
        const auto locked = takeLock(session, life, delivery, *now, lockTtl);
        if (!locked)
            return fail(locked.error());
        if (!*locked) {
            // Somebody holds the session: whoever releases it wakes the next in order.
            auto rows = session.query(
                "UPDATE deliveries SET state = 'waiting', waits_for = 'lock', updated_at = ?, "
                "rev = rev + 1 WHERE id = ? RETURNING rev",
                *now, delivery.id);
            if (!rows)
                return fail(rows.error());
            if (rows->next())
                session.touch("delivery", delivery.id, rows->number(0));
            continue;
        }
        const auto running = startRunning(session, life, delivery, *now);
        if (!running)
            return fail(running.error());
        if (*running)
            claimed->push_back(std::move(delivery));
    }
    return claimed;
}

Result<bool> releaseSession(Session &session, const QString &sessionId, const QString &deliveryId)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    {
        auto rows = session.query("UPDATE sessions SET lock_holder = NULL, lock_engine = NULL, "
                                  "lock_incarnation = NULL, lock_acquired_at = NULL, "
                                  "lock_expires_at = NULL, last_active_at = ?, updated_at = ?, rev = rev + 1 "
                                  "WHERE id = ? AND lock_holder = ? RETURNING rev",
            *now, *now, sessionId, deliveryId);
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            session.touch("session", sessionId, rows->number(0));
    }
    // Expressions, not columns: else PostgreSQL may look through everything that waits for some lock.
    auto woken = session.query(
        "UPDATE deliveries SET state = 'pending', waits_for = '', due_at = ?, updated_at = ?, rev = rev + 1 "
        "WHERE id = (SELECT id FROM deliveries WHERE session_id = ? AND blocks = 1 ORDER BY ordinal LIMIT 1) "
        "AND state || ':' || waits_for = 'waiting:lock' RETURNING id, rev",
        *now, *now, sessionId);
    if (!woken)
        return fail(woken.error());
    const bool woke = woken->next();
    if (woke)
        session.touch("delivery", woken->text(0), woken->number(1));
    return woke;
}

Result<std::optional<Instant>> nextDueUnit(Session &session)
{
    std::optional<Instant> next;
    const auto consider = [&](Result<Rows> rows) -> Status {
        if (!rows)
            return fail(rows.error());
        if (rows->next() && !rows->isNull(0) && (!next || rows->instant(0) < *next))
            next = rows->instant(0);
        return {};
    };
    for (const auto &[state, waitsFor] :
        {std::pair(u"pending"_s, u""_s), std::pair(u"waiting"_s, u"retry"_s)}) {
        if (auto done = consider(
                session.query("SELECT MIN(due_at) FROM deliveries WHERE state = ? AND state <> 'completed' "
                              "AND waits_for = ?",
                    state, waitsFor));
            !done)
            return fail(done.error());
    }
    // Heads of lanes only: what waits behind another message is due long ago and still cannot go.
    if (auto done = consider(session.query(
            "SELECT o.due_at FROM outbound_messages o WHERE o.state IN ('pending', 'retry', 'unknown') AND "
            "NOT EXISTS "
            "(SELECT 1 FROM outbound_messages e WHERE e.lane = o.lane AND e.id < o.id "
            "AND e.state IN ('pending', 'retry', 'unknown', 'sending')) ORDER BY o.due_at, o.id LIMIT 1"));
        !done)
        return fail(done.error());
    return next;
}

} // namespace signalbox::store
