// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/task_scope.h"
#include "base/clock.h"
#include "http/router.h"

#include <QElapsedTimer>
#include <QHash>
#include <QHostAddress>
#include <QObject>
#include <QSet>
#include <QTimer>

#include <functional>
#include <memory>
#include <vector>

class QTcpSocket;

namespace signalbox::http {

struct Limits
{
    Limits() = default;
    qint64 maxHeadBytes = 16 * 1024;
    qint64 maxBodyBytes = 1024 * 1024;
    int maxConnections = 4096;
    // Of one peerGroup(); lowered where peers come from the open internet. Loopback peers count towards
    // maxConnections alone: a reverse proxy beside us brings everybody under one address. One on another host
    // is a peer like any, so the limit must let it carry the whole traffic; it cannot be told from a
    // stranger.
    int maxConnectionsPerPeer = 4096;
    bool limitLoopbackPeers = false;
    Millis headTimeout{10'000}; // from the first byte of a head to its end (408)
    Millis bodyTimeout{20'000}; // from the end of the head to the end of the body (408)
    Millis idleTimeout{75'000}; // between requests, and before the first one; closed in silence
    Millis handlerTimeout{60'000}; // 503
    // An answer that is being written. The peer is cut off when it takes nothing for writeTimeout, and,
    // however steadily it reads, when the answer of N bytes has not left after writeTimeout + N /
    // minWriteRate: what trickles is given up.
    Millis writeTimeout{30'000};
    qint64 minWriteRate = 16 * 1024; // bytes per second
};

// Whom maxConnectionsPerPeer counts as one: an IPv4 address (also when mapped into IPv6), or an IPv6 network
// of 64 bits, in which one host can have as many addresses as it likes.
[[nodiscard]] QHostAddress peerGroup(const QHostAddress &address);

// What the server counted since it was made; for metrics and tests.
struct ServerStats
{
    ServerStats() = default;
    quint64 requests = 0;
    quint64 refused = 0; // answered by the server itself with 4xx or 5xx
    int connections = 0;
};

class Connection;
class RequestParser;

// HTTP/1.1 on QTcpServer, framed by Boost.Beast's parser (TOOLCHAIN §4, INTERFACE.md "Ingress routes"). Lives
// on the thread that makes it. One request at a time on a connection: bytes of a pipelined next request wait
// in the socket, and answers keep the order. Memory per connection is bounded by the limits.
//   431 head too large · 413 body too large · 408 too slow · 400 malformed, doubled or conflicting framing
//   505 a version other than 1.0 and 1.1 · 503 with Retry-After over maxConnections or maxConnectionsPerPeer
// After an error answer the connection is closed (lingering, so that the peer can read the answer).
class Server : public QObject
{
    Q_OBJECT
public:
    Server(Router router, Limits limits, QObject *parent = nullptr);
    ~Server() override;

    // Port 0 picks a free one. Unavailable when the address cannot be had.
    [[nodiscard]] Status listen(const QHostAddress &address, quint16 port);
    [[nodiscard]] QHostAddress address() const;
    [[nodiscard]] quint16 port() const; // 0 when not listening
    [[nodiscard]] ServerStats stats() const { return m_stats; }

    // Stops accepting, closes idle connections, lets running handlers answer (with Connection: close) until
    // the grace is over, then aborts the rest. A handler that does not end a second after its peer has gone
    // is left behind (TaskScope::unjoined()): the server must not be destroyed then, nor what the handler
    // uses.
    [[nodiscard]] QCoro::Task<> close(Millis grace);

    // A complete request head that asks for a WebSocket is offered here first; on true the socket, with the
    // head still unread, belongs to the taker. Without a taker such a request is an ordinary one.
    using UpgradeHandler = std::function<bool(const Request &head, QTcpSocket *socket)>;
    void setUpgradeHandler(UpgradeHandler handler) { m_upgrade = std::move(handler); }

Q_SIGNALS:
    // The last connection has gone.
    void emptied();

private:
    friend class Connection;
    class Listener;
    static constexpr qint64 kScratchSize = 64 * 1024;

    void admit(qintptr descriptor);
    void forget(Connection *connection);
    // Deadlines are looked at a few times a second instead of keeping a timer for each connection.
    void scan();
    [[nodiscard]] qint64 now() const { return m_time.elapsed(); }
    [[nodiscard]] QByteArray date();
    [[nodiscard]] std::unique_ptr<RequestParser> takeParser();
    void giveParser(std::unique_ptr<RequestParser> parser);

    Router m_router;
    Limits m_limits;
    UpgradeHandler m_upgrade;
    ServerStats m_stats;
    std::unique_ptr<Listener> m_listener;
    QSet<Connection *> m_connections;
    QHash<QHostAddress, int> m_peers;
    async::TaskScope m_scope;
    QTimer m_scan;
    QElapsedTimer m_time;
    std::vector<std::unique_ptr<RequestParser>> m_parsers; // spare ones
    std::unique_ptr<char[]> m_scratch; // what a connection has just read
    QByteArray m_date;
    qint64 m_dateUntil = 0;
    bool m_closing = false;
};

} // namespace signalbox::http
