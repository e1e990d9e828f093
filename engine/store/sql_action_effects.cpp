// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"
#include "domain/feedback.h"
#include "domain/session_id.h"
#include "store/action_records.h"
#include "store/errors.h"
#include "store/interaction_records.h"
#include "store/lock_records.h"
#include "store/order_records.h"
#include "store/units.h"

using namespace Qt::StringLiterals;
using signalbox::domain::ActionResult;

// What single actions do to sessions and deliveries. Rows of deliveries are locked before rows of sessions,
// as claims and ends of turns do.

namespace signalbox::store {

namespace {

struct Seen
{
    QString state;
    QString waitsFor;
    QString promptState;
    QString sessionId;
    QString resolution;
    QString installationId;
    QString place;
    QString thread;
    QString messageTs;
    bool direct = false;
    bool held = false;
    EngineLife holder;
    qint64 fence = 0;
};

Error conflict(const QString &why, const QString &native)
{
    return Error(ErrorCode::Conflict, why, native);
}

#define SIGNALBOX_SEEN                                                                                       \
    "SELECT state, waits_for, prompt_state, session_id, resolution, installation_id, place, thread, "        \
    "message_ts, direct, engine_id, incarnation, fence FROM deliveries WHERE id = ?"

// As it stands until the commit: a prompt that leaves at the same time waits for this, or this for it.
Result<Seen> lookAt(Session &session, const QString &deliveryId)
{
    auto rows = session.query(
        session.dialect() == Dialect::Sqlite ? SIGNALBOX_SEEN : SIGNALBOX_SEEN " FOR UPDATE", deliveryId);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::NotFound, u"there is no such delivery"_s);
    Seen seen;
    seen.state = rows->text(0);
    seen.waitsFor = rows->text(1);
    seen.promptState = rows->text(2);
    seen.sessionId = rows->text(3);
    seen.resolution = rows->text(4);
    seen.installationId = rows->text(5);
    seen.place = rows->text(6);
    seen.thread = rows->text(7);
    seen.messageTs = rows->text(8);
    seen.direct = rows->flag(9);
    seen.held = !rows->isNull(10);
    seen.holder = EngineLife(rows->text(10), rows->number(11));
    seen.fence = rows->number(12);
    return seen;
}

Result<QString> holderOf(Session &session, const QString &sessionId)
{
    auto rows = session.query("SELECT lock_holder FROM sessions WHERE id = ?", sessionId);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::NotFound, u"there is no such session"_s);
    return rows->text(0);
}

struct Locked
{
    QString holder;
    qint64 fence = 0;
};

Result<Locked> lockRow(Session &session, const QString &sessionId)
{
    auto rows = session.query(session.dialect() == Dialect::Sqlite
            ? "SELECT lock_holder, fence FROM sessions WHERE id = ?"
            : "SELECT lock_holder, fence FROM sessions WHERE id = ? FOR UPDATE",
        sessionId);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::NotFound, u"there is no such session"_s);
    Locked locked;
    locked.holder = rows->text(0);
    locked.fence = rows->number(1);
    return locked;
}

Status insertNotice(Session &session, const ActionOrder &order, const QString &deliveryId, const Seen &seen,
    const QString &purpose, const QString &text)
{
    OutboundDraft draft;
    draft.id = order.noticeId;
    draft.installationId = seen.installationId;
    draft.deliveryId = deliveryId;
    draft.purpose = purpose;
    draft.kind = domain::OutboundKind::Notice;
    draft.place = seen.place;
    draft.thread = seen.thread;
    draft.body = Json::object({{u"text"_s, text}}).toBytes();
    draft.payloadTtl = order.payloadTtl;
    return insertOutbound(session, draft);
}

// Ends an unfinished delivery at once, whoever works at it: its writes are stale from here on, and it is told
// to stop.
Status endDelivery(Session &session, const QString &id, const Seen &seen, const QString &state,
    const QString &code, Instant now)
{
    if (seen.held) {
        EngineOrder stop;
        stop.kind = u"cancel"_s;
        stop.subjectId = id;
        stop.fence = seen.fence;
        if (auto placed = placeOrder(session, seen.holder, stop); !placed)
            return placed;
    }
    auto rows = session.query(
        "UPDATE deliveries SET state = ?, waits_for = '', blocks = 0, stage = '', engine_id = NULL, "
        "incarnation = NULL, error_code = ?, error_text = '', "
        "turn_ended_at = CASE WHEN turn_ended_at = 0 AND claimed_at > 0 THEN ? ELSE turn_ended_at END, "
        "finished_at = ?, updated_at = ?, rev = rev + 1 "
        "WHERE id = ? AND state IN ('pending', 'running', 'waiting') RETURNING rev",
        state, code, now, now, now, id);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(conflict(u"the delivery has just ended"_s, u"finished"_s));
    session.touch("delivery", id, rows->number(0));
    if (auto withdrawn = withdrawOfDelivery(session, id); !withdrawn)
        return fail(withdrawn.error());
    const auto ended = session.run("UPDATE attempts SET outcome = 'unknown', error_code = ?, ended_at = ? "
                                   "WHERE subject_id = ? AND outcome = 'running'",
        code, now, id);
    if (!ended)
        return fail(ended.error());
    if (auto dropped = dropStatusUnit(session, id); !dropped)
        return fail(dropped.error());
    return {};
}

