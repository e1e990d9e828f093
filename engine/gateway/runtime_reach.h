// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/task_scope.h"
#include "domain/recovery.h"
#include "gateway/delivery_drafts.h"
#include "gateway/installation_book.h"
#include "gateway/runtime_refresh.h"
#include "store/store.h"

#include <functional>

namespace signalbox::gateway {

// Takes a delivery to an open conversation, whatever its runtime does meanwhile, within the work's deadline
// (DESIGN.md step 4): asks who answers in the place, opens, and recovers by domain/recovery.h. While it
// recovers, the delivery shows as waiting for its runtime, and after status_message_delay the person is told,
// once. Engine thread; joined by stop().
class RuntimeReach
{
public:
    RuntimeReach(store::Store &store, InstallationBook &book, RuntimeRefresh &refresh,
        const config::Config &config, const Clock &clock, IdGenerator &ids, const DeliveryDrafts &drafts);

    // Fills work->binding. `onBound` is asked each time that somebody was found: false ends with native
    // "nothing_to_do". Other errors are final: refused, or out of time.
    [[nodiscard]] QCoro::Task<Result<std::shared_ptr<runtimes::Turn>>> reach(
        std::shared_ptr<DeliveryWork> work, std::function<bool()> onBound);
    // Asks who answers, and learns from it; without a recovery.
    [[nodiscard]] QCoro::Task<Status> bind(std::shared_ptr<DeliveryWork> work);
    // What the recovery announced has come: no status message may be sent any more.
    void disarm(const std::shared_ptr<DeliveryWork> &work);

    void onOutbound(std::function<void()> listener) { m_outbound = std::move(listener); }
    [[nodiscard]] QCoro::Task<> stop();

private:
    struct Recovery;
    [[nodiscard]] QCoro::Task<Status> learn(
        std::shared_ptr<DeliveryWork> work, Result<runtimes::Binding> answer);
    [[nodiscard]] QCoro::Task<Result<std::shared_ptr<runtimes::Turn>>> climb(
        std::shared_ptr<DeliveryWork> work, std::shared_ptr<Recovery> recovery,
        std::function<bool()> onBound);
    [[nodiscard]] QCoro::Task<Result<bool>> recover(std::shared_ptr<DeliveryWork> work,
        std::shared_ptr<Recovery> recovery, domain::ReachStep step, Error error);
    void begin(const std::shared_ptr<DeliveryWork> &work, const std::shared_ptr<Recovery> &recovery,
        const QString &code);
    [[nodiscard]] QCoro::Task<Result<bool>> refresh(std::shared_ptr<DeliveryWork> work);
    [[nodiscard]] static store::NoteStage stageNote(const DeliveryWork &work, const QString &errorCode);
    [[nodiscard]] QCoro::Task<> note(std::shared_ptr<DeliveryWork> work, store::NoteStage note);
    [[nodiscard]] QCoro::Task<> observe(std::shared_ptr<DeliveryWork> work, QString phase, QString detail);
    [[nodiscard]] QCoro::Task<> announce(
        std::shared_ptr<DeliveryWork> work, std::shared_ptr<Recovery> recovery, Millis delay);
    [[nodiscard]] QCoro::Task<> postStatus(std::shared_ptr<DeliveryWork> work, async::CancelToken token);
    [[nodiscard]] QCoro::Task<> withdraw(QString deliveryId);

    store::Store &m_store;
    InstallationBook &m_book;
    RuntimeRefresh &m_refresh;
    const config::Config &m_config;
    const Clock &m_clock;
    IdGenerator &m_ids;
    const DeliveryDrafts &m_drafts;
    std::function<void()> m_outbound;
    async::TaskScope m_scope;
};

} // namespace signalbox::gateway
