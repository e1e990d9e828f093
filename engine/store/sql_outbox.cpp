// SPDX-License-Identifier: Apache-2.0
#include "store/action_records.h"
#include "store/errors.h"
#include "store/interaction_records.h"
#include "store/session_records.h"
#include "store/units.h"

using namespace Qt::StringLiterals;
using signalbox::domain::OutboundState;

// The outbox: a row before it is a request, in order within a place and thread (DESIGN.md step 6). How rows
// are claimed: sql_outbox_claims.cpp.

namespace signalbox::store {

namespace {

// Posts of a place and thread keep their order; a reaction or an edit only keeps that of its own message.
QString laneOf(const OutboundDraft &draft)
{
    const QString base = draft.installationId + u'|' + draft.place + u'|';
    if (draft.op == domain::OutboundOp::Edit)
        return base + u"edit|"_s + draft.targetTs;
    return draft.op == domain::OutboundOp::Post ? base + draft.thread
                                                : base + u"reaction|"_s + draft.targetTs;
}

Status insertPayload(Session &session, const QString &id, const QByteArray &body, Instant expires)
{
    const auto stored = session.run(
        "INSERT INTO payloads (id, body, expires_at) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING", id, body,
        expires);
    if (!stored)
        return fail(stored.error());
    return {};
}

} // namespace

namespace {

// Until the commit the delivery stays as it is: its end finds what was said, and withdraws it.
Result<bool> isStillHeld(Session &session, const OutboundDraft &draft)
{
    if (draft.fence == 0)
        return true;
    auto rows = session.query(session.dialect() == Dialect::Sqlite
            ? "SELECT 1 FROM deliveries WHERE id = ? AND engine_id IS NOT NULL AND fence = ?"
            : "SELECT 1 FROM deliveries WHERE id = ? AND engine_id IS NOT NULL AND fence = ? FOR SHARE",
        draft.deliveryId, draft.fence);
    if (!rows)
        return fail(rows.error());
    return rows->next();
}

} // namespace

Status insertOutbound(Session &session, const OutboundDraft &draft)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto held = isStillHeld(session, draft);
    if (!held)
        return fail(held.error());
    if (!*held)
        return {}; // it is over for whoever wanted to say this
    const auto inserted = session.run("INSERT INTO outbound_messages (id, installation_id, delivery_id, "
                                      "purpose, kind, op, state, lane, place, thread, "
                                      "target_ts, part, parts, due_at, created_at, updated_at, "
                                      "interaction_id) "
                                      "VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON "
                                      "CONFLICT (delivery_id, purpose) DO NOTHING",
        draft.id, draft.installationId, draft.deliveryId, draft.purpose, name(draft.kind), name(draft.op),
        laneOf(draft), draft.place, draft.thread, draft.targetTs, draft.part, draft.parts, *now, *now, *now,
        draft.interactionId);
    if (!inserted)
        return fail(inserted.error());
    if (*inserted == 0)
        return {}; // it is there already
    if (auto stored = insertPayload(session, draft.id, draft.body, *now + draft.payloadTtl); !stored)
        return stored;
    session.touch("outbound", draft.id, 1);
    return {};
}

