// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtimes/json_rpc.h"
#include "runtimes/turn_run.h"

#include <QHash>

#include <memory>

namespace signalbox::runtimes {

// What the agent at the other end of one connection waits to be told by a person: session/request_permission
// and elicitation/create (contracts/acp.md §5, §7). Several may be open at once. Each holds the clocks of its
// turn. Lives on the peer's thread; the peer outlives it.
class OpenQuestions
{
public:
    explicit OpenQuestions(JsonRpcPeer &peer);

    // Unique to this connection in this process; with the engine's life, everywhere.
    [[nodiscard]] const QString &connection() const { return m_connection; }
    // Puts the question to the asker. False: there is nothing in it that a person could be shown; the request
    // is still to be answered.
    [[nodiscard]] bool askPermission(const Json &params, const Json &id, const QString &session,
        const std::shared_ptr<TurnRun> &run, const std::weak_ptr<Asker> &asker);
    [[nodiscard]] bool askForm(const Json &params, const Json &id, const QString &session,
        const std::shared_ptr<TurnRun> &run, const std::weak_ptr<Asker> &asker);

    // Answers the agent. False: it is not open any more, or nothing left.
    bool answer(const QString &connection, const QString &request, const QuestionAnswer &answer);
    // All of a turn that is being cancelled get "cancelled" at once, or the agent would hang for ever
    // (contracts/acp.md §3 "session/cancel").
    void cancelSession(const QString &session);
    // The turn has ended, with or without the answers.
    void endSession(const QString &session);
    // The agent's own $/cancel_request.
    void cancelRequest(const Json &params);
    // The connection is gone.
    void clear() { m_open.clear(); }
    [[nodiscard]] qsizetype count() const { return m_open.size(); }

private:
    struct Open
    {
        Open() = default;
        Json id;
        QString session;
        Question question;
        QString property; // of a form
        std::vector<Json> values; // of a form's options, in their order
        Json offered; // of a permission
        std::weak_ptr<TurnRun> run;
        std::weak_ptr<Asker> asker;
    };
    [[nodiscard]] bool put(Open open, const std::shared_ptr<TurnRun> &run);
    [[nodiscard]] Json resultOf(const Open &open, const QuestionAnswer &answer) const;
    bool respond(const Open &open, const QuestionAnswer &answer);

    JsonRpcPeer &m_peer;
    QString m_connection;
    QHash<QString, Open> m_open; // by the request's id as JSON
};

} // namespace signalbox::runtimes
