// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "channels/slack/slack_adapter.h"
#include "gateway/busy_notices.h"
#include "gateway/disconnector.h"
#include "gateway/dispatcher.h"
#include "gateway/interaction_ingress.h"
#include "gateway/lifecycle_forwarder.h"
#include "gateway/lifecycle_ingress.h"
#include "gateway/operator_actions.h"
#include "gateway/outbox.h"
#include "gateway/question_ingress.h"
#include "gateway/session_ingress.h"
#include "gateway/slack_ingress.h"
#include "gateway/socket_feeds.h"
#include "gateway/upkeep.h"
#include "gateway/webhook_sender.h"
#include "http/client.h"

#include <QObject>

namespace signalbox::gateway {

// The way of a message, composed: ingress → store → dispatcher → runner → outbox. Read slack_ingress,
// dispatcher, delivery_runner, turn_outcome and outbox in this order. Engine thread; owned by the Engine.
class Gateway : public QObject
{
    Q_OBJECT
public:
    // `sealer` opens and seals the tokens that are kept.
    Gateway(store::Store &store, const config::Config &config, const Clock &clock, IdGenerator &ids,
        Sealer sealer);
    ~Gateway() override;

    // Registers this engine's life, frees what a former one held, and reads the installations. InvalidInput
    // for a backend that cannot be made.
    [[nodiscard]] QCoro::Task<Status> prepare(store::EngineRegistration registration);
    void addIngressRoutes(http::Router &router)
    {
        m_ingress.addRoutes(router);
        m_lifecycleIngress.addRoutes(router);
        m_sessionIngress.addRoutes(router);
        m_questions.addRoutes(router);
        m_interactionIngress.addRoutes(router);
        m_commands.addRoutes(router);
    }
    void start();
    // Claims nothing more, gives what runs the grace, hands the rest back. Also when start() or prepare() was
    // never called or failed.
    [[nodiscard]] QCoro::Task<> stop(Millis grace);

    [[nodiscard]] const EngineLease &lease() const { return m_lease; }
    [[nodiscard]] const store::Registered &registered() const { return m_registered; }
    [[nodiscard]] const IngressStats &ingressStats() const { return m_ingress.stats(); }
    [[nodiscard]] int inFlight() const { return m_dispatcher.inFlight(); }
    [[nodiscard]] OperatorActions &actions() { return m_actions; }

Q_SIGNALS:
    void replaced();

private:
    [[nodiscard]] QCoro::Task<> watchTokens();
    [[nodiscard]] QCoro::Task<> testToken(Installation installation, Secret token);
    void wakeAll();
    [[nodiscard]] QCoro::Task<bool> cancelTurn(store::EngineOrder order);
    [[nodiscard]] QCoro::Task<> letGo();
    [[nodiscard]] QCoro::Task<Status> takeAction(Json payload, Installation installation);
    void connectSlack();
    void observeAgent(const QString &backend, const QString &phase);
    [[nodiscard]] QCoro::Task<> noteAgent(store::ObservedRuntime seen);
    store::Store &m_store;
    const config::Config &m_config;
    http::Client m_client;
    slack::SlackAdapter m_slack;
    EngineLease m_lease;
    EngineOrders m_orders;
    InstallationBook m_book;
    Interactions m_interactions;
    IngestPressure m_pressure;
    Backends m_backends;
    SlackIngress m_ingress;
    DeliveryDrafts m_drafts;
    RuntimeRefresh m_refresh;
    RuntimeReach m_reach;
    TurnAdoption m_adoption;
    DeliveryRunner m_runner;
    Dispatcher m_dispatcher;
    BusyNotices m_busy;
    Outbox m_outbox;
    SessionStreams m_streams;
    SessionIngress m_sessionIngress;
    LifecycleIngress m_lifecycleIngress;
    LifecycleForwarder m_forwarder;
    WebhookSender m_webhooks;
    QuestionIngress m_questions;
    Disconnector m_disconnector;
    InteractionIngress m_interactionIngress;
    OperatorActions m_actions;
    SlackCommands m_commands;
    SocketFeeds m_sockets;
    Upkeep m_upkeep;
    async::TaskScope m_scope;
    store::Registered m_registered;
};

} // namespace signalbox::gateway
