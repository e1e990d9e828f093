// SPDX-License-Identifier: Apache-2.0
#include "store/postgres_executor.h"

#include "base/log.h"
#include "store/errors.h"

#include <QRandomGenerator>

#include <future>

using namespace Qt::StringLiterals;

namespace signalbox::store {

namespace {
Q_LOGGING_CATEGORY(lcStore, "signalbox.engine.store")
constexpr int kMostRuns = 5;
// A unit that fails for so long is given up: its caller decides, and a long queue of others waits behind it.
constexpr auto kRunsTime = std::chrono::seconds(5);
// After a failed connect the others fail at once for so long, instead of each waiting for its own.
constexpr auto kAwayTime = std::chrono::milliseconds(250);
} // namespace

PostgresExecutor::PostgresExecutor(DatabaseTarget target, const Clock &clock, int connections, QObject *home)
    : Executor(home)
    , m_target(std::move(target))
    , m_clock(clock)
    , m_count(connections)
    , m_notifier(m_target, clock, u"signalbox-%1-notify"_s.arg(reinterpret_cast<quintptr>(this)),
          [this](NotifyChannel channel) { channel == NotifyChannel::Feed ? hearChange() : hearOrders(); })
{
}

PostgresExecutor::~PostgresExecutor()
{
    close();
}

Status PostgresExecutor::open()
{
    for (int i = 0; i < m_count; ++i) {
        std::promise<Status> opened;
        auto result = opened.get_future();
        m_threads.emplace_back([this, i, promise = std::move(opened)]() mutable {
            Connection connection(
                m_target, m_clock, u"signalbox-%1-%2"_s.arg(reinterpret_cast<quintptr>(this)).arg(i));
            Status ready = connection.open(false);
            const bool ok = ready.has_value();
            promise.set_value(std::move(ready));
            if (ok)
                loop(connection);
        });
        if (Status status = result.get(); !status) {
            close();
            return status;
        }
    }
    m_notifier.start();
    return {};
}

void PostgresExecutor::post(Lane lane, JobPtr job)
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
        wakeOne();
    }
}

void PostgresExecutor::wakeOne()
{
    if (m_idle.empty())
        return; // whoever finishes next looks for more
    Idle &idle = *m_idle.back();
    m_idle.pop_back();
    idle.isWoken = true;
    idle.wake.notify_one();
}

bool PostgresExecutor::isClosed()
{
    const std::lock_guard guard(m_mutex);
    return m_closing;
}

void PostgresExecutor::close()
{
    {
        const std::lock_guard guard(m_mutex);
        m_closing = true;
        while (!m_idle.empty())
            wakeOne();
    }
    m_closed.notify_all();
    for (std::thread &thread : m_threads)
        thread.join();
    m_threads.clear();
    m_notifier.stop();
    refuseQueued({&m_ingest, &m_work, &m_reads}); // the threads have emptied them, unless there were none
}

bool PostgresExecutor::take(JobPtr &job, Lane &lane)
{
    std::unique_lock lock(m_mutex);
    while (!takeQueued(job, lane)) {
        if (m_closing)
            return false;
        Idle idle;
        m_idle.push_back(&idle);
        idle.wake.wait(lock, [&idle] { return idle.isWoken; });
    }
    return true;
}

bool PostgresExecutor::takeQueued(JobPtr &job, Lane &lane)
{
    const auto from = [&](std::deque<JobPtr> &queue, Lane of) {
        job = std::move(queue.front());
        queue.pop_front();
        lane = of;
        return true;
    };
    if (!m_ingest.empty()) {
        --mutableStats().queuedIngest;
        return from(m_ingest, Lane::Ingest);
    }
    if (!m_reads.empty())
        return from(m_reads, Lane::Read);
    if (!m_work.empty()) {
        --mutableStats().queuedWork;
        return from(m_work, Lane::Work);
    }
    return false;
}

void PostgresExecutor::loop(Connection &connection)
{
    JobPtr job;
    Lane lane = Lane::Work;
    while (take(job, lane)) {
        const bool changed = runJob(connection, *job, lane);
        std::vector<JobPtr> one;
        one.push_back(std::move(job));
        deliver(std::move(one), changed);
    }
}

bool PostgresExecutor::runJob(Connection &connection, Job &job, Lane lane)
{
    const auto started = std::chrono::steady_clock::now();
    for (int run = 1;; ++run) {
        bool changed = false;
        const Status done = tryOnce(connection, job, lane, changed);
        if (done) {
            if (lane != Lane::Read)
                measure(std::chrono::steady_clock::now() - started);
            return changed;
        }
        const bool late = std::chrono::steady_clock::now() - started > kRunsTime;
        if (!mayRunAgain(done.error()) || run == kMostRuns || late) {
            if (mayWarn(done.error()))
                logWarning(lcStore, "a unit of work failed",
                    {{"code", done.error().native()}, {"runs", QString::number(run)}});
            if (isConnectionLost(done.error()))
                connection.close();
            job.fail(done.error());
            return false;
        }
        if (isConnectionLost(done.error()))
            connection.close();
        const int jitter = QRandomGenerator::global()->bounded(10 * run + 1);
        std::unique_lock lock(m_mutex);
        m_closed.wait_for(lock, std::chrono::milliseconds(5 * run + jitter), [this] { return m_closing; });
    }
}

bool PostgresExecutor::mayWarn(const Error &error)
{
    if (error.code() == ErrorCode::Conflict || error.code() == ErrorCode::NotFound)
        return false;
    if (!isConnectionLost(error))
        return true;
    // While the database is away every unit fails: one line a second says so.
    const auto now = std::chrono::steady_clock::now();
    auto last = m_lastAwayWarning.load();
    return now - last > std::chrono::seconds(1) && m_lastAwayWarning.compare_exchange_strong(last, now);
}

Status PostgresExecutor::tryOnce(Connection &connection, Job &job, Lane lane, bool &changed)
{
    if (!connection.isOpen()) {
        if (std::chrono::steady_clock::now() < m_awayUntil.load())
            return fail(Error(ErrorCode::Unavailable, u"the database is away"_s, u"08001"_s));
        if (auto opened = connection.open(false); !opened) {
            m_awayUntil = std::chrono::steady_clock::now() + kAwayTime;
            return opened;
        }
    }
    const auto now = connection.beginPostgres(lane == Lane::Read);
    if (!now)
        return fail(now.error());
    Session session(connection, *now);
    if (auto done = job.run(session); !done) {
        if (!connection.execute("ROLLBACK"))
            connection.close();
        return done;
    }
    reachCommit(job, FailEdge::Before, session.touched());
    if (auto committed = connection.execute("COMMIT"); !committed) {
        connection.close();
        return committed;
    }
    reachCommit(job, FailEdge::After, session.touched());
    changed = session.touched();
    if (changed)
        m_notifier.poke(NotifyChannel::Feed);
    if (session.ordered())
        m_notifier.poke(NotifyChannel::Orders);
    return {};
}

void PostgresExecutor::measure(std::chrono::steady_clock::duration took)
{
    const std::lock_guard guard(m_measureMutex);
    m_commits.add(static_cast<quint64>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    ++mutableStats().jobs;
    if (++mutableStats().commits % 64 == 0)
        mutableStats().commitP99Micros = m_commits.p99();
}

} // namespace signalbox::store
