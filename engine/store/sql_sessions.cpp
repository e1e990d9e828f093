// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"
#include "store/errors.h"
#include "store/idempotency.h"
#include "store/session_records.h"
#include "store/units.h"

using namespace Qt::StringLiterals;

// Sessions, their tickets and their logs (DESIGN.md step 2). Everything is a conditional write of single
// columns: no row is ever written back as a whole, so that neither a lock nor a ticket can be undone by
// somebody who read it earlier.

namespace signalbox::store {

namespace {

constexpr qsizetype kMostBatchBytes = 256 * 1024;
constexpr int kIdChunk = 8; // ids in one statement; the last one is repeated to fill it

QString toText(const SessionAnswer &answer)
{
    const Json json = Json::object({{u"id"_s, answer.id}, {u"created"_s, answer.created},
        {u"duplicate"_s, answer.duplicate}, {u"ticket"_s, answer.ticket}});
    return QString::fromUtf8(json.toBytes());
}

Result<SessionAnswer> fromText(const QByteArray &text)
{
    const auto json = Json::parse(text);
    if (!json)
        return fail(json.error());
    SessionAnswer answer;
    answer.id = (*json)[u"id"].toString();
    answer.created = (*json)[u"created"].toBool();
    answer.duplicate = (*json)[u"duplicate"].toBool();
    answer.ticket = (*json)[u"ticket"].toString();
    return answer;
}

// The earlier answer under the call's key, or the effect with its answer filed. What failed or met a conflict
// has done nothing, and leaves the key free.
template <class Effect>
Result<SessionAnswer> keyed(Session &session, const KeyedCall &call, Effect effect)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto earlier = takeKey(session, call, *now);
    if (!earlier)
        return fail(earlier.error());
    if (*earlier)
        return fromText(**earlier);
    Result<SessionAnswer> answer = effect(*now);
    if (!answer)
        return answer;
    const Status filed
        = answer->conflict ? releaseKey(session, call) : fileAnswer(session, call, toText(*answer));
    if (!filed)
        return fail(filed.error());
    return answer;
}

// True when this very request has made it, now or in a former run.
Result<bool> insertAbsent(Session &session, const NewSession &wanted, Instant now)
{
    const auto inserted = session.run(
        "INSERT INTO sessions (id, installation_id, channel, tenant, backend, place, thread, source, "
        "user_id, creator, next_ordinal, last_active_at, created_at, updated_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        wanted.id, wanted.installationId, wanted.source, wanted.tenant, wanted.backend, wanted.place,
        wanted.thread, wanted.source, wanted.user, wanted.requestId, now, now, now);
    if (!inserted)
        return fail(inserted.error());
    if (*inserted == 1) {
        session.touch("session", wanted.id, 1);
        return true;
    }
    auto rows = session.query("SELECT creator FROM sessions WHERE id = ?", wanted.id);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::Internal, u"the session's row is missing"_s);
    return !wanted.requestId.isEmpty() && rows->text(0) == wanted.requestId;
}

SessionAnswer conflictWith(const QString &session, const QString &ticket)
{
    SessionAnswer answer;
    answer.id = session;
    answer.ticket = ticket;
    answer.conflict = true;
    return answer;
}

// Binds a ticket to a session that has none, unless it belongs to another one.
Result<SessionAnswer> bind(Session &session, const QString &sessionId, const QString &ticket, Instant now)
{
    QString installation;
    {
        // Holds the row until the commit: of two tickets for one session, one finds the other.
        auto rows = session.query(session.dialect() == Dialect::Sqlite
                ? "SELECT installation_id, ticket FROM sessions WHERE id = ?"
                : "SELECT installation_id, ticket FROM sessions WHERE id = ? FOR UPDATE",
            sessionId);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return fail(ErrorCode::NotFound, u"there is no such session"_s);
        installation = rows->text(0);
        const QString present = rows->text(1);
        if (!present.isEmpty() && present != ticket)
            return conflictWith(sessionId, present);
        if (present == ticket) {
            SessionAnswer same;
            same.id = sessionId;
            same.ticket = ticket;
            return same;
        }
    }
    const auto taken = session.run("INSERT INTO tickets (installation_id, ticket, session_id, bound_at) "
                                   "VALUES (?, ?, ?, ?) ON CONFLICT (installation_id, ticket) DO NOTHING",
        installation, ticket, sessionId, now);
    if (!taken)
        return fail(taken.error());
    if (*taken == 0) {
        auto owner = session.query(
            "SELECT session_id FROM tickets WHERE installation_id = ? AND ticket = ?", installation, ticket);
        if (!owner)
            return fail(owner.error());
        return conflictWith(owner->next() ? owner->text(0) : QString(), ticket);
    }
    auto rows = session.query("UPDATE sessions SET ticket = ?, updated_at = ?, rev = rev + 1 WHERE id = ? "
                              "AND ticket = '' RETURNING rev",
        ticket, now, sessionId);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::Internal, u"the session has another ticket than its lookup row says"_s);
    session.touch("session", sessionId, rows->number(0));
    SessionAnswer bound;
    bound.id = sessionId;
    bound.ticket = ticket;
    return bound;
}

