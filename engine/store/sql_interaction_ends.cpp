// SPDX-License-Identifier: Apache-2.0
#include "store/held_by.h"
#include "store/interaction_rows.h"
#include "store/units.h"

using namespace Qt::StringLiterals;
using signalbox::domain::CardEnd;
using signalbox::domain::InteractionAnswer;
using signalbox::domain::InteractionChoices;
using signalbox::domain::InteractionState;

// How a question ends, and what becomes of its card. Every end is one conditional update; what follows from
// it stands in the same transaction. Rows of deliveries are locked before rows of interactions.

namespace signalbox::store {

#define SIGNALBOX_INTERACTION                                                                                \
    "SELECT id, installation_id, place, thread, session_id, delivery_id, origin, kind, answerers, text, "    \
    "body, state, answer, answered_by, claim_id, channel_ts, engine_id, incarnation, connection, request, "  \
    "accepted_at, expires_at, kept_until FROM interactions WHERE id = ?"

Result<std::optional<KeptInteraction>> readInteraction(Session &session, const QString &id)
{
    auto rows = session.query(SIGNALBOX_INTERACTION, id);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return std::nullopt;
    KeptInteraction kept;
    kept.id = rows->text(0);
    kept.installationId = rows->text(1);
    kept.place = rows->text(2);
    kept.thread = rows->text(3);
    kept.sessionId = rows->text(4);
    kept.deliveryId = rows->text(5);
    kept.card.id = kept.id;
    kept.card.origin = domain::interactionOrigin(rows->text(6)).value_or(domain::InteractionOrigin::Question);
    kept.card.kind = rows->text(7);
    kept.card.answerers = rows->text(8);
    kept.card.text = rows->text(9);
    kept.card.choices = InteractionChoices::fromJson(Json::parse(rows->utf8(10)).value_or(Json()));
    kept.state = domain::interactionState(rows->text(11)).value_or(InteractionState::Withdrawn);
    kept.answer = InteractionAnswer::fromJson(Json::parse(rows->utf8(12)).value_or(Json()));
    kept.answeredBy = rows->text(13);
    kept.claimId = rows->text(14);
    kept.channelTs = rows->text(15);
    kept.holder = EngineLife(rows->text(16), rows->number(17));
    kept.connection = rows->text(18);
    kept.request = rows->text(19);
    kept.accepted = rows->number(20) > 0;
    kept.card.expiresAt = rows->instant(21);
    kept.keptUntil = rows->instant(22);
    return kept;
}

OutboundDraft cardDraft(const KeptInteraction &kept, Instant now)
{
    OutboundDraft draft;
    draft.installationId = kept.installationId;
    draft.deliveryId = kept.deliveryId;
    draft.kind = domain::OutboundKind::Card;
    draft.interactionId = kept.id;
    draft.place = kept.place;
    draft.thread = kept.thread;
    draft.payloadTtl = std::max<Millis>(kept.keptUntil - now, Millis(60'000));
    return draft;
}

Status closeCard(
    Session &session, const KeptInteraction &kept, InteractionState state, Instant now, int number)
{
    // What nobody has begun to say of it is not said any more: its post, its words, that it moved.
    {
        auto rows = session.query(
            "UPDATE outbound_messages SET state = 'cancelled', updated_at = ?, rev = rev + 1 WHERE "
            "delivery_id = ? AND interaction_id = ? AND (op = 'post' OR purpose LIKE 'card_moved:%') "
            "AND ((state = 'pending' AND attempts = 0) OR state = 'retry') AND resent = 0 RETURNING id, rev",
            now, kept.deliveryId, kept.id);
        if (!rows)
            return fail(rows.error());
        while (rows->next())
            session.touch("outbound", rows->text(0), rows->number(1));
    }
    if (kept.channelTs.isEmpty())
        return {};
    CardEnd end;
    end.state = state;
    end.answer = kept.answer;
    end.answeredBy = kept.answeredBy;
    OutboundDraft draft = cardDraft(kept, now);
    draft.id = kept.id + u"-e%1"_s.arg(number);
    draft.purpose = u"card_edit%1:%2"_s.arg(number).arg(kept.id);
    draft.op = domain::OutboundOp::Edit;
    draft.targetTs = kept.channelTs;
    draft.body = domain::endedCardBody(kept.card, end).toBytes();
    return insertOutbound(session, draft);
}

Status wakeDelivery(Session &session, const QString &deliveryId, Instant now)
{
    if (deliveryId.isEmpty())
        return {};
    auto rows = session.query(
        "UPDATE deliveries SET state = 'running', waits_for = '', updated_at = ?, rev = rev + 1 WHERE id = ? "
        "AND engine_id IS NOT NULL AND state = 'waiting' AND waits_for = 'person' AND NOT EXISTS (SELECT 1 "
        "FROM interactions i WHERE i.delivery_id = deliveries.id AND i.resolved_at = 0) RETURNING rev",
        now, deliveryId);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("delivery", deliveryId, rows->number(0));
    return {};
}

Status lockDelivery(Session &session, const QString &deliveryId)
{
    if (deliveryId.isEmpty() || session.dialect() == Dialect::Sqlite)
        return {};
    auto rows = session.query("SELECT 1 FROM deliveries WHERE id = ? FOR UPDATE", deliveryId);
    if (!rows)
        return fail(rows.error());
    return {};
}

Result<bool> orderAnswer(Session &session, const KeptInteraction &kept)
{
    if (kept.holder.id.isEmpty())
        return false;
    EngineOrder order;
    order.kind = u"answer"_s;
    order.subjectId = kept.id;
    if (auto placed = placeOrder(session, kept.holder, order); !placed)
        return fail(placed.error());
    return true;
}

Result<std::optional<bool>> closeInteraction(
    Session &session, const KeptInteraction &kept, InteractionState state, const QString &code, Instant now)
{
    auto rows = session.query(
        "UPDATE interactions SET state = ?, error_code = ?, resolved_at = ?, updated_at = ?, engine_id = "
        "NULL, incarnation = NULL, rev = rev + 1 WHERE id = ? AND state IN ('posting', 'open') "
        "RETURNING rev, channel_ts",
        name(state), code, now, now, kept.id);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return std::nullopt;
    session.touch("interaction", kept.id, rows->number(0));
    KeptInteraction over = kept;
    over.channelTs = rows->text(1); // its card may have been posted since it was read
    if (auto closed = closeCard(session, over, state, now, 1); !closed)
        return fail(closed.error());
    const auto ordered = orderAnswer(session, kept);
    if (!ordered)
        return fail(ordered.error());
    if (auto woken = wakeDelivery(session, kept.deliveryId, now); !woken)
        return fail(woken.error());
    return *ordered;
}

Status disown(Session &session, const KeptInteraction &kept, const QString &code, Instant now)
{
    auto rows = session.query(
        "UPDATE interactions SET state = 'withdrawn', error_code = ?, updated_at = ?, engine_id = NULL, "
        "incarnation = NULL, rev = rev + 1 WHERE id = ? AND state = 'answered' AND accepted_at = 0 "
        "RETURNING rev, channel_ts",
        code, now, kept.id);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return {};
    session.touch("interaction", kept.id, rows->number(0));
    KeptInteraction over = kept;
    over.channelTs = rows->text(1);
    return closeCard(session, over, InteractionState::Withdrawn, now, 2);
}

Result<bool> anyExpired(Session &session)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    auto rows
        = session.query("SELECT 1 FROM interactions WHERE resolved_at = 0 AND expires_at <= ? LIMIT 1", *now);
    if (!rows)
        return fail(rows.error());
    return rows->next();
}

namespace {

Result<QStringList> idsOf(Result<Rows> rows)
{
    if (!rows)
        return fail(rows.error());
    QStringList ids;
    while (rows->next())
        ids << rows->text(0);
    return ids;
}

} // namespace

Result<ClosedInteractions> expireInteractionsUnit(Session &session, int most)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto ids = idsOf(session.query("SELECT id FROM interactions WHERE resolved_at = 0 AND expires_at "
                                         "<= ? ORDER BY expires_at, id LIMIT ?",
        *now, most));
    if (!ids)
        return fail(ids.error());
    ClosedInteractions done;
    for (const QString &id : *ids) {
        const auto kept = readInteraction(session, id);
        if (!kept)
            return fail(kept.error());
        if (!*kept)
            continue;
        if (auto locked = lockDelivery(session, (*kept)->deliveryId); !locked)
            return fail(locked.error());
        const auto closed = closeInteraction(session, **kept, InteractionState::Expired, u"expired"_s, *now);
        if (!closed)
            return fail(closed.error());
        done.count += *closed ? 1 : 0;
        done.ordered = done.ordered || closed->value_or(false);
    }
    return done;
}

namespace {

// Of whoever is gone: nobody is to be told.
Result<int> withdrawAll(Session &session, const QStringList &ids, const QString &code, Instant now)
{
    int count = 0;
    for (const QString &id : ids) {
        auto kept = readInteraction(session, id);
        if (!kept)
            return fail(kept.error());
        if (!*kept)
            continue;
        if (auto locked = lockDelivery(session, (*kept)->deliveryId); !locked)
            return fail(locked.error());
        (*kept)->holder = EngineLife();
        const auto closed = closeInteraction(session, **kept, InteractionState::Withdrawn, code, now);
        if (!closed)
            return fail(closed.error());
        if (!*closed) {
            if (auto disowned = disown(session, **kept, code, now); !disowned)
                return fail(disowned.error());
        }
        ++count;
    }
    return count;
}

} // namespace

Result<ClosedInteractions> withdrawOfDelivery(Session &session, const QString &deliveryId)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto ids = idsOf(session.query("SELECT id FROM interactions WHERE delivery_id = ? AND "
                                         "delivery_id <> '' AND engine_id IS NOT NULL ORDER BY id",
        deliveryId));
    if (!ids)
        return fail(ids.error());
    ClosedInteractions done;
    const auto count = withdrawAll(session, *ids, u"turn_over"_s, *now);
    if (!count)
        return fail(count.error());
    done.count = *count;
    return done;
}

