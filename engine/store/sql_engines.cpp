// SPDX-License-Identifier: Apache-2.0
#include "store/errors.h"
#include "store/held_by.h"
#include "store/interaction_records.h"
#include "store/lock_records.h"
#include "store/units.h"
#include "store/webhook_records.h"

using namespace Qt::StringLiterals;

// Engine lives, their leases, and what becomes of the work of one that is gone.

namespace signalbox::store {

namespace {

Result<std::vector<LostDelivery>> lostDeliveries(Session &session, const LostLives &lost, int most)
{
    // Locked: whoever held it may be ending it, and another may hold it then.
    auto rows = session.query(session.dialect() == Dialect::Sqlite
            ? "SELECT id, session_id, prompt_state FROM deliveries WHERE " SIGNALBOX_HELD_BY
              " ORDER BY id LIMIT ?"
            : "SELECT id, session_id, prompt_state FROM deliveries WHERE " SIGNALBOX_HELD_BY
              " ORDER BY id LIMIT ? FOR UPDATE",
        SIGNALBOX_HELD_BY_BINDS(lost), most);
    if (!rows)
        return fail(rows.error());
    std::vector<LostDelivery> found;
    while (rows->next())
        found.emplace_back(rows->text(0), rows->text(1), rows->text(2));
    return found;
}

} // namespace

Status handBack(Session &session, const LostDelivery &lost, Registered *count)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    {
        auto rows = session.query(
            "UPDATE deliveries SET state = 'pending', waits_for = '', stage = '', engine_id = NULL, "
            "incarnation = NULL, due_at = ?, updated_at = ?, rev = rev + 1 "
            "WHERE id = ? AND engine_id IS NOT NULL RETURNING rev",
            *now, *now, lost.id);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return {};
        session.touch("delivery", lost.id, rows->number(0));
    }
    if (auto withdrawn = withdrawOfDelivery(session, lost.id); !withdrawn)
        return fail(withdrawn.error());
    const auto attempts
        = session.run("UPDATE attempts SET outcome = 'unknown', error_code = 'interrupted', ended_at = ? "
                      "WHERE subject_id = ? AND outcome = 'running'",
            *now, lost.id);
    if (!attempts)
        return fail(attempts.error());
    const auto prompt = domain::promptState(lost.promptState).value_or(domain::PromptState::Sending);
    if (count)
        ++(domain::mayPrompt(prompt) ? count->handedBack : count->fenced);
    // It keeps its place at the head of its session; only the lock goes.
    auto rows = session.query(
        "UPDATE sessions SET lock_holder = NULL, lock_engine = NULL, lock_incarnation = NULL, "
        "lock_acquired_at = NULL, lock_expires_at = NULL, updated_at = ?, rev = rev + 1 "
        "WHERE id = ? AND lock_holder = ? RETURNING rev",
        *now, lost.sessionId, lost.id);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("session", lost.sessionId, rows->number(0));
    return {};
}

