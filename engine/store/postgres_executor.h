// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/executor.h"
#include "store/postgres_notifier.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace signalbox::store {

// PostgreSQL: a pool of connections, one transaction per job. A unit that failed with a retryable code is run
// again whole, at most five times with jitter; a connection lost during COMMIT is an unknown, and running the
// unit again resolves it, because units recognise their own work.
class PostgresExecutor final : public Executor
{
public:
    PostgresExecutor(DatabaseTarget target, const Clock &clock, int connections, QObject *home);
    ~PostgresExecutor() override;

    [[nodiscard]] Status open() override;
    void post(Lane lane, JobPtr job) override;
    void close() override;

private:
    // A thread that waits to be woken, under m_mutex.
    struct Idle
    {
        Idle() = default;
        std::condition_variable wake;
        bool isWoken = false;
    };
    [[nodiscard]] bool isClosed();
    void loop(Connection &connection);
    [[nodiscard]] bool take(JobPtr &job, Lane &lane);
    [[nodiscard]] bool takeQueued(JobPtr &job, Lane &lane);
    void wakeOne();
    [[nodiscard]] bool runJob(Connection &connection, Job &job, Lane lane);
    [[nodiscard]] Status tryOnce(Connection &connection, Job &job, Lane lane, bool &changed);
    [[nodiscard]] bool mayWarn(const Error &error);
    void measure(std::chrono::steady_clock::duration took);

    DatabaseTarget m_target;
    const Clock &m_clock;
    int m_count;
    std::mutex m_mutex;
    // Threads without a job. The one that rested last works next: its connection's process on the server has
    // everything in its caches, and a load that one can carry is not spread over all.
    std::vector<Idle *> m_idle;
    std::condition_variable m_closed; // threads between two runs of one: a new job is not for them
    std::deque<JobPtr> m_ingest;
    std::deque<JobPtr> m_work;
    std::deque<JobPtr> m_reads;
    bool m_closing = false;
    std::atomic<std::chrono::steady_clock::time_point> m_awayUntil{};
    std::atomic<std::chrono::steady_clock::time_point> m_lastAwayWarning{};
    std::vector<std::thread> m_threads;
    std::mutex m_measureMutex;
    LatencyWindow m_commits;
    PostgresNotifier m_notifier;
};

} // namespace signalbox::store
