// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/cancel.h"
#include "async/wait.h"

#include <QCoro/QCoroTask>
#include <QObject>
#include <QString>
#include <QStringList>

#include <memory>
#include <vector>

namespace signalbox::async {

// The only home of detached work. A service owns one, cancels and joins it before it dies. Lives on one
// thread. An exception that leaves a task is logged as critical with the task's name; it never ends the
// process.
class TaskScope : public QObject
{
    Q_OBJECT
public:
    explicit TaskScope(QString name);
    ~TaskScope() override;

    void spawn(const char *name, QCoro::Task<> task);
    void cancel() { m_source.cancel(); }
    [[nodiscard]] CancelToken token() const { return m_source.token(); }
    [[nodiscard]] int live() const { return m_count->live; }
    // Waits until every task has ended; false when the deadline came first: the scope is one of unjoined()
    // then.
    [[nodiscard]] QCoro::Task<bool> join(Millis timeout);

    // Every scope of this thread whose join() came to its deadline and whose tasks still live, as "name
    // (live)"; also when the scope itself is gone. Until there is none, nothing that such a task may use can
    // be destroyed: whoever stops a tree of services asks here once, so that no service on the way can lose
    // the answer of its own join().
    [[nodiscard]] static QStringList unjoined();

Q_SIGNALS:
    void drained();

private:
    // Shared with the tasks, which may outlive the scope.
    struct Count
    {
        Count() = default;
        QString name;
        int live = 0;
    };
    QCoro::Task<> run(const char *name, QCoro::Task<> task);
    static std::vector<std::shared_ptr<Count>> &late(); // of this thread
    void setLate();
    std::shared_ptr<Count> m_count;
    CancelSource m_source;
};

} // namespace signalbox::async
