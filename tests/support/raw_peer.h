// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QByteArray>
#include <QHostAddress>
#include <QTcpSocket>
#include <QTimer>

#include <chrono>
#include <vector>

namespace signalbox::testing {

// One HTTP answer as it came over the wire.
struct RawAnswer
{
    RawAnswer() = default;
    int status = 0;
    QByteArray head; // without the status line
    QByteArray body;
};

// A client that writes exactly the bytes it is told, for what a well-behaved one would never send. Works in
// the test's event loop: wait with QTRY_VERIFY on what it has.
class RawPeer
{
public:
    explicit RawPeer(quint16 port);

    void send(const QByteArray &bytes); // at once, or as soon as it is connected
    void reset(); // closes at once
    [[nodiscard]] bool isOpen() const { return m_socket.state() == QAbstractSocket::ConnectedState; }
    [[nodiscard]] bool isClosed() const { return m_socket.state() == QAbstractSocket::UnconnectedState; }
    [[nodiscard]] const QByteArray &received() const { return m_received; }
    // The complete answers so far. `bodiless` of them, from the first, answer HEAD.
    [[nodiscard]] std::vector<RawAnswer> answers(int bodiless = 0) const;
    [[nodiscard]] QList<int> statuses(int bodiless = 0) const;

private:
    QTcpSocket m_socket;
    QByteArray m_early; // to be sent when connected
    QByteArray m_received;
};

// A client that takes `bytes` of what is there each `every`, with as little buffered on its side as the
// system lets it: a peer that reads, but slowly. `bytes` = 0 reads nothing.
class SlowReader
{
public:
    SlowReader(quint16 port, qint64 bytes, std::chrono::milliseconds every);

    void send(const QByteArray &bytes); // at once, or as soon as it is connected
    [[nodiscard]] bool isClosed() const { return m_socket.state() == QAbstractSocket::UnconnectedState; }
    [[nodiscard]] qint64 received() const { return m_received; }

private:
    QTcpSocket m_socket;
    QTimer m_timer;
    QByteArray m_early;
    qint64 m_received = 0;
};

} // namespace signalbox::testing
