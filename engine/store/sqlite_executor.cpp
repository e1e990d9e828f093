// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite_executor.h"

#include "base/log.h"
#include "store/errors.h"

#include <future>
#include <sqlite3.h>

using namespace Qt::StringLiterals;

namespace signalbox::store {

namespace {
Q_LOGGING_CATEGORY(lcStore, "signalbox.engine.store")

constexpr size_t kGroupMost = 256;
// Other writing in a group that also carries ingest: enough to go on, too little to make a 2xx wait.
constexpr size_t kWorkBesideIngest = 8;
constexpr auto kGroupTime = std::chrono::milliseconds(5);
// Pages of the write-ahead log that are not in the database file yet: 8 MiB when nobody waits, else 32 MiB.
constexpr int kCheckpointIdlePages = 2 * 1024;
constexpr int kCheckpointPages = 8 * 1024;
constexpr int kMeasureEveryCommits = 16;
} // namespace

SqliteExecutor::SqliteExecutor(DatabaseTarget target, const Clock &clock, int readers, QObject *home)
    : Executor(home)
    , m_target(std::move(target))
    , m_clock(clock)
    , m_readerCount(readers)
{
}

SqliteExecutor::~SqliteExecutor()
{
    close();
}

Status SqliteExecutor::open()
{
    for (int i = 0; i <= m_readerCount; ++i) {
        std::promise<Status> opened;
        auto result = opened.get_future();
        const bool writer = i == 0;
        m_threads.emplace_back([this, i, writer, promise = std::move(opened)]() mutable {
            Connection connection(
                m_target, m_clock, u"signalbox-%1-%2"_s.arg(reinterpret_cast<quintptr>(this)).arg(i));
            Status ready = connection.open(!writer);
            const bool ok = ready.has_value();
            promise.set_value(std::move(ready));
            if (ok && writer)
                writeLoop(connection);
            else if (ok)
                readLoop(connection);
        });
        if (Status status = result.get(); !status) {
            close();
            return status;
        }
    }
    return {};
}

void SqliteExecutor::post(Lane lane, JobPtr job)
{
    // close() is called on this thread, so nothing comes between.
    if (isClosed()) {
        refuse(std::move(job));
        return;
    }
    {
        const std::lock_guard guard(m_mutex);
        if (lane == Lane::Ingest) {
            m_ingest.push_back(std::move(job));
            ++mutableStats().queuedIngest;
        } else if (lane == Lane::Work) {
            m_work.push_back(std::move(job));
            ++mutableStats().queuedWork;
        } else {
            m_reads.push_back(std::move(job));
        }
    }
    if (lane == Lane::Read)
        m_readerWake.notify_one();
    else
        m_writerWake.notify_one();
}

bool SqliteExecutor::isClosed()
{
    const std::lock_guard guard(m_mutex);
    return m_closing;
}

void SqliteExecutor::close()
{
    {
        const std::lock_guard guard(m_mutex);
        m_closing = true;
    }
    m_writerWake.notify_all();
    m_readerWake.notify_all();
    for (std::thread &thread : m_threads)
        thread.join();
    m_threads.clear();
    refuseQueued({&m_ingest, &m_work, &m_reads}); // the threads have emptied them, unless there were none
}

void SqliteExecutor::take(std::deque<JobPtr> &queue, size_t most, std::vector<JobPtr> &taken)
{
    for (size_t i = 0; i < most && !queue.empty(); ++i) {
        taken.push_back(std::move(queue.front()));
        queue.pop_front();
    }
}

std::vector<JobPtr> SqliteExecutor::takeGroup()
{
    std::unique_lock lock(m_mutex);
    m_writerWake.wait(lock, [this] { return m_closing || !m_ingest.empty() || !m_work.empty(); });
    std::vector<JobPtr> group;
    take(m_ingest, kGroupMost, group);
    const size_t ingest = group.size();
    take(m_work, ingest > 0 ? kWorkBesideIngest : kGroupMost, group);
    mutableStats().queuedIngest -= static_cast<int>(ingest);
    mutableStats().queuedWork -= static_cast<int>(group.size() - ingest);
    return group;
}

void SqliteExecutor::writeLoop(Connection &connection)
{
    sqlite3_wal_hook(connection.sqlite(), &SqliteExecutor::noteWal, this);
    for (;;) {
        std::vector<JobPtr> group = takeGroup();
        if (group.empty())
            break; // closing, and nothing left
        std::vector<JobPtr> leftOver;
        const bool changed = runGroup(connection, group, leftOver);
        deliver(std::move(group), changed);
        while (!leftOver.empty()) {
            // The group's time was over before these ran: they make the next one.
            std::vector<JobPtr> rest;
            std::swap(rest, leftOver);
            const bool restChanged = runGroup(connection, rest, leftOver);
            deliver(std::move(rest), restChanged);
        }
        bool idle = false;
        {
            const std::lock_guard guard(m_mutex);
            idle = m_ingest.empty() && m_work.empty();
        }
        checkpoint(connection, idle);
    }
    const auto done = connection.executeText(u"PRAGMA wal_checkpoint(TRUNCATE)"_s);
    if (!done)
        logWarning(lcStore, "the last checkpoint failed", {{"code", done.error().native()}});
}

// Runs one job of the group. A savepoint for each would copy every page that the job touches, so the first
// pass has none: a job that fails without having written anything leaves nothing behind, and for any other
// the whole group is rolled back and run again with savepoints (units are made to be run again).
Status SqliteExecutor::runOne(Connection &connection, Job &job, Session &session, bool guarded, bool &again)
{
    if (guarded) {
        if (auto saved = connection.execute("SAVEPOINT job"); !saved)
            return saved;
    }
    const sqlite3_int64 before = sqlite3_total_changes64(connection.sqlite());
    const Status done = job.run(session);
    if (!done && !connection.inTransaction())
        return fail(
            Error(ErrorCode::Unavailable, u"the transaction was rolled back"_s, done.error().native()));
    if (!done) {
        job.fail(done.error());
        if (!guarded && sqlite3_total_changes64(connection.sqlite()) != before) {
            again = true;
            return {};
        }
        if (guarded) {
            if (auto back = connection.execute("ROLLBACK TO job"); !back)
                return back;
        }
    }
    return guarded ? connection.execute("RELEASE job") : Status();
}

Status SqliteExecutor::runJobs(
    Connection &connection, std::vector<JobPtr> &group, bool guarded, GroupRun &outcome)
{
    const auto started = std::chrono::steady_clock::now();
    if (auto begun = connection.execute("BEGIN IMMEDIATE"); !begun)
        return fail(begun.error().context(u"beginning"_s));
    for (; outcome.ran < group.size(); ++outcome.ran) {
        if (outcome.ran > 0 && std::chrono::steady_clock::now() - started > kGroupTime)
            break;
        Session session(connection);
        if (auto done = runOne(connection, *group[outcome.ran], session, guarded, outcome.again); !done)
            return done;
        if (outcome.again)
            return connection.execute("ROLLBACK");
        outcome.changed = outcome.changed || session.touched();
    }
    reachCommits(group, outcome, FailEdge::Before);
    if (auto committed = connection.execute("COMMIT"); !committed)
        return fail(committed.error().context(u"committing"_s));
    reachCommits(group, outcome, FailEdge::After);
    return {};
}

void SqliteExecutor::reachCommits(const std::vector<JobPtr> &group, const GroupRun &outcome, FailEdge edge)
{
    for (size_t i = 0; i < outcome.ran; ++i)
        reachCommit(*group[i], edge, outcome.changed);
}

bool SqliteExecutor::runGroup(
    Connection &connection, std::vector<JobPtr> &group, std::vector<JobPtr> &leftOver)
{
    const auto started = std::chrono::steady_clock::now();
    GroupRun outcome;
    Status done = runJobs(connection, group, false, outcome);
    if (done && outcome.again) {
        outcome = GroupRun();
        done = runJobs(connection, group, true, outcome);
    }
    if (!done) {
        for (const JobPtr &job : group)
            job->fail(done.error());
        if (connection.inTransaction())
            (void)connection.execute("ROLLBACK");
        logWarning(lcStore, "a group of writes failed",
            {{"code", done.error().native()}, {"jobs", QString::number(group.size())}});
        return false;
    }
    for (size_t i = outcome.ran; i < group.size(); ++i)
        leftOver.push_back(std::move(group[i]));
    group.resize(outcome.ran);
    const auto took = std::chrono::steady_clock::now() - started;
    m_commits.add(static_cast<quint64>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    if (++mutableStats().commits % kMeasureEveryCommits == 0)
        mutableStats().commitP99Micros = m_commits.p99();
    mutableStats().jobs += outcome.ran;
    return outcome.changed;
}

int SqliteExecutor::noteWal(void *executor, sqlite3 *, const char *, int pages)
{
    auto *self = static_cast<SqliteExecutor *>(executor);
    // The log started again from its front.
    if (pages < self->m_walPages)
        self->m_copiedPages = 0;
    self->m_walPages = pages;
    return SQLITE_OK;
}

void SqliteExecutor::checkpoint(Connection &connection, bool idle)
{
    const int fresh = m_walPages - m_copiedPages;
    if (fresh < (idle ? kCheckpointIdlePages : kCheckpointPages))
        return;
    // PASSIVE waits for nobody. On the writer's own thread nobody writes meanwhile, so the log is copied
    // whole unless a reader is still on an older part of it, and the next commit starts again from its front.
    int copied = 0;
    const int code = sqlite3_wal_checkpoint_v2(
        connection.sqlite(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, &copied);
    if (code == SQLITE_OK)
        m_copiedPages = std::max(0, copied);
    else
        logWarning(lcStore, "a checkpoint failed", {{"code", QString::number(code)}});
}

void SqliteExecutor::readLoop(Connection &connection)
{
    for (;;) {
        JobPtr job;
        {
            std::unique_lock lock(m_mutex);
            m_readerWake.wait(lock, [this] { return m_closing || !m_reads.empty(); });
            if (m_reads.empty())
                return;
            job = std::move(m_reads.front());
            m_reads.pop_front();
        }
        Session session(connection);
        // One snapshot for the whole unit.
        if (const auto begun = connection.execute("BEGIN"); !begun) {
            job->fail(begun.error());
        } else {
            if (const auto done = job->run(session); !done)
                job->fail(done.error());
            if (connection.inTransaction())
                (void)connection.execute("ROLLBACK");
        }
        std::vector<JobPtr> one;
        one.push_back(std::move(job));
        deliver(std::move(one), false);
    }
}

} // namespace signalbox::store
