// SPDX-License-Identifier: Apache-2.0
// The way of many messages: signed events flat out into a signalboxd of its own, whose workers run against
// the simulators, until every reply is posted. tests/bench/README.md says how to run it and what it printed.
#include "async/block_on.h"
#include "load_generator.h"
#include "sandbox/slack_simulator.h"
#include "signed_requests.h"
#include "support/child_process.h"

#include <QCommandLineParser>
#include <QCoreApplication>
#include <QElapsedTimer>
#include <QFile>
#include <QTemporaryDir>
#include <QThread>

#include <cstdio>
#include <sqlite3.h>
#include <thread>

using namespace Qt::StringLiterals;
using namespace signalbox;

namespace {

struct Plan
{
    int messages = 20'000;
    int connections = 32;
    int channels = 200;
    double perSecond = 0;
    int preload = 0;
    bool reactions = true;
    QString database;
    QString binary;
};

struct Figures
{
    bench::LoadResult load;
    double repliesSeconds = 0;
    int replies = 0;
    double peakMb = 0;
    double cpuMsPerMessage = 0;
};

bool writeConfig(const Plan &plan, const QString &folder, const QString &slackUrl)
{
    QFile file(folder + u"/signalbox.toml"_s);
    if (!file.open(QIODevice::WriteOnly))
        return false;
    QString text = u"[engine]\ndata_dir = \"%1/data\"\n"_s.arg(folder);
    if (!plan.database.isEmpty())
        text += u"database = \"%1\"\n"_s.arg(plan.database);
    text += u"[ingress]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n"_s;
    text += u"[slack]\nsigning_secret = \"bench-secret\"\napi_base_url = \"%1\"\nack_reaction = \"%2\"\n"_s
                .arg(slackUrl, plan.reactions ? u"eyes"_s : QString());
    text
        += u"[[backends]]\nname = \"local\"\nkind = \"acp\"\ncommand = [\"%1\", \"--sandbox-agent\"]\nworking_directory = \"%2\"\n"_s
               .arg(plan.binary, folder);
    text
        += u"[[installations]]\nchannel = \"slack\"\ntenant = \"T0BENCH\"\nbackend = \"local\"\nbot_token = \"xoxb-bench\"\n"_s;
    text += u"[log]\nlevel = \"error\"\n"_s;
    return file.write(text.toUtf8()) > 0;
}

// Deliveries of the past, written straight into the file while nobody runs: what a busy month leaves behind.
bool preloadDeliveries(const QString &path, int count)
{
    sqlite3 *database = nullptr;
    if (sqlite3_open(path.toUtf8().constData(), &database) != SQLITE_OK)
        return false;
    const QByteArray n = QByteArray::number(count);
    const QByteArray series
        = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < " + n + ") ";
    const QByteArray at = "(1763000000000 + i * 1000)";
    const QByteArray id = "(printf('%08x-%04x', (1763000000000 + i * 1000) >> 16, (1763000000000 + i * 1000) "
                          "& 65535) || '-7000-8000-' || printf('%012x', i))";
    const QByteArray session = "('se_' || printf('%08x', 1763000000 + i) || substr(hex(randomblob(13)), 1, "
                               "18) || printf('%08x', i))";
    const QByteArray script = "PRAGMA journal_mode = WAL; BEGIN; CREATE TEMP TABLE pre AS " + series
        + "SELECT i, " + at + " AS at, " + id + " AS id, " + session
        + " AS session FROM n;"
          "INSERT INTO sessions (id, installation_id, channel, tenant, backend, place, thread, next_ordinal, "
          "last_active_at, created_at, updated_at) "
          "SELECT session, 'slack:T0BENCH', 'slack', 'T0BENCH', 'local', 'C000001', '', 1, at, at, at FROM "
          "pre ORDER BY i;"
          "INSERT INTO deliveries (id, installation_id, session_id, ordinal, state, outcome, prompt_state, "
          "blocks, mentioned, direct, place, thread, "
          "message_ts, user_id, attempts, due_at, finished_at, created_at, updated_at) SELECT id, "
          "'slack:T0BENCH', session, 1, 'completed', "
          "'delivered', 'accepted', 0, 1, 0, 'C000001', '', printf('%d.000100', 1763000000 + i), 'U0BENCH', "
          "1, at, at + 900, at, at + 900 FROM pre ORDER BY i;"
          "INSERT INTO payloads (id, body, expires_at) SELECT id, '{\"type\":\"app_mention\",\"text\":\"a "
          "message of the past\"}', at + 5000000000 FROM pre ORDER BY i;"
          "INSERT INTO inbound_keys (key, delivery_id, expires_at) SELECT printf('%08x', 1763000000 + i) || "
          "'m' || lower(hex(randomblob(13))), id, at + 5000000000 FROM pre ORDER BY i;"
          "INSERT INTO inbound_keys (key, delivery_id, expires_at) SELECT printf('%08x', 1763000000 + i) || "
          "'e' || lower(hex(randomblob(13))), id, at + 5000000000 FROM pre ORDER BY i;"
          "COMMIT; PRAGMA wal_checkpoint(TRUNCATE);";
    char *error = nullptr;
    const bool done = sqlite3_exec(database, script.constData(), nullptr, nullptr, &error) == SQLITE_OK;
    if (!done)
        std::fprintf(stderr, "preload failed: %s\n", error);
    sqlite3_free(error);
    sqlite3_close(database);
    return done;
}

