// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/interaction_card.h"
#include "domain/interaction_items.h"
#include "domain/items.h"
#include "store/records.h"
#include "store/session.h"

#include <optional>

namespace signalbox::store {

// Questions that wait for a person (DESIGN.md "Interactions", contracts/interactions.md §1). Whatever
// resolves one does all that follows in one transaction: the order to the engine that holds the asking
// connection (order_records.h), the edit of its card, and its delivery that waits for nobody any more.

struct NewInteraction
{
    NewInteraction() = default;
    QString id; // a time-ordered id: it orders the card within its thread
    QString installationId;
    QString place;
    QString thread; // where the card stands; empty: top level
    QString sessionId;
    HeldDelivery asking; // whose turn waits; an empty id: none
    domain::InteractionOrigin origin = domain::InteractionOrigin::Question;
    QString kind;
    QString answerers; // domain::answerersFor()
    QString text; // as it was asked
    domain::InteractionChoices choices;
    Millis ttl{0};
    Millis payloadTtl{0}; // how long its texts are kept after it has expired
    EngineLife holder; // of the connection that asks; an empty id: none holds it, as of an API question
    QString connection; // which one, and the request there
    QString request;
};

struct StoredInteraction
{
    StoredInteraction() = default;
    domain::InteractionState state = domain::InteractionState::Posting;
    bool stored = true; // false: it was there, and nothing of it was changed
};

// One attempt to answer.
struct ClaimInteraction
{
    ClaimInteraction() = default;
    QString id;
    QString claimId; // unique to this attempt: the unit, run again, knows its own
    QString installationId;
    QString place;
    QString person; // a user id
    bool isOperator = false; // answers for anybody: `person` is "operator:NAME"
    int option = -1; // by its place on the card; negative: optionId
    QString optionId; // empty: the text of `reply`
    domain::TypedReply reply;
    QString comment;
    QString cardTs; // of the card that was clicked: known from the click at the latest; empty: not told
};

struct ClaimedInteraction
{
    ClaimedInteraction() = default;
    domain::ClaimOutcome outcome = domain::ClaimOutcome::Unknown;
    QString id;
    domain::InteractionAnswer answer; // of Won
    bool ordered = false; // an engine is to hand the answer over
    bool readies = false; // it was said in a session, and that delivery may run now
};

// How it ends without an answer.
struct ResolveInteraction
{
    ResolveInteraction() = default;
    QString id;
    domain::InteractionState state = domain::InteractionState::Cancelled; // Cancelled or Withdrawn
    QString code;
};

// The agent has the answer, or the fact that there will be none.
struct AcceptInteraction
{
    AcceptInteraction() = default;
    QString id;
    EngineLife life;
};

// One as whoever hands its answer over needs it.
struct InteractionRow
{
    InteractionRow() = default;
    QString id;
    QString deliveryId;
    domain::InteractionState state = domain::InteractionState::Posting;
    domain::InteractionAnswer answer;
    QString connection;
    QString request;
    bool accepted = false;
};

// What a sweep or the end of a turn has closed.
struct ClosedInteractions
{
    ClosedInteractions() = default;
    int count = 0;
    bool ordered = false;
};

// sql_interactions.cpp
[[nodiscard]] Result<StoredInteraction> storeInteractionUnit(
    Session &session, const NewInteraction &interaction);
[[nodiscard]] Result<ClaimedInteraction> claimInteractionUnit(
    Session &session, const ClaimInteraction &claim);
// The oldest open question of the thread that this reply answers; nothing: it is an ordinary message.
[[nodiscard]] Result<std::optional<ClaimedInteraction>> claimByReply(
    Session &session, const ClaimInteraction &claim, const QString &thread);
// False: it was over already, or is not there.
[[nodiscard]] Result<bool> resolveInteractionUnit(Session &session, const ResolveInteraction &resolve);
[[nodiscard]] Result<bool> acceptInteractionUnit(Session &session, const AcceptInteraction &accept);
[[nodiscard]] Result<ClosedInteractions> expireInteractionsUnit(Session &session, int most);
[[nodiscard]] Result<bool> anyExpired(Session &session);
// All that a delivery still asks: its turn is over. Answers that were not taken keep who gave them.
[[nodiscard]] Result<ClosedInteractions> withdrawOfDelivery(Session &session, const QString &deliveryId);
// All that a lost life's connections asked, up to `most`.
struct LostLives;
[[nodiscard]] Result<int> withdrawOfLost(Session &session, const LostLives &lost, int most);
// A card's post has come to its end, or its edit has been made. Called by the outbox's unit.
[[nodiscard]] Status noteCard(
    Session &session, const QString &interactionId, const FinishOutbound &finish, domain::OutboundOp op);
[[nodiscard]] Result<InteractionRow> interactionUnit(Session &session, const QString &id);
// Texts whose time is over, and rows that are history; how many.
[[nodiscard]] Result<int> sweepInteractions(Session &session, Instant now, Millis history, int most);

// sql_interaction_views.cpp
[[nodiscard]] Result<domain::Page<domain::InteractionItem>> listInteractionsUnit(
    Session &session, const domain::ListQuery &query);
[[nodiscard]] Result<QList<domain::InteractionItem>> interactionItemsUnit(
    Session &session, const QStringList &ids);

} // namespace signalbox::store