Result<int> withdrawOfLost(Session &session, const LostLives &lost, int most)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto ids
        = idsOf(session.query("SELECT id FROM interactions WHERE " SIGNALBOX_HELD_BY " ORDER BY id LIMIT ?",
            SIGNALBOX_HELD_BY_BINDS(lost), most));
    if (!ids)
        return fail(ids.error());
    return withdrawAll(session, *ids, u"engine_lost"_s, *now);
}

namespace {

// Words alone, when the channel does not take the blocks.
Status postPlain(Session &session, const KeptInteraction &kept, const QString &postId, Instant now)
{
    OutboundDraft draft = cardDraft(kept, now);
    draft.id = postId + u"-t"_s;
    draft.purpose = u"card_text:"_s + postId;
    draft.body = domain::plainCardBody(kept.card).toBytes();
    return insertOutbound(session, draft);
}

// Another card of it stands there already (a post whose end came late): this one must not look open.
Status closeSecond(Session &session, const KeptInteraction &kept, const FinishOutbound &post, Instant now)
{
    CardEnd end;
    end.state = kept.state;
    end.answer = kept.answer;
    end.answeredBy = kept.answeredBy;
    OutboundDraft draft = cardDraft(kept, now);
    draft.id = post.id + u"-x"_s;
    draft.purpose = u"card_second:"_s + post.id;
    draft.op = domain::OutboundOp::Edit;
    draft.targetTs = post.channelTs;
    const bool isOpen = domain::isClaimable(kept.state);
    draft.body
        = (isOpen ? domain::movedCardBody(kept.card) : domain::endedCardBody(kept.card, end)).toBytes();
    return insertOutbound(session, draft);
}

Status noteShown(Session &session, const QString &id, const FinishOutbound &post, Instant now)
{
    const QString channelTs = post.channelTs;
    if (channelTs.isEmpty())
        return {};
    bool isSecond = false;
    {
        auto rows = session.query(
            "UPDATE interactions SET channel_ts = ?, state = CASE WHEN state = 'posting' THEN 'open' ELSE "
            "state "
            "END, updated_at = ?, rev = rev + 1 WHERE id = ? AND channel_ts = '' RETURNING rev",
            channelTs, now, id);
        if (!rows)
            return fail(rows.error());
        isSecond = !rows->next();
        if (!isSecond)
            session.touch("interaction", id, rows->number(0));
    }
    // It may be over before it was seen, and have ended since it was read.
    const auto kept = readInteraction(session, id);
    if (!kept)
        return fail(kept.error());
    if (!*kept)
        return {};
    if (isSecond)
        return (*kept)->channelTs == channelTs ? Status() : closeSecond(session, **kept, post, now);
    return domain::isClaimable((*kept)->state) ? Status()
                                               : closeCard(session, **kept, (*kept)->state, now, 1);
}

} // namespace

