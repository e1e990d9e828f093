// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

#include <QByteArray>
#include <QString>

namespace signalbox::slack {

// A slash command (contracts/slack.md §1 "Slash command form fields"), whichever way it came.
struct SlashCommand
{
    SlashCommand() = default;
    QString command; // "/signalbox"
    QString text; // what stands behind it, as it was typed
    QString teamId;
    QString teamDomain; // empty unless it can stand in an address
    QString apiAppId;
    QString place;
    QString user;
    bool isProbe = false; // ssl_check: Slack looks whether anybody is there

    // Its ids can be compared and sent back.
    [[nodiscard]] bool isPlausible() const;
};

// application/x-www-form-urlencoded. Fields that are not there are empty.
[[nodiscard]] SlashCommand parseSlashCommand(const QByteArray &form);
// The same fields as members of an object: what Socket Mode delivers.
[[nodiscard]] SlashCommand readSlashCommand(const Json &payload);

// A button that was pressed, or a shortcut that was chosen (contracts/slack.md §1 "Interactivity").
struct Gesture
{
    Gesture() = default;
    QString type; // block_actions | message_action | shortcut | …
    QString teamId;
    QString teamDomain;
    QString apiAppId;
    QString place;
    QString thread; // of the message that it was made at; empty: top level
    QString user;
    QString callbackId; // of a shortcut
    QString actionId; // of the first action
    QString value;

    [[nodiscard]] bool isPlausible() const;
};
[[nodiscard]] Gesture readGesture(const Json &payload);

} // namespace signalbox::slack
