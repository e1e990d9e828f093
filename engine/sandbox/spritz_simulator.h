// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/secret.h"
#include "http/server.h"
#include "sandbox/fault.h"
#include "sandbox/simulated_agent.h"

#include <QObject>
#include <QPointer>
#include <QSet>

#include <memory>

class QWebSocket;
class QWebSocketServer;

namespace signalbox::sandbox {

struct SpritzSimulatorConfig
{
    SpritzSimulatorConfig() = default;
    Secret registryToken{QByteArrayLiteral("registry-token")};
    Secret serviceToken{QByteArrayLiteral("spritz-service-token")};
    QString principalId = QStringLiteral("shared-slack-gateway");
    AgentOptions agent;
};

// What the registry knows of one team's installation.
struct SpritzInstallation
{
    SpritzInstallation() = default;
    QString teamId;
    QString apiAppId = QStringLiteral("A0SANDBOX");
    QString botUserId = QStringLiteral("U0BOT");
    Secret botToken{QByteArrayLiteral("xoxb-sandbox")};
    QString ownerAuthId; // default: owner-{teamId}
    QString nameSpace = QStringLiteral("spritz");
    // channel → requireMention; a channel that is missing needs a mention
    std::map<QString, bool> channelPolicies;
};

enum class SpritzPhase {
    Ready,
    NotReady, // 409 "acp unavailable"
    Vanished, // 404 "spritz not found"
    Dead, // everything answers, but the socket closes right after its upgrade
};

// How the exchange says that there is no runtime now.
enum class UnavailableStyle { WithAuth, WithoutAuth, Plain };

// The registry, the Spritz API and its runtimes on one loopback port (contracts/spritz-backend.md §4, §5),
// with a SimulatedAgent behind every WebSocket and one shared history. Endpoint names for faults and
// counters: "exchange", "disconnect", "upsert", "bootstrap", "connect"; counters besides: "exchange.forced",
// "connect.refused" (a failure that the caller got over HTTP). Lives on the thread that makes it; closed with
// close() before it dies.
class SpritzSimulator : public QObject
{
    Q_OBJECT
public:
    explicit SpritzSimulator(SpritzSimulatorConfig config, const Clock &clock, QObject *parent = nullptr);
    ~SpritzSimulator() override;

    [[nodiscard]] Status listen(quint16 port = 0);
    [[nodiscard]] QCoro::Task<> close();
    [[nodiscard]] QString registryUrl() const; // "http://127.0.0.1:PORT"
    [[nodiscard]] QString spritzUrl() const; // the same, with a path prefix that callers must keep
    [[nodiscard]] const SpritzSimulatorConfig &config() const { return m_config; }

    // A team with a ready runtime.
    void addInstallation(SpritzInstallation installation);
    void setPolicy(const QString &teamId, const QString &channel, bool requireMention);

    // What the registry says of the team's Slack app from now on.
    void setAuth(const QString &teamId, const QString &apiAppId, const Secret &botToken);

    // The registry has no runtime for the team: exchanges answer 503.
    void makeUnavailable(const QString &teamId, UnavailableStyle style = UnavailableStyle::WithAuth);
    // The runtime itself. The registry goes on answering "resolved" with the bound instance.
    void setPhase(const QString &teamId, SpritzPhase phase);
    // Ready and resolved again, as the same runtime or as a new one that knows no conversation.
    void comeBack(const QString &teamId, bool newInstance);
    // The n-th forced exchange from now on brings it back by itself.
    void comeBackAfterForced(const QString &teamId, int forced, bool newInstance);
    void setForcedExchangeDelay(Millis delay) { m_forcedDelay = delay; }
    [[nodiscard]] QString instanceId(const QString &teamId) const;
    // Closes every open socket of the team's runtime, as a crashed runtime does.
    void dropConnections(const QString &teamId);
    // The runtime forgets its conversations' sessions; the API still knows the conversations.
    void forgetSessions(const QString &teamId);

