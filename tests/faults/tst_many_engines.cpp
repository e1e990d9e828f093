// SPDX-License-Identifier: Apache-2.0
// Several signalboxd on one PostgreSQL, between one Slack and one Spritz: killed, frozen, stopped, and with
// their database gone (DESIGN.md "Replicas and live updates", "Liveness is one thing").
#include "fleet.h"
#include "kill_judge.h"
#include "support/postgres.h"
#include "support/postgres_cluster.h"

#include <QDateTime>
#include <QElapsedTimer>
#include <QSignalSpy>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;

namespace {

constexpr int kWait = 60'000;
constexpr int kDrain = 150'000;
constexpr Millis kLease{3000};
constexpr Millis kTakeover = kLease + Millis(5000);
constexpr int kChannels = 150;
constexpr Millis kPause{70}; // 14 messages a second

qint64 heldBy(const Eye &eye, const QString &engine)
{
    return eye.number(u"SELECT (SELECT count(*) FROM deliveries WHERE engine_id = '%1') + (SELECT count(*) "
                      "FROM outbound_messages WHERE engine_id = '%1')"_s.arg(engine));
}

// The time at the beginning of a log line, in ms since the epoch.
qint64 timeOf(const QByteArray &line)
{
    return QDateTime::fromString(QString::fromLatin1(line.left(line.indexOf(' '))), Qt::ISODateWithMs)
        .toMSecsSinceEpoch();
}

// Slack will send it again: nothing of it may have been kept.
int answerWithoutDatabase(GatewayFixture &engine)
{
    Json event = Json::object({{u"type"_s, u"app_mention"_s}, {u"user"_s, u"U0ANNA"_s}});
    event.set(u"channel"_s, u"C0AWAY"_s)
        .set(u"ts"_s, u"1700000000.000100"_s)
        .set(u"text"_s, u"<@U0BOT> hi"_s);
    sandbox::SlackSimulator &slack = engine.slack();
    const Json envelope = slack.events().envelope(engine.options().slackSimulator.teamId, event);
    const http::Response answer = engine.post(envelope.toBytes());
    return answer.headers.value("Retry-After").isEmpty() ? -answer.status : answer.status;
}

bool isSending(const RecordedRequest &request)
{
    return request.target.contains("chat.") || request.target.contains("reactions.");
}

} // namespace

class ManyEnginesTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void killedAndFrozenUnderLoad();
    void aFrozenEnginesLateAnswerIsRefused();
    void aDatabaseThatCrashesUnderLoad();
    void aCancelReachesTheEngineThatHoldsTheTurn();
    void aCleanStopReturnsItsWorkAtOnce();
    void aReplacedLifeExits();

private:
    [[nodiscard]] bool makeDatabase();
    void killOne(Fleet &fleet, size_t number, KillJudge &judge, qint64 &slowest);
    void freezeOne(Fleet &fleet, KillJudge &judge, qint64 &slowest);
    [[nodiscard]] static std::unique_ptr<Fleet> pair(const QString &database, Millis lease);
    std::optional<PostgresDatabase> m_postgres;
};

bool ManyEnginesTest::makeDatabase()
{
    m_postgres.reset();
    auto created = PostgresDatabase::create();
    if (!created)
        return false;
    m_postgres.emplace(std::move(*created));
    return true;
}

std::unique_ptr<Fleet> ManyEnginesTest::pair(const QString &database, Millis lease)
{
    return std::make_unique<Fleet>(worldOptions(database, lease), 2, lease);
}

#define STARTED(expression)                                                                                  \
    do {                                                                                                     \
        const Status startedNow = (expression);                                                              \
        QVERIFY2(startedNow, startedNow ? "" : qPrintable(startedNow.error().toString()));                   \
    } while (false)

// What it held is another's within its lease and five seconds.
void ManyEnginesTest::killOne(Fleet &fleet, size_t number, KillJudge &judge, qint64 &slowest)
{
    GatewayFixture &engine = fleet.engine(number);
    engine.killNow();
    judge.lookAtTheDead(engineName(number));
    QElapsedTimer timer;
    timer.start();
    {
        const Eye eye = judge.eye();
        const bool taken = QTest::qWaitFor([&] { return heldBy(eye, engineName(number)) == 0; }, kWait);
        if (!taken)
            judge.problem(u"nobody took over from "_s + engineName(number));
    }
    slowest = std::max(slowest, timer.elapsed());
    if (const Status started = engine.start(Millis(kWait)); !started)
        judge.problem(u"did not start again: "_s + started.error().toString());
}

