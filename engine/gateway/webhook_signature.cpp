// SPDX-License-Identifier: Apache-2.0
#include "gateway/webhook_signature.h"

#include "base/hash.h"

namespace signalbox::gateway {

namespace {
constexpr QByteArrayView kPrefix("whsec_");

QByteArray keyOf(const Secret &secret)
{
    const QByteArray &text = secret.reveal();
    if (!text.startsWith(kPrefix))
        return text;
    const auto decoded = QByteArray::fromBase64Encoding(
        text.sliced(kPrefix.size()), QByteArray::Base64Encoding | QByteArray::AbortOnBase64DecodingErrors);
    return decoded ? *decoded : text;
}

} // namespace

QByteArray webhookSignature(
    const QList<Secret> &secrets, const QByteArray &id, qint64 timestampSeconds, const QByteArray &body)
{
    const QByteArray signedText = id + '.' + QByteArray::number(timestampSeconds) + '.' + body;
    QByteArray header;
    for (const Secret &secret : secrets) {
        if (!header.isEmpty())
            header += ' ';
        header += "v1," + hmacSha256(keyOf(secret), signedText).toBase64();
    }
    return header;
}

} // namespace signalbox::gateway
