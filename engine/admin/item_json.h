// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "domain/actions.h"
#include "domain/engine_item.h"
#include "domain/interaction_items.h"
#include "domain/items.h"

namespace signalbox::admin {

// Items as the HTTP API and the console's "Copy row as JSON" show them (INTERFACE.md "Admin routes"):
// snake_case names, RFC 3339 times, absent when empty.
[[nodiscard]] Json toJson(const domain::SessionItem &item);
[[nodiscard]] Json toJson(const domain::DeliveryItem &item);
[[nodiscard]] Json toJson(const domain::AttemptItem &item);
[[nodiscard]] Json toJson(const domain::OutboundItem &item);
[[nodiscard]] Json toJson(const domain::TimelineEntry &entry);
[[nodiscard]] Json toJson(const domain::DeliveryDetail &detail);
[[nodiscard]] Json toJson(const domain::EngineStatus &status);
[[nodiscard]] Json toJson(const domain::RuntimeItem &item);
[[nodiscard]] Json toJson(const domain::ForwardItem &item);
[[nodiscard]] Json toJson(const domain::LifecycleEventItem &item);
[[nodiscard]] Json toJson(const domain::ActionResult &result);
[[nodiscard]] Json toJson(const domain::LockItem &item);
[[nodiscard]] Json toJson(const domain::AuditItem &item);
[[nodiscard]] Json toJson(const domain::PauseItem &item);
[[nodiscard]] Json toJson(const domain::InstallationItem &item);
[[nodiscard]] Json toJson(const domain::BackendItem &item);
[[nodiscard]] Json toJson(const domain::EngineItem &item);
[[nodiscard]] Json toJson(const domain::InteractionItem &item);
[[nodiscard]] Json toJson(const domain::Explanation &explanation);

template <class Item>
[[nodiscard]] Json toJson(const domain::Page<Item> &page)
{
    Json items = Json::array();
    for (const Item &item : page.items)
        items.append(toJson(item));
    Json json = Json::object({{QStringLiteral("items"), std::move(items)}});
    json.set(QStringLiteral("next_cursor"), page.nextCursor.isEmpty() ? Json() : Json(page.nextCursor));
    json.set(QStringLiteral("total"), page.total);
    json.set(QStringLiteral("total_is_exact"), page.totalIsExact);
    json.set(QStringLiteral("as_of"), page.asOf.isEmpty() ? Json() : Json(page.asOf));
    return json;
}

} // namespace signalbox::admin
