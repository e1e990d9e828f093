// SPDX-License-Identifier: Apache-2.0
#include "sandbox/slack_model.h"

#include <QSet>

using namespace Qt::StringLiterals;

namespace signalbox::sandbox {

namespace {
bool isEntity(QStringView rest)
{
    return rest.startsWith("&amp;"_L1) || rest.startsWith("&lt;"_L1) || rest.startsWith("&gt;"_L1);
}

bool startsControl(QStringView rest)
{
    return rest.startsWith("<@"_L1) || rest.startsWith("<#"_L1) || rest.startsWith("<!"_L1)
        || rest.startsWith("<http://"_L1) || rest.startsWith("<https://"_L1)
        || rest.startsWith("<mailto:"_L1);
}

Json reactionsJson(const SlackMessage &message)
{
    Json list = Json::array();
    for (const auto &[name, users] : message.reactions) {
        Json people = Json::array();
        for (const QString &user : users)
            people.append(user);
        list.append(Json::object({{u"name"_s, name}, {u"users"_s, people}, {u"count"_s, int(users.size())}}));
    }
    return list;
}
} // namespace

QString escapeSlackText(const QString &text)
{
    QString out;
    out.reserve(text.size());
    for (const QChar c : text) {
        if (c == u'&')
            out += "&amp;"_L1;
        else if (c == u'<')
            out += "&lt;"_L1;
        else if (c == u'>')
            out += "&gt;"_L1;
        else
            out += c;
    }
    return out;
}

QString normalisePostedText(const QString &text)
{
    if (!text.contains(u'&') && !text.contains(u'<') && !text.contains(u'>'))
        return text;
    QString out;
    out.reserve(text.size());
    const QStringView all(text);
    for (qsizetype i = 0; i < text.size(); ++i) {
        const QChar c = text.at(i);
        if (c == u'&') {
            out += isEntity(all.mid(i, 5)) ? "&"_L1 : "&amp;"_L1;
        } else if (c == u'<') {
            const qsizetype end = startsControl(all.mid(i, 9)) ? text.indexOf(u'>', i) : -1;
            if (end > 0) {
                out += all.mid(i, end - i + 1);
                i = end;
            } else {
                out += "&lt;"_L1;
            }
        } else if (c == u'>') {
            out += "&gt;"_L1;
        } else {
            out += c;
        }
    }
    return out;
}

SlackModel::SlackModel(const Clock &clock)
    : m_clock(clock)
{
}

void SlackModel::addTeam(SlackTeam team)
{
    if (team.botId.isEmpty())
        team.botId = u"B"_s + team.botUserId.mid(1);
    if (team.name.isEmpty())
        team.name = team.teamId;
    m_users.insert(team.botUserId, true);
    m_teams.push_back(std::move(team));
}

const SlackTeam *SlackModel::team(const QString &teamId) const
{
    for (const SlackTeam &team : m_teams) {
        if (team.teamId == teamId)
            return &team;
    }
    return nullptr;
}

void SlackModel::replaceToken(const QString &teamId, const QString &error, const Secret &next)
{
    for (SlackTeam &team : m_teams) {
        if (team.teamId != teamId)
            continue;
        m_deadTokens[team.botToken.reveal()] = error;
        team.botToken = next;
        m_deadTokens.remove(next.reveal());
    }
}

QString SlackModel::deadTokenError(const QByteArray &token) const
{
    return m_deadTokens.value(token, u"invalid_auth"_s);
}

const SlackTeam *SlackModel::teamOfToken(const QByteArray &token) const
{
    for (const SlackTeam &team : m_teams) {
        if (team.botToken.reveal() == token)
            return &team;
    }
    return nullptr;
}

SlackChannel &SlackModel::addChannel(
    const QString &teamId, const QString &id, const QString &name, SlackChannel::Kind kind)
{
    SlackChannel &channel = m_channels[id];
    channel.id = id;
    channel.name = name;
    channel.teamId = teamId;
    channel.kind = kind;
    return channel;
}

SlackChannel *SlackModel::channel(const QString &id)
{
    const auto found = m_channels.find(id);
    return found == m_channels.end() ? nullptr : &found->second;
}

const SlackChannel *SlackModel::channel(const QString &id) const
{
    const auto found = m_channels.find(id);
    return found == m_channels.end() ? nullptr : &found->second;
}

SlackChannel &SlackModel::directMessage(const QString &teamId, QStringList users)
{
    users.sort();
    const QString key = teamId + u'/' + users.join(u',');
    QString &id = m_directMessages[key];
    if (id.isEmpty()) {
        id = (users.size() == 1 ? u"D"_s : u"G"_s)
            + u"0DM%1"_s.arg(m_directMessages.size(), 6, 10, QLatin1Char('0'));
        const auto kind = users.size() == 1 ? SlackChannel::Kind::Im : SlackChannel::Kind::Mpim;
        addChannel(teamId, id, QString(), kind).users = users;
    }
    return *channel(id);
}

QString SlackModel::nextTs()
{
    m_lastMicros = std::max(m_lastMicros + 1, toMs(m_clock.now()) * 1000);
    return u"%1.%2"_s.arg(m_lastMicros / 1'000'000).arg(m_lastMicros % 1'000'000, 6, 10, QLatin1Char('0'));
}

void SlackModel::setText(SlackMessage &message, const QString &text) const
{
    message.textLength = text.size();
    message.textHash = qHash(text, size_t(0));
    message.text = m_keepText ? text : QString();
}

SlackMessage &SlackModel::post(SlackChannel &channel, SlackMessage message)
{
    message.channel = channel.id;
    message.ts = nextTs();
    const QString text = std::exchange(message.text, QString());
    setText(message, text);
    const size_t index = channel.messages.size();
    if (message.threadTs == message.ts)
        message.threadTs.clear();
    if (!message.threadTs.isEmpty())
        channel.threads[message.threadTs].push_back(index);
    channel.byTs.insert(message.ts, index);
    channel.messages.push_back(std::move(message));
    return channel.messages.back();
}

SlackMessage *SlackModel::find(SlackChannel &channel, const QString &ts)
{
    const auto found = channel.byTs.constFind(ts);
    if (found == channel.byTs.constEnd())
        return nullptr;
    SlackMessage &message = channel.messages.at(*found);
    return message.deleted ? nullptr : &message;
}

void SlackModel::remove(SlackChannel &, SlackMessage &message)
{
    message.deleted = true;
    message.text.clear();
    message.blocks = Json();
    message.attachments = Json();
    message.metadata = Json();
    message.reactions.clear();
}

Json SlackModel::toJson(const SlackChannel &channel, const SlackMessage &message, bool allMetadata) const
{
    Json json = Json::object({{u"type"_s, u"message"_s}});
    if (!message.subtype.isEmpty())
        json.set(u"subtype"_s, message.subtype);
    json.set(u"user"_s, message.user);
    if (!message.botId.isEmpty())
        json.set(u"bot_id"_s, message.botId);
    json.set(u"text"_s, message.text);
    json.set(u"ts"_s, message.ts);
    json.set(u"team"_s, channel.teamId);
    if (!message.clientMsgId.isEmpty())
        json.set(u"client_msg_id"_s, message.clientMsgId);
    if (!message.blocks.isNull())
        json.set(u"blocks"_s, message.blocks);
    if (!message.attachments.isNull())
        json.set(u"attachments"_s, message.attachments);
    if (!message.metadata.isNull()) {
        Json metadata = Json::object({{u"event_type"_s, message.metadata[u"event_type"]}});
        json.set(u"metadata"_s, allMetadata ? message.metadata : metadata);
    }
    if (message.edits > 0)
        json.set(u"edited"_s, Json::object({{u"user"_s, message.user}, {u"ts"_s, message.ts}}));
    if (!message.reactions.empty())
        json.set(u"reactions"_s, reactionsJson(message));
    const auto thread = channel.threads.constFind(message.ts);
    if (thread != channel.threads.constEnd()) {
        QSet<QString> people;
        int replies = 0;
        QString latest;
        for (const size_t index : *thread) {
            const SlackMessage &reply = channel.messages.at(index);
            if (reply.deleted)
                continue;
            ++replies;
            people.insert(reply.user);
            latest = reply.ts;
        }
        json.set(u"thread_ts"_s, message.ts);
        json.set(u"reply_count"_s, replies);
        json.set(u"reply_users_count"_s, int(people.size()));
        json.set(u"latest_reply"_s, latest);
    } else if (!message.threadTs.isEmpty()) {
        json.set(u"thread_ts"_s, message.threadTs);
        const auto parent = channel.byTs.constFind(message.threadTs);
        if (parent != channel.byTs.constEnd())
            json.set(u"parent_user_id"_s, channel.messages.at(*parent).user);
    }
    return json;
}

} // namespace signalbox::sandbox
