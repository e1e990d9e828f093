// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/actions.h"
#include "domain/engine_item.h"
#include "domain/interaction_items.h"
#include "domain/items.h"

#include <variant>

namespace signalbox::domain {

// One entity is at revision ≥ rev. `item` is missing for kinds that have no view yet. What an installation
// shows comes from several rows (its own, its pauses): the rev of its change is when it was read, by
// the database's clock in milliseconds; an engine's too.
struct Change
{
    Change() = default;
    QString kind; // session | delivery | outbound | runtime | lifecycle_event | installation | audit | engine
    QString id;
    qint64 rev = 0;
    bool gone = false; // there is no such row any more
    std::variant<std::monostate, SessionItem, DeliveryItem, OutboundItem, RuntimeItem, LifecycleEventItem,
        InstallationItem, AuditItem, EngineItem, InteractionItem>
        item;
};

} // namespace signalbox::domain

Q_DECLARE_METATYPE(signalbox::domain::Change)
