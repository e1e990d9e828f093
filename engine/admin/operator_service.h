// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/feed_hub.h"
#include "async/task_scope.h"
#include "base/ids.h"
#include "domain/change.h"
#include "store/store.h"

#include <QElapsedTimer>
#include <QHash>
#include <QObject>
#include <QTimer>

#include <functional>

namespace signalbox::admin {

// The engine's side of OperatorApi: lists, single items, vitals, and for the console in this process what the
// feed hub reads. Engine thread; LocalOperatorApi brings its answers to other threads, the admin
// routes to HTTP.
class OperatorService : public QObject
{
    Q_OBJECT
public:
    // `vitals` fills in what the store does not know (addresses, readiness, what runs).
    using Vitals = std::function<void(domain::EngineStatus &)>;
    OperatorService(store::Store &store, const Clock &clock, Vitals vitals);

    void start();
    [[nodiscard]] QCoro::Task<> stop();

    // Vitals without the database.
    void fillVitals(domain::EngineStatus &status) const;
    // Vitals, and whether the database answers: one trivial read a second at most, shared by everybody who
    // asks, and not waited for longer than two seconds. Never counts rows. This is /readyz.
    [[nodiscard]] QCoro::Task<domain::EngineStatus> readiness();
    // Never an error: while the database is away, ready is false and says so.
    [[nodiscard]] QCoro::Task<Result<domain::EngineStatus>> status();
    [[nodiscard]] QCoro::Task<Result<domain::Page<domain::SessionItem>>> sessions(domain::ListQuery query);
    [[nodiscard]] QCoro::Task<Result<domain::Page<domain::DeliveryItem>>> deliveries(domain::ListQuery query);
    [[nodiscard]] QCoro::Task<Result<domain::SessionItem>> session(QString id);
    [[nodiscard]] QCoro::Task<Result<domain::DeliveryDetail>> delivery(QString id);
    [[nodiscard]] QCoro::Task<Result<domain::Page<domain::RuntimeItem>>> runtimes(domain::ListQuery query);
    [[nodiscard]] QCoro::Task<Result<domain::RuntimeItem>> runtime(QString id);
    [[nodiscard]] QCoro::Task<Result<domain::Page<domain::LifecycleEventItem>>> lifecycleEvents(
        domain::ListQuery query);
    [[nodiscard]] QCoro::Task<Result<domain::LifecycleEventItem>> lifecycleEvent(QString id);
    [[nodiscard]] QCoro::Task<Result<domain::ForwardItem>> replayLifecycleEvent(
        QString id, QString backend, QString actor, QString reason);
    void watch(QStringList kinds);
    // Where the change feed stands, as text: what as_of of a list says that is read after it.
    [[nodiscard]] QCoro::Task<Result<QString>> feedHead();
    [[nodiscard]] FeedHub &hub() { return m_hub; }
    [[nodiscard]] store::Store &store() { return m_store; }
    [[nodiscard]] const Clock &clock() const { return m_clock; }
    // Tells the counts soon, unless they were told within the last second.
    void wantStatus();

    // Who carries actions out; without it they answer Unavailable. Outlives this service's stop().
    struct Actor
    {
        Actor() = default;
        std::function<QCoro::Task<Result<domain::ActionResult>>(domain::ActionRequest)> act;
        std::function<QCoro::Task<Result<QList<domain::BackendItem>>>()> backends;
    };
    void setActor(Actor actor) { m_actor = std::move(actor); }
    [[nodiscard]] QCoro::Task<Result<domain::ActionResult>> act(domain::ActionRequest request);
    [[nodiscard]] QCoro::Task<Result<domain::ActionResult>> answerOf(QString actor, QString key);
    [[nodiscard]] QCoro::Task<Result<domain::Page<domain::LockItem>>> locks(domain::ListQuery query);
    [[nodiscard]] QCoro::Task<Result<domain::Page<domain::AuditItem>>> audit(domain::ListQuery query);
    [[nodiscard]] QCoro::Task<Result<QList<domain::InstallationItem>>> installations();
    [[nodiscard]] QCoro::Task<Result<QList<domain::BackendItem>>> backends();
    [[nodiscard]] QCoro::Task<Result<QList<domain::EngineItem>>> engines();
    [[nodiscard]] QCoro::Task<Result<domain::Page<domain::InteractionItem>>> interactions(
        domain::ListQuery query);
    [[nodiscard]] QCoro::Task<Result<domain::InteractionItem>> interaction(QString id);
    [[nodiscard]] QCoro::Task<Result<domain::Explanation>> explain(QString deliveryId);

Q_SIGNALS:
    void changed(const QList<signalbox::domain::Change> &changes);
    void statusChanged(const signalbox::domain::EngineStatus &status);
    void gap();
    void pinged();

private:
    [[nodiscard]] QCoro::Task<> ping();
    [[nodiscard]] bool isPingFresh() const;
    [[nodiscard]] QCoro::Task<> pulse();
    [[nodiscard]] QCoro::Task<> tellStatus();
    void take(const QList<domain::Change> &changes);
    void flush();
    // A list with where the feed stood before it was read.
    template <class Item>
    [[nodiscard]] QCoro::Task<Result<domain::Page<Item>>> listed(
        QCoro::Task<Result<domain::Page<Item>>> (store::Store::*list)(domain::ListQuery),
        domain::ListQuery query);
    store::Store &m_store;
    const Clock &m_clock;
    SystemIdGenerator m_ids;
    Vitals m_vitals;
    Actor m_actor;
    bool m_watched = false; // by the console
    QHash<QString, domain::Change> m_coming; // newest of each row, until the next batch
    QTimer m_batch;
    QElapsedTimer m_lastBatch;
    QElapsedTimer m_lastStatus;
    bool m_changed = true;
    bool m_pinging = false;
    bool m_databaseAnswers = false; // as of the last ping
    std::optional<Millis> m_pingedAt; // boot time
    async::TaskScope m_scope;
    FeedHub m_hub;
};

} // namespace signalbox::admin
