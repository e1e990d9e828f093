// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "support/gateway_fixture.h"

#include <QElapsedTimer>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;
using sandbox::Fault;

// DESIGN.md steps 2–7 with a local agent: from a mention in Slack to the reply in its thread, seen from
// outside the running program.
class FirstMessageTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void cleanupTestCase();
    void aMentionIsAcknowledgedAnsweredAndRecorded();
    void aLongReplyArrivesInPartsAndInOrder();
    void whatTheAgentWroteIsEscapedForSlack();
    void twoMessagesOfAThreadAreAnsweredInOrder();
    void aRateLimitIsHonouredAndTheReplyArrivesOnce();
    void aReplyWhoseAnswerWasLostIsAdopted();
    void aRefusedPostMakesTheDeliveryDead_data();
    void aRefusedPostMakesTheDeliveryDead();
    void everyEndOfATurnIsTold_data();
    void everyEndOfATurnIsTold();
    void unknownRequestsAreRefused();
    void aDeadAgentIsReplacedAndSaysSo();
    void anAgentThatKeepsDyingIsNotStartedForEver();
    void anAgentThatCannotStartIsTold();

private:
    std::unique_ptr<GatewayFixture> m_gateway;
};

namespace {
constexpr int kWait = 30'000;
const QString kInternal = u"I hit an internal error while processing that request."_s;
const QString kNoRuntime = u"I could not recover the channel runtime. Please try again."_s;
const QString kAfresh
    = u"I could not pick up our earlier conversation in this thread and am starting afresh."_s;

bool isUnconfirmed(const QString &text)
{
    return text.startsWith(
        u"I was interrupted while working on that request and cannot tell how far it got.");
}
} // namespace

#define START(gateway)                                                                                       \
    do {                                                                                                     \
        const Status startedNow = (gateway).start();                                                         \
        QVERIFY2(startedNow, startedNow ? "" : qPrintable(startedNow.error().toString()));                   \
    } while (false)

void FirstMessageTest::initTestCase()
{
    GatewayOptions options;
    options.turn = "first_frame_timeout = \"2s\"\nidle_timeout = \"2s\"\ncancel_grace = \"500ms\"\n";
    options.agentRemembers = true;
    m_gateway = std::make_unique<GatewayFixture>(options);
    START(*m_gateway);
}

void FirstMessageTest::cleanupTestCase()
{
    QCOMPARE(m_gateway->stop(), std::optional<int>(0));
    m_gateway.reset();
}

void FirstMessageTest::aMentionIsAcknowledgedAnsweredAndRecorded()
{
    const auto said = m_gateway->mention(u"C0ONE"_s, u"slow 1500ms hello there"_s);
    QCOMPARE(said.mention.status, 200);
    QTRY_COMPARE_WITH_TIMEOUT(
        m_gateway->slack().reactions(u"C0ONE"_s, said.ts), QStringList(u"eyes"_s), kWait);
    QVERIFY(m_gateway->appTexts(u"C0ONE"_s, said.ts).isEmpty());
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(
        m_gateway->appTexts(u"C0ONE"_s, said.ts), QStringList(u"You said: "_s + marked(u"hello there"_s)));
    QTRY_VERIFY_WITH_TIMEOUT(m_gateway->slack().reactions(u"C0ONE"_s, said.ts).isEmpty(), kWait);
    QVERIFY(m_gateway->appTexts(u"C0ONE"_s).isEmpty());

    const Json item = m_gateway->delivery(said.ts);
    QCOMPARE(item[u"place"].toString(), u"C0ONE"_s);
    QCOMPARE(item[u"thread"].toString(), said.ts);
    QCOMPARE(item[u"user"].toString(), u"U0ANNA"_s);
    QCOMPARE(item[u"backend"].toString(), u"under-test"_s);
    for (const QStringView time :
        {u"created_at", u"claimed_at", u"prompt_sent_at", u"accepted_at", u"turn_ended_at", u"finished_at"})
        QVERIFY2(!item[time].toString().isEmpty(), qPrintable(time.toString()));
    QVERIFY(item[u"attempt_list"].size() >= 1);
    QCOMPARE(item[u"attempt_list"].at(0)[u"outcome"].toString(), u"ok"_s);
    QVERIFY(item[u"timeline"].size() >= 1);
    int replies = 0;
    for (const Json &row : item[u"outbound"].toArray()) {
        QCOMPARE(row[u"state"].toString(), u"sent"_s);
        replies += row[u"kind"].toString() == u"reply" ? 1 : 0;
    }
    QCOMPARE(replies, 1);
    const auto session = m_gateway->admin(u"/sessions/"_s + item[u"session"].toString());
    QVERIFY(session);
    QVERIFY((*session)[u"lock"].isNull());
    QVERIFY(m_gateway->admin(u"/summary"_s));
}

