// SPDX-License-Identifier: Apache-2.0
#include "http/event_stream.h"

#include "async/wait.h"

#include <utility>

using namespace Qt::StringLiterals;

namespace signalbox::http {

Response eventStream(std::function<void(std::shared_ptr<BodyStream>)> open)
{
    Response response(200, "text/event-stream", QByteArray());
    response.headers.add("Cache-Control", "no-store");
    response.headers.add("X-Accel-Buffering", "no"); // a proxy must not keep events back
    response.stream = std::move(open);
    return response;
}

QString resumePoint(const Request &request)
{
    const QByteArray field = request.headers.value("Last-Event-ID");
    return field.isEmpty() ? request.query(u"since").value_or(QString()) : QString::fromLatin1(field);
}

EventClient::EventClient(std::shared_ptr<BodyStream> body)
    : m_body(std::move(body))
{
    connect(m_body.get(), &BodyStream::changed, this, &EventClient::woken);
}

void EventClient::wake()
{
    m_wanted = true;
    Q_EMIT woken();
}

QCoro::Task<> EventClient::taken(async::CancelToken token)
{
    while (m_body->pending() > 0 && !token.isCancelled())
        co_await async::waitSignal(this, &EventClient::woken, async::kNoDeadline, token);
}

QCoro::Task<bool> EventClient::rest(Millis time, async::CancelToken token)
{
    while (!std::exchange(m_wanted, false) && isOpen()) {
        const async::Wake wake = co_await async::waitSignal(this, &EventClient::woken, time, token);
        if (wake == async::Wake::TimedOut)
            co_return true;
        if (wake != async::Wake::Fired)
            break;
    }
    co_return false;
}

void StreamCount::opened(const QString &token)
{
    ++m_all;
    ++m_ofToken[token];
}

void StreamCount::closed(const QString &token)
{
    --m_all;
    if (--m_ofToken[token] <= 0)
        m_ofToken.remove(token);
}

} // namespace signalbox::http
