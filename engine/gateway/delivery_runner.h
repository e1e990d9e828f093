// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/task_scope.h"
#include "base/ids.h"
#include "channels/slack/slack_adapter.h"
#include "config/config.h"
#include "gateway/engine_lease.h"
#include "gateway/installation_book.h"
#include "gateway/turn_outcome.h"
#include "runtimes/runtime_backend.h"
#include "store/store.h"

#include <functional>
#include <map>
#include <memory>

namespace signalbox::gateway {

using Backends = std::map<QString, std::unique_ptr<runtimes::RuntimeBackend>>;

// Takes one claimed delivery from its runtime to its outcome (DESIGN.md steps 4 to 7): bind, acknowledge,
// open, commit the prompt fence, prompt, commit the outcome. Every way through ends in a reply, a notice, or
// a dead letter with a notice. When its token fires it writes nothing more: whoever stops the engine hands
// the work back. Engine thread.
class DeliveryRunner
{
public:
    DeliveryRunner(store::Store &store, InstallationBook &book, Backends &backends, EngineLease &lease,
        const config::Config &config, const Clock &clock, IdGenerator &ids);

    [[nodiscard]] QCoro::Task<> run(store::ClaimedDelivery delivery, async::CancelToken stop);
    // Waits for the notes that run beside deliveries. No run() may be alive any more.
    [[nodiscard]] QCoro::Task<> stop();

    // Something may be sent now; another delivery may run now.
    void onOutbound(std::function<void()> listener) { m_outbound = std::move(listener); }
    void onReady(std::function<void(Millis)> listener) { m_ready = std::move(listener); }

private:
    struct Work;
    [[nodiscard]] QCoro::Task<Decision> turn(std::shared_ptr<Work> work);
    [[nodiscard]] QCoro::Task<Result<std::shared_ptr<runtimes::Turn>>> open(std::shared_ptr<Work> work);
    [[nodiscard]] QCoro::Task<Status> bind(std::shared_ptr<Work> work);
    [[nodiscard]] QCoro::Task<> acknowledge(std::shared_ptr<Work> work);
    [[nodiscard]] QCoro::Task<Status> beginTurn(
        std::shared_ptr<Work> work, QString agentSession, QString prompt);
    [[nodiscard]] QCoro::Task<> accept(store::HeldDelivery held);
    [[nodiscard]] QCoro::Task<> finish(std::shared_ptr<Work> work, Decision decision);
    void makeMinimal(const Work &work, store::FinishTurn &finish);
    [[nodiscard]] store::OutboundDraft draft(
        const Work &work, const QString &purpose, domain::OutboundKind kind, const QString &escapedText);
    void addReply(const Work &work, const QString &text, std::vector<store::OutboundDraft> &drafts);
    [[nodiscard]] runtimes::TurnClocks clocks(const runtimes::RuntimeBackend &backend) const;

    store::Store &m_store;
    InstallationBook &m_book;
    Backends &m_backends;
    EngineLease &m_lease;
    const config::Config &m_config;
    const Clock &m_clock;
    IdGenerator &m_ids;
    std::function<void()> m_outbound;
    std::function<void(Millis)> m_ready;
    async::TaskScope m_scope;
};

} // namespace signalbox::gateway
