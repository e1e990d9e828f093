// SPDX-License-Identifier: Apache-2.0
// Kills signalboxd at random moments under a steady load, against a runtime that loses a fifth of its
// prompts, keeps half-done turns and finishes others after their connection has gone. SIGNALBOX_KILL_SEED
// repeats the moments and the load of a run, as far as the machine does.
#include "kill_load.h"
#include "support/postgres.h"

#include <QElapsedTimer>
#include <QSqlDatabase>
#include <QSqlError>
#include <QSqlQuery>
#include <QSqlRecord>
#include <QUrl>
#include <QUrlQuery>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;

namespace {

constexpr int kChannels = 150;
constexpr Millis kPause{70}; // 14 messages a second
constexpr int kDrain = 150'000;
constexpr double kAdoptedAtLeast = 0.95;
const QString kAdoptedMark = u"_recovered after an interruption, may be incomplete_"_s;

// The program's database, read beside it or after its death.
class Eye
{
public:
    Eye(const QString &url, const QString &file)
    {
        const bool postgres = !url.isEmpty();
        QSqlDatabase database = QSqlDatabase::addDatabase(postgres ? u"QPSQL"_s : u"QSQLITE"_s, u"eye"_s);
        const QUrl target(url);
        const QUrlQuery query(target);
        if (postgres) {
            database.setHostName(query.queryItemValue(u"host"_s, QUrl::FullyDecoded));
            database.setPort(target.port(5432));
            database.setUserName(target.userName());
            database.setDatabaseName(target.path().mid(1));
        } else {
            database.setDatabaseName(file);
            database.setConnectOptions(u"QSQLITE_BUSY_TIMEOUT=5000"_s);
        }
        if (!database.open())
            qWarning("the database cannot be looked into: %s", qPrintable(database.lastError().text()));
    }
    ~Eye() { QSqlDatabase::removeDatabase(u"eye"_s); }
    Eye(const Eye &) = delete;
    Eye &operator=(const Eye &) = delete;

    [[nodiscard]] std::vector<QStringList> rows(const QString &sql) const
    {
        std::vector<QStringList> all;
        QSqlQuery query(QSqlDatabase::database(u"eye"_s));
        if (!query.exec(sql))
            qWarning("%s", qPrintable(query.lastError().text()));
        while (query.next()) {
            QStringList row;
            for (int i = 0; i < query.record().count(); ++i)
                row << query.value(i).toString();
            all.push_back(row);
        }
        return all;
    }
    [[nodiscard]] qint64 number(const QString &sql) const
    {
        const auto all = rows(sql);
        return all.empty() ? -1 : all.front().value(0).toLongLong();
    }
};

// How a message ended, by what its own delivery says.
struct Ending
{
    Ending() = default;
    QString id;
    QString state;
    QString outcome;
    QString errorCode;
    int deliveries = 0;
    int attempts = 0;
    bool maybeDoubled = false;
};

struct Counts
{
    Counts() = default;
    int kills = 0;
    std::map<QString, int> killedAt; // prompt_state of unfinished deliveries at the kills
    int postsInFlight = 0;
    int answered = 0;
    int adopted = 0;
    int unconfirmed = 0;
    int dead = 0;
    int maybeDoubled = 0;
    int lost = 0; // prompted, and the runtime did not finish
    int interrupted = 0; // killed at sending or accepted
    int interruptedFinished = 0; // of those the runtime finished
    int interruptedAnswered = 0; // of those that were answered
    int fooled = 0; // answered out of a turn that the runtime did not finish
    std::map<int, int> prompts; // prompts for a message, messages
};

} // namespace

class RandomKillsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void everyMessageEndsOnceOrIsTold_data();
    void everyMessageEndsOnceOrIsTold();

private:
    [[nodiscard]] static GatewayOptions options(const QString &database);
    void killAndLook(GatewayFixture &gateway, Counts &counts);
    [[nodiscard]] bool runAndKill(
        GatewayFixture &gateway, KillLoad &load, int kills, std::mt19937 &random, Counts &counts);
    [[nodiscard]] bool drain(GatewayFixture &gateway, KillLoad &load);
    [[nodiscard]] QHash<QString, Ending> endings(GatewayFixture &gateway) const;
    void judge(GatewayFixture &gateway, const KillLoad::Message &message, const Ending &ending,
        const QStringList &texts, Counts &counts);
    void judgeNotices(const QString &channel, const QStringList &texts, int expected, bool flagged);
    void print(const Counts &counts, size_t messages) const;
    void problem(const QString &what) { m_problems << what; }

    std::optional<PostgresDatabase> m_postgres;
    QSet<QString> m_interrupted; // ts of messages killed at sending or accepted
    QStringList m_problems;
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