Status noteCard(
    Session &session, const QString &interactionId, const FinishOutbound &finish, domain::OutboundOp op)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    auto kept = readInteraction(session, interactionId);
    if (!kept)
        return fail(kept.error());
    if (!*kept)
        return {};
    if (op == domain::OutboundOp::Edit) { // before its end: a card that was posted anew below
        if (finish.state != domain::OutboundState::Sent)
            return {};
        auto rows
            = session.query("UPDATE interactions SET card_updated_at = ?, updated_at = ?, rev = rev + 1 "
                            "WHERE id = ? AND resolved_at > 0 RETURNING rev",
                *now, *now, interactionId);
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            session.touch("interaction", interactionId, rows->number(0));
        return {};
    }
    if (finish.state == domain::OutboundState::Sent)
        return noteShown(session, interactionId, finish, *now);
    if (!domain::isFinal(finish.state) || !domain::isClaimable((*kept)->state))
        return {};
    const bool hasBlocks = !finish.id.endsWith(u"-t");
    if (finish.state == domain::OutboundState::Refused && hasBlocks
        && domain::isAboutBlocks(finish.errorCode))
        return postPlain(session, **kept, finish.id, *now);
    if (auto locked = lockDelivery(session, (*kept)->deliveryId); !locked)
        return locked;
    const auto closed
        = closeInteraction(session, **kept, InteractionState::Cancelled, finish.errorCode, *now);
    return closed ? Status() : fail(closed.error());
}

Result<int> sweepInteractions(Session &session, Instant now, Millis history, int most)
{
    const auto emptied = session.run(
        "UPDATE interactions SET text = '', body = '{}', answer = '', comment = '' WHERE id IN (SELECT id "
        "FROM interactions WHERE body <> '{}' AND kept_until < ? AND resolved_at > 0 ORDER BY kept_until, id "
        "LIMIT ?)",
        now, most);
    if (!emptied)
        return emptied;
    const auto removed = session.run(
        "DELETE FROM interactions WHERE id IN (SELECT id FROM (SELECT id, resolved_at FROM interactions "
        "ORDER BY id LIMIT ?) AS oldest WHERE resolved_at > 0 AND resolved_at < ?)",
        most, now - history);
    if (!removed)
        return removed;
    return *emptied + *removed;
}

} // namespace signalbox::store
