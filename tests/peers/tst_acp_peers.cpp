// SPDX-License-Identifier: Apache-2.0
// The ACP SDK's own client and JSON schema against our simulated agent, and against the SDK's example agent,
// so that both may stand for an agent in every other test.
#include "peers/peers.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using testing::ChildProcess;
using testing::Peers;

namespace {
class AcpPeersTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void sdkClient_drivesAndValidates_data();
    void sdkClient_drivesAndValidates();
};
} // namespace

void AcpPeersTest::initTestCase()
{
    const QString problem = Peers::problem();
    QVERIFY2(problem.isEmpty(), qPrintable(problem));
}

void AcpPeersTest::sdkClient_drivesAndValidates_data()
{
    QTest::addColumn<QStringList>("arguments");
    QTest::newRow("simulated agent") << QStringList(
        {u"sandbox"_s, qEnvironmentVariable("SIGNALBOX_BIN_DIR") + u"/sandbox_agent"_s});
    QTest::newRow("SDK's example agent") << QStringList(u"example"_s) + Peers::exampleAgent();
}

void AcpPeersTest::sdkClient_drivesAndValidates()
{
    QFETCH(QStringList, arguments);
    ChildProcess client;
    Peers::prepare(client);
    QVERIFY(client.start(Peers::node(), QStringList(Peers::script(u"drive_agent.mjs"_s)) + arguments));
    const auto code = client.waitForEnd(Millis(40'000));
    QVERIFY2(code == 0, (client.output() + client.errors()).constData());
    QVERIFY(client.output().contains("all checks hold"));
}

QTEST_GUILESS_MAIN(AcpPeersTest)
#include "tst_acp_peers.moc"
