// SPDX-License-Identifier: Apache-2.0
#include "store/errors.h"
#include "store/interaction_records.h"
#include "store/units.h"

using namespace Qt::StringLiterals;

// One inbound message becomes one delivery, whatever number of events, twins and retries bring it (DESIGN.md
// step 1).

namespace signalbox::store {

namespace {

struct Known
{
    QString deliveryId;
    bool found = false;
};

Error runAgain(const QString &why)
{
    return Error(ErrorCode::Conflict, why, QString::fromUtf16(kRunAgain));
}

// SQLite has one writer: filing first tells in the same step whether a key is known. One row a statement:
// SQLite keeps a copy of every page that a statement of several rows touches. What was filed for a duplicate
// is taken back.
Result<Known> fileKeysSqlite(Session &session, const IngestRequest &request, Instant now)
{
    const Instant expires = now + request.keyTtl;
    Known known;
    qsizetype filed = 0;
    const auto look = [&](const QString &key) -> Status {
        auto rows = session.query("SELECT delivery_id FROM inbound_keys WHERE key = ?", key);
        if (!rows)
            return fail(rows.error());
        known.found = rows->next();
        if (known.found)
            known.deliveryId = rows->text(0);
        return {};
    };
    for (; filed < request.keys.size() && !known.found; ++filed) {
        const QString &key = request.keys[filed];
        const auto one
            = session.run("INSERT INTO inbound_keys (key, delivery_id, expires_at) VALUES (?, ?, ?) "
                          "ON CONFLICT (key) DO NOTHING",
                key, request.deliveryId, expires);
        if (!one)
            return fail(one.error());
        if (*one == 1)
            continue;
        if (auto looked = look(key); !looked)
            return fail(looked.error());
        break;
    }
    for (const QString &key : request.lookupKeys) {
        if (known.found)
            break;
        if (request.keys.contains(key))
            continue;
        if (auto looked = look(key); !looked)
            return fail(looked.error());
    }
    for (qsizetype i = 0; known.found && i < filed; ++i) {
        const auto back = session.run("DELETE FROM inbound_keys WHERE key = ?", request.keys[i]);
        if (!back)
            return fail(back.error());
    }
    return known;
}

Result<Known> findKnown(Session &session, const QStringList &keys)
{
    // Five places are enough for an event, a message and a client id in three buckets; missing ones repeat
    // the first.
    const auto key = [&](qsizetype i) { return i < keys.size() ? keys[i] : keys.first(); };
    auto rows = session.query("SELECT delivery_id FROM inbound_keys WHERE key IN (?, ?, ?, ?, ?) LIMIT 1",
        key(0), key(1), key(2), key(3), key(4));
    if (!rows)
        return fail(rows.error());
    Known known;
    known.found = rows->next();
    if (known.found)
        known.deliveryId = rows->text(0);
    return known;
}

// Looks for the keys and files them when none is known. When somebody else files one of them in between, the
// unit starts again and finds a duplicate.
Result<Known> fileKeysPostgres(Session &session, const IngestRequest &request, Instant now)
{
    auto known = findKnown(session, request.lookupKeys);
    if (!known || known->found)
        return known;
    const Instant expires = now + request.keyTtl;
    const QStringList &keys = request.keys;
    Result<int> filed = 0;
    if (keys.size() == 3) {
        filed = session.run(
            "INSERT INTO inbound_keys (key, delivery_id, expires_at) VALUES (?, ?, ?), (?, ?, ?), (?, ?, ?) "
            "ON CONFLICT (key) DO NOTHING",
            keys[0], request.deliveryId, expires, keys[1], request.deliveryId, expires, keys[2],
            request.deliveryId, expires);
    } else if (keys.size() == 2) {
        filed = session.run(
            "INSERT INTO inbound_keys (key, delivery_id, expires_at) VALUES (?, ?, ?), (?, ?, ?) "
            "ON CONFLICT (key) DO NOTHING",
            keys[0], request.deliveryId, expires, keys[1], request.deliveryId, expires);
    } else {
        filed = session.run("INSERT INTO inbound_keys (key, delivery_id, expires_at) VALUES (?, ?, ?) "
                            "ON CONFLICT (key) DO NOTHING",
            keys.first(), request.deliveryId, expires);
    }
    if (!filed)
        return fail(filed.error());
    if (*filed != static_cast<int>(keys.size()))
        return fail(runAgain(u"another unit stored the same message"_s));
    return known;
}

// SQLite has one writer, so looking first is safe, and cheaper than RETURNING, which makes a table of its own
// each time.
Result<qint64> nextOrdinalSqlite(Session &session, const IngestRequest &request, Instant now)
{
    qint64 ordinal = 1;
    qint64 rev = 1;
    bool isNew = true; // a session may be there before its first message
    {
        auto rows = session.query("SELECT next_ordinal, rev FROM sessions WHERE id = ?", request.sessionId);
        if (!rows)
            return fail(rows.error());
        if (rows->next()) {
            ordinal = rows->number(0) + 1;
            rev = rows->number(1) + 1;
            isNew = false;
        }
    }
    const auto stored = !isNew
        ? session.run(
            "UPDATE sessions SET next_ordinal = ?, last_active_at = ?, rev = ?, updated_at = ? WHERE id = ?",
            ordinal, now, rev, now, request.sessionId)
        : session.run("INSERT INTO sessions (id, installation_id, channel, tenant, backend, place, thread, "
                      "source, user_id, next_ordinal, "
                      "last_active_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, "
                      "?)",
            request.sessionId, request.installationId, request.channel, request.tenant, request.backend,
            request.place, request.sessionThread, request.channel, request.user, now, now, now);
    if (!stored)
        return fail(stored.error());
    session.touch("session", request.sessionId, rev);
    return ordinal;
}

// The session's next place in its order; the row is made when it is new. Locks the row until the commit, so
// that two messages of one session never overtake each other, nor the release of its lock.
Result<qint64> nextOrdinal(Session &session, const IngestRequest &request, Instant now)
{
    if (session.dialect() == Dialect::Sqlite)
        return nextOrdinalSqlite(session, request, now);
    auto rows = session.query(
        "INSERT INTO sessions (id, installation_id, channel, tenant, backend, place, thread, source, "
        "user_id, next_ordinal, last_active_at, "
        "created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET next_ordinal = sessions.next_ordinal + 1, last_active_at = "
        "excluded.last_active_at, "
        "rev = sessions.rev + 1, updated_at = excluded.updated_at RETURNING next_ordinal, rev",
        request.sessionId, request.installationId, request.channel, request.tenant, request.backend,
        request.place, request.sessionThread, request.channel, request.user, now, now, now);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::Internal, u"the session row returned nothing"_s);
    session.touch("session", request.sessionId, rows->number(1));
    return rows->number(0);
}

Status storePayload(Session &session, const IngestRequest &request, Instant now)
{
    const auto stored = session.run(
        "INSERT INTO payloads (id, body, expires_at) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING",
        request.deliveryId, request.payload, now + request.payloadTtl);
    if (!stored)
        return fail(stored.error());
    return {};
}

Result<IngestOutcome> storeIgnored(Session &session, const IngestRequest &request, Instant now)
{
    const auto stored = session.run("INSERT INTO deliveries (id, installation_id, state, outcome, blocks, "
                                    "mentioned, direct, place, thread, message_ts, "
                                    "user_id, due_at, finished_at, created_at, updated_at) "
                                    "VALUES (?, ?, 'completed', 'ignored', 0, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        request.deliveryId, request.installationId, request.direct, request.place, request.thread,
        request.messageTs, request.user, now, now, now, now);
    if (!stored)
        return fail(stored.error());
    session.touch("delivery", request.deliveryId, 1);
    return IngestOutcome(IngestResult::Ignored, request.deliveryId, false);
}

Result<IngestOutcome> storeDelivery(Session &session, const IngestRequest &request, Instant now)
{
    const auto ordinal = nextOrdinal(session, request, now);
    if (!ordinal)
        return fail(ordinal.error());
    // The first of its session may run; a later one waits for the lock unless nothing before it is
    // unfinished.
    bool ready = *ordinal == 1;
    if (!ready) {
        auto busy = session.query(
            "SELECT 1 FROM deliveries WHERE session_id = ? AND blocks = 1 LIMIT 1", request.sessionId);
        if (!busy)
            return fail(busy.error());
        ready = !busy->next();
    }
    const auto stored = session.run("INSERT INTO deliveries (id, installation_id, session_id, ordinal, "
                                    "state, waits_for, blocks, mentioned, direct, "
                                    "place, thread, message_ts, user_id, due_at, created_at, updated_at) "
                                    "VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        request.deliveryId, request.installationId, request.sessionId, *ordinal,
        ready ? u"pending"_s : u"waiting"_s, ready ? u""_s : u"lock"_s, request.mentioned, request.direct,
        request.place, request.thread, request.messageTs, request.user, now, now, now);
    if (!stored)
        return fail(stored.error());
    if (auto payload = storePayload(session, request, now); !payload)
        return fail(payload.error());
    session.touch("delivery", request.deliveryId, 1);
    return IngestOutcome(IngestResult::Stored, request.deliveryId, ready);
}

// The mention twin of a message that was ignored as chatter brings it back: the only way out of a final
// state.
Result<IngestOutcome> revive(
    Session &session, const IngestRequest &request, const QString &deliveryId, Instant now)
{
    const auto ordinal = nextOrdinal(session, request, now);
    if (!ordinal)
        return fail(ordinal.error());
    auto busy = session.query(
        "SELECT 1 FROM deliveries WHERE session_id = ? AND blocks = 1 LIMIT 1", request.sessionId);
    if (!busy)
        return fail(busy.error());
    const bool ready = !busy->next();
    auto rows = session.query("UPDATE deliveries SET state = ?, waits_for = ?, outcome = '', blocks = 1, "
                              "mentioned = 1, session_id = ?, ordinal = ?, "
                              "thread = ?, due_at = ?, finished_at = 0, updated_at = ?, rev = rev + 1 "
                              "WHERE id = ? AND state = 'completed' AND outcome = 'ignored' RETURNING rev",
        ready ? u"pending"_s : u"waiting"_s, ready ? u""_s : u"lock"_s, request.sessionId, *ordinal,
        request.thread, now, now, deliveryId);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(runAgain(u"the ignored twin has just been taken"_s));
    session.touch("delivery", deliveryId, rows->number(0));
    IngestRequest payload = request;
    payload.deliveryId = deliveryId;
    if (auto stored = storePayload(session, payload, now); !stored)
        return fail(stored.error());
    return IngestOutcome(IngestResult::Revived, deliveryId, ready);
}

Result<IngestOutcome> meetKnown(
    Session &session, const IngestRequest &request, const QString &deliveryId, Instant now)
{
    if (deliveryId == request.deliveryId) { // this very unit, run again after a commit of unknown outcome
        auto rows = session.query("SELECT 1 FROM deliveries WHERE id = ? AND state = 'pending'", deliveryId);
        if (!rows)
            return fail(rows.error());
        return IngestOutcome(
            request.ignored ? IngestResult::Ignored : IngestResult::Stored, deliveryId, rows->next());
    }
    if (!request.mentionEvent)
        return IngestOutcome(IngestResult::Duplicate, deliveryId, false);
    QString outcome;
    bool mentioned = true;
    {
        auto rows = session.query("SELECT outcome, mentioned FROM deliveries WHERE id = ?", deliveryId);
        if (!rows)
            return fail(rows.error());
        if (rows->next()) {
            outcome = rows->text(0);
            mentioned = rows->flag(1);
        }
    }
    if (outcome == u"ignored")
        return revive(session, request, deliveryId, now);
    if (!mentioned) {
        auto rows = session.query("UPDATE deliveries SET mentioned = 1, rev = rev + 1 WHERE id = ? AND "
                                  "outcome <> 'ignored' RETURNING rev",
            deliveryId);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return fail(runAgain(u"the twin has just been ignored"_s));
        session.touch("delivery", deliveryId, rows->number(0));
    }
    return IngestOutcome(IngestResult::Duplicate, deliveryId, false);
}

} // namespace

