// SPDX-License-Identifier: Apache-2.0
#include "admin/local_operator_api.h"

#include "async/run_on.h"

#include <pwd.h>
#include <unistd.h>

using namespace Qt::StringLiterals;

namespace signalbox::admin {

namespace {
Error goneError()
{
    return Error(ErrorCode::Unavailable, u"the engine is not running"_s, u"no_engine"_s);
}

QString localActor()
{
    const passwd *user = getpwuid(getuid());
    return u"user:"_s + (user ? QString::fromLocal8Bit(user->pw_name) : QString::number(getuid()));
}
} // namespace

LocalOperatorApi::LocalOperatorApi(QObject *parent)
    : OperatorApi(parent)
{
    qRegisterMetaType<QList<domain::Change>>();
    qRegisterMetaType<domain::EngineStatus>();
}

void LocalOperatorApi::attach(OperatorService *service)
{
    m_service = service;
    connect(service, &OperatorService::changed, this, &LocalOperatorApi::changed);
    connect(service, &OperatorService::statusChanged, this, &LocalOperatorApi::statusChanged);
    connect(service, &OperatorService::gap, this, &LocalOperatorApi::gap);
    m_state = ConnectionState::Live;
    m_reason.clear();
    watch(m_kinds);
    Q_EMIT connectionChanged();
}

void LocalOperatorApi::detach(const QString &reason)
{
    if (m_service)
        disconnect(m_service, nullptr, this, nullptr);
    m_service = nullptr;
    m_state = ConnectionState::Disconnected;
    m_reason = reason;
    Q_EMIT connectionChanged();
}

template <class T, class Call>
QCoro::Task<Result<T>> LocalOperatorApi::ask(Call call)
{
    if (!m_service)
        co_return fail(goneError());
    Result<T> gone = fail(goneError());
    co_return co_await async::runOnThread(m_service, std::move(call), std::move(gone));
}

QCoro::Task<Result<EngineStatus>> LocalOperatorApi::status()
{
    OperatorService *service = m_service;
    return ask<EngineStatus>([service] { return service->status(); });
}

QCoro::Task<Result<Page<SessionItem>>> LocalOperatorApi::sessions(ListQuery query)
{
    OperatorService *service = m_service;
    return ask<Page<SessionItem>>([service, query] { return service->sessions(query); });
}

QCoro::Task<Result<Page<DeliveryItem>>> LocalOperatorApi::deliveries(ListQuery query)
{
    OperatorService *service = m_service;
    return ask<Page<DeliveryItem>>([service, query] { return service->deliveries(query); });
}

QCoro::Task<Result<SessionItem>> LocalOperatorApi::session(QString id)
{
    OperatorService *service = m_service;
    return ask<SessionItem>([service, id] { return service->session(id); });
}

QCoro::Task<Result<DeliveryDetail>> LocalOperatorApi::delivery(QString id)
{
    OperatorService *service = m_service;
    return ask<DeliveryDetail>([service, id] { return service->delivery(id); });
}

QCoro::Task<Result<Page<RuntimeItem>>> LocalOperatorApi::runtimes(ListQuery query)
{
    OperatorService *service = m_service;
    return ask<Page<RuntimeItem>>([service, query] { return service->runtimes(query); });
}

QCoro::Task<Result<RuntimeItem>> LocalOperatorApi::runtime(QString id)
{
    OperatorService *service = m_service;
    return ask<RuntimeItem>([service, id] { return service->runtime(id); });
}

QCoro::Task<Result<Page<LifecycleEventItem>>> LocalOperatorApi::lifecycleEvents(ListQuery query)
{
    OperatorService *service = m_service;
    return ask<Page<LifecycleEventItem>>([service, query] { return service->lifecycleEvents(query); });
}

QCoro::Task<Result<LifecycleEventItem>> LocalOperatorApi::lifecycleEvent(QString id)
{
    OperatorService *service = m_service;
    return ask<LifecycleEventItem>([service, id] { return service->lifecycleEvent(id); });
}

QCoro::Task<Result<ForwardItem>> LocalOperatorApi::replayLifecycleEvent(
    QString id, QString backend, QString actor, QString reason)
{
    if (actor.isEmpty())
        actor = localActor();
    OperatorService *service = m_service;
    return ask<ForwardItem>([service, id, backend, actor, reason] {
        return service->replayLifecycleEvent(id, backend, actor, reason);
    });
}

QCoro::Task<Result<domain::ActionResult>> LocalOperatorApi::act(domain::ActionRequest request)
{
    request.actor = localActor();
    OperatorService *service = m_service;
    return ask<domain::ActionResult>([service, request] { return service->act(request); });
}

QCoro::Task<Result<domain::ActionResult>> LocalOperatorApi::answerOf(QString key)
{
    OperatorService *service = m_service;
    const QString actor = localActor();
    return ask<domain::ActionResult>([service, actor, key] { return service->answerOf(actor, key); });
}

QCoro::Task<Result<Page<domain::LockItem>>> LocalOperatorApi::locks(ListQuery query)
{
    OperatorService *service = m_service;
    return ask<Page<domain::LockItem>>([service, query] { return service->locks(query); });
}

QCoro::Task<Result<Page<domain::AuditItem>>> LocalOperatorApi::audit(ListQuery query)
{
    OperatorService *service = m_service;
    return ask<Page<domain::AuditItem>>([service, query] { return service->audit(query); });
}

QCoro::Task<Result<QList<domain::InstallationItem>>> LocalOperatorApi::installations()
{
    OperatorService *service = m_service;
    return ask<QList<domain::InstallationItem>>([service] { return service->installations(); });
}

QCoro::Task<Result<QList<domain::BackendItem>>> LocalOperatorApi::backends()
{
    OperatorService *service = m_service;
    return ask<QList<domain::BackendItem>>([service] { return service->backends(); });
}

QCoro::Task<Result<QList<domain::EngineItem>>> LocalOperatorApi::engines()
{
    OperatorService *service = m_service;
    return ask<QList<domain::EngineItem>>([service] { return service->engines(); });
}

QCoro::Task<Result<Page<domain::InteractionItem>>> LocalOperatorApi::interactions(ListQuery query)
{
    OperatorService *service = m_service;
    return ask<Page<domain::InteractionItem>>([service, query] { return service->interactions(query); });
}

QCoro::Task<Result<domain::InteractionItem>> LocalOperatorApi::interaction(QString id)
{
    OperatorService *service = m_service;
    return ask<domain::InteractionItem>([service, id] { return service->interaction(id); });
}

QCoro::Task<Result<domain::Explanation>> LocalOperatorApi::explain(QString deliveryId)
{
    OperatorService *service = m_service;
    return ask<domain::Explanation>([service, deliveryId] { return service->explain(deliveryId); });
}

void LocalOperatorApi::watch(QStringList kinds)
{
    m_kinds = kinds;
    OperatorService *service = m_service;
    if (!service)
        return;
    QMetaObject::invokeMethod(
        service, [service, kinds] { service->watch(kinds); }, Qt::QueuedConnection);
}

} // namespace signalbox::admin
