// SPDX-License-Identifier: Apache-2.0
#include "signed_requests.h"

using namespace Qt::StringLiterals;

namespace signalbox::bench {

QString channelOf(const MessagePlan &plan, int number)
{
    return u"C%1"_s.arg(number % plan.channels, 6, 10, QChar(u'0'));
}

std::vector<QByteArray> signedRequests(
    const MessagePlan &plan, sandbox::SlackSimulator &slack, const Clock &clock)
{
    const sandbox::SlackSimulatorConfig &config = slack.config();
    slack.addUser(u"U0BENCH"_s);
    for (int i = 0; i < plan.channels; ++i)
        slack.addChannel(channelOf(plan, i));
    std::vector<QByteArray> requests;
    requests.reserve(static_cast<size_t>(plan.count));
    const QByteArray timestamp = QByteArray::number(toMs(clock.now()) / 1000);
    for (int i = plan.first; i < plan.first + plan.count; ++i) {
        sandbox::SlackMessage message;
        message.user = u"U0BENCH"_s;
        message.channel = channelOf(plan, i);
        const QString ts = slack.model().post(*slack.model().channel(message.channel), message).ts;
        Json event = Json::object({{u"type"_s, u"app_mention"_s}, {u"user"_s, u"U0BENCH"_s},
            {u"channel"_s, message.channel}, {u"ts"_s, ts}});
        event.set(u"event_ts"_s, ts);
        event.set(u"client_msg_id"_s, u"00000000-0000-4000-8000-%1"_s.arg(i, 12, 10, QChar(u'0')));
        event.set(u"text"_s, u"<@%1> %2"_s.arg(config.botUserId, plan.text));
        Json envelope = Json::object(
            {{u"token"_s, u"unused"_s}, {u"team_id"_s, config.teamId}, {u"api_app_id"_s, config.appId}});
        envelope.set(u"type"_s, u"event_callback"_s);
        envelope.set(u"event_id"_s, u"Ev%1"_s.arg(i, 10, 10, QChar(u'0')));
        envelope.set(u"event_time"_s, toMs(clock.now()) / 1000);
        envelope.set(u"event"_s, event);
        const QByteArray body = envelope.toBytes();
        requests.push_back("POST /slack/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                           "application/json\r\nX-Slack-Request-Timestamp: "
            + timestamp
            + "\r\nX-Slack-Signature: " + sandbox::SignedSender::sign(config.signingSecret, timestamp, body)
            + "\r\nContent-Length: " + QByteArray::number(body.size()) + "\r\n\r\n" + body);
    }
    return requests;
}

} // namespace signalbox::bench
