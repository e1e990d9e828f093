// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/task_scope.h"
#include "base/ids.h"
#include "base/secret.h"
#include "channels/slack/socket_link.h"
#include "http/client.h"

#include <memory>
#include <vector>

namespace signalbox::slack {

// What became of an envelope. Not stored: it is not acknowledged, and Slack sends it again.
struct SocketAnswer
{
    SocketAnswer() = default;
    explicit SocketAnswer(bool isStored)
        : stored(isStored)
    {
    }
    bool stored = false;
    Json payload; // what the acknowledgement carries, where the envelope accepts it; null: nothing
};

struct SocketModeOptions
{
    SocketModeOptions() = default;
    QUrl apiBaseUrl;
    Secret appToken; // xapp-
    QString name; // in logs
    SocketTimings timings;
    int maxInFlight = 1000; // envelopes that are being stored; more are left to be sent again
    bool debugReconnects = false; // Slack ends each connection after six minutes
};

struct SocketStats
{
    SocketStats() = default;
    quint64 connections = 0; // that were greeted
    quint64 replaced = 0; // because Slack wished so
    quint64 lost = 0; // that ended by themselves
    quint64 received = 0;
    quint64 acknowledged = 0;
    quint64 notStored = 0;
    quint64 lostAcknowledgements = 0; // the connection had gone meanwhile
    quint64 overflowed = 0;
    quint64 badFrames = 0; // of connections that are gone
};

// A Socket Mode client for one app (contracts/slack.md §2): keeps one greeted connection, opens the next one
// before it lets go of one that Slack wants replaced, and acknowledges what its sink has stored. Engine
// thread. Started once; stop() before it dies.
class SocketModeClient : public QObject
{
    Q_OBJECT
public:
    using Sink = std::function<QCoro::Task<SocketAnswer>(SocketEnvelope)>;

    // `client`, `clock` and `ids` outlive it.
    SocketModeClient(
        http::Client &client, const Clock &clock, IdGenerator &ids, SocketModeOptions options, Sink sink);
    ~SocketModeClient() override;

    void start();
    // Takes nothing more, lets what is being stored be acknowledged within the grace, and closes. False: a
    // sink has not answered yet, and this must not be destroyed before TaskScope::unjoined() is empty.
    [[nodiscard]] QCoro::Task<bool> stop(Millis grace);
    // One that has stopped, or waits, tries again at once.
    void retry() { Q_EMIT retryWanted(); }

    [[nodiscard]] bool isLive() const { return m_current && m_current->isGreeted() && !m_current->isGone(); }
    // A code of domain/installation_trouble.h while it has stopped for a reason that needs a person.
    [[nodiscard]] const QString &trouble() const { return m_trouble; }
    [[nodiscard]] SocketStats stats() const;

Q_SIGNALS:
    void changed(); // live or not, in trouble or not
    void retryWanted();
    void drained();

private:
    using Link = std::shared_ptr<SocketLink>;
    // A try at a connection.
    struct Try
    {
        Try() = default;
        Link link; // greeted; null: it failed
        QString error;
        QString trouble;
        Millis retryAfter{0};
    };
    [[nodiscard]] QCoro::Task<> run();
    [[nodiscard]] QCoro::Task<Try> connectOnce();
    [[nodiscard]] QCoro::Task<Try> askAddress(QUrl *address);
    [[nodiscard]] QCoro::Task<> watch();
    [[nodiscard]] QCoro::Task<> halt(QString trouble, Millis again);
    [[nodiscard]] QCoro::Task<> pause(Millis atLeast);
    [[nodiscard]] QCoro::Task<> handle(std::weak_ptr<SocketLink> link, SocketEnvelope envelope);
    [[nodiscard]] Link makeLink();
    void take(const std::weak_ptr<SocketLink> &link, SocketEnvelope envelope);
    void adopt(const Link &link);
    void retire(const Link &link);
    void closeAll();
    void forgetGone();
    http::Client &m_client;
    const Clock &m_clock;
    IdGenerator &m_ids;
    SocketModeOptions m_options;
    Sink m_sink;
    Link m_current;
    std::vector<Link> m_old; // replaced, or about to be, and still open
    QString m_trouble;
    SocketStats m_stats;
    int m_inFlight = 0;
    int m_failures = 0;
    bool m_stopping = false;
    async::TaskScope m_scope;
};

// What an answer of apps.connections.open means; pure.
struct OpenAnswer
{
    OpenAnswer() = default;
    QUrl url; // valid: connect there
    QString error; // Slack's word or what failed
    QString trouble; // of an error that needs a person
    Millis retryAfter{0}; // 0: not told
};
// `plaintext`: an address without TLS may be used, because the API's has none either.
[[nodiscard]] OpenAnswer interpretOpen(const Result<http::Response> &answer, bool plaintext);

} // namespace signalbox::slack
