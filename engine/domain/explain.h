// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "domain/items.h"

namespace signalbox::domain {

// Why is this stuck? (DESIGN.md "Operator actions")

// One link of the chain of what waits for what. Words are keys; consoles have the sentences.
struct ExplainLink
{
    ExplainLink() = default;
    ExplainLink(QString theKind, QString theId, QString theWhat, Instant theSince)
        : kind(std::move(theKind))
        , id(std::move(theId))
        , what(std::move(theWhat))
        , since(theSince)
    {
    }
    QString kind; // delivery | session | runtime | outbound | pause | engine | installation | channel
    QString id;
    QString what; // waits_for_lock, holds_lock, asks_runtime, turn_runs, …
    Instant since;
    QString evidence; // ids, codes and times; nothing that people wrote
    QString action; // of the last link: what would move it; "none" when nothing has to
};

struct Explanation
{
    Explanation() = default;
    QString id;
    QList<ExplainLink> links;
    QString action; // release | replay | confirm | discard | cancel | resume | wait | start_engine |
                    // authorise | none
};

// One pause that stops something of this delivery.
struct ExplainPause
{
    ExplainPause() = default;
    QString scope;
    QString id;
    QString what;
    QString who;
    Instant since;
    Instant until;
};

// What one read of the store tells.
struct ExplainFacts
{
    ExplainFacts() = default;
    Instant now;
    DeliveryItem delivery;
    QString stage;
    std::optional<SessionItem> session;
    std::optional<DeliveryItem>
        ahead; // the session's first delivery whose turn is not over, when it is another
    QString aheadStage;
    QString engine; // that holds the lock
    Instant leaseUntil; // never: no such engine
    bool engineAlive = false;
    QString runtimePhase; // of the session's runtime, as last seen; empty: not known
    QString runtimeDetail;
    Instant runtimeSince;
    std::optional<OutboundItem> outbound; // the first of its messages that is not sent yet
    std::optional<OutboundItem> laneHead; // the message that must go before that one
    Instant heldUntil; // the channel wants nothing of that message's kind before; never: it takes it
    QString heldPlace; // where; empty: anywhere
    QString trouble; // of its installation, a code of installation_trouble.h; empty: none
    Instant troubleSince;
    QList<ExplainPause> pauses;
};

[[nodiscard]] Explanation explain(const ExplainFacts &facts);

} // namespace signalbox::domain