namespace {

constexpr Millis kLookAfter{10'000};
constexpr int kEverything = 1'000'000; // an engine holds no more than it may run at once

#define SIGNALBOX_MARK_UNKNOWN                                                                               \
    "UPDATE outbound_messages SET state = CASE WHEN op = 'post' AND kind <> 'status' THEN 'unknown' ELSE "   \
    "'retry' END, engine_id = NULL, incarnation = NULL, due_at = ?, updated_at = ?, rev = rev + 1 "          \
    "WHERE id IN (SELECT id FROM outbound_messages WHERE " SIGNALBOX_HELD_BY " ORDER BY id LIMIT ?"

// What was being posted when its engine went: nobody knows whether it arrived. Looked for before it is sent
// again.
Result<int> markUnknown(Session &session, const LostLives &lost, int most)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    // Locked: one whose sender writes its end at this moment is not lost any more.
    auto rows = session.query(session.dialect() == Dialect::Sqlite
            ? SIGNALBOX_MARK_UNKNOWN ") RETURNING id, rev"
            : SIGNALBOX_MARK_UNKNOWN " FOR UPDATE) RETURNING id, rev",
        *now + kLookAfter, *now, SIGNALBOX_HELD_BY_BINDS(lost), most);
    if (!rows)
        return fail(rows.error());
    int count = 0;
    while (rows->next()) {
        session.touch("outbound", rows->text(0), rows->number(1));
        ++count;
    }
    if (count == 0)
        return count;
    // What a session's log takes is not looked for: it stands there already, or can be written at once.
    const auto logged = session.run(
        "UPDATE outbound_messages SET due_at = ? WHERE state = 'unknown' AND due_at = ? AND installation_id "
        "IN (SELECT id FROM installations WHERE channel = 'web' OR channel = 'cli')",
        *now, *now + kLookAfter);
    if (!logged)
        return fail(logged.error());
    return count;
}

// What others may send for at once, and orders that nobody can carry out any more.
Status freeSenders(Session &session, const LostLives &lost)
{
    const auto freed
        = session.run("DELETE FROM outbound_senders WHERE " SIGNALBOX_HELD_BY, SIGNALBOX_HELD_BY_BINDS(lost));
    if (!freed)
        return fail(freed.error());
    const auto sockets
        = session.run("DELETE FROM socket_holders WHERE " SIGNALBOX_HELD_BY, SIGNALBOX_HELD_BY_BINDS(lost));
    if (!sockets)
        return fail(sockets.error());
    const auto dropped
        = session.run("DELETE FROM engine_orders WHERE " SIGNALBOX_HELD_BY, SIGNALBOX_HELD_BY_BINDS(lost));
    if (!dropped)
        return fail(dropped.error());
    return {};
}

// False: there is more than `most`.
Result<bool> freeLost(Session &session, const LostLives &lost, int most, Registered &count)
{
    // The connections that asked have gone with it.
    const auto withdrawn = withdrawOfLost(session, lost, most);
    if (!withdrawn)
        return fail(withdrawn.error());
    count.withdrawn += *withdrawn;
    const auto deliveries = lostDeliveries(session, lost, most);
    if (!deliveries)
        return fail(deliveries.error());
    for (const LostDelivery &delivery : *deliveries) {
        if (auto back = handBack(session, delivery, &count); !back)
            return fail(back.error());
    }
    const auto unknown = markUnknown(session, lost, most);
    if (!unknown)
        return fail(unknown.error());
    count.unknownOutbound += *unknown;
    if (auto freed = freeSenders(session, lost); !freed)
        return fail(freed.error());
    if (auto freed = freeForwards(session, lost); !freed)
        return fail(freed.error());
    if (auto freed = freeWebhookCalls(session, lost); !freed)
        return fail(freed.error());
    return static_cast<int>(deliveries->size()) < most && *unknown < most && *withdrawn < most;
}

} // namespace

namespace {

// A life of an id that was forgotten is none that anybody may still remember. In a statement of its own: the
// one that inserted the row may have waited for the sweep that forgot it.
Status stayAboveSwept(Session &session, EngineLife &life)
{
    if (life.incarnation > 1)
        return {};
    auto rows = session.query(
        "UPDATE engines SET incarnation = incarnation + (SELECT CAST(value AS BIGINT) FROM meta WHERE key = "
        "'swept_incarnation') WHERE id = ? AND rev = 1 AND EXISTS (SELECT 1 FROM meta WHERE key = "
        "'swept_incarnation') RETURNING incarnation",
        life.id);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        life.incarnation = rows->number(0);
    return {};
}

Error replacedLife()
{
    return Error(ErrorCode::Conflict, u"another life of this engine has begun"_s, QString::fromUtf16(kStale));
}

} // namespace

Result<Registered> registerEngineUnit(Session &session, const EngineRegistration &registration)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    Registered registered;
    registered.life.id = registration.id;
    {
        // `version` carries the process token behind a space, so that this unit, run again, keeps its
        // incarnation.
        const QString mark = registration.version + u' ' + registration.token;
        auto rows = session.query(
            "INSERT INTO engines (id, incarnation, lease_until, host, pid, version, config_hash, started_at) "
            "VALUES (?, 1, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "incarnation = CASE WHEN engines.version = excluded.version THEN engines.incarnation ELSE "
            "engines.incarnation + 1 END, "
            "lease_until = excluded.lease_until, host = excluded.host, pid = excluded.pid, version = "
            "excluded.version, "
            "config_hash = excluded.config_hash, started_at = excluded.started_at, ended_at = 0, "
            "rev = engines.rev + 1 "
            "WHERE ? = 0 OR engines.incarnation = ? OR engines.version = excluded.version "
            "RETURNING incarnation, rev",
            registration.id, *now + registration.lease, registration.host, registration.pid, mark,
            registration.configHash, *now, registration.former, registration.former);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return fail(replacedLife());
        registered.life.incarnation = rows->number(0);
        session.touch("engine", registration.id, rows->number(1));
    }
    if (auto above = stayAboveSwept(session, registered.life); !above)
        return fail(above.error());
    {
        auto rows = session.query("SELECT value FROM meta WHERE key = 'cluster_id'");
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            registered.clusterId = rows->text(0);
    }
    // On SQLite there is one engine, so everything that is held is an old life's. On PostgreSQL only this
    // engine's old lives.
    const LostLives lost(
        registered.life, 0, registered.life.incarnation - 1, session.dialect() == Dialect::Sqlite);
    if (auto freed = freeLost(session, lost, kEverything, registered); !freed)
        return fail(freed.error());
    return registered;
}

