// SPDX-License-Identifier: Apache-2.0
#include "channels/slack/ephemeral.h"

using namespace Qt::StringLiterals;

namespace signalbox::slack {

QCoro::Task<Status> postEphemeral(http::Client *client, QUrl apiBaseUrl, Secret token, QString place,
    QString thread, QString user, Json message, Millis timeout, async::CancelToken cancel)
{
    Json arguments = Json::object({{u"channel"_s, place}, {u"user"_s, user}, {u"text"_s, message[u"text"]}});
    if (message[u"blocks"].isArray())
        arguments.set(u"blocks"_s, message[u"blocks"]);
    if (!thread.isEmpty())
        arguments.set(u"thread_ts"_s, thread);
    http::ClientRequest request("POST", QUrl(apiBaseUrl.toString() + u"/chat.postEphemeral"_s));
    request.headers.add("Authorization", "Bearer " + token.reveal());
    request.headers.add("Content-Type", "application/json; charset=utf-8");
    request.body = arguments.toBytes();
    request.timeout = timeout;
    const auto answer = co_await client->send(std::move(request), cancel);
    if (!answer)
        co_return fail(answer.error());
    const auto json = Json::parse(answer->body);
    if (answer->status == 200 && json && (*json)[u"ok"].toBool())
        co_return Status();
    const QString word = json ? (*json)[u"error"].toString() : u"http_%1"_s.arg(answer->status);
    co_return fail(Error(ErrorCode::Unavailable, u"Slack did not show the message"_s, word));
}

} // namespace signalbox::slack
