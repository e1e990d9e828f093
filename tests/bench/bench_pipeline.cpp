// SPDX-License-Identifier: Apache-2.0
// The whole way of a message: a signed event into a signalboxd of its own, a prompt to the simulated runtime,
// the reply at the simulated Slack. tests/bench/README.md says how to run it and what it printed.
#include "load_generator.h"
#include "signed_requests.h"
#include "support/gateway_fixture.h"

#include <QCommandLineParser>
#include <QCoreApplication>
#include <QElapsedTimer>

#include <chrono>
#include <cstdio>
#include <thread>

using namespace Qt::StringLiterals;
using namespace signalbox;
using testing::GatewayFixture;
using testing::GatewayOptions;

namespace {

constexpr int kWarmUp = 300;
constexpr int kStill = 30'000; // nothing posted for so long: what is missing stays missing
constexpr int kStillInAgent = 10'000;

struct Plan
{
    int messages = 10'000;
    int connections = 16;
    int channels = 2000;
    double perSecond = 0;
    int inFlight = 0;
    QString database;
    bool spritz = true;
    bool reactions = true;
    QString logLevel;
};

double nowMs()
{
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

struct Posted
{
    Posted(QString where, double when)
        : channel(std::move(where))
        , at(when)
    {
    }
    QString channel;
    double at;
};

struct Run
{
    bench::LoadResult load;
    std::vector<double> latencies; // sorted, ms from the event's POST to its posted reply
    double seconds = 0;
    double cpuSeconds = 0;
    int replies = 0;
    [[nodiscard]] double percentile(double share) const
    {
        return latencies.empty()
            ? 0
            : latencies[static_cast<size_t>(share * static_cast<double>(latencies.size() - 1))];
    }
};

// Replies of a channel come in the order of its messages.
void match(const bench::MessagePlan &plan, const std::vector<Posted> &posted, Run &run)
{
    QHash<QString, std::vector<double>> started;
    for (int i = 0; i < plan.count; ++i)
        started[bench::channelOf(plan, plan.first + i)].push_back(run.load.startedMs[static_cast<size_t>(i)]);
    QHash<QString, size_t> seen;
    for (const Posted &reply : posted) {
        const size_t number = seen[reply.channel]++;
        const std::vector<double> &times = started[reply.channel];
        if (number < times.size() && times[number] > 0)
            run.latencies.push_back(reply.at - times[number]);
    }
    std::sort(run.latencies.begin(), run.latencies.end());
}

// Sends the messages and waits until all are answered, or (not `answered`) with the runtime; or until nothing
// has come for long.
Run send(GatewayFixture &gateway, const Plan &plan, const bench::MessagePlan &messages, bool answered)
{
    const SystemClock clock;
    Run run;
    const auto requests = bench::signedRequests(messages, gateway.slack(), clock);
    std::vector<Posted> posted;
    posted.reserve(requests.size());
    QObject context;
    QObject::connect(&gateway.slack(), &sandbox::SlackSimulator::posted, &context,
        [&](const QString &channel, const QString &) { posted.emplace_back(channel, nowMs()); });
    const auto came = [&] {
        return answered ? static_cast<int>(posted.size()) : gateway.spritz().agents().promptTotal();
    };
    // Of prompts to an agent process nothing is seen from here: they are in flight when nothing moves.
    const int most = answered || plan.spritz ? kStill : kStillInAgent;
    const int before = came();
    const double cpuBefore = bench::cpuSeconds(gateway.processId());
    const double begun = nowMs();
    std::atomic<bool> sent{false};
    std::thread generator([&] {
        run.load = bench::sendAll(gateway.ingressPort(), requests, plan.connections, plan.perSecond);
        sent = true;
    });
    QEventLoop loop;
    QTimer tick;
    int last = -1;
    QElapsedTimer still;
    still.start();
    QObject::connect(&tick, &QTimer::timeout, &loop, [&] {
        if (const int now = came(); now != last) {
            last = now;
            still.restart();
        }
        if ((sent && last - before >= messages.count) || (sent && still.elapsed() > most))
            loop.quit();
    });
    tick.start(10);
    loop.exec();
    generator.join();
    run.replies = static_cast<int>(posted.size());
    run.seconds = ((posted.empty() ? nowMs() : posted.back().at) - begun) / 1000.0;
    run.cpuSeconds = bench::cpuSeconds(gateway.processId()) - cpuBefore;
    match(messages, posted, run);
    return run;
}

GatewayOptions optionsOf(const Plan &plan)
{
    GatewayOptions options;
    options.backend = plan.spritz ? GatewayOptions::Backend::Spritz : GatewayOptions::Backend::Acp;
    options.database = plan.database;
    options.slackSimulator.keepText = false;
    options.slack = plan.reactions ? QByteArray() : QByteArray("ack_reaction = \"\"\n");
    options.further = "[log]\nlevel = \"" + plan.logLevel.toUtf8() + "\"\n";
    options.turn = "first_frame_timeout = \"10m\"\nidle_timeout = \"10m\"\n";
    return options;
}

bool measureRate(GatewayFixture &gateway, const Plan &plan, bench::MessagePlan messages)
{
    messages.count = plan.messages;
    const Run run = send(gateway, plan, messages, true);
    std::printf("messages        %d over %d connections%s\n", plan.messages, plan.connections,
        plan.perSecond > 0 ? qPrintable(u", %1 a second"_s.arg(plan.perSecond)) : ", flat out");
    std::printf("acknowledged    %d, %d refused, %d broken; p50 %.2f ms, p99 %.2f ms\n", run.load.ok,
        run.load.refused, run.load.broken, run.load.percentile(0.5), run.load.percentile(0.99));
    std::printf("replies         %d, %d missing, %.0f/s\n", run.replies, plan.messages - run.replies,
        run.replies / run.seconds);
    std::printf("end to end      p50 %.2f ms, p95 %.2f ms, p99 %.2f ms\n", run.percentile(0.5),
        run.percentile(0.95), run.percentile(0.99));
    std::printf("signalboxd      CPU %.3f ms a message, peak RSS %.0f MB\n",
        run.cpuSeconds * 1000.0 / plan.messages, bench::memoryMb(gateway.processId(), "VmHWM"));
    return run.load.ok == plan.messages && run.replies == plan.messages;
}

// Prompts that the runtime takes and never answers.
bool measureInFlight(GatewayFixture &gateway, Plan plan, bench::MessagePlan messages)
{
    messages.count = plan.inFlight;
    messages.channels = plan.inFlight;
    messages.text = u"stuck"_s;
    const double before = bench::memoryMb(gateway.processId(), "VmRSS");
    const int promptsBefore = gateway.spritz().agents().promptTotal();
    const Run run = send(gateway, plan, messages, false);
    const double after = bench::memoryMb(gateway.processId(), "VmRSS");
    const int seen = gateway.spritz().agents().promptTotal() - promptsBefore;
    const int prompts = plan.spritz ? seen : run.load.ok;
    std::printf("in flight       %d prompts: RSS %.1f MB, %.1f MB before, %.1f KB each\n", prompts, after,
        before, (after - before) * 1024.0 / plan.inFlight);
    return run.load.ok == plan.inFlight && prompts == plan.inFlight;
}

Plan planFrom(const QStringList &arguments)
{
    QCommandLineParser parser;
    const QCommandLineOption messages(u"messages"_s, u"how many"_s, u"n"_s, u"10000"_s);
    const QCommandLineOption rate(u"rate"_s, u"messages a second; flat out without it"_s, u"n"_s, u"0"_s);
    const QCommandLineOption connections(u"connections"_s, u"of the load"_s, u"n"_s, u"16"_s);
    const QCommandLineOption inFlight(
        u"in-flight"_s, u"prompts held by the runtime, instead"_s, u"n"_s, u"0"_s);
    const QCommandLineOption backend(u"backend"_s, u"spritz or acp"_s, u"kind"_s, u"spritz"_s);
    const QCommandLineOption database(u"database"_s, u"postgresql://…"_s, u"url"_s);
    const QCommandLineOption logLevel(u"log-level"_s, u"of signalboxd"_s, u"level"_s, u"error"_s);
    const QCommandLineOption noReactions(u"no-reactions"_s, u"without the acknowledgement reaction"_s);
    parser.addOptions({messages, rate, connections, inFlight, backend, database, logLevel, noReactions});
    parser.process(arguments);
    Plan plan;
    plan.messages = parser.value(messages).toInt();
    plan.perSecond = parser.value(rate).toDouble();
    plan.connections = parser.value(connections).toInt();
    plan.inFlight = parser.value(inFlight).toInt();
    plan.spritz = parser.value(backend) == u"spritz"_s;
    plan.database = parser.value(database);
    plan.logLevel = parser.value(logLevel);
    plan.reactions = !parser.isSet(noReactions);
    return plan;
}

} // namespace

int main(int argc, char **argv)
{
    qputenv("QT_NO_GLIB", "1");
    QCoreApplication app(argc, argv);
    if (qEnvironmentVariableIsEmpty("SIGNALBOX_BIN_DIR"))
        qputenv("SIGNALBOX_BIN_DIR", QFile::encodeName(QCoreApplication::applicationDirPath()));
    const Plan plan = planFrom(app.arguments());
    GatewayFixture gateway(optionsOf(plan));
    if (const Status started = gateway.start(); !started) {
        std::fprintf(stderr, "signalboxd did not start: %s\n", qPrintable(started.error().toString()));
        return 1;
    }
    bench::MessagePlan messages;
    messages.channels = plan.channels;
    messages.count = std::min(kWarmUp, std::max(plan.messages, plan.inFlight));
    Plan warm = plan;
    warm.perSecond = 0;
    const Run warmed = send(gateway, warm, messages, true);
    messages.first = messages.count;
    std::printf(
        "%s, %s\n", plan.spritz ? "spritz" : "acp", plan.database.isEmpty() ? "sqlite" : "postgresql");
    const bool good
        = plan.inFlight > 0 ? measureInFlight(gateway, plan, messages) : measureRate(gateway, plan, messages);
    if (plan.inFlight > 0)
        gateway.killNow();
    const bool stopped = plan.inFlight > 0 || gateway.stop() == 0;
    const QStringList problems = gateway.finish();
    for (const QString &problem : problems)
        std::fprintf(stderr, "%s\n", qPrintable(problem));
    return good && stopped && problems.isEmpty() && warmed.replies == messages.first ? 0 : 1;
}
