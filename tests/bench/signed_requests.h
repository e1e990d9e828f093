// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "sandbox/slack_simulator.h"

#include <QByteArray>

#include <vector>

namespace signalbox::bench {

struct MessagePlan
{
    MessagePlan() = default;
    int first = 0; // number of the first message: no two of a run have the same
    int count = 0;
    int channels = 200; // taken in turn
    QString text = QStringLiteral("how is your build doing today?"); // after the mention
};

// The channel of the message with this number.
[[nodiscard]] QString channelOf(const MessagePlan &plan, int number);
// Mentions as whole signed HTTP requests, already stored at the simulated Slack as its people's messages.
[[nodiscard]] std::vector<QByteArray> signedRequests(
    const MessagePlan &plan, sandbox::SlackSimulator &slack, const Clock &clock);

} // namespace signalbox::bench
