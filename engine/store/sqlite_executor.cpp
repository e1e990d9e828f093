// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite_executor.h"

#include "base/log.h"
#include "store/errors.h"

#include <QFile>
#include <QFileInfo>

#include <future>

using namespace Qt::StringLiterals;

namespace signalbox::store {

namespace {
Q_LOGGING_CATEGORY(lcStore, "signalbox.engine.store")

constexpr size_t kGroupMost = 256;
// Other writing in a group that also carries ingest: enough to go on, too little to make a 2xx wait.
constexpr size_t kWorkBesideIngest = 24;
constexpr auto kGroupTime = std::chrono::milliseconds(5);
constexpr qint64 kCheckpointBytes = 8LL * 1024 * 1024;
constexpr qint64 kCheckpointUrgentBytes = 64LL * 1024 * 1024;
constexpr int kCheckpointEveryCommits = 64;
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
            Connection connection(m_target, m_clock, u"signalbox-%1-%2"_s.arg(reinterpret_cast<quintptr>(this)).arg(i));
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

bool SqliteExecutor::runGroup(Connection &connection, std::vector<JobPtr> &group, std::vector<JobPtr> &leftOver)
{
    const auto started = std::chrono::steady_clock::now();
    const auto failAll = [&](const Error &error) {
        for (const JobPtr &job : group)
            job->fail(error);
        if (connection.inTransaction())
            (void)connection.execute("ROLLBACK");
        logWarning(lcStore, "a group of writes failed", {{"code", error.native()}, {"jobs", QString::number(group.size())}});
        return false;
    };
    if (const auto begun = connection.execute("BEGIN IMMEDIATE"); !begun)
        return failAll(begun.error().context(u"beginning"_s));
    bool changed = false;
    size_t ran = 0;
    for (; ran < group.size(); ++ran) {
        if (ran > 0 && std::chrono::steady_clock::now() - started > kGroupTime)
            break;
        Job &job = *group[ran];
        Session session(connection);
        if (const auto saved = connection.execute("SAVEPOINT job"); !saved)
            return failAll(saved.error());
        const Status done = job.run(session);
        if (done) {
            changed = changed || session.touched();
        } else if (!connection.inTransaction()) {
            return failAll(Error(ErrorCode::Unavailable, u"the transaction was rolled back"_s, done.error().native()));
        } else {
            job.fail(done.error());
            if (const auto back = connection.execute("ROLLBACK TO job"); !back)
                return failAll(back.error());
        }
        if (const auto released = connection.execute("RELEASE job"); !released)
            return failAll(released.error());
    }
    for (size_t i = ran; i < group.size(); ++i)
        leftOver.push_back(std::move(group[i]));
    group.resize(ran);
    if (const auto committed = connection.execute("COMMIT"); !committed)
        return failAll(committed.error().context(u"committing"_s));
    const auto took = std::chrono::steady_clock::now() - started;
    m_commits.add(static_cast<quint64>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    ++mutableStats().commits;
    mutableStats().jobs += ran;
    ++m_commitsSinceCheckpoint;
    return changed;
}

void SqliteExecutor::checkpoint(Connection &connection, bool idle)
{
    if (m_commitsSinceCheckpoint < kCheckpointEveryCommits && !idle)
        return;
    if (m_commitsSinceCheckpoint == 0)
        return;
    mutableStats().commitP99Micros = m_commits.p99();
    const qint64 wal = QFileInfo(m_target.path + u"-wal"_s).size();
    m_commitsSinceCheckpoint = 0;
    if (wal < (idle ? kCheckpointBytes : kCheckpointUrgentBytes))
        return;
    // On the writer's own thread nobody writes meanwhile, so the log is copied whole and starts again from its front.
    const auto done = connection.executeText(u"PRAGMA wal_checkpoint(RESTART)"_s);
    if (!done)
        logWarning(lcStore, "a checkpoint failed", {{"code", done.error().native()}});
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
