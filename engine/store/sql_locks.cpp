// SPDX-License-Identifier: Apache-2.0
#include "store/lock_records.h"
#include "store/units.h"

using namespace Qt::StringLiterals;

// The activity lock of a session (contracts/sessions-locks.md §3, repaired as DESIGN.md step 3 says): fenced,
// renewed by its engine's lease, taken over only from whoever is gone. Times are the database's own.

namespace signalbox::store {

namespace {

// A session's lock, and what is known of whoever holds it.
struct LockState
{
    QString holder;
    EngineLife life;
    qint64 fence = 0;
    Instant acquiredAt;
    Instant expiresAt;
    bool lifeIsKnown = false; // its engine is registered under this incarnation
    Instant leaseUntil;
    bool isDelivery = false; // that an engine holds
    QString promptState;

    // Whether somebody else may take it. On SQLite there is one engine, and neither its lease nor the time of
    // a lock that it holds for a turn means anything: a clock that jumps must not end turns.
    [[nodiscard]] bool mayBeLost(Dialect dialect, Instant now) const
    {
        const bool timeCounts = dialect == Dialect::Postgres;
        const bool engineGone = !lifeIsKnown || (timeCounts && leaseUntil <= now);
        return engineGone || ((timeCounts || !isDelivery) && expiresAt <= now);
    }
};

Error notHeld()
{
    return Error(ErrorCode::Conflict, u"the lock is not held by this holder"_s, u"not_held"_s);
}

Result<LockState> peek(Session &session, const QString &sessionId)
{
    auto rows = session.query(
        "SELECT s.lock_holder, s.lock_engine, s.lock_incarnation, s.fence, s.lock_acquired_at, "
        "s.lock_expires_at, e.lease_until, d.prompt_state FROM sessions s "
        "LEFT JOIN engines e ON e.id = s.lock_engine AND e.incarnation = s.lock_incarnation "
        "LEFT JOIN deliveries d ON d.id = s.lock_holder AND d.engine_id IS NOT NULL WHERE s.id = ?",
        sessionId);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::NotFound, u"there is no such session"_s);
    LockState state;
    state.holder = rows->text(0);
    state.life = EngineLife(rows->text(1), rows->number(2));
    state.fence = rows->number(3);
    state.acquiredAt = rows->instant(4);
    state.expiresAt = rows->instant(5);
    state.lifeIsKnown = !rows->isNull(6);
    state.leaseUntil = rows->instant(6);
    state.isDelivery = !rows->isNull(7);
    state.promptState = rows->text(7);
    return state;
}

// The session's row is locked until the commit. In a statement of its own: PostgreSQL would read a row that
// it had to wait for anew, and join it with the engine and delivery of the one before.
Status lockSession(Session &session, const QString &sessionId)
{
    if (session.dialect() == Dialect::Sqlite)
        return {};
    auto row = session.query("SELECT 1 FROM sessions WHERE id = ? FOR UPDATE", sessionId);
    if (!row)
        return fail(row.error());
    return {};
}

Result<LockState> lockState(Session &session, const QString &sessionId)
{
    if (auto locked = lockSession(session, sessionId); !locked)
        return fail(locked.error());
    return peek(session, sessionId);
}

// The columns that a claim reads beside the lock come in the same statement: it is on every message's way.
#define SIGNALBOX_TAKE                                                                                       \
    "UPDATE sessions SET lock_holder = ?, lock_engine = ?, lock_incarnation = ?, lock_acquired_at = ?, "     \
    "lock_expires_at = ?, fence = fence + 1, rev = rev + 1, updated_at = ? "
#define SIGNALBOX_TAKEN                                                                                      \
    " RETURNING fence, rev, agent_session, tenant, backend, runtime_namespace, runtime_instance, "           \
    "unsettled, runtime_stale, channel"
constexpr char kTake[]
    = SIGNALBOX_TAKE "WHERE id = ? AND (lock_holder IS NULL OR lock_holder = ?)" SIGNALBOX_TAKEN;
// On PostgreSQL a guarded update that finds the lock held does not wait for whoever is releasing it, and the
// release does not see the claimed delivery waiting yet: nobody would wake it. So the row is locked first,
// and the guard looks at what was locked; without OFFSET 0 the planner would ask it before.
constexpr char kWaitAndTake[] = SIGNALBOX_TAKE
    "FROM (SELECT id AS locked_id, lock_holder AS locked_for FROM sessions WHERE id = ? OFFSET 0 "
    "FOR UPDATE) AS locked "
    "WHERE id = locked_id AND (locked_for IS NULL OR locked_for = ?)" SIGNALBOX_TAKEN;

Status freeRow(Session &session, const QString &sessionId, const QString &holder, Instant now)
{
    auto rows = session.query(
        "UPDATE sessions SET lock_holder = NULL, lock_engine = NULL, lock_incarnation = NULL, "
        "lock_acquired_at = NULL, lock_expires_at = NULL, last_active_at = ?, updated_at = ?, rev = rev + 1 "
        "WHERE id = ? AND lock_holder = ? RETURNING rev",
        now, now, sessionId, holder);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("session", sessionId, rows->number(0));
    return {};
}

// Lets the head of the session's queue run. Expressions, not columns: else PostgreSQL may look through
// everything that waits for some lock.
Result<bool> wakeNext(Session &session, const QString &sessionId, Instant now)
{
    QString id;
    bool told = false;
    {
        auto woken
            = session.query("UPDATE deliveries SET state = 'pending', waits_for = '', due_at = ?, "
                            "updated_at = ?, rev = rev + 1 "
                            "WHERE id = (SELECT id FROM deliveries WHERE session_id = ? AND blocks = "
                            "1 ORDER BY ordinal LIMIT 1) "
                            "AND state || ':' || waits_for = 'waiting:lock' RETURNING id, rev, busy_told",
                now, now, sessionId);
        if (!woken)
            return fail(woken.error());
        if (!woken->next())
            return false;
        id = woken->text(0);
        told = woken->flag(2);
        session.touch("delivery", id, woken->number(1));
    }
    if (told) {
        if (auto dropped = dropBusyNotice(session, id, now); !dropped)
            return fail(dropped.error());
    }
    return true;
}

// True when the lock is free now.
Result<bool> freeForTakeover(Session &session, const QString &sessionId, const LockState &state, Instant now)
{
    if (state.holder.isEmpty())
        return true;
    if (!state.mayBeLost(session.dialect(), now))
        return false;
    const Status freed = state.isDelivery
        ? handBack(session, LostDelivery(state.holder, sessionId, state.promptState))
        : freeRow(session, sessionId, state.holder, now);
    if (!freed)
        return fail(freed.error());
    return true;
}

} // namespace