    void addFault(const QString &endpoint, Fault fault) { m_faults.add(endpoint, std::move(fault)); }
    void clearFaults() { m_faults.clear(); }
    [[nodiscard]] int callCount(const QString &endpoint) const { return m_calls.count(endpoint); }
    [[nodiscard]] const CallLog &calls() const { return m_calls; }
    [[nodiscard]] AgentStore &agents() { return m_store; }
    [[nodiscard]] int openConnections() const { return static_cast<int>(m_connections.size()); }
    [[nodiscard]] int maxOpenConnections() const { return m_maxConnections; }
    [[nodiscard]] int conversationCount() const { return static_cast<int>(m_conversations.size()); }
    // The session behind a channel's conversation with the team's present runtime; empty without one.
    [[nodiscard]] QString sessionOf(const QString &teamId, const QString &channel) const;

Q_SIGNALS:
    void called(const QString &endpoint);
    void prompted(const QString &sessionId, const QString &messageTs);
    void cancelled(const QString &sessionId);

private:
    struct Runtime
    {
        SpritzInstallation installation;
        QString instanceId;
        SpritzPhase phase = SpritzPhase::Ready;
        std::optional<UnavailableStyle> unavailable;
        int instances = 0;
        int forcedUntilBack = 0; // 0: not by itself
        bool backAsNew = false;
        [[nodiscard]] QByteArray ownerToken() const { return "owner:" + instanceId.toUtf8(); }
    };
    struct Conversation
    {
        QString name;
        QString instanceId;
        QString nameSpace;
        QString channel;
        QString sessionId;
        Json spec;
    };
    struct Connection
    {
        QString instanceId;
        std::unique_ptr<SimulatedAgent> agent;
    };
    using Endpoint = http::Response (SpritzSimulator::*)(const http::Request &);

    void route(http::Router &router, const QByteArray &method, const QString &path, const QString &name,
        Endpoint endpoint);
    [[nodiscard]] QCoro::Task<http::Response> handle(
        const QString &name, Endpoint endpoint, const http::Request &request, const http::Context &context);
    [[nodiscard]] http::Response perform(
        const QString &name, Endpoint endpoint, const http::Request &request);
    [[nodiscard]] http::Response exchange(const http::Request &request);
    [[nodiscard]] http::Response disconnect(const http::Request &request);
    [[nodiscard]] http::Response upsert(const http::Request &request);
    [[nodiscard]] http::Response bootstrap(const http::Request &request);
    [[nodiscard]] http::Response refuseConnect(const http::Request &request);

    [[nodiscard]] bool upgrade(const http::Request &head, QTcpSocket *socket);
    void adoptSocket();
    // Why a WebSocket may not be had, or nullopt. The same for the upgrade and for its refusal.
    [[nodiscard]] std::optional<http::Response> connectProblem(const http::Request &request);
    [[nodiscard]] std::optional<http::Response> phaseProblem(const Runtime *runtime) const;
    [[nodiscard]] Json exchangeBody(const Runtime &runtime) const;
    [[nodiscard]] Json conversationJson(const Conversation &conversation) const;
    [[nodiscard]] Conversation &conversationFor(const Runtime &runtime, const Json &spec, bool &created);
    [[nodiscard]] Runtime *byInstance(const QString &instanceId);
    void startInstance(Runtime &runtime);
    void outlive(std::unique_ptr<SimulatedAgent> agent);
    void endOrphans(const QString &sessionId);

    SpritzSimulatorConfig m_config;
    const Clock &m_clock;
    AgentStore m_store;
    std::map<QString, Runtime> m_runtimes; // by team
    std::map<QString, Conversation> m_conversations; // by name
    QHash<QString, QString> m_conversationOf; // instance, channel → name
    std::map<QWebSocket *, Connection> m_connections;
    std::vector<std::unique_ptr<SimulatedAgent>> m_orphans; // turns whose connection is gone
    FaultTable m_faults;
    CallLog m_calls;
    Millis m_forcedDelay{0};
    int m_maxConnections = 0;
    async::CancelSource m_stop;
    std::unique_ptr<QWebSocketServer> m_sockets;
    std::unique_ptr<http::Server> m_server;
};

} // namespace signalbox::sandbox
