// SPDX-License-Identifier: Apache-2.0
#include "channels/slack/slack_action.h"

#include "channels/slack/slack_envelope.h"

#include <QUrlQuery>

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::slack {

namespace {
constexpr qsizetype kMostValue = 2000;

const QString &firstOf(const Json &one, const Json &other)
{
    return one.toString().isEmpty() ? other.toString() : one.toString();
}
} // namespace

Result<Json> interactionPayload(const QByteArray &formBody)
{
    QByteArray encoded = formBody;
    encoded.replace('+', "%20");
    const QUrlQuery form(QString::fromUtf8(encoded));
    const QString payload = form.queryItemValue(u"payload"_s, QUrl::FullyDecoded);
    auto json = Json::parse(payload.toUtf8());
    if (!json)
        return fail(json.error());
    if (!json->isObject())
        return fail(ErrorCode::InvalidInput, u"the payload is not a JSON object"_s);
    return json;
}

SlackAction readAction(const Json &payload)
{
    const Json &container = payload[u"container"];
    const Json &pressed = payload[u"actions"].at(0);
    SlackAction action;
    action.type = payload[u"type"].toString();
    action.teamId = firstOf(payload[u"team"][u"id"], payload[u"user"][u"team_id"]);
    action.apiAppId = payload[u"api_app_id"].toString();
    action.user = payload[u"user"][u"id"].toString();
    action.place = firstOf(payload[u"channel"][u"id"], container[u"channel_id"]);
    action.messageTs = firstOf(container[u"message_ts"], payload[u"message"][u"ts"]);
    action.threadTs = firstOf(container[u"thread_ts"], payload[u"message"][u"thread_ts"]);
    action.actionId = pressed[u"action_id"].toString();
    action.value = pressed[u"value"].toString();
    return action;
}

bool isPlausible(const SlackAction &action)
{
    const QStringView ids[]{
        action.teamId, action.apiAppId, action.user, action.place, action.messageTs, action.threadTs};
    return action.actionId.size() <= 255 && action.value.size() <= kMostValue
        && std::all_of(std::begin(ids), std::end(ids), isPlausibleId);
}

} // namespace signalbox::slack
