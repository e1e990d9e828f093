// SPDX-License-Identifier: Apache-2.0
#include "base/failpoint.h"
#include "base/log.h"
#include "http/connection_p.h"
#include "http/percent_p.h"
#include "http/response_writer_p.h"
#include "http/shutdown_write_p.h"

#include <exception>

using namespace Qt::StringLiterals;

namespace signalbox::http {

namespace {

Q_LOGGING_CATEGORY(lcHttp, "signalbox.engine.http")

// How long and how much a refused peer may still send before it reads its answer.
constexpr Millis kLingerTime{2'000};
constexpr qint64 kLingerBytes = 8 * 1024 * 1024;
constexpr qsizetype kSpare = 4 * 1024;
constexpr qint64 kReadBuffer = 64 * 1024;

constexpr qsizetype kBadHead = -2;
constexpr qsizetype kNoEnd = -1;

// Where the head ends (behind its empty line), kNoEnd, or kBadHead for a line end without CR.
qsizetype findHeadEnd(QByteArrayView data, qsizetype from)
{
    for (qsizetype at = data.indexOf('\n', from); at >= 0; at = data.indexOf('\n', at + 1)) {
        if (at == 0 || data[at - 1] != '\r')
            return kBadHead;
        if (at >= 3 && data[at - 2] == '\n')
            return at + 1;
    }
    return kNoEnd;
}

// A request begins with a method; what does not (a TLS greeting, binary noise) need not be waited for.
bool mayBeginRequest(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

QString refusalDetail(int status)
{
    switch (status) {
    case 400:
        return u"The request is malformed."_s;
    case 404:
        return u"There is nothing at this path."_s;
    case 405:
        return u"This path does not take that method."_s;
    case 408:
        return u"The request did not arrive in time."_s;
    case 413:
        return u"The body is larger than this path takes."_s;
    case 417:
        return u"Only 100-continue can be expected."_s;
    case 431:
        return u"The request head is too large."_s;
    case 500:
        return u"The request could not be handled."_s;
    case 501:
        return u"The transfer coding is not supported."_s;
    case 503:
        return u"The server cannot answer now."_s;
    case 505:
        return u"Only HTTP/1.0 and HTTP/1.1 are spoken here."_s;
    default:
        return {};
    }
}

} // namespace

Connection::Connection(Server *server, QTcpSocket *socket)
    : m_server(server)
    , m_socket(socket)
    , m_peer(socket->peerAddress())
{
    socket->setSocketOption(QAbstractSocket::LowDelayOption, 1);
    socket->setReadBufferSize(std::max<qint64>(kReadBuffer, server->m_limits.maxHeadBytes + kSpare));
    watchSocket();
    enter(State::Idle, server->m_limits.idleTimeout);
}

Connection::~Connection()
{
    if (!m_socket)
        return;
    m_socket->disconnect(this);
    delete m_socket; // nothing of it is on the stack: this runs from the event loop or from the server's
                     // destructor
}

void Connection::watchSocket()
{
    connect(m_socket, &QTcpSocket::readyRead, this, &Connection::onReadyRead);
    connect(m_socket, &QTcpSocket::bytesWritten, this, &Connection::onBytesWritten);
    connect(m_socket, &QTcpSocket::disconnected, this, &Connection::onDisconnected);
}

void Connection::enter(State state, Millis limit)
{
    m_state = state;
    m_deadline = m_server->now() + limit.count();
}

void Connection::onReadyRead()
{
    switch (m_state) {
    case State::Idle:
    case State::Head:
    case State::Body:
        process();
        break;
    case State::Draining:
        drain();
        break;
    case State::Handling: // a pipelined request waits in the socket
    case State::Writing:
    case State::Streaming:
    case State::Gone:
        break;
    }
}

void Connection::onBytesWritten()
{
    if (m_state == State::Writing && !m_processing)
        written();
    else if (m_state == State::Streaming)
        streamWritten();
}

void Connection::onDisconnected()
{
    leave();
}

void Connection::leave()
{
    if (m_state == State::Gone)
        return;
    const bool handling = m_state == State::Handling;
    m_state = State::Gone;
    ++m_exchange;
    closeStream();
    m_server->forget(this);
    deleteLater();
    if (handling && m_cancel)
        m_cancel->cancel();
}

void Connection::abort()
{
    if (m_state == State::Gone)
        return;
    m_socket->disconnect(this);
    m_socket->abort();
    leave();
}

void Connection::closeIfIdle()
{
    if (m_state == State::Idle)
        abort();
    else if (m_state == State::Streaming)
        endStream(); // it would not end by itself
}

void Connection::checkDeadline(qint64 now)
{
    if (now < m_deadline)
        return;
    switch (m_state) {
    case State::Idle:
    case State::Writing:
    case State::Streaming:
    case State::Draining:
        abort();
        break;
    case State::Head:
    case State::Body:
        refuse(408);
        break;
    case State::Handling:
        giveUpHandler();
        break;
    case State::Gone:
        break;
    }
}

void Connection::giveUpHandler()
{
    logWarning(lcHttp, "handler timed out", {{"route", m_match.pattern ? *m_match.pattern : QString()}});
    ++m_exchange; // its late answer is not wanted
    const std::optional<async::CancelSource> cancel = m_cancel; // refusing may end this connection's own
    refuse(503);
    if (cancel)
        async::CancelSource(*cancel).cancel();
}

void Connection::process()
{
    if (m_processing)
        return;
    m_processing = true;
    while (step()) { }
    m_processing = false;
}

bool Connection::step()
{
    switch (m_state) {
    case State::Idle:
    case State::Head:
        return readHead();
    case State::Body:
        return readBody();
    case State::Handling:
    case State::Writing:
    case State::Streaming:
    case State::Draining:
    case State::Gone:
        return false;
    }
    return false;
}

QByteArrayView Connection::fetch()
{
    if (m_in.isEmpty()) {
        const qint64 got = m_socket->read(m_server->m_scratch.get(), Server::kScratchSize);
        return QByteArrayView(m_server->m_scratch.get(), std::max<qint64>(got, 0));
    }
    const qint64 room = m_server->m_limits.maxHeadBytes + kSpare - m_in.size();
    if (room > 0 && m_socket->bytesAvailable() > 0)
        m_in += m_socket->read(room);
    return m_in;
}

void Connection::consume(QByteArrayView data, qsizetype used)
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

bool Connection::readHead()
{
    if (m_server->m_upgrade && m_in.isEmpty() && offerUpgrade())
        return false;
    QByteArrayView data = fetch();
    qsizetype blank = 0; // empty lines before a request are ignored (RFC 9112 §2.2)
    while (m_scanned == 0 && data.sliced(blank).startsWith("\r\n"))
        blank += 2;
    if (blank > 0) {
        consume(data, blank);
        data = m_in;
    }
    if (data.isEmpty())
        return false;
    if (m_state == State::Idle)
        enter(State::Head, m_server->m_limits.headTimeout);
    const bool strayReturn = data.size() == 1 && data[0] == '\r';
    const qsizetype end = !mayBeginRequest(data[0]) && !strayReturn ? kBadHead : findHeadEnd(data, m_scanned);
    const qsizetype seen = end >= 0 ? end : data.size();
    if (end != kBadHead && seen > m_server->m_limits.maxHeadBytes) {
        refuse(431);
        return false;
    }
    if (end == kBadHead) {
        refuse(400);
        return false;
    }
    if (end == kNoEnd) {
        consume(data, 0);
        m_scanned = strayReturn ? 0 : data.size();
        return m_socket->bytesAvailable() > 0;
    }
    return takeHead(data, end);
}

bool Connection::takeHead(QByteArrayView data, qsizetype end)
{
    m_scanned = 0;
    m_match = Router::Match();
    m_parser = m_server->takeParser();
    int status = m_parser->parseHead(data.first(end));
    consume(data, end);
    if (status == 0)
        status = checkHead();
    if (status != 0) {
        refuse(status);
        return false;
    }
    if (m_parser->isDone())
        dispatch();
    else
        enter(State::Body, m_server->m_limits.bodyTimeout);
    return true;
}

int Connection::checkHead()
{
    Request &request = m_parser->request();
    m_http11 = m_parser->isHttp11();
    m_keepAlive = m_parser->keepAlive();
    m_toHead = request.method == "HEAD";
    const QByteArray &target = m_parser->target();
    const QString encoded = QString::fromUtf8(target);
    m_path = encoded;
    if (target.contains('%')) {
        const Decoded decoded = percentDecoded(target, PlusIs::Plus);
        if (!decoded.valid)
            return 400;
        m_path = decoded.text;
    }
    m_match = m_server->m_router.match(request.method, encoded);
    const bool ownLimit = m_match.options && m_match.options->maxBodyBytes;
    const qint64 limit = ownLimit ? *m_match.options->maxBodyBytes : m_server->m_limits.maxBodyBytes;
    const qint64 length = m_parser->contentLength();
    if (length > limit)
        return 413;
    if (!m_parser->isDone())
        m_parser->limitBody(limit);
    const QByteArray expectation = m_parser->expectation();
    if (expectation.isEmpty() || !m_http11)
        return 0;
    if (expectation.compare("100-continue", Qt::CaseInsensitive) != 0)
        return 417;
    if (!m_match.handler)
        return m_match.allow.isEmpty() ? 404 : 405;
    if (length != 0 && m_in.isEmpty() && m_socket->bytesAvailable() == 0) {
        m_socket->write("HTTP/1.1 100 Continue\r\n\r\n");
        m_socket->flush();
    }
    return 0;
}

bool Connection::readBody()
{
    const QByteArrayView data = fetch();
    if (data.isEmpty())
        return false;
    int status = 0;
    const qsizetype used = m_parser->putBody(data, status);
    const bool stuck
        = used == 0 && data.size() >= m_server->m_limits.maxHeadBytes; // an endless chunk header or trailer
    consume(data, used);
    if (status != 0 || stuck) {
        refuse(status != 0 ? status : 400);
        return false;
    }
    if (m_parser->isDone()) {
        dispatch();
        return true;
    }
    return m_socket->bytesAvailable() > 0;
}

bool Connection::offerUpgrade()
{
    const qint64 size = std::min<qint64>(m_server->m_limits.maxHeadBytes + 1, Server::kScratchSize);
    const qint64 got = m_socket->peek(m_server->m_scratch.get(), size);
    if (got <= 0)
        return true;
    const QByteArrayView data(m_server->m_scratch.get(), got);
    if (!mayBeginRequest(data[0]))
        return false;
    const qsizetype end = findHeadEnd(data, 0);
    if (end == kNoEnd && got < size) {
        if (m_state == State::Idle)
            enter(State::Head, m_server->m_limits.headTimeout);
        return true; // stays in the socket until it is complete
    }
    return end > 0 && upgradeTaken(data.first(end));
}

bool Connection::upgradeTaken(QByteArrayView head)
{
    if (!head.toByteArray().toLower().contains("\r\nupgrade:"))
        return false;
    RequestParser parser;
    if (parser.parseHead(head) != 0 || !parser.asksForWebSocket() || parser.request().method != "GET")
        return false;
    Request request = std::move(parser.request());
    request.path = percentDecoded(parser.target(), PlusIs::Plus).text;
    request.peer = m_peer;
    // The taker may make the socket report its bytes at once; they are not ours any more.
    QTcpSocket *socket = m_socket;
    socket->disconnect(this);
    if (!m_server->m_upgrade(request, socket)) {
        watchSocket();
        return false;
    }
    socket->setReadBufferSize(0);
    m_socket = nullptr;
    ++m_server->m_stats.requests;
    leave();
    return true;
}

void Connection::dispatch()
{
    const bool ownTime = m_match.options && m_match.options->handlerTimeout;
    enter(State::Handling, ownTime ? *m_match.options->handlerTimeout : m_server->m_limits.handlerTimeout);
    ++m_exchange;
    ++m_server->m_stats.requests;
    Request request = std::move(m_parser->request());
    m_server->giveParser(std::move(m_parser));
    if (!m_match.handler) {
        ++m_server->m_stats.refused;
        Response response = errorResponse(m_match.allow.isEmpty() ? 404 : 405);
        if (!m_match.allow.isEmpty())
            response.headers.add("Allow", m_match.allow);
        answer(std::move(response));
        return;
    }
    request.path = std::move(m_path);
    request.peer = m_peer;
    request.pathValues = std::move(m_match.values);
    runHandler(std::move(request));
}

void Connection::runHandler(Request request)
{
    if (!m_cancel)
        m_cancel.emplace();
    const QString route = *m_match.pattern;
    const QPointer<Connection> self(this);
    bool failed = false;
    try {
        QCoro::Task<Response> handler = (*m_match.handler)(std::move(request), Context(m_cancel->token()));
        m_server->m_scope.spawn("http handler", serve(self, m_exchange, std::move(handler), route));
    } catch (const std::exception &) {
        failed = true; // a handler that is no coroutine threw
    }
    if (!failed)
        return;
    logCritical(lcHttp, "handler failed", {{"route", route}});
    ++m_server->m_stats.refused;
    answer(errorResponse(500));
}

QCoro::Task<> Connection::serve(
    QPointer<Connection> self, quint32 exchange, QCoro::Task<Response> handler, QString route)
{
    Response response;
    bool failed = false;
    try {
        response = co_await handler;
    } catch (...) {
        failed = true;
    }
    if (failed)
        logCritical(lcHttp, "handler failed", {{"route", route}});
    if (!self || self->m_exchange != exchange)
        co_return; // the peer has gone, or was told that it took too long
    if (failed) {
        ++self->m_server->m_stats.refused;
        response = self->errorResponse(500);
    }
    self->answer(std::move(response));
}

void Connection::answer(Response response)
{
    if (m_state != State::Handling)
        return;
    if (response.dropped) {
        abort();
        return;
    }
    if (response.stream) {
        startStream(std::move(response));
        return;
    }
    const bool wantsClose = response.headers.value("Connection").compare("close", Qt::CaseInsensitive) == 0;
    send(std::move(response), m_keepAlive && !wantsClose && !m_server->m_closing);
}

Response Connection::errorResponse(int status) const
{
    const bool plain = m_match.options && m_match.options->errors == ErrorStyle::PlainText;
    Response response = plain ? Response::text(status, reasonPhrase(status))
                              : Response::problem(status, refusalDetail(status));
    if (status == 503)
        response.headers.add("Retry-After", "1");
    return response;
}

void Connection::refuse(int status)
{
    ++m_server->m_stats.refused;
    Response response = errorResponse(status);
    if (status == 405)
        response.headers.add("Allow", m_match.allow);
    send(std::move(response), false);
}

void Connection::refuseUnasked(int status)
{
    refuse(status);
}

void Connection::send(Response response, bool keepAlive)
{
    WriteOptions options;
    options.toHead = m_toHead;
    options.http11 = m_http11;
    options.keepAlive = keepAlive;
    options.date = m_server->date();
    const QByteArray head = serialize(response, options);
    m_closeAfterWrite = !keepAlive;
    m_parser.reset();
    const qint64 now = m_server->now();
    m_write.begin(m_server->m_limits, now, head.size() + response.body.size());
    m_state = State::Writing;
    m_deadline = m_write.at();
    const bool wasProcessing = std::exchange(m_processing, true); // written() is called once, below
    reachFailpoint(FailPlace::SendAcknowledgement, FailEdge::Before);
    m_socket->write(head);
    if (!response.body.isEmpty())
        m_socket->write(response.body);
    m_socket->flush();
    reachFailpoint(FailPlace::SendAcknowledgement, FailEdge::After);
    m_processing = wasProcessing;
    if (m_state == State::Writing)
        written();
}

void Connection::written()
{
    if (m_socket->bytesToWrite() > 0) {
        m_write.progressed(m_server->now());
        m_deadline = m_write.at();
        return;
    }
    if (m_closeAfterWrite) {
        startDraining();
        return;
    }
    m_toHead = false;
    m_match = Router::Match();
    m_scanned = 0;
    enter(State::Idle, m_server->m_limits.idleTimeout);
    if (m_server->m_closing && m_in.isEmpty() && m_socket->bytesAvailable() == 0) {
        abort();
        return;
    }
    process(); // a no-op inside of process(), whose loop goes on
}

void Connection::startDraining()
{
    enter(State::Draining, kLingerTime);
    m_in = QByteArray();
    m_cancel.reset();
    shutdownWrite(m_socket->socketDescriptor());
    drain();
}

void Connection::drain()
{
    while (m_state == State::Draining && m_socket->bytesAvailable() > 0) {
        const qint64 got = m_socket->read(m_server->m_scratch.get(), Server::kScratchSize);
        if (got <= 0)
            return;
        m_drained += got;
        if (m_drained > kLingerBytes) {
            abort();
            return;
        }
    }
}

} // namespace signalbox::http
