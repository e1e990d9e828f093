// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "domain/relay_policy.h"

namespace signalbox::slack {

// The outer part of an Events API request (contracts/slack.md §1 "Envelope"), read strictly where it decides
// something.
struct Envelope
{
    Envelope() = default;
    QString type; // url_verification | event_callback | …
    QString challenge;
    QString apiAppId;
    QString teamId;
    QString eventId;
    QString eventType;
    qint64 eventTime = 0; // seconds by Slack's clock; 0: not told
    domain::SlackMessage message; // of message and app_mention
    Json event; // as it came
};

// InvalidInput for anything that is not a JSON object.
[[nodiscard]] Result<Envelope> parseEnvelope(const QByteArray &body);

// The same of one that is parsed already: what Socket Mode delivers.
[[nodiscard]] Envelope readEnvelope(const Json &json);

// Ids are stored, compared and sent back: printable, without blanks, and not absurdly long.
[[nodiscard]] bool isPlausibleId(QStringView id);

} // namespace signalbox::slack
