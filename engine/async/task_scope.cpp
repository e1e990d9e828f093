// SPDX-License-Identifier: Apache-2.0
#include "async/task_scope.h"

#include "base/log.h"

#include <QDeadlineTimer>
#include <QPointer>

#include <exception>
#include <vector>

using namespace Qt::StringLiterals;

namespace signalbox::async {

namespace {
Q_LOGGING_CATEGORY(lcAsync, "signalbox.engine.async")
thread_local std::vector<TaskScope *> t_late;
} // namespace

TaskScope::TaskScope(QString name)
    : m_name(std::move(name))
{
}

TaskScope::~TaskScope()
{
    setLate(false);
    if (m_live > 0)
        logCritical(lcAsync, "scope destroyed with live tasks", {{"scope", m_name}, {"live", QString::number(m_live)}});
}

void TaskScope::spawn(const char *name, QCoro::Task<> task)
{
    ++m_live;
    run(name, std::move(task));
}

QCoro::Task<> TaskScope::run(const char *name, QCoro::Task<> task)
{
    const QPointer<TaskScope> self(this);
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
        logCritical(lcAsync, "task ended with an exception", {{"task", QString::fromUtf8(name)}, {"what", failure}});
    if (self && --m_live == 0) {
        setLate(false);
        Q_EMIT drained();
    }
}

void TaskScope::setLate(bool late)
{
    if (std::exchange(m_late, late) == late)
        return;
    if (late)
        t_late.push_back(this);
    else
        std::erase(t_late, this);
}

QStringList TaskScope::unjoined()
{
    QStringList names;
    for (const TaskScope *scope : t_late)
        names << u"%1 (%2)"_s.arg(scope->m_name).arg(scope->m_live);
    return names;
}

QCoro::Task<bool> TaskScope::join(Millis timeout)
{
    const QPointer<TaskScope> self(this);
    // One deadline for all rounds: a scope that is filled again and again must not hold its owner.
    const bool forever = timeout.count() < 0;
    const QDeadlineTimer deadline(forever ? QDeadlineTimer(QDeadlineTimer::Forever) : QDeadlineTimer(timeout));
    while (self && m_live > 0) {
        const Millis left = forever ? kNoDeadline : Millis(deadline.remainingTime());
        const Wake wake = co_await waitSignal(this, &TaskScope::drained, left);
        if (wake == Wake::Fired)
            continue;
        const bool ended = self && m_live == 0;
        if (self && !ended)
            setLate(true);
        co_return ended;
    }
    co_return true;
}

} // namespace signalbox::async
