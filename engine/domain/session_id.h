// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>

namespace signalbox::domain {

// What makes a session of a chat channel (DESIGN.md step 2). A ticket is never part of it.
struct SessionScope
{
    SessionScope() = default;
    QString channel;
    QString tenant;
    QString app;
    QString backend;
    QString place;
    QString thread; // empty: the session is the whole place
};

// "se_" + the thread's time as 13 hex digits (8 of seconds, 5 of microseconds) + 24 hex digits of SHA-256
// over the scope, NUL-separated. The time in front keeps sessions of neighbouring threads together in the
// index, also when thousands begin within a second; the hash alone carries the identity.
[[nodiscard]] QString sessionId(const SessionScope &scope);

// Our own channels, web and cli: their sessions have random ids, no place but themselves, and a log in which
// what is said to people is written down instead of being sent.
[[nodiscard]] bool hasSessionLog(QStringView channel);

// The thread that decides a message's session: backends of kind acp have one per thread (thread_ts, else the
// message's own ts), spritz one per place; direct messages always per place.
[[nodiscard]] QString sessionThread(
    bool perThread, bool direct, const QString &threadTs, const QString &messageTs);

// The seconds of a Slack ts ("1700000000.000100"), 0 when it is none. Only ever used to place keys near each
// other: ts values are opaque.
[[nodiscard]] qint64 tsSeconds(QStringView ts);
// The digits behind its dot as a number below a million, 0 when there are none.
[[nodiscard]] int tsMicros(QStringView ts);

// Keys under which one message may arrive again (DESIGN.md step 1), scoped by installation: fixed-length, and
// ordered roughly by time, so that a large table takes new ones at its end. An event is filed beside its
// message: retries of one event carry the same ts.
[[nodiscard]] QString eventKey(const QString &installation, const QString &eventId, const QString &ts);
[[nodiscard]] QString messageKey(const QString &installation, const QString &place, const QString &ts);
// The same gesture may come with another ts some seconds later (Slack Connect): a client_msg_id is filed
// under a ten-minute bucket and looked up in the neighbouring ones too.
[[nodiscard]] QString clientMessageKey(
    const QString &installation, const QString &clientMsgId, qint64 bucket);
[[nodiscard]] qint64 clientMessageBucket(qint64 seconds);

} // namespace signalbox::domain
