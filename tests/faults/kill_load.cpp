// SPDX-License-Identifier: Apache-2.0
#include "kill_load.h"

#include "async/block_on.h"

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::testing {

KillLoad::KillLoad(GatewayFixture &gateway, int channels, Millis pause, unsigned seed)
    : m_gateway(gateway)
    , m_channels(channels)
    , m_random(seed)
    , m_sending(u"load"_s)
{
    m_gateway.slack().addUser(u"U0ANNA"_s);
    m_gateway.slack().events().retryDelays.assign(1000, Millis(250));
    m_timer.setInterval(pause);
    connect(&m_timer, &QTimer::timeout, this, &KillLoad::say);
}

KillLoad::~KillLoad()
{
    m_gateway.slack().events().stop();
    async::blockOn(m_sending.join(Millis(20'000)), Millis(30'000));
}

bool KillLoad::allAcknowledged() const
{
    return std::all_of(
        m_messages.begin(), m_messages.end(), [](const Message &message) { return message.acknowledged; });
}

void KillLoad::say()
{
    // Half of them are answered at once; the others are at work for a while, silent or with an open tool
    // call.
    static const QStringList kManners{QString(), QString(), u"late 150ms "_s, u"slow 200ms "_s};
    if (m_choose)
        m_choose();
    sandbox::SlackSimulator &slack = m_gateway.slack();
    const QString channel
        = u"C0LOAD%1"_s.arg(static_cast<int>(m_random() % static_cast<unsigned>(m_channels)));
    const QString text = marked(u"hello %1"_s.arg(m_messages.size()));
    slack.addChannel(channel);
    sandbox::SlackMessage posted;
    posted.channel = channel;
    posted.user = u"U0ANNA"_s;
    posted.text = u"<@U0BOT> "_s + kManners[static_cast<qsizetype>(m_random() % 4)] + text;
    Message message;
    message.channel = channel;
    message.ts = slack.model().post(*slack.model().channel(channel), posted).ts;
    message.reply = u"You said: "_s + text;
    Json event
        = Json::object({{u"type"_s, u"app_mention"_s}, {u"user"_s, u"U0ANNA"_s}, {u"channel"_s, channel}});
    event.set(u"ts"_s, message.ts);
    event.set(u"text"_s, posted.text);
    m_messages.push_back(message);
    Json envelope = slack.events().envelope(m_gateway.options().slackSimulator.teamId, event);
    m_sending.spawn("event", deliver(m_messages.size() - 1, std::move(envelope)));
}

QCoro::Task<> KillLoad::deliver(size_t index, Json envelope)
{
    const auto outcome = co_await m_gateway.slack().events().sendEnvelope(std::move(envelope));
    m_messages[index].acknowledged = outcome && outcome->delivered;
}

} // namespace signalbox::testing
