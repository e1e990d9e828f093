// SPDX-License-Identifier: Apache-2.0
#include "store/action_records.h"
#include "store/errors.h"
#include "store/interaction_records.h"
#include "store/lock_records.h"
#include "store/units.h"

using namespace Qt::StringLiterals;
using signalbox::domain::DeliveryState;

// How far a held delivery has come, the prompt fence and the end of a turn (DESIGN.md steps 4, 5 and 7).
// Every write carries the lock's fence.

namespace signalbox::store {

namespace {

Error stale(const QString &what)
{
    return Error(ErrorCode::Conflict, what + u": the delivery is not held under this fence any more"_s,
        QString::fromUtf16(kStale));
}

// One failed try on the way to a runtime. Its own subject, because turns number themselves by claims.
Status noteReach(Session &session, const NoteStage &note, Instant now)
{
    if (note.what.isEmpty())
        return {};
    const auto noted = session.run(
        "INSERT INTO attempts (subject_id, number, id, delivery_id, what, target, outcome, error_code, "
        "error_text, started_at, ended_at) VALUES (?, ?, ?, ?, ?, ?, 'failed', ?, ?, ?, ?) "
        "ON CONFLICT (subject_id, number) DO NOTHING",
        note.held.id + u":reach"_s, note.number, note.attemptId, note.held.id, note.what, note.target,
        note.errorCode, note.errorText, note.startedAt, now);
    if (!noted)
        return fail(noted.error());
    return {};
}

} // namespace

Result<bool> noteStageUnit(Session &session, const NoteStage &note)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    auto rows = session.query("UPDATE deliveries SET state = ?, waits_for = ?, stage = ?, error_code = ?, "
                              "updated_at = ?, rev = rev + 1 "
                              "WHERE id = ? AND engine_id IS NOT NULL AND fence = ? RETURNING rev",
        note.waitsForRuntime ? u"waiting"_s : u"running"_s, note.waitsForRuntime ? u"runtime"_s : u""_s,
        name(note.stage), note.errorCode, *now, note.held.id, note.held.fence);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(stale(u"noting how far a delivery has come"_s));
    session.touch("delivery", note.held.id, rows->number(0));
    if (auto noted = noteReach(session, note, *now); !noted)
        return fail(noted.error());
    return true;
}

namespace {

// The first turn of a session may be announced: once, and before anything that comes of it.
Status announce(Session &session, const BeginTurn &begin, const QString &sessionId)
{
    if (!begin.announcement)
        return {};
    {
        auto rows = session.query("SELECT begun FROM sessions WHERE id = ?", sessionId);
        if (!rows)
            return fail(rows.error());
        if (!rows->next() || rows->flag(0))
            return {};
    }
    return insertOutbound(session, *begin.announcement);
}

} // namespace

