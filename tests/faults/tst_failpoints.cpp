// SPDX-License-Identifier: Apache-2.0
// Kills signalboxd once at each failpoint (base/failpoint.h) and checks what becomes of a message. The short
// form does all of them on SQLite and a part on PostgreSQL that changes from day to day; the full form
// (SIGNALBOX_TEST_FULL=1) all on both. SIGNALBOX_FAILPOINTS_ONLY=commit.ingest runs those of that name alone.
#include "failpoint_run.h"
#include "support/postgres.h"

#include <QElapsedTimer>
#include <QThread>

#include <atomic>
#include <mutex>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;
using Backend = GatewayOptions::Backend;

namespace {

constexpr int kSideBySide = 8; // most of a run is waiting
constexpr int kPostgresShare = 7; // the short form does one in so many: odd, so that both edges come

struct Row
{
    FailpointRun::Plan plan;
    bool postgres = false;
    [[nodiscard]] QString name() const
    {
        return plan.failpoint() + (postgres ? u", postgresql"_s : u", sqlite"_s)
            + (plan.backend == Backend::Acp ? u", acp"_s : u", spritz"_s);
    }
};

struct Finding
{
    QString name;
    QStringList problems;
    QString summary;
    bool reached = false;
};

bool appliesTo(FailPlace place, Backend backend)
{
    const auto isIn = [place](std::initializer_list<FailPlace> places) {
        return std::find(places.begin(), places.end(), place) != places.end();
    };
    if (backend == Backend::Acp)
        return isIn(
            {FailPlace::SendNewSession, FailPlace::SendLoad, FailPlace::SendPrompt, FailPlace::SendCancel,
                FailPlace::CommitBeginTurn, FailPlace::CommitAcceptTurn, FailPlace::CommitFinishTurn,
                FailPlace::CommitStoreInteraction, FailPlace::CommitClaimInteraction, FailPlace::SendEdit});
    // A spritz runtime asks nobody.
    return !isIn({FailPlace::SendNewSession, FailPlace::CommitStoreInteraction,
        FailPlace::CommitClaimInteraction, FailPlace::SendEdit});
}

// Those that take longest come first, so that the others run beside them.
bool isSlow(const Row &row)
{
    return row.plan.place == FailPlace::CommitBeginResend || row.plan.place == FailPlace::SendPost
        || row.plan.place == FailPlace::CommitFinishOutbound || row.plan.place == FailPlace::CommitRenewLease;
}

std::vector<Row> allRows(bool full)
{
    const QString only = qEnvironmentVariable("SIGNALBOX_FAILPOINTS_ONLY");
    const auto today = static_cast<size_t>(QDate::currentDate().toJulianDay());
    std::vector<Row> rows;
    size_t number = 0;
    for (const bool postgres : {false, true}) {
        for (const Backend backend : {Backend::Spritz, Backend::Acp}) {
            for (size_t i = 0; i < kFailPlaceNames.size(); ++i) {
                for (const FailEdge edge : {FailEdge::Before, FailEdge::After}) {
                    Row row;
                    row.postgres = postgres;
                    row.plan.place = static_cast<FailPlace>(i);
                    row.plan.edge = edge;
                    row.plan.backend = backend;
                    const bool todays = full || !postgres || !only.isEmpty()
                        || ++number % kPostgresShare == today % kPostgresShare;
                    if (appliesTo(row.plan.place, backend) && todays && row.name().contains(only))
                        rows.push_back(row);
                }
            }
        }
    }
    std::stable_partition(rows.begin(), rows.end(), isSlow);
    return rows;
}

Finding runRow(Row row)
{
    Finding result;
    result.name = row.name();
    std::optional<PostgresDatabase> database;
    if (row.postgres) {
        auto created = PostgresDatabase::create();
        if (!created) {
            result.problems << created.error().toString();
            return result;
        }
        database.emplace(std::move(*created));
        row.plan.database = database->url();
    }
    FailpointRun run(row.plan);
    result.problems = run.run();
    result.reached = run.wasReached();
    result.summary = run.summary();
    return result;
}

} // namespace

class FailpointsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void aKillAtEachOfThemLosesAndDoublesNothing();

private:
    [[nodiscard]] static std::vector<Finding> runAll(const std::vector<Row> &rows);
};

std::vector<Finding> FailpointsTest::runAll(const std::vector<Row> &rows)
{
    std::vector<Finding> results(rows.size());
    std::atomic<size_t> next{0};
    std::mutex printing;
    const auto lane = [&] {
        for (size_t i = next++; i < rows.size(); i = next++) {
            QElapsedTimer timer;
            timer.start();
            results[i] = runRow(rows[i]);
            const std::lock_guard guard(printing);
            std::printf("%-50s %5.1f s  %s%s\n", qPrintable(results[i].name),
                static_cast<double>(timer.elapsed()) / 1000.0, qPrintable(results[i].summary),
                results[i].problems.isEmpty() ? "" : "  FAILED");
            std::fflush(stdout);
        }
    };
    std::vector<std::unique_ptr<QThread>> threads;
    for (int i = 0; i < kSideBySide; ++i) {
        threads.emplace_back(QThread::create(lane));
        threads.back()->start();
    }
    for (const auto &thread : threads)
        thread->wait();
    return results;
}

void FailpointsTest::aKillAtEachOfThemLosesAndDoublesNothing()
{
    SIGNALBOX_NEED_POSTGRES();
    const bool full = GatewayFixture::isFullForm();
    const std::vector<Row> rows = allRows(full);
    QElapsedTimer timer;
    timer.start();
    const std::vector<Finding> results = runAll(rows);
    int bad = 0;
    QSet<QString> reached;
    for (size_t i = 0; i < results.size(); ++i) {
        const Finding &result = results[i];
        if (result.reached)
            reached.insert(rows[i].plan.failpoint());
        if (result.problems.isEmpty())
            continue;
        ++bad;
        qWarning("%s\n%s", qPrintable(result.name), qPrintable(result.problems.join(u'\n')));
    }
    QStringList unreached;
    for (size_t i = 0; i < kFailPlaceNames.size(); ++i) {
        for (const FailEdge edge : {FailEdge::Before, FailEdge::After}) {
            FailpointRun::Plan plan;
            plan.place = static_cast<FailPlace>(i);
            plan.edge = edge;
            if (!reached.contains(plan.failpoint()))
                unreached << plan.failpoint();
        }
    }
    const auto onPostgres
        = std::count_if(rows.begin(), rows.end(), [](const Row &row) { return row.postgres; });
    qInfo("%zu kills (%td of them on PostgreSQL) at %zu failpoints in %.0f s: %d bad", rows.size(),
        onPostgres, kFailPlaceNames.size() * 2, static_cast<double>(timer.elapsed()) / 1000.0, bad);
    QCOMPARE(bad, 0);
    if (qEnvironmentVariableIsEmpty("SIGNALBOX_FAILPOINTS_ONLY"))
        QVERIFY2(unreached.isEmpty(), qPrintable(u"no row reaches "_s + unreached.join(u", "_s)));
}

QTEST_GUILESS_MAIN(FailpointsTest)
#include "tst_failpoints.moc"