#define SIGNALBOX_CLAIM_RIGHT                                                                                \
    "SELECT lease_until, CASE WHEN EXISTS (SELECT 1 FROM pauses WHERE until_at = 0 OR until_at > ?) "        \
    "THEN 1 ELSE 0 END FROM engines WHERE id = ? AND incarnation = ?"

namespace {

Result<bool> isKnown(Session &session, const QString &engineId)
{
    auto rows = session.query("SELECT 1 FROM engines WHERE id = ?", engineId);
    if (!rows)
        return fail(rows.error());
    return rows->next();
}

} // namespace

Result<ClaimRight> claimRight(Session &session, const EngineLife &life)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const bool sqlite = session.dialect() == Dialect::Sqlite;
    auto rows = session.query(
        sqlite ? SIGNALBOX_CLAIM_RIGHT : SIGNALBOX_CLAIM_RIGHT " FOR SHARE", *now, life.id, life.incarnation);
    if (!rows)
        return fail(rows.error());
    ClaimRight right;
    if (!rows->next()) {
        const auto known = isKnown(session, life.id);
        if (!known)
            return fail(known.error());
        // One that was away for so long that it is forgotten has lapsed: nobody has come in its place.
        return *known ? Result<ClaimRight>(fail(replacedLife())) : Result<ClaimRight>(right);
    }
    // On SQLite nothing of the one engine expires by a clock jump or a suspended laptop.
    right.alive = sqlite || rows->instant(0) > *now;
    right.paused = rows->flag(1);
    return right;
}

Result<bool> mayClaim(Session &session, const EngineLife &life)
{
    const auto right = claimRight(session, life);
    if (!right)
        return fail(right.error());
    return right->alive;
}

namespace {

// Any number that nothing else in the database uses: who holds it takes the work of lost engines back.
constexpr qint64 kReaperLock = 0x5349474e414c4258;

Status noteReaped(Session &session, const ReapOrder &order, const Registered &reaped, Instant now)
{
    const QString result
        = u"%1 run again, %2 are looked for, %3 outbound messages are unknown%4"_s.arg(reaped.handedBack)
              .arg(reaped.fenced)
              .arg(reaped.unknownOutbound)
              .arg(reaped.complete ? QString() : u"; more to come"_s);
    const auto written
        = session.run("INSERT INTO audit (id, at, actor, action, subject_kind, subject_id, reason, result) "
                      "VALUES (?, ?, ?, 'reap', 'engine', ?, 'lease_ended', ?) ON CONFLICT (id) DO NOTHING",
            order.auditId, now, u"engine:%1/%2"_s.arg(order.self.id).arg(order.self.incarnation),
            reaped.life.id, result);
    if (!written)
        return fail(written.error());
    session.touch("audit", order.auditId, 1);
    return {};
}

// The engine whose lease ended first; an empty id: there is none.
Result<EngineLife> lostEngine(Session &session, const EngineLife &self, Instant now)
{
    auto rows = session.query(
        "SELECT id, incarnation FROM engines WHERE id <> ? AND lease_until > 0 AND lease_until < ? "
        "ORDER BY lease_until LIMIT 1 FOR UPDATE SKIP LOCKED",
        self.id, now);
    if (!rows)
        return fail(rows.error());
    return rows->next() ? EngineLife(rows->text(0), rows->number(1)) : EngineLife();
}

Result<bool> isReaper(Session &session)
{
    auto rows = session.query(
        "SELECT CASE WHEN pg_try_advisory_xact_lock(CAST(? AS BIGINT)) THEN 1 ELSE 0 END", kReaperLock);
    if (!rows)
        return fail(rows.error());
    return rows->next() && rows->flag(0);
}

} // namespace