Result<SessionAnswer> createNow(Session &session, const NewSession &wanted, Instant now)
{
    if (!wanted.ticket.isEmpty()) {
        auto owner
            = session.query("SELECT session_id FROM tickets WHERE installation_id = ? AND ticket = ? AND "
                            "session_id <> ?",
                wanted.installationId, wanted.ticket, wanted.id);
        if (!owner)
            return fail(owner.error());
        if (owner->next())
            return conflictWith(owner->text(0), wanted.ticket);
    }
    const auto created = insertAbsent(session, wanted, now);
    if (!created)
        return fail(created.error());
    SessionAnswer answer;
    answer.id = wanted.id;
    answer.created = *created;
    if (wanted.ticket.isEmpty())
        return answer;
    const auto bound = bind(session, wanted.id, wanted.ticket, now);
    if (!bound)
        return fail(bound.error());
    // Somebody bound it in between: nothing of this session may stay, and the next run says whose it is.
    if (bound->conflict)
        return fail(
            Error(ErrorCode::Conflict, u"the ticket has just been bound"_s, QString::fromUtf16(kRunAgain)));
    answer.ticket = wanted.ticket;
    return answer;
}

} // namespace

Result<SessionAnswer> createSessionUnit(Session &session, const NewSession &wanted)
{
    if (wanted.source != u"web" && wanted.source != u"cli")
        return fail(Error(ErrorCode::InvalidInput,
            u"only web and cli sessions are made afresh; those of other channels are resolved"_s,
            u"bad_request"_s));
    return keyed(session, wanted.call,
        [&](Instant now) -> Result<SessionAnswer> { return createNow(session, wanted, now); });
}

Result<SessionAnswer> resolveSessionUnit(Session &session, const NewSession &wanted)
{
    return keyed(session, wanted.call, [&](Instant now) -> Result<SessionAnswer> {
        const auto created = insertAbsent(session, wanted, now);
        if (!created)
            return fail(created.error());
        SessionAnswer answer;
        answer.id = wanted.id;
        answer.created = *created;
        return answer;
    });
}

Result<SessionAnswer> lookupSessionUnit(Session &session, const SessionLookup &wanted)
{
    const auto look = [&](Instant) -> Result<SessionAnswer> {
        auto rows = wanted.id.isEmpty()
            ? session.query("SELECT session_id FROM tickets WHERE installation_id = ? AND ticket = ?",
                wanted.installationId, wanted.ticket)
            : session.query("SELECT id FROM sessions WHERE id = ?", wanted.id);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return fail(ErrorCode::NotFound, u"there is no such session"_s);
        SessionAnswer answer;
        answer.id = rows->text(0);
        return answer;
    };
    return keyed(session, wanted.call, look);
}

Result<SessionAnswer> bindTicketUnit(Session &session, const TicketBinding &binding)
{
    return keyed(session, binding.call,
        [&](Instant now) { return bind(session, binding.sessionId, binding.ticket, now); });
}

