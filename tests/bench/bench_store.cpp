// SPDX-License-Identifier: Apache-2.0
// What storing one inbound message costs, with 32 in flight:
//   bench_store [messages] [--preload N]
// On SQLite in a temporary folder, on SQLite with N deliveries stored already (default 1,000,000; 0 leaves it
// out), and on the PostgreSQL that SIGNALBOX_TEST_POSTGRES names. fdatasync of one page stands beside it,
// because nothing durable can be faster than the disk. Figures are for comparing two builds on one machine,
// not promises.
#include "async/block_on.h"
#include "base/ids.h"
#include "domain/session_id.h"
#include "store/store.h"
#include "support/postgres.h"

#include <QCoreApplication>
#include <QElapsedTimer>
#include <QSqlDatabase>
#include <QSqlError>
#include <QSqlQuery>
#include <QTemporaryDir>

#include <cstdio>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;

namespace {

constexpr int kInFlight = 32;
constexpr qsizetype kPayloadBytes = 400;

double cpuSeconds(int who)
{
    rusage usage{};
    ::getrusage(who, &usage);
    const auto seconds = [](const timeval &time) { return double(time.tv_sec) + double(time.tv_usec) / 1e6; };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double percentile(std::vector<qint64> &times, int percent)
{
    if (times.empty())
        return 0;
    std::sort(times.begin(), times.end());
    return double(times[(times.size() - 1) * size_t(percent) / 100]) / 1e3;
}

void probeDisk(const QString &folder)
{
    const QByteArray path = (folder + u"/probe"_s).toLocal8Bit();
    const int fd = ::open(path.constData(), O_CREAT | O_WRONLY, 0600);
    if (fd < 0)
        return;
    const QByteArray page(4096, 'x');
    std::vector<qint64> times;
    QElapsedTimer clock;
    for (int i = 0; i < 200; ++i) {
        clock.start();
        if (::pwrite(fd, page.constData(), size_t(page.size()), off_t(i) * page.size()) < 0
            || ::fdatasync(fd) != 0)
            break;
        times.push_back(clock.nsecsElapsed());
    }
    ::close(fd);
    ::unlink(path.constData());
    const double p50 = percentile(times, 50);
    const double p95 = percentile(times, 95);
    std::printf("%-34s p50 %7.0f us   p95 %7.0f us   p99 %7.0f us\n", "fdatasync of a page", p50, p95,
        percentile(times, 99));
}

InstallationRow installation()
{
    InstallationRow row;
    row.id = u"in_bench"_s;
    row.channel = u"slack"_s;
    row.tenant = u"T1"_s;
    row.app = u"A1"_s;
    row.backend = u"agent"_s;
    return row;
}

// Two messages a thread, three keys a message: every second message makes its session.
std::vector<IngestRequest> makeRequests(int count, const Clock &clock)
{
    SystemIdGenerator ids(clock);
    const qint64 start = toMs(clock.now()) / 1000;
    std::vector<IngestRequest> requests(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
        IngestRequest &request = requests[size_t(i)];
        const QString ts = u"%1.%2"_s.arg(start + i / 1000).arg(i % 1000, 6, 10, QChar(u'0'));
        request.deliveryId = ids.next();
        request.installationId = u"in_bench"_s;
        request.channel = u"slack"_s;
        request.tenant = u"T1"_s;
        request.backend = u"agent"_s;
        request.keys = {domain::eventKey(request.installationId, u"Ev%1"_s.arg(i), ts),
            domain::messageKey(request.installationId, u"C1"_s, ts),
            domain::clientMessageKey(request.installationId, u"client-%1"_s.arg(i), start / 600)};
        request.lookupKeys = request.keys;
        request.lookupKeys << domain::clientMessageKey(
            request.installationId, u"client-%1"_s.arg(i), start / 600 - 1)
                           << domain::clientMessageKey(
                                  request.installationId, u"client-%1"_s.arg(i), start / 600 + 1);
        request.keyTtl = std::chrono::hours(48);
        domain::SessionScope scope;
        scope.channel = u"slack"_s;
        scope.tenant = u"T1"_s;
        scope.backend = u"agent"_s;
        scope.place = u"C1"_s;
        scope.thread = u"%1.%2"_s.arg(start + i / 2 / 1000).arg(i / 2 % 1000, 6, 10, QChar(u'0'));
        request.sessionId = domain::sessionId(scope);
        request.sessionThread = scope.thread;
        request.place = u"C1"_s;
        request.thread = scope.thread;
        request.messageTs = ts;
        request.user = u"U1"_s;
        request.payload = "{\"text\":\"" + QByteArray(kPayloadBytes, 'x') + "\"}";
        request.payloadTtl = std::chrono::hours(24 * 30);
    }
    return requests;
}

struct Drive
{
    Drive() = default;
    std::vector<IngestRequest> requests;
    std::vector<qint64> times;
    size_t next = 0;
    int failed = 0;
    QElapsedTimer clock;
};

QCoro::Task<> worker(Store *store, Drive *drive)
{
    while (drive->next < drive->requests.size()) {
        IngestRequest request = drive->requests[drive->next++];
        const qint64 started = drive->clock.nsecsElapsed();
        auto call = store->ingest(std::move(request));
        const Result<IngestOutcome> outcome = co_await call;
        drive->times.push_back(drive->clock.nsecsElapsed() - started);
        if (!outcome || outcome->result != IngestResult::Stored)
            ++drive->failed;
    }
}

QCoro::Task<> workers(Store *store, Drive *drive)
{
    std::vector<QCoro::Task<>> running;
    for (int i = 0; i < kInFlight; ++i)
        running.push_back(worker(store, drive));
    for (QCoro::Task<> &task : running)
        co_await task;
}

void measure(const char *what, const StoreOptions &options, int count)
{
    const SystemClock clock;
    QObject home;
    auto opened = openStore(options, clock, &home);
    if (!opened) {
        std::printf("%-34s %s\n", what, qPrintable(opened.error().toString()));
        return;
    }
    Store *store = opened->get();
    std::vector<InstallationRow> rows{installation()};
    if (const auto synced = async::blockOn(store->syncInstallations(rows), Millis(60'000)); !synced) {
        std::printf("%-34s %s\n", what, qPrintable(synced.error().toString()));
        return;
    }
    Drive drive;
    drive.requests = makeRequests(count, clock);
    drive.times.reserve(size_t(count));
    const double process = cpuSeconds(RUSAGE_SELF);
    const double own = cpuSeconds(RUSAGE_THREAD);
    drive.clock.start();
    async::blockOn(workers(store, &drive), Millis(600'000));
    const double seconds = double(drive.clock.nsecsElapsed()) / 1e9;
    const double ownCpu = cpuSeconds(RUSAGE_THREAD) - own;
    const double storeCpu = cpuSeconds(RUSAGE_SELF) - process - ownCpu;
    const StoreStats stats = store->stats();
    const double p50 = percentile(drive.times, 50);
    const double p95 = percentile(drive.times, 95);
    const double p99 = percentile(drive.times, 99);
    std::printf("%-34s p50 %7.0f us   p95 %7.0f us   p99 %7.0f us   %8.0f units/s   store %5.1f us/unit   "
                "caller %5.1f us/unit   %5.1f units/commit   %d failed\n",
        what, p50, p95, p99, double(count) / seconds, storeCpu * 1e6 / count, ownCpu * 1e6 / count,
        double(stats.jobs) / double(std::max<quint64>(1, stats.commits)), drive.failed);
    std::fflush(stdout);
}

// Rows as ingest leaves them, made by the database itself; deliveries that are finished, as most of a large
// table's are.
bool preload(const StoreOptions &options, int count)
{
    const SystemClock clock;
    {
        QObject home;
        auto opened = openStore(options, clock, &home);
        if (!opened)
            return false;
        std::vector<InstallationRow> rows{installation()};
        if (!async::blockOn((*opened)->syncInstallations(rows)))
            return false;
    }
    const QString now = QString::number(toMs(clock.now()) - 86'400'000);
    const auto numbers = [](int below) {
        return u"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %1) "_s.arg(
            below - 1);
    };
    const QString n = numbers(count);
    const QString id = u"printf('%08x-%04x-7000-8000-%012x', 400000000 + i / 10, i % 10, i)"_s;
    const QStringList statements{u"PRAGMA journal_mode = WAL"_s, u"PRAGMA synchronous = OFF"_s,
        u"PRAGMA cache_size = -200000"_s, u"BEGIN"_s,
        u"INSERT INTO sessions (id, installation_id, channel, tenant, backend, place, thread, next_ordinal, "
        u"last_active_at, "
        u"created_at, updated_at) "_s
            + n
            + u"SELECT printf('se_%08x', 400000000 + i) || lower(hex(randomblob(13))), "
              u"'in_bench', 'slack', 'T1', 'agent', 'C1', i, 2, %1, %1, %1 FROM n WHERE i % 2 = 0"_s.arg(now),
        u"CREATE TEMP TABLE made AS SELECT id, row_number() OVER (ORDER BY id) - 1 AS i FROM sessions"_s,
        u"CREATE UNIQUE INDEX temp.made_i ON made (i)"_s,
        u"INSERT INTO deliveries (id, installation_id, session_id, ordinal, state, outcome, blocks, "
        u"mentioned, direct, place, "
        u"thread, message_ts, user_id, due_at, finished_at, created_at, updated_at) "_s
            + n + u"SELECT "_s + id
            + u", 'in_bench', (SELECT id FROM made WHERE made.i = n.i / 2), 1 + i % 2, 'completed', "
              u"'delivered', 0, 1, 0, 'C1', "
              u"i / 2, i, 'U1', %1, %1, %1, %1 FROM n"_s.arg(now),
        u"INSERT INTO payloads (id, body, expires_at) "_s + n + u"SELECT "_s + id
            + u", hex(zeroblob(200)), %1 + 2592000000 FROM n"_s.arg(now),
        u"INSERT INTO inbound_keys (key, delivery_id, expires_at) "_s + numbers(3 * count)
            + u"SELECT printf('%08x', 400000000 + i / 30) || lower(hex(randomblob(14))), 'd', %1 + 172800000 FROM n"_s
                  .arg(now),
        u"COMMIT"_s, u"PRAGMA wal_checkpoint(TRUNCATE)"_s};
    bool good = false;
    {
        QSqlDatabase database = QSqlDatabase::addDatabase(u"QSQLITE"_s, u"preload"_s);
        database.setDatabaseName(options.database.mid(7));
        good = database.open();
        for (const QString &statement : statements) {
            QSqlQuery query(database);
            if (good && !query.exec(statement)) {
                std::printf("preload: %s\n", qPrintable(query.lastError().text()));
                good = false;
            }
        }
    }
    QSqlDatabase::removeDatabase(u"preload"_s);
    return good;
}

} // namespace

int main(int argc, char **argv)
{
    const QCoreApplication app(argc, argv);
    const QStringList arguments = app.arguments();
    const int count = arguments.size() > 1 && !arguments[1].startsWith(u'-')
        ? std::max(1, arguments[1].toInt())
        : 100'000;
    const qsizetype at = arguments.indexOf(u"--preload"_s);
    const int stored = at >= 0 ? arguments.value(at + 1).toInt() : 1'000'000;
    const QTemporaryDir folder;
    probeDisk(folder.path());
    StoreOptions options;
    options.maxQueuedIngest = 100'000;
    options.database = u"sqlite:"_s + folder.filePath(u"fresh.db"_s);
    measure("SQLite, fresh", options, count);
    if (testing::PostgresDatabase::isAvailable()) {
        if (const auto database = testing::PostgresDatabase::create()) {
            StoreOptions postgres = options;
            postgres.database = database->url();
            measure("PostgreSQL, fresh", postgres, count / 4);
        }
    }
    if (stored > 0) {
        options.database = u"sqlite:"_s + folder.filePath(u"large.db"_s);
        if (preload(options, stored))
            measure("SQLite, preloaded", options, count);
    }
    return 0;
}
