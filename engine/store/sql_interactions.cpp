// SPDX-License-Identifier: Apache-2.0
#include "store/errors.h"
#include "store/interaction_rows.h"
#include "store/question_records.h"
#include "store/units.h"

using namespace Qt::StringLiterals;
using signalbox::domain::ClaimOutcome;
using signalbox::domain::InteractionAnswer;
using signalbox::domain::InteractionState;

// Questions that wait for a person: stored, answered, taken by whoever asked. How they end without an answer:
// sql_interaction_ends.cpp.

namespace signalbox::store {

namespace {

Status insertRow(Session &session, const NewInteraction &asked, Instant now)
{
    const bool held = !asked.holder.id.isEmpty();
    const Instant expires = now + asked.ttl;
    const QByteArray body = asked.choices.toJson().toBytes();
    const auto inserted = held
        ? session.run(
            "INSERT INTO interactions (id, installation_id, place, thread, session_id, delivery_id, "
            "origin, kind, answerers, text, body, state, connection, request, created_at, "
            "expires_at, kept_until, updated_at, engine_id, incarnation) VALUES (?, ?, ?, ?, ?, ?, "
            "?, ?, ?, ?, ?, 'posting', ?, ?, ?, ?, ?, ?, ?, ?)",
            asked.id, asked.installationId, asked.place, asked.thread, asked.sessionId, asked.asking.id,
            name(asked.origin), asked.kind, asked.answerers, asked.text, body, asked.connection,
            asked.request, now, expires, expires + asked.payloadTtl, now, asked.holder.id,
            asked.holder.incarnation)
        : session.run(
            "INSERT INTO interactions (id, installation_id, place, thread, session_id, delivery_id, "
            "origin, kind, answerers, text, body, state, connection, request, created_at, "
            "expires_at, kept_until, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
            "'posting', ?, ?, ?, ?, ?, ?)",
            asked.id, asked.installationId, asked.place, asked.thread, asked.sessionId, asked.asking.id,
            name(asked.origin), asked.kind, asked.answerers, asked.text, body, asked.connection,
            asked.request, now, expires, expires + asked.payloadTtl, now);
    if (!inserted)
        return fail(inserted.error());
    session.touch("interaction", asked.id, 1);
    return {};
}

// Its turn waits for a person from now on; the lock stays held.
Status makeWait(Session &session, const HeldDelivery &asking, Instant now)
{
    if (asking.id.isEmpty())
        return {};
    auto rows = session.query(
        "UPDATE deliveries SET state = 'waiting', waits_for = 'person', updated_at = ?, rev = rev + 1 "
        "WHERE id = ? AND engine_id IS NOT NULL AND fence = ? RETURNING rev",
        now, asking.id, asking.fence);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(Error(ErrorCode::Conflict, u"asking for a delivery that is not held any more"_s,
            QString::fromUtf16(kStale)));
    session.touch("delivery", asking.id, rows->number(0));
    return {};
}

} // namespace

Result<StoredInteraction> storeInteractionUnit(Session &session, const NewInteraction &asked)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    if (asked.installationId.isEmpty() || asked.place.isEmpty() || asked.answerers.isEmpty())
        return fail(ErrorCode::InvalidInput, u"a question needs an installation, a place and answerers"_s);
    const auto known = readInteraction(session, asked.id);
    if (!known)
        return fail(known.error());
    StoredInteraction stored;
    if (*known) { // never opened again, and never for longer
        if ((*known)->installationId != asked.installationId || (*known)->place != asked.place)
            return fail(Error(ErrorCode::Conflict, u"the id belongs to another place"_s, u"id_taken"_s));
        stored.state = (*known)->state;
        stored.stored = false;
        return stored;
    }
    if (auto waits = makeWait(session, asked.asking, *now); !waits)
        return fail(waits.error());
    if (auto inserted = insertRow(session, asked, *now); !inserted)
        return fail(inserted.error());
    const auto kept = readInteraction(session, asked.id);
    if (!kept)
        return fail(kept.error());
    OutboundDraft card = cardDraft(**kept, *now);
    card.id = asked.id + u"-p"_s;
    card.purpose = u"card:"_s + asked.id;
    card.body = domain::cardBody((*kept)->card).toBytes();
    if (auto posted = insertOutbound(session, card); !posted)
        return fail(posted.error());
    return stored;
}

