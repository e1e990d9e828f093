// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/actions.h"
#include "store/session.h"

#include <QHash>

namespace signalbox::store {

// One thing that an operator does, with everything that the unit needs to be repeatable.
struct ActionOrder
{
    ActionOrder() = default;
    domain::ActionRequest request;
    QString auditId;
    QString newDeliveryId; // of a replay or a retry
    QString noticeId; // of the notice that ends a delivery early
    QString ackRemovalId;
    Millis payloadTtl{0};
    Millis lockTtl{0};
    bool perThread = false; // of a replay to another backend: that one has a session per thread
};

// sql_actions.cpp: the effect, its audit entry and its answer under the caller's key in one transaction.
// NotFound; Conflict with what forbids it as native (not_held, fence_differs, not_final, payload_expired,
// settled, finished); InvalidInput, native "key_reused", when the key came with another request.
[[nodiscard]] Result<domain::ActionResult> actUnit(Session &session, const ActionOrder &order);
// The answer that is filed under a key of this actor; NotFound.
[[nodiscard]] Result<domain::ActionResult> answerUnit(
    Session &session, const QString &actor, const QString &key);

// sql_action_effects.cpp: within actUnit.
[[nodiscard]] Result<domain::ActionResult> releaseLock(Session &session, const ActionOrder &order);
[[nodiscard]] Result<domain::ActionResult> extendLock(Session &session, const ActionOrder &order);
[[nodiscard]] Result<domain::ActionResult> replayDelivery(Session &session, const ActionOrder &order);
[[nodiscard]] Result<domain::ActionResult> cancelDelivery(Session &session, const ActionOrder &order);
[[nodiscard]] Result<domain::ActionResult> settleDead(
    Session &session, const ActionOrder &order, const QString &from, const QString &resolution);

// sql_interaction_actions.cpp: within actUnit. Conflict, native "expired", "answered" or "closed".
[[nodiscard]] Result<domain::ActionResult> answerInteraction(Session &session, const ActionOrder &order);
[[nodiscard]] Result<domain::ActionResult> cancelInteraction(Session &session, const ActionOrder &order);
// The card is shown once more, at the end of its thread; the one before loses its buttons.
[[nodiscard]] Result<domain::ActionResult> repostInteraction(Session &session, const ActionOrder &order);

// sql_pauses.cpp
[[nodiscard]] Result<domain::ActionResult> pauseUnit(Session &session, const ActionOrder &order);
[[nodiscard]] Result<domain::ActionResult> resumeUnit(Session &session, const ActionOrder &order);
// The ones in force.
[[nodiscard]] Result<QList<domain::PauseItem>> pausesUnit(Session &session);
[[nodiscard]] Result<QList<domain::InstallationItem>> installationItemsUnit(Session &session);
// Whether a prompt for this delivery must not start now.
[[nodiscard]] Result<bool> deliveriesPaused(Session &session, const QString &deliveryId);

// sql_action_views.cpp
[[nodiscard]] Result<domain::Page<domain::LockItem>> listLocksUnit(
    Session &session, const domain::ListQuery &query);
[[nodiscard]] Result<domain::Page<domain::AuditItem>> listAuditUnit(
    Session &session, const domain::ListQuery &query);
[[nodiscard]] Result<QList<domain::AuditItem>> auditItemsUnit(Session &session, const QStringList &ids);
[[nodiscard]] Result<domain::ExplainFacts> explainFactsUnit(Session &session, const QString &deliveryId);

} // namespace signalbox::store
