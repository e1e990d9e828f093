// SPDX-License-Identifier: Apache-2.0
#include "http/client_p.h"
#include "http/shutdown_write_p.h"

#include <QSslSocket>

using namespace Qt::StringLiterals;

namespace signalbox::http {

namespace {
constexpr qint64 kReadBuffer = 256 * 1024;
} // namespace

Client::Pool::Connection::Connection(Pool *pool, Host *host, CallPtr call)
    : m_pool(pool)
    , m_host(host)
    , m_call(std::move(call))
{
    m_call->connection = this;
    open();
}

Client::Pool::Connection::~Connection()
{
    if (m_socket)
        m_socket->disconnect(this);
}

void Client::Pool::Connection::open()
{
    if (m_host->secure) {
        auto *socket = new QSslSocket(this);
        socket->setPeerVerifyMode(QSslSocket::VerifyPeer);
        connect(socket, &QSslSocket::encrypted, this, &Connection::onReady);
        m_socket = socket;
    } else {
        m_socket = new QTcpSocket(this);
        connect(m_socket, &QTcpSocket::connected, this, &Connection::onReady);
    }
    m_socket->setReadBufferSize(kReadBuffer);
    connect(m_socket, &QTcpSocket::readyRead, this, &Connection::onReadyRead);
    connect(m_socket, &QTcpSocket::disconnected, this, &Connection::onClosed);
    connect(m_socket, &QTcpSocket::errorOccurred, this, &Connection::onClosed);
    if (auto *secure = qobject_cast<QSslSocket *>(m_socket))
        secure->connectToHostEncrypted(m_host->name, m_host->port);
    else
        m_socket->connectToHost(m_host->name, m_host->port);
}

void Client::Pool::Connection::reuse(CallPtr call)
{
    m_call = std::move(call);
    m_call->connection = this;
    m_reused = true;
    write();
}

bool Client::Pool::Connection::isUsable() const
{
    return !m_closed && m_ready && m_socket->state() == QAbstractSocket::ConnectedState
        && m_socket->bytesAvailable() == 0 && !isClosedByPeer(m_socket->socketDescriptor());
}

void Client::Pool::Connection::close()
{
    if (m_closed)
        return;
    m_closed = true;
    m_call.reset();
    m_socket->disconnect(this);
    m_socket->abort();
    m_pool->forget(this);
    deleteLater();
}

void Client::Pool::Connection::onReady()
{
    if (m_closed || m_ready)
        return;
    m_ready = true;
    m_socket->setSocketOption(QAbstractSocket::LowDelayOption, 1);
    write();
}

void Client::Pool::Connection::write()
{
    if (m_call->request.mayLeave && !m_call->request.mayLeave()) {
        failCall(ErrorCode::Cancelled, u"it may not leave any more"_s);
        return;
    }
    if (!m_parser)
        m_parser = std::make_unique<ResponseParser>();
    const CallPtr call = m_call; // flush() may report a closed socket
    m_parser->reset(call->request.method == "HEAD", call->request.maxResponseBytes);
    call->sent = true;
    m_socket->write(call->head);
    if (call->request.body.size() > kInlineBody)
        m_socket->write(call->request.body);
    m_socket->flush();
}

QByteArrayView Client::Pool::Connection::fetch()
{
    if (m_in.isEmpty()) {
        const qint64 got = m_socket->read(m_pool->scratch(), kScratchSize);
        return QByteArrayView(m_pool->scratch(), std::max<qint64>(got, 0));
    }
    if (m_socket->bytesAvailable() > 0)
        m_in += m_socket->read(kScratchSize);
    return m_in;
}

void Client::Pool::Connection::consume(QByteArrayView data, qsizetype used)
{
    if (m_in.isEmpty()) {
        if (used < data.size())
            m_in = data.sliced(used).toByteArray();
    } else if (used < m_in.size()) {
        m_in.remove(0, used);
    } else {
        m_in = QByteArray();
    }
}

void Client::Pool::Connection::onReadyRead()
{
    if (m_closed || !m_ready)
        return;
    if (!m_call) {
        close(); // nobody asked: an answer too many, or a server that speaks first
        return;
    }
    parseAvailable();
}

void Client::Pool::Connection::parseAvailable()
{
    while (m_call && !m_closed && m_socket->bytesAvailable() > 0) {
        const QByteArrayView data = fetch();
        qsizetype used = 0;
        const ResponseParser::Outcome outcome = m_parser->put(data, used);
        consume(data, used);
        switch (outcome) {
        case ResponseParser::Outcome::NeedMore:
            break;
        case ResponseParser::Outcome::Done:
            complete();
            return;
        case ResponseParser::Outcome::Bad:
            failCall(ErrorCode::Corrupt, u"the answer is not HTTP"_s);
            return;
        case ResponseParser::Outcome::TooLarge:
            failCall(ErrorCode::Corrupt, u"the answer is larger than the limit"_s);
            return;
        }
    }
}

void Client::Pool::Connection::complete()
{
    const CallPtr call = std::exchange(m_call, nullptr);
    call->connection.clear();
    const bool silent = m_in.isEmpty() && m_socket->bytesAvailable() == 0 && m_socket->bytesToWrite() == 0;
    const bool reusable
        = silent && m_parser->keepAlive() && m_socket->state() == QAbstractSocket::ConnectedState;
    m_pool->finish(call, m_parser->takeResponse());
    if (!reusable) {
        close();
        return;
    }
    m_idleSince = m_pool->now();
    m_pool->becameIdle(this);
}

void Client::Pool::Connection::failCall(ErrorCode code, const QString &message)
{
    const CallPtr call = std::exchange(m_call, nullptr);
    const QString native = QString::fromUtf16(call->sent ? kSent : kNotSent);
    m_pool->finish(call, fail(Error(code, message, native)));
    close();
}

void Client::Pool::Connection::onClosed()
{
    if (m_closed)
        return;
    if (m_call && m_ready)
        parseAvailable();
    if (m_closed)
        return;
    if (!m_call) {
        close();
        return;
    }
    if (!m_ready) {
        failCall(ErrorCode::Unavailable, u"cannot connect: "_s + m_socket->errorString());
        return;
    }
    if (m_parser->gotAnything()) {
        if (m_in.isEmpty() && m_parser->putEof() == ResponseParser::Outcome::Done)
            complete();
        else
            failCall(ErrorCode::Unavailable, u"the connection was closed in the middle of the answer"_s);
        return;
    }
    if (m_reused && m_call->request.idempotent && !m_call->retried) {
        const CallPtr call = std::exchange(m_call, nullptr);
        Pool *pool = m_pool;
        close();
        pool->retry(call);
        return;
    }
    failCall(ErrorCode::Unavailable, u"the connection was closed before the answer"_s);
}

} // namespace signalbox::http
