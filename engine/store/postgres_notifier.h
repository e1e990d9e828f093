// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/session.h"

#include <QThread>

#include <array>
#include <atomic>
#include <functional>
#include <memory>

namespace signalbox::store {

enum class NotifyChannel { Feed, Orders };

// Tells the other engines on a PostgreSQL database that something has been committed, and hears it from them:
// LISTEN and NOTIFY without a payload, on one connection and thread of its own (DESIGN.md "Replicas and live
// updates"). Of what it is told it sends at most fifty a second for each channel, the first one at once. What
// it says itself it does not hear. A connection that is lost is opened again, and then both channels are
// heard once, because something may have been missed. All of it is a hint: whoever listens also polls.
class PostgresNotifier
{
public:
    // `heard` is called on the notifier's thread.
    using Heard = std::function<void(NotifyChannel)>;
    PostgresNotifier(DatabaseTarget target, const Clock &clock, QString name, Heard heard);
    ~PostgresNotifier();

    // Connects in the background. A database that refuses is logged once for each outage and asked again.
    void start();
    void stop();
    // After a commit, from any thread.
    void poke(NotifyChannel channel);

private:
    class Worker;
    DatabaseTarget m_target;
    const Clock &m_clock;
    QString m_name;
    Heard m_heard;
    std::array<std::atomic<bool>, 2> m_pending{}; // a poke is on its way to the worker
    QThread m_thread;
    std::unique_ptr<QObject> m_home; // where calls to the thread go
    std::unique_ptr<Worker> m_worker; // made, used and destroyed on m_thread
};

} // namespace signalbox::store
