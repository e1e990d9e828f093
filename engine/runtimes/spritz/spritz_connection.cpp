// SPDX-License-Identifier: Apache-2.0
#include "runtimes/spritz/spritz_connection.h"

#include "async/wait.h"
#include "base/failpoint.h"
#include "runtimes/acp/session_update.h"
#include "runtimes/spritz/spritz_calls.h"

#include <QNetworkRequest>
#include <QSslSocket>
#include <QTimer>
#include <QWebSocket>

using namespace Qt::StringLiterals;

namespace signalbox::runtimes {

namespace {
constexpr int kPermissionDenied = -32000;
constexpr Millis kGoodbye{5000};

Json initializeParams()
{
    const Json client = Json::object(
        {{u"name"_s, u"slack-gateway"_s}, {u"title"_s, u"Slack Gateway"_s}, {u"version"_s, u"1.0.0"_s}});
    return Json::object(
        {{u"protocolVersion"_s, 1}, {u"clientCapabilities"_s, Json::object()}, {u"clientInfo"_s, client}});
}

Json loadParams(const QString &sessionId, const QString &cwd)
{
    return Json::object({{u"sessionId"_s, sessionId}, {u"cwd"_s, cwd}, {u"mcpServers"_s, Json::array()}});
}

Json promptParams(const QString &sessionId, const QString &text)
{
    Json blocks = Json::array();
    blocks.append(Json::object({{u"type"_s, u"text"_s}, {u"text"_s, text}}));
    return Json::object({{u"sessionId"_s, sessionId}, {u"prompt"_s, blocks}});
}

// A peer's own error gets a name; ours have one.
Error named(const Error &error)
{
    if (const std::optional<int> code = rpcCode(error)) {
        return {ErrorCode::Unavailable, u"the runtime answered with an error"_s,
            u"rpc_"_s + QString::number(*code)};
    }
    return error.native().isEmpty() ? Error(error.code(), error.message(), u"cancelled"_s) : error;
}

// With TLS a frame leaves the socket's own buffer at once, and waits in the one below.
qint64 unwrittenBytes(const QWebSocket &socket)
{
    const auto *tls = socket.findChild<QSslSocket *>();
    return socket.bytesToWrite() + (tls != nullptr ? tls->encryptedBytesToWrite() : 0);
}
} // namespace

SpritzConnection::SpritzConnection(QObject *owner)
    // No origin: with one the server would look for it in its list.
    : m_socket(new QWebSocket(QString(), QWebSocketProtocol::VersionLatest, owner))
    , m_peer([this](const QByteArray &frame) { return write(frame); }, u"rpc-"_s)
    , m_questions(m_peer)
{
    m_socket->setMaxAllowedIncomingFrameSize(kMaxIncoming);
    m_socket->setMaxAllowedIncomingMessageSize(kMaxIncoming);
    connect(m_socket, &QWebSocket::connected, this, [this] {
        m_isUpgraded = true;
        Q_EMIT settled();
    });
    connect(m_socket, &QWebSocket::disconnected, this, [this] { shut(u"socket_closed"_s); });
    connect(m_socket, qOverload<QAbstractSocket::SocketError>(&QWebSocket::error), this,
        [this] { shut(u"socket_closed"_s); });
    connect(m_socket, &QWebSocket::textMessageReceived, this,
        [this](const QString &text) { m_peer.receive(text.toUtf8()); });
    connect(&m_peer, &JsonRpcPeer::badFrameReceived, this, [this] { shut(u"bad_frame"_s); });
    m_peer.setNotificationHandler(
        [this](const QString &method, const Json &params) { onNotification(method, params); });
    m_peer.setRequestHandler([this](const QString &method, const Json &params, const Json &id) {
        return onRequest(method, params, id);
    });
}

SpritzConnection::~SpritzConnection()
{
    release();
    m_questions.clear();
    m_peer.close(Error(ErrorCode::Unavailable, u"the connection was dropped"_s, u"closed"_s));
}

QCoro::Task<Status> SpritzConnection::connectTo(
    QUrl url, Secret token, Millis timeout, async::CancelToken cancel)
{
    QNetworkRequest request(url);
    request.setRawHeader("Authorization", "Bearer " + token.reveal());
    m_socket->open(request);
    async::Wake wake = async::Wake::Fired;
    if (!m_isUpgraded && !m_peer.isClosed()) {
        wake = co_await async::waitSignal(this, &SpritzConnection::settled, timeout, cancel);
    }
    if (m_isUpgraded && !m_peer.isClosed()) {
        co_return {};
    }
    if (wake == async::Wake::Cancelled) {
        co_return fail(Error(ErrorCode::Cancelled, u"cancelled while connecting"_s, u"cancelled"_s));
    }
    if (wake == async::Wake::TimedOut) {
        co_return fail(
            Error(ErrorCode::DeadlineExceeded, u"no answer to the upgrade in time"_s, u"timeout"_s));
    }
    const QString native = m_isUpgraded ? u"socket_closed"_s : u"handshake"_s;
    co_return fail(Error(ErrorCode::Unavailable, u"the upgrade failed"_s, native));
}

QCoro::Task<Status> SpritzConnection::load(
    QString sessionId, QString cwd, Millis timeout, async::CancelToken cancel)
{
    const Result<Json> agreed = co_await m_peer.call(u"initialize"_s, initializeParams(), timeout, cancel);
    if (!agreed) {
        co_return fail(named(agreed.error()).context(u"initialize"_s));
    }
    reachFailpoint(FailPlace::SendLoad, FailEdge::Before);
    const Result<Json> loaded
        = co_await m_peer.call(u"session/load"_s, loadParams(sessionId, cwd), timeout, cancel);
    reachFailpoint(FailPlace::SendLoad, FailEdge::After);
    if (!loaded) {
        co_return fail(named(loaded.error()).context(u"session/load"_s));
    }
    co_return {};
}

void SpritzConnection::prompt(const QString &sessionId, const QString &text,
    const std::shared_ptr<TurnRun> &run, const std::function<bool()> &mayLeave,
    const async::CancelToken &cancel, const std::weak_ptr<Asker> &asker)
{
    if (cancel.isCancelled()) {
        run->notSent(TurnEnd::Cancelled, u"cancelled"_s);
        return;
    }
    if (m_peer.isClosed()) {
        run->notSent(TurnEnd::NotSent, u"socket_closed"_s);
        return;
    }
    Json params = promptParams(sessionId, text);
    auto onAnswer = [this, run](const Result<Json> &answer) {
        m_questions.endSession({});
        if (answer) {
            run->answered((*answer)[u"stopReason"].toString());
        } else if (rpcCode(answer.error())) {
            run->failed(answer.error().native(), u"the runtime answered the prompt with an error"_s);
        } else {
            run->lost(answer.error().native(), answer.error().message());
        }
    };
    if (!mayLeave()) {
        run->notSent(TurnEnd::NotSent, u"not_allowed"_s);
        return;
    }
    reachFailpoint(FailPlace::SendPrompt, FailEdge::Before);
    if (!m_peer.send(u"session/prompt"_s, std::move(params), std::move(onAnswer))) {
        run->notSent(TurnEnd::NotSent, u"socket_closed"_s);
        return;
    }
    if (isFailpointArmed(FailPlace::SendPrompt, FailEdge::After) && m_socket) {
        m_socket->flush();
    }
    reachFailpoint(FailPlace::SendPrompt, FailEdge::After);
    m_run = run;
    m_asker = asker;
    run->begin(cancel);
}

void SpritzConnection::cancelPrompt(const QString &sessionId)
{
    m_peer.notify(u"session/cancel"_s, Json::object({{u"sessionId"_s, sessionId}}));
    m_questions.cancelSession({});
}

// Our caller may be in the middle of a call, so the end comes from the event loop.
bool SpritzConnection::write(const QByteArray &frame)
{
    if (m_socket && !m_isChoked && unwrittenBytes(*m_socket) > kMaxUnwritten) {
        m_isChoked = true;
        QMetaObject::invokeMethod(
            this, [this] { shut(u"not_reading"_s); }, Qt::QueuedConnection);
    }
    return !m_isChoked && m_socket && m_socket->isValid()
        && m_socket->sendTextMessage(QString::fromUtf8(frame)) > 0;
}

void SpritzConnection::onNotification(const QString &method, const Json &params)
{
    if (method == u"$/cancel_request") {
        m_questions.cancelRequest(params);
        return;
    }
    const std::shared_ptr<TurnRun> run = m_run.lock();
    if (!run && m_onReplay && method == u"session/update") {
        m_onReplay(params[u"update"]);
    }
    if (!run || run->isDone()) {
        return;
    }
    const Json &update = params[u"update"];
    const QString &kind = update[u"sessionUpdate"].toString();
    if (method == u"session/update" && kind == u"agent_message_chunk") {
        run->append(spritz::contentText(update[u"content"]));
    }
    run->frame(isSignOfWork(kind));
}

bool SpritzConnection::onRequest(const QString &method, const Json &params, const Json &id)
{
    if (method != u"session/request_permission") {
        return false;
    }
    const std::shared_ptr<TurnRun> run = m_run.lock();
    const bool running = run && !run->isDone();
    if (running) {
        run->frame(true); // may lead back into here
    }
    if (running && run->isCancelling() && !m_asker.expired()) {
        m_peer.respond(id, cancelledOutcome());
        return true;
    }
    // The socket has one turn.
    if (running && m_questions.askPermission(params, id, {}, run, m_asker)) {
        return true;
    }
    m_peer.respondError(id, kPermissionDenied,
        u"Permission denied: interactive approvals are unavailable in the Slack gateway."_s);
    if (run) {
        run->countRefusal();
    }
    return true;
}

void SpritzConnection::shut(const QString &reason)
{
    release();
    m_questions.clear();
    m_peer.close(Error(ErrorCode::Unavailable, u"the connection is gone"_s, reason));
    Q_EMIT settled();
}

// The socket says goodbye on its own and then goes. One whose other side does not read would wait behind what
// is unread.
void SpritzConnection::release()
{
    QWebSocket *socket = m_socket.data();
    m_socket = nullptr;
    if (socket == nullptr) {
        return;
    }
    socket->disconnect(this);
    connect(socket, &QWebSocket::disconnected, socket, &QObject::deleteLater);
    QTimer::singleShot(kGoodbye, socket, &QObject::deleteLater);
    if (socket->isValid() && !m_isChoked) {
        socket->close();
    } else {
        socket->abort();
        socket->deleteLater();
    }
}

} // namespace signalbox::runtimes
