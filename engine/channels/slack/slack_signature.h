// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/secret.h"

#include <QByteArray>

#include <vector>

namespace signalbox::slack {

// Slack's request signature (contracts/slack.md §1, contracts/spritz-backend.md §3.1): v0 = HMAC-SHA256 over
// "v0:" + timestamp as received + ":" + raw body, at most five minutes of clock difference either way.
enum class SignatureCheck { Valid, Missing, InvalidTimestamp, Stale, Invalid };

struct SignatureResult
{
    SignatureResult(SignatureCheck result, int secret = -1)
        : check(result)
        , secretIndex(secret)
    {
    }
    SignatureCheck check;
    int secretIndex; // which of the secrets fits, of Valid
};

[[nodiscard]] SignatureResult checkSignature(const QByteArray &timestampHeader,
    const QByteArray &signatureHeader, const QByteArray &rawBody, const std::vector<Secret> &secrets,
    Instant now);

// The answer's text for a refused signature, byte for byte.
[[nodiscard]] QByteArray refusalText(SignatureCheck check);

} // namespace signalbox::slack
