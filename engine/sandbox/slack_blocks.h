// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

namespace signalbox::sandbox {

// What Slack refuses in the structured parts of a message (contracts/slack.md §4).
struct SlackRefusal
{
    SlackRefusal() = default;
    explicit SlackRefusal(QString code, QString explanation = {})
        : error(std::move(code))
        , detail(std::move(explanation))
    {
    }
    QString error; // empty: fine
    QString detail; // with the JSON pointer, as in "errors"
};

[[nodiscard]] SlackRefusal checkBlocks(const Json &blocks);
[[nodiscard]] SlackRefusal checkMetadata(const Json &metadata);

} // namespace signalbox::sandbox
