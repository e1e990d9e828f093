// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/records.h"
#include "store/session.h"

namespace signalbox::store {

// A session's activity lock (contracts/sessions-locks.md §3, DESIGN.md step 3), and those who wait for it.

struct LockWish
{
    LockWish() = default;
    QString sessionId;
    QString holder; // unique to this wish: asking again under the same name answers the same grant
    EngineLife life;
    Millis ttl{180'000};
};

struct LockGrant
{
    LockGrant() = default;
    qint64 fence = 0; // higher than that of every holder before
    Instant acquiredAt;
    Instant expiresAt;
};

// What its holder knows of a lock: refreshing and releasing carry the fence.
struct HeldLock
{
    HeldLock() = default;
    HeldLock(QString session, QString lockHolder, qint64 lockFence)
        : sessionId(std::move(session))
        , holder(std::move(lockHolder))
        , fence(lockFence)
    {
    }
    QString sessionId;
    QString holder;
    qint64 fence = 0;
};

// A delivery that waits for its session, whose person has not been told yet.
struct BusyWaiter
{
    BusyWaiter() = default;
    ClaimedDelivery delivery; // what a notice needs of it
    QString sessionId;
    QString channel;
    QString holderUser; // whose message goes first
    Instant since; // when the session was taken for it
    int ahead = 0; // messages before this one
    bool toldBefore = false; // the same person, of another message that waits in the same session
};

struct BusyNotice
{
    BusyNotice() = default;
    QString deliveryId;
    std::vector<OutboundDraft> drafts; // none: the person knows already
};

// A write whose fence or incarnation was over (DESIGN.md step 3: it changes nothing and is recorded).
struct StaleWrite
{
    StaleWrite() = default;
    QString auditId;
    EngineLife life;
    QString subjectKind; // delivery | outbound
    QString subjectId;
    QString what; // "outcome", "result", "acceptance"
    qint64 fence = 0;
};

// sql_locks.cpp
// Frees a lock that may be taken over, gives it to `holder`, and raises the fence. Nothing: it is held. A
// held delivery that loses it goes back through the prompt fence in the same transaction.
[[nodiscard]] Result<std::optional<LockGrant>> acquireLockUnit(Session &session, const LockWish &wish);
// Conflict, native "not_held": somebody else holds it, or nobody.
[[nodiscard]] Result<LockGrant> refreshLockUnit(Session &session, const HeldLock &held, Millis ttl);
// True when a delivery of the session may run now. Conflict, native "not_held", as above.
[[nodiscard]] Result<bool> releaseLockUnit(Session &session, const HeldLock &held);
// What a life holds, for `ttl` from now on; one that was extended for longer stays so.
[[nodiscard]] Status renewLocks(Session &session, const EngineLife &life, Millis ttl);
// The lock for a delivery that is claimed, and what its session knows. False: somebody holds it.
[[nodiscard]] Result<bool> takeLock(
    Session &session, const EngineLife &life, ClaimedDelivery &claimed, Instant now, Millis ttl);
// Frees the session's lock if this delivery holds it, and lets the next one of the session run. True when one
// woke.
[[nodiscard]] Result<bool> releaseSession(
    Session &session, const QString &sessionId, const QString &deliveryId);

// sql_waiting.cpp
[[nodiscard]] Result<std::vector<BusyWaiter>> busyWaitersUnit(Session &session, Millis delay, int most);
[[nodiscard]] Result<bool> tellBusyUnit(Session &session, const std::vector<BusyNotice> &notices);
// The announcement that a session is busy is over when its delivery's turn comes.
[[nodiscard]] Status dropBusyNotice(Session &session, const QString &deliveryId, Instant now);
[[nodiscard]] Result<bool> noteStaleUnit(Session &session, const StaleWrite &stale);

} // namespace signalbox::store
