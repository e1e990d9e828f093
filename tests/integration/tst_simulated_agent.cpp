// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "sandbox/simulated_agent.h"

#include <QProcess>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using sandbox::AgentOptions;
using sandbox::AgentStore;
using sandbox::SimulatedAgent;

namespace {
// One connection and what came over it.
class Peer
{
public:
    explicit Peer(AgentStore &store, AgentOptions options = AgentOptions())
        : agent(store, std::move(options))
    {
        agent.send = [this](const Json &message) { frames.push_back(message); };
        agent.die = [this] { ++deaths; };
    }

    void request(qint64 id, const QString &method, const Json &params)
    {
        agent.receive(Json::object(
            {{u"jsonrpc"_s, u"2.0"_s}, {u"id"_s, id}, {u"method"_s, method}, {u"params"_s, params}}));
    }

    QString open()
    {
        request(1, u"initialize"_s, Json::object({{u"protocolVersion"_s, 1}}));
        request(2, u"session/new"_s, Json::object({{u"cwd"_s, u"/tmp"_s}, {u"mcpServers"_s, Json::array()}}));
        return answer(2)[u"result"][u"sessionId"].toString();
    }

    void prompt(qint64 id, const QString &session, const QString &text)
    {
        const Json block = Json::object({{u"type"_s, u"text"_s}, {u"text"_s, text}});
        request(id, u"session/prompt"_s,
            Json::object({{u"sessionId"_s, session}, {u"prompt"_s, Json(Json::Array{block})}}));
    }

    void cancel(const QString &session)
    {
        agent.receive(Json::object({{u"jsonrpc"_s, u"2.0"_s}, {u"method"_s, u"session/cancel"_s},
            {u"params"_s, Json::object({{u"sessionId"_s, session}})}}));
    }

    // The answer to our request, or null.
    [[nodiscard]] Json answer(qint64 id) const
    {
        for (const Json &frame : frames) {
            if (!frame.contains(u"method") && frame[u"id"].toInt() == id)
                return frame;
        }
        return Json();
    }

    [[nodiscard]] Json asked(const QString &method) const
    {
        for (const Json &frame : frames) {
            if (frame[u"method"].toString() == method)
                return frame;
        }
        return Json();
    }

    [[nodiscard]] QString text(const QString &kind = u"agent_message_chunk"_s) const
    {
        QString all;
        for (const Json &frame : frames) {
            const Json &update = frame[u"params"][u"update"];
            if (update[u"sessionUpdate"].toString() == kind)
                all += update[u"content"][u"text"].toString();
        }
        return all;
    }

    std::vector<Json> frames;
    int deaths = 0;
    SimulatedAgent agent;
};

class SimulatedAgentTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void framing_isAnsweredAsJsonRpcWantsIt();
    void request_beforeInitializeIsRefused();
    void prompt_ofAnUnknownSessionIsAnInternalError();
    void words_chooseWhatHappens_data();
    void words_chooseWhatHappens();
    void long_isExactlyAsLong();
    void slow_takesItsTime();
    void ask_waitsForThePermission();
    void cancel_isHeldByAPendingPermission();
    void cancel_stopsAMuteTurn();
    void unknown_waitsForTheRefusal();
    void die_staysSilentAfterwards();
    void context_isCountedAndCut();
    void load_replaysUnfinishedTurns();
    void load_ofAnUnknownSessionFails();
    void secondPrompt_cancelsTheFirst();
    void folder_survivesTheProcess();
    void manyPrompts_areCheap();
    void process_speaksLinesAndLeavesAtTheEnd();
    void process_diesWithItsOwnCode();
};
} // namespace

