// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/secret.h"
#include "http/client.h"

#include <optional>

namespace signalbox::sandbox {

// Posts one signed request as Slack does (contracts/slack.md §1), with control over every part of the
// signature, so that bad input can be made too. Lives on its client's thread; the client outlives it.
class SignedSender
{
public:
    struct Request
    {
        Request() = default;
        Request(QUrl target, QByteArray content)
            : url(std::move(target))
            , body(std::move(content))
        {
        }
        QUrl url;
        QByteArray body;
        QByteArray contentType = "application/json";
        std::optional<QByteArray> timestamp; // default: now; an empty one leaves the header out
        std::optional<QByteArray> signature; // default: the right one; an empty one leaves the header out
        std::vector<std::pair<QByteArray, QByteArray>> headers; // further ones
        Millis timeout{3000};
    };

    SignedSender(http::Client &client, const Clock &clock, Secret signingSecret)
        : m_client(client)
        , m_clock(clock)
        , m_secret(std::move(signingSecret))
    {
    }

    // "v0=" and the hex HMAC-SHA256 over "v0:timestamp:body".
    [[nodiscard]] static QByteArray sign(const Secret &secret, QByteArrayView timestamp, QByteArrayView body);
    [[nodiscard]] http::ClientRequest build(const Request &request) const;
    [[nodiscard]] QCoro::Task<Result<http::Response>> post(Request request, async::CancelToken cancel = {});

private:
    http::Client &m_client;
    const Clock &m_clock;
    Secret m_secret;
};

} // namespace signalbox::sandbox