Result<bool> beginTurnUnit(Session &session, const BeginTurn &begin)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto paused = deliveriesPaused(session, begin.held.id);
    if (!paused)
        return fail(paused.error());
    if (*paused)
        return fail(Error(ErrorCode::Conflict, u"an operator has paused prompts"_s, u"paused"_s));
    QString sessionId;
    int number = 0;
    {
        // One that a former life has sent is never sent again; this very unit may run twice.
        auto rows = session.query(
            "UPDATE deliveries SET state = 'running', waits_for = '', stage = 'prompting', "
            "prompt_state = 'sending', prompt_fence = fence, prompt_sent_at = ?, error_code = '', "
            "updated_at = ?, rev = rev + 1 WHERE id = ? AND engine_id IS NOT NULL AND fence = ? "
            "AND (prompt_state = 'none' OR (prompt_state = 'sending' AND prompt_fence = fence)) "
            "RETURNING rev, session_id, attempts",
            *now, *now, begin.held.id, begin.held.fence);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return fail(stale(u"beginning a turn"_s));
        session.touch("delivery", begin.held.id, rows->number(0));
        sessionId = rows->text(1);
        number = static_cast<int>(rows->number(2));
    }
    if (auto announced = announce(session, begin, sessionId); !announced)
        return fail(announced.error());
    const auto stored = session.run(
        "UPDATE sessions SET agent_session = ?, runtime_namespace = ?, runtime_instance = ?, "
        "runtime_stale = 0, begun = 1, unsettled = CASE WHEN ? = 1 THEN 0 ELSE unsettled END WHERE id = ? "
        "AND fence = ? "
        "AND (agent_session <> ? OR runtime_instance <> ? OR runtime_namespace <> ? OR unsettled = 1 OR "
        "runtime_stale = 1 OR begun = 0)",
        begin.agentSession, begin.runtimeNamespace, begin.runtimeInstance, begin.settles, sessionId,
        begin.held.fence, begin.agentSession, begin.runtimeInstance, begin.runtimeNamespace);
    if (!stored)
        return fail(stored.error());
    const auto noted = session.run(
        "INSERT INTO attempts (subject_id, number, id, delivery_id, what, target, outcome, sent, started_at) "
        "VALUES (?, ?, ?, ?, 'turn', ?, 'running', ?, ?) ON CONFLICT (subject_id, number) DO NOTHING",
        begin.held.id, number, begin.attemptId, begin.held.id, begin.backend, begin.sent, *now);
    if (!noted)
        return fail(noted.error());
    for (const OutboundDraft &notice : begin.notices) {
        if (auto inserted = insertOutbound(session, notice); !inserted)
            return fail(inserted.error());
    }
    return true;
}

Result<bool> acceptTurnUnit(Session &session, const HeldDelivery &held)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    auto rows = session.query(
        "UPDATE deliveries SET prompt_state = 'accepted', accepted_at = ?, updated_at = ?, rev = rev + 1 "
        "WHERE id = ? AND engine_id IS NOT NULL AND fence = ? AND prompt_state = 'sending' RETURNING rev",
        *now, *now, held.id, held.fence);
    if (!rows)
        return fail(rows.error());
    if (rows->next()) {
        session.touch("delivery", held.id, rows->number(0));
        return true;
    }
    auto done = session.query("SELECT 1 FROM deliveries WHERE id = ? AND engine_id IS NOT NULL AND fence = ? "
                              "AND prompt_state = 'accepted'",
        held.id, held.fence);
    if (!done)
        return fail(done.error());
    if (!done->next())
        return fail(stale(u"noting the acceptance of a prompt"_s));
    return true;
}

