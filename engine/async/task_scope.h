// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/cancel.h"
#include "async/wait.h"

#include <QCoro/QCoroTask>
#include <QObject>
#include <QString>
#include <QStringList>

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
    // Waits until every task has ended; false when the deadline came first: the scope is one of unjoined() then.
    [[nodiscard]] QCoro::Task<bool> join(Millis timeout);

    // Every scope of this thread whose join() came to its deadline and whose tasks still live, as "name (live)". Until
    // there is none, nothing that such a task may use can be destroyed: whoever stops a tree of services asks here once,
    // so that no service on the way can lose the answer of its own join().
    [[nodiscard]] static QStringList unjoined();

Q_SIGNALS:
    void drained();

private:
    QCoro::Task<> run(const char *name, QCoro::Task<> task);
    void setLate(bool late);
    QString m_name;
    CancelSource m_source;
    int m_live = 0;
    bool m_late = false; // in the list of unjoined()
};

} // namespace signalbox::async
