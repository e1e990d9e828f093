// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/operator_api.h"
#include "async/completion.h"

#include <QHash>
#include <QStringList>
#include <QTimer>

#include <functional>
#include <optional>

namespace signalbox::testing {

// An OperatorApi whose rows, changes, failures and delays a test writes down. Answers come through the event
// loop, after `delay`, or not at all while held. Pages are keyset pages over (created, id), as the real ones
// are. UI thread.
class FakeOperatorApi final : public admin::OperatorApi
{
    Q_OBJECT
public:
    explicit FakeOperatorApi(QObject *parent = nullptr);
    // Lets every question that still waits end as Cancelled.
    ~FakeOperatorApi() override;

    // What the engine holds. Adding and replacing push nothing; push() does both.
    void add(const domain::SessionItem &item);
    void add(const domain::DeliveryItem &item);
    void setDetail(const domain::DeliveryDetail &detail);
    void removeDelivery(const QString &id);
    // The newest first as they were created.
    [[nodiscard]] const domain::DeliveryItem &deliveryAt(qsizetype index) const
    {
        return m_deliveries.at(index);
    }
    [[nodiscard]] qsizetype deliveryCount() const { return m_deliveries.size(); }

    // Stores and sends on the stream, if that kind is watched.
    void push(const domain::DeliveryItem &item);
    void push(const domain::SessionItem &item);
    void push(const domain::OutboundItem &item);
    void pushStatus(const domain::EngineStatus &status);
    void loseStream() { Q_EMIT gap(); }
    void setConnection(admin::ConnectionState state, const QString &reason = {});

    void setDelay(Millis delay) { m_delay = delay; }
    // Questions wait until release(): an engine that never answers.
    void hold() { m_held = true; }
    void release();
    // The next `count` questions fail so.
    void failNext(const Error &error, int count = 1);

    [[nodiscard]] int listCalls() const { return m_listCalls; }
    [[nodiscard]] int detailCalls() const { return m_detailCalls; }
    [[nodiscard]] int waiting() const { return static_cast<int>(m_waiting.size()); }
    [[nodiscard]] const QStringList &watched() const { return m_watched; }
    [[nodiscard]] const domain::ListQuery &lastQuery() const { return m_lastQuery; }

    [[nodiscard]] admin::ConnectionState connectionState() const override { return m_connection; }
    [[nodiscard]] QString connectionReason() const override { return m_reason; }
    [[nodiscard]] QCoro::Task<Result<domain::EngineStatus>> status() override;
    [[nodiscard]] QCoro::Task<Result<domain::Page<domain::SessionItem>>> sessions(
        domain::ListQuery query) override;
    [[nodiscard]] QCoro::Task<Result<domain::Page<domain::DeliveryItem>>> deliveries(
        domain::ListQuery query) override;
    [[nodiscard]] QCoro::Task<Result<domain::SessionItem>> session(QString id) override;
    [[nodiscard]] QCoro::Task<Result<domain::DeliveryDetail>> delivery(QString id) override;
    // Runtimes and lifecycle events: few rows, one page.
    void add(const domain::RuntimeItem &item) { m_runtimes.prepend(item); }
    void add(const domain::LifecycleEventItem &item) { m_events.prepend(item); }
    void push(const domain::RuntimeItem &item);
    [[nodiscard]] QCoro::Task<Result<domain::Page<domain::RuntimeItem>>> runtimes(
        domain::ListQuery query) override;
    [[nodiscard]] QCoro::Task<Result<domain::RuntimeItem>> runtime(QString id) override;
    [[nodiscard]] QCoro::Task<Result<domain::Page<domain::LifecycleEventItem>>> lifecycleEvents(
        domain::ListQuery query) override;
    [[nodiscard]] QCoro::Task<Result<domain::LifecycleEventItem>> lifecycleEvent(QString id) override;
    [[nodiscard]] QCoro::Task<Result<domain::ForwardItem>> replayLifecycleEvent(
        QString id, QString backend, QString actor, QString reason) override;
    struct Replay
    {
        Replay() = default;
        QString id;
        QString backend;
        QString reason;
    };
    [[nodiscard]] const QList<Replay> &replays() const { return m_replays; }
    // What was asked for, and what the answers are.
    [[nodiscard]] const QList<domain::ActionRequest> &acts() const { return m_acts; }
    domain::ActionResult actResult;
    QList<domain::LockItem> lockItems; // newest first
    QList<domain::InstallationItem> installationItems;
    QList<domain::EngineItem> engineItems;
    QList<domain::InteractionItem> interactionItems;
    QList<domain::AuditItem> auditItems; // newest first
    QHash<QString, domain::ActionResult> answers; // by key
    // Stores and sends on the stream, if that kind is watched; an installation's change is of `rev`.
    void push(const domain::InstallationItem &item, qint64 rev);
    void push(const domain::EngineItem &item);
    void push(const domain::InteractionItem &item);
    void push(const domain::AuditItem &item);
    [[nodiscard]] const QStringList &keysAsked() const { return m_keysAsked; }
    QList<domain::BackendItem> backendItems;
    domain::Explanation explanation;
    [[nodiscard]] QCoro::Task<Result<domain::ActionResult>> act(domain::ActionRequest request) override;
    [[nodiscard]] QCoro::Task<Result<domain::ActionResult>> answerOf(QString key) override;
    [[nodiscard]] QCoro::Task<Result<domain::Page<domain::AuditItem>>> audit(
        domain::ListQuery query) override;
    [[nodiscard]] QCoro::Task<Result<domain::Page<domain::LockItem>>> locks(domain::ListQuery query) override;
    [[nodiscard]] QCoro::Task<Result<QList<domain::InstallationItem>>> installations() override;
    [[nodiscard]] QCoro::Task<Result<QList<domain::EngineItem>>> engines() override;
    [[nodiscard]] QCoro::Task<Result<domain::Page<domain::InteractionItem>>> interactions(
        domain::ListQuery query) override;
    [[nodiscard]] QCoro::Task<Result<domain::InteractionItem>> interaction(QString id) override;
    [[nodiscard]] QCoro::Task<Result<QList<domain::BackendItem>>> backends() override;
    [[nodiscard]] QCoro::Task<Result<domain::Explanation>> explain(QString deliveryId) override;
    void watch(QStringList kinds) override { m_watched = std::move(kinds); }

private:
    // Ends when the question may be answered; an error when it is to fail.
    [[nodiscard]] QCoro::Task<std::optional<Error>> gate();
    void answerLater();

    QList<domain::SessionItem> m_sessions; // newest first
    QList<domain::DeliveryItem> m_deliveries;
    QList<domain::RuntimeItem> m_runtimes;
    QList<domain::LifecycleEventItem> m_events;
    QHash<QString, domain::DeliveryDetail> m_details;
    QList<async::Completion<std::optional<Error>>> m_waiting;
    QList<Error> m_failures;
    QList<domain::ActionRequest> m_acts;
    QList<Replay> m_replays;
    QStringList m_keysAsked;
    QStringList m_watched;
    domain::ListQuery m_lastQuery;
    domain::EngineStatus m_status;
    admin::ConnectionState m_connection = admin::ConnectionState::Live;
    QString m_reason;
    Millis m_delay{0};
    bool m_held = false;
    int m_listCalls = 0;
    int m_detailCalls = 0;
};

} // namespace signalbox::testing
