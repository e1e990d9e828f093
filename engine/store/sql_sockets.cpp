// SPDX-License-Identifier: Apache-2.0
#include "store/socket_records.h"
#include "store/units.h"

using namespace Qt::StringLiterals;

// Who holds the Socket Mode connection of an installation's app, and what people in a place may see of the
// turns there.

namespace signalbox::store {

Result<SocketHeld> holdSocketUnit(Session &session, const HoldSocket &hold)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto alive = mayClaim(session, hold.life);
    if (!alive)
        return fail(alive.error());
    SocketHeld held;
    if (!*alive)
        return held;
    {
        auto rows = session.query("SELECT retry FROM socket_holders WHERE installation_id = ? AND engine_id "
                                  "= ? AND incarnation = ?",
            hold.installationId, hold.life.id, hold.life.incarnation);
        if (!rows)
            return fail(rows.error());
        held.retry = rows->next() && rows->flag(0);
    }
    // A wish that comes between the two statements stays for the next time.
    auto rows = session.query(
        "INSERT INTO socket_holders (installation_id, engine_id, incarnation, until_at, stopped) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (installation_id) DO UPDATE SET engine_id = excluded.engine_id, "
        "incarnation = excluded.incarnation, until_at = excluded.until_at, stopped = excluded.stopped, "
        "retry = CASE WHEN ? = 1 THEN 0 ELSE socket_holders.retry END "
        "WHERE socket_holders.until_at <= ? OR (socket_holders.engine_id = excluded.engine_id "
        "AND socket_holders.incarnation = excluded.incarnation) RETURNING 1",
        hold.installationId, hold.life.id, hold.life.incarnation, *now + hold.lease, hold.stopped, held.retry,
        *now);
    if (!rows)
        return fail(rows.error());
    held.held = rows->next();
    return held;
}

Result<bool> releaseSocketUnit(Session &session, const QString &installationId, const EngineLife &life)
{
    const auto freed = session.run(
        "DELETE FROM socket_holders WHERE installation_id = ? AND engine_id = ? AND incarnation = ?",
        installationId, life.id, life.incarnation);
    if (!freed)
        return fail(freed.error());
    return true;
}

Result<bool> retrySocket(Session &session, const QString &installationId)
{
    const auto wished = session.run(
        "UPDATE socket_holders SET retry = 1 WHERE installation_id = ? AND stopped = 1", installationId);
    if (!wished)
        return fail(wished.error());
    return *wished > 0;
}

namespace {

#define SIGNALBOX_TURN_SELECT                                                                                \
    "SELECT COALESCE(d.id, ''), s.installation_id, s.place, COALESCE(d.thread, s.thread), "                  \
    "COALESCE(d.message_ts, ''), COALESCE(d.user_id, ''), COALESCE(d.state, ''), COALESCE(d.waits_for, "     \
    "''), "                                                                                                  \
    "COALESCE(s.lock_acquired_at, d.created_at), (SELECT COUNT(*) FROM deliveries w WHERE w.session_id = "   \
    "s.id AND w.blocks = 1 AND w.state = 'waiting' AND w.state <> 'completed' AND w.waits_for = 'lock') "

PlaceTurn turnFrom(const Rows &rows)
{
    PlaceTurn turn;
    turn.deliveryId = rows.text(0);
    turn.installationId = rows.text(1);
    turn.place = rows.text(2);
    turn.thread = rows.text(3);
    turn.messageTs = rows.text(4);
    turn.user = rows.text(5);
    turn.state = rows.text(6);
    turn.waitsFor = rows.text(7);
    turn.since = rows.instant(8);
    turn.waiters = static_cast<int>(rows.number(9));
    return turn;
}

Status countOpen(Session &session, const QString &installationId, PlaceStatus &status)
{
    auto rows = session.query("SELECT state, COUNT(*) FROM deliveries WHERE state IN ('pending', 'running', "
                              "'waiting', 'dead', 'unconfirmed') AND state <> 'completed' "
                              "AND installation_id = ? AND resolution IS NULL GROUP BY state",
        installationId);
    if (!rows)
        return fail(rows.error());
    while (rows->next()) {
        const QString state = rows->text(0);
        const int count = static_cast<int>(rows->number(1));
        if (state == u"pending")
            status.pending = count;
        else if (state == u"running")
            status.running = count;
        else if (state == u"waiting")
            status.waiting = count;
        else
            status.needPerson += count;
    }
    return {};
}

} // namespace

Result<PlaceStatus> placeStatusUnit(
    Session &session, const QString &installationId, const QString &place, int most)
{
    PlaceStatus status;
    if (auto counted = countOpen(session, installationId, status); !counted)
        return fail(counted.error());
    auto rows = session.query(SIGNALBOX_TURN_SELECT
        "FROM sessions s LEFT JOIN deliveries d ON d.id = s.lock_holder WHERE s.installation_id = ? "
        "AND s.place = ? AND s.lock_holder IS NOT NULL ORDER BY s.lock_acquired_at, s.id LIMIT ?",
        installationId, place, most + 1);
    if (!rows)
        return fail(rows.error());
    while (rows->next()) {
        if (static_cast<int>(status.turns.size()) == most) {
            status.more = true;
            break;
        }
        status.turns.push_back(turnFrom(*rows));
    }
    return status;
}

Result<PlaceTurn> placeTurnUnit(Session &session, const QString &deliveryId)
{
    auto rows = session.query(SIGNALBOX_TURN_SELECT
        "FROM deliveries d JOIN sessions s ON s.id = d.session_id WHERE d.id = ? "
        "AND d.state IN ('pending', 'running', 'waiting')",
        deliveryId);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::NotFound, u"there is no such unfinished delivery"_s);
    return turnFrom(*rows);
}

} // namespace signalbox::store
