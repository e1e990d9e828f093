// SPDX-License-Identifier: Apache-2.0
#include "sandbox/slack_gestures.h"

using namespace Qt::StringLiterals;

namespace signalbox::sandbox {

namespace {

Json interactive(const Gesturer &who, const QString &type)
{
    const Json user = Json::object(
        {{u"id"_s, who.user}, {u"username"_s, who.user.toLower()}, {u"team_id"_s, who.teamId}});
    return Json::object({{u"type"_s, type}, {u"user"_s, user}, {u"api_app_id"_s, who.appId},
        {u"trigger_id"_s, who.now + u".trigger"_s},
        {u"team"_s, Json::object({{u"id"_s, who.teamId}, {u"domain"_s, u"sandbox"_s}})},
        {u"channel"_s, Json::object({{u"id"_s, who.channel}, {u"name"_s, who.channel.toLower()}})},
        {u"response_url"_s, QString()}});
}
} // namespace

Json slashFields(const Gesturer &who, const QString &command, const QString &text)
{
    return Json::object(
        {{u"token"_s, u"sandbox-deprecated"_s}, {u"team_id"_s, who.teamId}, {u"team_domain"_s, u"sandbox"_s},
            {u"channel_id"_s, who.channel}, {u"channel_name"_s, who.channel.toLower()},
            {u"user_id"_s, who.user}, {u"user_name"_s, who.user.toLower()}, {u"command"_s, command},
            {u"text"_s, text}, {u"api_app_id"_s, who.appId}, {u"is_enterprise_install"_s, u"false"_s},
            {u"response_url"_s, QString()}, {u"trigger_id"_s, who.now + u".trigger"_s}});
}

Json ephemeralPress(const Gesturer &who, const QString &actionId, const QString &value)
{
    const Json action = Json::object({{u"type"_s, u"button"_s}, {u"action_id"_s, actionId},
        {u"block_id"_s, u"block"_s}, {u"value"_s, value}, {u"action_ts"_s, who.now}});
    Json payload = interactive(who, u"block_actions"_s);
    payload.set(u"container"_s,
        Json::object({{u"type"_s, u"message"_s}, {u"message_ts"_s, who.now}, {u"channel_id"_s, who.channel},
            {u"is_ephemeral"_s, true}}));
    payload.set(u"actions"_s, Json(Json::Array{action}));
    return payload;
}

Json messageShortcut(
    const Gesturer &who, const QString &callbackId, const QString &messageTs, const QString &threadTs)
{
    Json message = Json::object({{u"type"_s, u"message"_s}, {u"ts"_s, messageTs}});
    if (!threadTs.isEmpty())
        message.set(u"thread_ts"_s, threadTs);
    Json payload = interactive(who, u"message_action"_s);
    payload.set(u"callback_id"_s, callbackId);
    payload.set(u"message_ts"_s, messageTs);
    payload.set(u"message"_s, std::move(message));
    payload.set(u"action_ts"_s, who.now);
    return payload;
}

} // namespace signalbox::sandbox
