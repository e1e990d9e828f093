// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QByteArray>
#include <QObject>
#include <QTcpServer>

#include <memory>
#include <utility>
#include <vector>

namespace signalbox::testing {

// One request as it went over the wire.
struct RecordedRequest
{
    RecordedRequest() = default;
    QByteArray method;
    QByteArray target; // path and query
    QByteArray body;
    QByteArray head;
    qint64 at = 0; // when its last byte was here, in ms since the epoch
    [[nodiscard]] QByteArray field(const QByteArray &name) const; // the value, or empty
};

// Stands between a client and a loopback server, passes all bytes on, and remembers what the client sent.
// Lives on one thread; connections end with it.
class RecordingRelay : public QObject
{
    Q_OBJECT
public:
    explicit RecordingRelay(quint16 target);
    [[nodiscard]] quint16 port() const { return m_server.serverPort(); }
    // The complete requests so far, by connection and in order; of a connection that was upgraded only those
    // before.
    [[nodiscard]] std::vector<RecordedRequest> requests() const;

private:
    void accept();
    quint16 m_target;
    QTcpServer m_server;
    struct Sent
    {
        QByteArray bytes;
        std::vector<std::pair<qsizetype, qint64>> arrivals; // size until then, time
        [[nodiscard]] qint64 timeOf(qsizetype size) const;
    };
    std::vector<std::shared_ptr<Sent>> m_sent; // by connection
};

} // namespace signalbox::testing
