// SPDX-License-Identifier: Apache-2.0
#include "gateway/rate_holds.h"

#include <algorithm>

using namespace Qt::StringLiterals;
using signalbox::domain::OutboundOp;

namespace signalbox::gateway {

namespace {
constexpr Millis kPaced{60'000};
constexpr Millis kTurn{1000};
constexpr qsizetype kMostHolds = 10'000;
} // namespace

QString RateHolds::keyOf(const QString &installation, OutboundOp op, const QString &place)
{
    return installation + u'|' + name(op) + u'|' + place;
}

QString RateHolds::limit(
    const QString &installation, OutboundOp op, const QString &place, Millis time, Millis now)
{
    forget(now);
    const QString method = keyOf(installation, op, QString());
    const auto last = m_lastPlace.constFind(method);
    const bool elsewhere = last != m_lastPlace.constEnd() && *last != place
        && m_holds.value(keyOf(installation, op, *last)).pacedUntil > now;
    const bool whole
        = op != OutboundOp::Post || place.isEmpty() || elsewhere || m_holds.value(method).pacedUntil > now;
    const QString held = whole ? QString() : place;
    m_lastPlace.insert(method, place);
    Hold &hold = m_holds[keyOf(installation, op, held)];
    hold.until = std::max(hold.until, now + time);
    hold.pacedUntil = hold.until + kPaced;
    hold.next = std::max(hold.next, hold.until);
    return held;
}

RateHolds::Wait RateHolds::admit(
    const QString &installation, OutboundOp op, const QString &place, bool hasTurn, Millis now)
{
    Wait wait;
    if (m_holds.isEmpty())
        return wait;
    for (const QString &where : {QString(), place}) {
        const auto hold = m_holds.find(keyOf(installation, op, where));
        if (hold == m_holds.end() || hold->pacedUntil <= now)
            continue;
        if (hasTurn && hold->until <= now)
            continue;
        // Behind the paced time there are no turns any more.
        const Millis turn = std::min(std::max({hold->next, hold->until, now}), hold->pacedUntil);
        hold->next = turn + kTurn;
        if (turn - now > wait.time) {
            wait.time = turn - now;
            wait.paced = true;
        }
    }
    return wait;
}

// Only what is over; a channel that limits everything still fits.
void RateHolds::forget(Millis now)
{
    if (m_holds.size() < kMostHolds)
        return;
    m_holds.removeIf([now](const auto &hold) { return hold.value().pacedUntil <= now; });
    m_lastPlace.clear();
}

} // namespace signalbox::gateway
