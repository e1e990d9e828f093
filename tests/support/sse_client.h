// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

#include <QTcpSocket>
#include <QTest>

#include <algorithm>
#include <functional>
#include <vector>

namespace signalbox::testing {

struct SseEvent
{
    SseEvent() = default;
    qint64 id = 0;
    QByteArray cursor; // the id as text
    QByteArray name;
    Json data;
};

// Reads Server-Sent Events over a socket of its own: the engine's client waits for the end of an answer, and
// these have none. Works in the test's event loop: wait with QTRY_… on what it has.
class SseClient
{
public:
    SseClient(quint16 port, const QString &path, const QByteArray &token, const QByteArray &fields = {})
    {
        const QByteArray head = "GET " + path.toUtf8()
            + " HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer " + token + "\r\n"
            + fields + "\r\n";
        QObject::connect(
            &m_socket, &QTcpSocket::connected, &m_socket, [this, head] { m_socket.write(head); });
        QObject::connect(&m_socket, &QTcpSocket::readyRead, &m_socket, [this] { take(); });
        m_socket.connectToHost(QStringLiteral("127.0.0.1"), port);
    }

    [[nodiscard]] int status() const { return m_status; }
    [[nodiscard]] const QByteArray &head() const { return m_head; }
    [[nodiscard]] const std::vector<SseEvent> &events() const { return m_events; }
    [[nodiscard]] int comments() const { return m_comments; }
    // Its last chunk has come: the answer is complete.
    [[nodiscard]] bool hasEnded() const { return m_ended; }
    [[nodiscard]] bool isClosed() const { return m_socket.state() == QAbstractSocket::UnconnectedState; }
    void close() { m_socket.abort(); }
    // Called as each event is read; then none are kept.
    void onEvent(std::function<void(const SseEvent &)> listener) { m_listener = std::move(listener); }
    // Where it may go on: also of an event without data.
    [[nodiscard]] const QByteArray &lastId() const { return m_lastId; }
    [[nodiscard]] int count(const QByteArray &name) const
    {
        return static_cast<int>(std::count_if(
            m_events.begin(), m_events.end(), [&name](const SseEvent &event) { return event.name == name; }));
    }

    // "reply:You said: hello" of each event so far.
    [[nodiscard]] QStringList texts() const
    {
        QStringList all;
        for (const SseEvent &event : m_events)
            all << event.data[u"kind"].toString() + u':' + event.data[u"text"].toString();
        return all;
    }
    [[nodiscard]] QList<qint64> ids() const
    {
        QList<qint64> all;
        for (const SseEvent &event : m_events)
            all << event.id;
        return all;
    }

private:
    void take()
    {
        m_raw += m_socket.readAll();
        if (m_status == 0) {
            const qsizetype end = m_raw.indexOf("\r\n\r\n");
            if (end < 0)
                return;
            m_head = m_raw.first(end + 2);
            m_status = m_head.mid(9, 3).toInt();
            m_raw.remove(0, end + 4);
        }
        if (m_status != 200)
            return;
        while (takeChunk()) { }
        for (qsizetype end = m_text.indexOf("\n\n"); end >= 0; end = m_text.indexOf("\n\n")) {
            takeEvent(m_text.first(end));
            m_text.remove(0, end + 2);
        }
    }
    bool takeChunk()
    {
        const qsizetype line = m_raw.indexOf("\r\n");
        if (line < 0)
            return false;
        const qsizetype size = m_raw.first(line).toLongLong(nullptr, 16);
        if (m_raw.size() < line + 2 + size + 2)
            return false;
        m_text += m_raw.mid(line + 2, size);
        m_raw.remove(0, line + 2 + size + 2);
        m_ended = m_ended || size == 0;
        return size > 0;
    }
    void takeEvent(const QByteArray &text)
    {
        SseEvent event;
        bool isEvent = false;
        for (const QByteArray &line : text.split('\n')) {
            if (line.startsWith(':')) {
                ++m_comments;
            } else if (line.startsWith("id: ")) {
                event.cursor = line.mid(4);
                event.id = event.cursor.toLongLong();
                m_lastId = event.cursor;
            } else if (line.startsWith("event: ")) {
                event.name = line.mid(7);
            } else if (line.startsWith("data: ")) {
                const auto json = Json::parse(line.mid(6));
                isEvent = json.has_value();
                if (json)
                    event.data = *json;
            }
        }
        if (isEvent && m_listener)
            m_listener(event);
        else if (isEvent)
            m_events.push_back(event);
    }

    QTcpSocket m_socket;
    QByteArray m_raw;
    QByteArray m_head;
    QByteArray m_text;
    QByteArray m_lastId;
    std::vector<SseEvent> m_events;
    std::function<void(const SseEvent &)> m_listener;
    int m_status = 0;
    int m_comments = 0;
    bool m_ended = false;
};

} // namespace signalbox::testing
