// SPDX-License-Identifier: Apache-2.0
// How fast several engines claim deliveries from one PostgreSQL, as a share of what pgbench reaches with the
// same statements:
//   bench_claims [--engines 4] [--deliveries 20000] [--batch 1] [--installations 1] [--no-pgbench]
// Each engine is a process with a store of its own that makes one claim after the other, as its dispatcher
// does. Deliveries have sessions of their own, so every claim finds its lock free. Needs
// SIGNALBOX_TEST_POSTGRES, and pgbench for the share.
#include "async/block_on.h"
#include "base/json.h"
#include "store/session.h"
#include "store/store.h"
#include "support/postgres.h"

#include <QCommandLineParser>
#include <QCoreApplication>
#include <QDir>
#include <QElapsedTimer>
#include <QProcess>
#include <QRegularExpression>
#include <QSqlDatabase>
#include <QSqlError>
#include <QSqlQuery>
#include <QStandardPaths>
#include <QTemporaryDir>

#include <cstdio>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;

namespace {

constexpr Millis kLong{3'600'000};

struct Load
{
    Load() = default;
    int engines = 4;
    int deliveries = 20'000;
    int batch = 1;
    int installations = 1;
};

QSqlDatabase connection(const QString &url)
{
    const auto target = DatabaseTarget::parse(url, QString());
    QSqlDatabase database = QSqlDatabase::addDatabase(u"QPSQL"_s, u"bench"_s);
    database.setHostName(target->host);
    database.setPort(target->port);
    database.setUserName(target->user);
    database.setDatabaseName(target->name);
    if (!database.open())
        std::fprintf(stderr, "%s\n", qPrintable(database.lastError().text()));
    return database;
}

// Rows as ingest leaves them, made by the database itself.
bool preload(const QString &url, const Load &load)
{
    {
        const SystemClock clock;
        QObject home;
        StoreOptions options;
        options.database = url;
        auto opened = openStore(options, clock, &home);
        if (!opened) {
            std::fprintf(stderr, "%s\n", qPrintable(opened.error().toString()));
            return false;
        }
    }
    const QString series = u"FROM generate_series(0, %1) AS i"_s.arg(load.deliveries - 1);
    const QString tenant = u"'in' || i %% %1"_s.arg(load.installations).replace(u"%%"_s, u"%"_s);
    const QStringList statements{
        u"INSERT INTO installations (id, channel, tenant, app, backend, state, require_mention, created_at, "
        u"updated_at) "
        u"SELECT 'in' || i, 'slack', 'T' || i, 'A1', 'agent', 'active', 1, 1, 1 FROM generate_series(0, %1) AS i"_s
            .arg(load.installations - 1),
        u"INSERT INTO sessions (id, installation_id, channel, tenant, backend, place, thread, next_ordinal, "
        u"last_active_at, created_at, updated_at) SELECT 'se_' || lpad(i::text, 8, '0'), "_s
            + tenant + u", 'slack', 'T1', 'agent', 'C1', i::text, 2, 1, 1, 1 "_s + series,
        u"INSERT INTO deliveries (id, installation_id, session_id, ordinal, state, outcome, blocks, "
        u"mentioned, direct, "
        u"place, thread, message_ts, user_id, due_at, created_at, updated_at) SELECT 'd' || lpad(i::text, 8, '0'), "_s
            + tenant
            + u", 'se_' || lpad(i::text, 8, '0'), 1, 'pending', '', 1, 1, 0, 'C1', i::text, i::text, 'U1', 1, 1, 1 "_s
            + series,
        u"INSERT INTO payloads (id, body, expires_at) SELECT 'd' || lpad(i::text, 8, '0'), repeat('x', 400), "
        u"4000000000000 "_s
            + series,
        u"INSERT INTO engines (id, incarnation, lease_until, host, pid, version, config_hash, started_at) "
        u"SELECT 'pg' || i, 1, 4000000000000, 'bench', 1, '1', '', 1 FROM generate_series(0, 63) AS i"_s,
        u"ANALYZE"_s};
    bool good = true;
    {
        QSqlDatabase database = connection(url);
        for (const QString &statement : statements) {
            QSqlQuery query(database);
            if (good && !query.exec(statement)) {
                std::fprintf(stderr, "%s\n", qPrintable(query.lastError().text()));
                good = false;
            }
        }
    }
    QSqlDatabase::removeDatabase(u"bench"_s);
    return good;
}

double percentile(std::vector<qint64> &times, int percent)
{
    if (times.empty())
        return 0;
    std::sort(times.begin(), times.end());
    return double(times[(times.size() - 1) * size_t(percent) / 100]) / 1e6;
}

// One engine: claims until nothing is left.
int claimAll(const QString &url, const QString &id, int batch)
{
    const SystemClock clock;
    QObject home;
    StoreOptions options;
    options.database = url;
    auto opened = openStore(options, clock, &home);
    if (!opened)
        return 1;
    Store &store = **opened;
    EngineRegistration registration;
    registration.id = id;
    registration.token = id;
    registration.version = u"bench"_s;
    registration.lease = kLong;
    const auto registered = async::blockOn(store.registerEngine(registration), kLong);
    if (!registered)
        return 1;
    std::printf("ready\n");
    std::fflush(stdout);
    if (std::getchar() == EOF)
        return 1;
    ClaimLimits limits;
    limits.most = batch;
    std::vector<qint64> times;
    int deliveries = 0;
    QElapsedTimer all;
    all.start();
    qint64 end = 0;
    for (int empty = 0; empty < 3;) {
        QElapsedTimer one;
        one.start();
        const auto claimed = async::blockOn(store.claimDeliveries(registered->life, limits), kLong);
        if (!claimed)
            return 1;
        if (claimed->empty()) {
            ++empty;
            continue;
        }
        times.push_back(one.nsecsElapsed());
        deliveries += static_cast<int>(claimed->size());
        end = all.nsecsElapsed();
    }
    const auto claims = static_cast<qint64>(times.size());
    Json said = Json::object({{u"deliveries"_s, deliveries}, {u"claims"_s, claims}, {u"ns"_s, end}});
    said.set(u"p50_us"_s, qint64(percentile(times, 50) * 1000));
    said.set(u"p95_us"_s, qint64(percentile(times, 95) * 1000));
    said.set(u"p99_us"_s, qint64(percentile(times, 99) * 1000));
    std::printf("%s\n", said.toBytes().constData());
    return 0;
}

struct Figures
{
    Figures() = default;
    double perSecond = 0; // claims, of all engines
    double p50 = 0; // of the slowest engine
    double p95 = 0;
    double p99 = 0;
    int deliveries = 0;
};

std::optional<Figures> runEngines(const QString &url, const Load &load)
{
    std::vector<std::unique_ptr<QProcess>> engines;
    for (int i = 0; i < load.engines; ++i) {
        auto &engine = engines.emplace_back(std::make_unique<QProcess>());
        engine->setProcessChannelMode(QProcess::ForwardedErrorChannel);
        engine->start(QCoreApplication::applicationFilePath(),
            {u"--worker"_s, url, u"engine-%1"_s.arg(i), QString::number(load.batch)});
    }
    for (const auto &engine : engines) {
        if (!engine->waitForReadyRead(60'000) || engine->readLine() != "ready\n")
            return std::nullopt;
    }
    for (const auto &engine : engines) {
        engine->write("go\n");
        engine->waitForBytesWritten();
    }
    Figures figures;
    for (const auto &engine : engines) {
        if (!engine->waitForFinished(600'000) || engine->exitCode() != 0)
            return std::nullopt;
        const auto said = Json::parse(engine->readAllStandardOutput().trimmed());
        if (!said)
            return std::nullopt;
        const auto number = [&](QStringView key) { return double((*said)[key].toInt().value_or(0)); };
        figures.perSecond += number(u"claims") / (number(u"ns") / 1e9);
        figures.deliveries += static_cast<int>(number(u"deliveries"));
        figures.p50 = std::max(figures.p50, number(u"p50_us") / 1000);
        figures.p95 = std::max(figures.p95, number(u"p95_us") / 1000);
        figures.p99 = std::max(figures.p99, number(u"p99_us") / 1000);
    }
    return figures;
}

QString pgbench()
{
    const QString found = QStandardPaths::findExecutable(u"pgbench"_s);
    if (!found.isEmpty())
        return found;
    const QDir versions(u"/usr/lib/postgresql"_s);
    const QStringList names
        = versions.entryList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Name | QDir::Reversed);
    return names.isEmpty() ? QString() : versions.filePath(names.first() + u"/bin/pgbench"_s);
}

// Claims of one delivery a second, or 0.
double runPgbench(const QString &url, const Load &load)
{
    const auto target = DatabaseTarget::parse(url, QString());
    QProcess bench;
    const QString each
        = QString::number(load.deliveries * 8 / 10 / load.engines); // so that none finds nothing
    bench.start(pgbench(),
        {u"-h"_s, target->host, u"-p"_s, QString::number(target->port), u"-U"_s, target->user, u"-n"_s,
            u"-M"_s, u"prepared"_s, u"-c"_s, QString::number(load.engines), u"-j"_s, u"2"_s, u"-t"_s, each,
            u"-f"_s, QStringLiteral(SIGNALBOX_CLAIM_SCRIPT), target->name});
    if (!bench.waitForFinished(600'000) || bench.exitCode() != 0) {
        std::fprintf(stderr, "pgbench: %s\n", bench.readAllStandardError().constData());
        return 0;
    }
    const QString said = QString::fromUtf8(bench.readAllStandardOutput());
    static const QRegularExpression tps(u"tps = ([0-9.]+)"_s);
    return tps.match(said).captured(1).toDouble();
}

int run(const Load &load, bool withPgbench)
{
    auto database = testing::PostgresDatabase::create();
    if (!database || !preload(database->url(), load))
        return 1;
    const auto figures = runEngines(database->url(), load);
    if (!figures) {
        std::fprintf(stderr, "an engine failed\n");
        return 1;
    }
    std::printf("%d engines, batches of %d, %d installations: %.0f claims/s (%d deliveries), "
                "p50 %.2f ms, p95 %.2f ms, p99 %.2f ms\n",
        load.engines, load.batch, load.installations, figures->perSecond, figures->deliveries, figures->p50,
        figures->p95, figures->p99);
    std::fflush(stdout);
    if (figures->deliveries != load.deliveries) {
        std::fprintf(stderr, "%d deliveries were not claimed once\n", load.deliveries - figures->deliveries);
        return 1;
    }
    if (!withPgbench || load.batch > 1 || load.installations > 1) // its script claims one of one installation
        return 0;
    auto other = testing::PostgresDatabase::create();
    if (!other || !preload(other->url(), load))
        return 1;
    const double tps = runPgbench(other->url(), load);
    if (tps <= 0)
        return 1;
    std::printf("pgbench, %d clients, the same statements for one delivery: %.0f/s; share %.2f\n",
        load.engines, tps, figures->perSecond / tps);
    return 0;
}

} // namespace

int main(int argc, char **argv)
{
    const QCoreApplication app(argc, argv);
    const QStringList arguments = QCoreApplication::arguments();
    if (arguments.value(1) == u"--worker")
        return claimAll(arguments.value(2), arguments.value(3), arguments.value(4).toInt());
    QCommandLineParser parser;
    const QCommandLineOption engines(u"engines"_s, u"Engines."_s, u"n"_s, u"4"_s);
    const QCommandLineOption deliveries(u"deliveries"_s, u"Deliveries."_s, u"n"_s, u"20000"_s);
    const QCommandLineOption batch(u"batch"_s, u"Deliveries a claim."_s, u"n"_s, u"1"_s);
    const QCommandLineOption installations(u"installations"_s, u"Installations."_s, u"n"_s, u"1"_s);
    const QCommandLineOption alone(u"no-pgbench"_s, u"Only the engines."_s);
    parser.addOptions({engines, deliveries, batch, installations, alone});
    parser.addHelpOption();
    parser.process(app);
    if (!testing::PostgresDatabase::isAvailable()) {
        std::printf("SIGNALBOX_TEST_POSTGRES is not set\n");
        return testing::PostgresDatabase::isRequired() ? 1 : 0;
    }
    Load load;
    load.engines = std::max(1, parser.value(engines).toInt());
    load.deliveries = std::max(100, parser.value(deliveries).toInt());
    load.batch = std::max(1, parser.value(batch).toInt());
    load.installations = std::max(1, parser.value(installations).toInt());
    return run(load, !parser.isSet(alone));
}
