// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/block_on.h"
#include "http/server.h"
#include "support/raw_peer.h"

#include <QRegularExpression>
#include <QTest>
#include <QWebSocket>
#include <QWebSocketServer>

#include <fstream>
#include <memory>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

// What the programs that test the HTTP server share: handlers, a router over them, and a server per test
// function.
namespace signalbox::testing::http_server {

using namespace Qt::StringLiterals;
using namespace signalbox::http;

using Statuses = QList<int>;

inline constexpr char kHost[] = "Host: x\r\n";
inline int g_cancelled = 0; // handlers that saw their peer leave
inline int g_finished = 0; // handlers that came to their end

inline QCoro::Task<Response> hello(Request request, Context)
{
    co_return Response::text(200, "hello " + request.path.toUtf8());
}

inline QCoro::Task<Response> echo(Request request, Context)
{
    co_return Response::text(200, request.body);
}

inline QCoro::Task<Response> slow(Request request, Context context)
{
    const Millis time(request.pathValues.at(u"ms"_s).toInt());
    const async::Wake wake = co_await async::delay(time, context.cancel);
    ++g_finished;
    if (wake == async::Wake::Cancelled)
        ++g_cancelled;
    co_return Response::text(200, request.pathValues.at(u"ms"_s).toUtf8());
}

inline QCoro::Task<Response> deaf(Request, Context)
{
    co_await async::delay(Millis(900));
    ++g_finished;
    co_return Response::text(200, "late");
}

inline QCoro::Task<Response> throwing(Request, Context)
{
    co_await async::delay(Millis(1));
    throw std::runtime_error("on purpose");
}

inline Response throwAtOnce()
{
    throw std::runtime_error("on purpose");
}

inline QCoro::Task<Response> answerWith(Response response)
{
    co_return response;
}

inline QCoro::Task<Response> big(Request, Context)
{
    co_return Response(200, "application/octet-stream", QByteArray(4 * 1024 * 1024, 'b'));
}

inline constexpr qint64 kHuge = 32 * 1024 * 1024; // more than the buffers of a loopback connection hold

inline QCoro::Task<Response> huge(Request, Context)
{
    co_return Response(200, "application/octet-stream", QByteArray(kHuge, 'h'));
}

inline QCoro::Task<Response> splitting(Request, Context)
{
    Response response = Response::text(200, "ok");
    response.headers.add("X-Evil", "a\r\nX-Injected: 1");
    response.headers.add("Content-Length", "99");
    response.headers.add("X-Good", "1");
    co_return response;
}

inline QCoro::Task<Response> bodiless(Request, Context)
{
    Response response;
    response.status = 204;
    response.body = "must not be sent";
    co_return response;
}

inline Router makeRouter()
{
    RouteOptions plain;
    plain.errors = ErrorStyle::PlainText;
    plain.maxBodyBytes = 10;
    Router router;
    router.add("GET", u"/hello"_s, hello);
    router.add("GET", u"/hello/{name}"_s, hello);
    router.add("POST", u"/echo"_s, echo);
    router.add("POST", u"/plain"_s, echo, plain);
    router.add("GET", u"/slow/{ms}"_s, slow);
    router.add("GET", u"/deaf"_s, deaf);
    router.add("GET", u"/throw"_s, throwing);
    router.add("GET", u"/throw-at-once"_s,
        [](Request, Context) -> QCoro::Task<Response> { return answerWith(throwAtOnce()); });
    router.add("GET", u"/big"_s, big);
    router.add("GET", u"/huge"_s, huge);
    router.add("GET", u"/splitting"_s, splitting);
    router.add("GET", u"/bodiless"_s, bodiless);
    return router;
}

inline Limits shortLimits()
{
    Limits limits;
    limits.headTimeout = Millis(400);
    limits.bodyTimeout = Millis(400);
    limits.writeTimeout = Millis(400);
    limits.idleTimeout = Millis(20'000);
    limits.handlerTimeout = Millis(20'000);
    return limits;
}

inline QByteArray request(const QByteArray &line, const QByteArray &fields = {}, const QByteArray &body = {})
{
    return line + "\r\n" + kHost + fields + "\r\n" + body;
}

inline QByteArray chunked(const QByteArray &body)
{
    return request("POST /echo HTTP/1.1", "Transfer-Encoding: chunked\r\n", body);
}

inline qint64 residentKib()
{
    std::ifstream status("/proc/self/status");
    std::string line;
    while (std::getline(status, line)) {
        if (line.rfind("VmRSS:", 0) == 0)
            return std::strtoll(line.c_str() + 6, nullptr, 10);
    }
    return -1;
}

// One server per test function, on a free loopback port with the deadlines of a test.
class HttpServerTest : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        g_cancelled = 0;
        g_finished = 0;
        start();
    }
    void cleanup() { m_server.reset(); }

protected:
    void start(const Limits &limits = shortLimits())
    {
        m_server = std::make_unique<Server>(makeRouter(), limits);
        QVERIFY(m_server->listen(QHostAddress::LocalHost, 0));
    }
    std::unique_ptr<Server> m_server;
};

} // namespace signalbox::testing::http_server