// Its lease ends while it stands still; what it does when it goes on is another life's.
void ManyEnginesTest::freezeOne(Fleet &fleet, KillJudge &judge, qint64 &slowest)
{
    const size_t last = fleet.size() - 1;
    GatewayFixture &engine = fleet.relayed();
    engine.freeze();
    fleet.setFrozen(last);
    judge.lookAtTheDead(engineName(last));
    QElapsedTimer timer;
    timer.start();
    {
        const Eye eye = judge.eye();
        const auto isOver = [&] {
            return eye.number(u"SELECT lease_until FROM engines WHERE id = '%1'"_s.arg(engineName(last))) <= 0
                && heldBy(eye, engineName(last)) == 0;
        };
        if (!QTest::qWaitFor(isOver, kWait))
            judge.problem(u"nobody took over from the frozen engine"_s);
    }
    slowest = std::max(slowest, timer.elapsed());
    const qint64 thawed = QDateTime::currentMSecsSinceEpoch();
    engine.thaw();
    const auto revived = engine.waitForLog("another life of this engine has begun", Millis(kWait));
    if (!revived)
        return judge.problem(u"the frozen engine did not begin another life"_s);
    fleet.setFrozen({});
    for (const RecordedRequest &request : fleet.relay().requests()) {
        if (isSending(request) && request.at >= thawed && request.at < timeOf(*revived))
            judge.problem(u"sent after the lease had ended: "_s + QString::fromUtf8(request.target));
    }
}

void ManyEnginesTest::killedAndFrozenUnderLoad()
{
    SIGNALBOX_NEED_POSTGRES();
    QVERIFY(makeDatabase());
    GatewayOptions options = worldOptions(m_postgres->url(), kLease);
    options.spritzSimulator.agent.lostPercent = 20;
    options.spritzSimulator.agent.outlivePercent = 50;
    bool given = false;
    unsigned seed = qEnvironmentVariable("SIGNALBOX_KILL_SEED").toUInt(&given);
    if (!given)
        seed = std::random_device()();
    qInfo("SIGNALBOX_KILL_SEED=%u", seed);
    std::mt19937 random(seed);
    Fleet fleet(options, 4, kLease);
    STARTED(fleet.start());
    KillJudge judge(fleet.world());
    qint64 slowest = 0;
    {
        KillLoad load(fleet.world(), kChannels, kPause, seed);
        load.onSay([&] { fleet.choose(random); });
        load.start();
        const int rounds = GatewayFixture::isFullForm() ? 60 : 4;
        for (int i = 0; i < rounds && judge.problems().isEmpty(); ++i) {
            QElapsedTimer age;
            age.start();
            const int life = 500 + static_cast<int>(random() % 2000);
            (void)QTest::qWaitFor([&] { return age.hasExpired(life); }, life + 5000);
            if (i % 4 == 1)
                freezeOne(fleet, judge, slowest);
            else
                killOne(fleet, random() % (fleet.size() - 1), judge, slowest);
        }
        (void)judge.drain(load, kDrain);
        judge.judge(load);
        judge.print(load.messages().size());
    }
    qInfo("taken over within %lld ms at most, with a lease of %lld ms", static_cast<long long>(slowest),
        static_cast<long long>(kLease.count()));
    {
        const Eye eye = judge.eye();
        qInfo("%lld stale writes were refused, %lld reaps",
            static_cast<long long>(eye.number(u"SELECT count(*) FROM audit WHERE action = 'stale_write'"_s)),
            static_cast<long long>(eye.number(u"SELECT count(*) FROM audit WHERE action = 'reap'"_s)));
        QVERIFY(eye.number(u"SELECT count(*) FROM audit WHERE action = 'reap'"_s) > 0);
    }
    QVERIFY2(judge.problems().isEmpty(), qPrintable(judge.problems().mid(0, 40).join(u'\n')));
    QVERIFY2(slowest <= kTakeover.count(), "a takeover took longer than the lease and five seconds");
    QVERIFY(judge.counts().answered > 0 && judge.counts().interrupted > 0);
    for (size_t i = 0; i < fleet.size(); ++i)
        QCOMPARE(fleet.engine(i).stop(), std::optional<int>(0));
}

