// SPDX-License-Identifier: Apache-2.0
// Kills signalboxd at random moments under a steady load, against a runtime that loses a fifth of its
// prompts, keeps half-done turns and finishes others after their connection has gone. SIGNALBOX_KILL_SEED
// repeats the moments and the load of a run, as far as the machine does.
#include "kill_judge.h"
#include "support/postgres.h"

#include <QElapsedTimer>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;

namespace {
constexpr int kChannels = 150;
constexpr Millis kPause{70}; // 14 messages a second
constexpr int kDrain = 150'000;
constexpr double kAdoptedAtLeast = 0.95;
} // namespace

class RandomKillsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void everyMessageEndsOnceOrIsTold_data();
    void everyMessageEndsOnceOrIsTold();

private:
    [[nodiscard]] static GatewayOptions options(const QString &database);
    [[nodiscard]] static bool runAndKill(
        GatewayFixture &gateway, KillLoad &load, int kills, std::mt19937 &random, KillJudge &judge);
    std::optional<PostgresDatabase> m_postgres;
};

void RandomKillsTest::everyMessageEndsOnceOrIsTold_data()
{
    const bool full = GatewayFixture::isFullForm();
    QTest::addColumn<bool>("postgres");
    QTest::addColumn<int>("kills");
    QTest::newRow("sqlite") << false << (full ? 200 : 6);
    QTest::newRow("postgres") << true << (full ? 200 : 3);
}

GatewayOptions RandomKillsTest::options(const QString &database)
{
    GatewayOptions options;
    options.backend = GatewayOptions::Backend::Spritz;
    options.database = database;
    options.slack = "ack_reaction = \"\"\n";
    options.turn = "first_frame_timeout = \"3s\"\nidle_timeout = \"3s\"\ncancel_grace = \"200ms\"\n"
                   "adoption_interval = \"500ms\"\nadoption_timeout = \"8s\"\n";
    options.recovery = "http_timeout = \"5s\"\nsession_retry_interval = \"300ms\"\n";
    options.spritzSimulator.agent.lostPercent = 20;
    options.spritzSimulator.agent.outlivePercent = 50;
    return options;
}

bool RandomKillsTest::runAndKill(
    GatewayFixture &gateway, KillLoad &load, int kills, std::mt19937 &random, KillJudge &judge)
{
    for (int i = 0; i < kills; ++i) {
        if (const Status started = gateway.start(Millis(60'000)); !started) {
            judge.problem(u"did not start: "_s + started.error().toString());
            return false;
        }
        load.start();
        const Millis life(300 + static_cast<int>(random() % 2200));
        QElapsedTimer age;
        age.start();
        (void)QTest::qWaitFor(
            [&] { return age.hasExpired(life.count()); }, static_cast<int>(life.count()) + 5000);
        gateway.killNow();
        judge.lookAtTheDead();
    }
    return gateway.start(Millis(60'000)).has_value();
}

void RandomKillsTest::everyMessageEndsOnceOrIsTold()
{
    QFETCH(bool, postgres);
    QFETCH(int, kills);
    m_postgres.reset();
    if (postgres) {
        SIGNALBOX_NEED_POSTGRES();
        auto created = PostgresDatabase::create();
        QVERIFY2(created, created ? "" : qPrintable(created.error().toString()));
        m_postgres.emplace(std::move(*created));
    }
    bool given = false;
    unsigned seed = qEnvironmentVariable("SIGNALBOX_KILL_SEED").toUInt(&given);
    if (!given)
        seed = std::random_device()();
    qInfo("SIGNALBOX_KILL_SEED=%u", seed);
    std::mt19937 random(seed);
    GatewayFixture gateway(options(postgres ? m_postgres->url() : QString()));
    KillJudge judge(gateway);
    {
        KillLoad load(gateway, kChannels, kPause, seed);
        if (runAndKill(gateway, load, kills, random, judge))
            (void)judge.drain(load, kDrain);
        judge.judge(load);
        judge.print(load.messages().size());
    }
    if (gateway.isRunning() && gateway.stop() != 0)
        judge.problem(u"the last life did not stop well"_s);
    QVERIFY2(judge.problems().isEmpty(), qPrintable(judge.problems().mid(0, 40).join(u'\n')));
    const Counts &counts = judge.counts();
    QVERIFY2(
        counts.interruptedAnswered >= kAdoptedAtLeast * counts.interruptedFinished, "too few were adopted");
    QVERIFY(counts.answered > 0 && counts.lost > 0);
    QVERIFY(counts.interrupted > 0 || kills < 6); // else nothing has been proved
}

QTEST_GUILESS_MAIN(RandomKillsTest)
#include "tst_random_kills.moc"
