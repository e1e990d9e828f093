// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/records.h"
#include "store/session.h"

namespace signalbox::store {

// One of several engines holds the Socket Mode connection of an app (contracts/slack.md §2: two would each
// get a part of what comes).
struct HoldSocket
{
    HoldSocket() = default;
    QString installationId;
    EngineLife life;
    Millis lease{10'000};
    bool stopped = false; // held, and not connected: nobody else need try
};

struct SocketHeld
{
    SocketHeld() = default;
    bool held = false;
    bool retry = false; // an operator wants a stopped one to try again; told once
};

// What a turn shows of itself to people in its place: ids and times, nothing that anybody wrote.
struct PlaceTurn
{
    PlaceTurn() = default;
    QString deliveryId; // empty: the session's lock is held by another program
    QString installationId;
    QString place;
    QString thread;
    QString messageTs;
    QString user; // who asked
    QString state;
    QString waitsFor;
    Instant since; // when it got its session's lock
    int waiters = 0; // messages behind it
};

// What an installation has in hand, and the turns that run in one of its places, the oldest first.
struct PlaceStatus
{
    PlaceStatus() = default;
    int pending = 0;
    int running = 0;
    int waiting = 0;
    int needPerson = 0; // dead or unconfirmed, and nobody has decided yet
    std::vector<PlaceTurn> turns;
    bool more = false; // than these
};

// sql_sockets.cpp
// Takes or renews. Held by another engine: nothing is changed. Conflict when this life has been replaced.
[[nodiscard]] Result<SocketHeld> holdSocketUnit(Session &session, const HoldSocket &hold);
[[nodiscard]] Result<bool> releaseSocketUnit(
    Session &session, const QString &installationId, const EngineLife &life);
// True when one of its stopped connections will be tried again by its holder.
[[nodiscard]] Result<bool> retrySocket(Session &session, const QString &installationId);
[[nodiscard]] Result<PlaceStatus> placeStatusUnit(
    Session &session, const QString &installationId, const QString &place, int most);
// NotFound: no such delivery, or it is finished.
[[nodiscard]] Result<PlaceTurn> placeTurnUnit(Session &session, const QString &deliveryId);

} // namespace signalbox::store
