// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sandbox/agent_script.h"
#include "sandbox/agent_store.h"

#include <QObject>

#include <deque>
#include <functional>
#include <memory>

namespace signalbox::sandbox {

struct AgentOptions
{
    AgentOptions() = default;
    QString name = QStringLiteral("signalbox-sandbox-agent");
    Millis latency{0}; // before the first frame of every turn
    qsizetype chunkChars = 200; // of a streamed answer
    int protocolVersion = 1; // what initialize answers
    bool loadSession = true;
    bool resume = false;
    bool loadUnknown
        = false; // succeed with an empty history for a session that nobody knows, as one real agent does
    bool needsLogin = false; // session/new answers -32000
    int lostPercent = 0; // of prompts that are taken and never finished (agent_script.h)
    // Of the turns whose connection goes, so many of a hundred go on, as in a runtime that is a process of
    // its own; the others stay half done in the history. Of spritz only.
    int outlivePercent = 0;
};

// The agent's side of ACP v1 (contracts/acp.md) on one connection, over any transport: JSON-RPC objects in,
// JSON-RPC objects out. What it does in a turn is chosen by words in the prompt (agent_script.h). Lives on
// the thread that makes it; costs no timer and no allocation beyond its frames when no word asks for a pause.
// May be destroyed at any time, except inside of `send`.
class SimulatedAgent : public QObject
{
    Q_OBJECT
public:
    SimulatedAgent(AgentStore &store, AgentOptions options, QObject *parent = nullptr);

    // Both must be set before the first message. `die` closes the transport at once; the agent stays silent
    // after it.
    std::function<void(const Json &message)> send;
    std::function<void()> die;

    void receive(const Json &message);
    // One frame or line; answers -32700 and -32600 for what is not a JSON-RPC object.
    void receiveText(QByteArrayView text);

    [[nodiscard]] int turnsRunning() const { return static_cast<int>(m_turns.size()); }
    // Whether a turn is running that goes on without its connection.
    [[nodiscard]] bool outlives() const;
    [[nodiscard]] bool isRunning(const QString &sessionId) const { return m_turns.contains(sessionId); }
    // How often a prompt came while another one of its session was running: a defect of the client.
    [[nodiscard]] int overlaps() const { return m_overlaps; }

Q_SIGNALS:
    void prompted(const QString &sessionId, const QString &messageTs);
    void cancelled(const QString &sessionId);
    void turnEnded(const QString &sessionId);

private:
    struct Turn
    {
        quint64 number = 0;
        Json requestId;
        QString session;
        QString messageTs;
        std::deque<AgentStep> steps;
        std::optional<qint64> waitsFor; // id of our own request
        QString permissionFor; // tool call id
        bool cancelled = false;
    };

    void request(const QString &method, const Json &id, const Json &params);
    void response(const Json &message);
    void initialize(const Json &id);
    void newSession(const Json &id, const Json &params);
    void loadSession(const Json &id, const Json &params, bool replay);
    void prompt(const Json &id, const Json &params);
    void cancel(const QString &sessionId);

    void advance(const QString &sessionId, quint64 number);
    // False when the turn does not go on by itself after this step.
    bool perform(Turn &turn, const AgentStep &step);
    void askPermission(Turn &turn, const QString &toolCallId, Millis patience);
    void readFile(Turn &turn);
    void permissionAnswered(Turn &turn, const Json &message);
    void stop(Turn &turn, const QString &reason);
    void emitUpdate(const QString &sessionId, const Json &update, bool remember = true);
    void reply(const Json &id, Json result);
    void replyError(const Json &id, int code, const QString &text, Json data = {});

    AgentStore &m_store;
    AgentOptions m_options;
    std::map<QString, std::unique_ptr<Turn>> m_turns; // by session
    std::map<qint64, QString> m_requests; // ours → session
    qint64 m_nextRequest = 0;
    quint64 m_turnNumber = 0;
    int m_overlaps = 0;
    bool m_initialized = false;
    bool m_dead = false;
};

} // namespace signalbox::sandbox