void SimulatedAgentTest::framing_isAnsweredAsJsonRpcWantsIt()
{
    AgentStore store;
    Peer peer(store);
    peer.agent.receiveText("{bad");
    QCOMPARE(peer.frames.back()[u"error"][u"code"].toInt(), std::optional<qint64>(-32700));
    QVERIFY(peer.frames.back()[u"id"].isNull());
    peer.agent.receiveText("[]");
    QCOMPARE(peer.frames.back()[u"error"][u"code"].toInt(), std::optional<qint64>(-32600));
    const QString session = peer.open();
    peer.request(9, u"_vendor/thing"_s, Json::object());
    QCOMPARE(peer.answer(9)[u"error"][u"code"].toInt(), std::optional<qint64>(-32601));
    const size_t before = peer.frames.size();
    peer.agent.receiveText(R"({"jsonrpc":"2.0","method":"$/progress","params":{}})");
    QCOMPARE(peer.frames.size(), before);
}

void SimulatedAgentTest::request_beforeInitializeIsRefused()
{
    AgentStore store;
    Peer peer(store);
    peer.request(
        1, u"session/new"_s, Json::object({{u"cwd"_s, u"/tmp"_s}, {u"mcpServers"_s, Json::array()}}));
    QCOMPARE(peer.answer(1)[u"error"][u"code"].toInt(), std::optional<qint64>(-32600));
    peer.request(2, u"initialize"_s, Json::object({{u"protocolVersion"_s, 99}}));
    QCOMPARE(peer.answer(2)[u"result"][u"protocolVersion"].toInt(), std::optional<qint64>(1));
    QVERIFY(peer.answer(2)[u"result"][u"agentCapabilities"][u"loadSession"].toBool());
}

void SimulatedAgentTest::prompt_ofAnUnknownSessionIsAnInternalError()
{
    AgentStore store;
    Peer peer(store);
    (void)peer.open();
    peer.prompt(5, u"nobody"_s, u"hi"_s);
    QCOMPARE(peer.answer(5)[u"error"][u"code"].toInt(), std::optional<qint64>(-32603));
    QVERIFY(peer.answer(5)[u"error"][u"data"][u"details"].toString().contains(u"not found"_s));
}

void SimulatedAgentTest::words_chooseWhatHappens_data()
{
    QTest::addColumn<QString>("prompt");
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("stopReason");
    QTest::addColumn<bool>("fails");
    const auto row = [](const char *name, const QString &prompt, const QString &text, const QString &stop,
                         bool fails) { QTest::newRow(name) << prompt << text << stop << fails; };
    row("default", u"How are you?"_s, u"You said: How are you?"_s, u"end_turn"_s, false);
    row("echo", u"echo fail please"_s, u"You said: fail please"_s, u"end_turn"_s, false);
    row("word inside", u"will it fail"_s, u"You said: will it fail"_s, u"end_turn"_s, false);
    row("empty", u"empty"_s, QString(), u"end_turn"_s, false);
    row("refuse", u"refuse"_s, QString(), u"refusal"_s, false);
    row("fail", u"fail"_s, QString(), QString(), true);
    row("thought", u"thought hello"_s, u"You said: hello"_s, u"end_turn"_s, false);
    row("plan and tool", u"plan tool hello"_s, u"You said: hello"_s, u"end_turn"_s, false);
    row("slow without a time", u"slow down"_s, u"You said: slow down"_s, u"end_turn"_s, false);
}

void SimulatedAgentTest::words_chooseWhatHappens()
{
    QFETCH(QString, prompt);
    QFETCH(QString, text);
    QFETCH(QString, stopReason);
    QFETCH(bool, fails);
    AgentStore store;
    Peer peer(store);
    const QString session = peer.open();
    peer.prompt(7, session, prompt);
    QCOMPARE(peer.text(), text);
    QCOMPARE(peer.answer(7)[u"result"][u"stopReason"].toString(), stopReason);
    QCOMPARE(peer.answer(7).contains(u"error"), fails);
    QCOMPARE(peer.agent.turnsRunning(), 0);
}

