// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/task_scope.h"
#include "channels/slack/slash_command.h"
#include "gateway/operator_actions.h"
#include "gateway/slack_ingress.h"
#include "http/client.h"

namespace signalbox::gateway {

// What people ask the gateway itself, in Slack: the slash command /signalbox (POST /slack/commands, signed,
// or over Socket Mode), its message shortcut, the Stop buttons that both show, and Slack's own Stop of an
// agent's thread. Answers within three seconds, whatever the database does. A stop is an operator's cancel by
// "slack:USER". Engine thread; outlives the server that calls it.
class SlackCommands
{
public:
    SlackCommands(store::Store &store, InstallationBook &book, OperatorActions &actions, http::Client &client,
        const config::Config &config, const Clock &clock);

    void addRoutes(http::Router &router);
    [[nodiscard]] QCoro::Task<> stop();
    // Whether `user` may stop a turn that `requester` asked for; by default who asked may, and nobody else.
    using MayStop = std::function<bool(
        const Installation &installation, const QString &requester, const QString &user)>;
    void setMayStop(MayStop mayStop) { m_mayStop = std::move(mayStop); }

    // The answer to an authentic command: a Slack message that only who asked sees. Unavailable: who asks is
    // not known yet, because the database is away.
    [[nodiscard]] QCoro::Task<Result<Json>> answer(slack::SlashCommand command, SlackProof proof);
    // Whether an interactivity payload is a Stop button or the shortcut of this class.
    [[nodiscard]] static bool owns(const Json &payload);
    // Does what one that it owns says, of an authentic payload of this installation. Unavailable: nothing was
    // done, and the person is to see an error.
    [[nodiscard]] QCoro::Task<Status> interact(Json payload, Installation installation);
    // Slack's event agent_session_stopped.
    [[nodiscard]] QCoro::Task<Status> sessionStopped(
        Installation installation, QString place, QString thread, QString user);

private:
    // Why a turn was not stopped; told to who wanted it.
    enum class Stopped { Yes, Over, NotAllowed };
    class Slot;
    [[nodiscard]] QCoro::Task<http::Response> commands(http::Request request, http::Context context);
    [[nodiscard]] QCoro::Task<Json> inTime(slack::SlashCommand command, Installation installation);
    [[nodiscard]] QCoro::Task<> fill(
        std::shared_ptr<Slot> slot, slack::SlashCommand command, Installation installation);
    [[nodiscard]] QCoro::Task<Json> answerFor(
        QString words, QString place, QString domain, Installation where);
    [[nodiscard]] QCoro::Task<Result<Stopped>> stopTurn(
        store::PlaceTurn turn, Installation installation, QString user);
    [[nodiscard]] QCoro::Task<> showTurns(slack::Gesture gesture, Installation installation);
    void whisper(const Installation &installation, const QString &place, const QString &thread,
        const QString &user, const Json &message);
    [[nodiscard]] QCoro::Task<> post(Secret token, QString place, QString thread, QString user, Json message);
    [[nodiscard]] QString kindOf(const QString &backend) const;
    store::Store &m_store;
    InstallationBook &m_book;
    OperatorActions &m_actions;
    http::Client &m_client;
    const config::Config &m_config;
    const Clock &m_clock;
    MayStop m_mayStop;
    async::TaskScope m_scope; // answers that are on their way, private notes
};

} // namespace signalbox::gateway
