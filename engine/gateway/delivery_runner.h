// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/task_scope.h"
#include "gateway/engine_lease.h"
#include "gateway/interactions.h"
#include "gateway/turn_adoption.h"
#include "gateway/turn_outcome.h"

#include <functional>
#include <memory>

class QTimer;

namespace signalbox::gateway {

// Takes one claimed delivery from its runtime to its outcome (DESIGN.md steps 4 to 7): bind, acknowledge,
// open, commit the prompt fence, prompt, commit the outcome. Every way through ends in a reply, a notice, or
// a dead letter with a notice. When its token fires it writes nothing more: whoever stops the engine hands
// the work back. Engine thread.
class DeliveryRunner
{
public:
    DeliveryRunner(store::Store &store, InstallationBook &book, Backends &backends, EngineLease &lease,
        RuntimeReach &reach, TurnAdoption &adoption, Interactions &interactions, const DeliveryDrafts &drafts,
        const config::Config &config, IdGenerator &ids);

    [[nodiscard]] QCoro::Task<> run(store::ClaimedDelivery delivery, async::CancelToken stop);
    // Waits for the notes that run beside deliveries. No run() may be alive any more.
    [[nodiscard]] QCoro::Task<> stop();

    // Something may be sent now; another delivery may run now.
    void onOutbound(std::function<void()> listener) { m_outbound = std::move(listener); }
    void onReady(std::function<void(Millis)> listener) { m_ready = std::move(listener); }

private:
    [[nodiscard]] QCoro::Task<Decision> decide(std::shared_ptr<DeliveryWork> work, QTimer *timeout);
    [[nodiscard]] QCoro::Task<Decision> lookFor(std::shared_ptr<DeliveryWork> work, QString errorCode);
    [[nodiscard]] QCoro::Task<Decision> turn(std::shared_ptr<DeliveryWork> work, QTimer *timeout);
    [[nodiscard]] bool isWanted(const DeliveryWork &work) const;
    [[nodiscard]] bool begins(const std::shared_ptr<DeliveryWork> &work);
    [[nodiscard]] QCoro::Task<> acknowledge(
        std::shared_ptr<DeliveryWork> work, QString reaction, bool removed);
    [[nodiscard]] QCoro::Task<Status> beginTurn(
        std::shared_ptr<DeliveryWork> work, QString agentSession, QString prompt);
    [[nodiscard]] std::optional<store::OutboundDraft> announcement(const DeliveryWork &work) const;
    [[nodiscard]] QCoro::Task<> accept(store::HeldDelivery held);
    [[nodiscard]] QCoro::Task<> finish(std::shared_ptr<DeliveryWork> work, Decision decision);
    [[nodiscard]] QCoro::Task<> recordStale(std::shared_ptr<DeliveryWork> work, QString what);
    void makeMinimal(const DeliveryWork &work, store::FinishTurn &finish);
    [[nodiscard]] runtimes::TurnClocks clocks(const runtimes::RuntimeBackend &backend) const;

    store::Store &m_store;
    InstallationBook &m_book;
    Backends &m_backends;
    EngineLease &m_lease;
    RuntimeReach &m_reach;
    TurnAdoption &m_adoption;
    Interactions &m_interactions;
    const DeliveryDrafts &m_drafts;
    const config::Config &m_config;
    IdGenerator &m_ids;
    std::function<void()> m_outbound;
    std::function<void(Millis)> m_ready;
    async::TaskScope m_scope;
};

} // namespace signalbox::gateway