void SimulatedAgentTest::long_isExactlyAsLong()
{
    AgentStore store;
    AgentOptions options;
    options.chunkChars = 1000;
    Peer peer(store, options);
    const QString session = peer.open();
    peer.prompt(7, session, u"long 60000"_s);
    QCOMPARE(peer.text().size(), 60'000);
    QCOMPARE(peer.text(), peer.text().trimmed());
    QCOMPARE(peer.frames.size(), size_t(2 + 60 + 1));
}

void SimulatedAgentTest::slow_takesItsTime()
{
    AgentStore store;
    Peer peer(store);
    const QString session = peer.open();
    const SystemClock clock;
    const Millis start = clock.boot();
    peer.prompt(7, session, u"slow 100ms hi"_s);
    QVERIFY(peer.answer(7).isNull());
    QTRY_VERIFY(!peer.answer(7).isNull());
    QVERIFY(clock.boot() - start >= Millis(99));
    QCOMPARE(peer.text(), u"You said: hi"_s);
}

void SimulatedAgentTest::ask_waitsForThePermission()
{
    AgentStore store;
    Peer peer(store);
    const QString session = peer.open();
    peer.prompt(7, session, u"ask hello"_s);
    const Json asked = peer.asked(u"session/request_permission"_s);
    QCOMPARE(asked[u"id"].toInt(), std::optional<qint64>(0));
    QCOMPARE(asked[u"params"][u"options"].at(0)[u"kind"].toString(), u"allow_always"_s);
    QVERIFY(peer.answer(7).isNull());
    peer.agent.receiveText(
        R"({"jsonrpc":"2.0","id":0,"result":{"outcome":{"outcome":"selected","optionId":"allow_once"}}})");
    QCOMPARE(peer.text(), u"Permission given (allow_once). You said: hello"_s);
    QCOMPARE(peer.answer(7)[u"result"][u"stopReason"].toString(), u"end_turn"_s);

    peer.prompt(8, session, u"ask again"_s);
    peer.agent.receiveText(
        R"({"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"Permission denied"}})");
    QVERIFY(peer.text().endsWith(u"Permission refused. You said: again"_s));
}

void SimulatedAgentTest::cancel_isHeldByAPendingPermission()
{
    AgentStore store;
    Peer peer(store);
    const QString session = peer.open();
    peer.prompt(7, session, u"ask hello"_s);
    peer.cancel(session);
    QVERIFY(peer.answer(7).isNull());
    peer.agent.receiveText(R"({"jsonrpc":"2.0","id":0,"result":{"outcome":{"outcome":"cancelled"}}})");
    QCOMPARE(peer.answer(7)[u"result"][u"stopReason"].toString(), u"cancelled"_s);
    QVERIFY(peer.text().isEmpty());
}

void SimulatedAgentTest::cancel_stopsAMuteTurn()
{
    AgentStore store;
    Peer peer(store);
    const QString session = peer.open();
    peer.prompt(7, session, u"mute"_s);
    QVERIFY(peer.answer(7).isNull());
    QCOMPARE(peer.agent.turnsRunning(), 1);
    peer.cancel(session);
    QCOMPARE(peer.answer(7)[u"result"][u"stopReason"].toString(), u"cancelled"_s);
}

void SimulatedAgentTest::unknown_waitsForTheRefusal()
{
    AgentStore store;
    Peer peer(store);
    const QString session = peer.open();
    peer.prompt(7, session, u"unknown hello"_s);
    QCOMPARE(peer.asked(u"fs/read_text_file"_s)[u"id"].toInt(), std::optional<qint64>(0));
    QVERIFY(peer.answer(7).isNull());
    peer.agent.receiveText(
        R"({"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"Method not found"}})");
    QCOMPARE(peer.text(), u"You said: hello"_s);
}

void SimulatedAgentTest::die_staysSilentAfterwards()
{
    AgentStore store;
    Peer peer(store);
    const QString session = peer.open();
    peer.prompt(7, session, u"half"_s);
    QCOMPARE(peer.deaths, 1);
    QCOMPARE(peer.text(), u"This is the first half of"_s);
    const size_t before = peer.frames.size();
    peer.prompt(8, session, u"hello"_s);
    QCOMPARE(peer.frames.size(), before);
}

