// SPDX-License-Identifier: Apache-2.0
#include "channels/slack/slash_command.h"

#include "channels/slack/slack_envelope.h"

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::slack {

namespace {
constexpr qsizetype kMostDomain = 63;

// What stands in an address must be a name and nothing else: it comes from outside.
QString domainFrom(const QString &name)
{
    const bool good = name.size() <= kMostDomain && std::all_of(name.begin(), name.end(), [](QChar c) {
        return (c >= u'a' && c <= u'z') || (c >= u'0' && c <= u'9') || c == u'-';
    });
    return good ? name : QString();
}

template <class Field>
SlashCommand commandFrom(Field field)
{
    SlashCommand command;
    command.command = field(u"command");
    command.text = field(u"text");
    command.teamId = field(u"team_id");
    command.teamDomain = domainFrom(field(u"team_domain"));
    command.apiAppId = field(u"api_app_id");
    command.place = field(u"channel_id");
    command.user = field(u"user_id");
    command.isProbe = field(u"ssl_check") == u"1";
    return command;
}

bool arePlausible(std::initializer_list<QStringView> ids)
{
    return std::all_of(ids.begin(), ids.end(), isPlausibleId);
}
} // namespace

bool SlashCommand::isPlausible() const
{
    return !user.isEmpty() && !place.isEmpty() && arePlausible({command, teamId, apiAppId, place, user});
}

SlashCommand parseSlashCommand(const QByteArray &form)
{
    QHash<QString, QString> fields;
    for (QByteArray pair : form.split('&')) {
        pair.replace('+', ' ');
        const qsizetype equals = pair.indexOf('=');
        if (equals <= 0)
            continue;
        const QString name = QString::fromUtf8(QByteArray::fromPercentEncoding(pair.left(equals)));
        fields.insert(name, QString::fromUtf8(QByteArray::fromPercentEncoding(pair.mid(equals + 1))));
    }
    return commandFrom([&fields](QStringView name) { return fields.value(name.toString()); });
}

SlashCommand readSlashCommand(const Json &payload)
{
    return commandFrom([&payload](QStringView name) { return payload[name].toString(); });
}

bool Gesture::isPlausible() const
{
    return !user.isEmpty()
        && arePlausible({teamId, apiAppId, place, thread, user, callbackId, actionId, value});
}

Gesture readGesture(const Json &payload)
{
    Gesture gesture;
    gesture.type = payload[u"type"].toString();
    gesture.teamId = payload[u"team"][u"id"].toString();
    if (gesture.teamId.isEmpty())
        gesture.teamId = payload[u"user"][u"team_id"].toString();
    gesture.teamDomain = domainFrom(payload[u"team"][u"domain"].toString());
    gesture.apiAppId = payload[u"api_app_id"].toString();
    gesture.place = payload[u"channel"][u"id"].toString();
    if (gesture.place.isEmpty())
        gesture.place = payload[u"container"][u"channel_id"].toString();
    gesture.thread = payload[u"container"][u"thread_ts"].toString();
    if (gesture.thread.isEmpty())
        gesture.thread = payload[u"message"][u"thread_ts"].toString();
    gesture.user = payload[u"user"][u"id"].toString();
    gesture.callbackId = payload[u"callback_id"].toString();
    const Json &action = payload[u"actions"].at(0);
    gesture.actionId = action[u"action_id"].toString();
    gesture.value = action[u"value"].toString();
    return gesture;
}

} // namespace signalbox::slack