Result<std::optional<LockGrant>> acquireLockUnit(Session &session, const LockWish &wish)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    {
        // Contention is the common answer, and costs nobody a row lock.
        const auto seen = peek(session, wish.sessionId);
        if (!seen)
            return fail(seen.error());
        if (!seen->holder.isEmpty() && seen->holder != wish.holder
            && !seen->mayBeLost(session.dialect(), *now))
            return std::optional<LockGrant>();
    }
    const auto alive = mayClaim(session, wish.life);
    if (!alive)
        return fail(alive.error());
    const auto state = lockState(session, wish.sessionId);
    if (!state)
        return fail(state.error());
    LockGrant grant;
    if (state->holder == wish.holder && state->life.id == wish.life.id
        && state->life.incarnation == wish.life.incarnation) { // this very unit, run again
        grant.fence = state->fence;
        grant.acquiredAt = state->acquiredAt;
        grant.expiresAt = state->expiresAt;
        return std::optional<LockGrant>(grant);
    }
    if (!*alive) // nobody else holds it: that must not look like contention
        return fail(Error(ErrorCode::Unavailable, u"this engine's own lease has ended"_s, u"lease_ended"_s));
    const auto free = freeForTakeover(session, wish.sessionId, *state, *now);
    if (!free)
        return fail(free.error());
    if (!*free)
        return std::optional<LockGrant>();
    auto rows = session.query(kTake, wish.holder, wish.life.id, wish.life.incarnation, *now, *now + wish.ttl,
        *now, wish.sessionId, wish.holder);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return std::optional<LockGrant>();
    grant.fence = rows->number(0);
    grant.acquiredAt = *now;
    grant.expiresAt = *now + wish.ttl;
    session.touch("session", wish.sessionId, rows->number(1));
    return std::optional<LockGrant>(grant);
}

Result<LockGrant> refreshLockUnit(Session &session, const HeldLock &held, Millis ttl)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto state = lockState(session, held.sessionId);
    if (!state)
        return fail(state.error());
    if (state->holder != held.holder || state->fence != held.fence)
        return fail(notHeld());
    LockGrant grant;
    grant.fence = state->fence;
    grant.acquiredAt = state->acquiredAt;
    grant.expiresAt = *now + ttl;
    auto rows = session.query(
        "UPDATE sessions SET lock_expires_at = ?, updated_at = ?, rev = rev + 1 WHERE id = ? RETURNING rev",
        grant.expiresAt, *now, held.sessionId);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("session", held.sessionId, rows->number(0));
    return grant;
}

Result<bool> releaseLockUnit(Session &session, const HeldLock &held)
{
    const auto state = lockState(session, held.sessionId);
    if (!state)
        return fail(state.error());
    if (state->holder != held.holder || state->fence != held.fence)
        return fail(notHeld());
    return releaseSession(session, held.sessionId, held.holder);
}

Status renewLocks(Session &session, const EngineLife &life, Millis ttl)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto locks = session.run(
        "UPDATE sessions SET lock_expires_at = ? WHERE lock_engine = ? AND lock_incarnation = ? "
        "AND lock_holder IS NOT NULL AND lock_expires_at < ?",
        *now + ttl, life.id, life.incarnation, *now + ttl);
    if (!locks)
        return fail(locks.error());
    return {};
}

Result<bool> takeLock(
    Session &session, const EngineLife &life, ClaimedDelivery &claimed, Instant now, Millis ttl)
{
    auto rows = session.query(session.dialect() == Dialect::Sqlite ? kTake : kWaitAndTake, claimed.id,
        life.id, life.incarnation, now, now + ttl, now, claimed.sessionId, claimed.id);
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

Result<bool> releaseSession(Session &session, const QString &sessionId, const QString &deliveryId)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    if (auto freed = freeRow(session, sessionId, deliveryId, *now); !freed)
        return fail(freed.error());
    return wakeNext(session, sessionId, *now);
}

} // namespace signalbox::store