namespace {

// Whether this very end of the turn is in the database already: the unit runs again after a commit of unknown
// outcome.
Result<bool> hasFinished(Session &session, const FinishTurn &finish)
{
    auto rows
        = session.query("SELECT state, waits_for, error_code FROM deliveries WHERE id = ? AND fence = ?",
            finish.held.id, finish.held.fence);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return false;
    const QString state = rows->text(0);
    if (finish.state == DeliveryState::Waiting)
        return (state == u"waiting" && rows->text(1) == u"outbound") || state == u"completed"
            || state == u"dead";
    return state == name(finish.state) && rows->text(2) == finish.errorCode;
}

// The session of the delivery that was moved; none when it had been moved by this unit before.
Result<std::optional<QString>> moveDelivery(Session &session, const FinishTurn &finish, Instant now)
{
    const bool final = domain::isFinal(finish.state);
    const bool waits = finish.state == DeliveryState::Waiting;
    const bool again = finish.state == DeliveryState::Pending;
    auto rows = session.query(
        "UPDATE deliveries SET state = ?, waits_for = ?, outcome = ?, blocks = ?, "
        "stage = '', engine_id = NULL, incarnation = NULL, "
        "prompt_state = CASE WHEN ? = 1 THEN 'none' ELSE prompt_state END, due_at = ?, "
        "error_code = ?, error_text = ?, not_sent = not_sent + ?, "
        "turn_ended_at = ?, finished_at = ?, updated_at = ?, rev = rev + 1 "
        "WHERE id = ? AND engine_id IS NOT NULL AND fence = ? RETURNING session_id, rev",
        name(finish.state), waits ? u"outbound"_s : u""_s,
        finish.state == DeliveryState::Completed ? name(finish.outcome) : QString(u""_s),
        domain::blocksSession(finish.state, waits ? domain::WaitsFor::Outbound : domain::WaitsFor::Nothing),
        again, now + finish.dueIn, finish.errorCode, finish.errorText, finish.countsNotSent ? 1 : 0,
        again ? Instant() : now, final ? now : Instant(), now, finish.held.id, finish.held.fence);
    if (!rows)
        return fail(rows.error());
    if (rows->next()) {
        session.touch("delivery", finish.held.id, rows->number(1));
        return rows->text(0);
    }
    const auto finished = hasFinished(session, finish);
    if (!finished)
        return fail(finished.error());
    if (!*finished)
        return fail(stale(u"ending a turn"_s));
    return std::nullopt;
}

Status endAttempt(Session &session, const FinishTurn &finish, Instant now)
{
    // None is left open by a delivery that is over.
    QString outcome = finish.attemptOutcome;
    if (outcome.isEmpty() && domain::isFinal(finish.state))
        outcome = u"failed"_s;
    if (outcome.isEmpty())
        return {};
    const auto ended = session.run(
        "UPDATE attempts SET outcome = ?, error_code = ?, error_text = ?, received = ?, ended_at = ? "
        "WHERE subject_id = ? AND outcome = 'running'",
        outcome, finish.errorCode, finish.errorText, finish.received, now, finish.held.id);
    if (!ended)
        return fail(ended.error());
    return {};
}

// A turn that was looked for and not run has an attempt of its own.
Status noteLook(Session &session, const FinishTurn &finish, Instant now)
{
    if (finish.attemptId.isEmpty())
        return {};
    const auto noted = session.run("INSERT INTO attempts (subject_id, number, id, delivery_id, what, target, "
                                   "outcome, error_code, error_text, "
                                   "sent, received, started_at, ended_at) SELECT id, attempts, ?, id, "
                                   "'turn', ?, ?, ?, ?, ?, ?, claimed_at, ? "
                                   "FROM deliveries WHERE id = ? ON CONFLICT (subject_id, number) DO NOTHING",
        finish.attemptId, finish.attemptTarget, finish.attemptOutcome, finish.errorCode, finish.errorText,
        finish.attemptSent, finish.received, now, finish.held.id);
    if (!noted)
        return fail(noted.error());
    return {};
}

// Status messages are disposable: none may come after what they announced.
Status dropStatus(Session &session, const QString &deliveryId, Instant now)
{
    auto rows = session.query(
        "UPDATE outbound_messages SET state = 'cancelled', updated_at = ?, rev = rev + 1 "
        "WHERE delivery_id = ? AND kind = 'status' AND state IN ('pending', 'retry', 'unknown') "
        "RETURNING id, rev",
        now, deliveryId);
    if (!rows)
        return fail(rows.error());
    while (rows->next())
        session.touch("outbound", rows->text(0), rows->number(1));
    return {};
}

// What an unknown outcome asks of the session: its next prompt must not meet a turn that still runs. True
// when the delivery that tries it once more may run at once.
Result<bool> noteUnconfirmed(Session &session, const FinishTurn &finish, const QString &sessionId)
{
    auto rows = session.query("UPDATE sessions SET unsettled = 1, rev = rev + 1 WHERE id = ? AND fence = ? "
                              "AND unsettled = 0 RETURNING rev",
        sessionId, finish.held.fence);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("session", sessionId, rows->number(0));
    if (finish.retryId.isEmpty())
        return false;
    const auto retried = insertRetry(session, finish.held.id, finish.retryId, u"retried"_s, u"policy"_s);
    // Without its text it cannot be tried again, and is left to a person.
    if (!retried && retried.error().native() == u"payload_expired")
        return false;
    return retried;
}

} // namespace

