// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QHostAddress>

#include <optional>

namespace signalbox::config {

// Where a listener binds.
struct Endpoint
{
    QHostAddress address;
    quint16 port = 0; // 0: a free one
};

// Reads "host:port", where host is an IPv4 address, an IPv6 address in brackets, or localhost (127.0.0.1).
// Names are not looked up: what a listener binds to must not depend on a resolver.
[[nodiscard]] std::optional<Endpoint> parseEndpoint(const QString &text);

} // namespace signalbox::config
