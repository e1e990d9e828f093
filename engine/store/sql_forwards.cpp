// SPDX-License-Identifier: Apache-2.0
#include "store/errors.h"
#include "store/held_by.h"
#include "store/units.h"

using namespace Qt::StringLiterals;
using signalbox::domain::ForwardItem;

// Forwards of lifecycle events: a row before it is a request, in order within a target and runtime. Only the
// head of a lane is ever claimed; a dead one blocks nothing behind it. The receiver knows an event by its id,
// so what may have arrived is sent again.

namespace signalbox::store {

namespace {

constexpr char kHeadsSqlite[]
    = "SELECT f.id FROM lifecycle_forwards f WHERE f.state IN ('pending', 'retry') AND f.target = ? AND "
      "f.due_at <= ? "
      "AND NOT EXISTS (SELECT 1 FROM lifecycle_forwards e WHERE e.lane = f.lane AND e.lane_order < "
      "f.lane_order AND e.state IN ('pending', 'retry', 'sending')) ORDER BY f.due_at, f.id LIMIT ?";
constexpr char kHeadsPostgres[]
    = "SELECT f.id FROM lifecycle_forwards f WHERE f.state IN ('pending', 'retry') AND f.target = ? AND "
      "f.due_at <= ? "
      "AND NOT EXISTS (SELECT 1 FROM lifecycle_forwards e WHERE e.lane = f.lane AND e.lane_order < "
      "f.lane_order AND e.state IN ('pending', 'retry', 'sending')) ORDER BY f.due_at, f.id LIMIT ? "
      "FOR UPDATE SKIP LOCKED";

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

// Its forwards are shown with the event.
Status touchEvent(Session &session, const QString &eventId, Instant now)
{
    auto rows = session.query(
        "UPDATE lifecycle_events SET updated_at = ?, rev = rev + 1 WHERE id = ? RETURNING rev", now, eventId);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("lifecycle_event", eventId, rows->number(0));
    return {};
}

Result<bool> claimRow(Session &session, const EngineLife &life, ClaimedForward &row, Instant now)
{
    QString eventId;
    {
        auto rows = session.query("UPDATE lifecycle_forwards SET state = 'sending', engine_id = ?, "
                                  "incarnation = ?, attempts = attempts + 1, updated_at = ? WHERE id = ? AND "
                                  "state IN ('pending', 'retry') RETURNING target, attempts, created_at, "
                                  "event_id",
            life.id, life.incarnation, now, row.id);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return false;
        row.target = rows->text(0);
        row.attempts = static_cast<int>(rows->number(1));
        row.createdAt = rows->instant(2);
        eventId = rows->text(3);
    }
    // Consoles show that it is on its way.
    auto rows
        = session.query("UPDATE lifecycle_events SET updated_at = ?, rev = rev + 1 WHERE id = ? "
                        "RETURNING event_id, namespace, instance_id, phase, reason, source, observed_at, rev",
            now, eventId);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::Corrupt, u"a forward has no event"_s);
    session.touch("lifecycle_event", eventId, rows->number(7));
    row.eventId = rows->text(0);
    row.nameSpace = rows->text(1);
    row.instanceId = rows->text(2);
    row.phase = rows->text(3);
    row.reason = rows->text(4);
    row.source = rows->text(5);
    row.observedAt = rows->instant(6);
    return true;
}

} // namespace

Result<int> abandonForwards(Session &session, Instant now, Instant before, int most)
{
    QStringList events;
    {
        auto rows = session.query(
            "UPDATE lifecycle_forwards SET state = 'dead', error_code = 'no_webhook', updated_at = ? "
            "WHERE id IN (SELECT id FROM lifecycle_forwards WHERE state IN ('pending', 'retry') "
            "AND created_at < ? AND updated_at < ? ORDER BY target, due_at, id LIMIT ?) RETURNING event_id",
            now, before, before, most);
        if (!rows)
            return fail(rows.error());
        while (rows->next())
            events << rows->text(0);
    }
    for (const QString &event : std::as_const(events)) {
        if (auto touched = touchEvent(session, event, now); !touched)
            return fail(touched.error());
    }
    return static_cast<int>(events.size());
}

