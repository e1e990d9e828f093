// SPDX-License-Identifier: Apache-2.0
#include "integration/spritz_fixture.h"
#include "runtimes/backend_factory.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::runtimes;
using namespace signalbox::testing;

class SpritzBackendTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void init() { m_world = std::make_unique<SpritzWorld>(); }
    void cleanup() { m_world.reset(); }

    void exchange_bindsThePlace()
    {
        const Result<Binding> binding = m_world->bind();
        QVERIFY2(binding, binding ? "" : qPrintable(binding.error().toString()));
        QCOMPARE(binding->botToken.reveal(), QByteArray("xoxb-1"));
        QCOMPARE(binding->botUserId, u"UBOT"_s);
        QCOMPARE(binding->apiAppId, u"A1"_s);
        QCOMPARE(binding->requireMention, std::optional<bool>(false)); // the first policy counts
        QCOMPARE(binding->nameSpace, u"ns 1"_s);
        QCOMPARE(binding->instanceId, u"inst-1"_s);
        QCOMPARE(binding->ownerId, u"owner-1"_s);
        QCOMPARE(binding->ownerToken.reveal(), QByteArray("owner-token"));
        const http::Request &sent = m_world->fake.call(u"exchange"_s);
        QCOMPARE(sent.body,
            QByteArray(R"({"principalId":"gate","provider":"slack","externalScopeType":"workspace",)"
                       R"("externalTenantId":"T1","externalChannelId":"C1"})"));
        QCOMPARE(sent.headers.value("Authorization"), QByteArray("Bearer registry-token"));
        QVERIFY(m_world->bind(true));
        QVERIFY(m_world->fake.call(u"exchange"_s).body.endsWith(R"(,"forceRefresh":true})"));
        QCOMPARE(m_world->backend->lastKnown(u"T1"_s, u"C2"_s)->requireMention, std::optional<bool>(true));
        QCOMPARE(m_world->backend->lastKnown(u"T1"_s, u"C3"_s)->requireMention, std::optional<bool>());
        QVERIFY(m_world->backend->lastKnown(u"T1"_s, u"C1"_s)->ownerToken.isEmpty());
        QVERIFY(!m_world->backend->lastKnown(u"T2"_s, u"C1"_s));
    }

    void exchangeError_isClassified_data()
    {
        QTest::addColumn<int>("status");
        QTest::addColumn<QByteArray>("body");
        QTest::addColumn<QString>("native");
        QTest::addColumn<int>("code");
        QTest::addColumn<QByteArray>("knownToken"); // "-": nothing is known
        const auto row = [](const char *name, int status, const QByteArray &body, const QString &native,
                             ErrorCode code, const QByteArray &token) {
            QTest::newRow(name) << status << body << native << int(code) << token;
        };
        const QByteArray auth = R"({"status":"unavailable","providerAuth":{"botAccessToken":"xoxb-2"}})";
        row("unavailable with auth", 503, auth, u"unavailable"_s, ErrorCode::Unavailable, "xoxb-2");
        row("unavailable", 503, R"({"status":"unavailable"})", u"unavailable"_s, ErrorCode::Unavailable, "");
        row("plain 503", 503, "oops", u"http_503"_s, ErrorCode::Unavailable, "-");
        row("other 503", 503, R"({"status":"x"})", u"http_503"_s, ErrorCode::Unavailable, "-");
        row("unresolved", 200, R"({"status":"unresolved"})", u"unresolved"_s, ErrorCode::NotFound, "-");
        row("other status", 200, R"({"status":"odd"})", u"not_resolved"_s, ErrorCode::Corrupt, "-");
        row("not json", 200, "<html>", u"bad_answer"_s, ErrorCode::Corrupt, "-");
        row("401", 401, "{}", u"http_401"_s, ErrorCode::Unauthorized, "-");
        row("403", 403, "{}", u"http_403"_s, ErrorCode::Forbidden, "-");
        row("404", 404, "{}", u"http_404"_s, ErrorCode::NotFound, "-");
        row("429", 429, "{}", u"http_429"_s, ErrorCode::RateLimited, "-");
        row("500", 500, auth, u"http_500"_s, ErrorCode::Unavailable, "-");
    }
    void exchangeError_isClassified()
    {
        QFETCH(int, status);
        QFETCH(QByteArray, body);
        QFETCH(QString, native);
        QFETCH(int, code);
        QFETCH(QByteArray, knownToken);
        m_world->fake.script(u"exchange"_s, status, body);
        const Result<Binding> binding = m_world->bind();
        QVERIFY(!binding);
        QCOMPARE(binding.error().native(), native);
        QCOMPARE(int(binding.error().code()), code);
        const std::optional<Binding> known = m_world->backend->lastKnown(u"T1"_s, u"C1"_s);
        QCOMPARE(known ? known->botToken.reveal() : QByteArray("-"), knownToken);
    }

    void forcedExchange_mayOutlastAStep()
    {
        m_world->make(Millis(150), Millis(10'000));
        m_world->fake.script(u"exchange"_s, 200, kResolved, Millis(600));
        const Result<Binding> plain = m_world->bind();
        QVERIFY(!plain);
        QCOMPARE(plain.error().native(), u"timeout"_s);
        QVERIFY(m_world->bind(true));
    }

    void deadServer_isUnreachable()
    {
        async::blockOn(m_world->fake.close(), kLimit);
        const Result<Binding> binding = m_world->bind();
        QVERIFY(!binding);
        QCOMPARE(binding.error().native(), u"unreachable"_s);
    }

    void open_goesTheWholeWay()
    {
        const Opened turn = m_world->open();
        QVERIFY2(turn, turn ? "" : qPrintable(turn.error().toString()));
        QCOMPARE((*turn)->agentSession(), u"sess-1"_s);
        QVERIFY(!(*turn)->contextLost());
        const http::Request &upsert = m_world->fake.call(u"upsert"_s);
        QCOMPARE(upsert.body,
            QByteArray(
                R"({"namespace":"ns 1","conversationId":"","principalId":"gate","instanceId":"inst-1",)"
                R"("ownerId":"owner-1","provider":"slack","externalScopeType":"workspace",)"
                R"("externalTenantId":"T1","externalChannelId":"C1","externalConversationId":"C1",)"
                R"("title":"Slack C1","lookupExternalConversationIds":["1.2"]})"));
        QCOMPARE(upsert.headers.value("Authorization"), QByteArray("Bearer owner-token"));
        const http::Request &bootstrap = m_world->fake.call(u"bootstrap"_s);
        QCOMPARE(bootstrap.body, QByteArray("{}"));
        QCOMPARE(bootstrap.pathValues.at(u"name"_s), u"conv a/b"_s);
        QCOMPARE(bootstrap.query(u"namespace"), std::optional<QString>(u"ns 1"_s));
        QCOMPARE(bootstrap.headers.value("Authorization"), QByteArray("Bearer spritz-token"));
        const http::Request &upgrade = m_world->fake.call(u"upgrade"_s);
        QVERIFY(!upgrade.headers.contains("Origin"));
        QVERIFY(!upgrade.headers.contains("Sec-WebSocket-Protocol"));
        QCOMPARE(upgrade.headers.value("Authorization"), QByteArray("Bearer spritz-token"));
        const TurnResult result = m_world->prompt(**turn);
        QCOMPARE(int(result.end), int(TurnEnd::Ended));
        QCOMPARE(result.text, u" Hello a\nb"_s);
        QCOMPARE(result.stopReason, u"end_turn"_s);
        QCOMPARE(m_world->fake.frames.size(), 3);
        QCOMPARE(m_world->fake.frames.at(0),
            QByteArray(R"({"jsonrpc":"2.0","id":"rpc-1","method":"initialize","params":{"protocolVersion":1,)"
                       R"("clientCapabilities":{},"clientInfo":{"name":"slack-gateway",)"
                       R"("title":"Slack Gateway","version":"1.0.0"}}})"));
        QCOMPARE(m_world->fake.frames.at(1),
            QByteArray(R"({"jsonrpc":"2.0","id":"rpc-2","method":"session/load","params":)"
                       R"({"sessionId":"sess-1","cwd":"/home/x","mcpServers":[]}})"));
        QCOMPARE(m_world->fake.frames.at(2),
            QByteArray(R"({"jsonrpc":"2.0","id":"rpc-3","method":"session/prompt","params":)"
                       R"({"sessionId":"sess-1","prompt":[{"type":"text","text":"q"}]}})"));
        QTRY_VERIFY(!m_world->fake.socket); // closed afterwards
    }

    void lookups_areTheOlderIdentity()
    {
        OpenRequest request = openRequest();
        request.threadTs = u"0.9"_s;
        QVERIFY(m_world->open(request));
        QVERIFY(m_world->fake.call(u"upsert"_s).body.endsWith(R"("lookupExternalConversationIds":["0.9"]})"));
        request.direct = true;
        QVERIFY(m_world->open(request));
        QVERIFY(!m_world->fake.call(u"upsert"_s).body.contains("lookup"));
    }

    void replacedSession_hasLostItsContext()
    {
        m_world->fake.script(u"bootstrap"_s, 200,
            R"({"data":{"effectiveSessionId":"new","effectiveCwd":"/","replaced":true}})");
        const Opened turn = m_world->open();
        QVERIFY(turn);
        QVERIFY((*turn)->contextLost());
        QCOMPARE((*turn)->agentSession(), u"new"_s);
    }

    void stepError_isClassified_data()
    {
        QTest::addColumn<QString>("step");
        QTest::addColumn<int>("status");
        QTest::addColumn<QByteArray>("body");
        QTest::addColumn<QString>("native");
        for (const QString &step : {u"upsert"_s, u"bootstrap"_s, u"connect"_s}) {
            const auto row
                = [&step](const QString &name, int status, const QByteArray &body, const QString &native) {
                      QTest::newRow(qPrintable(step + u' ' + name)) << step << status << body << native;
                  };
            row(u"missing"_s, 404, R"({"message":"Spritz not found"})", u"spritz_not_found"_s);
            row(u"not ready"_s, 409, R"({"message":"acp unavailable"})", u"acp_unavailable"_s);
            row(u"other 404"_s, 404, R"({"message":"conversation not found"})", u"http_404"_s);
            row(u"other 409"_s, 409, R"({"message":"channel conversation is ambiguous"})", u"http_409"_s);
            row(u"beyond the look"_s, 404, QByteArray(4096, ' ') + "spritz not found", u"http_404"_s);
            row(u"forbidden"_s, 403, "{}", u"http_403"_s);
            row(u"bad gateway"_s, 502, "{}", u"http_502"_s);
            row(u"other status"_s, 410, "spritz not found", u"http_410"_s);
        }
        for (const QString &step : {u"upsert"_s, u"bootstrap"_s}) {
            QTest::newRow(qPrintable(step + u" empty"_s))
                << step << 200 << QByteArray("{}") << u"bad_answer"_s;
            QTest::newRow(qPrintable(step + u" html"_s))
                << step << 200 << QByteArray("<p>") << u"bad_answer"_s;
        }
    }
    void stepError_isClassified()
    {
        QFETCH(QString, step);
        QFETCH(int, status);
        QFETCH(QByteArray, body);
        QFETCH(QString, native);
        m_world->fake.script(step, status, body);
        const Opened turn = m_world->open();
        QVERIFY(!turn);
        QCOMPARE(turn.error().native(), native);
        QVERIFY(m_world->fake.frames.isEmpty());
    }

    void muteStep_hitsItsOwnDeadline_data()
    {
        QTest::addColumn<QString>("step");
        QTest::newRow("upsert") << u"upsert"_s;
        QTest::newRow("bootstrap") << u"bootstrap"_s;
        QTest::newRow("load") << u"load mute"_s;
    }
    void muteStep_hitsItsOwnDeadline()
    {
        QFETCH(QString, step);
        const Result<Binding> binding = m_world->bind();
        QVERIFY(binding);
        m_world->make(Millis(300), Millis(300));
        m_world->fake.mode = step;
        if (m_world->fake.scripts.contains(step)) {
            m_world->fake.script(step, 200, "{}", Millis(30'000));
        }
        const Opened turn = async::blockOn(m_world->backend->open(*binding, openRequest(), {}), kLimit);
        QVERIFY(!turn);
        QCOMPARE(turn.error().native(), u"timeout"_s);
    }

    void runtimeError_isAnErrorOfOpen_data()
    {
        QTest::addColumn<QString>("native");
        QTest::newRow("closes") << u"socket_closed"_s;
        QTest::newRow("initialize error") << u"rpc_-32603"_s;
        QTest::newRow("load error") << u"rpc_-32603"_s;
        QTest::newRow("load garbage") << u"bad_frame"_s;
    }
    void runtimeError_isAnErrorOfOpen()
    {
        QFETCH(QString, native);
        m_world->fake.mode = QString::fromUtf8(QTest::currentDataTag());
        const Opened turn = m_world->open();
        QVERIFY(!turn);
        QCOMPARE(turn.error().native(), native);
        QVERIFY(!turn.error().toString().contains(u"they wrote"_s));
    }

    void prompt_endsAsItHappened_data()
    {
        QTest::addColumn<int>("end");
        QTest::addColumn<QString>("error");
        QTest::addColumn<bool>("accepted");
        QTest::addColumn<QString>("text");
        const auto row
            = [](const char *name, TurnEnd end, const QString &error, bool accepted, const QString &text) {
                  QTest::newRow(name) << int(end) << error << accepted << text;
              };
        const QString part = u" Hello a\nb"_s;
        row("dies before", TurnEnd::Lost, u"socket_closed"_s, false, {});
        row("dies after", TurnEnd::Lost, u"socket_closed"_s, true, part);
        row("garbage", TurnEnd::Lost, u"bad_frame"_s, true, part);
        row("error", TurnEnd::Failed, u"-32603"_s, true, {});
        row("permission", TurnEnd::Ended, {}, true, part + u"after"_s);
        row("unknown request", TurnEnd::Ended, {}, true, part + u"after"_s);
        row("mute", TurnEnd::FirstFrameTimeout, {}, false, {});
    }
    void prompt_endsAsItHappened()
    {
        QFETCH(int, end);
        QFETCH(QString, error);
        QFETCH(bool, accepted);
        QFETCH(QString, text);
        m_world->fake.mode = QString::fromUtf8(QTest::currentDataTag());
        const Opened turn = m_world->open();
        QVERIFY(turn);
        const TurnResult result = m_world->prompt(**turn, m_world->fake.mode == u"mute" ? 100 : 15'000);
        QCOMPARE(int(result.end), end);
        QCOMPARE(result.errorCode, error);
        QCOMPARE(result.accepted, accepted);
        QCOMPARE(result.text, text);
        QVERIFY(!result.errorText.contains(u"they wrote"_s));
        QCOMPARE(result.permissionsRefused, m_world->fake.mode == u"permission" ? 1 : 0);
        const QByteArray last = m_world->fake.frames.last();
        if (m_world->fake.mode == u"permission") {
            QCOMPARE(last,
                QByteArray(R"({"jsonrpc":"2.0","id":0,"error":{"code":-32000,"message":"Permission denied: )"
                           R"(interactive approvals are unavailable in the Slack gateway."}})"));
        } else if (m_world->fake.mode == u"unknown request") {
            QVERIFY(last.startsWith(R"({"jsonrpc":"2.0","id":0,"error":{"code":-32601,)"));
        } else if (m_world->fake.mode == u"mute") {
            QVERIFY(last.contains(R"("method":"session/cancel")"));
        }
    }

    void closedFence_sendsNothing()
    {
        const Opened turn = m_world->open();
        QVERIFY(turn);
        const TurnResult result = async::blockOn((*turn)->prompt(
                                                     u"q"_s, TurnClocks(), [] { return false; }, [] {}, {}),
            kLimit);
        QCOMPARE(int(result.end), int(TurnEnd::NotSent));
        QCOMPARE(m_world->fake.frames.size(), 2);
    }

    void socketGoneBeforeThePrompt_isNotSent()
    {
        const Opened turn = m_world->open();
        QVERIFY(turn);
        async::blockOn(m_world->backend->close(Millis(0)));
        QCOMPARE(int(m_world->prompt(**turn).end), int(TurnEnd::NotSent));
        QCOMPARE(m_world->fake.frames.size(), 2);
    }

    void droppedTurn_closesItsSocket()
    {
        Opened turn = m_world->open();
        QVERIFY(turn && m_world->fake.socket);
        turn->reset();
        QTRY_VERIFY(!m_world->fake.socket);
    }

    void contentText_followsItsShape_data()
    {
        QTest::addColumn<QByteArray>("content");
        QTest::addColumn<QString>("text");
        QTest::newRow("string") << QByteArray(R"(" a ")") << u" a "_s;
        QTest::newRow("null") << QByteArray("null") << QString();
        QTest::newRow("array") << QByteArray(R"(["a","",{"text":"b"},null,["c"]])") << u"a\nb\nc"_s;
        QTest::newRow("text") << QByteArray(R"({"text":"a","content":"b"})") << u"a"_s;
        QTest::newRow("empty text") << QByteArray(R"({"text":"","content":{"text":"b"},"uri":"u"})")
                                    << u"b"_s;
        QTest::newRow("resource") << QByteArray(R"({"resource":{"text":"r"}})") << u"r"_s;
        QTest::newRow("uri") << QByteArray(R"({"type":"resource_link","uri":"urn:x"})") << u"urn:x"_s;
        QTest::newRow("number") << QByteArray("42") << u"42"_s;
        QTest::newRow("bool") << QByteArray("true") << u"true"_s;
        QTest::newRow("nothing") << QByteArray("{}") << QString();
    }
    void contentText_followsItsShape()
    {
        QFETCH(QByteArray, content);
        QFETCH(QString, text);
        QCOMPARE(spritz::contentText(*Json::parse(content)), text);
    }

    void factory_makesWhatTheTableSays()
    {
        config::Config config;
        config::BackendConfig table;
        table.name = u"b"_s;
        QVERIFY(!makeBackend(table, config, m_world->client));
        table.kind = u"spritz"_s;
        QVERIFY(!makeBackend(table, config, m_world->client));
        table.registryUrl = table.spritzUrl = u"http://localhost"_s;
        const auto made = makeBackend(table, config, m_world->client);
        QVERIFY(made && (*made)->kind() == u"spritz" && !(*made)->sessionsPerThread()
            && !(*made)->unescapesText());
        table.kind = u"acp"_s;
        QVERIFY(!makeBackend(table, config, m_world->client));
        table.command = {u"agent"_s};
        const auto acp = makeBackend(table, config, m_world->client);
        QVERIFY(acp && (*acp)->kind() == u"acp" && (*acp)->name() == u"b");
    }

private:
    std::unique_ptr<SpritzWorld> m_world;
};

QTEST_GUILESS_MAIN(SpritzBackendTest)
#include "tst_spritz_backend.moc"
