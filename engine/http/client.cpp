// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include "http/client_p.h"
#include "http/field_names_p.h"

#include <QCoreApplication>
#include <QEvent>

using namespace Qt::StringLiterals;

namespace signalbox::http {

namespace {

constexpr Millis kPruneInterval{5'000};
constexpr Millis kMaxIdle{30'000}; // shorter than what servers commonly allow

Error notSent(ErrorCode code, const QString &message)
{
    return Error(code, message, QString::fromUtf16(kNotSent));
}

int portOf(const QUrl &url)
{
    return url.port(url.scheme() == u"https" ? 443 : 80);
}

bool isToken(const QByteArray &method)
{
    return !method.isEmpty() && std::all_of(method.begin(), method.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || c == '-';
    });
}

bool announcesBody(const ClientRequest &request)
{
    return !request.body.isEmpty() || request.method == "POST" || request.method == "PUT"
        || request.method == "PATCH";
}

QByteArray hostField(const QUrl &url)
{
    const QByteArray host = url.host(QUrl::FullyEncoded).toLatin1();
    QByteArray field = host.contains(':') ? '[' + host + ']' : host;
    if (url.port() > 0)
        field += ':' + QByteArray::number(url.port());
    return field;
}

} // namespace

Result<QByteArray> serializeRequest(const ClientRequest &request)
{
    if (!isToken(request.method))
        return fail(notSent(ErrorCode::InvalidInput, u"the method is not a token"_s));
    const QByteArray path = request.url.path(QUrl::FullyEncoded).toLatin1();
    const bool small = request.body.size() <= kInlineBody;
    QByteArray out;
    out.reserve(256 + path.size() + (small ? request.body.size() : 0));
    out += request.method;
    out += path.startsWith('/') ? " " : " /";
    out += path;
    if (request.url.hasQuery()) {
        out += '?';
        out += request.url.query(QUrl::FullyEncoded).toLatin1();
    }
    out += " HTTP/1.1\r\nHost: ";
    out += hostField(request.url);
    out += "\r\n";
    for (const auto &[name, value] : request.headers.fields()) {
        if (!isSafeField(name, value))
            return fail(notSent(ErrorCode::InvalidInput, u"a header field is malformed"_s));
        if (isFramingField(name) || name.compare("host", Qt::CaseInsensitive) == 0)
            continue;
        out += name;
        out += ": ";
        out += value;
        out += "\r\n";
    }
    if (!request.headers.contains("User-Agent"))
        out += "User-Agent: signalbox/" SIGNALBOX_VERSION "\r\n";
    if (announcesBody(request)) {
        out += "Content-Length: ";
        out += QByteArray::number(request.body.size());
        out += "\r\n";
    }
    out += "\r\n";
    if (small)
        out += request.body;
    return out;
}

Client::Client(int maxConnectionsPerHost, QObject *parent)
    : QObject(parent)
    , m_pool(std::make_unique<Pool>(std::max(maxConnectionsPerHost, 1)))
{
}

Client::~Client() = default;

QCoro::Task<Result<Response>> Client::send(ClientRequest request, async::CancelToken cancel)
{
    return m_pool->send(std::move(request), cancel);
}

Client::Pool::Pool(int maxConnectionsPerHost)
    : m_maxPerHost(maxConnectionsPerHost)
    , m_scratch(std::make_unique<char[]>(kScratchSize))
    , m_finisher(new Finisher)
{
    m_time.start();
    m_timer.setSingleShot(true);
    m_timer.setTimerType(Qt::PreciseTimer);
    m_timer.callOnTimeout(this, [this] { expire(); });
    m_prune.setInterval(kPruneInterval);
    m_prune.callOnTimeout(this, [this] { prune(); });
}

Client::Pool::~Pool()
{
    while (!m_deadlines.empty()) {
        const CallPtr call = m_deadlines.begin()->second;
        abandon(call, ErrorCode::Cancelled, u"the client has gone"_s);
    }
    for (Host *host : std::as_const(m_hosts)) {
        while (!host->idle.empty())
            host->idle.back()->close();
    }
    qDeleteAll(m_hosts);
    m_finisher->deleteLater(); // behind what it has still to tell
}

QCoro::Task<Result<Response>> Client::Pool::send(ClientRequest request, const async::CancelToken &cancel)
{
    const CallPtr call = std::make_shared<Call>(std::move(request));
    submit(call, cancel);
    return wait(call);
}

QCoro::Task<Result<Response>> Client::Pool::wait(CallPtr call)
{
    async::Completion<Result<Response>> completion = call->completion;
    call.reset();
    co_return co_await completion.wait();
}

void Client::Pool::submit(const CallPtr &call, const async::CancelToken &cancel)
{
    const ClientRequest &request = call->request;
    const qint64 at = now() + std::max<qint64>(request.timeout.count(), 0);
    call->deadline = m_deadlines.emplace(at, call);
    const QString scheme = request.url.scheme();
    if ((scheme != u"http" && scheme != u"https") || request.url.host().isEmpty()) {
        finish(call, fail(notSent(ErrorCode::InvalidInput, u"the address is not one of http or https"_s)));
        return;
    }
    Result<QByteArray> head = serializeRequest(request);
    if (!head) {
        finish(call, fail(head.error()));
        return;
    }
    call->head = std::move(*head);
    if (cancel.isCancelled()) {
        finish(call, fail(notSent(ErrorCode::Cancelled, u"cancelled"_s)));
        return;
    }
    if (cancel.state()) {
        const std::weak_ptr<Call> weak = call;
        call->cancelled = connect(cancel.state(), &async::CancelState::cancelled, this, [this, weak] {
            if (const CallPtr alive = weak.lock())
                abandon(alive, ErrorCode::Cancelled, u"cancelled"_s);
        });
    }
    arm(at);
    const QString name = request.url.host(QUrl::FullyEncoded);
    const int port = portOf(request.url);
    Host *&host = m_hosts[scheme + u'|' + name + u'|' + QString::number(port)];
    if (!host) {
        host = new Host;
        host->name = name;
        host->port = static_cast<quint16>(port);
        host->secure = scheme == u"https";
    }
    call->host = host;
    host->queue.push_back(call);
    pump(host);
}

void Client::Pool::finish(const CallPtr &call, Result<Response> result)
{
    if (call->done)
        return;
    call->done = true;
    m_deadlines.erase(call->deadline);
    if (call->cancelled)
        disconnect(call->cancelled);
    call->result.emplace(std::move(result));
    m_finisher->add(call);
}

void Client::Pool::abandon(const CallPtr &call, ErrorCode code, const QString &message)
{
    if (call->done)
        return;
    const QString native = QString::fromUtf16(call->sent ? kSent : kNotSent);
    if (Connection *connection = call->connection) {
        call->connection.clear();
        finish(call, fail(Error(code, message, native)));
        connection->close();
        return;
    }
    if (call->host)
        std::erase(call->host->queue, call);
    finish(call, fail(Error(code, message, native)));
}

void Client::Pool::retry(const CallPtr &call)
{
    if (call->done)
        return;
    call->retried = true;
    call->connection.clear();
    call->host->queue.push_front(call);
    pump(call->host);
}

Client::Pool::Connection *Client::Pool::takeIdle(Host *host)
{
    while (!host->idle.empty()) {
        Connection *connection = host->idle.back();
        if (connection->isUsable()) {
            host->idle.pop_back();
            return connection;
        }
        connection->close(); // takes itself out of the list
    }
    return nullptr;
}

void Client::Pool::pump(Host *host)
{
    while (!host->queue.empty()) {
        const CallPtr call = host->queue.front();
        if (call->retried && host->open >= m_maxPerHost && !host->idle.empty())
            host->idle.front()->close(); // makes room for a fresh connection
        Connection *idle = call->retried ? nullptr : takeIdle(host);
        if (!idle && host->open >= m_maxPerHost)
            return;
        if (host->queue.empty() || host->queue.front() != call)
            continue; // closing an idle connection served the queue
        host->queue.pop_front();
        if (idle) {
            idle->reuse(call);
        } else {
            ++host->open;
            new Connection(this, host, call);
        }
    }
}

void Client::Pool::becameIdle(Connection *connection)
{
    Host *host = connection->host();
    host->idle.push_back(connection);
    if (!m_prune.isActive())
        m_prune.start();
    pump(host);
}

void Client::Pool::forget(Connection *connection)
{
    Host *host = connection->host();
    --host->open;
    std::erase(host->idle, connection);
    // From the event loop: the caller may be in the middle of this host's queue.
    if (!host->queue.empty())
        QMetaObject::invokeMethod(
            this, [this, host] { pump(host); }, Qt::QueuedConnection);
}

void Client::Pool::arm(qint64 deadline)
{
    if (m_timer.isActive() && m_armedFor <= deadline)
        return;
    m_armedFor = deadline;
    m_timer.start(Millis(std::max<qint64>(deadline - now(), 0)));
}

void Client::Pool::expire()
{
    while (!m_deadlines.empty() && m_deadlines.begin()->first <= now()) {
        const CallPtr call = m_deadlines.begin()->second;
        abandon(call, ErrorCode::DeadlineExceeded, u"no answer in time"_s);
    }
    if (!m_deadlines.empty())
        arm(m_deadlines.begin()->first);
}

void Client::Pool::prune()
{
    const qint64 oldest = now() - kMaxIdle.count();
    bool anyIdle = false;
    for (Host *host : std::as_const(m_hosts)) {
        const std::vector<Connection *> idle = host->idle;
        for (Connection *connection : idle) {
            if (connection->idleSince() <= oldest)
                connection->close();
        }
        anyIdle = anyIdle || !host->idle.empty();
    }
    if (!anyIdle)
        m_prune.stop();
}

void Client::Pool::Finisher::add(const CallPtr &call)
{
    m_done.push_back(call);
    if (!std::exchange(m_posted, true))
        QCoreApplication::postEvent(this, new QEvent(QEvent::User));
}

bool Client::Pool::Finisher::event(QEvent *event)
{
    if (event->type() != QEvent::User)
        return QObject::event(event);
    m_posted = false;
    const std::vector<CallPtr> done = std::exchange(m_done, {});
    for (const CallPtr &call : done)
        call->completion.finish(std::move(*call->result)); // the waiter may destroy the client
    return true;
}

} // namespace signalbox::http
