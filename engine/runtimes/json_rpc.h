// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/cancel.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

#include <QCoro/QCoroTask>
#include <QElapsedTimer>
#include <QObject>
#include <QTimer>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>

namespace signalbox::runtimes {

// Codes of contracts/acp.md §2.
inline constexpr int kRpcAuthRequired = -32000;
inline constexpr int kRpcNotFound = -32002;
inline constexpr int kRpcMethodNotFound = -32601;

// The code of an error that the other side answered with; nullopt for our own failures (closed, deadline,
// cancelled).
[[nodiscard]] std::optional<int> rpcCode(const Error &error);

// JSON-RPC 2.0 over any transport that keeps messages apart; no batches (contracts/acp.md §1). Ids are per
// direction: what comes in is told apart by `method` alone. One QObject and one timer for any number of
// calls. Lives on one thread. A peer's error text may hold what people wrote, so it is dropped: only the code
// is kept, in Error::native().
class JsonRpcPeer : public QObject
{
    Q_OBJECT
public:
    // Takes one message, without a newline; false when it could not take a single byte of it.
    using Sink = std::function<bool(QByteArray)>;
    using Done = std::function<void(Result<Json>)>;
    // `id` is to be handed to respond() or respondError() as it came, now or later. False: unknown method
    // (-32601).
    using RequestHandler = std::function<bool(const QString &method, const Json &params, const Json &id)>;
    using NotificationHandler = std::function<void(const QString &method, const Json &params)>;

    // Our ids are 1, 2, …, or with a prefix "rpc-1", "rpc-2", ….
    explicit JsonRpcPeer(Sink sink, QString idPrefix = {}, QObject *parent = nullptr);
    ~JsonRpcPeer() override;

    void setRequestHandler(RequestHandler handler) { m_onRequest = std::move(handler); }
    void setNotificationHandler(NotificationHandler handler) { m_onNotification = std::move(handler); }

    // Calls and waits. Errors: what the peer answered (see rpcCode), Unavailable (closed; native "not_sent"
    // when not a byte left), DeadlineExceeded (native "timeout"), Cancelled. Resumes from the event loop.
    [[nodiscard]] QCoro::Task<Result<Json>> call(
        QString method, Json params, Millis timeout, async::CancelToken cancel = {});
    // The same without a coroutine or a deadline: `done` is called once, from inside receive() or close(),
    // and must not destroy the peer. False: not a byte left, and `done` will not be called.
    [[nodiscard]] bool send(const QString &method, Json params, Done done);
    bool notify(const QString &method, Json params);
    bool respond(const Json &id, Json result);
    bool respondError(const Json &id, int code, const QString &message);

    // One message from the other side; its bytes are not kept.
    void receive(const QByteArray &frame);
    // The transport is gone: every open call fails with `reason`, and so does every later one.
    void close(const Error &reason);

    [[nodiscard]] bool isClosed() const { return m_closed.has_value(); }
    [[nodiscard]] size_t openCalls() const { return m_calls.size(); }
    [[nodiscard]] quint64 badFrames() const { return m_badFrames; } // unparsable, or not a JSON-RPC message
    [[nodiscard]] quint64 unmatchedAnswers() const
    {
        return m_unmatched;
    } // late, doubled, or for nothing we asked

Q_SIGNALS:
    void badFrameReceived();

private:
    struct Call
    {
        Done done;
        qint64 deadline = -1; // of m_elapsed; -1: none
        QMetaObject::Connection cancel;
    };
    struct Ready;
    bool start(quint64 number, const QString &method, Json params);
    [[nodiscard]] Json idOf(quint64 number) const;
    [[nodiscard]] std::optional<quint64> numberOf(const Json &id) const;
    void dispatchAnswer(const Json &message);
    void dispatchRequest(const Json &message);
    void finish(quint64 number, Result<Json> result);
    void expire();
    void armTimer();
    void countBadFrame(const char *why);

    Sink m_sink;
    QString m_idPrefix;
    RequestHandler m_onRequest;
    NotificationHandler m_onNotification;
    quint64 m_lastNumber = 0;
    std::unordered_map<quint64, Call> m_calls;
    std::multimap<qint64, quint64> m_deadlines;
    QElapsedTimer m_elapsed;
    QTimer m_timer;
    std::shared_ptr<Ready> m_ready;
    std::optional<Error> m_closed;
    quint64 m_badFrames = 0;
    quint64 m_unmatched = 0;
};

} // namespace signalbox::runtimes