// The turn ends while its engine stands still. Another one adopts the answer; the first one's is refused.
void ManyEnginesTest::aFrozenEnginesLateAnswerIsRefused()
{
    SIGNALBOX_NEED_POSTGRES();
    QVERIFY(makeDatabase());
    const auto fleet = pair(m_postgres->url(), Millis(2000));
    GatewayFixture &frozen = fleet->relayed();
    STARTED(frozen.start());
    const auto said = frozen.mention(u"C0COLD"_s, u"slow 1500ms"_s);
    QTRY_COMPARE_WITH_TIMEOUT(frozen.prompts(said.ts), 1, kWait);
    QTRY_COMPARE_WITH_TIMEOUT(frozen.delivery(said.ts)[u"prompt_state"].toString(), u"accepted"_s, kWait);
    frozen.freeze();
    GatewayFixture &other = fleet->world();
    STARTED(other.start());
    SIGNALBOX_WAIT_OUTCOME(other, said.ts, "completed/delivered", kWait);
    QVERIFY(frozen.spritz().agents().isFinished(said.ts));
    const qint64 thawed = QDateTime::currentMSecsSinceEpoch();
    frozen.thaw();
    QVERIFY(frozen.waitForLog("the lease has lapsed"));
    const auto revived = frozen.waitForLog("another life of this engine has begun");
    QVERIFY(revived);
    KillJudge judge(fleet->world());
    const Eye eye = judge.eye();
    QTRY_VERIFY_WITH_TIMEOUT(
        eye.number(
            u"SELECT count(*) FROM audit WHERE action = 'stale_write' AND actor = 'engine:engine-1/1'"_s)
            >= 1,
        kWait);
    QCOMPARE(frozen.prompts(said.ts), 1);
    QCOMPARE(frozen.appTexts(u"C0COLD"_s).filter(u"You said: "_s).size(), 1);
    for (const RecordedRequest &request : fleet->relay().requests())
        QVERIFY(!isSending(request) || request.at < thawed || request.at >= timeOf(*revived));
    // It works in its next life.
    fleet->world().slack().setEventUrl(frozen.eventsUrl());
    QCOMPARE(other.stop(), std::optional<int>(0));
    const auto again = frozen.mention(u"C0WARM"_s, u"and now?"_s);
    SIGNALBOX_WAIT_OUTCOME(frozen, again.ts, "completed/delivered", kWait);
    QCOMPARE(eye.number(u"SELECT incarnation FROM engines WHERE id = 'engine-1'"_s), 2);
}