Result<Registered> reapLostEngineUnit(Session &session, const ReapOrder &order)
{
    Registered reaped;
    if (session.dialect() == Dialect::Sqlite)
        return reaped; // one engine
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto alive = mayClaim(session, order.self);
    if (!alive)
        return fail(alive.error());
    const auto first = isReaper(session);
    if (!first)
        return fail(first.error());
    if (!*alive || !*first)
        return reaped;
    const auto lost = lostEngine(session, order.self, *now);
    if (!lost)
        return fail(lost.error());
    if (lost->id.isEmpty())
        return reaped;
    reaped.life = *lost;
    const auto complete
        = freeLost(session, LostLives(*lost, 0, lost->incarnation, false), order.most, reaped);
    if (!complete)
        return fail(complete.error());
    reaped.complete = *complete;
    if (reaped.complete) {
        auto rows
            = session.query("UPDATE engines SET lease_until = ?, ended_at = ?, rev = rev + 1 WHERE id = ? "
                            "RETURNING rev",
                kLeaseReaped, *now, lost->id);
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            session.touch("engine", lost->id, rows->number(0));
    }
    if (auto noted = noteReaped(session, order, reaped, *now); !noted)
        return fail(noted.error());
    return reaped;
}

// A lease that has ended stays so: what it held may be somebody else's by now. On SQLite nothing of the one
// engine expires.
Result<bool> renewLeaseUnit(Session &session, const EngineLife &life, Millis lease, Millis lockTtl)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto alive = mayClaim(session, life);
    if (!alive)
        return fail(alive.error());
    if (!*alive)
        return fail(Error(ErrorCode::Unavailable, u"this engine's lease has ended"_s, u"lease_ended"_s));
    const auto renewed = session.run("UPDATE engines SET lease_until = ? WHERE id = ? AND incarnation = ?",
        *now + lease, life.id, life.incarnation);
    if (!renewed)
        return fail(renewed.error());
    if (auto locks = renewLocks(session, life, lockTtl); !locks)
        return fail(locks.error());
    return true;
}

Result<bool> endEngineUnit(Session &session, const EngineLife &life)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    {
        // First: it waits for claims that are under way, so that what they took is handed back, too.
        auto rows
            = session.query("UPDATE engines SET lease_until = ?, ended_at = ?, rev = rev + 1 WHERE id = ? "
                            "AND incarnation = ? RETURNING rev",
                kLeaseEnded, *now, life.id, life.incarnation);
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            session.touch("engine", life.id, rows->number(0));
    }
    Registered count;
    const LostLives mine(life, life.incarnation, life.incarnation, false);
    if (auto freed = freeLost(session, mine, kEverything, count); !freed)
        return fail(freed.error());
    return true;
}

#define SIGNALBOX_GONE_ENGINES                                                                               \
    "SELECT id, incarnation, rev FROM engines WHERE lease_until <= 0 AND ended_at < ? ORDER BY id LIMIT ?"

Result<int> sweepEngines(Session &session, Instant before, int most)
{
    struct Gone
    {
        QString id;
        qint64 incarnation;
        qint64 rev;
    };
    std::vector<Gone> gone;
    {
        auto rows = session.query(session.dialect() == Dialect::Sqlite ? SIGNALBOX_GONE_ENGINES
                                                                       : SIGNALBOX_GONE_ENGINES
                " FOR UPDATE SKIP LOCKED",
            before, most);
        if (!rows)
            return fail(rows.error());
        while (rows->next())
            gone.push_back({rows->text(0), rows->number(1), rows->number(2)});
    }
    for (const Gone &life : gone) {
        const auto removed = session.run("DELETE FROM engines WHERE id = ?", life.id);
        if (!removed)
            return removed;
        session.touch("engine", life.id, life.rev + 1);
        // One that comes again under this id must not be taken for a life that somebody still remembers.
        const auto noted = session.run(
            "INSERT INTO meta (key, value) VALUES ('swept_incarnation', CAST(? AS TEXT)) ON CONFLICT (key) "
            "DO "
            "UPDATE SET value = excluded.value WHERE CAST(meta.value AS BIGINT) < CAST(excluded.value AS "
            "BIGINT)",
            life.incarnation);
        if (!noted)
            return noted;
    }
    return static_cast<int>(gone.size());
}

} // namespace signalbox::store
