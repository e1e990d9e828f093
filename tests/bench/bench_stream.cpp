// SPDX-License-Identifier: Apache-2.0
// The live stream between two engines on one PostgreSQL: from a change at one to the event at a client of the
// other, and what attached streams cost. tests/bench/README.md says how to run it and what it printed.
#include "load_generator.h"
#include "support/gateway_fixture.h"
#include "support/postgres.h"
#include "support/sse_client.h"

#include <QCommandLineParser>
#include <QCoreApplication>
#include <QDateTime>
#include <QElapsedTimer>
#include <QSet>
#include <QTcpSocket>

#include <atomic>
#include <cstdio>
#include <thread>

using namespace Qt::StringLiterals;
using namespace signalbox;
using testing::GatewayFixture;
using testing::GatewayOptions;
using testing::SseClient;
using testing::SseEvent;

namespace {

constexpr int kPerToken = 30; // streams
constexpr int kStill = 15'000;
const QByteArray kIngressToken = "bench-ingress";

QByteArray adminToken(int number)
{
    return "bench-admin-" + QByteArray::number(number);
}

struct Plan
{
    int reports = 2500;
    double perSecond = 250; // each is two changes: the event and its runtime
    int streams = 200;
    double attachedPerSecond = 25; // while they are attached: each report is an event for all of them
};

GatewayOptions optionsOn(const QString &database, int streams)
{
    GatewayOptions options;
    options.database = database;
    options.further = "[log]\nlevel = \"error\"\n[[ingress.tokens]]\nname = \"bench\"\ntoken = \""
        + kIngressToken + "\"\n";
    for (int i = 0; i <= streams / kPerToken + 1; ++i) {
        options.further += "[[admin.tokens]]\nname = \"t" + QByteArray::number(i)
            + "\"\nrole = \"viewer\"\ntoken = \"" + adminToken(i) + "\"\n";
    }
    return options;
}

std::vector<QByteArray> reports(int first, int count)
{
    std::vector<QByteArray> requests;
    for (int i = first; i < first + count; ++i) {
        const QByteArray body = "{\"backend\":\"under-test\",\"namespace\":\"bench\",\"instanceId\":\"i-"
            + QByteArray::number(i % 500) + "\",\"phase\":\"Ready\",\"eventId\":\"e-" + QByteArray::number(i)
            + "\"}";
        requests.push_back("POST /v1/lifecycle HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
            + kIngressToken + "\r\nContent-Type: application/json\r\nContent-Length: "
            + QByteArray::number(body.size()) + "\r\n\r\n" + body);
    }
    return requests;
}

double wallMs()
{
    return static_cast<double>(QDateTime::currentMSecsSinceEpoch());
}

struct Seen
{
    Seen() = default;
    std::vector<double> latencies; // ms
    QSet<QString> events;
    void take(const SseEvent &event)
    {
        if (event.name != "change" || event.data[u"kind"].toString() != u"lifecycle_event")
            return;
        const QString id = event.data[u"id"].toString();
        if (events.contains(id))
            return;
        events << id;
        const QDateTime stored
            = QDateTime::fromString(event.data[u"item"][u"created_at"].toString(), Qt::ISODateWithMs);
        latencies.push_back(wallMs() - static_cast<double>(stored.toMSecsSinceEpoch()));
    }
    [[nodiscard]] double percentile(double share) const
    {
        return latencies.empty()
            ? 0
            : latencies[static_cast<size_t>(share * static_cast<double>(latencies.size() - 1))];
    }
};

// A client that reads and forgets: two hundred that parse would measure themselves.
class Sink
{
public:
    Sink(quint16 port, const QByteArray &token)
    {
        const QByteArray head
            = "GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n\r\n";
        QObject::connect(
            &m_socket, &QTcpSocket::connected, &m_socket, [this, head] { m_socket.write(head); });
        QObject::connect(&m_socket, &QTcpSocket::readyRead, &m_socket, [this] {
            m_begun = m_begun || m_socket.peek(4096).contains("\nid: ");
            m_socket.readAll();
        });
        m_socket.connectToHost(u"127.0.0.1"_s, port);
    }
    [[nodiscard]] bool hasBegun() const { return m_begun; }

private:
    QTcpSocket m_socket;
    bool m_begun = false;
};
using Sinks = std::vector<std::unique_ptr<Sink>>;

Sinks attach(const GatewayFixture &gateway, int count)
{
    Sinks sinks;
    for (int i = 0; i < count; ++i)
        sinks.push_back(std::make_unique<Sink>(gateway.adminPort(), adminToken(i / kPerToken)));
    QElapsedTimer waited;
    waited.start();
    const auto begun = [&sinks] {
        return std::all_of(sinks.begin(), sinks.end(), [](const auto &sink) { return sink->hasBegun(); });
    };
    while (!begun() && waited.elapsed() < kStill)
        QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents, 100);
    return sinks;
}