quint16 ingressPort(const QByteArray &readyLine)
{
    const qsizetype from = readyLine.indexOf("ingress=127.0.0.1:") + 18;
    return readyLine.mid(from, readyLine.indexOf(' ', from) - from).toUShort();
}

bool startDaemon(testing::ChildProcess &daemon, const Plan &plan, const QString &folder, quint16 &port)
{
    if (!daemon.start(plan.binary, QStringList{u"--config"_s, folder + u"/signalbox.toml"_s}))
        return false;
    const auto ready = daemon.waitForLine("ready ");
    if (!ready) {
        std::fprintf(stderr, "signalboxd did not become ready: %s\n", daemon.errors().constData());
        return false;
    }
    port = ingressPort(*ready);
    return true;
}

Figures measure(
    const Plan &plan, sandbox::SlackSimulator &slack, const Clock &clock, qint64 pid, quint16 port)
{
    Figures figures;
    bench::MessagePlan messages;
    messages.count = plan.messages;
    messages.channels = plan.channels;
    const std::vector<QByteArray> requests = bench::signedRequests(messages, slack, clock);
    const double cpuBefore = bench::cpuSeconds(pid);
    QElapsedTimer watch;
    watch.start();
    std::atomic<bool> sent{false};
    std::thread generator([&] {
        figures.load = bench::sendAll(port, requests, plan.connections, plan.perSecond);
        sent = true;
    });
    QEventLoop loop;
    QTimer tick;
    int last = -1;
    QElapsedTimer still;
    still.start();
    QObject::connect(&tick, &QTimer::timeout, &loop, [&] {
        if (slack.postedCount() != last) {
            last = slack.postedCount();
            still.restart();
        }
        if ((sent && last >= plan.messages) || still.elapsed() > 30'000)
            loop.quit();
    });
    tick.start(20);
    loop.exec();
    generator.join();
    figures.repliesSeconds = static_cast<double>(watch.elapsed()) / 1000.0;
    figures.replies = slack.postedCount();
    figures.peakMb = bench::memoryMb(pid, "VmHWM");
    figures.cpuMsPerMessage = (bench::cpuSeconds(pid) - cpuBefore) * 1000.0 / plan.messages;
    return figures;
}

void print(const Plan &plan, const Figures &figures, const bench::SyncProbe &probe)
{
    const bench::LoadResult &load = figures.load;
    std::printf("database              %s%s\n", plan.database.isEmpty() ? "sqlite" : "postgresql",
        plan.preload > 0 ? qPrintable(u", %1 deliveries stored before"_s.arg(plan.preload)) : "");
    std::printf("messages              %d over %d connections%s\n", plan.messages, plan.connections,
        plan.perSecond > 0 ? qPrintable(u", %1 a second"_s.arg(plan.perSecond)) : ", flat out");
    std::printf("durable acks/s        %.0f (%d acknowledged, %d refused, %d broken)\n",
        load.ok / load.seconds, load.ok, load.refused, load.broken);
    std::printf("ack latency           p50 %.2f ms, p95 %.2f ms, p99 %.2f ms\n", load.percentile(0.5),
        load.percentile(0.95), load.percentile(0.99));
    std::printf("fdatasync of 16 KB    p50 %.2f ms, p99 %.2f ms\n", probe.p50, probe.p99);
    std::printf("replies               %d, %d missing, all within %.1f s (%.0f/s)\n", figures.replies,
        plan.messages - figures.replies, figures.repliesSeconds, figures.replies / figures.repliesSeconds);
    std::printf("signalboxd            peak RSS %.0f MB, CPU %.2f ms a message\n", figures.peakMb,
        figures.cpuMsPerMessage);
}

Plan planFrom(const QStringList &arguments)
{
    QCommandLineParser parser;
    const QCommandLineOption messages(u"messages"_s, u"how many"_s, u"n"_s, u"20000"_s);
    const QCommandLineOption rate(u"rate"_s, u"messages a second; flat out without it"_s, u"n"_s, u"0"_s);
    const QCommandLineOption connections(u"connections"_s, u"how many"_s, u"n"_s, u"32"_s);
    const QCommandLineOption preload(u"preload"_s, u"deliveries stored before (SQLite)"_s, u"n"_s, u"0"_s);
    const QCommandLineOption database(u"database"_s, u"postgresql://…"_s, u"url"_s);
    const QCommandLineOption noReactions(u"no-reactions"_s, u"without the acknowledgement reaction"_s);
    parser.addOptions({messages, rate, connections, preload, database, noReactions});
    parser.process(arguments);
    Plan plan;
    plan.messages = parser.value(messages).toInt();
    plan.perSecond = parser.value(rate).toDouble();
    plan.connections = parser.value(connections).toInt();
    plan.preload = parser.value(preload).toInt();
    plan.database = parser.value(database);
    plan.reactions = !parser.isSet(noReactions);
    plan.binary = QCoreApplication::applicationDirPath() + u"/signalboxd"_s;
    return plan;
}

} // namespace

