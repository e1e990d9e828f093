// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/block_on.h"
#include "http/client.h"
#include "http/server.h"

#include <QProcess>
#include <QSignalSpy>
#include <QSslConfiguration>
#include <QSslKey>
#include <QSslSocket>
#include <QStandardPaths>
#include <QTcpServer>
#include <QTemporaryDir>
#include <QTest>

#include <memory>

// What the test of the HTTP client talks to: a good server, and one that misbehaves as a row says.
namespace signalbox::testing::http_client {

using namespace Qt::StringLiterals;
using namespace signalbox::http;

using Answer = Result<Response>;

// A server that does exactly what a row says: for each accepted connection, in turn, what it writes when a
// request has come, and whether it closes then.
class Misbehaving : public QTcpServer
{
public:
    struct Turn
    {
        Turn(QByteArray bytes, bool closes)
            : answer(std::move(bytes))
            , close(closes)
        {
        }
        QByteArray answer;
        bool close;
    };

    explicit Misbehaving(QList<Turn> turns)
        : m_turns(std::move(turns))
    {
        const bool listening = listen(QHostAddress::LocalHost);
        Q_ASSERT(listening);
        connect(this, &QTcpServer::newConnection, this, [this] { accept(nextPendingConnection()); });
    }
    int accepted = 0;
    int requests = 0;
    QList<QPointer<QTcpSocket>> sockets;
    QByteArray received;

private:
    void accept(QTcpSocket *socket)
    {
        ++accepted;
        sockets.append(socket);
        connect(socket, &QTcpSocket::readyRead, this, [this, socket] { react(socket); });
    }
    void react(QTcpSocket *socket)
    {
        received += socket->readAll();
        if (!received.endsWith("\r\n\r\n"))
            return;
        const Turn turn = m_turns[std::min<qsizetype>(requests++, m_turns.size() - 1)];
        socket->write(turn.answer);
        socket->flush();
        if (turn.close)
            socket->disconnectFromHost();
    }
    QList<Turn> m_turns;
};

inline QUrl urlOf(quint16 port, const QString &path = u"/hello"_s)
{
    return QUrl(u"http://127.0.0.1:%1%2"_s.arg(port).arg(path));
}

inline Answer call(Client &client, ClientRequest request, const async::CancelToken &cancel = {})
{
    return async::blockOn(client.send(std::move(request), cancel), Millis(20'000));
}

inline ClientRequest get(const QUrl &url, Millis timeout = Millis(5'000))
{
    ClientRequest request("GET", url);
    request.timeout = timeout;
    return request;
}

inline QCoro::Task<Response> echo(Request request, Context)
{
    Response response = Response::text(200,
        request.method + ' ' + request.path.toUtf8() + '?' + request.rawQuery + ' '
            + request.headers.value("X-A") + ' ' + request.body);
    response.headers.add("X-Host", request.headers.value("Host"));
    response.headers.add("X-Agent", request.headers.value("User-Agent"));
    co_return response;
}

inline QCoro::Task<Response> slow(Request request, Context context)
{
    co_await async::delay(Millis(request.pathValues.at(u"ms"_s).toInt()), context.cancel);
    co_return Response::text(200, request.pathValues.at(u"ms"_s).toUtf8());
}

inline QCoro::Task<Response> empty(Request, Context)
{
    Response response;
    response.status = 204;
    co_return response;
}

inline QCoro::Task<Response> big(Request, Context)
{
    co_return Response(200, "application/octet-stream", QByteArray(3 * 1024 * 1024, 'b'));
}

inline std::unique_ptr<Server> makeServer(const Limits &limits = Limits())
{
    Router router;
    RouteOptions large;
    large.maxBodyBytes = 16 * 1024 * 1024;
    router.add("GET", u"/hello"_s, echo);
    router.add("POST", u"/hello"_s, echo, large);
    router.add("GET", u"/slow/{ms}"_s, slow);
    router.add("GET", u"/empty"_s, empty);
    router.add("GET", u"/big"_s, big);
    auto server = std::make_unique<Server>(std::move(router), limits);
    const Status listening = server->listen(QHostAddress::LocalHost, 0);
    Q_ASSERT(listening);
    return server;
}

} // namespace signalbox::testing::http_client
