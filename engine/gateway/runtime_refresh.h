// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/task_scope.h"
#include "runtimes/runtime_backend.h"

#include <QHash>

#include <memory>

namespace signalbox::gateway {

// Asks a provider to look anew for a runtime, once for all who wait for it (DESIGN.md step 4 "Recovery is
// shared"): at most one forced exchange for a key in each interval, however many messages wait, and none
// while nobody does. When one succeeds, everybody goes on. Engine thread; joined by stop() before it dies.
class RuntimeRefresh
{
public:
    RuntimeRefresh(const Clock &clock, Millis interval);

    // Waits until a forced exchange after this call has succeeded. The binding is the answer for the caller's
    // own place, or nothing when it was asked for another one: then the caller asks unforced. Errors:
    // Cancelled, or what the provider refused with for good. `key` names the installation and the runtime, or
    // the place before one is known.
    [[nodiscard]] QCoro::Task<Result<std::optional<runtimes::Binding>>> wait(
        runtimes::RuntimeBackend *backend, QString key, runtimes::BindRequest request,
        async::CancelToken cancel);

    [[nodiscard]] QCoro::Task<> stop();
    [[nodiscard]] int groups() const { return static_cast<int>(m_groups.size()); }

private:
    struct Group;
    [[nodiscard]] QCoro::Task<> poll(
        runtimes::RuntimeBackend *backend, QString key, std::shared_ptr<Group> group);

    const Clock &m_clock;
    Millis m_interval;
    QHash<QString, std::shared_ptr<Group>> m_groups;
    QHash<QString, Millis> m_lastPoll; // by key: boot time
    async::TaskScope m_scope;
};

} // namespace signalbox::gateway