void FirstMessageTest::aLongReplyArrivesInPartsAndInOrder()
{
    const auto said = m_gateway->mention(u"C0LONG"_s, u"long 9000"_s);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, said.ts, "completed/delivered", kWait);
    const QStringList parts = m_gateway->appTexts(u"C0LONG"_s, said.ts);
    QVERIFY2(parts.size() >= 3, QByteArray::number(parts.size()).constData());
    // The filler numbers its lines of 80 characters, so that a lost, doubled or moved one shows.
    int next = 0;
    for (const QString &line : parts.join(u'\n').split(u'\n', Qt::SkipEmptyParts))
        QCOMPARE(line.left(7).toInt(), ++next);
    QCOMPARE(next, (9000 + 79) / 80);
    for (const QString &part : parts)
        QVERIFY(part.size() <= 4000);
}

void FirstMessageTest::whatTheAgentWroteIsEscapedForSlack()
{
    const auto said = m_gateway->mention(u"C0ONE"_s, u"echo <!channel> & <@U0BEA>"_s);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(m_gateway->appTexts(u"C0ONE"_s, said.ts),
        QStringList(u"You said: "_s + marked(u"&lt;!channel&gt; &amp; &lt;@U0BEA&gt;"_s)));
}

void FirstMessageTest::twoMessagesOfAThreadAreAnsweredInOrder()
{
    const auto first = m_gateway->mention(u"C0TWO"_s, u"slow 1500ms first"_s);
    const auto second = m_gateway->mention(u"C0TWO"_s, u"second"_s, first.ts);
    const auto elsewhere = m_gateway->mention(u"C0TWO"_s, u"elsewhere"_s);
    QTRY_COMPARE_WITH_TIMEOUT(m_gateway->outcome(elsewhere.ts), u"completed/delivered"_s, kWait);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, second.ts, "completed/delivered", kWait);
    QCOMPARE(m_gateway->appTexts(u"C0TWO"_s, first.ts),
        QStringList({u"You said: "_s + marked(u"first"_s), u"You said: "_s + marked(u"second"_s)}));
    QCOMPARE(m_gateway->delivery(first.ts)[u"session"].toString(),
        m_gateway->delivery(second.ts)[u"session"].toString());
    QVERIFY(m_gateway->delivery(first.ts)[u"session"].toString()
        != m_gateway->delivery(elsewhere.ts)[u"session"].toString());
}

void FirstMessageTest::aRateLimitIsHonouredAndTheReplyArrivesOnce()
{
    m_gateway->slack().addFault(u"chat.postMessage"_s, Fault::rateLimited(std::chrono::seconds(3)));
    QElapsedTimer timer;
    timer.start();
    const auto said = m_gateway->mention(u"C0RATE"_s, u"in a while"_s);
    const int calls = m_gateway->slack().callCount(u"chat.postMessage"_s);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, said.ts, "completed/delivered", kWait);
    QVERIFY2(timer.elapsed() >= 3000, QByteArray::number(timer.elapsed()).constData());
    QCOMPARE(m_gateway->appTexts(u"C0RATE"_s, said.ts).size(), 1);
    QVERIFY(m_gateway->slack().callCount(u"chat.postMessage"_s) - calls <= 2);
    m_gateway->slack().clearFaults();
}

