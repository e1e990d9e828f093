// SPDX-License-Identifier: Apache-2.0
#include "store/executor.h"

#include <algorithm>

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
