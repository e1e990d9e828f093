// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "domain/actions.h"
#include "store/socket_records.h"

#include <optional>

namespace signalbox::gateway {

// What people are told who ask the gateway itself (/signalbox and its shortcut): ids and times of what runs,
// nothing that anybody wrote, and no operator's name or reason. Slack messages {"text", "blocks"?}. Pure.

inline constexpr char16_t kStopAction[] = u"signalbox_stop"; // its value is a delivery's id
inline constexpr char16_t kStatusCallback[] = u"signalbox_status";
inline constexpr int kMostTurnsShown = 20;

// The turns of a place, each with who asked, since when, where, and a button that stops it. `domain`: the
// workspace's, for links; may be empty.
[[nodiscard]] Json turnsAnswer(const store::PlaceStatus &status, const QString &domain);
// What is told of an installation besides: its state, its trouble, what is paused and what waits.
[[nodiscard]] Json statusAnswer(const store::PlaceStatus &status,
    const std::optional<domain::InstallationItem> &installation, const QString &backendKind,
    const QString &engine);
[[nodiscard]] Json helpAnswer();
[[nodiscard]] Json textAnswer(const QString &text);
// As a slash command is answered: seen by whoever asked alone.
[[nodiscard]] Json ephemeral(Json message);

} // namespace signalbox::gateway
