// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/cancel.h"
#include "async/wait.h"

#include <QCoro/QCoroTask>
#include <QObject>
#include <QString>

namespace signalbox::async {

// The only home of detached work. A service owns one, cancels and joins it before it dies. Lives on one thread.
// An exception that leaves a task is logged as critical with the task's name; it never ends the process.
class TaskScope : public QObject
{
    Q_OBJECT
public:
    explicit TaskScope(QString name);
    ~TaskScope() override;

    void spawn(const char *name, QCoro::Task<> task);
    void cancel() { m_source.cancel(); }
    [[nodiscard]] CancelToken token() const { return m_source.token(); }
    [[nodiscard]] int live() const { return m_live; }
    // Waits until every task has ended; false when the deadline came first.
    [[nodiscard]] QCoro::Task<bool> join(Millis timeout);

Q_SIGNALS:
    void drained();

private:
    QCoro::Task<> run(const char *name, QCoro::Task<> task);
    QString m_name;
    CancelSource m_source;
    int m_live = 0;
};

} // namespace signalbox::async