Status insertForward(Session &session, const QString &id, const QString &eventId, const QString &runtimeId,
    const QString &target, qint64 order)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto inserted = session.run(
        "INSERT INTO lifecycle_forwards (id, event_id, target, lane, lane_order, state, due_at, created_at, "
        "updated_at) VALUES (?, ?, ?, ?, ?, 'pending', ?, ?, ?)",
        id, eventId, target, target + u'|' + runtimeId, order, *now, *now, *now);
    if (!inserted)
        return fail(inserted.error());
    return {};
}

Result<std::vector<ClaimedForward>> claimForwardsUnit(Session &session, const EngineLife &life,
    const QString &target, int most, const std::vector<ClaimedForward> &earlier)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto alive = mayClaim(session, life);
    if (!alive)
        return fail(alive.error());
    std::vector<ClaimedForward> claimed;
    for (const ClaimedForward &row : earlier) {
        // An earlier run of this claim took it, and that run's commit had gone through.
        auto rows = session.query("SELECT 1 FROM lifecycle_forwards WHERE id = ? AND state = 'sending' AND "
                                  "engine_id = ? AND incarnation = ? AND attempts = ?",
            row.id, life.id, life.incarnation, row.attempts);
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            claimed.push_back(row);
    }
    if (!*alive || static_cast<int>(claimed.size()) >= most)
        return claimed;
    most -= static_cast<int>(claimed.size());
    std::vector<ClaimedForward> heads;
    {
        auto rows = session.query(
            session.dialect() == Dialect::Sqlite ? kHeadsSqlite : kHeadsPostgres, target, *now, most);
        if (!rows)
            return fail(rows.error());
        while (rows->next())
            heads.emplace_back().id = rows->text(0);
    }
    for (ClaimedForward &row : heads) {
        const auto taken = claimRow(session, life, row, *now);
        if (!taken)
            return fail(taken.error());
        if (*taken)
            claimed.push_back(std::move(row));
    }
    return claimed;
}

Result<bool> finishForwardUnit(Session &session, const FinishForward &finish)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    QString eventId;
    {
        auto rows = session.query(
            "UPDATE lifecycle_forwards SET state = ?, engine_id = NULL, incarnation = NULL, error_code = ?, "
            "due_at = ?, updated_at = ? WHERE id = ? AND state = 'sending' AND engine_id = ? AND "
            "incarnation = ? AND attempts = ? RETURNING event_id",
            name(finish.state), finish.errorCode, *now + finish.dueIn, *now, finish.id, finish.life.id,
            finish.life.incarnation, finish.attempts);
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            eventId = rows->text(0);
    }
    if (!eventId.isEmpty()) {
        if (auto touched = touchEvent(session, eventId, *now); !touched)
            return fail(touched.error());
        return true;
    }
    // This very result is in the database already: the unit runs again after a commit of unknown outcome.
    auto rows = session.query("SELECT 1 FROM lifecycle_forwards WHERE id = ? AND attempts = ? AND state = ? "
                              "AND error_code = ? AND engine_id IS NULL",
        finish.id, finish.attempts, name(finish.state), finish.errorCode);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(Error(ErrorCode::Conflict, u"the forward is not held by this engine any more"_s,
            QString::fromUtf16(kStale)));
    return true;
}

Status freeForwards(Session &session, const LostLives &lost)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto freed = session.run(
        "UPDATE lifecycle_forwards SET state = 'retry', engine_id = NULL, incarnation = NULL, due_at = ?, "
        "error_code = 'interrupted', updated_at = ? WHERE " SIGNALBOX_HELD_BY,
        *now, *now, SIGNALBOX_HELD_BY_BINDS(lost));
    if (!freed)
        return fail(freed.error());
    return {};
}

