// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/completion.h"
#include "base/failpoint.h"
#include "store/session.h"

#include <functional>
#include <memory>

namespace signalbox::store {

// One unit of work on its way through an executor: run on a store thread, possibly more than once, and
// delivered on the engine thread exactly once.
class Job
{
public:
    virtual ~Job() = default;
    // Inside a transaction. An error means: roll back what this job did.
    [[nodiscard]] virtual Status run(Session &session) = 0;
    // What the awaiter gets instead of a result: the unit failed, or its commit did.
    virtual void fail(Error error) = 0;
    // On the engine thread.
    virtual void deliver() = 0;
    // Where a test may kill the process around the commit of this job.
    [[nodiscard]] virtual FailPlace place() const { return FailPlace::None; }
};
using JobPtr = std::unique_ptr<Job>;

template <class T>
using Unit = std::function<Result<T>(Session &)>;

template <class T>
class UnitJob final : public Job
{
public:
    UnitJob(Unit<T> unit, async::Completion<Result<T>> done, FailPlace place)
        : m_unit(std::move(unit))
        , m_done(std::move(done))
        , m_place(place)
    {
    }
    FailPlace place() const override { return m_place; }
    Status run(Session &session) override
    {
        m_result.emplace(m_unit(session));
        if (!*m_result)
            return signalbox::fail(m_result->error());
        if (auto written = session.writeFeed(); !written)
            return written;
        if (session.failure()) // rows that could not be read to their end
            return signalbox::fail(*session.failure());
        return {};
    }
    void fail(Error error) override { m_result.emplace(signalbox::fail(std::move(error))); }
    void deliver() override { m_done.finish(std::move(*m_result)); }

private:
    Unit<T> m_unit;
    async::Completion<Result<T>> m_done;
    FailPlace m_place;
    std::optional<Result<T>> m_result;
};

} // namespace signalbox::store