void ManyEnginesTest::aDatabaseThatCrashesUnderLoad()
{
    if (!PostgresCluster::isInstalled())
        SIGNALBOX_NEED_POSTGRES();
    PostgresCluster cluster;
    STARTED(cluster.create());
    const Millis lease(GatewayFixture::isFullForm() ? 6000 : 15'000);
    Fleet fleet(worldOptions(cluster.url(), lease), 4, lease);
    STARTED(fleet.start());
    std::vector<qint64> processes;
    for (size_t i = 0; i < fleet.size(); ++i)
        processes.push_back(fleet.engine(i).processId());
    std::mt19937 random(1);
    KillJudge judge(fleet.world());
    {
        KillLoad load(fleet.world(), kChannels, kPause, 1);
        load.onSay([&] { fleet.choose(random); });
        load.start();
        const int crashes = GatewayFixture::isFullForm() ? 6 : 1;
        for (int i = 0; i < crashes; ++i) {
            const size_t before = load.messages().size();
            QTRY_VERIFY_WITH_TIMEOUT(load.messages().size() > before + 20, kWait);
            cluster.crash();
            for (size_t one = 0; one < fleet.size(); ++one)
                QCOMPARE(answerWithoutDatabase(fleet.engine(one)), 503);
            const size_t during = load.messages().size();
            // Every second one is away for longer than the leases.
            const size_t more = i % 2 == 1 ? 120 : 10;
            QTRY_VERIFY_WITH_TIMEOUT(load.messages().size() > during + more, kWait);
            STARTED(cluster.start());
        }
        (void)judge.drain(load, kDrain);
        judge.judge(load);
        judge.print(load.messages().size());
    }
    QVERIFY2(judge.problems().isEmpty(), qPrintable(judge.problems().mid(0, 40).join(u'\n')));
    QVERIFY(judge.counts().answered > 0);
    for (size_t i = 0; i < fleet.size(); ++i) {
        QVERIFY(fleet.engine(i).isRunning());
        QCOMPARE(fleet.engine(i).processId(), processes[i]);
        QCOMPARE(fleet.engine(i).stop(), std::optional<int>(0));
    }
}

void ManyEnginesTest::aCancelReachesTheEngineThatHoldsTheTurn()
{
    SIGNALBOX_NEED_POSTGRES();
    QVERIFY(makeDatabase());
    const auto fleet = pair(m_postgres->url(), Millis(15'000));
    GatewayFixture &holder = fleet->relayed();
    STARTED(holder.start());
    const auto said = holder.mention(u"C0LONG"_s, u"slow 60s"_s);
    QTRY_COMPARE_WITH_TIMEOUT(holder.prompts(said.ts), 1, kWait);
    GatewayFixture &other = fleet->world();
    STARTED(other.start());
    QSignalSpy cancelled(&fleet->world().spritz(), &sandbox::SpritzSimulator::cancelled);
    const QString id = other.delivery(said.ts)[u"id"].toString();
    QElapsedTimer timer;
    timer.start();
    QCOMPARE(other.act(u"/deliveries/%1/cancel"_s.arg(id), "{\"reason\":\"enough\"}", "key-1"), 200);
    QTRY_COMPARE_WITH_TIMEOUT(cancelled.count(), 1, kWait);
    qInfo("cancelled in the other engine within %lld ms", static_cast<long long>(timer.elapsed()));
    SIGNALBOX_WAIT_OUTCOME(other, said.ts, "cancelled/cancelled", kWait);
    KillJudge judge(fleet->world());
    const Eye eye = judge.eye();
    QTRY_COMPARE_WITH_TIMEOUT(eye.number(u"SELECT count(*) FROM engine_orders"_s), 0, kWait);
}

void ManyEnginesTest::aCleanStopReturnsItsWorkAtOnce()
{
    SIGNALBOX_NEED_POSTGRES();
    QVERIFY(makeDatabase());
    const auto fleet = pair(m_postgres->url(), Millis(60'000)); // nobody can wait for the lease to end
    GatewayFixture &leaving = fleet->relayed();
    STARTED(leaving.start());
    const auto said = leaving.mention(u"C0LEAVE"_s, u"slow 60s"_s);
    QTRY_COMPARE_WITH_TIMEOUT(leaving.prompts(said.ts), 1, kWait);
    const auto next = leaving.mention(u"C0LEAVE"_s, u"next"_s);
    GatewayFixture &other = fleet->world();
    STARTED(other.start());
    QCOMPARE(leaving.stop(), std::optional<int>(0));
    QElapsedTimer timer;
    timer.start();
    KillJudge judge(fleet->world());
    const Eye eye = judge.eye();
    QTRY_COMPARE_WITH_TIMEOUT(
        eye.number(u"SELECT count(*) FROM deliveries WHERE engine_id = 'engine-0'"_s), 1, kWait);
    QVERIFY2(timer.elapsed() < 20'000, "it was not handed back");
    SIGNALBOX_WAIT_OUTCOME(other, next.ts, "completed/delivered", kWait);
    QCOMPARE(other.prompts(said.ts), 1);
}

// The same id on another host: the older life has lost, and must not go on.
void ManyEnginesTest::aReplacedLifeExits()
{
    SIGNALBOX_NEED_POSTGRES();
    QVERIFY(makeDatabase());
    GatewayOptions options = worldOptions(m_postgres->url(), Millis(2000));
    GatewayFixture older(options);
    STARTED(older.start());
    GatewayFixture newer(options, older);
    STARTED(newer.start());
    QCOMPARE(older.waitForEnd(Millis(kWait)), std::optional<int>(1));
    QVERIFY(older.log().contains("replaced"));
    const auto said = newer.mention(u"C0NEW"_s, u"who is it?"_s);
    SIGNALBOX_WAIT_OUTCOME(newer, said.ts, "completed/delivered", kWait);
}

QTEST_GUILESS_MAIN(ManyEnginesTest)
#include "tst_many_engines.moc"