// Slack has the message, and its answer never came: the row is looked for after ten seconds and adopted.
void FirstMessageTest::aReplyWhoseAnswerWasLostIsAdopted()
{
    m_gateway->slack().addFault(u"chat.postMessage"_s, Fault::closeAfterEffect());
    m_gateway->slack().addFault(u"chat.postMessage"_s, Fault::garbage());
    const auto one = m_gateway->mention(u"C0LOST"_s, u"closed after the effect"_s);
    const auto two = m_gateway->mention(u"C0LOST"_s, u"garbage after the effect"_s);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, one.ts, "completed/delivered", kWait);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, two.ts, "completed/delivered", kWait);
    QCOMPARE(m_gateway->appTexts(u"C0LOST"_s, one.ts).size(), 1);
    QCOMPARE(m_gateway->appTexts(u"C0LOST"_s, two.ts).size(), 1);
    m_gateway->slack().clearFaults();
}

void FirstMessageTest::aRefusedPostMakesTheDeliveryDead_data()
{
    QTest::addColumn<QString>("code");
    for (const char *code :
        {"is_archived", "channel_not_found", "not_in_channel", "msg_too_long", "restricted_action"})
        QTest::newRow(code) << QString::fromLatin1(code);
}

void FirstMessageTest::aRefusedPostMakesTheDeliveryDead()
{
    QFETCH(QString, code);
    const QString channel = u"C0REFUSED"_s + code.toUpper().remove(u'_');
    const bool archived = code == u"is_archived";
    m_gateway->slack().addChannel(channel);
    if (archived)
        m_gateway->slack().archive(channel);
    else
        m_gateway->slack().addFault(u"chat.postMessage"_s, Fault::slackError(code));
    const auto said = m_gateway->mention(channel, u"to the archive"_s);
    QTRY_VERIFY_WITH_TIMEOUT(m_gateway->outcome(said.ts).startsWith(u"dead"), kWait);
    const Json item = m_gateway->delivery(said.ts);
    QCOMPARE(item[u"error_code"].toString(), code);
    QVERIFY(m_gateway->appTexts(channel, said.ts).isEmpty());
    QCOMPARE(m_gateway->prompts(said.ts), 1);
    m_gateway->slack().clearFaults();
}

void FirstMessageTest::everyEndOfATurnIsTold_data()
{
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("outcome");
    QTest::addColumn<QString>("notice"); // empty: none; "unconfirmed": that one
    QTest::newRow("the agent fails") << u"fail"_s << u"dead/-32603"_s << kInternal;
    QTest::newRow("the agent says nothing") << u"empty"_s << u"completed/no_reply"_s << QString();
    QTest::newRow("the agent refuses")
        << u"refuse"_s << u"completed/no_reply"_s
        << u"I declined to answer that, and it is not part of our conversation any more."_s;
    QTest::newRow("the agent is mute")
        << u"mute"_s << u"unconfirmed/first_frame_timeout"_s << u"unconfirmed"_s;
    QTest::newRow("the agent is stuck") << u"stuck"_s << u"dead/idle_timeout"_s << kInternal;
    QTest::newRow("the agent dies at once")
        << u"crash"_s << u"unconfirmed/connection_lost"_s << u"unconfirmed"_s;
    QTest::newRow("the agent dies half-way")
        << u"half"_s << u"unconfirmed/connection_lost"_s << u"unconfirmed"_s;
}

