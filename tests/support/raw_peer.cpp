// SPDX-License-Identifier: Apache-2.0
#include "support/raw_peer.h"

namespace signalbox::testing {

RawPeer::RawPeer(quint16 port)
{
    QObject::connect(
        &m_socket, &QTcpSocket::readyRead, &m_socket, [this] { m_received += m_socket.readAll(); });
    QObject::connect(
        &m_socket, &QTcpSocket::connected, &m_socket, [this] { send(std::exchange(m_early, {})); });
    m_socket.connectToHost(QHostAddress::LocalHost, port);
}

void RawPeer::send(const QByteArray &bytes)
{
    if (m_socket.state() != QAbstractSocket::ConnectedState) {
        m_early += bytes;
        return;
    }
    m_socket.write(bytes);
    m_socket.flush();
}

void RawPeer::reset()
{
    m_socket.abort();
}

std::vector<RawAnswer> RawPeer::answers(int bodiless) const
{
    std::vector<RawAnswer> answers;
    qsizetype at = 0;
    while (true) {
        const qsizetype line = m_received.indexOf("\r\n", at);
        const qsizetype end = m_received.indexOf("\r\n\r\n", at);
        if (end < 0 || !QByteArrayView(m_received).sliced(at).startsWith("HTTP/1.1 "))
            return answers;
        RawAnswer answer;
        answer.status = m_received.sliced(at + 9, 3).toInt();
        answer.head = m_received.sliced(line + 2, std::max<qsizetype>(end - line, 0));
        qsizetype length = 0;
        const qsizetype field = answer.head.toLower().indexOf("content-length: ");
        if (field >= 0)
            length
                = answer.head.sliced(field + 16, answer.head.indexOf('\r', field) - field - 16).toLongLong();
        if (static_cast<int>(answers.size()) < bodiless)
            length = 0;
        if (end + 4 + length > m_received.size())
            return answers;
        answer.body = m_received.sliced(end + 4, length);
        at = end + 4 + length;
        answers.push_back(std::move(answer));
    }
}

QList<int> RawPeer::statuses(int bodiless) const
{
    QList<int> statuses;
    for (const RawAnswer &answer : answers(bodiless))
        statuses.append(answer.status);
    return statuses;
}

SlowReader::SlowReader(quint16 port, qint64 bytes, std::chrono::milliseconds every)
{
    QObject::connect(
        &m_socket, &QTcpSocket::connected, &m_socket, [this] { send(std::exchange(m_early, {})); });
    m_socket.setReadBufferSize(std::max<qint64>(bytes, 1));
    m_socket.bind(QHostAddress(QHostAddress::LocalHost)); // there is a descriptor from here on
    m_socket.setSocketOption(QAbstractSocket::ReceiveBufferSizeSocketOption, 16 * 1024);
    m_socket.connectToHost(QHostAddress::LocalHost, port);
    m_timer.setInterval(every);
    m_timer.callOnTimeout([this, bytes] { m_received += m_socket.read(bytes).size(); });
    if (bytes > 0)
        m_timer.start();
}

void SlowReader::send(const QByteArray &bytes)
{
    if (m_socket.state() != QAbstractSocket::ConnectedState) {
        m_early += bytes;
        return;
    }
    m_socket.write(bytes);
    m_socket.flush();
}

} // namespace signalbox::testing
