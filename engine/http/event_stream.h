// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/cancel.h"
#include "base/clock.h"
#include "http/body_stream.h"
#include "http/message.h"

#include <QCoro/QCoroTask>
#include <QHash>
#include <QObject>

#include <functional>
#include <memory>

namespace signalbox::http {

// What all answers of Server-Sent Events share (INTERFACE.md: the log of a session, the stream of changes).

// The answer's head; `open` gets the stream once it has left.
[[nodiscard]] Response eventStream(std::function<void(std::shared_ptr<BodyStream>)> open);
// Where a client wants to go on: Last-Event-ID, which a browser sends by itself, before ?since=. Empty when
// it says neither.
[[nodiscard]] QString resumePoint(const Request &request);

// One client. Whoever serves it writes a piece, waits until it is taken(), and rests until there is more: so
// a client that does not read costs one piece of memory, and is cut off by the connection (body_stream.h).
// Lives on the server's thread.
class EventClient : public QObject
{
    Q_OBJECT
public:
    explicit EventClient(std::shared_ptr<BodyStream> body);

    [[nodiscard]] bool isOpen() const { return m_body->isOpen(); }
    void write(const QByteArray &events) { m_body->write(events); }
    void end() { m_body->end(); }
    // There may be more for it; also while it does not rest.
    void wake();
    // Waits until the client has taken what was written, or is gone.
    [[nodiscard]] QCoro::Task<> taken(async::CancelToken token);
    // Waits until wake(), which may have been called since the last rest(), or until the client is gone or
    // the time is over. True: nothing came in that time.
    [[nodiscard]] QCoro::Task<bool> rest(Millis time, async::CancelToken token);

Q_SIGNALS:
    void woken();

private:
    std::shared_ptr<BodyStream> m_body;
    bool m_wanted = false;
};

// How many streams are open, in all and for each token.
class StreamCount
{
public:
    StreamCount(int mostPerToken, int mostInAll)
        : m_mostPerToken(mostPerToken)
        , m_mostInAll(mostInAll)
    {
    }
    [[nodiscard]] bool mayOpen(const QString &token) const
    {
        return m_all < m_mostInAll && m_ofToken.value(token) < m_mostPerToken;
    }
    void opened(const QString &token);
    void closed(const QString &token);
    [[nodiscard]] int all() const { return m_all; }

private:
    int m_mostPerToken;
    int m_mostInAll;
    int m_all = 0;
    QHash<QString, int> m_ofToken;
};

} // namespace signalbox::http
