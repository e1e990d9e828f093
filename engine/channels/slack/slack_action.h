// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/result.h"

namespace signalbox::slack {

// A person pressed something (contracts/slack.md §1 "Interactivity"), read strictly where it decides
// something.
struct SlackAction
{
    SlackAction() = default;
    QString type; // block_actions | view_submission | …
    QString teamId;
    QString apiAppId;
    QString user;
    QString place;
    QString messageTs;
    QString threadTs; // of the message's thread; empty: top level
    QString actionId; // of the first action
    QString value;
};

// The `payload` of a form body. InvalidInput without one that is a JSON object.
[[nodiscard]] Result<Json> interactionPayload(const QByteArray &formBody);
[[nodiscard]] SlackAction readAction(const Json &payload);
// Its ids can be stored, compared and sent back.
[[nodiscard]] bool isPlausible(const SlackAction &action);

} // namespace signalbox::slack
