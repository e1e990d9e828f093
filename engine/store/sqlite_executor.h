// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/executor.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace signalbox::store {

// SQLite: one writer with group commit, and readers. Jobs that wait share a transaction, a failing one harms
// no other, and all are delivered after its COMMIT alone (DESIGN.md "SQLite group commit"). When a failed
// statement has rolled the whole transaction back (a full disk, some I/O errors), every job of the group
// fails and none of it is stored.
class SqliteExecutor final : public Executor
{
public:
    SqliteExecutor(DatabaseTarget target, const Clock &clock, int readers, QObject *home);
    ~SqliteExecutor() override;

    [[nodiscard]] Status open() override;
    void post(Lane lane, JobPtr job) override;
    void close() override;

private:
    [[nodiscard]] bool isClosed();
    void writeLoop(Connection &connection);
    void readLoop(Connection &connection);
    [[nodiscard]] std::vector<JobPtr> takeGroup();
    // Appends to `taken` from `queue`; the mutex is held.
    static void take(std::deque<JobPtr> &queue, size_t most, std::vector<JobPtr> &taken);
    struct GroupRun
    {
        GroupRun() = default;
        size_t ran = 0;
        bool changed = false; // something was written to the feed
        bool again = false; // a job failed after it had written
    };
    [[nodiscard]] bool runGroup(
        Connection &connection, std::vector<JobPtr> &group, std::vector<JobPtr> &leftOver);
    [[nodiscard]] Status runJobs(
        Connection &connection, std::vector<JobPtr> &group, bool guarded, GroupRun &outcome);
    static void reachCommits(const std::vector<JobPtr> &group, const GroupRun &outcome, FailEdge edge);
    [[nodiscard]] static Status runOne(
        Connection &connection, Job &job, Session &session, bool guarded, bool &again);
    void checkpoint(Connection &connection, bool idle);
    // sqlite3_wal_hook: the length of the log after each commit.
    static int noteWal(void *executor, sqlite3 *database, const char *name, int pages);

    DatabaseTarget m_target;
    const Clock &m_clock;
    int m_readerCount;
    std::mutex m_mutex;
    std::condition_variable m_writerWake;
    std::condition_variable m_readerWake;
    std::deque<JobPtr> m_ingest;
    std::deque<JobPtr> m_work;
    std::deque<JobPtr> m_reads;
    bool m_closing = false;
    std::vector<std::thread> m_threads;
    LatencyWindow m_commits;
    int m_walPages = 0; // as of the last commit; the writer's thread
    int m_copiedPages = 0; // of them are in the database file already
};

} // namespace signalbox::store
