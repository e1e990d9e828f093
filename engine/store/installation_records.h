// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

#include <QString>

namespace signalbox::store {

// What is learnt of an installation while it works (DESIGN.md "Configuration against state"). No token stands
// here in the clear: a sealed one is opened by whoever has the key (base/seal.h), and a fingerprint tells two
// tokens apart.
struct InstallationHealth
{
    InstallationHealth() = default;
    QString trouble; // a code of domain/installation_trouble.h, or empty
    Instant troubleAt;
    QString sealedToken; // as its runtime provider gave it; empty: none
    QString tokenPrint; // of the token in use
    QString refusedPrint; // of one that Slack said is dead: never used again
    QString seenApp; // the api_app_id of signed events
};

struct NoteToken
{
    NoteToken() = default;
    QString installationId;
    QString sealed; // empty: it stands in the configuration
    QString print;
    bool posted = false; // a message was posted with it: its rights are sufficient, too
};

struct TokenNoted
{
    TokenNoted() = default;
    bool refused = false; // Slack has said that this very token is dead: nothing was changed
    bool news = false;
    int woken = 0; // outbound messages that waited
};

struct RevokeInstallation
{
    RevokeInstallation() = default;
    QString installationId;
    QString eventKey; // the same event again changes nothing; empty: it has no id
    Millis keyTtl{0};
    bool uninstalled = false; // the whole app; else its token alone
    QString print; // of the token that is dead; empty: the one in use
    QString disconnect; // the backend whose registry is to be told; empty: none
    Instant eventAt; // by Slack's clock; never: not told
};

struct Revoked
{
    Revoked() = default;
    bool news = false;
    int deliveries = 0; // that ended
    int outbound = 0; // messages that are not sent any more
};

// A registry that is to be told that the app is gone from a tenant.
struct ClaimedDisconnect
{
    ClaimedDisconnect() = default;
    QString installationId;
    QString backend;
    QString tenant;
    int attempts = 0; // this one included
};

struct FinishDisconnect
{
    FinishDisconnect() = default;
    QString installationId;
    int attempts = 0; // as claimed: an answer to an earlier try changes nothing
    bool done = false;
    QString errorCode;
    Millis dueIn{0}; // unless done
};

} // namespace signalbox::store
