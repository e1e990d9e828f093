// SPDX-License-Identifier: Apache-2.0
#include "domain/relay_policy.h"

using namespace Qt::StringLiterals;

namespace signalbox::domain {

bool isDirect(const SlackMessage &message)
{
    return message.channelType == u"im" || message.channelType == u"mpim" || message.place.startsWith(u'D');
}

Relay decideRelay(const SlackMessage &message, const RelayPolicy &policy)
{
    const bool mention = message.eventType == u"app_mention";
    if (!mention && message.eventType != u"message")
        return Relay::Drop;
    if (!message.subtype.isEmpty() && message.subtype != u"file_share")
        return Relay::Drop;
    if (isDirect(message) && mention)
        return Relay::Drop;
    if (!message.botId.isEmpty() || message.user.isEmpty())
        return Relay::Drop;
    if (!policy.botUserId.isEmpty() && message.user == policy.botUserId)
        return Relay::Drop; // our own message
    if (message.place.isEmpty() || message.ts.isEmpty())
        return Relay::Drop;
    if (isDirect(message) || mention || !policy.requireMention || !policy.certain)
        return Relay::Deliver;
    const QString token = u"<@"_s + policy.botUserId + u'>';
    return !policy.botUserId.isEmpty() && message.text.contains(token) ? Relay::Deliver : Relay::Ignore;
}

} // namespace signalbox::domain
