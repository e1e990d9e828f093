// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/block_on.h"
#include "async/wait.h"
#include "http/server.h"
#include "runtimes/spritz/spritz_backend.h"

#include <QCoreApplication>
#include <QSocketNotifier>
#include <QTcpSocket>
#include <QWebSocket>
#include <QWebSocketServer>

#include <stdexcept>

namespace signalbox::testing {

inline constexpr Millis kLimit{20'000};
using namespace Qt::StringLiterals;
using namespace runtimes;
using Opened = Result<std::shared_ptr<Turn>>;

inline const QByteArray kResolved
    = R"({"status":"resolved","session":{"accessToken":"owner-token","ownerAuthId":"owner-1","namespace":"ns 1",)"
      R"("instanceId":"inst-1","providerAuth":{"apiAppId":"A1","botUserId":"UBOT","botAccessToken":"xoxb-1"},)"
      R"("installationConfig":{"channelPolicies":[{"externalChannelId":"C1","requireMention":false},)"
      R"({"externalChannelId":"C1","requireMention":true},{"externalChannelId":"C2"}]}}})";
inline const QByteArray kUpserted
    = R"({"status":"success","data":{"conversation":{"metadata":{"name":"conv a/b"}}}})";
inline const QByteArray kBootstrapped
    = R"({"status":"success","data":{"effectiveSessionId":"sess-1","conversation":{"spec":{"cwd":"/home/x"}}}})";

inline QCoro::Task<http::Response> answer(http::Response response, Millis wait, async::CancelToken cancel)
{
    if (wait.count() > 0)
        co_await async::delay(wait, cancel);
    co_return response;
}

// The registry, the Spritz API and a runtime behind it, on one port. What a step answers is set by the test.
class FakeSpritz : public QObject
{
    Q_OBJECT
public:
    FakeSpritz()
        : m_sockets(u"fake"_s, QWebSocketServer::NonSecureMode)
    {
        script(u"exchange"_s, 200, kResolved);
        script(u"upsert"_s, 201, kUpserted);
        script(u"bootstrap"_s, 200, kBootstrapped);
        script(u"connect"_s, 101, {});
        http::Router router;
        add(router, "POST", u"/base/internal/v1/spritz/channel-sessions/exchange"_s, u"exchange"_s);
        add(router, "POST", u"/base/api/channel-conversations/upsert"_s, u"upsert"_s);
        add(router, "POST", u"/base/api/acp/conversations/{name}/bootstrap"_s, u"bootstrap"_s);
        add(router, "GET", u"/base/api/acp/conversations/{name}/connect"_s, u"connect"_s);
        m_server = std::make_unique<http::Server>(std::move(router), http::Limits());
        m_server->setUpgradeHandler(
            [this](const http::Request &head, QTcpSocket *taken) { return upgrade(head, taken); });
        connect(&m_sockets, &QWebSocketServer::newConnection, this, &FakeSpritz::accept);
    }
    [[nodiscard]] bool listen() { return m_server->listen(QHostAddress::LocalHost, 0).has_value(); }
    [[nodiscard]] QUrl url() const { return QUrl(u"http://127.0.0.1:%1/base/"_s.arg(m_server->port())); }
    QCoro::Task<> close() { return m_server->close(Millis(0)); }
    void script(const QString &step, int status, const QByteArray &body, Millis wait = Millis(0))
    {
        http::Response response(status, "application/json", body);
        scripts[step] = {response, wait};
    }
    // The runtime asks for something; `stopReading` before: and reads nothing any more.
    void ask() { send(R"({"jsonrpc":"2.0","id":0,"method":"fs/read_text_file","params":{}})"); }
    void stopReading()
    {
        for (QSocketNotifier *notifier : raw->findChildren<QSocketNotifier *>()) {
            notifier->setEnabled(notifier->type() != QSocketNotifier::Read && notifier->isEnabled());
        }
    }
    [[nodiscard]] const http::Request &call(const QString &step) const { return calls.find(step)->second; }

    std::map<QString, std::pair<http::Response, Millis>> scripts;
    std::map<QString, http::Request> calls; // the last one of each step
    std::map<QString, int> counts;
    QString mode = u"normal"_s;
    QList<QByteArray> frames;
    QPointer<QWebSocket> socket;
    QPointer<QTcpSocket> raw; // under the socket

private:
    void add(http::Router &router, const QByteArray &method, const QString &pattern, const QString &step)
    {
        router.add(method, pattern, [this, step](const http::Request &request, const http::Context &context) {
            calls[step] = request;
            ++counts[step];
            return answer(scripts[step].first, scripts[step].second, context.cancel);
        });
    }
    bool upgrade(const http::Request &head, QTcpSocket *taken)
    {
        calls[u"upgrade"_s] = head;
        if (scripts[u"connect"_s].first.status != 101) {
            return false;
        }
        taken->setParent(this); // QWebSocketServer does not delete it
        raw = taken;
        if (mode == u"upgrade mute") {
            return true;
        }
        m_sockets.handleConnection(taken);
        return true;
    }
    void accept()
    {
        socket = m_sockets.nextPendingConnection();
        socket->setParent(this);
        connect(socket, &QWebSocket::disconnected, socket, &QObject::deleteLater);
        connect(socket, &QWebSocket::textMessageReceived, this, [this](const QString &text) {
            frames.append(text.toUtf8());
            handle(*Json::parse(text.toUtf8()));
        });
        if (mode == u"closes") {
            socket->close();
        }
    }
    void send(const QByteArray &frame) { socket->sendTextMessage(QString::fromUtf8(frame)); }
    void result(const Json &id, const QByteArray &value)
    {
        send(R"({"jsonrpc":"2.0","id":)" + id.toBytes() + R"(,"result":)" + value + '}');
    }
    void refuse(const Json &id)
    {
        send(R"({"jsonrpc":"2.0","id":)" + id.toBytes()
            + R"(,"error":{"code":-32603,"message":"they wrote"}})");
    }
    void update(const QByteArray &update)
    {
        send(R"({"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"other","update":)" + update
            + "}}");
    }
    void handle(const Json &message)
    {
        const QString &method = message[u"method"].toString();
        if (method == u"initialize") {
            mode == u"initialize error" ? refuse(message[u"id"])
                                        : result(message[u"id"], R"({"protocolVersion":1})");
        } else if (method == u"session/load") {
            load(message[u"id"]);
        } else if (method == u"session/prompt") {
            m_prompt = message[u"id"];
            prompt();
        } else if (method.isEmpty()) {
            update(R"({"sessionUpdate":"agent_message_chunk","content":"after"})");
            result(m_prompt, R"({"stopReason":"end_turn"})");
        }
    }
    void load(const Json &id)
    {
        if (mode == u"load error") {
            refuse(id);
        } else if (mode == u"load garbage") {
            send("{garbage");
        } else if (mode != u"load mute") {
            update(R"({"sessionUpdate":"agent_message_chunk","content":"replayed"})");
            result(id, "null");
        }
    }
    void say(int mebibytes)
    {
        if (mode.endsWith(u"in one frame")) {
            socket->setOutgoingFrameSize(64 * 1024 * 1024);
        }
        const QByteArray text(mebibytes * 1024 * 1024, 'x');
        update(R"({"sessionUpdate":"agent_message_chunk","content":")" + text + R"("})");
        result(m_prompt, R"({"stopReason":"end_turn"})");
    }
    void prompt()
    {
        if (mode == u"mute") {
            return;
        }
        if (mode == u"dies before") {
            socket->close();
            return;
        }
        if (mode == u"error") {
            refuse(m_prompt);
            return;
        }
        if (mode.startsWith(u"message of ")) {
            say(mode.section(u' ', 2, 2).toInt());
            return;
        }
        update(R"({"sessionUpdate":"available_commands_update"})");
        update(R"({"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":" Hello"}})");
        update(R"({"sessionUpdate":"agent_thought_chunk","content":"hidden"})");
        update(R"({"sessionUpdate":"agent_message_chunk","content":[{"text":" a"},"",{"uri":"b"}]})");
        if (mode == u"dies after") {
            socket->close();
        } else if (mode == u"garbage") {
            send("{garbage");
        } else if (mode == u"permission" || mode == u"unknown request") {
            const QByteArray asked
                = mode == u"permission" ? "session/request_permission" : "fs/read_text_file";
            send(R"({"jsonrpc":"2.0","id":0,"method":")" + asked + R"(","params":{}})");
        } else {
            result(m_prompt, R"({"stopReason":"end_turn"})");
        }
    }

    Json m_prompt;
    std::unique_ptr<http::Server> m_server;
    QWebSocketServer m_sockets;
};

inline BindRequest bindRequest(bool force = false)
{
    BindRequest request;
    request.tenant = u"T1"_s;
    request.place = u"C1"_s;
    request.force = force;
    return request;
}

inline OpenRequest openRequest()
{
    OpenRequest request;
    request.tenant = u"T1"_s;
    request.place = u"C1"_s;
    request.messageTs = u"1.2"_s;
    return request;
}

inline TurnClocks clocksOf(int firstFrame)
{
    TurnClocks clocks;
    clocks.firstFrame = Millis(firstFrame);
    clocks.idle = Millis(15'000);
    clocks.cancelGrace = Millis(100);
    return clocks;
}

// The fake, and a backend that talks to it.
class SpritzWorld
{
public:
    SpritzWorld()
    {
        if (!fake.listen()) {
            throw std::runtime_error("the fake cannot listen");
        }
        make(Millis(10'000), Millis(10'000));
    }
    ~SpritzWorld()
    {
        if (backend) {
            async::blockOn(backend->close(Millis(0)));
            backend.reset();
        }
        async::blockOn(fake.close(), kLimit);
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    }
    SpritzWorld(const SpritzWorld &) = delete;
    SpritzWorld &operator=(const SpritzWorld &) = delete;

    void make(Millis step, Millis forced)
    {
        SpritzOptions options;
        options.name = u"prod"_s;
        options.registryUrl = fake.url();
        options.registryToken = Secret("registry-token");
        options.spritzUrl = fake.url();
        options.spritzToken = Secret("spritz-token");
        options.principalId = u"gate"_s;
        options.stepTimeout = step;
        options.forcedExchangeTimeout = forced;
        backend = std::make_unique<SpritzBackend>(options, client);
    }
    Result<Binding> bind(bool force = false)
    {
        return async::blockOn(backend->bind(bindRequest(force), {}), kLimit);
    }
    Opened open(const OpenRequest &request = openRequest())
    {
        const Result<Binding> binding = bind();
        return binding ? async::blockOn(backend->open(*binding, request, {}), kLimit) : fail(binding.error());
    }
    TurnResult prompt(Turn &turn, int firstFrame = 15'000)
    {
        return async::blockOn(turn.prompt(
                                  u"q"_s, clocksOf(firstFrame), [] { return true; }, [] {}, {}),
            kLimit);
    }

    FakeSpritz fake;
    http::Client client;
    std::unique_ptr<SpritzBackend> backend;
};

} // namespace signalbox::testing