// What the program was doing when it died, read out of what it left behind.
void RandomKillsTest::killAndLook(GatewayFixture &gateway, Counts &counts)
{
    gateway.killNow();
    ++counts.kills;
    const Eye eye(gateway.options().database, gateway.dataDir() + u"/signalbox.db"_s);
    const auto open = eye.rows(u"SELECT message_ts, prompt_state FROM deliveries WHERE blocks = 1 AND state "
                               "IN ('running', 'waiting') AND waits_for <> 'lock'"_s);
    for (const QStringList &row : open) {
        ++counts.killedAt[row.value(1)];
        if (row.value(1) != u"none")
            m_interrupted.insert(row.value(0));
    }
    counts.postsInFlight
        += static_cast<int>(eye.number(u"SELECT count(*) FROM outbound_messages WHERE state = 'sending'"_s));
}

bool RandomKillsTest::runAndKill(
    GatewayFixture &gateway, KillLoad &load, int kills, std::mt19937 &random, Counts &counts)
{
    for (int i = 0; i < kills; ++i) {
        if (const Status started = gateway.start(Millis(60'000)); !started) {
            problem(u"did not start: "_s + started.error().toString());
            return false;
        }
        load.start();
        const Millis life(300 + static_cast<int>(random() % 2200));
        QElapsedTimer age;
        age.start();
        (void)QTest::qWaitFor(
            [&] { return age.hasExpired(life.count()); }, static_cast<int>(life.count()) + 5000);
        killAndLook(gateway, counts);
    }
    return gateway.start(Millis(60'000)).has_value();
}

bool RandomKillsTest::drain(GatewayFixture &gateway, KillLoad &load)
{
    load.stop();
    if (!QTest::qWaitFor([&] { return load.allAcknowledged(); }, kDrain)) {
        problem(u"messages without an acknowledgement"_s);
        return false;
    }
    const Eye eye(gateway.options().database, gateway.dataDir() + u"/signalbox.db"_s);
    QElapsedTimer pause;
    const auto isStill = [&] {
        if (pause.isValid() && !pause.hasExpired(500))
            return false;
        pause.start();
        return eye.number(
                   u"SELECT count(*) FROM deliveries WHERE state IN ('pending', 'running', 'waiting')"_s)
            == 0
            && eye.number(u"SELECT count(*) FROM outbound_messages WHERE state IN ('pending', 'sending', "
                          "'retry', 'unknown')"_s)
            == 0;
    };
    if (QTest::qWaitFor(isStill, kDrain))
        return true;
    for (const QStringList &row :
        eye.rows(u"SELECT message_ts, state, waits_for, prompt_state FROM deliveries "
                 "WHERE state IN ('pending', 'running', 'waiting') LIMIT 20"_s))
        problem(u"stays open: "_s + row.join(u' '));
    for (const QStringList &row : eye.rows(u"SELECT id, state, attempts, error_code FROM outbound_messages "
                                           "WHERE state NOT IN ('sent', 'refused', 'dead', 'cancelled') "
                                           "LIMIT 20"_s))
        problem(u"stays open: "_s + row.join(u' '));
    return false;
}

QHash<QString, Ending> RandomKillsTest::endings(GatewayFixture &gateway) const
{
    const Eye eye(gateway.options().database, gateway.dataDir() + u"/signalbox.db"_s);
    QHash<QString, Ending> all;
    QHash<QString, QString> byId;
    for (const QStringList &row :
        eye.rows(u"SELECT message_ts, id, state, outcome, error_code FROM deliveries"_s)) {
        Ending &ending = all[row.value(0)];
        ++ending.deliveries;
        ending.id = row.value(1);
        ending.state = row.value(2);
        ending.outcome = row.value(3);
        ending.errorCode = row.value(4);
        byId.insert(ending.id, row.value(0));
    }
    for (const QStringList &row :
        eye.rows(u"SELECT delivery_id FROM attempts WHERE what = 'turn' AND outcome <> 'running'"_s))
        ++all[byId.value(row.value(0))].attempts;
    for (const QStringList &row : eye.rows(
             u"SELECT delivery_id FROM outbound_messages WHERE maybe_doubled <> 0 AND error_code <> ''"_s))
        all[byId.value(row.value(0))].maybeDoubled = true;
    return all;
}

void RandomKillsTest::judge(GatewayFixture &gateway, const KillLoad::Message &message, const Ending &ending,
    const QStringList &texts, Counts &counts)
{
    const int prompts = gateway.spritz().agents().prompts(message.ts);
    const bool finished = gateway.spritz().agents().isFinished(message.ts);
    int replies = 0;
    bool adopted = false;
    for (const QString &text : texts) {
        const bool same = text == message.reply;
        const bool marked = text.startsWith(message.reply + u"\n\n"_s) && text.endsWith(kAdoptedMark);
        replies += same || marked ? 1 : 0;
        adopted = adopted || marked;
    }
    const QString found = u"%1: %2/%3 %4, %5 prompts, %6 replies, %7"_s.arg(message.ts, ending.state,
        ending.outcome, ending.errorCode, QString::number(prompts), QString::number(replies),
        finished ? u"finished"_s : u"not finished"_s);
    ++counts.prompts[prompts];
    const bool answered = ending.state == u"completed" && ending.outcome == u"delivered";
    counts.answered += answered ? 1 : 0;
    counts.adopted += adopted ? 1 : 0;
    counts.unconfirmed += ending.state == u"unconfirmed" ? 1 : 0;
    counts.dead += ending.state == u"dead" ? 1 : 0;
    counts.maybeDoubled += ending.maybeDoubled ? 1 : 0;
    counts.lost += prompts > 0 && !finished ? 1 : 0;
    if (ending.deliveries != 1)
        problem(u"%1 deliveries of "_s.arg(ending.deliveries) + found);
    if (prompts > 1)
        problem(u"prompted twice: "_s + found);
    if (answered ? (prompts != 1 || (replies != 1 && !(ending.maybeDoubled && replies == 2))) : replies != 0)
        problem(u"not one prompt and one reply: "_s + found);
    if (!answered && ending.state != u"unconfirmed" && ending.state != u"dead")
        problem(u"an ending that nobody expects: "_s + found);
    if (!answered && (ending.errorCode.isEmpty() || ending.attempts == 0))
        problem(u"no evidence: "_s + found);
    if (answered && !finished) {
        ++counts.fooled;
        problem(u"answered out of a turn that did not finish: "_s + found + u": "_s + texts.join(u" | "_s));
    }
    if (m_interrupted.contains(message.ts)) {
        ++counts.interrupted;
        counts.interruptedFinished += finished ? 1 : 0;
        counts.interruptedAnswered += finished && answered ? 1 : 0;
        if (finished && !answered)
            qInfo("finished, but not adopted: %s", qPrintable(found));
    }
}

// One notice for each message that got no answer.
void RandomKillsTest::judgeNotices(
    const QString &channel, const QStringList &texts, int expected, bool flagged)
{
    qsizetype notices = 0;
    for (const QString &text : texts) {
        const bool isStatus
            = text.startsWith(u"Still waking up"_s) || text.startsWith(u"I am still working on"_s);
        notices += text.startsWith(u"You said: "_s) || isStatus ? 0 : 1;
    }
    if (notices < expected || (notices > expected && !flagged))
        problem(
            u"%1: %2 notices for %3 messages without an answer"_s.arg(channel).arg(notices).arg(expected));
}

void RandomKillsTest::print(const Counts &counts, size_t messages) const
{
    QString killedAt;
    for (const auto &[state, count] : counts.killedAt)
        killedAt += u" %1 at %2,"_s.arg(count).arg(state);
    QString prompts;
    for (const auto &[times, count] : counts.prompts)
        prompts += u" %1 with %2,"_s.arg(count).arg(times);
    qInfo("%d kills; unfinished then:%s posts in flight %d", counts.kills, qPrintable(killedAt),
        counts.postsInFlight);
    qInfo("%zu acknowledged: %d answered (%d of them adopted), %d unconfirmed, %d dead, %d maybe doubled",
        messages, counts.answered, counts.adopted, counts.unconfirmed, counts.dead, counts.maybeDoubled);
    qInfo("messages by prompts:%s %d whose turn was never finished", qPrintable(prompts), counts.lost);
    qInfo(
        "killed at sending or accepted: %d, of which the runtime finished %d, of which %d were answered; %d "
        "answered out of an unfinished turn",
        counts.interrupted, counts.interruptedFinished, counts.interruptedAnswered, counts.fooled);
}

void RandomKillsTest::everyMessageEndsOnceOrIsTold()
{
    QFETCH(bool, postgres);
    QFETCH(int, kills);
    m_problems.clear();
    m_interrupted.clear();
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
    Counts counts;
    size_t said = 0;
    {
        KillLoad load(gateway, kChannels, kPause, seed);
        if (runAndKill(gateway, load, kills, random, counts))
            (void)drain(gateway, load);
        said = load.messages().size();
        const QHash<QString, Ending> all = endings(gateway);
        QHash<QString, int> silent;
        QHash<QString, bool> flagged;
        for (const KillLoad::Message &message : load.messages()) {
            const Ending ending = all.value(message.ts);
            judge(gateway, message, ending, gateway.appTexts(message.channel), counts);
            silent[message.channel] += ending.state == u"completed" ? 0 : 1;
            flagged[message.channel] = flagged[message.channel] || ending.maybeDoubled;
        }
        for (const QString &channel : silent.keys())
            judgeNotices(channel, gateway.appTexts(channel), silent[channel], flagged[channel]);
    }
    print(counts, said);
    if (gateway.isRunning() && gateway.stop() != 0)
        problem(u"the last life did not stop well"_s);
    QVERIFY2(m_problems.isEmpty(), qPrintable(m_problems.mid(0, 40).join(u'\n')));
    QVERIFY2(
        counts.interruptedAnswered >= kAdoptedAtLeast * counts.interruptedFinished, "too few were adopted");
    QVERIFY(counts.answered > 0 && counts.lost > 0);
    QVERIFY(counts.interrupted > 0 || kills < 6); // else nothing has been proved
}

QTEST_GUILESS_MAIN(RandomKillsTest)
#include "tst_random_kills.moc"
