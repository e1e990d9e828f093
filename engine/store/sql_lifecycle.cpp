// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"
#include "base/ids.h"
#include "store/idempotency.h"
#include "store/units.h"

using namespace Qt::StringLiterals;

// Lifecycle events (DESIGN.md "Lifecycle"): stored once, in order per runtime, with what follows from them in
// the same transaction. A runtime's row is what events of one runtime wait for: their order is the order of
// its updates.

namespace signalbox::store {

namespace {

// Long names in a key would not fit into an index.
QString digest(const QStringList &parts)
{
    return QString::fromLatin1(sha256(parts.join(QChar(0x1f)).toUtf8()).toHex());
}

QString runtimeId(const QString &backend, const QString &nameSpace, const QString &instanceId)
{
    return backend + u'|' + nameSpace + u'|' + instanceId;
}

bool samePhase(const QString &one, const QString &other)
{
    return one.compare(other, Qt::CaseInsensitive) == 0;
}

bool isOneOf(const QString &phase, std::initializer_list<QStringView> phases)
{
    return std::any_of(phases.begin(), phases.end(),
        [&](QStringView known) { return phase.compare(known, Qt::CaseInsensitive) == 0; });
}

// The runtime serves nobody any more: what is bound to it has to ask anew.
bool isTerminal(const QString &phase)
{
    return isOneOf(phase, {u"expired", u"terminating", u"error", u"lost", u"exited"});
}

struct RuntimeState
{
    RuntimeState() = default;
    QString phase; // empty: the row is new
    Instant phaseAt;
    QString detail;
    qint64 position = 0;
    qint64 forward = 0;
};

// Makes the row when it is new, and holds it until the commit.
Result<RuntimeState> lockRuntime(
    Session &session, const QString &id, const LifecycleReport &report, const QString &source, Instant now)
{
    const auto made = session.run(
        "INSERT INTO runtimes (id, backend, namespace, instance_id, phase, phase_source, phase_at, "
        "rev, created_at, updated_at) VALUES (?, ?, ?, ?, '', ?, 0, 0, ?, ?) ON CONFLICT (id) DO NOTHING",
        id, report.backend, report.nameSpace, report.instanceId, source, now, now);
    if (!made)
        return fail(made.error());
    auto rows = session.query(session.dialect() == Dialect::Sqlite
            ? "SELECT phase, phase_at, detail, last_position, last_forward FROM runtimes WHERE id = ?"
            : "SELECT phase, phase_at, detail, last_position, last_forward FROM runtimes WHERE id = ? "
              "FOR UPDATE",
        id);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::Internal, u"the runtime's row is missing"_s);
    RuntimeState state;
    state.phase = rows->text(0);
    state.phaseAt = rows->instant(1);
    state.detail = rows->text(2);
    state.position = rows->number(3);
    state.forward = rows->number(4);
    return state;
}

// Only those that still are bound to exactly this runtime (contracts/spritz-backend.md §10.9).
Result<int> unbind(Session &session, const LifecycleReport &report, Instant now)
{
    auto rows = session.query(
        "UPDATE sessions SET runtime_namespace = '', runtime_instance = '', runtime_stale = 1, "
        "updated_at = ?, rev = rev + 1 WHERE runtime_instance <> '' AND runtime_instance = ? AND "
        "runtime_namespace = ? AND backend = ? RETURNING id, rev",
        now, report.instanceId, report.nameSpace, report.backend);
    if (!rows)
        return fail(rows.error());
    int count = 0;
    while (rows->next()) {
        session.touch("session", rows->text(0), rows->number(1));
        ++count;
    }
    return count;
}

struct EventRow
{
    EventRow() = default;
    QString runtimeId;
    QString source;
    QString key;
    QString detail; // of the runtime from now on
    Instant observedAt;
    Instant now;
    bool moved = false;
};

// `state` holds the counts to be written.
Status movePhase(
    Session &session, const LifecycleReport &report, const EventRow &row, const RuntimeState &state)
{
    // A clock that is ahead must not make everything that follows look old.
    const Instant at = std::min(row.observedAt, row.now);
    auto rows = session.query("UPDATE runtimes SET phase = ?, phase_source = ?, phase_at = ?, detail = ?, "
                              "last_position = ?, last_forward = ?, updated_at = ?, rev = rev + 1 "
                              "WHERE id = ? RETURNING rev",
        report.phase, row.source, at, row.detail, state.position, state.forward, row.now, row.runtimeId);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("runtime", row.runtimeId, rows->number(0));
    return {};
}

Status insertEvent(
    Session &session, const LifecycleReport &report, const EventRow &row, qint64 position, int unbound)
{
    const auto inserted = session.run(
        "INSERT INTO lifecycle_events (id, runtime_id, backend, namespace, instance_id, position, phase, "
        "reason, source, event_id, event_key, moved, unbound, observed_at, received_at, "
        "updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        report.id, row.runtimeId, report.backend, report.nameSpace, report.instanceId, position, report.phase,
        report.reason, row.source, report.eventId.isEmpty() ? report.id : report.eventId, row.key, row.moved,
        unbound, row.observedAt, row.now, row.now);
    if (!inserted)
        return fail(inserted.error());
    session.touch("lifecycle_event", report.id, 1);
    return {};
}

Status countEvent(Session &session, const EventRow &row, const RuntimeState &state)
{
    auto rows = session.query("UPDATE runtimes SET last_position = ?, last_forward = ?, updated_at = ?, "
                              "rev = rev + 1 WHERE id = ? RETURNING rev",
        state.position, state.forward, row.now, row.runtimeId);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("runtime", row.runtimeId, rows->number(0));
    return {};
}

Result<LifecycleStored> record(Session &session, const LifecycleReport &report, const EventRow &row,
    const RuntimeState &state, const QStringList &targets)
{
    LifecycleStored stored;
    stored.id = report.id;
    if (row.moved && isTerminal(report.phase)) {
        const auto unbound = unbind(session, report, row.now);
        if (!unbound)
            return fail(unbound.error());
        stored.unbound = *unbound;
    }
    RuntimeState next = state;
    ++next.position;
    ++next.forward;
    if (auto inserted = insertEvent(session, report, row, next.position, stored.unbound); !inserted)
        return fail(inserted.error());
    const Status counted = row.moved ? movePhase(session, report, row, next) : countEvent(session, row, next);
    if (!counted)
        return fail(counted.error());
    for (const QString &target : targets) {
        const QString id = uuidV5(digest({u"forward"_s, report.id, target}).toLatin1());
        if (auto queued = insertForward(session, id, report.id, row.runtimeId, target, next.forward); !queued)
            return fail(queued.error());
    }
    return stored;
}

Result<std::optional<QString>> knownEvent(Session &session, const QString &key)
{
    auto rows = session.query("SELECT id FROM lifecycle_events WHERE event_key = ?", key);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return std::nullopt;
    return rows->text(0);
}

// What a sender without ids and times says again is the phase that it said last.
Result<std::optional<QString>> repeatedEvent(
    Session &session, const QString &runtime, const LifecycleReport &report, const RuntimeState &state)
{
    auto rows = session.query("SELECT id, phase, source FROM lifecycle_events WHERE runtime_id = ? AND "
                              "position = ?",
        runtime, state.position);
    if (!rows)
        return fail(rows.error());
    if (!rows->next() || rows->text(1) != report.phase || rows->text(2) != u"reported")
        return std::nullopt;
    return rows->text(0);
}

LifecycleStored duplicateOf(const QString &known, const LifecycleReport &report)
{
    LifecycleStored stored;
    stored.id = known;
    stored.duplicate = known != report.id; // otherwise this very unit has run before
    return stored;
}

// The id of an event that nobody reported: its time in front, like every other's.
QString observedEventId(const QString &runtime, qint64 position, Instant now)
{
    QByteArray bytes = sha256((runtime + u'#' + QString::number(position)).toUtf8()).left(16);
    const quint64 ms = static_cast<quint64>(toMs(now));
    for (int i = 0; i < 6; ++i)
        bytes[i] = static_cast<char>((ms >> (40 - 8 * i)) & 0xff);
    bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x70);
    bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
    const QString hex = QString::fromLatin1(bytes.toHex());
    return hex.mid(0, 8) + u'-' + hex.mid(8, 4) + u'-' + hex.mid(12, 4) + u'-' + hex.mid(16, 4) + u'-'
        + hex.mid(20);
}

