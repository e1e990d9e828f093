// SPDX-License-Identifier: Apache-2.0
#include "admin/operator_service.h"

using namespace Qt::StringLiterals;

namespace signalbox::admin {

namespace {

template <class T>
QCoro::Task<Result<T>> refuse(Error error)
{
    co_return fail(std::move(error));
}

Error notCarriedOut()
{
    return Error(ErrorCode::Unavailable, u"the engine does not take actions now"_s, u"no_engine"_s);
}

Status checkLimit(const domain::ListQuery &query)
{
    if (query.limit < 1 || query.limit > 500)
        return fail(ErrorCode::InvalidInput, u"limit must be between 1 and 500"_s);
    return {};
}

} // namespace

QCoro::Task<Result<domain::ActionResult>> OperatorService::act(domain::ActionRequest request)
{
    if (!m_actor.act)
        return refuse<domain::ActionResult>(notCarriedOut());
    return m_actor.act(std::move(request));
}

QCoro::Task<Result<domain::ActionResult>> OperatorService::answerOf(QString actor, QString key)
{
    return m_store.answerOf(std::move(actor), std::move(key));
}

QCoro::Task<Result<domain::Page<domain::LockItem>>> OperatorService::locks(domain::ListQuery query)
{
    if (auto checked = checkLimit(query); !checked)
        return refuse<domain::Page<domain::LockItem>>(checked.error());
    return m_store.listLocks(std::move(query));
}

QCoro::Task<Result<domain::Page<domain::AuditItem>>> OperatorService::audit(domain::ListQuery query)
{
    if (auto checked = checkLimit(query); !checked)
        return refuse<domain::Page<domain::AuditItem>>(checked.error());
    return m_store.listAudit(std::move(query));
}

QCoro::Task<Result<QList<domain::InstallationItem>>> OperatorService::installations()
{
    return m_store.installationItems();
}

QCoro::Task<Result<QList<domain::BackendItem>>> OperatorService::backends()
{
    if (!m_actor.backends)
        return refuse<QList<domain::BackendItem>>(notCarriedOut());
    return m_actor.backends();
}

QCoro::Task<Result<QList<domain::EngineItem>>> OperatorService::engines()
{
    return m_store.engineItems();
}

QCoro::Task<Result<domain::Explanation>> OperatorService::explain(QString deliveryId)
{
    const auto facts = co_await m_store.explainFacts(std::move(deliveryId));
    if (!facts)
        co_return fail(facts.error());
    co_return domain::explain(*facts);
}

} // namespace signalbox::admin
