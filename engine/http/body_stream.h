// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QByteArray>
#include <QObject>

namespace signalbox::http {

class Connection;

// The body of an answer that has no length: what is written leaves at once, for as long as the peer reads and
// the server runs. The peer is cut off when it takes nothing for Limits::writeTimeout, or what was written
// before in more than Limits::minWriteRate allows; so a writer that waits for pending() to become 0 before it
// writes more needs no memory but for one such piece. Lives on the server's thread.
class BodyStream : public QObject
{
    Q_OBJECT
public:
    explicit BodyStream(Connection *connection)
        : m_connection(connection)
    {
    }
    // False once the peer has gone, was cut off, or the server is closing.
    [[nodiscard]] bool isOpen() const { return m_connection != nullptr; }
    // Nothing happens when it is not open.
    void write(const QByteArray &bytes);
    // Bytes that the peer has not taken yet.
    [[nodiscard]] qint64 pending() const;
    // Ends the answer; the peer sees that it is complete.
    void end();

Q_SIGNALS:
    // pending() has become 0, or the stream has closed.
    void changed();

private:
    friend class Connection;
    void detach();
    Connection *m_connection;
};

} // namespace signalbox::http
