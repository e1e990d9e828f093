// SPDX-License-Identifier: Apache-2.0
// Questions with several engines behind one Slack (DESIGN.md "Interactions"): whoever is first wins, wherever
// the click arrives, and the engine that holds the agent's connection hands the answer over.
#include "async/block_on.h"
#include "fleet.h"
#include "kill_judge.h"
#include "support/postgres.h"

#include <QElapsedTimer>

using namespace signalbox;
using namespace signalbox::testing;
using sandbox::SlackMessage;

namespace {

constexpr int kWait = 60'000;
constexpr Millis kLease{15'000};

// The button of a card that stands at this place; null: none.
const Json *buttonOf(const SlackMessage &message, size_t index)
{
    for (const Json &block : message.blocks.toArray()) {
        if (block[u"type"].toString() == u"actions" && index < block[u"elements"].size())
            return &block[u"elements"].at(index);
    }
    return nullptr;
}

SlackMessage cardIn(GatewayFixture &world, const QString &channel)
{
    for (const SlackMessage &message : world.slack().messages(channel)) {
        if (!message.botId.isEmpty() && message.text.startsWith(u"*The agent asks"_s))
            return message;
    }
    return {};
}

Json clickOf(GatewayFixture &world, const QString &channel, const SlackMessage &card, size_t button,
    const QString &user)
{
    Json actions = Json::array();
    actions.append(
        Json::object({{u"type"_s, u"button"_s}, {u"action_id"_s, (*buttonOf(card, button))[u"action_id"]},
            {u"value"_s, (*buttonOf(card, button))[u"value"]}, {u"action_ts"_s, u"1.1"_s}}));
    const QString team = world.slack().config().teamId;
    return Json::object(
        {{u"type"_s, u"block_actions"_s}, {u"user"_s, Json::object({{u"id"_s, user}, {u"team_id"_s, team}})},
            {u"api_app_id"_s, world.slack().config().appId}, {u"team"_s, Json::object({{u"id"_s, team}})},
            {u"channel"_s, Json::object({{u"id"_s, channel}})},
            {u"container"_s, Json::object({{u"type"_s, u"message"_s}, {u"message_ts"_s, card.ts}})},
            {u"actions"_s, actions}});
}

QUrl clicksUrl(GatewayFixture &engine)
{
    QUrl url = engine.eventsUrl();
    url.setPath(u"/slack/interactions"_s);
    return url;
}

GatewayOptions askingOptions(const QString &database)
{
    GatewayOptions options = worldOptions(database, kLease);
    options.backendLines = "permissions = \"ask\"\n";
    options.installation = "interaction_answerers = \"anyone\"\n";
    return options;
}

} // namespace

class ManyClicksTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void aHundredClicksHaveOneWinner_data();
    void aHundredClicksHaveOneWinner();
    void aClickElsewhereReachesTheAgentAtOnce();

private:
    std::optional<PostgresDatabase> m_postgres;
};

#define STARTED(expression)                                                                                  \
    do {                                                                                                     \
        const Status startedNow = (expression);                                                              \
        QVERIFY2(startedNow, startedNow ? "" : qPrintable(startedNow.error().toString()));                   \
    } while (false)
#define USE_POSTGRES()                                                                                       \
    do {                                                                                                     \
        SIGNALBOX_NEED_POSTGRES();                                                                           \
        auto created = PostgresDatabase::create();                                                           \
        QVERIFY2(created, created ? "" : qPrintable(created.error().toString()));                            \
        m_postgres.reset();                                                                                  \
        m_postgres.emplace(std::move(*created));                                                             \
    } while (false)

void ManyClicksTest::aHundredClicksHaveOneWinner_data()
{
    QTest::addColumn<bool>("postgres");
    QTest::newRow("one engine on sqlite") << false;
    QTest::newRow("four engines on postgres") << true;
}