// The fence rises, so that nothing of the old holder counts any more, and the lock is free.
Result<bool> takeLockAway(
    Session &session, const QString &sessionId, const QString &holder, bool unsettled, Instant now)
{
    const auto raised = session.run("UPDATE sessions SET fence = fence + 1, "
                                    "unsettled = CASE WHEN ? = 1 THEN 1 ELSE unsettled END, updated_at = ? "
                                    "WHERE id = ? AND lock_holder = ?",
        unsettled, now, sessionId, holder);
    if (!raised)
        return fail(raised.error());
    return releaseSession(session, sessionId, holder);
}

} // namespace

Result<ActionResult> releaseLock(Session &session, const ActionOrder &order)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const QString sessionId = order.request.id;
    const auto holding = holderOf(session, sessionId);
    if (!holding)
        return fail(holding.error());
    const QString holder = *holding;
    const auto seen = holder.isEmpty() ? Result<Seen>(Seen()) : lookAt(session, holder);
    if (!seen)
        return fail(seen.error());
    const auto locked = lockRow(session, sessionId);
    if (!locked)
        return fail(locked.error());
    if (locked->holder.isEmpty())
        return fail(conflict(u"nobody holds this lock"_s, u"not_held"_s));
    if (locked->fence != order.request.expectedFence)
        return fail(conflict(
            u"the lock's fence is %1, not the expected one"_s.arg(locked->fence), u"fence_differs"_s));
    if (locked->holder != holder) // it came in between; the fence above says the same unless it was free
        return fail(conflict(u"the lock has just been taken"_s, u"fence_differs"_s));
    const bool mayHaveLeft = seen->promptState != u"none";
    if (auto ended = endDelivery(
            session, holder, *seen, mayHaveLeft ? u"unconfirmed"_s : u"cancelled"_s, u"released"_s, *now);
        !ended)
        return fail(ended.error());
    if (auto told = insertNotice(
            session, order, holder, *seen, u"notice:released"_s, domain::releasedText(mayHaveLeft));
        !told)
        return fail(told.error());
    if (auto removed = removeAcknowledgement(session, holder, order.ackRemovalId); !removed)
        return fail(removed.error());
    const auto woke = takeLockAway(session, sessionId, holder, mayHaveLeft, *now);
    if (!woke)
        return fail(woke.error());
    ActionResult result;
    result.id = sessionId;
    result.state = u"released"_s;
    result.fence = locked->fence + 1;
    result.orders = seen->held;
    result.wakes = *woke;
    result.posts = true;
    return result;
}

Result<ActionResult> extendLock(Session &session, const ActionOrder &order)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const QString sessionId = order.request.id;
    const auto locked = lockRow(session, sessionId);
    if (!locked)
        return fail(locked.error());
    if (locked->holder.isEmpty())
        return fail(conflict(u"nobody holds this lock"_s, u"not_held"_s));
    if (order.request.expectedFence >= 0 && locked->fence != order.request.expectedFence)
        return fail(conflict(
            u"the lock's fence is %1, not the expected one"_s.arg(locked->fence), u"fence_differs"_s));
    const Instant until = order.request.until.value_or(*now + order.lockTtl);
    if (until <= *now)
        return fail(Error(ErrorCode::InvalidInput, u"until is over already"_s, u"bad_request"_s));
    auto rows = session.query("UPDATE sessions SET lock_expires_at = ?, updated_at = ?, rev = rev + 1 "
                              "WHERE id = ? RETURNING rev",
        until, *now, sessionId);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("session", sessionId, rows->number(0));
    ActionResult result;
    result.id = sessionId;
    result.state = u"extended"_s;
    result.fence = locked->fence;
    return result;
}

namespace {

// The session of another backend for the same place and thread, with a fresh context (DESIGN.md step 2).
Result<QString> sessionAt(Session &session, const ActionOrder &order, const Seen &seen, Instant now)
{
    domain::SessionScope scope;
    {
        auto rows = session.query(
            "SELECT channel, tenant, app FROM installations WHERE id = ?", seen.installationId);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return fail(ErrorCode::NotFound, u"the installation is not there any more"_s);
        scope.channel = rows->text(0);
        scope.tenant = rows->text(1);
        scope.app = rows->text(2);
    }
    scope.backend = order.request.backend;
    scope.place = seen.place;
    scope.thread = domain::sessionThread(order.perThread, seen.direct, seen.thread, seen.messageTs);
    const QString id = domain::sessionId(scope);
    // What is still open there keeps its context.
    auto rows = session.query(
        "INSERT INTO sessions (id, installation_id, channel, tenant, backend, place, thread, source, "
        "next_ordinal, last_active_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET agent_session = CASE WHEN sessions.lock_holder IS NULL AND NOT "
        "EXISTS "
        "(SELECT 1 FROM deliveries d WHERE d.session_id = sessions.id AND d.blocks = 1) "
        "THEN '' ELSE sessions.agent_session END, rev = sessions.rev + 1 RETURNING rev",
        id, seen.installationId, scope.channel, scope.tenant, scope.backend, scope.place, scope.thread,
        scope.channel, now, now, now);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("session", id, rows->number(0));
    return id;
}

bool isFinalName(const QString &state)
{
    const auto known = domain::deliveryState(state);
    return known && domain::isFinal(*known);
}

Result<ActionResult> retried(
    Session &session, const ActionOrder &order, const QString &sessionId, const QString &resolution)
{
    const auto ready = insertRetry(
        session, order.request.id, order.newDeliveryId, resolution, order.request.actor, sessionId);
    if (!ready)
        return fail(ready.error());
    ActionResult result;
    result.id = order.newDeliveryId;
    result.state = *ready ? u"pending"_s : u"waiting"_s;
    result.wakes = *ready;
    return result;
}

} // namespace