Status removeAcknowledgement(Session &session, const QString &deliveryId, const QString &removalId)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    {
        // One that nobody has begun to send needs no removal.
        auto rows = session.query(
            "UPDATE outbound_messages SET state = 'cancelled', updated_at = ?, rev = rev + 1 "
            "WHERE delivery_id = ? AND purpose = 'ack' AND state = 'pending' AND attempts = 0 "
            "RETURNING id, rev",
            *now, deliveryId);
        if (!rows)
            return fail(rows.error());
        if (rows->next()) {
            session.touch("outbound", rows->text(0), rows->number(1));
            return {};
        }
    }
    OutboundDraft draft;
    Instant expires;
    {
        auto rows = session.query("SELECT o.installation_id, o.place, o.thread, o.target_ts, p.body, "
                                  "p.expires_at FROM outbound_messages o "
                                  "JOIN payloads p ON p.id = o.id WHERE o.delivery_id = ? AND o.purpose = "
                                  "'ack' AND o.state NOT IN ('refused', 'cancelled')",
            deliveryId);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return {};
        draft.installationId = rows->text(0);
        draft.place = rows->text(1);
        draft.thread = rows->text(2);
        draft.targetTs = rows->text(3);
        draft.body = rows->utf8(4);
        expires = rows->instant(5);
    }
    draft.id = removalId;
    draft.deliveryId = deliveryId;
    draft.purpose = u"ack_removal"_s;
    draft.kind = domain::OutboundKind::Reaction;
    draft.op = domain::OutboundOp::Unreact;
    draft.payloadTtl = expires - *now;
    return insertOutbound(session, draft);
}

Result<bool> enqueueOutboundUnit(Session &session, const std::vector<OutboundDraft> &drafts)
{
    for (const OutboundDraft &draft : drafts) {
        if (auto inserted = insertOutbound(session, draft); !inserted)
            return fail(inserted.error());
    }
    return true;
}

