// SPDX-License-Identifier: Apache-2.0
#include "store/errors.h"
#include "store/lock_records.h"
#include "store/units.h"

using namespace Qt::StringLiterals;

// Engine lives, their leases, and what becomes of the work of one that is gone.

namespace signalbox::store {

namespace {

// On SQLite there is one engine, so everything that is held is an old life's. On PostgreSQL only this
// engine's old lives.
constexpr char kLostAll[] = "SELECT id, session_id, prompt_state FROM deliveries WHERE engine_id IS NOT NULL "
                            "AND NOT (engine_id = ? AND incarnation = ?)";
constexpr char kLostMine[]
    = "SELECT id, session_id, prompt_state FROM deliveries WHERE engine_id IS NOT NULL "
      "AND engine_id = ? AND incarnation < ?";
constexpr char kUpToLife[]
    = "SELECT id, session_id, prompt_state FROM deliveries WHERE engine_id IS NOT NULL "
      "AND engine_id = ? AND incarnation <= ?";
constexpr char kOfLife[] = "SELECT id, session_id, prompt_state FROM deliveries WHERE engine_id IS NOT NULL "
                           "AND engine_id = ? AND incarnation = ?";

Result<std::vector<LostDelivery>> lostDeliveries(Session &session, const char *sql, const EngineLife &life)
{
    auto rows = session.query(sql, life.id, life.incarnation);
    if (!rows)
        return fail(rows.error());
    std::vector<LostDelivery> lost;
    while (rows->next())
        lost.emplace_back(rows->text(0), rows->text(1), rows->text(2));
    return lost;
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

// What was being posted when its engine went: nobody knows whether it arrived. Looked for before it is sent
// again.
constexpr char kUnknownAll[]
    = "UPDATE outbound_messages SET state = CASE WHEN op = 'post' AND kind <> 'status' THEN 'unknown' ELSE "
      "'retry' END, engine_id "
      "= NULL, "
      "incarnation = NULL, due_at = ?, updated_at = ?, rev = rev + 1 WHERE engine_id IS NOT NULL "
      "AND NOT (engine_id = ? AND incarnation = ?) RETURNING id, rev";
constexpr char kUnknownMine[]
    = "UPDATE outbound_messages SET state = CASE WHEN op = 'post' AND kind <> 'status' THEN 'unknown' ELSE "
      "'retry' END, engine_id "
      "= NULL, "
      "incarnation = NULL, due_at = ?, updated_at = ?, rev = rev + 1 WHERE engine_id IS NOT NULL "
      "AND engine_id = ? AND incarnation < ? RETURNING id, rev";
constexpr char kUnknownUpToLife[]
    = "UPDATE outbound_messages SET state = CASE WHEN op = 'post' AND kind <> 'status' THEN 'unknown' ELSE "
      "'retry' END, engine_id "
      "= NULL, "
      "incarnation = NULL, due_at = ?, updated_at = ?, rev = rev + 1 WHERE engine_id IS NOT NULL "
      "AND engine_id = ? AND incarnation <= ? RETURNING id, rev";
constexpr char kUnknownOfLife[]
    = "UPDATE outbound_messages SET state = CASE WHEN op = 'post' AND kind <> 'status' THEN 'unknown' ELSE "
      "'retry' END, engine_id "
      "= NULL, "
      "incarnation = NULL, due_at = ?, updated_at = ?, rev = rev + 1 WHERE engine_id IS NOT NULL "
      "AND engine_id = ? AND incarnation = ? RETURNING id, rev";
constexpr Millis kLookAfter{10'000};

Result<int> markUnknown(Session &session, const char *sql, const EngineLife &life)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    auto rows = session.query(sql, *now + kLookAfter, *now, life.id, life.incarnation);
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

// What others may send for at once.
Status freeSenders(Session &session, const LostLives &lost)
{
    const auto freed = lost.allOthers
        ? session.run("DELETE FROM outbound_senders WHERE NOT (engine_id = ? AND incarnation = ?)",
            lost.life.id, lost.life.incarnation)
        : session.run("DELETE FROM outbound_senders WHERE engine_id = ? AND incarnation BETWEEN ? AND ?",
            lost.life.id, lost.first, lost.last);
    if (!freed)
        return fail(freed.error());
    return {};
}

Status freeLost(
    Session &session, const char *deliveries, const char *outbound, const EngineLife &life, Registered &count)
{
    const auto lost = lostDeliveries(session, deliveries, life);
    if (!lost)
        return fail(lost.error());
    for (const LostDelivery &delivery : *lost) {
        if (auto back = handBack(session, delivery, &count); !back)
            return back;
    }
    const auto unknown = markUnknown(session, outbound, life);
    if (!unknown)
        return fail(unknown.error());
    count.unknownOutbound += *unknown;
    const qint64 now = life.incarnation;
    const LostLives lives(life, deliveries == kOfLife ? now : 0, deliveries == kLostMine ? now - 1 : now,
        deliveries == kLostAll);
    if (auto freed = freeSenders(session, lives); !freed)
        return freed;
    return freeForwards(session, lives);
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
            "config_hash = excluded.config_hash, started_at = excluded.started_at, rev = engines.rev + 1 "
            "RETURNING incarnation, rev",
            registration.id, *now + registration.lease, registration.host, registration.pid, mark,
            registration.configHash, *now);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return fail(ErrorCode::Internal, u"the engine row returned nothing"_s);
        registered.life.incarnation = rows->number(0);
        session.touch("engine", registration.id, rows->number(1));
    }
    {
        auto rows = session.query("SELECT value FROM meta WHERE key = 'cluster_id'");
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            registered.clusterId = rows->text(0);
    }
    const bool sqlite = session.dialect() == Dialect::Sqlite;
    if (auto freed = freeLost(session, sqlite ? kLostAll : kLostMine, sqlite ? kUnknownAll : kUnknownMine,
            registered.life, registered);
        !freed)
        return fail(freed.error());
    return registered;
}

Result<bool> mayClaim(Session &session, const EngineLife &life)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const bool sqlite = session.dialect() == Dialect::Sqlite;
    auto rows
        = session.query(sqlite ? "SELECT lease_until FROM engines WHERE id = ? AND incarnation = ?"
                               : "SELECT lease_until FROM engines WHERE id = ? AND incarnation = ? FOR SHARE",
            life.id, life.incarnation);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(Error(
            ErrorCode::Conflict, u"another life of this engine has begun"_s, QString::fromUtf16(kStale)));
    // On SQLite nothing of the one engine expires by a clock jump or a suspended laptop.
    return sqlite || rows->instant(0) > *now;
}

Result<Registered> reapLostEngineUnit(Session &session, const EngineLife &life)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    Registered reaped;
    if (session.dialect() == Dialect::Sqlite)
        return reaped; // one engine
    {
        auto rows = session.query(
            "SELECT id, incarnation FROM engines WHERE id <> ? AND lease_until > 0 AND lease_until < ? "
            "ORDER BY lease_until LIMIT 1 FOR UPDATE SKIP LOCKED",
            life.id, *now);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return reaped;
        reaped.life = EngineLife(rows->text(0), rows->number(1));
    }
    if (auto freed = freeLost(session, kUpToLife, kUnknownUpToLife, reaped.life, reaped); !freed)
        return fail(freed.error());
    auto rows = session.query(
        "UPDATE engines SET lease_until = 0, rev = rev + 1 WHERE id = ? RETURNING rev", reaped.life.id);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("engine", reaped.life.id, rows->number(0));
    return reaped;
}

Result<bool> renewLeaseUnit(Session &session, const EngineLife &life, Millis lease, Millis lockTtl)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto renewed = session.run("UPDATE engines SET lease_until = ? WHERE id = ? AND incarnation = ?",
        *now + lease, life.id, life.incarnation);
    if (!renewed)
        return fail(renewed.error());
    if (*renewed == 0)
        return fail(Error(
            ErrorCode::Conflict, u"another life of this engine has begun"_s, QString::fromUtf16(kStale)));
    if (auto locks = renewLocks(session, life, lockTtl); !locks)
        return fail(locks.error());
    return true;
}

Result<bool> endEngineUnit(Session &session, const EngineLife &life)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    Registered count;
    if (auto freed = freeLost(session, kOfLife, kUnknownOfLife, life, count); !freed)
        return fail(freed.error());
    const auto ended
        = session.run("UPDATE engines SET lease_until = ?, rev = rev + 1 WHERE id = ? AND incarnation = ?",
            *now, life.id, life.incarnation);
    if (!ended)
        return fail(ended.error());
    return true;
}

} // namespace signalbox::store