Result<bool> dropStatusUnit(Session &session, const QString &deliveryId)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    if (auto dropped = dropStatus(session, deliveryId, *now); !dropped)
        return fail(dropped.error());
    return true;
}

namespace {

// The mention twin of a message that policy would ignore may have come while it was looked at. Its row is
// locked until the commit, so that a twin that comes later finds it ignored, and brings it back.
Result<bool> wasMentioned(Session &session, const HeldDelivery &held)
{
    auto rows = session.query(session.dialect() == Dialect::Sqlite
            ? "SELECT mentioned FROM deliveries WHERE id = ? AND fence = ?"
            : "SELECT mentioned FROM deliveries WHERE id = ? AND fence = ? FOR UPDATE",
        held.id, held.fence);
    if (!rows)
        return fail(rows.error());
    return rows->next() && rows->flag(0);
}

} // namespace

Result<FinishedTurn> finishTurnUnit(Session &session, const FinishTurn &finish)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    if (finish.unlessMentioned) {
        const auto mentioned = wasMentioned(session, finish.held);
        if (!mentioned)
            return fail(mentioned.error());
        if (*mentioned) {
            FinishTurn again;
            again.held = finish.held;
            again.state = DeliveryState::Pending;
            auto finished = finishTurnUnit(session, again);
            if (finished)
                finished->woke = true; // itself
            return finished;
        }
    }
    if (finish.unlessPaused) {
        const auto paused = deliveriesPaused(session, finish.held.id);
        if (!paused)
            return fail(paused.error());
        if (*paused) {
            FinishTurn again;
            again.held = finish.held;
            again.state = DeliveryState::Pending;
            again.errorCode = u"paused"_s;
            return finishTurnUnit(session, again);
        }
    }
    const auto sessionId = moveDelivery(session, finish, *now);
    if (!sessionId)
        return fail(sessionId.error());
    FinishedTurn finished;
    if (!*sessionId) {
        finished.woke = true; // perhaps: looking for nothing costs little
        return finished;
    }
    // What it still asked is asked for nobody.
    if (auto withdrawn = withdrawOfDelivery(session, finish.held.id); !withdrawn)
        return fail(withdrawn.error());
    if (auto ended = endAttempt(session, finish, *now); !ended)
        return fail(ended.error());
    if (auto noted = noteLook(session, finish, *now); !noted)
        return fail(noted.error());
    if (auto dropped = dropStatus(session, finish.held.id, *now); !dropped)
        return fail(dropped.error());
    if (finish.dropPayload) {
        const auto gone = session.run("DELETE FROM payloads WHERE id = ?", finish.held.id);
        if (!gone)
            return fail(gone.error());
    }
    if (finish.state == DeliveryState::Unconfirmed) {
        const auto retried = noteUnconfirmed(session, finish, **sessionId);
        if (!retried)
            return fail(retried.error());
        finished.woke = *retried;
    }
    for (const OutboundDraft &draft : finish.outbound) {
        if (auto inserted = insertOutbound(session, draft); !inserted)
            return fail(inserted.error());
    }
    if (domain::isFinal(finish.state) && finish.removeAck) {
        if (auto removed = removeAcknowledgement(session, finish.held.id, finish.ackRemovalId); !removed)
            return fail(removed.error());
    }
    if (finish.state == DeliveryState::Waiting) {
        // Replies that were sent while the turn ran, or none at all: nothing would ever settle it.
        if (auto settled
            = settleDelivery(session, finish.held.id, QString(), finish.removeAck, finish.ackRemovalId);
            !settled)
            return fail(settled.error());
    }
    const auto woke = releaseSession(session, **sessionId, finish.held.id);
    if (!woke)
        return fail(woke.error());
    finished.woke = finished.woke || *woke;
    return finished;
}

} // namespace signalbox::store
