// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/executor.h"

#include <deque>
#include <optional>

namespace signalbox::testing {

// An executor without threads and without a database: jobs wait until the test lets them fail, each with
// Unavailable. For what a service does while its store does not answer.
class HeldExecutor final : public store::Executor
{
public:
    explicit HeldExecutor(QObject *home)
        : Executor(home)
    {
    }
    Status open() override { return {}; }
    void post(store::Lane lane, store::JobPtr job) override
    {
        ++(lane == store::Lane::Read ? m_reads : m_writes);
        m_held.push_back(std::move(job));
    }
    void close() override { release(); }

    // Jobs that were posted so far.
    [[nodiscard]] int reads() const { return m_reads; }
    [[nodiscard]] int writes() const { return m_writes; }
    [[nodiscard]] size_t held() const { return m_held.size(); }
    void release()
    {
        std::vector<store::JobPtr> jobs;
        for (store::JobPtr &job : m_held) {
            job->fail(Error(ErrorCode::Unavailable, QStringLiteral("held"), QStringLiteral("held")));
            jobs.push_back(std::move(job));
        }
        m_held.clear();
        deliver(std::move(jobs), false);
    }

private:
    std::deque<store::JobPtr> m_held;
    int m_reads = 0;
    int m_writes = 0;
};

} // namespace signalbox::testing
