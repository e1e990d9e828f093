// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/ids.h"
#include "gateway/delivery_work.h"
#include "gateway/engine_orders.h"
#include "gateway/installation_book.h"

#include <QHash>
#include <QObject>

#include <functional>
#include <memory>

namespace signalbox::gateway {

// Puts what agents ask to people, and hands over what they say (DESIGN.md "Interactions"): stored first,
// shown second, told to the agent by the engine that holds its connection, closed when its time is over.
// Cards are outbound messages. Engine thread.
class Interactions : public QObject
{
    Q_OBJECT
public:
    Interactions(store::Store &store, InstallationBook &book, EngineLease &lease, EngineOrders &orders,
        const config::Config &config, IdGenerator &ids);
    ~Interactions() override;

    void start();
    // No turn may be alive any more.
    [[nodiscard]] QCoro::Task<> stop();
    // Something may be sent now.
    void onOutbound(std::function<void()> listener) { m_outbound = std::move(listener); }

    // Whom this delivery's turn asks; null: policy refuses what agents ask, or nobody can be shown it. Keep
    // it as long as the turn.
    [[nodiscard]] std::shared_ptr<runtimes::Asker> askerFor(
        const std::shared_ptr<DeliveryWork> &work, const std::shared_ptr<runtimes::Turn> &turn);
    // After the prompt has ended, before the outcome is written: what it still asks is withdrawn.
    [[nodiscard]] QCoro::Task<> turnOver(QString deliveryId);

    // Somebody answers. Committed when this returns; whoever won is told of by the card.
    [[nodiscard]] QCoro::Task<Result<store::ClaimedInteraction>> claim(store::ClaimInteraction claim);
    // An answer or an end was stored by somebody else's unit of work: its card and its engine are to be told.
    void wake();
    // What EngineOrders hands over as "answer".
    [[nodiscard]] QCoro::Task<bool> handOver(store::EngineOrder order);

Q_SIGNALS:
    void handedOver();

private:
    class DeliveryAsker;
    // A question of a turn that runs here.
    struct Asked
    {
        Asked() = default;
        QString deliveryId;
        store::EngineLife life; // that holds the turn
        QString connection;
        QString request;
        std::weak_ptr<runtimes::Turn> turn;
        bool withdrawn = false; // the agent has its answer
        bool taken = false; // the agent has the person's answer
        bool noting = false; // which is being written down
    };
    void ask(const std::shared_ptr<DeliveryWork> &work, const std::weak_ptr<runtimes::Turn> &turn,
        const runtimes::Question &question);
    void withdraw(const QString &connection, const QString &request);
    [[nodiscard]] QCoro::Task<> put(store::NewInteraction asked);
    [[nodiscard]] QCoro::Task<> refuse(QString id);
    [[nodiscard]] QCoro::Task<> resolve(store::ResolveInteraction resolve);
    [[nodiscard]] QCoro::Task<bool> accept(QString id);
    [[nodiscard]] QCoro::Task<bool> expire();
    bool tell(const QString &id, const runtimes::QuestionAnswer &answer);
    [[nodiscard]] bool isNoting(const QString &deliveryId) const;

    store::Store &m_store;
    InstallationBook &m_book;
    EngineLease &m_lease;
    EngineOrders &m_orders;
    const config::Config &m_config;
    IdGenerator &m_ids;
    std::function<void()> m_outbound;
    QHash<QString, Asked> m_asked; // by the interaction
    WorkLoop m_loop;
    async::TaskScope m_scope;
};

} // namespace signalbox::gateway
