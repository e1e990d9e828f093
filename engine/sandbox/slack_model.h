// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"

#include <QHash>
#include <QString>
#include <QStringList>

#include <map>
#include <utility>
#include <vector>

namespace signalbox::sandbox {

// A workspace in which the app is installed.
struct SlackTeam
{
    SlackTeam() = default;
    QString teamId;
    QString name;
    QString botUserId;
    QString botId; // default: B + the rest of botUserId
    Secret botToken;
};

struct SlackMessage
{
    SlackMessage() = default;
    QString channel;
    QString ts;
    QString threadTs; // empty for a top-level message without replies of its own
    QString user;
    QString botId; // of the app's own messages
    QString subtype;
    QString text; // as Slack keeps it: & < > escaped; empty when keepText is off
    qsizetype textLength = 0;
    size_t textHash = 0;
    QString clientMsgId;
    Json blocks;
    Json attachments;
    Json metadata;
    int edits = 0;
    bool deleted = false;
    bool broadcast = false;
    std::vector<std::pair<QString, QStringList>> reactions; // name, users
};

struct SlackChannel
{
    enum class Kind { Channel, Group, Im, Mpim };
    SlackChannel() = default;
    QString id;
    QString name;
    QString teamId;
    Kind kind = Kind::Channel;
    bool archived = false;
    bool member = true; // whether the bot is in it
    QStringList users; // of a direct message: the people, without the bot
    std::vector<SlackMessage> messages; // by ts
    QHash<QString, size_t> byTs;
    QHash<QString, std::vector<size_t>> threads; // root ts → replies
};

// What the simulated Slack remembers: workspaces, channels, messages, reactions. No I/O.
class SlackModel
{
public:
    explicit SlackModel(const Clock &clock);

    void setKeepText(bool keep) { m_keepText = keep; }
    void addTeam(SlackTeam team);
    [[nodiscard]] const SlackTeam *team(const QString &teamId) const;
    [[nodiscard]] const SlackTeam *teamOfToken(const QByteArray &token) const;
    // The team's token is dead from now on, with the error that says so; `next` is its new one, or empty.
    void replaceToken(const QString &teamId, const QString &error, const Secret &next);
    // What is wrong with a token that no team has; "invalid_auth" for one that never was.
    [[nodiscard]] QString deadTokenError(const QByteArray &token) const;
    [[nodiscard]] const SlackTeam &firstTeam() const { return m_teams.front(); }

    void addUser(const QString &user) { m_users.insert(user, true); }
    [[nodiscard]] bool hasUser(const QString &user) const { return m_users.contains(user); }

    SlackChannel &addChannel(
        const QString &teamId, const QString &id, const QString &name, SlackChannel::Kind kind);
    [[nodiscard]] SlackChannel *channel(const QString &id);
    [[nodiscard]] const SlackChannel *channel(const QString &id) const;
    // The direct message of these people with the bot, made on first use.
    SlackChannel &directMessage(const QString &teamId, QStringList users);

    // Gives the message its ts and stores it.
    SlackMessage &post(SlackChannel &channel, SlackMessage message);
    [[nodiscard]] SlackMessage *find(SlackChannel &channel, const QString &ts);
    void remove(SlackChannel &channel, SlackMessage &message);
    void setText(SlackMessage &message, const QString &text) const;
    // Strictly increasing, "1764000000.000100".
    [[nodiscard]] QString nextTs();

    // As conversations.replies and .history show it.
    [[nodiscard]] Json toJson(
        const SlackChannel &channel, const SlackMessage &message, bool allMetadata) const;

private:
    const Clock &m_clock;
    bool m_keepText = true;
    std::vector<SlackTeam> m_teams;
    QHash<QByteArray, QString> m_deadTokens;
    std::map<QString, SlackChannel> m_channels;
    QHash<QString, bool> m_users;
    QHash<QString, QString> m_directMessages;
    qint64 m_lastMicros = 0;
};

// As Slack keeps what a person typed: & < > escaped.
[[nodiscard]] QString escapeSlackText(const QString &text);
// As Slack keeps what an app posted: entities and control sequences (<@U…>, <https://…|x>) stay, the rest is
// escaped.
[[nodiscard]] QString normalisePostedText(const QString &text);

} // namespace signalbox::sandbox
