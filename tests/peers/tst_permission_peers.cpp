// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "peers.h"
#include "support/gateway_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;
using sandbox::SlackMessage;

// The ACP SDK's own example agent asks for a permission in the middle of its turn; somebody clicks, and it
// goes on (contracts/acp.md "Real ACP peers"): over HTTP, and over Socket Mode.
class PermissionPeersTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void aClickLetsTheRealAgentGoOn_data();
    void aClickLetsTheRealAgentGoOn();

private:
    static SlackMessage cardIn(GatewayFixture &gateway, const QString &thread);
};

namespace {
constexpr int kWait = 60'000;
}

void PermissionPeersTest::initTestCase()
{
    const QString problem = Peers::problem();
    QVERIFY2(problem.isEmpty(), qPrintable(problem));
}

SlackMessage PermissionPeersTest::cardIn(GatewayFixture &gateway, const QString &thread)
{
    for (const SlackMessage &message : gateway.slack().messages(u"C0REAL"_s)) {
        if (!message.botId.isEmpty() && message.threadTs == thread
            && message.text.startsWith(u"*The agent asks"_s))
            return message;
    }
    return {};
}

void PermissionPeersTest::aClickLetsTheRealAgentGoOn_data()
{
    QTest::addColumn<bool>("socket");
    QTest::addColumn<int>("button");
    QTest::newRow("over HTTP, allowed") << false << 0;
    QTest::newRow("over HTTP, rejected") << false << 1;
    QTest::newRow("over Socket Mode, allowed") << true << 0;
}

void PermissionPeersTest::aClickLetsTheRealAgentGoOn()
{
    QFETCH(bool, socket);
    QFETCH(int, button);
    GatewayOptions options;
    options.agentCommand
        = QStringList{u"/usr/bin/env"_s, u"SIGNALBOX_PEERS_DIR="_s + Peers::folder()} + Peers::exampleAgent();
    if (socket) {
        options.slackSimulator.socketMode = true;
        options.slackSimulator.appToken = Secret(QByteArray("xapp-") + kMarker);
        options.installation
            = "transport = \"socket\"\napp_token = \"" + options.slackSimulator.appToken.reveal() + "\"\n";
    }
    GatewayFixture gateway(options);
    gateway.slack().socket().ackDeadline = Millis(20'000);
    const Status started = gateway.start();
    QVERIFY2(started, started ? "" : qPrintable(started.error().toString()));
    const auto said = gateway.mention(u"C0REAL"_s, u"please look at the project"_s);
    QTRY_VERIFY_WITH_TIMEOUT(cardIn(gateway, said.ts).blocks.size() > 1, kWait);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "waiting/person", kWait);
    auto clicking = gateway.slack().click(
        u"C0REAL"_s, cardIn(gateway, said.ts).ts, u"signalbox.answer.%1"_s.arg(button), u"U0ANNA"_s);
    const auto clicked = async::blockOn(std::move(clicking), Millis(30'000));
    QVERIFY(clicked);
    QCOMPARE(clicked->status, 200);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    // What the agent wrote after the answer, whichever it was.
    const QStringList replies = gateway.appTexts(u"C0REAL"_s, said.ts);
    QVERIFY2(replies.size() == 2, qPrintable(replies.join(u" | "_s)));
    QTRY_VERIFY_WITH_TIMEOUT(cardIn(gateway, said.ts).text.contains(u"answered by <@U0ANNA>"_s), kWait);
    const bool allowed = replies.last().contains(u"I've successfully updated"_s);
    QVERIFY2(allowed == (button == 0), qPrintable(replies.last()));
    QCOMPARE(gateway.stop(), std::optional<int>(0));
}

QTEST_GUILESS_MAIN(PermissionPeersTest)
#include "tst_permission_peers.moc"
