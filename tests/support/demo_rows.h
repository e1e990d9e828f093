// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/fake_operator_api.h"

namespace signalbox::testing {

// Made-up but plausible rows for tests and previews of the console: always the same for the same numbers.
[[nodiscard]] domain::DeliveryItem demoDelivery(int number, Instant now);
[[nodiscard]] domain::SessionItem demoSession(int number, Instant now);
[[nodiscard]] domain::DeliveryDetail demoDetail(const domain::DeliveryItem &item);
[[nodiscard]] domain::InstallationItem demoInstallation(int number, Instant now);
[[nodiscard]] domain::EngineItem demoEngine(int number, Instant now);
[[nodiscard]] domain::AuditItem demoAudit(int number, Instant now);
[[nodiscard]] domain::LifecycleEventItem demoEvent(int number, Instant now);
[[nodiscard]] domain::EngineStatus demoStatus(Instant now);
// Fills `api` with this many of each, and a status.
void fillDemo(FakeOperatorApi &api, int deliveries, int sessions, Instant now);

} // namespace signalbox::testing
