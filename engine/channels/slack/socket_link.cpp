// SPDX-License-Identifier: Apache-2.0
#include "channels/slack/socket_link.h"

#include "base/failpoint.h"

#include <QNetworkRequest>
#include <QTcpSocket>
#include <QWebSocket>

using namespace Qt::StringLiterals;

namespace signalbox::slack {

namespace {
constexpr Millis kGoodbye{5000};
constexpr qint64 kMaxUnwritten = 8 * 1024 * 1024; // a peer that reads nothing is as good as gone
constexpr qsizetype kMaxIdLength = 255;
} // namespace

SocketLink::SocketLink(const Clock &clock, const SocketTimings &timings, QObject *owner)
    : m_clock(clock)
    , m_timings(timings)
    , m_socket(new QWebSocket(QString(), QWebSocketProtocol::VersionLatest, owner))
{
    m_socket->setMaxAllowedIncomingFrameSize(kMaxIncoming);
    m_socket->setMaxAllowedIncomingMessageSize(kMaxIncoming);
    connect(m_socket, &QWebSocket::connected, this, [this] {
        m_heard = m_clock.boot();
        // Pings of Slack's are answered below, and shown by nothing but their bytes.
        if (const auto *bytes = m_socket->findChild<QTcpSocket *>())
            connect(bytes, &QTcpSocket::readyRead, this, [this] { m_heard = m_clock.boot(); });
    });
    connect(m_socket, &QWebSocket::disconnected, this, &SocketLink::lose);
    connect(m_socket, qOverload<QAbstractSocket::SocketError>(&QWebSocket::error), this, &SocketLink::lose);
    connect(m_socket, &QWebSocket::pong, this, [this] { m_heard = m_clock.boot(); });
    connect(m_socket, &QWebSocket::textMessageReceived, this, &SocketLink::readText);
    connect(m_socket, &QWebSocket::binaryMessageReceived, this, [this] { ++m_badFrames; });
    connect(&m_beat, &QTimer::timeout, this, &SocketLink::beat);
}

SocketLink::~SocketLink()
{
    release();
}

void SocketLink::open(const QUrl &url)
{
    if (!m_socket)
        return;
    m_heard = m_clock.boot();
    m_socket->open(QNetworkRequest(url));
    m_beat.start(m_timings.ping);
}

void SocketLink::beat()
{
    if (!m_socket)
        return;
    if (m_clock.boot() - m_heard > m_timings.silence)
        lose();
    else if (m_socket->isValid())
        m_socket->ping();
}

void SocketLink::readText(const QString &text)
{
    m_heard = m_clock.boot();
    const auto frame = Json::parse(text.toUtf8());
    const QString type = frame ? (*frame)[u"type"].toString() : QString();
    if (type == u"hello") {
        m_app = (*frame)[u"connection_info"][u"app_id"].toString();
        if (!std::exchange(m_greeted, true))
            Q_EMIT changed();
    } else if (type == u"disconnect") {
        const QString reason = (*frame)[u"reason"].toString();
        m_wish = reason == u"link_disabled"    ? Wish::Disabled
            : reason == u"too_many_websockets" ? Wish::TooMany
                                               : Wish::Replace;
        Q_EMIT changed();
    } else if (frame) {
        readEnvelope(*frame);
    } else {
        ++m_badFrames;
    }
}

void SocketLink::readEnvelope(const Json &frame)
{
    SocketEnvelope envelope;
    envelope.id = frame[u"envelope_id"].toString();
    envelope.type = frame[u"type"].toString();
    const bool readable = !envelope.id.isEmpty() && envelope.id.size() <= kMaxIdLength
        && !envelope.type.isEmpty() && frame[u"payload"].isObject();
    if (!readable || !m_greeted) { // nothing counts before the greeting
        ++m_badFrames;
        return;
    }
    envelope.acceptsPayload = frame[u"accepts_response_payload"].toBool();
    envelope.retryAttempt = static_cast<int>(frame[u"retry_attempt"].toInt().value_or(0));
    envelope.connectionApp = m_app;
    envelope.payload = frame[u"payload"];
    if (m_listener)
        m_listener(std::move(envelope));
}

bool SocketLink::acknowledge(const QString &envelopeId, const Json &payload)
{
    if (!m_socket || !m_socket->isValid() || m_socket->bytesToWrite() > kMaxUnwritten)
        return false;
    Json frame = Json::object({{u"envelope_id"_s, envelopeId}});
    if (!payload.isNull())
        frame.set(u"payload"_s, payload);
    reachFailpoint(FailPlace::SendAcknowledgement, FailEdge::Before);
    const bool written = m_socket->sendTextMessage(QString::fromUtf8(frame.toBytes())) > 0;
    if (isFailpointArmed(FailPlace::SendAcknowledgement, FailEdge::After))
        m_socket->flush();
    reachFailpoint(FailPlace::SendAcknowledgement, FailEdge::After);
    return written;
}

void SocketLink::close()
{
    lose();
}

void SocketLink::lose()
{
    release();
    if (!std::exchange(m_gone, true))
        Q_EMIT changed();
}

void SocketLink::release()
{
    m_beat.stop();
    QWebSocket *socket = m_socket.data();
    m_socket = nullptr;
    if (socket == nullptr)
        return;
    socket->disconnect(this);
    connect(socket, &QWebSocket::disconnected, socket, &QObject::deleteLater);
    QTimer::singleShot(kGoodbye, socket, &QObject::deleteLater);
    if (socket->isValid() && m_clock.boot() - m_heard <= m_timings.silence) {
        socket->close();
    } else {
        socket->abort();
        socket->deleteLater();
    }
}

} // namespace signalbox::slack
