// SPDX-License-Identifier: Apache-2.0
#include "store/errors.h"
#include "store/units.h"

using namespace Qt::StringLiterals;

// A delivery that is tried once more is a new delivery, linked to its parent; the parent's history stays as
// it is (DESIGN.md "Operator actions").

namespace signalbox::store {

namespace {

struct Tail
{
    QString sessionId;
    qint64 ordinal = 0;
    bool ready = false;
};

// The place behind everything else in the parent's session.
Result<Tail> tailOf(Session &session, const QString &parentId, const QString &sessionId, Instant now)
{
    Tail tail;
    {
        auto rows = session.query(
            "UPDATE sessions SET next_ordinal = next_ordinal + 1, last_active_at = ?, updated_at = ?, rev = "
            "rev + 1 "
            "WHERE id = CASE WHEN ? = '' THEN (SELECT session_id FROM deliveries WHERE id = ?) ELSE ? END "
            "RETURNING id, next_ordinal, rev",
            now, now, sessionId, parentId, sessionId);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return fail(Error(ErrorCode::NotFound, u"the delivery has no session"_s, u"no_session"_s));
        tail.sessionId = rows->text(0);
        tail.ordinal = rows->number(1);
        session.touch("session", tail.sessionId, rows->number(2));
    }
    auto busy = session.query(
        "SELECT 1 FROM deliveries WHERE session_id = ? AND blocks = 1 LIMIT 1", tail.sessionId);
    if (!busy)
        return fail(busy.error());
    tail.ready = !busy->next();
    return tail;
}

} // namespace

Result<bool> insertRetry(Session &session, const QString &parentId, const QString &newId,
    const QString &resolution, const QString &actor, const QString &sessionId)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    {
        auto rows = session.query("SELECT state FROM deliveries WHERE id = ?", newId);
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            return rows->text(0) == u"pending"; // this unit has run before
    }
    const auto copied = session.run("INSERT INTO payloads (id, body, expires_at) "
                                    "SELECT ?, body, expires_at FROM payloads WHERE id = ?",
        newId, parentId);
    if (!copied)
        return fail(copied.error());
    if (*copied == 0)
        return fail(Error(ErrorCode::Conflict, u"the message's text has expired"_s, u"payload_expired"_s));
    const auto tail = tailOf(session, parentId, sessionId, *now);
    if (!tail)
        return fail(tail.error());
    const auto inserted
        = session.run("INSERT INTO deliveries (id, installation_id, session_id, ordinal, state, waits_for, "
                      "blocks, mentioned, direct, "
                      "place, thread, message_ts, user_id, parent_id, due_at, created_at, updated_at) "
                      "SELECT ?, installation_id, ?, ?, ?, ?, 1, mentioned, direct, place, thread, "
                      "message_ts, user_id, id, "
                      "?, ?, ? FROM deliveries WHERE id = ?",
            newId, tail->sessionId, tail->ordinal, tail->ready ? u"pending"_s : u"waiting"_s,
            tail->ready ? u""_s : u"lock"_s, *now, *now, *now, parentId);
    if (!inserted)
        return fail(inserted.error());
    session.touch("delivery", newId, 1);
    auto settled = session.query(
        "UPDATE deliveries SET resolution = ?, resolved_by = ?, resolved_at = ?, updated_at = ?, rev = rev + "
        "1 "
        "WHERE id = ? AND state IN ('dead', 'unconfirmed') AND resolution IS NULL RETURNING rev",
        resolution, actor, *now, *now, parentId);
    if (!settled)
        return fail(settled.error());
    if (settled->next()) {
        session.touch("delivery", parentId, settled->number(0));
        return tail->ready;
    }
    // Somebody settled it in between: one more try of it would be one too many.
    if (resolution == u"retried")
        return fail(Error(ErrorCode::Conflict, u"somebody else has settled it"_s, u"settled"_s));
    return tail->ready;
}

} // namespace signalbox::store