Result<ActionResult> replayDelivery(Session &session, const ActionOrder &order)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto seen = lookAt(session, order.request.id);
    if (!seen)
        return fail(seen.error());
    if (!isFinalName(seen->state))
        return fail(conflict(u"the delivery is not finished: it is "_s + seen->state, u"not_final"_s));
    if (seen->sessionId.isEmpty())
        return fail(conflict(u"the message was ignored, and its text was not kept"_s, u"payload_expired"_s));
    QString sessionId;
    if (!order.request.backend.isEmpty()) {
        const auto target = sessionAt(session, order, *seen, *now);
        if (!target)
            return fail(target.error());
        sessionId = *target;
    }
    return retried(session, order, sessionId, u"replayed"_s);
}

Result<ActionResult> settleDead(
    Session &session, const ActionOrder &order, const QString &from, const QString &resolution)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const QString id = order.request.id;
    const auto seen = lookAt(session, id);
    if (!seen)
        return fail(seen.error());
    if (seen->state != from)
        return fail(conflict(u"the delivery is %1, not %2"_s.arg(seen->state, from), u"not_"_s + from));
    if (!seen->resolution.isEmpty())
        return fail(conflict(u"the delivery was settled before: "_s + seen->resolution, u"settled"_s));
    if (resolution == u"retried")
        return retried(session, order, QString(), resolution);
    auto rows = session.query("UPDATE deliveries SET resolution = ?, resolved_by = ?, resolved_at = ?, "
                              "updated_at = ?, rev = rev + 1 "
                              "WHERE id = ? AND resolution IS NULL RETURNING rev",
        resolution, order.request.actor, *now, *now, id);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(conflict(u"the delivery has just been settled"_s, u"settled"_s));
    session.touch("delivery", id, rows->number(0));
    ActionResult result;
    result.id = id;
    result.state = from + u'/' + resolution;
    return result;
}

namespace {

// What was not sent yet is not sent any more.
Status cancelOutbound(Session &session, const QString &deliveryId, Instant now)
{
    auto rows = session.query(
        "UPDATE outbound_messages SET state = 'cancelled', updated_at = ?, rev = rev + 1 "
        "WHERE delivery_id = ? AND kind = 'reply' AND state IN ('pending', 'retry', 'unknown') "
        "RETURNING id, rev",
        now, deliveryId);
    if (!rows)
        return fail(rows.error());
    while (rows->next())
        session.touch("outbound", rows->text(0), rows->number(1));
    return {};
}

} // namespace

Result<ActionResult> cancelDelivery(Session &session, const ActionOrder &order)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const QString id = order.request.id;
    const auto seen = lookAt(session, id);
    if (!seen)
        return fail(seen.error());
    if (isFinalName(seen->state))
        return fail(conflict(u"the delivery is finished: it is "_s + seen->state, u"finished"_s));
    const auto locked = lockRow(session, seen->sessionId);
    if (!locked)
        return fail(locked.error());
    const bool holds = locked->holder == id;
    const bool turnRuns = holds && seen->promptState != u"none";
    if (auto ended = endDelivery(session, id, *seen, u"cancelled"_s, u"cancelled"_s, *now); !ended)
        return fail(ended.error());
    if (auto dropped = cancelOutbound(session, id, *now); !dropped)
        return fail(dropped.error());
    if (auto told = insertNotice(session, order, id, *seen, u"notice:cancelled"_s, domain::cancelledText());
        !told)
        return fail(told.error());
    if (auto removed = removeAcknowledgement(session, id, order.ackRemovalId); !removed)
        return fail(removed.error());
    const auto woke = holds ? takeLockAway(session, seen->sessionId, id, turnRuns, *now)
                            : releaseSession(session, seen->sessionId, id);
    if (!woke)
        return fail(woke.error());
    ActionResult result;
    result.id = id;
    result.state = u"cancelled"_s;
    result.orders = seen->held;
    result.wakes = *woke;
    result.posts = true;
    return result;
}

} // namespace signalbox::store
