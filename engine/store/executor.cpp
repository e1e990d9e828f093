// SPDX-License-Identifier: Apache-2.0
#include "store/executor.h"

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::store {

void Executor::deliver(std::vector<JobPtr> jobs, bool changed)
{
    auto batch = std::make_shared<std::vector<JobPtr>>(std::move(jobs));
    QMetaObject::invokeMethod(
        m_home,
        [listener = m_listener, batch, changed] {
            for (const JobPtr &job : *batch)
                job->deliver();
            if (changed && *listener)
                (*listener)();
        },
        Qt::QueuedConnection);
}

void Executor::hear(const Listener &listener)
{
    QMetaObject::invokeMethod(
        m_home,
        [listener] {
            if (*listener)
                (*listener)();
        },
        Qt::QueuedConnection);
}

namespace {
Error closedError()
{
    return Error(ErrorCode::Unavailable, u"the store is closed"_s, u"closed"_s);
}
} // namespace

void Executor::refuse(JobPtr job)
{
    job->fail(closedError());
    job->deliver();
}

void Executor::refuseQueued(std::initializer_list<std::deque<JobPtr> *> queues)
{
    std::vector<JobPtr> left;
    for (std::deque<JobPtr> *queue : queues) {
        for (JobPtr &job : *queue) {
            job->fail(closedError());
            left.push_back(std::move(job));
        }
        queue->clear();
    }
    m_stats->queuedIngest = 0;
    m_stats->queuedWork = 0;
    if (!left.empty())
        deliver(std::move(left), false);
}

void Executor::reachCommit(const Job &job, FailEdge edge, bool changed)
{
    const FailPlace place = job.place();
    const bool claim = place == FailPlace::CommitClaimDeliveries || place == FailPlace::CommitClaimOutbound
        || place == FailPlace::CommitClaimForwards;
    if (place != FailPlace::None && (changed || !claim))
        reachFailpoint(place, edge);
}

void LatencyWindow::add(quint64 micros)
{
    if (m_values.size() < kSize) {
        m_values.push_back(micros);
        return;
    }
    m_values[m_next] = micros;
    m_next = (m_next + 1) % kSize;
}

quint64 LatencyWindow::p99() const
{
    if (m_values.empty())
        return 0;
    std::vector<quint64> sorted = m_values;
    const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() * 99 / 100);
    std::nth_element(sorted.begin(), at, sorted.end());
    return *at;
}

} // namespace signalbox::store