namespace {

Result<QString> chosenTarget(const QString &wanted, const QString &backend, const QStringList &targets)
{
    const QString target = !wanted.isEmpty() ? wanted : targets.size() == 1 ? targets.first() : backend;
    if (targets.contains(target))
        return target;
    return fail(ErrorCode::InvalidInput,
        targets.isEmpty()
            ? u"no backend has a lifecycle_webhook_url"_s
            : u"backend must be one that has a lifecycle_webhook_url: "_s + targets.join(u", "_s));
}

struct Replayed
{
    Replayed() = default;
    QString runtimeId;
    QString backend;
    QString parent;
};

Result<Replayed> replayedEvent(Session &session, const QString &eventId)
{
    auto rows = session.query("SELECT runtime_id, backend FROM lifecycle_events WHERE id = ?", eventId);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::NotFound, u"there is no such lifecycle event"_s);
    Replayed event;
    event.runtimeId = rows->text(0);
    event.backend = rows->text(1);
    return event;
}

Status insertReplay(
    Session &session, const ReplayForward &replay, const Replayed &event, const QString &target, Instant now)
{
    qint64 order = 0;
    {
        auto rows = session.query(
            "UPDATE runtimes SET last_forward = last_forward + 1 WHERE id = ? RETURNING last_forward",
            event.runtimeId);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return fail(ErrorCode::Corrupt, u"an event has no runtime"_s);
        order = rows->number(0);
    }
    if (auto queued
        = insertForward(session, replay.forwardId, replay.eventId, event.runtimeId, target, order);
        !queued)
        return queued;
    const auto linked = session.run("UPDATE lifecycle_forwards SET parent_id = ?, actor = ? WHERE id = ?",
        event.parent, replay.actor, replay.forwardId);
    if (!linked)
        return fail(linked.error());
    const auto noted = session.run("INSERT INTO audit (id, at, actor, action, subject_kind, subject_id, "
                                   "reason, result) VALUES (?, ?, ?, 'replay', 'lifecycle_event', ?, ?, ?)",
        replay.auditId, now, replay.actor, replay.eventId, replay.reason, u"forward "_s + replay.forwardId);
    if (!noted)
        return fail(noted.error());
    session.touch("audit", replay.auditId, 1);
    return touchEvent(session, replay.eventId, now);
}

Result<ForwardItem> forwardItem(Session &session, const QString &eventId, const QString &id)
{
    const auto forwards = forwardsOfEvent(session, eventId);
    if (!forwards)
        return fail(forwards.error());
    for (const ForwardItem &item : *forwards) {
        if (item.id == id)
            return item;
    }
    return fail(ErrorCode::NotFound, u"there is no such forward"_s);
}

} // namespace

Result<ForwardItem> replayForwardUnit(
    Session &session, const ReplayForward &replay, const QStringList &targets)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    auto event = replayedEvent(session, replay.eventId);
    if (!event)
        return fail(event.error());
    const auto target = chosenTarget(replay.target, event->backend, targets);
    if (!target)
        return fail(target.error());
    const auto forwards = forwardsOfEvent(session, replay.eventId);
    if (!forwards)
        return fail(forwards.error());
    for (const ForwardItem &known : *forwards) {
        if (known.id == replay.forwardId)
            return known; // this very unit has run before
        if (known.target != *target)
            continue;
        if (known.state != u"sent" && known.state != u"dead")
            return fail(ErrorCode::Conflict, u"the event is on its way to that backend already"_s);
        event->parent = known.id;
    }
    if (auto inserted = insertReplay(session, replay, *event, *target, *now); !inserted)
        return fail(inserted.error());
    return forwardItem(session, replay.eventId, replay.forwardId);
}

} // namespace signalbox::store
