// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

namespace signalbox::sandbox {

// What people do besides writing, as Slack tells it (contracts/slack.md §1 "Interactivity", "Slash command").
struct Gesturer
{
    Gesturer() = default;
    QString teamId;
    QString appId;
    QString channel;
    QString user;
    QString now; // a ts
};

// The fields of a slash command.
[[nodiscard]] Json slashFields(const Gesturer &who, const QString &command, const QString &text);
// A button of a message that only this person sees.
[[nodiscard]] Json ephemeralPress(const Gesturer &who, const QString &actionId, const QString &value);
// A message shortcut.
[[nodiscard]] Json messageShortcut(
    const Gesturer &who, const QString &callbackId, const QString &messageTs, const QString &threadTs);

} // namespace signalbox::sandbox
