// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/operator_api.h"
#include "admin/operator_service.h"

#include <QPointer>

namespace signalbox::admin {

// OperatorApi for an engine in this process: every call runs on the engine's thread and its answer comes back
// by value. Lives on its user's thread; told by whoever owns the engine when there is one and when it is
// gone.
class LocalOperatorApi final : public OperatorApi
{
    Q_OBJECT
public:
    explicit LocalOperatorApi(QObject *parent = nullptr);

    // On the user's thread. The service may die on its own thread at any time; calls answer Unavailable then.
    void attach(OperatorService *service);
    void detach(const QString &reason);

    [[nodiscard]] ConnectionState connectionState() const override { return m_state; }
    [[nodiscard]] QString connectionReason() const override { return m_reason; }
    [[nodiscard]] QCoro::Task<Result<EngineStatus>> status() override;
    [[nodiscard]] QCoro::Task<Result<Page<SessionItem>>> sessions(ListQuery query) override;
    [[nodiscard]] QCoro::Task<Result<Page<DeliveryItem>>> deliveries(ListQuery query) override;
    [[nodiscard]] QCoro::Task<Result<SessionItem>> session(QString id) override;
    [[nodiscard]] QCoro::Task<Result<DeliveryDetail>> delivery(QString id) override;
    [[nodiscard]] QCoro::Task<Result<Page<RuntimeItem>>> runtimes(ListQuery query) override;
    [[nodiscard]] QCoro::Task<Result<RuntimeItem>> runtime(QString id) override;
    [[nodiscard]] QCoro::Task<Result<Page<LifecycleEventItem>>> lifecycleEvents(ListQuery query) override;
    [[nodiscard]] QCoro::Task<Result<LifecycleEventItem>> lifecycleEvent(QString id) override;
    [[nodiscard]] QCoro::Task<Result<ForwardItem>> replayLifecycleEvent(
        QString id, QString backend, QString actor, QString reason) override;
    // The actor is the system's user.
    [[nodiscard]] QCoro::Task<Result<domain::ActionResult>> act(domain::ActionRequest request) override;
    [[nodiscard]] QCoro::Task<Result<domain::ActionResult>> answerOf(QString key) override;
    [[nodiscard]] QCoro::Task<Result<Page<domain::LockItem>>> locks(ListQuery query) override;
    [[nodiscard]] QCoro::Task<Result<Page<domain::AuditItem>>> audit(ListQuery query) override;
    [[nodiscard]] QCoro::Task<Result<QList<domain::InstallationItem>>> installations() override;
    [[nodiscard]] QCoro::Task<Result<QList<domain::BackendItem>>> backends() override;
    [[nodiscard]] QCoro::Task<Result<QList<domain::EngineItem>>> engines() override;
    [[nodiscard]] QCoro::Task<Result<Page<domain::InteractionItem>>> interactions(ListQuery query) override;
    [[nodiscard]] QCoro::Task<Result<domain::InteractionItem>> interaction(QString id) override;
    [[nodiscard]] QCoro::Task<Result<domain::Explanation>> explain(QString deliveryId) override;
    void watch(QStringList kinds) override;

private:
    template <class T, class Call>
    [[nodiscard]] QCoro::Task<Result<T>> ask(Call call);
    // Set and cleared on the user's thread; dereferenced on the engine's thread alone.
    OperatorService *m_service = nullptr;
    ConnectionState m_state = ConnectionState::Connecting;
    QString m_reason;
    QStringList m_kinds;
};

} // namespace signalbox::admin
