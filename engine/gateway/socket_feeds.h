// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "channels/slack/socket_mode.h"
#include "gateway/engine_lease.h"
#include "gateway/slack_commands.h"
#include "gateway/work_loop.h"

namespace signalbox::gateway {

// The Socket Mode connections of installations with transport = "socket": one for each app-level token, held
// by one engine of several (store/socket_records.h), under the id of the first installation with that token.
// What comes in goes the way of the HTTP requests behind their signature, and is acknowledged when it is
// stored. Engine thread.
class SocketFeeds : public QObject
{
    Q_OBJECT
public:
    // What an interactivity payload does that is none of SlackCommands: what POST /slack/interactions does
    // behind its signature. Unavailable: it could not be stored.
    using Interaction = std::function<QCoro::Task<Status>(Json payload, Installation installation)>;

    SocketFeeds(store::Store &store, InstallationBook &book, EngineLease &lease, SlackIngress &ingress,
        SlackCommands &commands, http::Client &client, const config::Config &config, const Clock &clock,
        IdGenerator &ids);
    ~SocketFeeds() override;

    void onInteraction(Interaction interaction) { m_interaction = std::move(interaction); }
    void start();
    // Takes nothing more, closes, and lets another engine connect at once.
    [[nodiscard]] QCoro::Task<> stop(Millis grace);

private:
    struct Feed
    {
        Feed() = default;
        QString id; // of the installation
        Secret appToken;
        std::unique_ptr<slack::SocketModeClient> client; // while this engine holds it
        Millis heldUntil{0}; // by CLOCK_BOOTTIME, while the store does not answer
    };
    [[nodiscard]] QCoro::Task<bool> keepAll();
    [[nodiscard]] QCoro::Task<> keep(Feed *feed);
    [[nodiscard]] QCoro::Task<> tell(Feed *feed);
    [[nodiscard]] QCoro::Task<> letGo(Feed *feed, Millis grace);
    void connectFeed(Feed &feed);
    [[nodiscard]] QCoro::Task<slack::SocketAnswer> take(slack::SocketEnvelope envelope, Secret appToken);
    [[nodiscard]] QCoro::Task<slack::SocketAnswer> takeEvent(slack::SocketEnvelope envelope, Secret appToken);
    [[nodiscard]] QCoro::Task<slack::SocketAnswer> takeCommand(
        slack::SocketEnvelope envelope, Secret appToken);
    [[nodiscard]] QCoro::Task<slack::SocketAnswer> takeInteraction(
        slack::SocketEnvelope envelope, Secret appToken);
    store::Store &m_store;
    InstallationBook &m_book;
    EngineLease &m_lease;
    SlackIngress &m_ingress;
    SlackCommands &m_commands;
    http::Client &m_client;
    const config::Config &m_config;
    const Clock &m_clock;
    IdGenerator &m_ids;
    Interaction m_interaction;
    std::vector<std::unique_ptr<Feed>> m_feeds;
    std::vector<std::unique_ptr<slack::SocketModeClient>> m_stuck; // stopped, and still waiting for the store
    WorkLoop m_loop;
};

} // namespace signalbox::gateway