namespace {

struct Moved
{
    QString installationId;
    QString deliveryId;
    QString kind;
    QString op;
    QString interactionId;
    int attempts = 0;
};

Error notHeld()
{
    return Error(ErrorCode::Conflict, u"the outbound message is not held by this engine any more"_s,
        QString::fromUtf16(kStale));
}

Result<Moved> moveRow(Session &session, const FinishOutbound &finish, Instant now)
{
    Moved moved;
    auto rows = session.query(
        "UPDATE outbound_messages SET state = ?, engine_id = NULL, incarnation = NULL, channel_ts = ?, "
        "error_code = ?, "
        "due_at = ?, looks = ?, maybe_doubled = CASE WHEN ? = 1 THEN 1 ELSE maybe_doubled END, updated_at = "
        "?, rev = rev + 1 "
        "WHERE id = ? AND state = 'sending' AND engine_id = ? AND incarnation = ? AND attempts = ? "
        "RETURNING rev, delivery_id, kind, op, attempts, installation_id, interaction_id",
        name(finish.state), finish.channelTs, finish.errorCode, now + finish.dueIn, finish.looks,
        finish.maybeDoubled, now, finish.id, finish.life.id, finish.life.incarnation, finish.attempts);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(notHeld());
    session.touch("outbound", finish.id, rows->number(0));
    moved.deliveryId = rows->text(1);
    moved.kind = rows->text(2);
    moved.op = rows->text(3);
    moved.attempts = static_cast<int>(rows->number(4));
    moved.installationId = rows->text(5);
    moved.interactionId = rows->text(6);
    return moved;
}

QString attemptOutcome(OutboundState state)
{
    return state == OutboundState::Sent   ? u"ok"_s
        : state == OutboundState::Unknown ? u"unknown"_s
                                          : u"failed"_s;
}

Status noteAttempt(Session &session, const FinishOutbound &finish, const Moved &moved, Instant now)
{
    const auto noted = session.run("INSERT INTO attempts (subject_id, number, id, delivery_id, what, target, "
                                   "outcome, error_code, sent, received, "
                                   "started_at, ended_at) VALUES (?, ?, ?, ?, ?, 'slack', ?, ?, ?, ?, ?, ?) "
                                   "ON CONFLICT (subject_id, number) DO NOTHING",
        finish.id, moved.attempts, finish.id + u':' + QString::number(moved.attempts), moved.deliveryId,
        moved.op, attemptOutcome(finish.state), finish.errorCode, finish.sent, finish.received,
        finish.startedAt, now);
    if (!noted)
        return fail(noted.error());
    return {};
}

Status cancelRest(Session &session, const QString &deliveryId, Instant now)
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

// A status message that failed while it was sent is not tried again once its delivery was prompted or is
// over: what it announced has come, and it would hold up the reply behind it.
Status dropLateStatus(Session &session, const FinishOutbound &finish, const Moved &moved, Instant now)
{
    if (moved.kind != u"status" || domain::isFinal(finish.state))
        return {};
    auto rows = session.query(
        "UPDATE outbound_messages SET state = 'cancelled', updated_at = ?, rev = rev + 1 WHERE id = ? "
        "AND state IN ('retry', 'unknown') AND NOT EXISTS (SELECT 1 FROM deliveries AS d "
        "WHERE d.id = ? AND ((d.engine_id IS NOT NULL AND d.prompt_state = 'none') "
        "OR (d.state = 'waiting' AND d.waits_for = 'lock'))) RETURNING rev",
        now, finish.id, moved.deliveryId);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("outbound", finish.id, rows->number(0));
    return {};
}

// A part of a reply that failed while it was sent is not tried again once its delivery was cancelled.
Status dropCancelledReply(Session &session, const FinishOutbound &finish, const Moved &moved, Instant now)
{
    if (moved.kind != u"reply" || domain::isFinal(finish.state))
        return {};
    auto rows = session.query(
        "UPDATE outbound_messages SET state = 'cancelled', updated_at = ?, rev = rev + 1 WHERE id = ? "
        "AND state IN ('retry', 'unknown') AND EXISTS (SELECT 1 FROM deliveries AS d WHERE d.id = ? "
        "AND d.state = 'cancelled') RETURNING rev",
        now, finish.id, moved.deliveryId);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("outbound", finish.id, rows->number(0));
    return {};
}

// What the channel wants held back, for whoever sends next; and what is over goes.
Status noteHold(Session &session, const FinishOutbound &finish, const Moved &moved, Instant now)
{
    if (finish.hold.count() <= 0)
        return {};
    const auto over = session.run("DELETE FROM outbound_holds WHERE until_at <= ?", now);
    if (!over)
        return fail(over.error());
    const auto held = session.run(
        "INSERT INTO outbound_holds (installation_id, op, place, until_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (installation_id, op, place) DO UPDATE SET until_at = CASE WHEN "
        "outbound_holds.until_at < excluded.until_at THEN excluded.until_at ELSE outbound_holds.until_at END",
        moved.installationId, moved.op, finish.holdPlace, now + finish.hold);
    if (!held)
        return fail(held.error());
    return {};
}

// A row that was only held back has not been tried.
bool wasTried(const FinishOutbound &finish)
{
    return !finish.sent.isEmpty() || !finish.received.isEmpty();
}

// This very result is in the database already: the unit runs again after a commit of unknown outcome. Of a
// row that was only held back there is no attempt to find: then it is enough that it stands as it should.
Result<bool> hasFinished(Session &session, const FinishOutbound &finish)
{
    auto rows = wasTried(finish)
        ? session.query(
            "SELECT 1 FROM attempts WHERE subject_id = ? AND number = ? AND started_at = ? AND outcome = ? "
            "AND error_code = ?",
            finish.id, finish.attempts, finish.startedAt, attemptOutcome(finish.state), finish.errorCode)
        : session.query(
            "SELECT 1 FROM outbound_messages WHERE id = ? AND attempts = ? AND state = ? AND error_code = ? "
            "AND channel_ts = ? AND engine_id IS NULL",
            finish.id, finish.attempts, name(finish.state), finish.errorCode, finish.channelTs);
    if (!rows)
        return fail(rows.error());
    return rows->next();
}

} // namespace

