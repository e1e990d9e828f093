// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/task_scope.h"
#include "base/clock.h"

#include <QObject>

#include <functional>

namespace signalbox::gateway {

// Calls a step whenever there may be work: when woken, when something becomes due, and at a steady backstop,
// because a wake-up is a hint and table state is the truth. The step answers whether it found as much as it
// could take, in which case it is called again at once. Engine thread.
class WorkLoop : public QObject
{
    Q_OBJECT
public:
    using Step = std::function<QCoro::Task<bool>()>;
    WorkLoop(const char *name, Millis backstop);

    void start(Step step);
    void wake();
    void wakeIn(Millis time);
    // As wakeIn(), for callers that ask again and again: one such wake-up is under way at most.
    void wakeSoon(Millis time);
    // No step starts any more; the running one ends.
    [[nodiscard]] QCoro::Task<> stop();

Q_SIGNALS:
    void woken();

private:
    [[nodiscard]] QCoro::Task<> run(Step step);
    const char *m_name;
    Millis m_backstop;
    bool m_wanted = false;
    bool m_soon = false;
    async::TaskScope m_scope;
};

} // namespace signalbox::gateway
