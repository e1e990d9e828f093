// SPDX-License-Identifier: Apache-2.0
#include "store/sql_store_p.h"
#include "store/units.h"

// What operators see and do.

namespace signalbox::store {

QCoro::Task<Result<domain::Page<domain::SessionItem>>> SqlStore::listSessions(domain::ListQuery query)
{
    return read<domain::Page<domain::SessionItem>>(
        [query](Session &session) { return listSessionsUnit(session, query); });
}

QCoro::Task<Result<domain::Page<domain::DeliveryItem>>> SqlStore::listDeliveries(domain::ListQuery query)
{
    return read<domain::Page<domain::DeliveryItem>>(
        [query](Session &session) { return listDeliveriesUnit(session, query); });
}

QCoro::Task<Result<domain::DeliveryDetail>> SqlStore::deliveryDetail(QString id)
{
    return read<domain::DeliveryDetail>([id](Session &session) { return deliveryDetailUnit(session, id); });
}

QCoro::Task<Result<QList<domain::SessionItem>>> SqlStore::sessionItems(QStringList ids)
{
    return read<QList<domain::SessionItem>>(
        [ids](Session &session) { return sessionItemsUnit(session, ids); });
}

QCoro::Task<Result<QList<domain::DeliveryItem>>> SqlStore::deliveryItems(QStringList ids)
{
    return read<QList<domain::DeliveryItem>>(
        [ids](Session &session) { return deliveryItemsUnit(session, ids); });
}

QCoro::Task<Result<QList<domain::OutboundItem>>> SqlStore::outboundItems(QStringList ids)
{
    return read<QList<domain::OutboundItem>>(
        [ids](Session &session) { return outboundItemsUnit(session, ids); });
}

QCoro::Task<Result<StoreCounts>> SqlStore::counts()
{
    return read<StoreCounts>([](Session &session) { return countsUnit(session); });
}

QCoro::Task<Result<domain::ActionResult>> SqlStore::act(ActionOrder order)
{
    return write<domain::ActionResult>(Lane::Work, FailPlace::CommitOther,
        [order = std::move(order)](Session &session) { return actUnit(session, order); });
}

QCoro::Task<Result<domain::ActionResult>> SqlStore::answerOf(QString actor, QString key)
{
    return read<domain::ActionResult>(
        [actor, key](Session &session) { return answerUnit(session, actor, key); });
}

QCoro::Task<Result<domain::Page<domain::LockItem>>> SqlStore::listLocks(domain::ListQuery query)
{
    return read<domain::Page<domain::LockItem>>(
        [query](Session &session) { return listLocksUnit(session, query); });
}

QCoro::Task<Result<domain::Page<domain::AuditItem>>> SqlStore::listAudit(domain::ListQuery query)
{
    return read<domain::Page<domain::AuditItem>>(
        [query](Session &session) { return listAuditUnit(session, query); });
}

QCoro::Task<Result<QList<domain::AuditItem>>> SqlStore::auditItems(QStringList ids)
{
    return read<QList<domain::AuditItem>>([ids](Session &session) { return auditItemsUnit(session, ids); });
}

QCoro::Task<Result<QList<domain::PauseItem>>> SqlStore::pauses()
{
    return read<QList<domain::PauseItem>>([](Session &session) { return pausesUnit(session); });
}

QCoro::Task<Result<QList<domain::InstallationItem>>> SqlStore::installationItems()
{
    return read<QList<domain::InstallationItem>>(
        [](Session &session) { return installationItemsUnit(session); });
}

QCoro::Task<Result<QList<domain::EngineItem>>> SqlStore::engineItems()
{
    return read<QList<domain::EngineItem>>([](Session &session) { return engineItemsUnit(session); });
}

QCoro::Task<Result<domain::ExplainFacts>> SqlStore::explainFacts(QString deliveryId)
{
    return read<domain::ExplainFacts>(
        [deliveryId](Session &session) { return explainFactsUnit(session, deliveryId); });
}

} // namespace signalbox::store