Result<LifecycleStored> storeReport(
    Session &session, const LifecycleReport &report, const QStringList &targets, Instant now)
{
    EventRow row;
    row.runtimeId = runtimeId(report.backend, report.nameSpace, report.instanceId);
    row.source = u"reported"_s;
    row.now = now;
    row.observedAt = report.observedAt.value_or(now);
    const bool isNamed = !report.eventId.isEmpty() || report.observedAt;
    row.key = !report.eventId.isEmpty() ? digest({u"id"_s, report.backend, report.eventScope, report.eventId})
        : report.observedAt
        ? digest({u"at"_s, row.runtimeId, report.phase, QString::number(toMs(*report.observedAt))})
        : digest({u"own"_s, report.id});
    const auto known = knownEvent(session, row.key);
    if (!known)
        return fail(known.error());
    if (*known)
        return duplicateOf(**known, report);
    const auto state = lockRuntime(session, row.runtimeId, report, row.source, now);
    if (!state)
        return fail(state.error());
    if (!isNamed && state->position > 0) {
        const auto repeated = repeatedEvent(session, row.runtimeId, report, *state);
        if (!repeated)
            return fail(repeated.error());
        if (*repeated)
            return duplicateOf(**repeated, report);
    }
    // Without a time of its own it is as new as its arrival.
    row.moved = state->phase.isEmpty() || !report.observedAt || row.observedAt >= state->phaseAt;
    return record(session, report, row, *state, targets);
}

} // namespace

