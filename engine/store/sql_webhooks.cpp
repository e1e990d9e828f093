// SPDX-License-Identifier: Apache-2.0
#include "store/errors.h"
#include "store/held_by.h"
#include "store/question_records.h"
#include "store/units.h"
#include "store/webhook_records.h"

using namespace Qt::StringLiterals;

namespace signalbox::store {

namespace {

#define SIGNALBOX_DUE_CALLS                                                                                  \
    "SELECT id FROM webhook_calls WHERE (state = 'pending' OR state = 'retry') AND webhook = ? "             \
    "AND due_at <= ? ORDER BY due_at, id LIMIT ?"

QString name(ForwardState state)
{
    switch (state) {
    case ForwardState::Sent:
        return u"sent"_s;
    case ForwardState::Retry:
        return u"retry"_s;
    case ForwardState::Dead:
        break;
    }
    return u"dead"_s;
}

// Operators see at the question how far its call has come.
Status showCall(Session &session, const QString &callId, Instant now)
{
    auto rows = session.query(
        "UPDATE interactions SET updated_at = ?, rev = rev + 1 WHERE id = (SELECT subject_id FROM "
        "webhook_calls WHERE id = ? AND event = 'interaction.answered') RETURNING id, rev",
        now, callId);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("interaction", rows->text(0), rows->number(1));
    return {};
}

Result<bool> claimCall(Session &session, const EngineLife &life, ClaimedWebhookCall &call, Instant now)
{
    {
        auto rows = session.query("UPDATE webhook_calls SET state = 'sending', engine_id = ?, incarnation = "
                                  "?, attempts = attempts + 1, "
                                  "updated_at = ? WHERE id = ? AND (state = 'pending' OR state = 'retry') "
                                  "RETURNING webhook, event, attempts, created_at",
            life.id, life.incarnation, now, call.id);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return false;
        call.webhook = rows->text(0);
        call.event = rows->text(1);
        call.attempts = static_cast<int>(rows->number(2));
        call.createdAt = rows->instant(3);
    }
    {
        auto payload = session.query("SELECT body FROM payloads WHERE id = ?", call.id);
        if (!payload)
            return fail(payload.error());
        if (payload->next()) {
            call.body = payload->utf8(0);
            return true;
        }
    }
    // Nothing is signed and sent in its stead.
    const auto dead = session.run("UPDATE webhook_calls SET state = 'dead', error_code = 'payload_expired', "
                                  "engine_id = NULL, incarnation = NULL, updated_at = ? WHERE id = ?",
        now, call.id);
    if (!dead)
        return fail(dead.error());
    if (auto shown = showCall(session, call.id, now); !shown)
        return fail(shown.error());
    return false;
}

// Of what an earlier run of this claim took, what is still held under it.
Result<std::vector<ClaimedWebhookCall>> stillHeld(
    Session &session, const EngineLife &life, const std::vector<ClaimedWebhookCall> &earlier)
{
    std::vector<ClaimedWebhookCall> held;
    for (const ClaimedWebhookCall &call : earlier) {
        auto rows = session.query("SELECT 1 FROM webhook_calls WHERE id = ? AND state = 'sending' AND "
                                  "engine_id = ? AND incarnation = ? AND attempts = ?",
            call.id, life.id, life.incarnation, call.attempts);
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            held.push_back(call);
    }
    return held;
}

// Whoever asked has the answer now. False: that was known, by another webhook or by asking.
Result<bool> noteTold(Session &session, const QString &callId)
{
    QString subject;
    {
        auto rows = session.query(
            "SELECT subject_id FROM webhook_calls WHERE id = ? AND event = 'interaction.answered'", callId);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return false;
        subject = rows->text(0);
    }
    return acceptAnswerUnit(session, subject);
}

} // namespace

Status insertWebhookCall(Session &session, const WebhookDraft &draft)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto inserted = session.run(
        "INSERT INTO webhook_calls (id, webhook, event, subject_id, state, due_at, created_at, updated_at) "
        "VALUES (?, ?, ?, ?, 'pending', ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        draft.id, draft.webhook, draft.event, draft.subjectId, *now, *now, *now);
    if (!inserted)
        return fail(inserted.error());
    if (*inserted == 0)
        return {};
    const auto kept = session.run("INSERT INTO payloads (id, body, expires_at) VALUES (?, ?, ?)", draft.id,
        draft.body, *now + draft.payloadTtl);
    if (!kept)
        return fail(kept.error());
    return {};
}

Result<std::vector<ClaimedWebhookCall>> claimWebhookCallsUnit(Session &session, const EngineLife &life,
    const QString &webhook, int most, const std::vector<ClaimedWebhookCall> &earlier)
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
    std::vector<ClaimedWebhookCall> due;
    {
        const int room = most - static_cast<int>(claimed->size());
        auto rows = session.query(session.dialect() == Dialect::Sqlite ? SIGNALBOX_DUE_CALLS
                                                                       : SIGNALBOX_DUE_CALLS
                " FOR UPDATE SKIP LOCKED",
            webhook, *now, room);
        if (!rows)
            return fail(rows.error());
        while (rows->next())
            due.emplace_back().id = rows->text(0);
    }
    for (ClaimedWebhookCall &call : due) {
        const auto taken = claimCall(session, life, call, *now);
        if (!taken)
            return fail(taken.error());
        if (*taken)
            claimed->push_back(std::move(call));
    }
    return claimed;
}

