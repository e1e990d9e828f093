// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "domain/outbound_state.h"

#include <QHash>
#include <QString>

namespace signalbox::gateway {

// What the engine that sends for an installation knows of a channel's rate limits (contracts/slack.md §3: per
// method, app and workspace; posts besides about one a second in a place). Nothing is counted before the
// channel says no, because bursts are allowed: then the method waits for `Retry-After`, and for a minute
// after it messages leave one by one instead of all at once. A limited post holds its place back; one in a
// second place meanwhile means the whole method. Pure: times are of the boot clock.
class RateHolds
{
public:
    struct Wait
    {
        Wait() = default;
        Millis time{0}; // 0: it may leave
        bool paced = false; // that is its turn: admitted then, whoever has come since
    };

    // The channel wants nothing more of this for `time`. The place that is held back; empty: the whole
    // method.
    [[nodiscard]] QString limit(
        const QString &installation, domain::OutboundOp op, const QString &place, Millis time, Millis now);
    // Takes the next turn. `hasTurn`: it was given one before, and that has come.
    [[nodiscard]] Wait admit(
        const QString &installation, domain::OutboundOp op, const QString &place, bool hasTurn, Millis now);

private:
    struct Hold
    {
        Millis until{0};
        Millis pacedUntil{0};
        Millis next{0}; // turn that is free
    };
    [[nodiscard]] static QString keyOf(
        const QString &installation, domain::OutboundOp op, const QString &place);
    void forget(Millis now);

    QHash<QString, Hold> m_holds;
    QHash<QString, QString> m_lastPlace; // that was limited, by installation and method
};

} // namespace signalbox::gateway
