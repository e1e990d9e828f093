// SPDX-License-Identifier: Apache-2.0
#include "store/action_records.h"
#include "store/errors.h"
#include "store/units.h"

using namespace Qt::StringLiterals;
using signalbox::domain::OutboundState;

// The outbox: a row before it is a request, in order within a place and thread (DESIGN.md step 6). Only the
// head of a lane is ever claimed; refused and dead rows block nothing behind them.

namespace signalbox::store {

namespace {

constexpr char kHeadsSqlite[]
    = "SELECT o.id FROM outbound_messages o WHERE o.state IN ('pending', 'retry', 'unknown') AND o.due_at <= "
      "? "
      "AND NOT EXISTS (SELECT 1 FROM outbound_messages e WHERE e.lane = o.lane AND e.id < o.id "
      "AND e.state IN ('pending', 'retry', 'unknown', 'sending')) ORDER BY o.due_at, o.id LIMIT ?";
constexpr char kHeadsPostgres[]
    = "SELECT o.id FROM outbound_messages o WHERE o.state IN ('pending', 'retry', 'unknown') AND o.due_at <= "
      "? "
      "AND NOT EXISTS (SELECT 1 FROM outbound_messages e WHERE e.lane = o.lane AND e.id < o.id "
      "AND e.state IN ('pending', 'retry', 'unknown', 'sending')) ORDER BY o.due_at, o.id LIMIT ? FOR UPDATE "
      "SKIP LOCKED";

#define SIGNALBOX_UNPAUSED_HEADS                                                                             \
    "SELECT o.id FROM outbound_messages o WHERE o.state IN ('pending', 'retry', 'unknown') "                 \
    "AND o.due_at <= ? AND NOT EXISTS (SELECT 1 FROM outbound_messages e WHERE e.lane = o.lane "             \
    "AND e.id < o.id AND e.state IN ('pending', 'retry', 'unknown', 'sending')) "                            \
    "AND NOT EXISTS (SELECT 1 FROM pauses p WHERE p.what = 'outbound' "                                      \
    "AND (p.until_at = 0 OR p.until_at > ?) AND (p.scope = 'engine' "                                        \
    "OR (p.scope = 'installation' AND p.id = o.installation_id) OR (p.scope = 'backend' AND p.id = "         \
    "(SELECT s.backend FROM deliveries d JOIN sessions s ON s.id = d.session_id "                            \
    "WHERE d.id = o.delivery_id)))) ORDER BY o.due_at, o.id LIMIT ?"

// Posts of a place and thread keep their order; a reaction only keeps the order of its own message.
QString laneOf(const OutboundDraft &draft)
{
    const QString base = draft.installationId + u'|' + draft.place + u'|';
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

Status insertOutbound(Session &session, const OutboundDraft &draft)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto inserted = session.run("INSERT INTO outbound_messages (id, installation_id, delivery_id, "
                                      "purpose, kind, op, state, lane, place, thread, "
                                      "target_ts, part, parts, due_at, created_at, updated_at) "
                                      "VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?, ?, ?, ?) ON "
                                      "CONFLICT (delivery_id, purpose) DO NOTHING",
        draft.id, draft.installationId, draft.deliveryId, draft.purpose, name(draft.kind), name(draft.op),
        laneOf(draft), draft.place, draft.thread, draft.targetTs, draft.part, draft.parts, *now, *now, *now);
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
    OutboundDraft draft;
    Instant expires;
    {
        auto rows = session.query("SELECT o.installation_id, o.place, o.thread, o.target_ts, p.body, "
                                  "p.expires_at FROM outbound_messages o "
                                  "JOIN payloads p ON p.id = o.id WHERE o.delivery_id = ? AND o.purpose = "
                                  "'ack' AND o.state <> 'refused'",
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
    const auto now = session.now();
    if (!now)
        return fail(now.error());
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

Result<bool> claimRow(Session &session, const EngineLife &life, ClaimedOutbound &row, Instant now)
{
    {
        auto before = session.query(
            "SELECT o.state, p.body, i.tenant, i.backend, o.error_code, o.looks, o.resent, i.state, i.rev "
            "FROM outbound_messages o "
            "LEFT JOIN payloads p ON p.id = o.id JOIN installations i ON i.id = o.installation_id "
            "WHERE o.id = ?",
            row.id);
        if (!before)
            return fail(before.error());
        if (!before->next())
            return false;
        row.wasUnknown = before->text(0) == u"unknown";
        row.body = before->utf8(1);
        row.tenant = before->text(2);
        row.backend = before->text(3);
        row.errorCode = before->text(4);
        row.looks = static_cast<int>(before->number(5));
        row.resent = before->flag(6);
        row.revoked = before->text(7) == u"revoked";
        row.installationRev = before->number(8);
    }
    auto rows = session.query(
        "UPDATE outbound_messages SET state = 'sending', engine_id = ?, incarnation = ?, attempts = attempts "
        "+ 1, "
        "updated_at = ?, rev = rev + 1 WHERE id = ? AND state IN ('pending', 'retry', 'unknown') "
        "RETURNING rev, installation_id, delivery_id, kind, op, place, thread, target_ts, part, parts, "
        "attempts, created_at",
        life.id, life.incarnation, now, row.id);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return false;
    session.touch("outbound", row.id, rows->number(0));
    row.installationId = rows->text(1);
    row.deliveryId = rows->text(2);
    row.kind = domain::outboundKind(rows->text(3)).value_or(domain::OutboundKind::Reply);
    row.op = domain::outboundOp(rows->text(4)).value_or(domain::OutboundOp::Post);
    row.place = rows->text(5);
    row.thread = rows->text(6);
    row.targetTs = rows->text(7);
    row.part = static_cast<int>(rows->number(8));
    row.parts = static_cast<int>(rows->number(9));
    row.attempts = static_cast<int>(rows->number(10));
    row.createdAt = rows->instant(11);
    return true;
}

} // namespace

Result<std::vector<ClaimedOutbound>> claimOutboundUnit(
    Session &session, const EngineLife &life, int most, const std::vector<ClaimedOutbound> &earlier)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto alive = mayClaim(session, life);
    if (!alive)
        return fail(alive.error());
    std::vector<ClaimedOutbound> claimed;
    for (const ClaimedOutbound &row : earlier) {
        // An earlier run of this claim took it, and that run's commit had gone through.
        auto rows = session.query(
            "SELECT 1 FROM outbound_messages WHERE id = ? AND state = 'sending' AND engine_id = ? "
            "AND incarnation = ? AND attempts = ?",
            row.id, life.id, life.incarnation, row.attempts);
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            claimed.push_back(row);
    }
    if (!*alive || static_cast<int>(claimed.size()) >= most)
        return claimed;
    most -= static_cast<int>(claimed.size());
    std::vector<ClaimedOutbound> heads;
    {
        const auto paused = anyPause(session);
        if (!paused)
            return fail(paused.error());
        const bool sqlite = session.dialect() == Dialect::Sqlite;
        auto rows = *paused ? session.query(sqlite ? SIGNALBOX_UNPAUSED_HEADS
                                                   : SIGNALBOX_UNPAUSED_HEADS " FOR UPDATE OF o SKIP LOCKED",
                        *now, *now, most)
                            : session.query(sqlite ? kHeadsSqlite : kHeadsPostgres, *now, most);
        if (!rows)
            return fail(rows.error());
        while (rows->next())
            heads.emplace_back().id = rows->text(0);
    }
    for (ClaimedOutbound &row : heads) {
        const auto taken = claimRow(session, life, row, *now);
        if (!taken)
            return fail(taken.error());
        if (*taken)
            claimed.push_back(std::move(row));
    }
    return claimed;
}

namespace {

struct Moved
{
    QString deliveryId;
    QString kind;
    QString op;
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
        "RETURNING rev, delivery_id, kind, op, attempts",
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
        "WHERE d.id = ? AND d.engine_id IS NOT NULL AND d.prompt_state = 'none') RETURNING rev",
        now, finish.id, moved.deliveryId);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("outbound", finish.id, rows->number(0));
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
                              "AND attempts = ? RETURNING rev",
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
    if (wasTried(finish)) {
        if (auto noted = noteAttempt(session, finish, *moved, *now); !noted)
            return fail(noted.error());
    }
    if (auto dropped = dropLateStatus(session, finish, *moved, *now); !dropped)
        return fail(dropped.error());
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
