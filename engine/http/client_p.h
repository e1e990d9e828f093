// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/completion.h"
#include "http/client.h"
#include "http/response_parser_p.h"

#include <QElapsedTimer>
#include <QHash>
#include <QPointer>
#include <QTcpSocket>
#include <QTimer>

#include <deque>
#include <map>
#include <vector>

namespace signalbox::http {

// The connections of a client by (scheme, host, port), and the calls that wait for one. Everything happens in
// slots of sockets and two timers; a caller is resumed from a posted event, a batch of answers at a time.
class Client::Pool : public QObject
{
public:
    class Connection;
    class Finisher;
    struct Host;
    struct Call;
    using CallPtr = std::shared_ptr<Call>;
    static constexpr qint64 kScratchSize = 64 * 1024;

    explicit Pool(int maxConnectionsPerHost);
    ~Pool() override;

    [[nodiscard]] QCoro::Task<Result<Response>> send(ClientRequest request, const async::CancelToken &cancel);

    // For connections.
    void finish(const CallPtr &call, Result<Response> result);
    void retry(const CallPtr &call); // on a fresh connection
    void becameIdle(Connection *connection);
    void forget(Connection *connection);
    [[nodiscard]] qint64 now() const { return m_time.elapsed(); }
    [[nodiscard]] char *scratch() { return m_scratch.get(); }

private:
    static QCoro::Task<Result<Response>> wait(CallPtr call);
    void submit(const CallPtr &call, const async::CancelToken &cancel);
    void abandon(const CallPtr &call, ErrorCode code, const QString &message);
    void pump(Host *host);
    [[nodiscard]] Connection *takeIdle(Host *host);
    void arm(qint64 deadline);
    void expire();
    void prune();

    int m_maxPerHost;
    QHash<QString, Host *> m_hosts;
    std::multimap<qint64, CallPtr> m_deadlines; // every call that is not finished
    QTimer m_timer;
    QTimer m_prune;
    QElapsedTimer m_time;
    qint64 m_armedFor = 0;
    std::unique_ptr<char[]> m_scratch;
    Finisher *m_finisher;
};

struct Client::Pool::Host
{
    Host() = default;
    QString name; // as it is resolved and as its certificate is checked
    quint16 port = 0;
    bool secure = false;
    int open = 0;
    std::vector<Connection *> idle; // the most recently used last
    std::deque<CallPtr> queue;
};

struct Client::Pool::Call
{
    explicit Call(ClientRequest clientRequest)
        : request(std::move(clientRequest))
    {
    }
    ClientRequest request;
    QByteArray head; // serialized, with a small body behind it
    Host *host = nullptr;
    QPointer<Connection> connection;
    std::multimap<qint64, CallPtr>::iterator deadline;
    QMetaObject::Connection cancelled;
    async::Completion<Result<Response>> completion;
    std::optional<Result<Response>> result;
    bool sent = false;
    bool retried = false;
    bool done = false;
};

// One socket. Serves one call at a time; owned by itself (deleteLater) and known to its host until it is
// closed.
class Client::Pool::Connection : public QObject
{
public:
    // Opens a socket for the call.
    Connection(Pool *pool, Host *host, CallPtr call);
    ~Connection() override;

    // On a kept-alive connection.
    void reuse(CallPtr call);
    // Closes; the call, if there is one, is not told.
    void close();
    [[nodiscard]] bool isUsable() const;
    [[nodiscard]] Host *host() const { return m_host; }
    [[nodiscard]] qint64 idleSince() const { return m_idleSince; }

private:
    void open();
    void onReady();
    void onReadyRead();
    void onClosed();
    void write();
    void failCall(ErrorCode code, const QString &message);
    void complete();
    void parseAvailable();
    [[nodiscard]] QByteArrayView fetch();
    void consume(QByteArrayView data, qsizetype used);

    Pool *m_pool;
    Host *m_host;
    CallPtr m_call;
    QTcpSocket *m_socket = nullptr;
    std::unique_ptr<ResponseParser> m_parser;
    QByteArray m_in; // received and not yet parsed
    qint64 m_idleSince = 0;
    bool m_ready = false;
    bool m_reused = false;
    bool m_closed = false;
};

// Resumes finished calls from the event loop. Outlives its pool until it has told everybody.
class Client::Pool::Finisher : public QObject
{
public:
    void add(const CallPtr &call);

protected:
    bool event(QEvent *event) override;

private:
    std::vector<CallPtr> m_done;
    bool m_posted = false;
};

// The request line and the fields, and the body behind them when it is small. InvalidInput when a part would
// break the framing.
[[nodiscard]] Result<QByteArray> serializeRequest(const ClientRequest &request);
inline constexpr qsizetype kInlineBody = 16 * 1024;

} // namespace signalbox::http