int main(int argc, char **argv)
{
    qputenv("QT_NO_GLIB", "1");
    QCoreApplication app(argc, argv);
    const Plan plan = planFrom(app.arguments());
    const SystemClock clock;
    QTemporaryDir folder;
    sandbox::SlackSimulatorConfig slackConfig;
    slackConfig.teamId = u"T0BENCH"_s;
    slackConfig.botToken = Secret("xoxb-bench");
    slackConfig.signingSecret = Secret("bench-secret");
    slackConfig.appId = u"A0BENCH"_s;
    slackConfig.keepText = false;
    sandbox::SlackSimulator slack(slackConfig, clock);
    if (!slack.listen())
        return 1;
    if (!writeConfig(plan, folder.path(), slack.apiBaseUrl()))
        return 1;
    testing::ChildProcess daemon;
    quint16 port = 0;
    if (!startDaemon(daemon, plan, folder.path(), port))
        return 1;
    if (plan.preload > 0) {
        daemon.terminate();
        if (!daemon.waitForEnd() || !preloadDeliveries(folder.path() + u"/data/signalbox.db"_s, plan.preload)
            || !startDaemon(daemon, plan, folder.path(), port))
            return 1;
    }
    const bench::SyncProbe probe = bench::probeSync(folder.path().toUtf8());
    const Figures figures = measure(plan, slack, clock, daemon.processId(), port);
    print(plan, figures, probe);
    daemon.terminate();
    const bool stopped = daemon.waitForEnd() == 0;
    async::blockOn(slack.close());
    return figures.load.ok == plan.messages && figures.replies == plan.messages && stopped ? 0 : 1;
}
