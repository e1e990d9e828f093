// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "support/gateway_fixture.h"
#include "support/postgres.h"

#include <QElapsedTimer>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;
using sandbox::Fault;
using sandbox::SlackMessage;

// DESIGN.md "Interactions", seen from Slack: an agent asks, a card stands in the thread, somebody who may
// answers, the agent goes on and the card says what came of it.
class PermissionTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void cleanupTestCase();
    void aClickAnswersAndTheCardShowsIt();
    void whoMayNotIsToldAndChangesNothing();
    void aClickFromElsewhereChangesNothing();
    void theSecondClickIsTold();
    void whatIsNotSignedOrNotOursDoesNothing();
    void aNumberInTheThreadAnswers();
    void aCardThatCannotBeShownBecomesWords();
    void aQuestionThatCannotBeShownIsGivenUp();
    void alwaysAllowIsForDirectMessages();
    void theAgentMayForgetItsQuestion();
    void nobodyAnswersInTime();
    void aFormIsAskedAndAnsweredByText();
    void deniedPermissionsAreNotAsked();
    void aSpritzRuntimeAsksWhereItMay();
    void aKillBeforeTheAgentTookTheAnswerWithdrawsIt();
    void aClickAtAnotherEngineReachesTheHolder();

private:
    // The card of a thread, as it stands now; an empty ts: none.
    static SlackMessage cardIn(GatewayFixture &gateway, const QString &channel, const QString &thread);
    static QString cardText(GatewayFixture &gateway, const QString &channel, const QString &thread)
    {
        return cardIn(gateway, channel, thread).text;
    }
    static bool hasButtons(const SlackMessage &message);
    static int click(GatewayFixture &gateway, const QString &channel, const QString &ts, int button,
        const QString &user = u"U0ANNA"_s);
    // A click whose card has no buttons any more, or never had.
    static int press(GatewayFixture &gateway, const QString &channel, const QString &ts, const QString &value,
        const QString &user = u"U0ANNA"_s, const QString &team = {});
    static QStringList notes(GatewayFixture &gateway, const QString &user);
    static QString idOf(const SlackMessage &card);
    std::unique_ptr<GatewayFixture> m_gateway;
};

namespace {
constexpr int kWait = 30'000;

const Json *buttonOf(const SlackMessage &message, size_t index)
{
    for (const Json &block : message.blocks.toArray()) {
        if (block[u"type"].toString() == u"actions" && index < block[u"elements"].size())
            return &block[u"elements"].at(index);
    }
    return nullptr;
}
} // namespace

#define START(gateway)                                                                                       \
    do {                                                                                                     \
        const Status startedNow = (gateway).start();                                                         \
        QVERIFY2(startedNow, startedNow ? "" : qPrintable(startedNow.error().toString()));                   \
    } while (false)
#define WAIT_CARD(gateway, channel, thread)                                                                  \
    QTRY_VERIFY_WITH_TIMEOUT(hasButtons(cardIn(gateway, channel, thread)), kWait)
#define WAIT_TEXT(gateway, channel, thread, says)                                                            \
    QTRY_VERIFY2_WITH_TIMEOUT(cardText(gateway, channel, thread).contains(says),                             \
        qPrintable(cardText(gateway, channel, thread)), kWait)

SlackMessage PermissionTest::cardIn(GatewayFixture &gateway, const QString &channel, const QString &thread)
{
    for (const SlackMessage &message : gateway.slack().messages(channel)) {
        if (!message.botId.isEmpty() && message.threadTs == thread
            && message.text.startsWith(u"*The agent asks"_s))
            return message;
    }
    return {};
}

bool PermissionTest::hasButtons(const SlackMessage &message)
{
    return buttonOf(message, 0) != nullptr;
}

QString PermissionTest::idOf(const SlackMessage &card)
{
    const Json *button = buttonOf(card, 0);
    return button ? (*button)[u"value"].toString().section(u':', 0, -2) : QString();
}