void SimulatedAgentTest::context_isCountedAndCut()
{
    AgentStore store;
    Peer peer(store);
    const QString session = peer.open();
    const QString context = u"<spritz-channel-context>{\"message_ts\":\"1.2\",\"x\":\"\\u003c\"}"
                            "</spritz-channel-context>\n\n<spritz-channel-delivery-instructions>Reply."
                            "</spritz-channel-delivery-instructions>\n\n"_s;
    peer.prompt(7, session, context + u"hello </spritz-channel-context>"_s);
    QCOMPARE(peer.text(), u"You said: hello </spritz-channel-context>"_s);
    QCOMPARE(store.prompts(u"1.2"_s), 1);
    peer.prompt(8, session,
        u"<signalbox-channel-context>{\"message_ts\":\"1.3\"}</signalbox-channel-context>\n\nempty"_s);
    QCOMPARE(store.prompts(u"1.3"_s), 1);
    QCOMPARE(store.maxPrompts(), 1);
    QCOMPARE(store.promptTotal(), 2);
}

void SimulatedAgentTest::load_replaysUnfinishedTurns()
{
    AgentStore store;
    QString session;
    {
        Peer first(store);
        session = first.open();
        first.prompt(7, session, u"hello"_s);
        first.prompt(8, session, u"half"_s);
        QCOMPARE(first.deaths, 1);
    }
    Peer second(store);
    second.request(1, u"initialize"_s, Json::object({{u"protocolVersion"_s, 1}}));
    second.request(2, u"session/load"_s,
        Json::object({{u"sessionId"_s, session}, {u"cwd"_s, u"/tmp"_s}, {u"mcpServers"_s, Json::array()}}));
    QVERIFY(second.answer(2)[u"result"].isObject());
    QVERIFY(!second.frames.back().contains(u"method")); // the replay comes before the answer
    QCOMPARE(second.text(u"user_message_chunk"_s), u"hellohalf"_s);
    QCOMPARE(second.text(), u"You said: helloThis is the first half of"_s);
    second.prompt(3, session, u"again"_s);
    QCOMPARE(second.answer(3)[u"result"][u"stopReason"].toString(), u"end_turn"_s);
}

void SimulatedAgentTest::load_ofAnUnknownSessionFails()
{
    AgentStore store;
    const Json params
        = Json::object({{u"sessionId"_s, u"s-9"_s}, {u"cwd"_s, u"/tmp"_s}, {u"mcpServers"_s, Json::array()}});
    Peer strict(store);
    (void)strict.open();
    strict.request(5, u"session/load"_s, params);
    QCOMPARE(strict.answer(5)[u"error"][u"code"].toInt(), std::optional<qint64>(-32603));
    AgentOptions options;
    options.loadUnknown = true;
    Peer lenient(store, options);
    (void)lenient.open();
    lenient.request(5, u"session/load"_s, params);
    QVERIFY(lenient.answer(5)[u"result"].isObject());
}

void SimulatedAgentTest::secondPrompt_cancelsTheFirst()
{
    AgentStore store;
    Peer peer(store);
    const QString session = peer.open();
    peer.prompt(7, session, u"mute"_s);
    peer.prompt(8, session, u"hello"_s);
    QCOMPARE(peer.answer(7)[u"result"][u"stopReason"].toString(), u"cancelled"_s);
    QCOMPARE(peer.answer(8)[u"result"][u"stopReason"].toString(), u"end_turn"_s);
    QCOMPARE(peer.agent.overlaps(), 1);
}

void SimulatedAgentTest::folder_survivesTheProcess()
{
    QTemporaryDir folder;
    QString session;
    {
        AgentStore store(folder.path());
        Peer peer(store);
        session = peer.open();
        peer.prompt(7, session, u"hello"_s);
    }
    AgentStore store(folder.path());
    QVERIFY(store.contains(session));
    QCOMPARE(store.text(session, u"user_message_chunk"), u"hello"_s);
    QCOMPARE(store.text(session, u"agent_message_chunk"), u"You said: hello"_s);
}