Result<SessionAnswer> storeMessageUnit(Session &session, const SessionMessage &message)
{
    const IngestRequest &request = message.request;
    return keyed(session, message.call, [&](Instant now) -> Result<SessionAnswer> {
        SessionAnswer answer;
        answer.id = request.deliveryId;
        const auto taken = session.run("INSERT INTO session_messages (session_id, message_id, delivery_id) "
                                       "VALUES (?, ?, ?) ON CONFLICT (session_id, message_id) DO NOTHING",
            request.sessionId, request.messageTs, request.deliveryId);
        if (!taken)
            return fail(taken.error());
        if (*taken == 0) {
            auto rows = session.query("SELECT delivery_id FROM session_messages WHERE session_id = ? AND "
                                      "message_id = ?",
                request.sessionId, request.messageTs);
            if (!rows)
                return fail(rows.error());
            if (!rows->next())
                return fail(ErrorCode::Internal, u"the message's row is missing"_s);
            answer.id = rows->text(0);
            answer.duplicate = answer.id != request.deliveryId; // else this very unit has run before
            answer.ready = !answer.duplicate;
            return answer;
        }
        const auto stored = insertDelivery(session, request, now);
        if (!stored)
            return fail(stored.error());
        answer.ready = stored->ready;
        return answer;
    });
}

Result<SessionBrief> sessionBriefUnit(Session &session, const QString &id)
{
    auto rows = session.query("SELECT id, installation_id, source, tenant, backend, place, thread, user_id, "
                              "ticket, log_seq FROM sessions WHERE id = ?",
        id);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::NotFound, u"there is no such session"_s);
    SessionBrief brief;
    brief.id = rows->text(0);
    brief.installationId = rows->text(1);
    brief.source = rows->text(2);
    brief.tenant = rows->text(3);
    brief.backend = rows->text(4);
    brief.place = rows->text(5);
    brief.thread = rows->text(6);
    brief.user = rows->text(7);
    brief.ticket = rows->text(8);
    brief.logSeq = rows->number(9);
    return brief;
}

Result<LogBatch> readSessionLogUnit(Session &session, const QString &id, qint64 after, int most)
{
    LogBatch batch;
    auto rows = session.query(
        "SELECT l.seq, l.kind, l.delivery_id, l.part, l.parts, l.at, p.body FROM session_log l "
        "LEFT JOIN payloads p ON p.id = l.outbound_id WHERE l.session_id = ? AND l.seq > ? "
        "ORDER BY l.seq LIMIT ?",
        id, after, most + 1);
    if (!rows)
        return fail(rows.error());
    qsizetype bytes = 0;
    while (rows->next()) {
        if (static_cast<int>(batch.entries.size()) == most || bytes > kMostBatchBytes) {
            batch.more = true;
            break;
        }
        LogEntry &entry = batch.entries.emplace_back();
        entry.seq = rows->number(0);
        entry.kind = rows->text(1);
        entry.deliveryId = rows->text(2);
        entry.part = static_cast<int>(rows->number(3));
        entry.parts = static_cast<int>(rows->number(4));
        entry.at = rows->instant(5);
        entry.body = rows->utf8(6);
        bytes += entry.body.size();
    }
    return batch;
}

Result<std::vector<LogHead>> sessionLogHeadsUnit(Session &session, const QStringList &ids)
{
    std::vector<LogHead> heads;
    for (qsizetype first = 0; first < ids.size(); first += kIdChunk) {
        const auto id = [&](qsizetype i) { return ids[std::min(first + i, ids.size() - 1)]; };
        auto rows = session.query("SELECT id, log_seq FROM sessions WHERE id IN (?, ?, ?, ?, ?, ?, ?, ?)",
            id(0), id(1), id(2), id(3), id(4), id(5), id(6), id(7));
        if (!rows)
            return fail(rows.error());
        while (rows->next()) {
            LogHead &head = heads.emplace_back();
            head.session = rows->text(0);
            head.seq = rows->number(1);
        }
    }
    return heads;
}

// The place of a web or cli message is its session. The row of that is held until the commit, so that readers
// never see a number before all those below it.
Status appendToLog(Session &session, const QString &outboundId, Instant now)
{
    qint64 seq = 0;
    QString sessionId;
    {
        auto rows = session.query("UPDATE sessions SET log_seq = log_seq + 1 WHERE id = (SELECT place FROM "
                                  "outbound_messages WHERE id = ?) RETURNING log_seq, id",
            outboundId);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return fail(ErrorCode::Internal, u"the session of an outbound message is missing"_s);
        seq = rows->number(0);
        sessionId = rows->text(1);
    }
    const auto appended = session.run(
        "INSERT INTO session_log (session_id, seq, outbound_id, delivery_id, kind, part, parts, at) "
        "SELECT ?, ?, id, delivery_id, kind, part, parts, ? FROM outbound_messages WHERE id = ?",
        sessionId, seq, now, outboundId);
    if (!appended)
        return fail(appended.error());
    return {};
}

} // namespace signalbox::store
