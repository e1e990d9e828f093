// SPDX-License-Identifier: Apache-2.0
#include "sandbox/signed_sender.h"

#include "base/hash.h"

namespace signalbox::sandbox {

QByteArray SignedSender::sign(const Secret &secret, QByteArrayView timestamp, QByteArrayView body)
{
    QByteArray base = "v0:";
    base += timestamp;
    base += ':';
    base += body;
    return "v0=" + hmacSha256(secret.reveal(), base).toHex();
}

http::ClientRequest SignedSender::build(const Request &request) const
{
    http::ClientRequest out("POST", request.url);
    out.timeout = request.timeout;
    out.headers.add("Content-Type", request.contentType);
    const QByteArray timestamp = request.timestamp.value_or(QByteArray::number(toMs(m_clock.now()) / 1000));
    const QByteArray signature = request.signature.value_or(sign(m_secret, timestamp, request.body));
    if (!timestamp.isEmpty())
        out.headers.add("X-Slack-Request-Timestamp", timestamp);
    if (!signature.isEmpty())
        out.headers.add("X-Slack-Signature", signature);
    out.headers.add("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)");
    for (const auto &[name, value] : request.headers)
        out.headers.add(name, value);
    out.body = request.body;
    return out;
}

QCoro::Task<Result<http::Response>> SignedSender::post(Request request, async::CancelToken cancel)
{
    return m_client.send(build(request), std::move(cancel));
}

} // namespace signalbox::sandbox
