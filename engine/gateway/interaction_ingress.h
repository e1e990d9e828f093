// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "channels/slack/slack_action.h"
#include "channels/slack/slack_adapter.h"
#include "gateway/interactions.h"
#include "http/router.h"

namespace signalbox::gateway {

// POST /slack/interactions (contracts/slack.md §1 "Interactivity"): the signature of the raw body, then the
// claim; 200 after it is committed, 503 when it cannot be. Who may not, came late or was not the first is
// told so, and nobody else sees it. Engine thread; outlives the server that calls it.
class InteractionIngress
{
public:
    InteractionIngress(InstallationBook &book, Interactions &interactions, slack::SlackAdapter &slack,
        const config::Config &config, const Clock &clock, IdGenerator &ids);

    void addRoutes(http::Router &router);
    [[nodiscard]] QCoro::Task<> stop();

    // What belongs to others than cards: whether it is theirs, and what it does. Before the server starts.
    using Owns = bool (*)(const Json &payload);
    using Other = std::function<QCoro::Task<Status>(Json payload, Installation installation)>;
    void setOther(Owns owns, Other take)
    {
        m_owns = owns;
        m_other = std::move(take);
    }

    // What an authentic interaction of this installation does, whatever brought it. Unavailable: it could not
    // be stored, and the person is to see an error. An action that is none of ours does nothing.
    [[nodiscard]] QCoro::Task<Status> take(slack::SlackAction action, Installation installation);

private:
    [[nodiscard]] QCoro::Task<http::Response> interactions(http::Request request, http::Context context);
    [[nodiscard]] QCoro::Task<> whisper(slack::Whisper whisper, Secret token);
    InstallationBook &m_book;
    Interactions &m_interactions;
    slack::SlackAdapter &m_slack;
    const config::Config &m_config;
    const Clock &m_clock;
    IdGenerator &m_ids;
    Owns m_owns = nullptr;
    Other m_other;
    async::TaskScope m_scope; // private notes
};

} // namespace signalbox::gateway
