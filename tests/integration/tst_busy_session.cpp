// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "support/gateway_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;

// DESIGN.md step 3: messages for a busy session are queued in order and not dropped, and their people are
// told once, after a delay, who holds it and since when.
class BusySessionTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void whoWaitsIsToldOnceWhoHoldsIt();
    void whoWaitsShortlyIsToldNothing();
    void theNoticeIsGoneWhenTheTurnCameFirst();
    void cleanupTestCase() { m_gateway.reset(); }

private:
    sandbox::SayOutcome say(
        const QString &channel, const QString &user, const QString &text, const QString &thread)
    {
        sandbox::SayOptions options;
        options.thread = thread;
        auto saying = m_gateway->slack().mention(channel, user, marked(text), options);
        const auto said = async::blockOn(std::move(saying));
        if (!said)
            QTest::qFail(qPrintable(said.error().toString()), __FILE__, __LINE__);
        return said ? *said : sandbox::SayOutcome();
    }
    QStringList waitingTexts(const QString &channel, const QString &thread)
    {
        return m_gateway->appTexts(channel, thread).filter(u"I am still working on"_s);
    }
    std::unique_ptr<GatewayFixture> m_gateway;
};

namespace {
constexpr int kWait = 30'000;
}

void BusySessionTest::initTestCase()
{
    GatewayOptions options;
    options.agentRemembers = true;
    options.recovery = "status_message_delay = \"300ms\"\n";
    m_gateway = std::make_unique<GatewayFixture>(options);
    const Status started = m_gateway->start();
    QVERIFY2(started, started ? "" : qPrintable(started.error().toString()));
}

void BusySessionTest::whoWaitsIsToldOnceWhoHoldsIt()
{
    const auto first = say(u"C0BUSY"_s, u"U0ANNA"_s, u"slow 5s first"_s, {});
    const auto second = say(u"C0BUSY"_s, u"U0BEN"_s, u"second"_s, first.ts);
    const auto third = say(u"C0BUSY"_s, u"U0BEN"_s, u"third"_s, first.ts);
    const auto own = say(u"C0BUSY"_s, u"U0ANNA"_s, u"own"_s, first.ts);
    QTRY_COMPARE_WITH_TIMEOUT(waitingTexts(u"C0BUSY"_s, first.ts).size(), 2, kWait);
    const QStringList told = waitingTexts(u"C0BUSY"_s, first.ts);
    QCOMPARE(told.filter(u"a message of <@U0ANNA>, since <!date^"_s).size(), 1);
    QCOMPARE(told.filter(u"Your message is next and has not been lost."_s).size(), 1);
    QCOMPARE(told.filter(u"your earlier message, since <!date^"_s).size(), 1);
    QCOMPARE(told.filter(u"number 3 in the queue"_s).size(), 1);
    for (const auto &message : {first, second, third, own})
        SIGNALBOX_WAIT_OUTCOME(*m_gateway, message.ts, "completed/delivered", kWait);
    // Nothing more came while the others waited for each other, and the replies came in order.
    const QStringList texts = m_gateway->appTexts(u"C0BUSY"_s, first.ts);
    QCOMPARE(texts.filter(u"I am still working on"_s).size(), 2);
    QCOMPARE(texts.filter(u"You said: "_s),
        QStringList({u"You said: "_s + marked(u"first"_s), u"You said: "_s + marked(u"second"_s),
            u"You said: "_s + marked(u"third"_s), u"You said: "_s + marked(u"own"_s)}));
    for (const auto &message : {first, second, third, own})
        QCOMPARE(m_gateway->prompts(message.ts), 1);
}

void BusySessionTest::whoWaitsShortlyIsToldNothing()
{
    const auto first = say(u"C0SHORT"_s, u"U0ANNA"_s, u"first"_s, {});
    const auto second = say(u"C0SHORT"_s, u"U0BEN"_s, u"second"_s, first.ts);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, second.ts, "completed/delivered", kWait);
    QVERIFY(waitingTexts(u"C0SHORT"_s, first.ts).isEmpty());
}

// Slack limits us while the notice is on its way: when its time comes it says nothing true any more.
void BusySessionTest::theNoticeIsGoneWhenTheTurnCameFirst()
{
    m_gateway->slack().addFault(u"chat.postMessage"_s, sandbox::Fault::rateLimited(std::chrono::seconds(6)));
    const auto first = say(u"C0LATE"_s, u"U0ANNA"_s, u"slow 3s first"_s, {});
    const auto second = say(u"C0LATE"_s, u"U0BEN"_s, u"second"_s, first.ts);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, second.ts, "completed/delivered", kWait);
    QVERIFY(waitingTexts(u"C0LATE"_s, first.ts).isEmpty());
    const Json item = m_gateway->delivery(second.ts);
    bool cancelled = false;
    for (const Json &message : item[u"outbound"].toArray())
        cancelled = cancelled
            || (message[u"kind"].toString() == u"status" && message[u"state"].toString() == u"cancelled");
    QVERIFY(cancelled);
    m_gateway->slack().clearFaults();
}

QTEST_GUILESS_MAIN(BusySessionTest)
#include "tst_busy_session.moc"
