// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

#include <QString>
#include <QStringList>

namespace signalbox::domain {

// A question as operators see it (items.h). What was asked and what was written as an answer are payloads and
// not in it; of an option that was chosen its kind is.
struct InteractionItem
{
    InteractionItem() = default;
    QString id;
    QString state; // posting | open | answered | expired | cancelled | withdrawn
    QString origin; // permission | form | question
    QString kind; // of a permission: the tool's kind
    QString installation;
    QString channel;
    QString tenant;
    QString place;
    QString thread;
    QString sessionId;
    QString deliveryId; // whose turn waits; empty: none
    QString answerers; // " U1 U2 ", or "*": anyone
    QStringList optionKinds; // in the order of the card; empty: a text is asked for
    QString chosenKind; // of the answer's option; "text" of a written one
    QString answeredBy;
    QString errorCode; // why it was closed
    QString engine; // that holds the asking connection
    // The call to a configured webhook that has not brought its answer there yet, or never will.
    QString webhook; // its name; empty: none
    QString webhookState; // pending | sending | retry | dead
    int webhookAttempts = 0;
    QString webhookError; // of the last attempt
    QString channelTs; // of the card
    Instant createdAt;
    Instant expiresAt;
    Instant clickedAt;
    Instant acceptedAt; // by the agent
    Instant cardUpdatedAt;
    Instant resolvedAt;
    Instant updatedAt;
    qint64 rev = 0;
};

} // namespace signalbox::domain
