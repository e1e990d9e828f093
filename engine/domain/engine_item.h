// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

#include <QString>

namespace signalbox::domain {

// One engine of the database, as operators see it (DESIGN.md "Liveness is one thing").
struct EngineItem
{
    EngineItem() = default;
    QString id;
    QString state; // live | lapsed (its lease is over, nobody has taken its work yet) | lost | ended
    qint64 incarnation = 0; // of its last life
    QString host;
    qint64 pid = 0;
    QString version;
    QString configHash;
    bool configDiffers = false; // live engines do not all work by the same configuration
    int deliveries = 0; // that it holds
    int outbound = 0; // that it is sending
    Instant leaseUntil; // never: it has none
    Instant startedAt;
    Instant endedAt; // never: it has not
    Instant readAt; // by the database's clock
    qint64 rev = 0;
};

} // namespace signalbox::domain
