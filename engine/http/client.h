// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/task_scope.h"
#include "http/message.h"

#include <QObject>
#include <QUrl>

#include <functional>
#include <memory>

namespace signalbox::http {

struct ClientRequest
{
    ClientRequest() = default;
    ClientRequest(QByteArray requestMethod, QUrl requestUrl)
        : method(std::move(requestMethod))
        , url(std::move(requestUrl))
    {
    }
    QByteArray method;
    QUrl url; // http or https
    Headers headers; // Host, Content-Length and Connection are set by the client
    QByteArray body;
    Millis timeout{15'000}; // for the whole call, connecting and waiting for a connection included
    qint64 maxResponseBytes = 8 * 1024 * 1024;
    // Repeat once, on a fresh connection, when a kept-alive connection turns out to be closed before any byte
    // of the answer came. Only for calls that may reach the other side twice.
    bool idempotent = false;
    // Asked in the function that writes, immediately before it; false: nothing leaves, and the call fails as
    // not sent. Empty: it may. A process that was frozen while the call waited for its connection must not
    // send what is another's by now (DESIGN.md "Liveness is one thing").
    std::function<bool()> mayLeave = {};
};

// Whether the other side may have seen the request decides what its caller may do next: Error::native() is
// "not_sent" when certainly not one byte of the request left (name resolution, refused connection, TLS
// failure, cancelled or timed out before sending), otherwise "sent".
inline constexpr char16_t kNotSent[] = u"not_sent";
inline constexpr char16_t kSent[] = u"sent";

// HTTP/1.1 client with kept-alive connections, framed by Boost.Beast's parser over QTcpSocket and QSslSocket.
// Lives on the thread that makes it. Any status is a success at this level; errors are Unavailable (no
// connection, closed in the middle), DeadlineExceeded, Cancelled, Corrupt (not HTTP, over the limit),
// InvalidInput (scheme). Certificates are always verified. Redirects are answers, not followed.
class Client : public QObject
{
    Q_OBJECT
public:
    explicit Client(int maxConnectionsPerHost = 32, QObject *parent = nullptr);
    ~Client() override;

    [[nodiscard]] QCoro::Task<Result<Response>> send(ClientRequest request, async::CancelToken cancel = {});

private:
    class Pool;
    std::unique_ptr<Pool> m_pool;
};

} // namespace signalbox::http