// Sends the reports to one engine and listens at the other until all have come, or nothing comes any more.
bool measure(GatewayFixture &from, GatewayFixture &to, const Plan &plan, int first, const char *what)
{
    Seen seen;
    const int lastToken = plan.streams / kPerToken + 1;
    SseClient listener(
        to.adminPort(), u"/api/v1/stream?kinds=lifecycle_event,runtime"_s, adminToken(lastToken));
    listener.onEvent([&seen](const SseEvent &event) { seen.take(event); });
    QElapsedTimer still;
    still.start();
    while (listener.lastId().isEmpty() && still.elapsed() < kStill)
        QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents, 100);
    const auto requests = reports(first, plan.reports);
    const double cpuBefore = bench::cpuSeconds(to.processId());
    bench::LoadResult load;
    std::atomic<bool> sent{false};
    std::thread generator([&] {
        load = bench::sendAll(from.ingressPort(), requests, 8, plan.perSecond);
        sent = true;
    });
    still.restart();
    qsizetype last = -1;
    while (!sent || (seen.events.size() < load.ok && still.elapsed() < kStill)) {
        QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents, 20);
        if (seen.events.size() != last) {
            last = seen.events.size();
            still.restart();
        }
    }
    generator.join();
    std::sort(seen.latencies.begin(), seen.latencies.end());
    std::printf("%s\n", what);
    std::printf("  reports         %d stored of %d, %.0f a second asked for; p50 %.1f ms, p99 %.1f ms\n",
        load.ok, plan.reports, plan.perSecond, load.percentile(0.5), load.percentile(0.99));
    std::printf(
        "  seen            %d, %d missing\n", int(seen.events.size()), load.ok - int(seen.events.size()));
    std::printf("  change to event p50 %.0f ms, p95 %.0f ms, p99 %.0f ms\n", seen.percentile(0.5),
        seen.percentile(0.95), seen.percentile(0.99));
    std::printf("  its engine      CPU %.2f s, RSS %.1f MB\n", bench::cpuSeconds(to.processId()) - cpuBefore,
        bench::memoryMb(to.processId(), "VmRSS"));
    return load.ok == plan.reports && seen.events.size() == load.ok;
}

Plan planFrom(const QStringList &arguments)
{
    QCommandLineParser parser;
    const QCommandLineOption count(u"reports"_s, u"lifecycle reports, two changes each"_s, u"n"_s, u"2500"_s);
    const QCommandLineOption rate(u"rate"_s, u"reports a second"_s, u"n"_s, u"250"_s);
    const QCommandLineOption streams(u"streams"_s, u"to attach"_s, u"n"_s, u"200"_s);
    const QCommandLineOption attached(
        u"attached-rate"_s, u"reports a second while they are attached"_s, u"n"_s, u"25"_s);
    parser.addOptions({count, rate, streams, attached});
    parser.process(arguments);
    Plan plan;
    plan.reports = parser.value(count).toInt();
    plan.perSecond = parser.value(rate).toDouble();
    plan.streams = parser.value(streams).toInt();
    plan.attachedPerSecond = parser.value(attached).toDouble();
    return plan;
}

// Its tokens are configured, so there is no admin.json to find.
bool startEngine(GatewayFixture &gateway)
{
    const Status started = gateway.start();
    return started || started.error().code() == ErrorCode::NotFound;
}

} // namespace

int main(int argc, char **argv)
{
    qputenv("QT_NO_GLIB", "1");
    QCoreApplication app(argc, argv);
    if (qEnvironmentVariableIsEmpty("SIGNALBOX_BIN_DIR"))
        qputenv("SIGNALBOX_BIN_DIR", QFile::encodeName(QCoreApplication::applicationDirPath()));
    const Plan plan = planFrom(app.arguments());
    auto database = testing::PostgresDatabase::create();
    if (!database) {
        std::fprintf(stderr, "no PostgreSQL: set SIGNALBOX_TEST_POSTGRES\n");
        return 77;
    }
    GatewayFixture from(optionsOn(database->url(), plan.streams));
    GatewayFixture to(optionsOn(database->url(), plan.streams));
    if (!startEngine(from) || !startEngine(to)) {
        std::fprintf(stderr, "signalboxd did not start\n");
        return 1;
    }
    bool good = measure(from, to, plan, 0, "one stream");
    const double idle = bench::memoryMb(to.processId(), "VmRSS");
    {
        const Sinks sinks = attach(to, plan.streams);
        Plan attached = plan;
        attached.perSecond = plan.attachedPerSecond;
        std::printf("%d streams: RSS %.1f MB, %.1f MB before\n", plan.streams,
            bench::memoryMb(to.processId(), "VmRSS"), idle);
        attached.reports = std::max(1, static_cast<int>(plan.attachedPerSecond * 10));
        good = measure(from, to, attached, plan.reports, "the same with all of them attached") && good;
        std::printf("afterwards: RSS %.1f MB, %.1f MB more than before\n",
            bench::memoryMb(to.processId(), "VmRSS"), bench::memoryMb(to.processId(), "VmRSS") - idle);
    }
    for (GatewayFixture *gateway : {&from, &to}) {
        good = gateway->stop() == 0 && good;
        for (const QString &problem : gateway->finish()) {
            std::fprintf(stderr, "%s\n", qPrintable(problem));
            good = false;
        }
    }
    return good ? 0 : 1;
}
