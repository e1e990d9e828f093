// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "domain/change.h"

#include <QCoro/QCoroTask>
#include <QObject>

namespace signalbox::admin {

using domain::Change;
using domain::DeliveryDetail;
using domain::DeliveryItem;
using domain::EngineStatus;
using domain::ForwardItem;
using domain::LifecycleEventItem;
using domain::ListQuery;
using domain::Page;
using domain::RuntimeItem;
using domain::SessionItem;

// How this port is connected to its engine. The embedded engine goes Connecting → Synchronising → Live and,
// when it fails or stops, Disconnected with a reason.
enum class ConnectionState { Disconnected, Connecting, Synchronising, Live, Reconnecting };

// Everything that an operator sees and does, for the console, the HTTP API and the command line alike
// (DESIGN.md "Operator actions"). Lives on the thread of its user (the UI thread in the console); an
// implementation does its work elsewhere and brings finished value types back, so that no call ever blocks.
// Implementations: LocalOperatorApi (the engine in this process); a remote client over HTTP comes with the
// complete operator API.
//
// A list and the stream of changes join without a gap when the stream is subscribed to before the list is
// asked for, and older revisions of a row are dropped.
class OperatorApi : public QObject
{
    Q_OBJECT
public:
    using QObject::QObject;

    [[nodiscard]] virtual ConnectionState connectionState() const = 0;
    // For people, when Disconnected or Reconnecting.
    [[nodiscard]] virtual QString connectionReason() const = 0;

    [[nodiscard]] virtual QCoro::Task<Result<EngineStatus>> status() = 0;
    [[nodiscard]] virtual QCoro::Task<Result<Page<SessionItem>>> sessions(ListQuery query) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<Page<DeliveryItem>>> deliveries(ListQuery query) = 0;
    // NotFound when there is none.
    [[nodiscard]] virtual QCoro::Task<Result<SessionItem>> session(QString id) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<DeliveryDetail>> delivery(QString id) = 0;

    [[nodiscard]] virtual QCoro::Task<Result<Page<RuntimeItem>>> runtimes(ListQuery query) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<RuntimeItem>> runtime(QString id) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<Page<LifecycleEventItem>>> lifecycleEvents(ListQuery query) = 0;
    [[nodiscard]] virtual QCoro::Task<Result<LifecycleEventItem>> lifecycleEvent(QString id) = 0;
    // Forwards the event once more, to any backend that has a webhook; `backend` empty: the event's own, or
    // the only one. The reason goes into the audit log. Conflict while it is on its way there.
    // An implementation that knows who asks names the actor itself when it is empty.
    [[nodiscard]] virtual QCoro::Task<Result<ForwardItem>> replayLifecycleEvent(
        QString id, QString backend, QString actor, QString reason)
        = 0;

    // What operators do and see of it (domain/actions.h). Errors of act(): InvalidInput for what is missing,
    // NotFound, Conflict with what forbids it as native (not_held, fence_differs, not_final, payload_expired,
    // settled, finished, not_paused). Of everything else: Unavailable. An implementation names the actor
    // itself. These defaults answer Unsupported.
    [[nodiscard]] virtual QCoro::Task<Result<domain::ActionResult>> act(domain::ActionRequest request);
    // What was answered to the act() with this key of the same actor: after a call that ended without an
    // answer. NotFound: nothing was done under it so far.
    [[nodiscard]] virtual QCoro::Task<Result<domain::ActionResult>> answerOf(QString key);
    [[nodiscard]] virtual QCoro::Task<Result<Page<domain::LockItem>>> locks(ListQuery query);
    [[nodiscard]] virtual QCoro::Task<Result<Page<domain::AuditItem>>> audit(ListQuery query);
    [[nodiscard]] virtual QCoro::Task<Result<QList<domain::InstallationItem>>> installations();
    [[nodiscard]] virtual QCoro::Task<Result<QList<domain::BackendItem>>> backends();
    [[nodiscard]] virtual QCoro::Task<Result<QList<domain::EngineItem>>> engines();
    [[nodiscard]] virtual QCoro::Task<Result<Page<domain::InteractionItem>>> interactions(ListQuery query);
    [[nodiscard]] virtual QCoro::Task<Result<domain::InteractionItem>> interaction(QString id);
    [[nodiscard]] virtual QCoro::Task<Result<domain::Explanation>> explain(QString deliveryId);

    // Which kinds of change to push from now on ("session", "delivery", "outbound",
    // "runtime", "lifecycle_event", "installation" with its pauses, "engine", "interaction", "audit");
    // replaces the set before. Hidden views ask for nothing.
    virtual void watch(QStringList kinds) = 0;

Q_SIGNALS:
    void connectionChanged();
    // Coalesced to at most ten batches a second, at most one change of a row in each, the newest.
    void changed(const QList<signalbox::domain::Change> &changes);
    // At most once a second while something changes, and at least every five seconds: counts and vitals.
    void statusChanged(const signalbox::domain::EngineStatus &status);
    // The stream has lost its place: lists must be asked for anew.
    void gap();
};

} // namespace signalbox::admin
