// SPDX-License-Identifier: Apache-2.0
#include "async/task_scope.h"

#include "base/log.h"

#include <QDeadlineTimer>
#include <QPointer>

#include <algorithm>
#include <exception>

using namespace Qt::StringLiterals;

namespace signalbox::async {

namespace {
Q_LOGGING_CATEGORY(lcAsync, "signalbox.engine.async")
} // namespace

TaskScope::TaskScope(QString name)
    : m_count(std::make_shared<Count>())
{
    m_count->name = std::move(name);
}

TaskScope::~TaskScope()
{
    if (live() > 0)
        logCritical(lcAsync, "scope destroyed with live tasks",
            {{"scope", m_count->name}, {"live", QString::number(live())}});
}

void TaskScope::spawn(const char *name, QCoro::Task<> task)
{
    ++m_count->live;
    run(name, std::move(task));
}

QCoro::Task<> TaskScope::run(const char *name, QCoro::Task<> task)
{
    const QPointer<TaskScope> self(this);
    const std::shared_ptr<Count> count = m_count;
    QString failure;
    bool failed = false;
    try {
        co_await task;
    } catch (const std::exception &error) {
        failed = true;
        failure = QString::fromUtf8(error.what());
    } catch (...) {
        failed = true;
        failure = u"unknown exception"_s;
    }
    if (failed)
        logCritical(
            lcAsync, "task ended with an exception", {{"task", QString::fromUtf8(name)}, {"what", failure}});
    if (--count->live > 0)
        co_return;
    std::erase(late(), count);
    if (self)
        Q_EMIT self->drained();
}

std::vector<std::shared_ptr<TaskScope::Count>> &TaskScope::late()
{
    thread_local std::vector<std::shared_ptr<Count>> t_late;
    return t_late;
}

void TaskScope::setLate()
{
    if (std::find(late().begin(), late().end(), m_count) == late().end())
        late().push_back(m_count);
}

QStringList TaskScope::unjoined()
{
    QStringList names;
    for (const std::shared_ptr<Count> &count : late())
        names << u"%1 (%2)"_s.arg(count->name).arg(count->live);
    return names;
}

QCoro::Task<bool> TaskScope::join(Millis timeout)
{
    const QPointer<TaskScope> self(this);
    // One deadline for all rounds: a scope that is filled again and again must not hold its owner.
    const bool forever = timeout.count() < 0;
    const QDeadlineTimer deadline(
        forever ? QDeadlineTimer(QDeadlineTimer::Forever) : QDeadlineTimer(timeout));
    while (self && live() > 0) {
        const Millis left = forever ? kNoDeadline : Millis(deadline.remainingTime());
        const Wake wake = co_await waitSignal(this, &TaskScope::drained, left);
        if (wake == Wake::Fired)
            continue;
        const bool ended = self && live() == 0;
        if (self && !ended)
            setLate();
        co_return ended;
    }
    co_return true;
}

} // namespace signalbox::async
