// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/job.h"

#include <QObject>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

namespace signalbox::store {

// Ingest goes before other writing: somebody waits for the 2xx.
enum class Lane { Ingest, Work, Read };

// What the executor measured, readable from any thread.
struct ExecutorStats
{
    std::atomic<int> queuedIngest{0};
    std::atomic<int> queuedWork{0};
    std::atomic<quint64> commits{0};
    std::atomic<quint64> jobs{0};
    std::atomic<quint64> commitP99Micros{0}; // over the last few hundred commits
};

// Runs jobs on threads of its own, each with a connection, and delivers their results on the thread of
// `home`, a batch per event. Jobs of a lane start in the order they were posted. post() and close() are
// called on the thread of `home`.
class Executor
{
public:
    virtual ~Executor() = default;
    // Opens the connections; Unavailable when the database cannot be had.
    [[nodiscard]] virtual Status open() = 0;
    // After close() the job fails at once, before post() returns: Unavailable with native "closed".
    virtual void post(Lane lane, JobPtr job) = 0;
    // Runs what is queued, then ends the threads; without threads, what is queued fails as above. Results
    // still arrive through the event loop afterwards: whoever destroys `home` lets it turn once more first,
    // or their awaiters never resume.
    virtual void close() = 0;

    [[nodiscard]] const ExecutorStats &stats() const { return *m_stats; }
    // Called on the thread of `home` after a batch in which something was written to the feed, and after
    // another engine has written to it.
    void onChange(std::function<void()> listener) { *m_listener = std::move(listener); }
    // Called there after another engine has placed orders; never where there is one engine alone.
    void onOrders(std::function<void()> listener) { *m_orderListener = std::move(listener); }

protected:
    explicit Executor(QObject *home)
        : m_home(home)
        , m_stats(std::make_shared<ExecutorStats>())
        , m_listener(std::make_shared<std::function<void()>>())
        , m_orderListener(std::make_shared<std::function<void()>>())
    {
    }
    // From a store thread.
    void deliver(std::vector<JobPtr> jobs, bool changed);
    // From any thread: another engine has written, or may have.
    void hearChange() { hear(m_listener); }
    void hearOrders() { hear(m_orderListener); }
    // Once closed, on the thread of `home`: at once for a job that is being posted, through the event loop
    // for those that no thread has taken.
    static void refuse(JobPtr job);
    void refuseQueued(std::initializer_list<std::deque<JobPtr> *> queues);
    ExecutorStats &mutableStats() { return *m_stats; }
    // `changed`: the job has written something to the feed. A claim of nothing is no place.
    static void reachCommit(const Job &job, FailEdge edge, bool changed);

private:
    using Listener = std::shared_ptr<std::function<void()>>; // results may arrive after the executor is gone
    void hear(const Listener &listener);
    QObject *m_home;
    std::shared_ptr<ExecutorStats> m_stats;
    Listener m_listener;
    Listener m_orderListener;
};

// A ring of the last latencies with their 99th percentile. Not thread-safe.
class LatencyWindow
{
public:
    void add(quint64 micros);
    [[nodiscard]] quint64 p99() const;

private:
    static constexpr size_t kSize = 512;
    std::vector<quint64> m_values;
    size_t m_next = 0;
};

} // namespace signalbox::store
