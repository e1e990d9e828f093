// SPDX-License-Identifier: Apache-2.0
#include "runtimes/json_rpc.h"

#include "async/completion.h"
#include "base/log.h"

#include <QAbstractEventDispatcher>
#include <QThread>

using namespace Qt::StringLiterals;

namespace signalbox::runtimes {

namespace {
Q_LOGGING_CATEGORY(lcRpc, "signalbox.engine.runtimes")

ErrorCode errorCodeOf(int code)
{
    switch (code) {
    case kRpcAuthRequired:
        return ErrorCode::Unauthorized;
    case kRpcNotFound:
        return ErrorCode::NotFound;
    case kRpcMethodNotFound:
        return ErrorCode::Unsupported;
    case -32602:
        return ErrorCode::InvalidInput;
    case -32800:
        return ErrorCode::Cancelled;
    default:
        return ErrorCode::Internal;
    }
}

using Answer = async::Completion<Result<Json>>;

QCoro::Task<Result<Json>> answerOf(Answer answer)
{
    co_return co_await answer.wait();
}

} // namespace

std::optional<int> rpcCode(const Error &error)
{
    bool isNumber = false;
    const int code = error.native().toInt(&isNumber);
    return isNumber ? std::optional<int>(code) : std::nullopt;
}

// Results on their way to their waiters: however many come in one turn of the event loop, they cost one
// event. Outlives the peer, because a waiter that is resumed may destroy it.
struct JsonRpcPeer::Ready : std::enable_shared_from_this<JsonRpcPeer::Ready>
{
    struct Item
    {
        Answer answer;
        Result<Json> result;
    };
    void push(const Answer &answer, Result<Json> result)
    {
        items.push_back(Item{answer, std::move(result)});
        if (items.size() > 1) {
            return;
        }
        const auto flush = [self = shared_from_this()] {
            const std::vector<Item> batch = std::exchange(self->items, {});
            for (const Item &item : batch) {
                item.answer.finish(item.result);
            }
        };
        QMetaObject::invokeMethod(QAbstractEventDispatcher::instance(), flush, Qt::QueuedConnection);
    }
    std::vector<Item> items;
};

JsonRpcPeer::JsonRpcPeer(Sink sink, QString idPrefix, QObject *parent)
    : QObject(parent)
    , m_sink(std::move(sink))
    , m_idPrefix(std::move(idPrefix))
    , m_timer(this)
    , m_ready(std::make_shared<Ready>())
{
    m_elapsed.start();
    m_timer.setSingleShot(true);
    connect(&m_timer, &QTimer::timeout, this, &JsonRpcPeer::expire);
}

JsonRpcPeer::~JsonRpcPeer()
{
    close(Error(ErrorCode::Unavailable, u"the connection was dropped"_s, u"closed"_s));
}

QCoro::Task<Result<Json>> JsonRpcPeer::call(
    QString method, Json params, Millis timeout, async::CancelToken cancel)
{
    Answer answer;
    const auto done
        = [answer, ready = m_ready](Result<Json> result) { ready->push(answer, std::move(result)); };
    if (cancel.isCancelled()) {
        done(fail(Error(ErrorCode::Cancelled, u"cancelled before the call"_s)));
    } else if (!send(method, std::move(params), done)) {
        done(fail(Error(ErrorCode::Unavailable, u"the connection takes nothing"_s, u"not_sent"_s)));
    } else if (const auto call = m_calls.find(m_lastNumber); call != m_calls.end()) {
        const quint64 number = m_lastNumber;
        if (timeout.count() >= 0) {
            call->second.deadline = m_elapsed.elapsed() + timeout.count();
            m_deadlines.emplace(call->second.deadline, number);
            armTimer();
        }
        if (cancel.state() != nullptr) {
            const auto onCancel = [this, number, state = cancel] {
                finish(number, fail(Error(ErrorCode::Cancelled, u"the call was cancelled"_s)));
            };
            call->second.cancel = connect(cancel.state(), &async::CancelState::cancelled, this, onCancel);
        }
    }
    return answerOf(answer);
}

bool JsonRpcPeer::send(const QString &method, Json params, Done done)
{
    if (m_closed) {
        return false;
    }
    const quint64 number = ++m_lastNumber;
    m_calls.emplace(number, Call{std::move(done), -1, {}});
    if (!start(number, method, std::move(params))) {
        m_calls.erase(number);
        return false;
    }
    return true;
}

bool JsonRpcPeer::start(quint64 number, const QString &method, Json params)
{
    const Json message = Json::object({{u"jsonrpc"_s, u"2.0"_s}, {u"id"_s, idOf(number)},
        {u"method"_s, method}, {u"params"_s, std::move(params)}});
    return m_sink(message.toBytes());
}

bool JsonRpcPeer::notify(const QString &method, Json params)
{
    const Json message
        = Json::object({{u"jsonrpc"_s, u"2.0"_s}, {u"method"_s, method}, {u"params"_s, std::move(params)}});
    return !m_closed && m_sink(message.toBytes());
}

bool JsonRpcPeer::respond(const Json &id, Json result)
{
    const Json message
        = Json::object({{u"jsonrpc"_s, u"2.0"_s}, {u"id"_s, id}, {u"result"_s, std::move(result)}});
    return !m_closed && m_sink(message.toBytes());
}

bool JsonRpcPeer::respondError(const Json &id, int code, const QString &message)
{
    const Json error = Json::object({{u"code"_s, code}, {u"message"_s, message}});
    const Json answer = Json::object({{u"jsonrpc"_s, u"2.0"_s}, {u"id"_s, id}, {u"error"_s, error}});
    return !m_closed && m_sink(answer.toBytes());
}

void JsonRpcPeer::receive(const QByteArray &frame)
{
    if (m_closed) {
        return;
    }
    const Result<Json> message = Json::parse(frame);
    if (!message) {
        countBadFrame("not_json");
    } else if (!message->isObject()) {
        countBadFrame("not_an_object");
    } else if ((*message)[u"method"].isString()) {
        dispatchRequest(*message);
    } else if (message->contains(u"result") || message->contains(u"error")) {
        dispatchAnswer(*message);
    } else {
        countBadFrame("not_a_message");
    }
}

void JsonRpcPeer::dispatchRequest(const Json &message)
{
    const QString &method = message[u"method"].toString();
    const Json &params = message[u"params"];
    if (!message.contains(u"id")) {
        if (m_onNotification) {
            m_onNotification(method, params);
        }
        return;
    }
    const Json id = message[u"id"];
    if (!m_onRequest || !m_onRequest(method, params, id)) {
        respondError(id, kRpcMethodNotFound, u"Method not found"_s);
    }
}

void JsonRpcPeer::dispatchAnswer(const Json &message)
{
    const std::optional<quint64> number = numberOf(message[u"id"]);
    if (!number || !m_calls.contains(*number)) {
        ++m_unmatched;
        const std::optional<qint64> code = message[u"error"][u"code"].toInt();
        logDebug(lcRpc, "answer to nothing we asked", {{"rpc_code", QString::number(code.value_or(0))}});
        return;
    }
    const Json &error = message[u"error"];
    if (error.isNull()) {
        finish(*number, message[u"result"]);
        return;
    }
    const qint64 code = error[u"code"].toInt().value_or(-32603);
    const int shown = static_cast<int>(std::clamp<qint64>(code, INT_MIN, INT_MAX));
    finish(*number,
        fail(Error(errorCodeOf(shown), u"the peer answered with an error"_s, QString::number(shown))));
}

Json JsonRpcPeer::idOf(quint64 number) const
{
    if (m_idPrefix.isEmpty()) {
        return Json(static_cast<qint64>(number));
    }
    return Json(m_idPrefix + QString::number(number));
}

std::optional<quint64> JsonRpcPeer::numberOf(const Json &id) const
{
    quint64 number = 0;
    if (m_idPrefix.isEmpty()) {
        number = static_cast<quint64>(id.toInt().value_or(0));
    } else if (id.toString().startsWith(m_idPrefix)) {
        number = QStringView(id.toString()).mid(m_idPrefix.size()).toULongLong();
    }
    return number != 0 && idOf(number) == id ? std::optional<quint64>(number) : std::nullopt;
}

void JsonRpcPeer::finish(quint64 number, Result<Json> result)
{
    const auto call = m_calls.find(number);
    if (call == m_calls.end()) {
        return;
    }
    const Call taken = std::move(call->second);
    m_calls.erase(call);
    if (taken.deadline >= 0) {
        const auto [first, last] = m_deadlines.equal_range(taken.deadline);
        m_deadlines.erase(
            std::find_if(first, last, [number](const auto &entry) { return entry.second == number; }));
    }
    disconnect(taken.cancel);
    taken.done(std::move(result));
}

void JsonRpcPeer::expire()
{
    const qint64 now = m_elapsed.elapsed();
    while (!m_deadlines.empty() && m_deadlines.begin()->first <= now) {
        finish(m_deadlines.begin()->second,
            fail(Error(ErrorCode::DeadlineExceeded, u"no answer in time"_s, u"timeout"_s)));
    }
    armTimer();
}

void JsonRpcPeer::armTimer()
{
    if (m_deadlines.empty()) {
        m_timer.stop();
        return;
    }
    // One that fires too early (its call is answered) costs a look, and is cheaper than to move it with every
    // call.
    const qint64 wait = std::max<qint64>(0, m_deadlines.begin()->first - m_elapsed.elapsed());
    if (!m_timer.isActive() || m_timer.remainingTime() > wait) {
        m_timer.start(Millis(wait));
    }
}

void JsonRpcPeer::close(const Error &reason)
{
    if (m_closed) {
        return;
    }
    m_closed = reason;
    m_timer.stop();
    while (!m_calls.empty()) {
        finish(m_calls.begin()->first, fail(reason));
    }
}

void JsonRpcPeer::countBadFrame(const char *why)
{
    ++m_badFrames;
    logDebug(
        lcRpc, "bad frame", {{"why", QString::fromLatin1(why)}, {"count", QString::number(m_badFrames)}});
    Q_EMIT badFrameReceived();
}

} // namespace signalbox::runtimes
