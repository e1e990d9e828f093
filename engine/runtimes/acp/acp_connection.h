// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtimes/acp/acp_process.h"
#include "runtimes/acp/session_update.h"
#include "runtimes/json_rpc.h"
#include "runtimes/open_questions.h"
#include "runtimes/runtime_backend.h"
#include "runtimes/turn_run.h"

#include <QHash>

#include <list>
#include <memory>

namespace signalbox::runtimes {

struct AcpLimits
{
    AcpLimits() = default;
    Millis initializeTimeout{30'000}; // a cold start takes seconds
    Millis sessionTimeout{60'000}; // session/new, load, resume
    int crashes = 5; // this many …
    Millis crashWindow{600'000}; // … in this time stop the restarts
    // Conversations remembered as open in the agent. One that was forgotten is loaded again; where the agent
    // can do neither that nor resume, ten times as many are remembered.
    size_t rememberedSessions = 5000;
    bool asksPeople = false; // what agents ask is put to people: forms are advertised
    Millis stopGrace{5000}; // of a process that is replaced: end of stdin, SIGTERM, SIGKILL
};

// One running agent: its process, the calls to it and the conversations it has open. Wire version 1 only,
// without fs and terminal (contracts/acp.md §3, §6). Lives on the engine thread, in a shared_ptr.
//
// An agent is taken for wedged (contracts/acp.md §3 "session/cancel", 5) when it let a turn run out and did
// not answer the cancel within its grace, or did not answer session/new, load or resume in time. Not while it
// still works for others: where another prompt is in flight, it must have said nothing at all since the turn
// fell silent, and for the other calls, nothing at all since they were sent.
class AcpConnection : public QObject
{
    Q_OBJECT
public:
    AcpConnection(const AcpCommand &command, AcpLimits limits);
    ~AcpConnection() override;

    // Starts the process and agrees on the version. Errors: native "exited" (also when it cannot be started),
    // "timeout", "unsupported_version", or the code the agent answered with.
    [[nodiscard]] QCoro::Task<Status> initialize(async::CancelToken cancel);
    // What is open ends with `reason`; then AcpProcess::stop().
    [[nodiscard]] QCoro::Task<> stop(Millis grace, Error reason);
    [[nodiscard]] bool isOpen() const { return !m_peer.isClosed(); }
    [[nodiscard]] AcpProcess &process() { return m_process; }
    [[nodiscard]] JsonRpcPeer &peer() { return m_peer; }

    struct Opened
    {
        Opened() = default;
        QString session;
        bool contextLost = false;
    };
    // Takes up the stored conversation (as it is, by resume, by load), else begins a new one
    // (contracts/acp.md §3 "session/new, load, resume"). Conflict, native "session_busy", while it has a
    // prompt in flight.
    [[nodiscard]] QCoro::Task<Result<Opened>> openSession(QString stored, async::CancelToken cancel);

    // Sends the prompt, asking `mayLeave` immediately before the write, and reports to `run` until it is
    // done.
    void prompt(const QString &session, const QString &text, const std::shared_ptr<TurnRun> &run,
        const std::function<bool()> &mayLeave, const async::CancelToken &cancel,
        const std::weak_ptr<Asker> &asker = {});
    // Everything that the session asks is answered with "cancelled".
    void cancelPrompt(const QString &session);
    [[nodiscard]] OpenQuestions &questions() { return m_questions; }

    [[nodiscard]] size_t sessionCount() const { return m_sessions.size(); }

Q_SIGNALS:
    // The process is gone, and every call has failed. Not after stop().
    void ended(const QString &reason);
    void loginNeeded();
    // Alive, and no use any more: its owner stops it. May come more than once.
    void wedged();

private:
    struct Session
    {
        std::weak_ptr<TurnRun> run;
        std::weak_ptr<Asker> asker;
        MessageText text;
        std::list<QString>::iterator age;
        int replayed = -1; // updates while it is being loaded; -1: it is not
        bool inFlight = false; // a prompt of it has no answer yet
        quint64 heard = 0; // m_heard when its prompt left, or with its last update since
        int failures = 0; // prompts that failed in a row
    };
    enum class Take { Resume, Load };

    [[nodiscard]] QCoro::Task<Result<bool>> take(Take how, QString session, async::CancelToken cancel);
    [[nodiscard]] QCoro::Task<Result<Opened>> newSession(bool contextLost, async::CancelToken cancel);
    // Calls the agent, and notices when it is mute.
    [[nodiscard]] QCoro::Task<Result<Json>> call(QString method, Json params, async::CancelToken cancel);
    [[nodiscard]] bool hasOtherPrompts() const;
    void onRunFinished(const QString &session, const TurnRun *run);
    [[nodiscard]] Json sessionParams(const QString &session) const;
    [[nodiscard]] Session &remember(const QString &id);
    void forget(const QString &id);
    void forgetIdle();
    void closeOldest();
    [[nodiscard]] Status agree(const Json &answer);
    [[nodiscard]] Error noteLogin(const Error &error);
    void onUpdate(const Json &params);
    [[nodiscard]] bool onRequest(const QString &method, const Json &params, const Json &id);
    void onAsk(bool isForm, const Json &params, const Json &id);
    void onPromptAnswer(
        const QString &session, const std::shared_ptr<TurnRun> &run, const Result<Json> &answer);
    void onEnded(const QString &reason);

    AcpLimits m_limits;
    QString m_workingDirectory;
    AcpProcess m_process;
    JsonRpcPeer m_peer;
    OpenQuestions m_questions;
    bool m_canLoad = false;
    bool m_canResume = false;
    bool m_canClose = false;
    bool m_stopping = false;
    quint64 m_heard = 0; // messages from the agent
    QHash<QString, Session> m_sessions;
    std::list<QString> m_byAge; // the one used last is the last
};

} // namespace signalbox::runtimes
