// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/cancel.h"
#include "http/message.h"

#include <QCoro/QCoroTask>
#include <QHash>
#include <QObject>
#include <QSet>
#include <QTimer>

#include <memory>
#include <vector>

class QTcpSocket;
class QWebSocket;
class QWebSocketServer;

namespace signalbox::sandbox {

// What became of one payload over Socket Mode.
struct SocketDelivery
{
    SocketDelivery() = default;
    bool acknowledged = false;
    int attempts = 0;
    Json payload; // of the acknowledgement; null: it had none
};

// The Socket Mode side of the simulated Slack (contracts/slack.md §2): addresses that are good for one
// connection, the greeting, pings, envelopes to any one of the connections, sent again when they are not
// acknowledged, and the ways in which Slack ends connections. Slack's own client connects to it
// (tests/peers). Lives on the thread that makes it.
class SlackSocketHub : public QObject
{
    Q_OBJECT
public:
    explicit SlackSocketHub(QString appId, QObject *parent = nullptr);
    ~SlackSocketHub() override;

    Millis ackDeadline{3000};
    int retries = 3; // of an event; commands and clicks are sent once
    Millis connectionWait{60'000}; // how long a payload waits for a connection
    Millis pingEvery{5000};
    Millis warningLead{10'000}; // from a warning to the end of the connection
    Millis debugLifetime{360'000}; // of a connection that asked for debug_reconnects
    bool greets = true; // off: connections get no hello

    // The address that apps.connections.open answers. `host`: "127.0.0.1:PORT" of the simulator.
    [[nodiscard]] QString address(const QString &host);
    // Takes the socket of an upgrade to such an address; false: it is none, or was used.
    [[nodiscard]] bool upgrade(const http::Request &head, QTcpSocket *socket);
    // Answers when it was acknowledged, or all attempts are over. Cancelled: the simulator closes;
    // Unavailable: there was no connection.
    [[nodiscard]] QCoro::Task<Result<SocketDelivery>> deliver(
        QString type, Json payload, bool acceptsPayload, bool again);
    void close();

    // "warning" ends the connection after warningLead; so does "refresh_requested". "link_disabled" at once.
    void sayDisconnect(const QString &reason);
    // The oldest connection says and hears nothing any more, and stays open.
    void goSilent();
    void drop(); // every connection, without a word
    void sendText(const QString &frame); // to every connection
    void sendBinary(const QByteArray &frame);

    [[nodiscard]] int connections() const { return static_cast<int>(m_links.size()); }
    [[nodiscard]] int mostConnections() const { return m_most; }
    [[nodiscard]] int connected() const { return m_connected; } // ever
    [[nodiscard]] int acknowledged() const { return m_acknowledged; }
    [[nodiscard]] int strayAcknowledgements() const { return m_stray; } // too late, or of nothing

Q_SIGNALS:
    void greeted();
    void ended(); // a connection
    void sent(const QString &type, int attempt); // an envelope

private:
    class Slot;
    struct Link
    {
        QWebSocket *socket = nullptr;
        bool silent = false;
    };
    void adopt();
    void greet(QWebSocket *socket);
    void read(const QString &text);
    void gone(QWebSocket *socket);
    void endLater(QWebSocket *socket, Millis time);
    [[nodiscard]] QWebSocket *next();
    [[nodiscard]] Json envelope(
        const QString &id, const QString &type, const Json &payload, bool acceptsPayload, int attempt) const;

    QString m_appId;
    std::unique_ptr<QWebSocketServer> m_server;
    std::vector<Link> m_links; // oldest first
    QSet<QString> m_tickets;
    QHash<QString, std::shared_ptr<Slot>> m_waiting; // by envelope
    QTimer m_ping;
    async::CancelSource m_stop;
    size_t m_turn = 0;
    int m_numbers = 0;
    int m_most = 0;
    int m_connected = 0;
    int m_acknowledged = 0;
    int m_stray = 0;
};

} // namespace signalbox::sandbox