namespace {

// Who may not, and what did not fit: found after the update has changed nothing.
ClaimOutcome whyNot(const KeptInteraction &kept, const ClaimInteraction &claim, Instant now)
{
    if (kept.installationId != claim.installationId || kept.place != claim.place)
        return ClaimOutcome::Elsewhere;
    switch (kept.state) {
    case InteractionState::Posting:
    case InteractionState::Open:
        return kept.card.expiresAt <= now ? ClaimOutcome::Late : ClaimOutcome::NotAllowed;
    case InteractionState::Answered:
        return ClaimOutcome::Answered;
    case InteractionState::Expired:
        return ClaimOutcome::Late;
    case InteractionState::Cancelled:
    case InteractionState::Withdrawn:
        break;
    }
    return ClaimOutcome::Closed;
}

bool mayAnswer(const KeptInteraction &kept, const ClaimInteraction &claim)
{
    return claim.isOperator || kept.card.answerers == u"*"
        || kept.card.answerers.contains(u' ' + claim.person + u' ');
}

std::optional<InteractionAnswer> chosen(const KeptInteraction &kept, const ClaimInteraction &claim)
{
    if (claim.option >= 0)
        return domain::chooseByIndex(kept.card.choices, claim.option);
    if (!claim.optionId.isEmpty())
        return domain::chooseById(kept.card.choices, claim.optionId);
    return domain::chooseByReply(kept.card.choices, claim.reply);
}

// The one conditional update, and the card that shows it. False: nothing was changed.
Result<bool> takeAnswer(Session &session, const KeptInteraction &kept, const ClaimInteraction &claim,
    const InteractionAnswer &answer, Instant now)
{
    auto rows = session.query(
        "UPDATE interactions SET state = 'answered', answer = ?, answered_by = ?, comment = ?, "
        "claim_id = ?, clicked_at = ?, resolved_at = ?, updated_at = ?, channel_ts = CASE WHEN "
        "channel_ts = '' THEN ? ELSE channel_ts END, rev = rev + 1 WHERE id = ? AND installation_id = ? "
        "AND place = ? AND state IN ('posting', 'open') AND expires_at > ? AND (? = 1 OR answerers = '*' "
        "OR REPLACE(answerers, ?, '') <> answerers) RETURNING rev, channel_ts",
        answer.toJson().toBytes(), claim.person, claim.comment, claim.claimId, now, now, now, claim.cardTs,
        claim.id, claim.installationId, claim.place, now, claim.isOperator,
        QString(u' ' + claim.person + u' '));
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return false;
    session.touch("interaction", claim.id, rows->number(0));
    KeptInteraction over = kept;
    over.channelTs = rows->text(1);
    over.answer = answer;
    over.answeredBy = claim.person;
    if (auto closed = closeCard(session, over, InteractionState::Answered, now, 1); !closed)
        return fail(closed.error());
    return true;
}

// Why it was not, as whoever was faster left it; or this very unit has been here before.
Result<ClaimedInteraction> notTaken(Session &session, const ClaimInteraction &claim, Instant now)
{
    ClaimedInteraction claimed;
    claimed.id = claim.id;
    const auto seen = readInteraction(session, claim.id);
    if (!seen)
        return fail(seen.error());
    if (!*seen)
        return claimed;
    if ((*seen)->claimId != claim.claimId) {
        claimed.outcome = whyNot(**seen, claim, now);
        return claimed;
    }
    claimed.outcome = ClaimOutcome::Won;
    claimed.answer = (*seen)->answer;
    claimed.ordered = !(*seen)->holder.id.isEmpty();
    return claimed;
}

} // namespace

