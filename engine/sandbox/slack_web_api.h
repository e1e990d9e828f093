// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sandbox/slack_args.h"
#include "sandbox/slack_model.h"

#include <functional>

namespace signalbox::sandbox {

// The methods of Slack's Web API over a SlackModel, with Slack's own error codes (contracts/slack.md §3). No
// I/O.
class SlackWebApi
{
public:
    explicit SlackWebApi(SlackModel &model)
        : m_model(model)
    {
    }

    // Whether a repeated client_msg_id answers the first message instead of posting again. Off by default:
    // Slack documents no such promise, so that nothing may lean on it.
    bool dedupeClientMsgId = false;
    // Told of every message that an app posted.
    std::function<void(const QString &channel, const QString &ts)> onPosted;

    [[nodiscard]] static Json failure(const QString &error, const QString &detail = {});
    // The whole body of the answer.
    [[nodiscard]] Json call(const QString &method, const SlackTeam &team, const SlackArgs &args);
    // What only one person saw, in order; the texts as far as the model keeps them.
    struct Ephemeral
    {
        Ephemeral() = default;
        QString channel;
        QString thread;
        QString user;
        QString text;
    };
    [[nodiscard]] int ephemeralCount() const { return static_cast<int>(m_ephemerals.size()); }
    [[nodiscard]] const std::vector<Ephemeral> &ephemerals() const { return m_ephemerals; }

private:
    using Method = Json (SlackWebApi::*)(const SlackTeam &, const SlackArgs &);
    struct Content; // text, blocks and the rest, checked
    [[nodiscard]] static Method find(const QString &name);
    [[nodiscard]] Json authTest(const SlackTeam &team, const SlackArgs &args);
    [[nodiscard]] Json postMessage(const SlackTeam &team, const SlackArgs &args);
    [[nodiscard]] Json update(const SlackTeam &team, const SlackArgs &args);
    [[nodiscard]] Json remove(const SlackTeam &team, const SlackArgs &args);
    [[nodiscard]] Json postEphemeral(const SlackTeam &team, const SlackArgs &args);
    [[nodiscard]] Json addReaction(const SlackTeam &team, const SlackArgs &args);
    [[nodiscard]] Json removeReaction(const SlackTeam &team, const SlackArgs &args);
    [[nodiscard]] Json openConversation(const SlackTeam &team, const SlackArgs &args);
    [[nodiscard]] Json replies(const SlackTeam &team, const SlackArgs &args);
    [[nodiscard]] Json history(const SlackTeam &team, const SlackArgs &args);

    [[nodiscard]] SlackChannel *channelFor(const SlackTeam &team, const SlackArgs &args, QString &error);
    [[nodiscard]] SlackMessage *reactionTarget(const SlackTeam &team, const SlackArgs &args, QString &error);
    [[nodiscard]] static Content readContent(const SlackArgs &args, QString &error, QString &detail);
    [[nodiscard]] Json page(const SlackChannel &channel, const std::vector<const SlackMessage *> &all,
        const SlackArgs &args, int defaultLimit) const;

    SlackModel &m_model;
    std::vector<Ephemeral> m_ephemerals; // the last kMostEphemerals
};

} // namespace signalbox::sandbox
