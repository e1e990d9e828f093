// SPDX-License-Identifier: Apache-2.0
#include "support/recording_relay.h"

#include <QDateTime>
#include <QTcpSocket>

namespace signalbox::testing {

QByteArray RecordedRequest::field(const QByteArray &name) const
{
    for (const QByteArray &line : head.split('\n')) {
        const qsizetype colon = line.indexOf(':');
        if (colon > 0 && line.first(colon).toLower() == name.toLower())
            return line.mid(colon + 1).trimmed();
    }
    return {};
}

qint64 RecordingRelay::Sent::timeOf(qsizetype size) const
{
    for (const auto &[until, time] : arrivals) {
        if (until >= size)
            return time;
    }
    return 0;
}

RecordingRelay::RecordingRelay(quint16 target)
    : m_target(target)
{
    connect(&m_server, &QTcpServer::newConnection, this, &RecordingRelay::accept);
    m_server.listen(QHostAddress(QHostAddress::LocalHost), 0);
}

void RecordingRelay::accept()
{
    while (QTcpSocket *client = m_server.nextPendingConnection()) {
        client->setParent(this);
        auto *upstream = new QTcpSocket(this);
        auto sent = std::make_shared<Sent>();
        m_sent.push_back(sent);
        connect(client, &QTcpSocket::readyRead, upstream, [client, upstream, sent] {
            const QByteArray bytes = client->readAll();
            sent->bytes += bytes;
            sent->arrivals.emplace_back(sent->bytes.size(), QDateTime::currentMSecsSinceEpoch());
            upstream->write(bytes);
        });
        connect(upstream, &QTcpSocket::readyRead, client,
            [client, upstream] { client->write(upstream->readAll()); });
        connect(client, &QTcpSocket::disconnected, upstream, &QTcpSocket::disconnectFromHost);
        connect(upstream, &QTcpSocket::disconnected, client, &QTcpSocket::disconnectFromHost);
        upstream->connectToHost(QHostAddress(QHostAddress::LocalHost), m_target);
    }
}

std::vector<RecordedRequest> RecordingRelay::requests() const
{
    std::vector<RecordedRequest> all;
    for (const auto &connection : m_sent) {
        const QByteArray *sent = &connection->bytes;
        qsizetype at = 0;
        for (qsizetype end = sent->indexOf("\r\n\r\n", at); end >= 0; end = sent->indexOf("\r\n\r\n", at)) {
            RecordedRequest request;
            const qsizetype line = sent->indexOf("\r\n", at);
            const QList<QByteArray> words = sent->sliced(at, line - at).split(' ');
            if (words.size() != 3 || !words[2].startsWith("HTTP/1.1"))
                break; // frames of a WebSocket
            request.method = words[0];
            request.target = words[1];
            request.head = sent->sliced(line + 2, end - line);
            const qsizetype length = request.field("Content-Length").toLongLong();
            if (end + 4 + length > sent->size())
                break;
            request.body = sent->sliced(end + 4, length);
            at = end + 4 + length;
            request.at = connection->timeOf(at);
            all.push_back(std::move(request));
        }
    }
    return all;
}

} // namespace signalbox::testing