Status settleDelivery(Session &session, const QString &deliveryId, const QString &errorCode, bool removeAck,
    const QString &ackRemovalId)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    qint64 open = 0;
    qint64 failed = 0;
    qint64 all = 0;
    {
        auto rows = session.query("SELECT COALESCE(SUM(CASE WHEN state IN ('pending', 'sending', 'retry', "
                                  "'unknown') THEN 1 ELSE 0 END), 0), "
                                  "COALESCE(SUM(CASE WHEN state IN ('refused', 'dead', 'cancelled') THEN 1 "
                                  "ELSE 0 END), 0), COUNT(*) "
                                  "FROM outbound_messages WHERE delivery_id = ? AND kind = 'reply'",
            deliveryId);
        if (!rows)
            return fail(rows.error());
        if (rows->next()) {
            open = rows->number(0);
            failed = rows->number(1);
            all = rows->number(2);
        }
    }
    if (open > 0)
        return {};
    {
        auto rows = session.query("UPDATE deliveries SET state = ?, waits_for = '', outcome = ?, error_code "
                                  "= CASE WHEN ? = 1 THEN ? ELSE error_code END, "
                                  "finished_at = ?, updated_at = ?, rev = rev + 1 WHERE id = ? AND state = "
                                  "'waiting' AND waits_for = 'outbound' "
                                  "RETURNING rev",
            failed > 0 ? u"dead"_s : u"completed"_s,
            failed > 0    ? u""_s
                : all > 0 ? u"delivered"_s
                          : u"no_reply"_s,
            failed > 0, errorCode, *now, *now, deliveryId);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return {}; // its turn still runs, or somebody else has settled it
        session.touch("delivery", deliveryId, rows->number(0));
    }
    return removeAck ? removeAcknowledgement(session, deliveryId, ackRemovalId) : Status();
}

Result<bool> beginResendUnit(Session &session, const BeginResend &begin)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    auto rows = session.query("UPDATE outbound_messages SET resent = 1, looks = 0, maybe_doubled = CASE WHEN "
                              "? = 1 THEN 1 ELSE maybe_doubled END, "
                              "updated_at = ?, rev = rev + 1 WHERE id = ? AND state = 'sending' AND "
                              "engine_id = ? AND incarnation = ? "
                              "AND attempts = ? AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.id = "
                              "outbound_messages.delivery_id AND d.state = 'cancelled' AND "
                              "outbound_messages.kind = 'reply') RETURNING rev",
        begin.maybeDoubled, *now, begin.id, begin.life.id, begin.life.incarnation, begin.attempts);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(notHeld());
    session.touch("outbound", begin.id, rows->number(0));
    return true;
}

Result<bool> finishOutboundUnit(Session &session, const FinishOutbound &finish)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto moved = moveRow(session, finish, *now);
    if (!moved) {
        const auto finished = hasFinished(session, finish);
        if (!finished)
            return fail(finished.error());
        return *finished ? Result<bool>(true) : fail(moved.error());
    }
    if (finish.toLog && finish.state == OutboundState::Sent) {
        if (auto appended = appendToLog(session, finish.id, *now); !appended)
            return fail(appended.error());
    }
    if (wasTried(finish)) {
        if (auto noted = noteAttempt(session, finish, *moved, *now); !noted)
            return fail(noted.error());
    }
    if (auto dropped = dropLateStatus(session, finish, *moved, *now); !dropped)
        return fail(dropped.error());
    if (auto dropped = dropCancelledReply(session, finish, *moved, *now); !dropped)
        return fail(dropped.error());
    if (auto held = noteHold(session, finish, *moved, *now); !held)
        return fail(held.error());
    if (!moved->interactionId.isEmpty()) {
        const auto op = domain::outboundOp(moved->op).value_or(domain::OutboundOp::Post);
        if (auto noted = noteCard(session, moved->interactionId, finish, op); !noted)
            return fail(noted.error());
    }
    if (moved->kind == u"reply" && domain::isFinal(finish.state)) {
        // One refused or dead: its remaining parts are cancelled, and the delivery is dead.
        if (finish.state != OutboundState::Sent) {
            if (auto cancelled = cancelRest(session, moved->deliveryId, *now); !cancelled)
                return fail(cancelled.error());
        }
        if (auto settled = settleDelivery(
                session, moved->deliveryId, finish.errorCode, finish.removeAck, finish.ackRemovalId);
            !settled)
            return fail(settled.error());
    }
    return true;
}

} // namespace signalbox::store
