// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "channels/channel_adapter.h"
#include "http/client.h"

#include <QUrl>

namespace signalbox::slack {

// What only one person in a place sees.
struct Whisper
{
    Whisper() = default;
    QString place;
    QString thread; // empty: top level
    QString user;
    QString text; // escaped
};

// Slack's Web API (contracts/slack.md §3): JSON bodies, `ok` decides, 429 with Retry-After means nothing
// happened, and 5xx, a timeout or a broken connection after the request left mean that it may have. Messages
// carry the outbound row's id in `metadata` and a client_msg_id derived from it.
class SlackAdapter final : public channels::ChannelAdapter
{
public:
    // `client` outlives the adapter. `timeout` is for one call.
    SlackAdapter(http::Client &client, QUrl apiBaseUrl, Millis timeout);

    [[nodiscard]] QCoro::Task<channels::SendOutcome> send(
        channels::SendRequest request, async::CancelToken cancel) override;
    [[nodiscard]] QCoro::Task<channels::FindOutcome> find(
        channels::SendRequest request, async::CancelToken cancel) override;

    // Shows a text to one person, once: not looked for and not repeated.
    [[nodiscard]] QCoro::Task<Status> whisper(Secret token, Whisper whisper, async::CancelToken cancel);

    // Our own user id in the workspace of this token (auth.test).
    [[nodiscard]] QCoro::Task<Result<QString>> botUserId(Secret token, async::CancelToken cancel);

private:
    [[nodiscard]] http::ClientRequest requestFor(
        const QString &method, const Secret &token, const Json &arguments, bool idempotent) const;
    [[nodiscard]] QCoro::Task<Result<http::Response>> call(
        QString method, Secret token, Json arguments, bool idempotent, async::CancelToken cancel);
    http::Client &m_client;
    QUrl m_base;
    Millis m_timeout;
};

// What an HTTP answer (or its absence) to a call of `method` means; pure, by the table of
// domain/slack_errors.h.
[[nodiscard]] channels::SendOutcome interpretAnswer(
    const QString &method, const Result<http::Response> &answer);
// What an answer of `method` (conversations.history or .replies) says of the post with this outbox id; pure.
[[nodiscard]] channels::FindOutcome interpretLook(
    const QString &outboxId, const QString &method, const Result<http::Response> &answer);

} // namespace signalbox::slack
