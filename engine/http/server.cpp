// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include "base/log.h"
#include "http/connection_p.h"
#include "http/response_writer_p.h"

#include <QTcpServer>

using namespace Qt::StringLiterals;

namespace signalbox::http {

namespace {

Q_LOGGING_CATEGORY(lcHttp, "signalbox.engine.http")

constexpr int kBacklog = 1024;
constexpr size_t kSpareParsers = 64;
constexpr Millis kJoinAfterAbort{1'000};
// How many connections over the limit may hold a 503 in their hands at the same time; the rest is closed
// unanswered.
constexpr int kRefusedAtOnce = 64;
constexpr int kRefusedOfPeer = 16; // of them, over the limit of one peer

Millis scanInterval(const Limits &limits)
{
    const Millis shortest = std::min({limits.headTimeout, limits.bodyTimeout, limits.idleTimeout,
        limits.handlerTimeout, limits.writeTimeout});
    return std::clamp(shortest / 4, Millis(20), Millis(250));
}

} // namespace

QHostAddress peerGroup(const QHostAddress &address)
{
    bool mapped = false;
    const quint32 v4 = address.toIPv4Address(&mapped);
    if (mapped)
        return QHostAddress(v4);
    Q_IPV6ADDR network = address.toIPv6Address();
    std::fill(std::begin(network.c) + 8, std::end(network.c), quint8(0));
    return QHostAddress(network);
}

// Hands out descriptors, so that limits are checked before a socket object exists.
class Server::Listener : public QTcpServer
{
public:
    explicit Listener(Server *server)
        : m_server(server)
    {
        setListenBacklogSize(kBacklog);
        // Qt stops accepting when no descriptor is left; the scan starts it again.
        connect(this, &QTcpServer::acceptError, this, [this] { m_stalled = true; });
    }
    void resumeIfStalled()
    {
        if (std::exchange(m_stalled, false))
            resumeAccepting();
    }
    [[nodiscard]] bool isStalled() const { return m_stalled; }

protected:
    void incomingConnection(qintptr descriptor) override { m_server->admit(descriptor); }

private:
    Server *m_server;
    bool m_stalled = false;
};

Server::Server(Router router, Limits limits, QObject *parent)
    : QObject(parent)
    , m_router(std::move(router))
    , m_limits(limits)
    , m_scope(u"http server"_s)
    , m_scratch(std::make_unique<char[]>(kScratchSize))
{
    m_time.start();
    m_scan.setInterval(scanInterval(m_limits));
    m_scan.callOnTimeout(this, &Server::scan);
}

Server::~Server()
{
    m_listener.reset();
    m_scope.cancel();
    const auto connections = m_connections.values();
    for (Connection *connection : connections) {
        connection->abort();
        delete connection;
    }
}

Status Server::listen(const QHostAddress &address, quint16 port)
{
    auto listener = std::make_unique<Listener>(this);
    if (!listener->listen(address, port))
        return fail(Error(ErrorCode::Unavailable,
            u"cannot listen on %1 port %2"_s.arg(address.toString()).arg(port), listener->errorString()));
    m_listener = std::move(listener);
    m_closing = false;
    m_scan.start();
    return {};
}

QHostAddress Server::address() const
{
    return m_listener ? m_listener->serverAddress() : QHostAddress();
}

quint16 Server::port() const
{
    return m_listener ? m_listener->serverPort() : 0;
}

void Server::admit(qintptr descriptor)
{
    auto *socket = new QTcpSocket;
    if (!socket->setSocketDescriptor(descriptor)) {
        delete socket;
        return;
    }
    const bool limited = m_limits.limitLoopbackPeers || !socket->peerAddress().isLoopback();
    const QHostAddress group = peerGroup(socket->peerAddress());
    const int ofPeer = m_peers.value(group);
    const bool full = m_connections.size() >= m_limits.maxConnections
        || (limited && ofPeer >= m_limits.maxConnectionsPerPeer);
    // A stranger over its own limit is told so a few times at most; the places beyond the total are
    // everybody's.
    const bool crowd = limited && ofPeer >= m_limits.maxConnectionsPerPeer + kRefusedOfPeer;
    if (crowd || m_connections.size() >= m_limits.maxConnections + kRefusedAtOnce) {
        socket->abort();
        socket->deleteLater();
        ++m_stats.refused;
        return;
    }
    m_peers.insert(group, ofPeer + 1);
    auto *connection = new Connection(this, socket);
    m_connections.insert(connection);
    m_stats.connections = static_cast<int>(m_connections.size());
    if (full)
        connection->refuseUnasked(503);
}

void Server::forget(Connection *connection)
{
    if (!m_connections.remove(connection))
        return;
    m_stats.connections = static_cast<int>(m_connections.size());
    const auto ofPeer = m_peers.find(peerGroup(connection->peer()));
    if (ofPeer != m_peers.end() && --ofPeer.value() <= 0)
        m_peers.erase(ofPeer);
    if (m_connections.isEmpty())
        Q_EMIT emptied();
}

void Server::scan()
{
    const qint64 at = now();
    const auto connections = m_connections.values(); // deadlines remove some
    for (Connection *connection : connections)
        connection->checkDeadline(at);
    if (m_listener && m_listener->isStalled()) {
        logWarning(lcHttp, "accepting again after an error");
        m_listener->resumeIfStalled();
    }
}

QByteArray Server::date()
{
    const qint64 at = now();
    if (at >= m_dateUntil) {
        const qint64 wall = toMs(SystemClock().now());
        m_date = httpDate(wall / 1000);
        m_dateUntil = at + 1000 - wall % 1000;
    }
    return m_date;
}

std::unique_ptr<RequestParser> Server::takeParser()
{
    if (m_parsers.empty())
        return std::make_unique<RequestParser>();
    auto parser = std::move(m_parsers.back());
    m_parsers.pop_back();
    return parser;
}

void Server::giveParser(std::unique_ptr<RequestParser> parser)
{
    if (m_parsers.size() >= kSpareParsers)
        return;
    parser->reset();
    m_parsers.push_back(std::move(parser));
}

QCoro::Task<> Server::close(Millis grace)
{
    const QPointer<Server> self(this);
    m_closing = true;
    m_listener.reset();
    const auto open = m_connections.values();
    for (Connection *connection : open)
        connection->closeIfIdle();
    if (!m_connections.isEmpty())
        co_await async::waitSignal(this, &Server::emptied, grace);
    if (!self)
        co_return;
    const auto left = m_connections.values();
    for (Connection *connection : left)
        connection->abort();
    m_scope.cancel();
    m_scan.stop();
    // Handlers whose peer has gone end by their cancel token.
    co_await m_scope.join(kJoinAfterAbort);
}

} // namespace signalbox::http
