// SPDX-License-Identifier: Apache-2.0
#include "sandbox/slack_web_api.h"

#include "sandbox/slack_blocks.h"

#include <QRegularExpression>

using namespace Qt::StringLiterals;

namespace signalbox::sandbox {

namespace {
constexpr size_t kMostEphemerals = 1000;
constexpr qsizetype kTruncateAt = 40'000;
constexpr qsizetype kMaxUpdateText = 4000;
constexpr qsizetype kMaxMarkdownText = 12'000;
constexpr size_t kMaxAttachments = 100;
constexpr int kMaxPage = 999;
constexpr qsizetype kMaxOpenUsers = 8;

bool isTs(const QString &text)
{
    const qsizetype dot = text.indexOf(u'.');
    const auto digit = [](QChar c) { return c == u'.' || (c >= u'0' && c <= u'9'); };
    return dot > 0 && dot == text.lastIndexOf(u'.') && std::all_of(text.begin(), text.end(), digit);
}

// Orders ts values without reading them as floating point.
bool tsLess(const QString &a, const QString &b)
{
    const qsizetype dotA = a.indexOf(u'.');
    const qsizetype dotB = b.indexOf(u'.');
    return dotA == dotB ? a < b : dotA < dotB;
}

Json ok()
{
    return Json::object({{u"ok"_s, true}});
}

Json missingArgument(const QString &name)
{
    return SlackWebApi::failure(u"invalid_arguments"_s, u"[ERROR] missing required field: "_s + name);
}

void warn(Json &body, const QString &warning, const QString &message)
{
    body.set(u"warning"_s, warning);
    Json meta = Json::object();
    meta.set(u"warnings"_s, Json(Json::Array{Json(warning)}));
    if (!message.isEmpty())
        meta.set(u"messages"_s, Json(Json::Array{Json(message)}));
    body.set(u"response_metadata"_s, meta);
}
} // namespace

struct SlackWebApi::Content
{
    Content() = default;
    QString text;
    Json blocks;
    Json attachments;
    Json metadata;
    bool truncated = false;
};

Json SlackWebApi::failure(const QString &error, const QString &detail)
{
    Json body = Json::object({{u"ok"_s, false}, {u"error"_s, error}});
    if (!detail.isEmpty()) {
        body.set(u"errors"_s, Json(Json::Array{Json(detail)}));
        body.set(u"response_metadata"_s, Json::object({{u"messages"_s, Json(Json::Array{Json(detail)})}}));
    }
    return body;
}

SlackWebApi::Method SlackWebApi::find(const QString &name)
{
    struct Entry
    {
        QLatin1StringView name;
        Method method;
    };
    static constexpr Entry kMethods[] = {
        {QLatin1StringView("chat.postMessage"), &SlackWebApi::postMessage},
        {QLatin1StringView("reactions.add"), &SlackWebApi::addReaction},
        {QLatin1StringView("reactions.remove"), &SlackWebApi::removeReaction},
        {QLatin1StringView("chat.update"), &SlackWebApi::update},
        {QLatin1StringView("chat.delete"), &SlackWebApi::remove},
        {QLatin1StringView("chat.postEphemeral"), &SlackWebApi::postEphemeral},
        {QLatin1StringView("auth.test"), &SlackWebApi::authTest},
        {QLatin1StringView("conversations.open"), &SlackWebApi::openConversation},
        {QLatin1StringView("conversations.replies"), &SlackWebApi::replies},
        {QLatin1StringView("conversations.history"), &SlackWebApi::history},
    };
    for (const Entry &entry : kMethods) {
        if (name == entry.name)
            return entry.method;
    }
    return nullptr;
}

Json SlackWebApi::call(const QString &name, const SlackTeam &team, const SlackArgs &args)
{
    const Method method = find(name);
    if (method == nullptr) {
        Json body = failure(u"unknown_method"_s);
        body.set(u"req_method"_s, name);
        return body;
    }
    Json body = (this->*method)(team, args);
    if (!args.warning().isEmpty() && !body.contains(u"warning"))
        warn(body, args.warning(), QString());
    return body;
}

Json SlackWebApi::authTest(const SlackTeam &team, const SlackArgs &)
{
    return Json::object({{u"ok"_s, true}, {u"url"_s, u"https://%1.slack.com/"_s.arg(team.name.toLower())},
        {u"team"_s, team.name}, {u"user"_s, u"signalbox"_s}, {u"team_id"_s, team.teamId},
        {u"user_id"_s, team.botUserId}, {u"bot_id"_s, team.botId}, {u"is_enterprise_install"_s, false}});
}

SlackChannel *SlackWebApi::channelFor(const SlackTeam &team, const SlackArgs &args, QString &error)
{
    const QString id = args.text(u"channel");
    SlackChannel *channel = nullptr;
    // A person's id stands for the direct message with them.
    if (id.startsWith(u'U') && m_model.hasUser(id) && id != team.botUserId)
        channel = &m_model.directMessage(team.teamId, QStringList(id));
    else
        channel = m_model.channel(id);
    if (channel == nullptr || channel->teamId != team.teamId) {
        error = u"channel_not_found"_s;
        return nullptr;
    }
    return channel;
}

SlackWebApi::Content SlackWebApi::readContent(const SlackArgs &args, QString &error, QString &detail)
{
    Content content;
    content.text = args.text(u"text");
    const auto blocks = args.structure(u"blocks");
    const auto attachments = args.structure(u"attachments");
    const auto metadata = args.structure(u"metadata");
    if (!blocks) {
        error = u"invalid_blocks_format"_s;
        return content;
    }
    if (!attachments || (!attachments->isNull() && !attachments->isArray())) {
        error = u"invalid_attachments"_s;
        return content;
    }
    const QString markdown = args.text(u"markdown_text");
    SlackRefusal refusal;
    if (!blocks->isNull())
        refusal = checkBlocks(*blocks);
    if (refusal.error.isEmpty() && !metadata)
        refusal = SlackRefusal(u"invalid_metadata_format"_s);
    if (refusal.error.isEmpty() && !metadata->isNull())
        refusal = checkMetadata(*metadata);
    if (refusal.error.isEmpty() && attachments->size() > kMaxAttachments)
        refusal = SlackRefusal(u"too_many_attachments"_s);
    if (refusal.error.isEmpty() && !markdown.isEmpty() && (!content.text.isEmpty() || blocks->size() > 0))
        refusal = SlackRefusal(u"markdown_text_conflict"_s);
    if (refusal.error.isEmpty() && markdown.size() > kMaxMarkdownText)
        refusal = SlackRefusal(u"msg_too_long"_s);
    if (!markdown.isEmpty())
        content.text = markdown;
    if (refusal.error.isEmpty() && content.text.isEmpty() && blocks->size() == 0 && attachments->size() == 0)
        refusal = SlackRefusal(u"no_text"_s);
    error = refusal.error;
    detail = refusal.detail;
    if (content.text.size() > kTruncateAt) {
        content.text.truncate(kTruncateAt);
        content.truncated = true;
    }
    content.text = normalisePostedText(content.text);
    content.blocks = *blocks;
    content.attachments = *attachments;
    content.metadata = metadata ? *metadata : Json();
    return content;
}

Json SlackWebApi::postMessage(const SlackTeam &team, const SlackArgs &args)
{
    if (!args.has(u"channel"))
        return missingArgument(u"channel"_s);
    QString error;
    QString detail;
    SlackChannel *channel = channelFor(team, args, error);
    if (channel == nullptr)
        return failure(error);
    if (channel->archived)
        return failure(u"is_archived"_s);
    if (!channel->member)
        return failure(u"not_in_channel"_s);
    Content content = readContent(args, error, detail);
    if (!error.isEmpty())
        return failure(error, detail);
    const QString thread = args.text(u"thread_ts");
    if (!thread.isEmpty() && !isTs(thread))
        return failure(u"cannot_reply_to_message"_s);
    const QString clientMsgId = args.text(u"client_msg_id");
    if (dedupeClientMsgId && !clientMsgId.isEmpty()) {
        for (const SlackMessage &message : channel->messages) {
            if (message.clientMsgId == clientMsgId)
                return message.deleted
                    ? failure(u"duplicate_message_not_found"_s)
                    : Json::object({{u"ok"_s, true}, {u"channel"_s, channel->id}, {u"ts"_s, message.ts},
                        {u"message"_s, m_model.toJson(*channel, message, true)}});
        }
    }
    SlackMessage message;
    message.user = team.botUserId;
    message.botId = team.botId;
    message.text = content.text;
    message.blocks = std::move(content.blocks);
    message.attachments = std::move(content.attachments);
    message.metadata = std::move(content.metadata);
    message.clientMsgId = clientMsgId;
    message.threadTs = thread;
    // A reply to a reply goes into the thread that it stands in.
    if (const SlackMessage *parent = thread.isEmpty() ? nullptr : m_model.find(*channel, thread)) {
        if (!parent->threadTs.isEmpty())
            message.threadTs = parent->threadTs;
    }
    message.broadcast = !thread.isEmpty() && args.flag(u"reply_broadcast");
    if (message.broadcast)
        message.subtype = u"thread_broadcast"_s;
    const SlackMessage &posted = m_model.post(*channel, std::move(message));
    Json body = ok();
    body.set(u"channel"_s, channel->id);
    body.set(u"ts"_s, posted.ts);
    body.set(u"message"_s, m_model.toJson(*channel, posted, true));
    if (content.truncated)
        warn(body, u"message_truncated"_s, u"[WARN] The text of the message was cut at 40000 characters"_s);
    const QString ts = posted.ts;
    if (onPosted)
        onPosted(channel->id, ts);
    return body;
}

Json SlackWebApi::update(const SlackTeam &team, const SlackArgs &args)
{
    for (const QString &name : {u"channel"_s, u"ts"_s}) {
        if (!args.has(name))
            return missingArgument(name);
    }
    QString error;
    QString detail;
    SlackChannel *channel = channelFor(team, args, error);
    if (channel == nullptr)
        return failure(error);
    if (channel->archived)
        return failure(u"is_archived"_s);
    SlackMessage *message = m_model.find(*channel, args.text(u"ts"));
    if (message == nullptr)
        return failure(u"message_not_found"_s);
    if (message->botId != team.botId)
        return failure(u"cant_update_message"_s);
    if (args.text(u"text").size() > kMaxUpdateText || args.text(u"markdown_text").size() > kMaxUpdateText)
        return failure(u"msg_too_long"_s);
    const Content content = readContent(args, error, detail);
    if (!error.isEmpty())
        return failure(error, detail);
    m_model.setText(*message, content.text);
    // Without blocks in the call the old ones go, unless only blocks or attachments were meant to stay.
    message->blocks = content.blocks;
    message->attachments = content.attachments;
    if (!content.metadata.isNull())
        message->metadata = content.metadata;
    ++message->edits;
    Json body = ok();
    body.set(u"channel"_s, channel->id);
    body.set(u"ts"_s, message->ts);
    body.set(u"text"_s, content.text);
    body.set(u"message"_s, m_model.toJson(*channel, *message, true));
    return body;
}

Json SlackWebApi::remove(const SlackTeam &team, const SlackArgs &args)
{
    for (const QString &name : {u"channel"_s, u"ts"_s}) {
        if (!args.has(name))
            return missingArgument(name);
    }
    QString error;
    SlackChannel *channel = channelFor(team, args, error);
    if (channel == nullptr)
        return failure(error);
    const QString ts = args.text(u"ts");
    SlackMessage *message = m_model.find(*channel, ts);
    if (message == nullptr)
        return failure(u"message_not_found"_s);
    if (message->botId != team.botId)
        return failure(u"cant_delete_message"_s);
    m_model.remove(*channel, *message);
    return Json::object({{u"ok"_s, true}, {u"channel"_s, channel->id}, {u"ts"_s, ts}});
}

Json SlackWebApi::postEphemeral(const SlackTeam &team, const SlackArgs &args)
{
    for (const QString &name : {u"channel"_s, u"user"_s}) {
        if (!args.has(name))
            return missingArgument(name);
    }
    QString error;
    QString detail;
    const SlackChannel *channel = channelFor(team, args, error);
    if (channel == nullptr)
        return failure(error);
    if (channel->archived)
        return failure(u"is_archived"_s);
    if (!m_model.hasUser(args.text(u"user")))
        return failure(u"user_not_in_channel"_s);
    const Content content = readContent(args, error, detail);
    if (!error.isEmpty())
        return failure(error, detail);
    if (m_ephemerals.size() >= kMostEphemerals)
        m_ephemerals.erase(m_ephemerals.begin());
    Ephemeral &shown = m_ephemerals.emplace_back();
    shown.channel = channel->id;
    shown.thread = args.text(u"thread_ts");
    shown.user = args.text(u"user");
    shown.text = content.text;
    return Json::object({{u"ok"_s, true}, {u"message_ts"_s, m_model.nextTs()}});
}

SlackMessage *SlackWebApi::reactionTarget(const SlackTeam &team, const SlackArgs &args, QString &error)
{
    static const QRegularExpression kName(u"^[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?$"_s);
    if (!kName.match(args.text(u"name")).hasMatch()) {
        error = u"invalid_name"_s;
        return nullptr;
    }
    if (!args.has(u"channel") || !args.has(u"timestamp")) {
        error = u"no_item_specified"_s;
        return nullptr;
    }
    SlackChannel *channel = channelFor(team, args, error);
    if (channel == nullptr)
        return nullptr;
    const QString ts = args.text(u"timestamp");
    if (!isTs(ts))
        error = u"bad_timestamp"_s;
    else if (channel->archived)
        error = u"is_archived"_s;
    SlackMessage *message = error.isEmpty() ? m_model.find(*channel, ts) : nullptr;
    if (message == nullptr && error.isEmpty())
        error = u"message_not_found"_s;
    return message;
}

Json SlackWebApi::addReaction(const SlackTeam &team, const SlackArgs &args)
{
    QString error;
    SlackMessage *message = reactionTarget(team, args, error);
    if (message == nullptr)
        return failure(error);
    const QString name = args.text(u"name");
    for (auto &[reaction, users] : message->reactions) {
        if (reaction != name)
            continue;
        if (users.contains(team.botUserId))
            return failure(u"already_reacted"_s);
        users.append(team.botUserId);
        return ok();
    }
    message->reactions.emplace_back(name, QStringList(team.botUserId));
    return ok();
}

Json SlackWebApi::removeReaction(const SlackTeam &team, const SlackArgs &args)
{
    QString error;
    SlackMessage *message = reactionTarget(team, args, error);
    if (message == nullptr)
        return failure(error);
    const QString name = args.text(u"name");
    auto &all = message->reactions;
    const auto found
        = std::find_if(all.begin(), all.end(), [&name](const auto &entry) { return entry.first == name; });
    if (found == all.end() || !found->second.removeOne(team.botUserId))
        return failure(u"no_reaction"_s);
    if (found->second.isEmpty())
        all.erase(found);
    return ok();
}

Json SlackWebApi::openConversation(const SlackTeam &team, const SlackArgs &args)
{
    SlackChannel *channel = nullptr;
    if (args.has(u"channel")) {
        QString error;
        channel = channelFor(team, args, error);
        if (channel == nullptr)
            return failure(error);
        if (channel->kind != SlackChannel::Kind::Im && channel->kind != SlackChannel::Kind::Mpim)
            return failure(u"method_not_supported_for_channel_type"_s);
    } else {
        QStringList users = args.text(u"users").split(u',', Qt::SkipEmptyParts);
        if (const auto list = args.structure(u"users"); users.isEmpty() && list && list->isArray()) {
            for (const Json &user : list->toArray())
                users.append(user.toString());
        }
        if (users.isEmpty())
            return failure(u"users_list_not_supplied"_s);
        if (users.size() > kMaxOpenUsers)
            return failure(u"too_many_users"_s);
        for (const QString &user : users) {
            if (!m_model.hasUser(user))
                return failure(u"user_not_found"_s);
        }
        channel = &m_model.directMessage(team.teamId, users);
    }
    Json shown = Json::object({{u"id"_s, channel->id}});
    if (args.flag(u"return_im") && channel->kind == SlackChannel::Kind::Im) {
        shown.set(u"is_im"_s, true);
        shown.set(u"user"_s, channel->users.value(0));
    }
    return Json::object({{u"ok"_s, true}, {u"channel"_s, shown}});
}

Json SlackWebApi::page(const SlackChannel &channel, const std::vector<const SlackMessage *> &all,
    const SlackArgs &args, int defaultLimit) const
{
    const int limit = std::clamp(args.number(u"limit", defaultLimit), 1, kMaxPage);
    size_t from = 0;
    const QString cursor = args.text(u"cursor");
    if (!cursor.isEmpty()) {
        const QByteArray after = QByteArray::fromBase64(cursor.toLatin1());
        const auto at = std::find_if(all.begin(), all.end(),
            [&after](const SlackMessage *message) { return "next_ts:" + message->ts.toLatin1() == after; });
        if (at == all.end())
            return failure(u"invalid_cursor"_s);
        from = static_cast<size_t>(at - all.begin());
    }
    const bool allMetadata = args.flag(u"include_all_metadata");
    Json messages = Json::array();
    size_t index = from;
    for (; index < all.size() && messages.size() < static_cast<size_t>(limit); ++index)
        messages.append(m_model.toJson(channel, *all.at(index), allMetadata));
    Json body = ok();
    body.set(u"messages"_s, messages);
    body.set(u"has_more"_s, index < all.size());
    if (index < all.size()) {
        const QByteArray next = "next_ts:" + all.at(index)->ts.toLatin1();
        const QString encoded = QString::fromLatin1(next.toBase64());
        body.set(u"response_metadata"_s, Json::object({{u"next_cursor"_s, encoded}}));
    }
    return body;
}

namespace {
bool inRange(const SlackMessage &message, const SlackArgs &args)
{
    const QString oldest = args.text(u"oldest");
    const QString latest = args.text(u"latest");
    const bool inclusive = args.flag(u"inclusive");
    if (!oldest.isEmpty() && !tsLess(oldest, message.ts) && !(inclusive && oldest == message.ts))
        return false;
    return latest.isEmpty() || tsLess(message.ts, latest) || (inclusive && latest == message.ts);
}
} // namespace

Json SlackWebApi::replies(const SlackTeam &team, const SlackArgs &args)
{
    for (const QString &name : {u"channel"_s, u"ts"_s}) {
        if (!args.has(name))
            return missingArgument(name);
    }
    QString error;
    SlackChannel *channel = channelFor(team, args, error);
    if (channel == nullptr)
        return failure(error);
    if (!channel->member)
        return failure(u"not_in_channel"_s);
    const QString ts = args.text(u"ts");
    const SlackMessage *root = m_model.find(*channel, ts);
    const auto thread = channel->threads.constFind(ts);
    if (root == nullptr && thread == channel->threads.constEnd())
        return failure(u"thread_not_found"_s);
    std::vector<const SlackMessage *> all;
    if (root != nullptr)
        all.push_back(root);
    if (thread != channel->threads.constEnd()) {
        for (const size_t index : *thread) {
            const SlackMessage &message = channel->messages.at(index);
            if (!message.deleted && inRange(message, args))
                all.push_back(&message);
        }
    }
    return page(*channel, all, args, kMaxPage);
}

Json SlackWebApi::history(const SlackTeam &team, const SlackArgs &args)
{
    if (!args.has(u"channel"))
        return missingArgument(u"channel"_s);
    QString error;
    const SlackChannel *channel = channelFor(team, args, error);
    if (channel == nullptr)
        return failure(error);
    if (!channel->member)
        return failure(u"not_in_channel"_s);
    std::vector<const SlackMessage *> all;
    for (auto it = channel->messages.rbegin(); it != channel->messages.rend(); ++it) {
        const bool top = it->threadTs.isEmpty() || it->broadcast;
        if (top && !it->deleted && inRange(*it, args))
            all.push_back(&*it);
    }
    return page(*channel, all, args, 100);
}

} // namespace signalbox::sandbox
