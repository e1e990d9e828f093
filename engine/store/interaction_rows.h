// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/interaction_records.h"
#include "store/order_records.h"

namespace signalbox::store {

// What the units of interactions share (sql_interaction_ends.cpp).

struct KeptInteraction
{
    KeptInteraction() = default;
    QString id;
    QString installationId;
    QString place;
    QString thread;
    QString sessionId;
    QString deliveryId;
    domain::CardFacts card;
    domain::InteractionState state = domain::InteractionState::Posting;
    domain::InteractionAnswer answer;
    QString answeredBy;
    QString claimId;
    QString channelTs;
    EngineLife holder;
    QString connection;
    QString request;
    bool accepted = false;
    Instant keptUntil;
};

[[nodiscard]] Result<std::optional<KeptInteraction>> readInteraction(Session &session, const QString &id);
[[nodiscard]] OutboundDraft cardDraft(const KeptInteraction &kept, Instant now);
// The card as it stands in the channel is wrong now. Where it is not known yet where it stands, its post's
// end sees to it (noteCard); one that nobody has begun to post is not posted. `number` tells the edits of one
// card apart.
[[nodiscard]] Status closeCard(
    Session &session, const KeptInteraction &kept, domain::InteractionState state, Instant now, int number);
// Its turn goes on once nobody is asked any more.
[[nodiscard]] Status wakeDelivery(Session &session, const QString &deliveryId, Instant now);
// Rows of deliveries before rows of interactions: the end of a turn locks them in this order.
[[nodiscard]] Status lockDelivery(Session &session, const QString &deliveryId);
// For the engine that holds the asking connection; false: none does.
[[nodiscard]] Result<bool> orderAnswer(Session &session, const KeptInteraction &kept);
// Ends one that is posting or open. Nothing: somebody was faster. True: an engine is to tell whoever asked.
[[nodiscard]] Result<std::optional<bool>> closeInteraction(Session &session, const KeptInteraction &kept,
    domain::InteractionState state, const QString &code, Instant now);
// An answer that nobody took: whoever asked is gone. It stays, with who gave it.
[[nodiscard]] Status disown(Session &session, const KeptInteraction &kept, const QString &code, Instant now);

} // namespace signalbox::store
