// SPDX-License-Identifier: Apache-2.0
#include "sandbox/slack_socket_hub.h"

#include "async/wait.h"

#include <QUrlQuery>
#include <QWebSocket>
#include <QWebSocketServer>

using namespace Qt::StringLiterals;

namespace signalbox::sandbox {

// An envelope that waits for its acknowledgement.
class SlackSocketHub::Slot : public QObject
{
    Q_OBJECT
public:
    const QWebSocket *socket = nullptr;
    bool acknowledged = false;
    Json payload;

Q_SIGNALS:
    void settled(); // acknowledged, or its connection has gone
};

SlackSocketHub::SlackSocketHub(QString appId, QObject *parent)
    : QObject(parent)
    , m_appId(std::move(appId))
    , m_server(std::make_unique<QWebSocketServer>(u"slack"_s, QWebSocketServer::NonSecureMode))
{
    m_server->setMaxPendingConnections(1000);
    connect(m_server.get(), &QWebSocketServer::newConnection, this, &SlackSocketHub::adopt);
    connect(&m_ping, &QTimer::timeout, this, [this] {
        for (const Link &link : m_links) {
            if (!link.silent)
                link.socket->ping();
        }
    });
}

SlackSocketHub::~SlackSocketHub()
{
    close();
}

void SlackSocketHub::close()
{
    m_stop.cancel();
    for (const Link &link : std::exchange(m_links, {})) {
        if (link.bytes)
            link.bytes->blockSignals(false);
        link.socket->QObject::disconnect(this);
        link.socket->abort();
        link.socket->deleteLater();
        // Whose end was not heard of belongs to nobody any more.
        if (link.silent && link.bytes)
            link.bytes->deleteLater();
    }
}

QString SlackSocketHub::address(const QString &host)
{
    const QString ticket = u"ticket-%1"_s.arg(++m_numbers);
    m_tickets.insert(ticket, nullptr);
    return u"ws://%1/link/?ticket=%2&app_id=%3"_s.arg(host, ticket, m_appId);
}

bool SlackSocketHub::upgrade(const http::Request &head, QTcpSocket *socket)
{
    const auto ticket = m_tickets.find(head.query(u"ticket").value_or(QString()));
    if (head.path != u"/link/" || ticket == m_tickets.end() || ticket.value())
        return false;
    ticket.value() = socket;
    m_server->handleConnection(socket);
    return true;
}

void SlackSocketHub::adopt()
{
    while (QWebSocket *socket = m_server->nextPendingConnection()) {
        Link &link = m_links.emplace_back();
        const QUrlQuery query(socket->requestUrl());
        link.socket = socket;
        link.bytes = m_tickets.take(query.queryItemValue(u"ticket"_s));
        ++m_connected;
        m_most = std::max(m_most, connections());
        connect(socket, &QWebSocket::disconnected, this, [this, socket] { gone(socket); });
        connect(socket, &QWebSocket::textMessageReceived, this, &SlackSocketHub::read);
        m_ping.start(pingEvery);
        if (query.queryItemValue(u"debug_reconnects"_s) == u"true") {
            QTimer::singleShot(debugLifetime, socket, [this, socket] {
                socket->sendTextMessage(
                    uR"({"type":"disconnect","reason":"warning","debug_info":{"host":"sandbox"}})"_s);
                endLater(socket, warningLead);
            });
        }
        greet(socket);
    }
}

void SlackSocketHub::greet(QWebSocket *socket)
{
    if (!greets)
        return;
    const Json debug = Json::object(
        {{u"host"_s, u"sandbox"_s}, {u"build_number"_s, 1}, {u"approximate_connection_time"_s, 3600}});
    const Json hello = Json::object({{u"type"_s, u"hello"_s}, {u"num_connections"_s, connections()},
        {u"debug_info"_s, debug}, {u"connection_info"_s, Json::object({{u"app_id"_s, m_appId}})}});
    socket->sendTextMessage(QString::fromUtf8(hello.toBytes()));
    Q_EMIT greeted();
}

void SlackSocketHub::gone(QWebSocket *socket)
{
    std::erase_if(m_links, [socket](const Link &link) { return link.socket == socket; });
    socket->deleteLater();
    for (const auto &slot : m_waiting.values()) {
        if (slot->socket == socket)
            Q_EMIT slot->settled();
    }
    Q_EMIT ended();
}

void SlackSocketHub::read(const QString &text)
{
    const auto frame = Json::parse(text.toUtf8());
    const QString id = frame ? (*frame)[u"envelope_id"].toString() : QString();
    const auto slot = m_waiting.value(id);
    if (!slot || slot->acknowledged) {
        ++m_stray;
        return;
    }
    slot->acknowledged = true;
    slot->payload = (*frame)[u"payload"];
    ++m_acknowledged;
    Q_EMIT slot->settled();
}

// Any one of the connections: here, each in its turn.
QWebSocket *SlackSocketHub::next()
{
    if (m_links.empty())
        return nullptr;
    return m_links[m_turn++ % m_links.size()].socket;
}

Json SlackSocketHub::envelope(
    const QString &id, const QString &type, const Json &payload, bool acceptsPayload, int attempt) const
{
    Json frame = Json::object({{u"envelope_id"_s, id}, {u"type"_s, type},
        {u"accepts_response_payload"_s, acceptsPayload}, {u"payload"_s, payload}});
    if (type == u"events_api") {
        frame.set(u"retry_attempt"_s, attempt);
        frame.set(u"retry_reason"_s, attempt == 0 ? u""_s : u"timeout"_s);
    }
    return frame;
}

QCoro::Task<Result<SocketDelivery>> SlackSocketHub::deliver(
    QString type, Json payload, bool acceptsPayload, bool again)
{
    SocketDelivery delivery;
    for (int attempt = 0; attempt <= (again ? retries : 0); ++attempt) {
        QWebSocket *socket = next();
        while (socket == nullptr && !m_stop.token().isCancelled()) {
            const async::Wake wake
                = co_await async::waitSignal(this, &SlackSocketHub::greeted, connectionWait, m_stop.token());
            socket = next();
            if (wake == async::Wake::TimedOut && socket == nullptr)
                co_return fail(ErrorCode::Unavailable, u"no client is connected"_s);
        }
        if (socket == nullptr)
            co_return fail(ErrorCode::Cancelled, u"the simulated Slack is closing"_s);
        const QString id = u"envelope-%1"_s.arg(++m_numbers);
        const auto slot = std::make_shared<Slot>();
        slot->socket = socket;
        m_waiting.insert(id, slot);
        ++delivery.attempts;
        socket->sendTextMessage(
            QString::fromUtf8(envelope(id, type, payload, acceptsPayload, attempt).toBytes()));
        Q_EMIT sent(type, attempt);
        if (!slot->acknowledged)
            co_await async::waitSignal(slot.get(), &Slot::settled, ackDeadline, m_stop.token());
        m_waiting.remove(id);
        if (m_stop.token().isCancelled())
            co_return fail(ErrorCode::Cancelled, u"the simulated Slack is closing"_s);
        if (slot->acknowledged) {
            delivery.acknowledged = true;
            delivery.payload = slot->payload;
            break;
        }
    }
    co_return delivery;
}

void SlackSocketHub::endLater(QWebSocket *socket, Millis time)
{
    QTimer::singleShot(time, socket, [socket] { socket->close(); });
}

void SlackSocketHub::sayDisconnect(const QString &reason)
{
    const Json frame = Json::object({{u"type"_s, u"disconnect"_s}, {u"reason"_s, reason},
        {u"debug_info"_s, Json::object({{u"host"_s, u"sandbox"_s}})}});
    const bool atOnce = reason == u"link_disabled" || reason == u"too_many_websockets";
    for (const Link &link : m_links) {
        link.socket->sendTextMessage(QString::fromUtf8(frame.toBytes()));
        endLater(link.socket, atOnce ? Millis(0) : warningLead);
    }
}

void SlackSocketHub::goSilent()
{
    if (m_links.empty())
        return;
    m_links.front().silent = true;
    // What comes in is not read any more, so that not even a ping is answered.
    if (m_links.front().bytes)
        m_links.front().bytes->blockSignals(true);
}

void SlackSocketHub::drop()
{
    const std::vector<Link> links = m_links;
    for (const Link &link : links)
        link.socket->abort();
}

void SlackSocketHub::sendText(const QString &frame)
{
    for (const Link &link : m_links)
        link.socket->sendTextMessage(frame);
}

void SlackSocketHub::sendBinary(const QByteArray &frame)
{
    for (const Link &link : m_links)
        link.socket->sendBinaryMessage(frame);
}

} // namespace signalbox::sandbox

#include "slack_socket_hub.moc"
