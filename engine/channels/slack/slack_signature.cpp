// SPDX-License-Identifier: Apache-2.0
#include "channels/slack/slack_signature.h"

#include "base/hash.h"

#include <cstdlib>

namespace signalbox::slack {

namespace {
constexpr qint64 kMostSkewSeconds = 300;
}

SignatureResult checkSignature(const QByteArray &timestampHeader, const QByteArray &signatureHeader,
    const QByteArray &rawBody, const std::vector<Secret> &secrets, Instant now)
{
    const QByteArray timestamp = timestampHeader.trimmed();
    const QByteArray signature = signatureHeader.trimmed();
    if (timestamp.isEmpty() || signature.isEmpty())
        return SignatureCheck::Missing;
    bool ok = false;
    const qint64 seconds = timestamp.toLongLong(&ok);
    if (!ok)
        return SignatureCheck::InvalidTimestamp;
    const qint64 nowSeconds = toMs(now) / 1000;
    // Compared without a difference first: a timestamp near the ends of 64 bits must not overflow.
    if (seconds < nowSeconds - kMostSkewSeconds || seconds > nowSeconds + kMostSkewSeconds)
        return SignatureCheck::Stale;
    const QByteArray base = "v0:" + timestamp + ':' + rawBody;
    for (size_t i = 0; i < secrets.size(); ++i) {
        if (secrets[i].isEmpty())
            continue; // anybody can sign with a secret that is not set
        const QByteArray expected = "v0=" + hmacSha256(secrets[i].reveal(), base).toHex();
        if (equalConstantTime(expected, signature))
            return SignatureResult(SignatureCheck::Valid, static_cast<int>(i));
    }
    return SignatureCheck::Invalid;
}

QByteArray refusalText(SignatureCheck check)
{
    switch (check) {
    case SignatureCheck::Valid:
        return {};
    case SignatureCheck::Missing:
        return "missing slack signature\n";
    case SignatureCheck::InvalidTimestamp:
        return "invalid slack timestamp\n";
    case SignatureCheck::Stale:
        return "stale slack request\n";
    case SignatureCheck::Invalid:
        return "invalid slack signature\n";
    }
    return {};
}

} // namespace signalbox::slack
