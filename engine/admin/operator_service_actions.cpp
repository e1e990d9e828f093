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
