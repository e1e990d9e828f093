// SPDX-License-Identifier: Apache-2.0
#include "admin/operator_api.h"

namespace signalbox::admin {

namespace {

template <class T>
QCoro::Task<Result<T>> unsupported()
{
    co_return fail(ErrorCode::Unsupported, QStringLiteral("this connection cannot do that"));
}

} // namespace

QCoro::Task<Result<domain::ActionResult>> OperatorApi::act(domain::ActionRequest)
{
    return unsupported<domain::ActionResult>();
}

QCoro::Task<Result<domain::ActionResult>> OperatorApi::answerOf(QString)
{
    return unsupported<domain::ActionResult>();
}

QCoro::Task<Result<Page<domain::LockItem>>> OperatorApi::locks(ListQuery)
{
    return unsupported<Page<domain::LockItem>>();
}

QCoro::Task<Result<Page<domain::AuditItem>>> OperatorApi::audit(ListQuery)
{
    return unsupported<Page<domain::AuditItem>>();
}

QCoro::Task<Result<QList<domain::InstallationItem>>> OperatorApi::installations()
{
    return unsupported<QList<domain::InstallationItem>>();
}

QCoro::Task<Result<QList<domain::BackendItem>>> OperatorApi::backends()
{
    return unsupported<QList<domain::BackendItem>>();
}

QCoro::Task<Result<QList<domain::EngineItem>>> OperatorApi::engines()
{
    return unsupported<QList<domain::EngineItem>>();
}

QCoro::Task<Result<Page<domain::InteractionItem>>> OperatorApi::interactions(ListQuery)
{
    return unsupported<Page<domain::InteractionItem>>();
}

QCoro::Task<Result<domain::InteractionItem>> OperatorApi::interaction(QString)
{
    return unsupported<domain::InteractionItem>();
}

QCoro::Task<Result<domain::Explanation>> OperatorApi::explain(QString)
{
    return unsupported<domain::Explanation>();
}

} // namespace signalbox::admin
