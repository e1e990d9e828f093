// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/message.h"

namespace signalbox::http {

struct WriteOptions
{
    WriteOptions() = default;
    bool toHead = false; // announce the body, do not send it
    bool http11 = true;
    bool keepAlive = true;
    bool streams = false; // a body without a length
    QByteArray date; // IMF-fixdate, or empty
};

// The head, and the body behind it when it is small; a large body is left in `response` for a write of its
// own.
[[nodiscard]] QByteArray serialize(Response &response, const WriteOptions &options);

// IMF-fixdate of RFC 9110.
[[nodiscard]] QByteArray httpDate(qint64 secondsSinceEpoch);

} // namespace signalbox::http