// Under an Idempotency-Key the same request again is the same event, and another request is refused.
Result<LifecycleStored> storeLifecycleUnit(
    Session &session, const LifecycleReport &report, const QStringList &targets)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto earlier = takeKey(session, report.call, *now);
    if (!earlier)
        return fail(earlier.error());
    if (*earlier)
        return duplicateOf(QString::fromUtf8(**earlier), report);
    auto stored = storeReport(session, report, targets, *now);
    if (!stored)
        return stored;
    if (auto filed = fileAnswer(session, report.call, stored->id); !filed)
        return fail(filed.error());
    return stored;
}

Result<bool> observeRuntimeUnit(Session &session, const ObservedRuntime &seen, const QStringList &targets)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    LifecycleReport report;
    report.backend = seen.backend;
    report.nameSpace = seen.nameSpace;
    report.instanceId = seen.instanceId;
    report.phase = seen.phase;
    report.reason = seen.detail;
    EventRow row;
    row.runtimeId = runtimeId(seen.backend, seen.nameSpace, seen.instanceId);
    row.source = u"observed"_s;
    row.detail = seen.detail;
    row.observedAt = *now;
    row.now = *now;
    row.moved = true;
    const auto state = lockRuntime(session, row.runtimeId, report, row.source, *now);
    if (!state)
        return fail(state.error());
    // What is known already writes nothing.
    if (samePhase(state->phase, seen.phase) && state->detail == seen.detail)
        return false;
    const bool lost = isOneOf(seen.phase, {u"lost", u"exited"});
    const bool again = samePhase(seen.phase, u"ready"_s) && !state->phase.isEmpty();
    if (samePhase(state->phase, seen.phase) || !(lost || again)) {
        if (auto moved = movePhase(session, report, row, *state); !moved)
            return fail(moved.error());
        return true;
    }
    report.id = observedEventId(row.runtimeId, state->position + 1, *now);
    row.key = digest({u"own"_s, report.id});
    const auto stored = record(session, report, row, *state, targets);
    if (!stored)
        return fail(stored.error());
    return true;
}

} // namespace signalbox::store