void FirstMessageTest::everyEndOfATurnIsTold()
{
    QFETCH(QString, text);
    QFETCH(QString, outcome);
    QFETCH(QString, notice);
    const QString channel = u"C0END"_s + text.toUpper();
    const auto said = m_gateway->mention(channel, text);
    QTRY_VERIFY2_WITH_TIMEOUT(
        m_gateway->outcome(said.ts) == outcome, qPrintable(m_gateway->outcome(said.ts)), kWait);
    QTRY_VERIFY_WITH_TIMEOUT(m_gateway->slack().reactions(channel, said.ts).isEmpty(), kWait);
    QTRY_COMPARE_WITH_TIMEOUT(m_gateway->appTexts(channel, said.ts).size(), notice.isEmpty() ? 0 : 1, kWait);
    if (notice == u"unconfirmed")
        QVERIFY(isUnconfirmed(m_gateway->appTexts(channel, said.ts).constFirst()));
    else if (!notice.isEmpty())
        QCOMPARE(m_gateway->appTexts(channel, said.ts), QStringList(notice));
    QCOMPARE(m_gateway->prompts(said.ts), 1);
}

void FirstMessageTest::unknownRequestsAreRefused()
{
    const auto unknown = m_gateway->mention(u"C0ASK"_s, u"unknown hello"_s);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, unknown.ts, "completed/delivered", kWait);
    // The simulated agent says so when its request is answered with anything but -32601.
    QCOMPARE(m_gateway->appTexts(u"C0ASK"_s, unknown.ts), QStringList(u"You said: "_s + marked(u"hello"_s)));
}

void FirstMessageTest::aDeadAgentIsReplacedAndSaysSo()
{
    GatewayFixture gateway; // its agents forget everything when they end
    START(gateway);
    const auto said = gateway.mention(u"C0DIE"_s, u"die"_s);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.outcome(said.ts), u"unconfirmed/connection_lost"_s, kWait);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.appTexts(u"C0DIE"_s, said.ts).size(), 1, kWait);
    const auto next = gateway.mention(u"C0DIE"_s, u"are you back?"_s, said.ts);
    SIGNALBOX_WAIT_OUTCOME(gateway, next.ts, "completed/delivered", kWait);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.appTexts(u"C0DIE"_s, said.ts).size(), 3, kWait);
    const QStringList texts = gateway.appTexts(u"C0DIE"_s, said.ts);
    QVERIFY(isUnconfirmed(texts[0]));
    QCOMPARE(texts[1], kAfresh);
    QCOMPARE(texts[2], u"You said: "_s + marked(u"are you back?"_s));
    QCOMPARE(gateway.outcome(said.ts), u"unconfirmed/connection_lost"_s);
}

void FirstMessageTest::anAgentThatKeepsDyingIsNotStartedForEver()
{
    GatewayFixture gateway;
    START(gateway);
    for (int i = 0; i < 5; ++i) {
        const auto said = gateway.mention(u"C0CRASH"_s, u"crash"_s);
        QTRY_COMPARE_WITH_TIMEOUT(gateway.outcome(said.ts), u"unconfirmed/connection_lost"_s, kWait);
    }
    const auto said = gateway.mention(u"C0CRASH"_s, u"and now?"_s);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.outcome(said.ts), u"dead/crash_loop"_s, kWait);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.appTexts(u"C0CRASH"_s, said.ts), QStringList(kNoRuntime), kWait);
    QVERIFY(gateway.isRunning());
}

void FirstMessageTest::anAgentThatCannotStartIsTold()
{
    const QStringList commands[]{{u"/nonexistent/agent"_s}, {u"true"_s}, {u"cat"_s, u"/nonexistent"_s}};
    for (const QStringList &command : commands) {
        GatewayOptions options;
        options.agentCommand = command;
        options.recovery = "delivery_timeout = \"5s\"\n";
        GatewayFixture gateway(options);
        START(gateway);
        const auto said = gateway.mention(u"C0NOAGENT"_s, u"anybody there?"_s);
        QTRY_VERIFY_WITH_TIMEOUT(gateway.outcome(said.ts).startsWith(u"dead/"), kWait);
        QTRY_COMPARE_WITH_TIMEOUT(gateway.appTexts(u"C0NOAGENT"_s, said.ts), QStringList(kNoRuntime), kWait);
    }
}

QTEST_GUILESS_MAIN(FirstMessageTest)
#include "tst_first_message.moc"