void SimulatedAgentTest::manyPrompts_areCheap()
{
    AgentStore store;
    store.setKeepHistory(false);
    SimulatedAgent agent(store, AgentOptions());
    int answers = 0;
    QString session;
    agent.send = [&](const Json &message) {
        if (message.contains(u"result"))
            ++answers;
        if (message[u"result"].contains(u"sessionId"))
            session = message[u"result"][u"sessionId"].toString();
    };
    agent.receiveText(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":1}})");
    agent.receiveText(
        R"({"jsonrpc":"2.0","id":2,"method":"session/new","params":{"cwd":"/","mcpServers":[]}})");
    const QByteArray prompt = R"({"jsonrpc":"2.0","id":3,"method":"session/prompt","params":{"sessionId":")"
        + session.toUtf8() + R"(","prompt":[{"type":"text","text":"hello there"}]}})";
    const SystemClock clock;
    const Millis start = clock.boot();
    for (int i = 0; i < 2000; ++i)
        agent.receiveText(prompt);
    QCOMPARE(answers, 2002);
    // 20,000 in a few seconds; this bound holds with sanitizers on a busy machine too.
    QVERIFY(clock.boot() - start < Millis(4000));
}

void SimulatedAgentTest::process_speaksLinesAndLeavesAtTheEnd()
{
    QProcess process;
    process.start(qEnvironmentVariable("SIGNALBOX_BIN_DIR") + u"/sandbox_agent"_s, QStringList());
    QVERIFY(process.waitForStarted());
    process.write(
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":1}}\r\n\n");
    QTRY_VERIFY(process.canReadLine());
    const auto line = Json::parse(process.readLine().trimmed());
    QVERIFY(line);
    QCOMPARE((*line)[u"id"].toInt(), std::optional<qint64>(1));
    process.write("{bad"); // an unterminated last line is a message too
    process.closeWriteChannel();
    QVERIFY(process.waitForFinished(5000));
    QCOMPARE(process.exitCode(), 0);
    const auto last = Json::parse(process.readAllStandardOutput().trimmed());
    QVERIFY(last);
    QCOMPARE((*last)[u"error"][u"code"].toInt(), std::optional<qint64>(-32700));
}

void SimulatedAgentTest::process_diesWithItsOwnCode()
{
    QTemporaryDir folder;
    QProcess process;
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.insert(u"SIGNALBOX_SANDBOX_AGENT_DIR"_s, folder.path());
    process.setProcessEnvironment(environment);
    process.start(qEnvironmentVariable("SIGNALBOX_BIN_DIR") + u"/sandbox_agent"_s, QStringList());
    QVERIFY(process.waitForStarted());
    process.write(
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":1}}\n"
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"session/new\",\"params\":{\"cwd\":\"/"
        "\",\"mcpServers\":[]}}\n");
    QByteArray output;
    QTRY_VERIFY((output += process.readAllStandardOutput()).count('\n') == 2);
    const auto created = Json::parse(output.split('\n').at(1));
    QVERIFY(created);
    const QString session = (*created)[u"result"][u"sessionId"].toString();
    process.write("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"session/prompt\",\"params\":{\"sessionId\":\""
        + session.toUtf8() + "\",\"prompt\":[{\"type\":\"text\",\"text\":\"half\"}]}}\n");
    QVERIFY(process.waitForFinished(5000));
    QCOMPARE(process.exitCode(), 70);
    QVERIFY(process.readAllStandardOutput().contains("first half"));
    AgentStore store(folder.path());
    QCOMPARE(store.text(session, u"agent_message_chunk"), u"This is the first half of"_s);
}

QTEST_GUILESS_MAIN(SimulatedAgentTest)
#include "tst_simulated_agent.moc"
