// SPDX-License-Identifier: Apache-2.0
#include "domain/interaction_card.h"
#include "store/action_records.h"
#include "store/interaction_rows.h"
#include "store/units.h"

using namespace Qt::StringLiterals;
using signalbox::domain::ActionResult;
using signalbox::domain::ClaimOutcome;
using signalbox::domain::InteractionState;

// What operators do about questions: the same units as a click's, in the name of the operator.

namespace signalbox::store {

namespace {

Error refusalOf(ClaimOutcome outcome)
{
    switch (outcome) {
    case ClaimOutcome::Unknown:
        return Error(ErrorCode::NotFound, u"there is no such interaction"_s);
    case ClaimOutcome::NoSuchOption:
        return Error(ErrorCode::InvalidInput, u"there is no such option"_s, u"bad_request"_s);
    case ClaimOutcome::Late:
        return Error(ErrorCode::Conflict, u"its time is over"_s, u"expired"_s);
    case ClaimOutcome::Answered:
        return Error(ErrorCode::Conflict, u"somebody has answered it already"_s, u"answered"_s);
    case ClaimOutcome::Won:
    case ClaimOutcome::Elsewhere:
    case ClaimOutcome::NotAllowed:
    case ClaimOutcome::Closed:
        break;
    }
    return Error(ErrorCode::Conflict, u"it is closed"_s, u"closed"_s);
}

Result<KeptInteraction> claimable(Session &session, const QString &id)
{
    const auto kept = readInteraction(session, id);
    if (!kept)
        return fail(kept.error());
    if (!*kept)
        return fail(refusalOf(ClaimOutcome::Unknown));
    if ((*kept)->state == InteractionState::Answered)
        return fail(refusalOf(ClaimOutcome::Answered));
    if (!domain::isClaimable((*kept)->state))
        return fail(refusalOf(ClaimOutcome::Closed));
    return **kept;
}

ActionResult resultOf(const QString &id, const QString &state)
{
    ActionResult result;
    result.id = id;
    result.state = state;
    result.posts = true;
    return result;
}

} // namespace

Result<ActionResult> answerInteraction(Session &session, const ActionOrder &order)
{
    ClaimInteraction claim;
    claim.id = order.request.id;
    claim.claimId = order.auditId;
    claim.person = u"operator:"_s + QString(order.request.actor).replace(u' ', u'_');
    claim.isOperator = true;
    claim.comment = order.request.comment;
    bool isNumber = false;
    const int number
        = order.request.option.startsWith(u'#') ? order.request.option.mid(1).toInt(&isNumber) : 0;
    if (isNumber)
        claim.option = number - 1;
    else
        claim.optionId = order.request.option;
    if (isNumber && number < 1)
        return fail(refusalOf(ClaimOutcome::NoSuchOption));
    const auto claimed = claimInteractionUnit(session, claim);
    if (!claimed)
        return fail(claimed.error());
    if (claimed->outcome != ClaimOutcome::Won)
        return fail(refusalOf(claimed->outcome));
    ActionResult result = resultOf(claim.id, u"answered"_s);
    result.orders = claimed->ordered;
    result.wakes = true;
    return result;
}

Result<ActionResult> cancelInteraction(Session &session, const ActionOrder &order)
{
    const auto kept = claimable(session, order.request.id);
    if (!kept)
        return fail(kept.error());
    ResolveInteraction resolve;
    resolve.id = order.request.id;
    resolve.state = InteractionState::Cancelled;
    resolve.code = u"cancelled"_s;
    const auto resolved = resolveInteractionUnit(session, resolve);
    if (!resolved)
        return fail(resolved.error());
    if (!*resolved)
        return fail(refusalOf(ClaimOutcome::Closed));
    ActionResult result = resultOf(resolve.id, u"cancelled"_s);
    result.orders = !kept->holder.id.isEmpty();
    return result;
}

Result<ActionResult> repostInteraction(Session &session, const ActionOrder &order)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto kept = claimable(session, order.request.id);
    if (!kept)
        return fail(kept.error());
    if (kept->channelTs.isEmpty())
        return fail(Error(ErrorCode::Conflict, u"its card is on its way already"_s, u"posting"_s));
    OutboundDraft before = cardDraft(*kept, *now);
    before.id = order.noticeId;
    before.purpose = u"card_moved:"_s + order.auditId;
    before.op = domain::OutboundOp::Edit;
    before.targetTs = kept->channelTs;
    before.body = domain::movedCardBody(kept->card).toBytes();
    OutboundDraft again = cardDraft(*kept, *now);
    again.id = order.ackRemovalId;
    again.purpose = u"card_again:"_s + order.auditId;
    again.body = domain::cardBody(kept->card).toBytes();
    {
        auto rows = session.query(
            "UPDATE interactions SET state = 'posting', channel_ts = '', updated_at = ?, rev = rev + 1 "
            "WHERE id = ? AND state IN ('posting', 'open') AND channel_ts = ? RETURNING rev",
            *now, kept->id, kept->channelTs);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return fail(refusalOf(ClaimOutcome::Closed));
        session.touch("interaction", kept->id, rows->number(0));
    }
    for (const OutboundDraft &draft : {before, again}) {
        if (auto posted = insertOutbound(session, draft); !posted)
            return fail(posted.error());
    }
    return resultOf(kept->id, u"posting"_s);
}

} // namespace signalbox::store