void ManyClicksTest::aHundredClicksHaveOneWinner()
{
    QFETCH(bool, postgres);
    if (postgres)
        USE_POSTGRES();
    Fleet fleet(askingOptions(postgres ? m_postgres->url() : QString()), postgres ? 4 : 1, kLease);
    STARTED(fleet.start());
    GatewayFixture &world = fleet.world();
    world.slack().setEventUrl(world.eventsUrl());
    const auto said = world.mention(u"C0RACE"_s, u"ask please"_s);
    QTRY_VERIFY_WITH_TIMEOUT(buttonOf(cardIn(world, u"C0RACE"_s), 1) != nullptr, kWait);
    const SlackMessage card = cardIn(world, u"C0RACE"_s);
    constexpr size_t kClicks = 100;
    std::vector<QCoro::Task<Result<http::Response>>> clicks;
    for (size_t i = 0; i < kClicks; ++i) {
        const QString user = u"U0RACE%1"_s.arg(i, 3, 10, QChar(u'0'));
        world.slack().addUser(user);
        world.slack().events().setInteractionUrl(clicksUrl(fleet.engine(i % fleet.size())));
        clicks.push_back(
            world.slack().events().sendInteraction(clickOf(world, u"C0RACE"_s, card, i % 2, user)));
    }
    for (auto &click : clicks) {
        const auto answer = async::blockOn(std::move(click), Millis(kWait));
        QVERIFY(answer);
        QCOMPARE(answer->status, 200);
    }
    SIGNALBOX_WAIT_OUTCOME(world, said.ts, "completed/delivered", kWait);
    // The agent heard one answer, which is the winner's; 99 were told so, and nobody else saw it.
    const QStringList said2 = world.appTexts(u"C0RACE"_s).filter(u"Permission "_s);
    QCOMPARE(said2.size(), 1);
    QTRY_COMPARE_WITH_TIMEOUT(world.slack().api().ephemerals().size(), kClicks - 1, kWait);
    KillJudge judge(world);
    const Eye eye = judge.eye();
    const auto rows
        = eye.rows(u"SELECT answered_by, answer, accepted_at FROM interactions WHERE state = 'answered'"_s);
    QCOMPARE(rows.size(), size_t(1));
    const QString winner = rows.front().value(0);
    for (const auto &note : world.slack().api().ephemerals())
        QVERIFY(note.user != winner);
    const int number = winner.mid(6).toInt();
    const auto answer = Json::parse(rows.front().value(1).toUtf8());
    QVERIFY(answer);
    const bool allowed = (*answer)[u"option"].toString().startsWith(u"allow"_s);
    QCOMPARE(said2.front().contains(u"given"_s), allowed);
    QVERIFY(rows.front().value(2).toLongLong() > 0);
    QVERIFY2(number >= 0 && number < 100, qPrintable(winner));
    QTRY_VERIFY_WITH_TIMEOUT(cardIn(world, u"C0RACE"_s).text.contains(winner), kWait);
    QVERIFY(buttonOf(cardIn(world, u"C0RACE"_s), 0) == nullptr); // no dead buttons
    QCOMPARE(world.prompts(said.ts), 1);
}

// The click goes to one engine while another holds the agent's connection.
void ManyClicksTest::aClickElsewhereReachesTheAgentAtOnce()
{
    USE_POSTGRES();
    Fleet fleet(askingOptions(m_postgres->url()), 2, kLease);
    GatewayFixture &holder = fleet.relayed();
    STARTED(holder.start());
    GatewayFixture &world = fleet.world();
    const int rounds = GatewayFixture::isFullForm() ? 20 : 4;
    qint64 slowest = 0;
    for (int i = 0; i < rounds; ++i) {
        const QString channel = u"C0FAR%1"_s.arg(i);
        world.slack().setEventUrl(holder.eventsUrl());
        const auto said = holder.mention(channel, u"ask please"_s);
        QTRY_VERIFY_WITH_TIMEOUT(buttonOf(cardIn(world, channel), 0) != nullptr, kWait);
        if (i == 0)
            STARTED(world.start()); // too late to have claimed the turn
        KillJudge judge(world);
        const Eye eye = judge.eye();
        QCOMPARE(eye.number(u"SELECT count(*) FROM interactions WHERE state IN ('posting', 'open') AND "
                            "engine_id = 'engine-1'"_s),
            1);
        world.slack().events().setInteractionUrl(clicksUrl(world));
        auto click = world.slack().events().sendInteraction(
            clickOf(world, channel, cardIn(world, channel), 0, u"U0ANNA"_s));
        const auto answer = async::blockOn(std::move(click), Millis(kWait));
        QVERIFY(answer);
        QCOMPARE(answer->status, 200);
        SIGNALBOX_WAIT_OUTCOME(holder, said.ts, "completed/delivered", kWait);
        slowest = std::max(slowest,
            eye.number(u"SELECT max(accepted_at - clicked_at) FROM interactions WHERE accepted_at > 0"_s));
    }
    qInfo("from the click to the agent, through two engines: %lld ms at most, of %d",
        static_cast<long long>(slowest), rounds);
    QVERIFY2(slowest < 5000, "the answer waited for a poll");
}

QTEST_GUILESS_MAIN(ManyClicksTest)
#include "tst_many_clicks.moc"
