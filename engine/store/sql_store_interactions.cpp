// SPDX-License-Identifier: Apache-2.0
#include "store/sql_store_p.h"
#include "store/units.h"

namespace signalbox::store {

QCoro::Task<Result<StoredInteraction>> SqlStore::storeInteraction(NewInteraction asked)
{
    return write<StoredInteraction>(Lane::Work, FailPlace::CommitStoreInteraction,
        [asked](Session &session) { return storeInteractionUnit(session, asked); });
}

// In the ingest lane: a person and a channel wait for it.
QCoro::Task<Result<ClaimedInteraction>> SqlStore::claimInteraction(ClaimInteraction claim)
{
    return write<ClaimedInteraction>(Lane::Ingest, FailPlace::CommitClaimInteraction,
        [claim](Session &session) { return claimInteractionUnit(session, claim); });
}

QCoro::Task<Result<bool>> SqlStore::resolveInteraction(ResolveInteraction resolve)
{
    return write<bool>(Lane::Work, FailPlace::CommitOther,
        [resolve](Session &session) { return resolveInteractionUnit(session, resolve); });
}

QCoro::Task<Result<bool>> SqlStore::acceptInteraction(AcceptInteraction accept)
{
    return write<bool>(Lane::Work, FailPlace::CommitOther,
        [accept](Session &session) { return acceptInteractionUnit(session, accept); });
}

// Looks first: most of the time there is nothing to write.
QCoro::Task<Result<ClosedInteractions>> SqlStore::expireInteractions(int most)
{
    const auto any = co_await read<bool>([](Session &session) { return anyExpired(session); });
    if (!any)
        co_return fail(any.error());
    if (!*any)
        co_return ClosedInteractions();
    Unit<ClosedInteractions> unit
        = [most](Session &session) { return expireInteractionsUnit(session, most); };
    co_return co_await write<ClosedInteractions>(Lane::Work, FailPlace::CommitOther, std::move(unit));
}

QCoro::Task<Result<ClosedInteractions>> SqlStore::withdrawInteractions(QString deliveryId)
{
    return write<ClosedInteractions>(Lane::Work, FailPlace::CommitOther,
        [deliveryId](Session &session) { return withdrawOfDelivery(session, deliveryId); });
}

QCoro::Task<Result<InteractionRow>> SqlStore::interaction(QString id)
{
    return read<InteractionRow>([id](Session &session) { return interactionUnit(session, id); });
}

QCoro::Task<Result<domain::Page<domain::InteractionItem>>> SqlStore::listInteractions(domain::ListQuery query)
{
    return read<domain::Page<domain::InteractionItem>>(
        [query](Session &session) { return listInteractionsUnit(session, query); });
}

QCoro::Task<Result<QList<domain::InteractionItem>>> SqlStore::interactionItems(QStringList ids)
{
    return read<QList<domain::InteractionItem>>(
        [ids](Session &session) { return interactionItemsUnit(session, ids); });
}

// In the ingest lane: a caller waits for its 2xx.
QCoro::Task<Result<AskedQuestion>> SqlStore::askQuestion(AskQuestion ask)
{
    return write<AskedQuestion>(Lane::Ingest, FailPlace::CommitOther,
        [ask](Session &session) { return askQuestionUnit(session, ask); });
}

QCoro::Task<Result<QuestionView>> SqlStore::question(QString id)
{
    return read<QuestionView>([id](Session &session) { return questionUnit(session, id); });
}

QCoro::Task<Result<bool>> SqlStore::acceptAnswer(QString id)
{
    return write<bool>(
        Lane::Work, FailPlace::CommitOther, [id](Session &session) { return acceptAnswerUnit(session, id); });
}

} // namespace signalbox::store
