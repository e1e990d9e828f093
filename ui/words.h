// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/operator_api.h"
#include "base/error.h"
#include "theme.h"

#include <QString>

namespace signalbox::ui {

// The words, icons and tones of the vocabulary (DESIGN.md), translated: one place for table, details and
// screen reader.
struct StateLook
{
    StateLook() = default;
    StateLook(QString theWord, QString theIcon, Tone theTone)
        : word(std::move(theWord))
        , icon(std::move(theIcon))
        , tone(theTone)
    {
    }
    QString word;
    QString icon;
    Tone tone = Tone::Plain;
};

[[nodiscard]] StateLook deliveryState(const QString &state);
// With what a waiting one waits for, or the outcome of a completed one: "Waiting for lock", "Delivered".
[[nodiscard]] StateLook deliveryState(const domain::DeliveryItem &item);
[[nodiscard]] StateLook sessionState(const QString &state);
[[nodiscard]] StateLook outboundState(const QString &state);
[[nodiscard]] StateLook attemptOutcome(const QString &outcome);
[[nodiscard]] StateLook connectionState(admin::ConnectionState state);

// Phases compare without case; one that nobody knows is shown as it came.
[[nodiscard]] StateLook runtimePhase(const QString &phase);
// none | forwarding | forwarded | dead
[[nodiscard]] StateLook forwardingState(const QString &state);
[[nodiscard]] QString lifecycleSource(const QString &source);

// With its trouble and its pauses: active | trouble | paused | absent | revoked.
[[nodiscard]] QString installationStateOf(const domain::InstallationItem &item);
[[nodiscard]] StateLook installationState(const QString &state);
// posting | open | answered | expired | cancelled | withdrawn
[[nodiscard]] StateLook interactionState(const QString &state);
[[nodiscard]] QString interactionOrigin(const QString &origin);
// allow_once | allow_always | reject_once | reject_always | value | decline | text
[[nodiscard]] QString optionKind(const QString &kind);
// live | lapsed | lost | ended
[[nodiscard]] StateLook engineState(const QString &state);
// What a pause stops: intake | delivery | outbound.
[[nodiscard]] QString pausableText(const QString &what);
// "pause:delivery", "confirm:abandoned", "stale_write".
[[nodiscard]] StateLook auditAction(const QString &action);
[[nodiscard]] QString subjectKindText(const QString &kind);

[[nodiscard]] QString promptStateText(const QString &state);
[[nodiscard]] QString stageText(const QString &stage);
[[nodiscard]] QString attemptWhat(const QString &what);
[[nodiscard]] QString outboundKind(const QString &kind);
[[nodiscard]] QString laneName(const QString &lane);
[[nodiscard]] QString timelineWhat(const QString &what);
// What went wrong and what to do, for people; the developer text stands under "Details".
[[nodiscard]] QString errorText(ErrorCode code);
[[nodiscard]] bool isFinalDelivery(const QString &state);

// "C0456 · 1764000000.123456", or the place alone.
[[nodiscard]] QString placeText(const QString &place, const QString &thread);

} // namespace signalbox::ui
