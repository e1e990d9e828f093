// SPDX-License-Identifier: Apache-2.0
#include "channels/slack/slack_envelope.h"

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::slack {

namespace {
constexpr qsizetype kMostIdLength = 128;

domain::SlackMessage messageFrom(const Json &event)
{
    domain::SlackMessage message;
    message.eventType = event[u"type"].toString();
    message.subtype = event[u"subtype"].toString();
    message.user = event[u"user"].toString();
    message.botId = event[u"bot_id"].toString();
    message.text = event[u"text"].toString();
    message.place = event[u"channel"].toString();
    message.channelType = event[u"channel_type"].toString();
    message.ts = event[u"ts"].toString();
    message.threadTs = event[u"thread_ts"].toString();
    message.clientMsgId = event[u"client_msg_id"].toString();
    return message;
}

} // namespace

Result<Envelope> parseEnvelope(const QByteArray &body)
{
    auto json = Json::parse(body);
    if (!json)
        return fail(json.error());
    if (!json->isObject())
        return fail(ErrorCode::InvalidInput, u"the body is not a JSON object"_s);
    return readEnvelope(*json);
}

Envelope readEnvelope(const Json &json)
{
    Envelope envelope;
    envelope.type = json[u"type"].toString();
    envelope.challenge = json[u"challenge"].toString();
    envelope.apiAppId = json[u"api_app_id"].toString();
    envelope.teamId = json[u"team_id"].toString();
    envelope.eventId = json[u"event_id"].toString();
    envelope.eventTime = json[u"event_time"].toInt().value_or(0);
    envelope.event = json[u"event"];
    envelope.eventType = envelope.event[u"type"].toString();
    if (envelope.eventType == u"message" || envelope.eventType == u"app_mention")
        envelope.message = messageFrom(envelope.event);
    return envelope;
}

bool isPlausibleId(QStringView id)
{
    return id.size() <= kMostIdLength && std::all_of(id.begin(), id.end(), [](QChar c) {
        return c.unicode() > 0x20 && c.unicode() < 0x7f;
    });
}

} // namespace signalbox::slack