Result<bool> finishWebhookCallUnit(Session &session, const FinishForward &finish)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto moved = session.run("UPDATE webhook_calls SET state = ?, engine_id = NULL, incarnation = "
                                   "NULL, error_code = ?, due_at = ?, "
                                   "updated_at = ? WHERE id = ? AND state = 'sending' AND engine_id = ? AND "
                                   "incarnation = ? AND attempts = ?",
        name(finish.state), finish.errorCode, *now + finish.dueIn, *now, finish.id, finish.life.id,
        finish.life.incarnation, finish.attempts);
    if (!moved)
        return fail(moved.error());
    if (*moved > 0) {
        const auto told
            = finish.state == ForwardState::Sent ? noteTold(session, finish.id) : Result<bool>(false);
        if (!told || *told)
            return told;
        if (auto shown = showCall(session, finish.id, *now); !shown)
            return fail(shown.error());
        return true;
    }
    // This very result is in the database already: the unit runs again after a commit of unknown outcome.
    auto rows = session.query("SELECT 1 FROM webhook_calls WHERE id = ? AND attempts = ? AND state = ? "
                              "AND error_code = ? AND engine_id IS NULL",
        finish.id, finish.attempts, name(finish.state), finish.errorCode);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(Error(ErrorCode::Conflict, u"the call is not held by this engine any more"_s,
            QString::fromUtf16(kStale)));
    return true;
}

Result<int> abandonWebhookCalls(Session &session, Instant before, int most)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    QStringList dead;
    {
        auto rows = session.query(
            "UPDATE webhook_calls SET state = 'dead', error_code = 'no_webhook', updated_at = ? WHERE id IN "
            "(SELECT id FROM webhook_calls WHERE state IN ('pending', 'retry') AND updated_at < ? "
            "ORDER BY id LIMIT ?) RETURNING id",
            *now, before, most);
        if (!rows)
            return fail(rows.error());
        while (rows->next())
            dead << rows->text(0);
    }
    for (const QString &id : std::as_const(dead)) {
        if (auto shown = showCall(session, id, *now); !shown)
            return fail(shown.error());
    }
    return static_cast<int>(dead.size());
}

Status freeWebhookCalls(Session &session, const LostLives &lost)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto freed = session.run(
        "UPDATE webhook_calls SET state = 'retry', engine_id = NULL, incarnation = NULL, due_at = ?, "
        "error_code = 'interrupted', updated_at = ? WHERE " SIGNALBOX_HELD_BY,
        *now, *now, SIGNALBOX_HELD_BY_BINDS(lost));
    if (!freed)
        return fail(freed.error());
    return {};
}

} // namespace signalbox::store
