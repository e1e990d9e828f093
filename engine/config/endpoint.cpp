// SPDX-License-Identifier: Apache-2.0
#include "config/endpoint.h"

using namespace Qt::StringLiterals;

namespace signalbox::config {

std::optional<Endpoint> parseEndpoint(const QString &text)
{
    const qsizetype colon = text.lastIndexOf(u':');
    if (colon <= 0) {
        return std::nullopt;
    }
    bool ok = false;
    const ushort port = text.mid(colon + 1).toUShort(&ok);
    if (!ok) {
        return std::nullopt;
    }
    QString host = text.left(colon);
    if (host == u"localhost"_s) {
        return Endpoint{QHostAddress(QHostAddress::LocalHost), port};
    }
    const bool bracketed = host.startsWith(u'[') && host.endsWith(u']');
    if (bracketed) {
        host = host.mid(1, host.size() - 2);
    }
    const QHostAddress address(host);
    const bool isIpv6 = address.protocol() == QAbstractSocket::IPv6Protocol;
    // QHostAddress reads "1" and "1.2" as addresses too; a person who writes them means something else.
    const bool isWhole = isIpv6 ? bracketed : !bracketed && host.count(u'.') == 3;
    if (address.isNull() || !isWhole) {
        return std::nullopt;
    }
    return Endpoint{address, port};
}

} // namespace signalbox::config
