// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>

namespace signalbox::domain {

// The parts of a Slack message event that decide whether it concerns us (contracts/spritz-backend.md §3.2).
struct SlackMessage
{
    SlackMessage() = default;
    QString eventType; // "message" | "app_mention"
    QString subtype;
    QString user;
    QString botId;
    QString text;
    QString place;
    QString channelType;
    QString ts;
    QString threadTs;
    QString clientMsgId;
};

[[nodiscard]] bool isDirect(const SlackMessage &message);

enum class Relay {
    Drop, // no work and no record: not a message for us by its form (§3.4)
    Ignore, // recorded by its keys alone: policy asks for a mention, and there is none (§3.7)
    Deliver, // also when only the provider can tell: it is asked before anything is said
};

struct RelayPolicy
{
    RelayPolicy() = default;
    bool requireMention = true;
    bool certain = true; // false: the provider must be asked before a message is ignored
    QString botUserId; // empty: not known yet
    QString botId;
};

// Admission (§3.4) and mention rules (§3.7). An `app_mention` always delivers: it may be the twin of a
// `message` that was ignored because our bot id was not known.
[[nodiscard]] Relay decideRelay(const SlackMessage &message, const RelayPolicy &policy);

} // namespace signalbox::domain
