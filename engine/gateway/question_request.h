// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "domain/interaction.h"
#include "http/message.h"

#include <QStringList>

#include <optional>

namespace signalbox::gateway {

// What POST /v1/interactions takes (INTERFACE.md "Ingress routes"). Pure. InvalidInput names the member that
// is wrong and never tells its value.
struct QuestionRequest
{
    QuestionRequest() = default;
    QString session; // or a place:
    QString installation;
    QString place;
    QString thread;
    QString text;
    QString kind;
    domain::InteractionChoices choices;
    QStringList answerers; // requester | anyone | user ids; empty: as the installation has it
    std::optional<Millis> ttl;
    bool asMessage = false;
};

[[nodiscard]] Result<QuestionRequest> parseQuestion(const http::Request &request);

// How long GET …?wait=30s may take: at most a minute; 0 without it.
[[nodiscard]] Result<Millis> parseWait(const http::Request &request);

} // namespace signalbox::gateway
