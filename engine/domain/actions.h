// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/explain.h"
#include "domain/items.h"

#include <optional>

namespace signalbox::domain {

// What operators do, and what they see of it (DESIGN.md "Operator actions"). Values only.

enum class Act {
    ReleaseLock, // id: a session
    ExtendLock, // id: a session
    Replay, // id: a delivery; also the next four
    Cancel,
    Discard,
    Confirm,
    Pause, // id: an installation, a backend, or "all"
    Resume,
    Answer, // id: an interaction; also the next one, and Cancel with that scope
    Repost,
};
[[nodiscard]] QString name(Act act); // "release", "extend", …: the last part of its route

// What a pause stops: taking messages up (they are stored), prompts, or posts.
[[nodiscard]] bool isPausable(QStringView what); // intake | delivery | outbound

struct ActionRequest
{
    ActionRequest() = default;
    ActionRequest(Act theAct, QString subject, QString why)
        : act(theAct)
        , id(std::move(subject))
        , reason(std::move(why))
    {
    }
    Act act = Act::Cancel;
    QString id;
    QString scope; // of a pause or resume: installation | backend | engine; of a cancel: empty | interaction
    QString reason; // required; for the audit, never shown to people in channels
    qint64 expectedFence = -1; // of a release, required: what the operator saw
    std::optional<Instant> until; // of an extension or a pause; none: the default, or until resumed
    QString backend; // of a replay; empty: the same
    QString as; // of a confirmation: delivered | retry | abandoned
    QString what; // of a pause or resume: intake | delivery | outbound
    int rate = 0; // of a resume: how many a second of what was held back may go; 0: all at once
    QString option; // of an answer: an option's id, or "#2": the second on the card
    QString comment; // of an answer
    QString actor; // whoever acts: a token's name, the system's user
    QString key; // Idempotency-Key, unique for the actor; empty: none

    // What the same key must come with again (scope of INTERFACE.md "Admin routes").
    [[nodiscard]] QByteArray fingerprint() const;
    // InvalidInput with what is missing or wrong.
    [[nodiscard]] Status check() const;
};

struct ActionResult
{
    ActionResult() = default;
    QString id; // the new delivery of a replay; else what was acted upon
    QString state; // of that
    qint64 fence = 0; // of a lock
    bool repeated = false; // the answer to an earlier call with the same key
    // What the engine must do now; not part of the answer.
    bool orders = false; // the engine that holds a turn has been told to end it
    bool wakes = false; // another delivery may run
    bool posts = false; // something is to be sent
};

struct PauseItem
{
    PauseItem() = default;
    QString scope; // installation | backend | engine
    QString id; // of an engine: "all"
    QString what;
    QString who;
    QString reason;
    Instant since;
    Instant until; // never: until it is resumed
};

struct InstallationItem
{
    InstallationItem() = default;
    QString id;
    QString channel;
    QString tenant;
    QString app;
    QString backend;
    QString state;
    QString trouble; // a code of installation_trouble.h
    Instant troubleSince;
    bool hasToken = false; // a provider's token is kept; one of the configuration does not count
    Instant disconnectSince; // its registry is still to be told that the app is gone
    int disconnectAttempts = 0;
    QString disconnectError;
    qint64 rev = 0;
    Instant readAt; // by the database's clock
    QList<PauseItem> pauses; // its own, its backend's and the engine's
};

struct BackendItem
{
    BackendItem() = default;
    QString id;
    QString kind;
    QList<PauseItem> pauses;
};

// A session whose lock is held.
struct LockItem
{
    LockItem() = default;
    QString id; // of the session
    QString channel;
    QString tenant;
    QString place;
    QString thread;
    QString backend;
    QString holder; // a delivery
    QString holderState;
    QString holderStage;
    QString promptState;
    Instant holderUpdatedAt;
    QString engine;
    Instant leaseUntil; // of the holder's engine; never: it is not known any more
    bool engineAlive = false;
    Instant acquiredAt;
    Instant expiresAt;
    qint64 fence = 0;
    int waiters = 0;
    Instant createdAt; // of the session
    qint64 rev = 0;
};

struct AuditItem
{
    AuditItem() = default;
    QString id;
    Instant at;
    QString actor;
    QString action;
    QString subjectKind;
    QString subject;
    QString reason;
    QString result;
};

} // namespace signalbox::domain
