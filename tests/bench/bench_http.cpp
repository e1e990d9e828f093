// SPDX-License-Identifier: Apache-2.0
// Serves on its main thread and drives itself over loopback, so that one command shows what a request costs:
//   bench_http [requests] [connections]
// First raw sockets on a second thread measure the server, then the client on the main thread measures itself
// against a server on the second thread. Figures are for comparing two builds on one machine, not promises.
#include "async/block_on.h"
#include "http/client.h"
#include "http/server.h"

#include <QCoreApplication>
#include <QElapsedTimer>
#include <QThread>

#include <arpa/inet.h>
#include <cstdio>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace Qt::StringLiterals;
using namespace signalbox;

namespace {

struct Figures
{
    Figures() = default;
    double perSecond = 0;
    double p50 = 0; // microseconds
    double p99 = 0;
    qsizetype answered = 0;
};

Figures figuresOf(std::vector<qint64> nanoseconds, qint64 total)
{
    Figures figures;
    figures.answered = static_cast<qsizetype>(nanoseconds.size());
    if (nanoseconds.empty())
        return figures;
    std::sort(nanoseconds.begin(), nanoseconds.end());
    figures.perSecond = static_cast<double>(nanoseconds.size()) * 1e9 / static_cast<double>(total);
    figures.p50 = static_cast<double>(nanoseconds[nanoseconds.size() / 2]) / 1e3;
    figures.p99 = static_cast<double>(nanoseconds[nanoseconds.size() * 99 / 100]) / 1e3;
    return figures;
}

void print(const char *what, const Figures &figures, double cpuMicros)
{
    std::printf(
        "%-28s %9.0f requests/s   p50 %7.1f us   p99 %7.1f us   cpu of that thread %5.1f us/request\n", what,
        figures.perSecond, figures.p50, figures.p99, cpuMicros);
}

double threadCpuSeconds()
{
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    const auto seconds = [](const timeval &time) { return double(time.tv_sec) + double(time.tv_usec) / 1e6; };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

QCoro::Task<http::Response> hello(http::Request, http::Context)
{
    co_return http::Response::text(200, "hello");
}

QCoro::Task<http::Response> handle(http::Request request, http::Context context)
{
    return hello(std::move(request), std::move(context));
}

http::Router makeRouter()
{
    http::Router router;
    router.add("GET", u"/healthz"_s, handle);
    router.add("GET", u"/v1/interactions/{id}"_s, handle);
    router.add("POST", u"/slack/events"_s, handle);
    return router;
}

int connectTo(quint16 port)
{
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0) {
        ::close(fd);
        return -1;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

// One request in flight on each connection; every answer of this server fits one segment.
Figures driveRaw(quint16 port, int connections, int requests)
{
    const QByteArray request
        = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n";
    std::vector<pollfd> sockets;
    std::vector<qint64> started(static_cast<size_t>(connections), 0);
    std::vector<qint64> times;
    times.reserve(static_cast<size_t>(requests));
    QElapsedTimer clock;
    for (int i = 0; i < connections; ++i)
        sockets.push_back(pollfd{connectTo(port), POLLIN, 0});
    clock.start();
    int sent = 0;
    const auto send = [&](size_t i) {
        started[i] = clock.nsecsElapsed();
        ++sent;
        return ::send(sockets[i].fd, request.constData(), static_cast<size_t>(request.size()), MSG_NOSIGNAL)
            > 0;
    };
    for (size_t i = 0; i < sockets.size() && sent < requests; ++i)
        send(i);
    char buffer[4096];
    while (static_cast<int>(times.size()) < requests && ::poll(sockets.data(), sockets.size(), 5000) > 0) {
        for (size_t i = 0; i < sockets.size(); ++i) {
            if ((sockets[i].revents & POLLIN) == 0)
                continue;
            const auto got = ::recv(sockets[i].fd, buffer, sizeof buffer, 0);
            if (got <= 0) {
                std::fprintf(stderr, "a connection was closed\n");
                return figuresOf(std::move(times), clock.nsecsElapsed());
            }
            times.push_back(clock.nsecsElapsed() - started[i]);
            if (sent < requests)
                send(i);
        }
    }
    const qint64 total = clock.nsecsElapsed();
    for (const pollfd &socket : sockets)
        ::close(socket.fd);
    return figuresOf(std::move(times), total);
}

void benchServer(int connections, int requests)
{
    http::Server server(makeRouter(), http::Limits());
    if (!server.listen(QHostAddress::LocalHost, 0)) {
        std::fprintf(stderr, "cannot listen\n");
        return;
    }
    QEventLoop loop;
    Figures figures;
    const quint16 port = server.port();
    const double before = threadCpuSeconds();
    std::thread driver([&] {
        figures = driveRaw(port, connections, requests);
        QMetaObject::invokeMethod(&loop, &QEventLoop::quit, Qt::QueuedConnection);
    });
    loop.exec();
    driver.join();
    print("server", figures, (threadCpuSeconds() - before) * 1e6 / std::max(1, requests));
    async::blockOn(server.close(Millis(1000)));
}

QCoro::Task<> callInTurn(
    http::Client *client, QUrl url, int count, std::vector<qint64> *times, QElapsedTimer *clock)
{
    for (int i = 0; i < count; ++i) {
        http::ClientRequest request("GET", url);
        const qint64 start = clock->nsecsElapsed();
        auto call = client->send(std::move(request));
        const Result<http::Response> answer = co_await call;
        if (answer && answer->status == 200)
            times->push_back(clock->nsecsElapsed() - start);
    }
}

QCoro::Task<> callAll(http::Client *client, QUrl url, int connections, int requests,
    std::vector<qint64> *times, QElapsedTimer *clock)
{
    std::vector<QCoro::Task<>> callers;
    for (int i = 0; i < connections; ++i)
        callers.push_back(callInTurn(client, url, requests / connections, times, clock));
    for (QCoro::Task<> &caller : callers)
        co_await caller;
}

void benchClient(int connections, int requests)
{
    QThread thread;
    thread.start();
    auto *home = new QObject; // runs what is posted to it on the thread
    home->moveToThread(&thread);
    std::unique_ptr<http::Server> server;
    quint16 port = 0;
    const auto listen = [&server, &port] {
        server = std::make_unique<http::Server>(makeRouter(), http::Limits());
        if (server->listen(QHostAddress::LocalHost, 0))
            port = server->port();
    };
    QMetaObject::invokeMethod(home, listen, Qt::BlockingQueuedConnection);
    QUrl url;
    url.setScheme(u"http"_s);
    url.setHost(u"127.0.0.1"_s);
    url.setPort(port);
    url.setPath(u"/healthz"_s);
    http::Client client(connections);
    std::vector<qint64> times;
    QElapsedTimer clock;
    clock.start();
    const double before = threadCpuSeconds();
    async::blockOn(callAll(&client, url, connections, requests, &times, &clock), Millis(600'000));
    const qint64 total = clock.nsecsElapsed();
    print("client", figuresOf(std::move(times), total),
        (threadCpuSeconds() - before) * 1e6 / std::max(1, requests));
    const auto stop = [&server, home] {
        server.reset();
        home->deleteLater();
    };
    QMetaObject::invokeMethod(home, stop, Qt::BlockingQueuedConnection);
    thread.quit();
    thread.wait();
}

} // namespace

int main(int argc, char **argv)
{
    const QCoreApplication app(argc, argv);
    const int requests = argc > 1 ? std::max(1, std::atoi(argv[1])) : 200'000;
    const int connections = argc > 2 ? std::max(1, std::atoi(argv[2])) : 32;
    benchServer(connections, requests);
    benchClient(connections, requests);
    return 0;
}
