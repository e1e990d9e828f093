// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/keyed_call.h"
#include "store/records.h"
#include "store/session.h"

namespace signalbox::store {

// Sessions as callers of /v1/sessions see them (DESIGN.md step 2, contracts/sessions-locks.md §2 and §4).
// Values for the units of sql_sessions.cpp; every call may come under an Idempotency-Key.

struct NewSession
{
    NewSession() = default;
    KeyedCall call;
    QString requestId; // made by the caller: a unit that runs again knows the session that it made
    QString id; // random for web and cli, derived for slack
    QString installationId;
    QString source; // slack | web | cli: also the channel
    QString tenant;
    QString backend;
    QString place; // of a web or cli session: its own id
    QString thread;
    QString user; // who caused it
    QString ticket; // fresh sessions only; empty: none
};

// By id, or by ticket when the id is empty.
struct SessionLookup
{
    SessionLookup() = default;
    KeyedCall call;
    QString id;
    QString installationId;
    QString ticket;
};

struct TicketBinding
{
    TicketBinding() = default;
    KeyedCall call;
    QString sessionId;
    QString ticket;
};

struct SessionMessage
{
    SessionMessage() = default;
    KeyedCall call;
    IngestRequest request; // without keys: `messageTs` is the message's id, and a key within its session
};

// The answer to any of them.
struct SessionAnswer
{
    SessionAnswer() = default;
    QString id; // of the session; of the delivery, for a message
    bool created = false; // this very call has made the session: true for exactly one of any number
    bool duplicate = false; // the message had been taken before
    // A ticket that cannot be bound, and nothing was changed: the present state of what stands against it.
    bool conflict = false;
    QString ticket; // of session `id`
    bool ready = false; // a delivery may be claimed at once; not part of a repeated answer
};

// What routes need to know of one session.
struct SessionBrief
{
    SessionBrief() = default;
    QString id;
    QString installationId;
    QString source;
    QString tenant;
    QString backend;
    QString place;
    QString thread;
    QString user;
    QString ticket;
    qint64 logSeq = 0; // of the last entry of its log; 0: none
};

// One entry of a web or cli session's log.
struct LogEntry
{
    LogEntry() = default;
    qint64 seq = 0;
    QString kind; // reply | notice | status
    QString deliveryId;
    int part = 1;
    int parts = 1;
    Instant at;
    QByteArray body; // JSON with `text`; empty when it has expired
};

struct LogBatch
{
    LogBatch() = default;
    std::vector<LogEntry> entries;
    bool more = false;
};

struct LogHead
{
    LogHead() = default;
    QString session;
    qint64 seq = 0;
};

// sql_sessions.cpp
// A session with a random id. InvalidInput for slack, whose sessions are resolved.
[[nodiscard]] Result<SessionAnswer> createSessionUnit(Session &session, const NewSession &wanted);
// Makes the session unless it is there; tells truthfully whether it did.
[[nodiscard]] Result<SessionAnswer> resolveSessionUnit(Session &session, const NewSession &wanted);
// NotFound; never makes one. Writes nothing but the answer under a key.
[[nodiscard]] Result<SessionAnswer> lookupSessionUnit(Session &session, const SessionLookup &wanted);
// A conditional write: the session's id, history, lock and queue stay as they are. NotFound.
[[nodiscard]] Result<SessionAnswer> bindTicketUnit(Session &session, const TicketBinding &binding);
// One delivery for a message's id, however often it comes. NotFound.
[[nodiscard]] Result<SessionAnswer> storeMessageUnit(Session &session, const SessionMessage &message);
[[nodiscard]] Result<SessionBrief> sessionBriefUnit(Session &session, const QString &id);
// In order behind `after`; bounded by `most` entries and by their size.
[[nodiscard]] Result<LogBatch> readSessionLogUnit(
    Session &session, const QString &id, qint64 after, int most);
[[nodiscard]] Result<std::vector<LogHead>> sessionLogHeadsUnit(Session &session, const QStringList &ids);
// Within finishOutboundUnit: a claimed outbound message that its log takes is sent by that.
[[nodiscard]] Status appendToLog(Session &session, const QString &outboundId, Instant now);

} // namespace signalbox::store