Result<ClaimedInteraction> claimInteractionUnit(Session &session, const ClaimInteraction &wanted)
{
    ClaimInteraction claim = wanted;
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    ClaimedInteraction claimed;
    claimed.id = claim.id;
    if (claim.person.isEmpty() || claim.person.contains(u' ') || claim.claimId.isEmpty())
        return fail(ErrorCode::InvalidInput, u"an answer needs a person"_s);
    const auto kept = readInteraction(session, claim.id);
    if (!kept)
        return fail(kept.error());
    if (!*kept)
        return claimed;
    if (claim.isOperator) { // who sees it may answer it, wherever it stands
        claim.installationId = (*kept)->installationId;
        claim.place = (*kept)->place;
    }
    if (auto locked = lockDelivery(session, (*kept)->deliveryId); !locked)
        return fail(locked.error());
    const std::optional<InteractionAnswer> answer = chosen(**kept, claim);
    if (!answer) {
        const ClaimOutcome why = whyNot(**kept, claim, *now);
        claimed.outcome
            = why == ClaimOutcome::NotAllowed && mayAnswer(**kept, claim) ? ClaimOutcome::NoSuchOption : why;
        return claimed;
    }
    const auto taken = takeAnswer(session, **kept, claim, *answer, *now);
    if (!taken)
        return fail(taken.error());
    if (!*taken)
        return notTaken(session, claim, *now);
    claimed.outcome = ClaimOutcome::Won;
    claimed.answer = *answer;
    const auto ordered = orderAnswer(session, **kept);
    if (!ordered)
        return fail(ordered.error());
    claimed.ordered = *ordered;
    KeptInteraction answered = **kept;
    answered.answer = *answer;
    answered.answeredBy = claim.person;
    const auto told = tellAnswer(session, answered, claim.comment);
    if (!told)
        return fail(told.error());
    claimed.readies = *told;
    if (auto woken = wakeDelivery(session, (*kept)->deliveryId, *now); !woken)
        return fail(woken.error());
    return claimed;
}

Result<std::optional<ClaimedInteraction>> claimByReply(
    Session &session, const ClaimInteraction &claim, const QString &thread)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    QStringList ids;
    {
        auto rows = session.query(
            // In its thread, or in the thread that a card of the top level is the head of.
            "SELECT id FROM interactions WHERE installation_id = ? AND place = ? AND (thread = ? OR "
            "(thread = '' AND channel_ts <> '' AND channel_ts = ?)) AND "
            "resolved_at = 0 AND expires_at > ? AND (answerers = '*' OR REPLACE(answerers, ?, '') <> "
            "answerers) ORDER BY id LIMIT 10",
            claim.installationId, claim.place, thread, thread, *now, QString(u' ' + claim.person + u' '));
        if (!rows)
            return fail(rows.error());
        while (rows->next())
            ids << rows->text(0);
    }
    for (const QString &id : ids) {
        ClaimInteraction one = claim;
        one.id = id;
        const auto claimed = claimInteractionUnit(session, one);
        if (!claimed)
            return fail(claimed.error());
        if (claimed->outcome == ClaimOutcome::Won)
            return *claimed;
    }
    return std::nullopt;
}

Result<bool> resolveInteractionUnit(Session &session, const ResolveInteraction &resolve)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto kept = readInteraction(session, resolve.id);
    if (!kept)
        return fail(kept.error());
    if (!*kept)
        return false;
    if (auto locked = lockDelivery(session, (*kept)->deliveryId); !locked)
        return fail(locked.error());
    const auto closed = closeInteraction(session, **kept, resolve.state, resolve.code, *now);
    if (!closed)
        return fail(closed.error());
    if (*closed)
        return true;
    if (resolve.state == InteractionState::Withdrawn && (*kept)->state == InteractionState::Answered) {
        if (auto disowned = disown(session, **kept, resolve.code, *now); !disowned)
            return fail(disowned.error());
        return true;
    }
    return false;
}

Result<bool> acceptInteractionUnit(Session &session, const AcceptInteraction &accept)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    auto rows = session.query(
        "UPDATE interactions SET accepted_at = ?, updated_at = ?, engine_id = NULL, incarnation = NULL, "
        "rev = rev + 1 WHERE id = ? AND state = 'answered' AND accepted_at = 0 AND engine_id = ? AND "
        "incarnation = ? RETURNING rev",
        *now, *now, accept.id, accept.life.id, accept.life.incarnation);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return false;
    session.touch("interaction", accept.id, rows->number(0));
    return true;
}

Result<InteractionRow> interactionUnit(Session &session, const QString &id)
{
    const auto kept = readInteraction(session, id);
    if (!kept)
        return fail(kept.error());
    if (!*kept)
        return fail(ErrorCode::NotFound, u"there is no such interaction"_s);
    InteractionRow row;
    row.id = id;
    row.deliveryId = (*kept)->deliveryId;
    row.state = (*kept)->state;
    row.answer = (*kept)->answer;
    row.connection = (*kept)->connection;
    row.request = (*kept)->request;
    row.accepted = (*kept)->accepted;
    return row;
}

} // namespace signalbox::store