int PermissionTest::click(
    GatewayFixture &gateway, const QString &channel, const QString &ts, int button, const QString &user)
{
    auto clicking = gateway.slack().click(channel, ts, u"signalbox.answer.%1"_s.arg(button), user);
    const auto answer = async::blockOn(std::move(clicking), Millis(30'000));
    return answer ? answer->status : 0;
}

int PermissionTest::press(GatewayFixture &gateway, const QString &channel, const QString &ts,
    const QString &value, const QString &user, const QString &team)
{
    gateway.slack().addUser(user);
    const QString of = team.isEmpty() ? gateway.slack().config().teamId : team;
    Json actions = Json::array();
    actions.append(Json::object({{u"type"_s, u"button"_s}, {u"action_id"_s, u"signalbox.answer.0"_s},
        {u"value"_s, value}, {u"action_ts"_s, u"1.1"_s}}));
    Json payload = Json::object(
        {{u"type"_s, u"block_actions"_s}, {u"user"_s, Json::object({{u"id"_s, user}, {u"team_id"_s, of}})},
            {u"api_app_id"_s, gateway.slack().config().appId}, {u"team"_s, Json::object({{u"id"_s, of}})},
            {u"channel"_s, Json::object({{u"id"_s, channel}})},
            {u"container"_s, Json::object({{u"type"_s, u"message"_s}, {u"message_ts"_s, ts}})},
            {u"actions"_s, actions}});
    auto sending = gateway.slack().events().sendInteraction(std::move(payload));
    const auto answer = async::blockOn(std::move(sending), Millis(30'000));
    return answer ? answer->status : 0;
}

QStringList PermissionTest::notes(GatewayFixture &gateway, const QString &user)
{
    QStringList texts;
    for (const auto &shown : gateway.slack().api().ephemerals()) {
        if (shown.user == user)
            texts << shown.text;
    }
    return texts;
}

void PermissionTest::initTestCase()
{
    GatewayOptions options;
    options.turn = "first_frame_timeout = \"2s\"\nidle_timeout = \"2s\"\ncancel_grace = \"500ms\"\n";
    options.agentRemembers = true;
    options.further = "[[installations]]\nchannel = \"slack\"\nbackend = \"under-test\"\ntenant = "
                      "\"T0OTHER\"\nbot_token = \"xoxb-zqmark-other\"\n";
    m_gateway = std::make_unique<GatewayFixture>(options);
    sandbox::SlackTeam other;
    other.teamId = u"T0OTHER"_s;
    other.botUserId = u"U0BOT2"_s;
    other.botToken = Secret("xoxb-zqmark-other");
    m_gateway->slack().addTeam(other);
    m_gateway->slack().addChannel(u"C0OTHER"_s, u"other"_s, u"T0OTHER"_s);
    START(*m_gateway);
}

void PermissionTest::cleanupTestCase()
{
    QCOMPARE(m_gateway->stop(), std::optional<int>(0));
    m_gateway.reset();
}

void PermissionTest::aClickAnswersAndTheCardShowsIt()
{
    GatewayFixture &gateway = *m_gateway;
    const auto said = gateway.mention(u"C0ASK"_s, u"ask please"_s);
    WAIT_CARD(gateway, u"C0ASK"_s, said.ts);
    const SlackMessage card = cardIn(gateway, u"C0ASK"_s, said.ts);
    QVERIFY2(card.text.contains(u"Edit notes.txt"_s), qPrintable(card.text));
    QVERIFY(card.text.contains(u"<@U0ANNA> may answer"_s) && card.text.contains(u"<!date^"_s));
    // "Always allow" stands first at the agent's, and is not for a shared place.
    QCOMPARE((*buttonOf(card, 0))[u"text"][u"text"].toString(), u"Allow"_s);
    QVERIFY(!buttonOf(card, 2));
    QCOMPARE(gateway.outcome(said.ts), u"waiting/person"_s);
    const auto session = gateway.admin(u"/sessions/"_s + gateway.delivery(said.ts)[u"session"].toString());
    QVERIFY(session && !(*session)[u"lock"].isNull()); // held while a person is asked
    // Longer than every clock of the turn.
    QElapsedTimer timer;
    timer.start();
    QTRY_VERIFY_WITH_TIMEOUT(timer.elapsed() > 3000, kWait);
    QCOMPARE(gateway.outcome(said.ts), u"waiting/person"_s);
    QCOMPARE(click(gateway, u"C0ASK"_s, card.ts, 0), 200);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QVERIFY(gateway.appTexts(u"C0ASK"_s, said.ts)
                .contains(u"Permission given (allow_once). You said: "_s + marked(u"please"_s)));
    WAIT_TEXT(gateway, u"C0ASK"_s, said.ts, u"*Allow* — answered by <@U0ANNA>"_s);
    QVERIFY(!hasButtons(cardIn(gateway, u"C0ASK"_s, said.ts)));
    QCOMPARE(gateway.prompts(said.ts), 1);
    const auto unsent = [&] {
        const Json delivery = gateway.delivery(said.ts);
        const auto &rows = delivery[u"outbound"].toArray();
        return std::count_if(
            rows.begin(), rows.end(), [](const Json &row) { return row[u"state"].toString() != u"sent"; });
    };
    QTRY_COMPARE_WITH_TIMEOUT(unsent(), 0, kWait);
}

void PermissionTest::whoMayNotIsToldAndChangesNothing()
{
    GatewayFixture &gateway = *m_gateway;
    const auto said = gateway.mention(u"C0WHO"_s, u"ask please"_s);
    WAIT_CARD(gateway, u"C0WHO"_s, said.ts);
    const SlackMessage card = cardIn(gateway, u"C0WHO"_s, said.ts);
    QCOMPARE(click(gateway, u"C0WHO"_s, card.ts, 0, u"U0EVE"_s), 200);
    QTRY_COMPARE_WITH_TIMEOUT(notes(gateway, u"U0EVE"_s).size(), 1, kWait);
    QVERIFY(notes(gateway, u"U0EVE"_s).first().startsWith(u"Only the people named on the card"_s));
    QCOMPARE(gateway.slack().api().ephemerals().back().thread, said.ts);
    QCOMPARE(gateway.outcome(said.ts), u"waiting/person"_s);
    QVERIFY(hasButtons(cardIn(gateway, u"C0WHO"_s, said.ts)));
    QCOMPARE(click(gateway, u"C0WHO"_s, card.ts, 1), 200);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QVERIFY(gateway.appTexts(u"C0WHO"_s, said.ts)
                .contains(u"Permission refused. You said: "_s + marked(u"please"_s)));
    WAIT_TEXT(gateway, u"C0WHO"_s, said.ts, u"*Reject* — answered by"_s);
}

void PermissionTest::aClickFromElsewhereChangesNothing()
{
    GatewayFixture &gateway = *m_gateway;
    gateway.slack().addChannel(u"C0ELSE"_s);
    const auto said = gateway.mention(u"C0HERE"_s, u"ask please"_s);
    WAIT_CARD(gateway, u"C0HERE"_s, said.ts);
    const SlackMessage card = cardIn(gateway, u"C0HERE"_s, said.ts);
    const QString value = idOf(card) + u":0"_s;
    const auto before = notes(gateway, u"U0ANNA"_s).size();
    // The very person that may, but in another channel, and in another tenant.
    QCOMPARE(press(gateway, u"C0ELSE"_s, card.ts, value), 200);
    QTRY_COMPARE_WITH_TIMEOUT(notes(gateway, u"U0ANNA"_s).size(), before + 1, kWait);
    QCOMPARE(press(gateway, u"C0OTHER"_s, card.ts, value, u"U0ANNA"_s, u"T0OTHER"_s), 200);
    QTRY_COMPARE_WITH_TIMEOUT(notes(gateway, u"U0ANNA"_s).size(), before + 2, kWait);
    QCOMPARE(notes(gateway, u"U0ANNA"_s).last(), u"This question cannot be answered here."_s);
    QCOMPARE(gateway.outcome(said.ts), u"waiting/person"_s);
    QCOMPARE(click(gateway, u"C0HERE"_s, card.ts, 0), 200);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
}

void PermissionTest::theSecondClickIsTold()
{
    GatewayFixture &gateway = *m_gateway;
    const auto said = gateway.mention(u"C0TWICE"_s, u"ask please"_s);
    WAIT_CARD(gateway, u"C0TWICE"_s, said.ts);
    const SlackMessage card = cardIn(gateway, u"C0TWICE"_s, said.ts);
    const auto before = notes(gateway, u"U0ANNA"_s).size();
    const QString value = idOf(card);
    QCOMPARE(press(gateway, u"C0TWICE"_s, card.ts, value + u":1"_s), 200);
    QCOMPARE(press(gateway, u"C0TWICE"_s, card.ts, value + u":0"_s), 200);
    QTRY_COMPARE_WITH_TIMEOUT(notes(gateway, u"U0ANNA"_s).size(), before + 1, kWait);
    QVERIFY(notes(gateway, u"U0ANNA"_s).last().startsWith(u"This question has been answered already."_s));
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    WAIT_TEXT(gateway, u"C0TWICE"_s, said.ts, u"*Reject*"_s); // the first one
    QVERIFY(gateway.appTexts(u"C0TWICE"_s, said.ts)
                .contains(u"Permission refused. You said: "_s + marked(u"please"_s)));
}

void PermissionTest::whatIsNotSignedOrNotOursDoesNothing()
{
    GatewayFixture &gateway = *m_gateway;
    const QUrl url(u"http://127.0.0.1:%1/slack/interactions"_s.arg(gateway.ingressPort()));
    const auto post = [&](const QByteArray &body, std::optional<QByteArray> signature = {}) {
        sandbox::SignedSender::Request request(url, body);
        request.contentType = "application/x-www-form-urlencoded";
        request.signature = std::move(signature);
        return gateway.post(std::move(request)).status;
    };
    QCOMPARE(post("payload=%7B%7D", QByteArray("v0=00")), 401);
    QCOMPARE(post("payload=%7B%7D", QByteArray()), 401);
    QCOMPARE(post("payload=%7B"), 400);
    QCOMPARE(post("nothing"), 400);
    QCOMPARE(post("payload=%7B%7D"), 200);
    QCOMPARE(
        post("payload=%7B%22type%22%3A%22view_closed%22%2C%22team%22%3A%7B%22id%22%3A%22T0SANDBOX%22%7D%7D"),
        200);
    gateway.slack().addChannel(u"C0ASK"_s);
    const auto before = gateway.slack().api().ephemeralCount();
    QCOMPARE(press(gateway, u"C0ASK"_s, u"1.1"_s, u"of somebody else"_s), 200);
    QCOMPARE(press(gateway, u"C0ASK"_s, u"1.1"_s, u"no-such-question:0"_s), 200);
    QTRY_COMPARE_WITH_TIMEOUT(gateway.slack().api().ephemeralCount(), before + 1, kWait); // of ours alone
    QCOMPARE(press(gateway, u"C0ASK"_s, u"1.1"_s, u"x:0"_s, u"U0ANNA"_s, u"T0NOBODY"_s), 200);
}

void PermissionTest::aNumberInTheThreadAnswers()
{
    GatewayFixture &gateway = *m_gateway;
    const auto said = gateway.mention(u"C0NUMBER"_s, u"ask please"_s);
    WAIT_CARD(gateway, u"C0NUMBER"_s, said.ts);
    const qint64 deliveries = gateway.deliveryTotal();
    // A mention, so that it comes as two events, each of them twice; the second one with the marker is an
    // ordinary message.
    sandbox::SayOptions options;
    options.thread = said.ts;
    options.copies = 2;
    auto saying = gateway.slack().mention(u"C0NUMBER"_s, u"U0ANNA"_s, u"1"_s, options);
    const auto answered = async::blockOn(std::move(saying), Millis(60'000));
    QVERIFY(answered && answered->message.status == 200 && answered->mention.status == 200);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    WAIT_TEXT(gateway, u"C0NUMBER"_s, said.ts, u"*Allow* — answered by <@U0ANNA>"_s);
    QCOMPARE(gateway.deliveryTotal(), deliveries);
    // Nothing is asked any more: the next number is a message like any other.
    auto again = gateway.slack().mention(u"C0NUMBER"_s, u"U0ANNA"_s, u"1"_s, options);
    const auto ordinary = async::blockOn(std::move(again), Millis(60'000));
    QVERIFY(ordinary);
    SIGNALBOX_WAIT_OUTCOME(gateway, ordinary->ts, "completed/delivered", kWait);
    QVERIFY(gateway.appTexts(u"C0NUMBER"_s, said.ts).contains(u"You said: 1"_s));
}

void PermissionTest::aCardThatCannotBeShownBecomesWords()
{
    GatewayFixture &gateway = *m_gateway;
    gateway.slack().addFault(u"chat.postMessage"_s, Fault::slackError(u"invalid_blocks"_s));
    const auto said = gateway.mention(u"C0WORDS"_s, u"ask please"_s);
    WAIT_TEXT(gateway, u"C0WORDS"_s, said.ts, u"\n1. Allow\n2. Reject\n"_s);
    QVERIFY(!hasButtons(cardIn(gateway, u"C0WORDS"_s, said.ts)));
    // Somebody who may not, and something that is no answer: messages like any other, which wait.
    auto other = gateway.slack().chatter(u"C0WORDS"_s, u"U0EVE"_s, u"1"_s, said.ts);
    QVERIFY(async::blockOn(std::move(other), Millis(30'000)));
    auto typed = gateway.slack().chatter(u"C0WORDS"_s, u"U0ANNA"_s, u"3"_s, said.ts);
    QVERIFY(async::blockOn(std::move(typed), Millis(30'000)));
    QCOMPARE(gateway.outcome(said.ts), u"waiting/person"_s);
    auto answer = gateway.slack().chatter(u"C0WORDS"_s, u"U0ANNA"_s, u"2."_s, said.ts);
    QVERIFY(async::blockOn(std::move(answer), Millis(30'000)));
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QVERIFY(gateway.appTexts(u"C0WORDS"_s, said.ts)
                .contains(u"Permission refused. You said: "_s + marked(u"please"_s)));
    WAIT_TEXT(gateway, u"C0WORDS"_s, said.ts, u"*Reject* — answered by <@U0ANNA>"_s);
    gateway.slack().clearFaults();
}

void PermissionTest::aQuestionThatCannotBeShownIsGivenUp()
{
    GatewayFixture &gateway = *m_gateway;
    gateway.slack().addFault(u"chat.postMessage"_s, Fault::slackError(u"restricted_action"_s));
    const auto said = gateway.mention(u"C0GIVEUP"_s, u"ask please"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.appTexts(u"C0GIVEUP"_s, said.ts),
        QStringList(u"Permission refused. You said: "_s + marked(u"please"_s)));
    gateway.slack().clearFaults();
}

void PermissionTest::alwaysAllowIsForDirectMessages()
{
    GatewayFixture &gateway = *m_gateway;
    auto saying = gateway.slack().directMessage(u"U0BEA"_s, marked(u"ask please"_s));
    const auto said = async::blockOn(std::move(saying), Millis(30'000));
    QVERIFY(said);
    WAIT_CARD(gateway, said->channel, QString());
    const SlackMessage card = cardIn(gateway, said->channel, QString());
    QCOMPARE((*buttonOf(card, 0))[u"text"][u"text"].toString(), u"Always allow"_s);
    QCOMPARE(click(gateway, said->channel, card.ts, 0, u"U0BEA"_s), 200);
    SIGNALBOX_WAIT_OUTCOME(gateway, said->ts, "completed/delivered", kWait);
    QVERIFY(gateway.appTexts(said->channel)
                .contains(u"Permission given (allow_always). You said: "_s + marked(u"please"_s)));
}

void PermissionTest::theAgentMayForgetItsQuestion()
{
    GatewayFixture &gateway = *m_gateway;
    const auto said = gateway.mention(u"C0FORGET"_s, u"forget please"_s);
    WAIT_CARD(gateway, u"C0FORGET"_s, said.ts);
    const SlackMessage card = cardIn(gateway, u"C0FORGET"_s, said.ts);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    WAIT_TEXT(gateway, u"C0FORGET"_s, said.ts, u"The agent does not wait for this any more."_s);
    const auto before = notes(gateway, u"U0ANNA"_s).size();
    QCOMPARE(press(gateway, u"C0FORGET"_s, card.ts, idOf(card) + u":0"_s), 200);
    QTRY_COMPARE_WITH_TIMEOUT(notes(gateway, u"U0ANNA"_s).size(), before + 1, kWait);
    QVERIFY(notes(gateway, u"U0ANNA"_s).last().startsWith(u"Nobody waits for this answer any more"_s));
}

void PermissionTest::nobodyAnswersInTime()
{
    GatewayOptions options;
    options.further = "[interactions]\nttl = \"2s\"\n";
    GatewayFixture gateway(options);
    START(gateway);
    const auto said = gateway.mention(u"C0LATE"_s, u"ask please"_s);
    WAIT_CARD(gateway, u"C0LATE"_s, said.ts);
    const SlackMessage card = cardIn(gateway, u"C0LATE"_s, said.ts);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QVERIFY(gateway.appTexts(u"C0LATE"_s, said.ts)
                .contains(u"Permission refused. You said: "_s + marked(u"please"_s)));
    WAIT_TEXT(gateway, u"C0LATE"_s, said.ts, u"Nobody answered in time."_s);
    QCOMPARE(press(gateway, u"C0LATE"_s, card.ts, idOf(card) + u":0"_s), 200);
    QTRY_COMPARE_WITH_TIMEOUT(notes(gateway, u"U0ANNA"_s).size(), 1, kWait);
    QVERIFY(notes(gateway, u"U0ANNA"_s).last().startsWith(u"Your answer came too late"_s));
}

void PermissionTest::aFormIsAskedAndAnsweredByText()
{
    QTemporaryDir folder;
    GatewayOptions options;
    options.agentCommand = QStringList{
        qEnvironmentVariable("SIGNALBOX_BIN_DIR") + u"/fake_acp_agent"_s, u"formtext"_s, folder.path()};
    GatewayFixture gateway(options);
    START(gateway);
    const auto said = gateway.mention(u"C0FORM"_s, u"which"_s);
    WAIT_CARD(gateway, u"C0FORM"_s, said.ts);
    QVERIFY(cardText(gateway, u"C0FORM"_s, said.ts).contains(u"Which one?"_s));
    QVERIFY(cardText(gateway, u"C0FORM"_s, said.ts).contains(u"`answer: …`"_s));
    auto answer = gateway.slack().chatter(u"C0FORM"_s, u"U0ANNA"_s, u"answer: r&b"_s, said.ts);
    QVERIFY(async::blockOn(std::move(answer), Millis(30'000)));
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QVERIFY(gateway.appTexts(u"C0FORM"_s, said.ts)
                .contains(uR"({"action":"accept","content":{"colour":"r&amp;b"}})"_s));
}

void PermissionTest::deniedPermissionsAreNotAsked()
{
    GatewayOptions options;
    options.backendLines = "permissions = \"deny\"\n";
    GatewayFixture gateway(options);
    START(gateway);
    const auto said = gateway.mention(u"C0DENY"_s, u"ask please"_s);
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.appTexts(u"C0DENY"_s, said.ts),
        QStringList(u"Permission refused. You said: "_s + marked(u"please"_s)));
}

// Its conversation is the channel: the card stands at the top level, and so does a number that answers it.
void PermissionTest::aSpritzRuntimeAsksWhereItMay()
{
    GatewayOptions options;
    options.backend = GatewayOptions::Backend::Spritz;
    options.backendLines = "permissions = \"ask\"\n";
    GatewayFixture gateway(options);
    START(gateway);
    const auto said = gateway.mention(u"C0SPRITZ"_s, u"ask please"_s);
    WAIT_CARD(gateway, u"C0SPRITZ"_s, QString());
    QCOMPARE(gateway.outcome(said.ts), u"waiting/person"_s);
    auto answer = gateway.slack().chatter(u"C0SPRITZ"_s, u"U0ANNA"_s, u"1"_s);
    QVERIFY(async::blockOn(std::move(answer), Millis(30'000)));
    SIGNALBOX_WAIT_OUTCOME(gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(gateway.appTexts(u"C0SPRITZ"_s).filter(u"Permission given (allow_once)."_s).size(), 1);
    WAIT_TEXT(gateway, u"C0SPRITZ"_s, QString(), u"*Allow* — answered by <@U0ANNA>"_s);
}

// The answer was stored, and the engine died with the agent before the agent had it.
void PermissionTest::aKillBeforeTheAgentTookTheAnswerWithdrawsIt()
{
    GatewayOptions options;
    options.agentRemembers = true;
    GatewayFixture gateway(options);
    gateway.armFailpoint(u"commit.claimInteraction.after"_s);
    START(gateway);
    const auto said = gateway.mention(u"C0KILL"_s, u"ask please"_s);
    WAIT_CARD(gateway, u"C0KILL"_s, said.ts);
    const SlackMessage card = cardIn(gateway, u"C0KILL"_s, said.ts);
    QCOMPARE(click(gateway, u"C0KILL"_s, card.ts, 0), 0); // no answer
    QTRY_VERIFY_WITH_TIMEOUT(!gateway.isRunning(), kWait);
    START(gateway);
    QTRY_VERIFY_WITH_TIMEOUT(gateway.outcome(said.ts).startsWith(u"unconfirmed"), kWait);
    WAIT_TEXT(gateway, u"C0KILL"_s, said.ts, u"<@U0ANNA> answered *Allow*, but the agent was gone"_s);
    QVERIFY(!hasButtons(cardIn(gateway, u"C0KILL"_s, said.ts)));
    QCOMPARE(gateway.prompts(said.ts), 1);
    QTRY_COMPARE_WITH_TIMEOUT(
        gateway.appTexts(u"C0KILL"_s, said.ts).filter(u"I was interrupted"_s).size(), 1, kWait);
    // The thread goes on.
    const auto next = gateway.mention(u"C0KILL"_s, u"and now"_s, said.ts);
    SIGNALBOX_WAIT_OUTCOME(gateway, next.ts, "completed/delivered", kWait);
}

void PermissionTest::aClickAtAnotherEngineReachesTheHolder()
{
    SIGNALBOX_NEED_POSTGRES();
    const auto database = PostgresDatabase::create();
    QVERIFY(database);
    GatewayOptions options;
    options.database = database->url();
    options.engine = "id = \"one\"\n";
    GatewayFixture one(options);
    options.engine = "id = \"two\"\n";
    GatewayFixture two(options, one);
    START(one);
    START(two);
    const auto said = one.mention(u"C0MANY"_s, u"ask please"_s);
    WAIT_CARD(one, u"C0MANY"_s, said.ts);
    QTRY_COMPARE_WITH_TIMEOUT(one.outcome(said.ts), u"waiting/person"_s, kWait);
    const QString holder = one.delivery(said.ts)[u"engine"].toString();
    QVERIFY2(holder == u"one" || holder == u"two", qPrintable(holder));
    const GatewayFixture &other = holder == u"one" ? two : one;
    one.slack().setInteractionUrl(QUrl(u"http://127.0.0.1:%1/slack/interactions"_s.arg(other.ingressPort())));
    QCOMPARE(click(one, u"C0MANY"_s, cardIn(one, u"C0MANY"_s, said.ts).ts, 0), 200);
    SIGNALBOX_WAIT_OUTCOME(one, said.ts, "completed/delivered", kWait);
    WAIT_TEXT(one, u"C0MANY"_s, said.ts, u"*Allow* — answered by <@U0ANNA>"_s);
    QVERIFY(one.appTexts(u"C0MANY"_s, said.ts)
                .contains(u"Permission given (allow_once). You said: "_s + marked(u"please"_s)));
}

QTEST_GUILESS_MAIN(PermissionTest)
#include "tst_permission.moc"