Result<IngestOutcome> insertDelivery(Session &session, const IngestRequest &request, Instant now)
{
    return storeDelivery(session, request, now);
}

namespace {

// The message is the answer to a question in its thread: its keys are filed, so that its twin and Slack's own
// copies change nothing, and no delivery comes of it.
Result<std::optional<IngestOutcome>> answerQuestion(Session &session, const IngestRequest &request)
{
    ClaimInteraction claim;
    claim.claimId = request.deliveryId;
    claim.installationId = request.installationId;
    claim.place = request.place;
    claim.person = request.user;
    claim.reply = *request.reply;
    if (claim.person.isEmpty())
        return std::nullopt;
    // A card of a direct message or of a place's own conversation stands at the top level.
    const auto claimed = claimByReply(session, claim, request.thread);
    if (!claimed)
        return fail(claimed.error());
    if (!*claimed)
        return std::nullopt;
    IngestOutcome outcome(IngestResult::Answered, request.deliveryId, false);
    outcome.ordered = (*claimed)->ordered;
    return outcome;
}

} // namespace

Result<IngestOutcome> ingestUnit(Session &session, const IngestRequest &request)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto known = session.dialect() == Dialect::Sqlite ? fileKeysSqlite(session, request, *now)
                                                            : fileKeysPostgres(session, request, *now);
    if (!known)
        return fail(known.error());
    if (known->found)
        return meetKnown(session, request, known->deliveryId, *now);
    if (request.reply) {
        const auto answered = answerQuestion(session, request);
        if (!answered || *answered)
            return answered ? Result<IngestOutcome>(**answered) : fail(answered.error());
    }
    return request.ignored ? storeIgnored(session, request, *now) : storeDelivery(session, request, *now);
}

} // namespace signalbox::store
