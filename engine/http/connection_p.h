// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/request_parser_p.h"
#include "http/server.h"
#include "http/write_deadline_p.h"

#include <QPointer>
#include <QTcpSocket>

#include <optional>

namespace signalbox::http {

// One accepted socket and where it stands. Owned by the server; deletes itself through the event loop after
// its socket has gone. A handler that still runs then keeps nothing of it but a QPointer.
class Connection : public QObject
{
public:
    Connection(Server *server, QTcpSocket *socket);
    ~Connection() override;

    // Answers `status` at once, unasked, and closes.
    void refuseUnasked(int status);
    // Acts when the deadline of the present state has passed.
    void checkDeadline(qint64 now);
    // Closes a connection that waits for a request; a busy one closes after its answer.
    void closeIfIdle();
    void abort();

    [[nodiscard]] const QHostAddress &peer() const { return m_peer; }

private:
    friend class BodyStream;
    enum class State : quint8 { Idle, Head, Body, Handling, Writing, Streaming, Draining, Gone };

    void onReadyRead();
    void onBytesWritten();
    void onDisconnected();
    void watchSocket();

    void process();
    // One step of the present state; false when it waits for the socket or the handler.
    bool step();
    bool readHead();
    bool takeHead(QByteArrayView data, qsizetype end);
    // 0, or the status that refuses the request whose head has been parsed.
    [[nodiscard]] int checkHead();
    bool readBody();
    // True when the socket belongs to the taker of an upgrade now, or when the head is not complete.
    bool offerUpgrade();
    [[nodiscard]] bool upgradeTaken(QByteArrayView head);

    void dispatch();
    void runHandler(Request request);
    static QCoro::Task<> serve(
        QPointer<Connection> self, quint32 exchange, QCoro::Task<Response> handler, QString route);
    void giveUpHandler();
    void answer(Response response);
    void refuse(int status);
    [[nodiscard]] Response errorResponse(int status) const;
    void send(Response response, bool keepAlive);
    void written();
    void startStream(Response response);
    void writeToStream(const QByteArray &bytes);
    void streamWritten();
    void noteFlushed();
    void endStream();
    void closeStream();
    void startDraining();
    void drain();
    void leave();

    // The bytes to parse next: kept ones with what the socket has, or a view of the server's scratch buffer.
    [[nodiscard]] QByteArrayView fetch();
    void consume(QByteArrayView data, qsizetype used);
    void enter(State state, Millis limit);

    Server *m_server;
    QTcpSocket *m_socket;
    QByteArray m_in; // received and not yet parsed
    std::unique_ptr<RequestParser> m_parser; // only while a request is being read
    std::optional<async::CancelSource> m_cancel; // made with the first request
    QHostAddress m_peer;
    Router::Match m_match;
    QString m_path;
    WriteDeadline m_write; // of the answer that is leaving
    std::shared_ptr<BodyStream> m_stream; // while streaming
    qint64 m_deadline = 0;
    qsizetype m_scanned = 0; // bytes of m_in without an end of head
    qint64 m_drained = 0;
    quint32 m_exchange = 0; // tells a late handler from the present one
    State m_state = State::Idle;
    bool m_processing = false;
    bool m_toHead = false;
    bool m_http11 = true;
    bool m_keepAlive = true;
    bool m_closeAfterWrite = false;
};

} // namespace signalbox::http
