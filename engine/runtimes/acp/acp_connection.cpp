// SPDX-License-Identifier: Apache-2.0
#include "runtimes/acp/acp_connection.h"

#include "base/failpoint.h"
#include "base/log.h"

#include <QDir>

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::runtimes {

namespace {
Q_LOGGING_CATEGORY(lcAcp, "signalbox.engine.runtimes")

constexpr qint64 kWireVersion = 1;
constexpr int kRpcInvalidParams = -32602;

Json initializeParams(bool asksPeople)
{
    const Json fs = Json::object({{u"readTextFile"_s, false}, {u"writeTextFile"_s, false}});
    Json capabilities = Json::object({
        {u"fs"_s, fs},
        {u"terminal"_s, false},
        {u"auth"_s, Json::object({{u"terminal"_s, false}})},
    });
    if (asksPeople) {
        capabilities.set(u"elicitation"_s, Json::object({{u"form"_s, Json::object()}}));
    }
    const Json client = Json::object({
        {u"name"_s, u"signalbox"_s},
        {u"title"_s, u"Signalbox"_s},
        {u"version"_s, QString::fromLatin1(SIGNALBOX_VERSION)},
    });
    return Json::object({
        {u"protocolVersion"_s, kWireVersion},
        {u"clientCapabilities"_s, capabilities},
        {u"clientInfo"_s, client},
    });
}

Json promptParams(const QString &session, const QString &text)
{
    const Json block = Json::object({{u"type"_s, u"text"_s}, {u"text"_s, text}});
    Json blocks = Json::array();
    blocks.append(block);
    return Json::object({{u"sessionId"_s, session}, {u"prompt"_s, blocks}});
}
} // namespace

AcpConnection::AcpConnection(const AcpCommand &command, AcpLimits limits)
    : m_limits(limits)
    , m_workingDirectory(command.workingDirectory.isEmpty() ? QDir::currentPath() : command.workingDirectory)
    , m_process(command)
    , m_peer([this](const QByteArray &frame) { return m_process.write(frame); })
    , m_questions(m_peer)
{
    m_process.setFrameHandler([this](const QByteArray &frame) {
        ++m_heard;
        m_peer.receive(frame);
    });
    connect(&m_process, &AcpProcess::ended, this, &AcpConnection::onEnded);
    m_peer.setNotificationHandler([this](const QString &method, const Json &params) {
        if (method == u"session/update") {
            onUpdate(params);
        } else if (method == u"$/cancel_request") {
            m_questions.cancelRequest(params);
        }
    });
    m_peer.setRequestHandler([this](const QString &method, const Json &params, const Json &id) {
        return onRequest(method, params, id);
    });
}

AcpConnection::~AcpConnection()
{
    m_stopping = true;
    m_questions.clear();
    m_peer.close(Error(ErrorCode::Unavailable, u"the agent was dropped"_s, u"closed"_s));
}

QCoro::Task<Status> AcpConnection::initialize(async::CancelToken cancel)
{
    m_process.start();
    const Result<Json> answer = co_await m_peer.call(
        u"initialize"_s, initializeParams(m_limits.asksPeople), m_limits.initializeTimeout, cancel);
    if (!answer) {
        co_return fail(noteLogin(answer.error()).context(u"initialize"_s));
    }
    co_return agree(*answer);
}

Status AcpConnection::agree(const Json &answer)
{
    const std::optional<qint64> version = answer[u"protocolVersion"].toInt();
    if (version != kWireVersion) {
        const QString shown = version ? QString::number(*version) : u"(none)"_s;
        return fail(Error(
            ErrorCode::Unsupported, u"unsupported protocol version "_s + shown, u"unsupported_version"_s));
    }
    const Json &capabilities = answer[u"agentCapabilities"];
    const Json &sessions = capabilities[u"sessionCapabilities"];
    m_canLoad = capabilities[u"loadSession"].toBool();
    m_canResume = sessions[u"resume"].isObject();
    m_canClose = sessions[u"close"].isObject();
    if (!m_canLoad && !m_canResume) {
        m_limits.rememberedSessions *= 10;
    }
    return {};
}

QCoro::Task<> AcpConnection::stop(Millis grace, Error reason)
{
    m_stopping = true;
    m_questions.clear();
    m_peer.close(reason);
    co_await m_process.stop(grace);
}

void AcpConnection::onEnded(const QString &reason)
{
    logInfo(lcAcp, "agent ended", {{"reason", reason}, {"pid", QString::number(m_process.processId())}});
    m_questions.clear();
    m_peer.close(Error(ErrorCode::Unavailable, u"the agent process ended: "_s + reason, u"exited"_s));
    if (!m_stopping) {
        Q_EMIT ended(reason);
    }
}

Error AcpConnection::noteLogin(const Error &error)
{
    if (rpcCode(error) != kRpcAuthRequired) {
        return error;
    }
    Q_EMIT loginNeeded();
    return Error(ErrorCode::Unauthorized, u"the agent needs a login on its host"_s, u"login_needed"_s);
}

// ---- conversations

Json AcpConnection::sessionParams(const QString &session) const
{
    Json params = Json::object();
    if (!session.isEmpty()) {
        params.set(u"sessionId"_s, session);
    }
    params.set(u"cwd"_s, m_workingDirectory);
    params.set(u"mcpServers"_s, Json::array());
    return params;
}

QCoro::Task<Result<AcpConnection::Opened>> AcpConnection::openSession(
    QString stored, async::CancelToken cancel)
{
    Opened opened;
    opened.session = stored;
    if (stored.isEmpty()) {
        co_return co_await newSession(false, cancel);
    }
    if (const auto known = m_sessions.find(stored); known != m_sessions.end()) {
        const std::shared_ptr<TurnRun> run = known->run.lock();
        if (known->inFlight && run && !run->isDone()) {
            co_return fail(
                Error(ErrorCode::Conflict, u"the session has a prompt in flight"_s, u"session_busy"_s));
        }
        if (known->inFlight) {
            // A cancelled prompt that never ended: its late updates could not be told from the next one's.
            co_return co_await newSession(true, cancel);
        }
        (void)remember(stored);
        co_return opened;
    }
    if (m_canResume) {
        const Result<bool> taken = co_await take(Take::Resume, stored, cancel);
        if (!taken) {
            co_return fail(taken.error());
        }
        if (*taken) {
            co_return opened;
        }
    }
    if (m_canLoad) {
        const Result<bool> taken = co_await take(Take::Load, stored, cancel);
        if (!taken) {
            co_return fail(taken.error());
        }
        if (*taken) {
            // Some agents "load" what they never had: no history is no context (contracts/acp.md §3).
            Session &session = remember(stored);
            opened.contextLost = session.replayed <= 0;
            session.replayed = -1;
            co_return opened;
        }
    }
    co_return co_await newSession(true, cancel);
}

QCoro::Task<Result<Json>> AcpConnection::call(QString method, Json params, async::CancelToken cancel)
{
    const quint64 heard = m_heard;
    Result<Json> answer = co_await m_peer.call(method, std::move(params), m_limits.sessionTimeout, cancel);
    if (!answer && answer.error().native() == u"timeout" && m_heard == heard) {
        Q_EMIT wedged();
    }
    co_return answer;
}

// True: the agent has it. False: it answered that it has not. Anything else is an error.
QCoro::Task<Result<bool>> AcpConnection::take(Take how, QString id, async::CancelToken cancel)
{
    const QString method = how == Take::Resume ? u"session/resume"_s : u"session/load"_s;
    remember(id).replayed = 0; // what comes now is history
    reachFailpoint(FailPlace::SendLoad, FailEdge::Before);
    const Result<Json> answer = co_await call(method, sessionParams(id), cancel);
    reachFailpoint(FailPlace::SendLoad, FailEdge::After);
    if (answer) {
        if (how == Take::Resume) {
            remember(id).replayed = -1;
        }
        co_return true;
    }
    forget(id);
    if (rpcCode(answer.error()) && rpcCode(answer.error()) != kRpcAuthRequired) {
        co_return false;
    }
    co_return fail(noteLogin(answer.error()).context(method));
}

QCoro::Task<Result<AcpConnection::Opened>> AcpConnection::newSession(
    bool contextLost, async::CancelToken cancel)
{
    reachFailpoint(FailPlace::SendNewSession, FailEdge::Before);
    const Result<Json> answer = co_await call(u"session/new"_s, sessionParams({}), cancel);
    reachFailpoint(FailPlace::SendNewSession, FailEdge::After);
    if (!answer) {
        co_return fail(noteLogin(answer.error()).context(u"session/new"_s));
    }
    Opened opened;
    opened.session = (*answer)[u"sessionId"].toString();
    opened.contextLost = contextLost;
    if (opened.session.isEmpty() || opened.session.size() > kMaxIdLength) {
        co_return fail(
            Error(ErrorCode::Corrupt, u"session/new gave no usable session id"_s, u"bad_answer"_s));
    }
    (void)remember(opened.session);
    co_return opened;
}

AcpConnection::Session &AcpConnection::remember(const QString &id)
{
    if (const auto known = m_sessions.find(id); known != m_sessions.end()) {
        m_byAge.splice(m_byAge.end(), m_byAge, known->age);
        return *known;
    }
    forgetIdle();
    Session &session = m_sessions[id];
    session.age = m_byAge.insert(m_byAge.end(), id);
    return session;
}

void AcpConnection::forget(const QString &id)
{
    if (const auto known = m_sessions.find(id); known != m_sessions.end()) {
        m_byAge.erase(known->age);
        m_sessions.erase(known);
    }
}

void AcpConnection::forgetIdle()
{
    // Those at work stand in the way at the old end; a few looks at each call are enough to keep up.
    for (int looks = 0; looks < 8 && size_t(m_sessions.size()) >= m_limits.rememberedSessions; ++looks) {
        const Session &oldest = m_sessions[m_byAge.front()];
        if (oldest.inFlight || oldest.replayed >= 0) {
            m_byAge.splice(m_byAge.end(), m_byAge, m_byAge.begin());
            continue;
        }
        closeOldest();
    }
}

void AcpConnection::closeOldest()
{
    const QString id = m_byAge.front();
    forget(id);
    if (m_canClose
        && !m_peer.send(u"session/close"_s, Json::object({{u"sessionId"_s, id}}), [](const auto &) {})) {
        logDebug(lcAcp, "session/close could not be sent");
    }
}

// ---- prompts

void AcpConnection::prompt(const QString &id, const QString &text, const std::shared_ptr<TurnRun> &run,
    const std::function<bool()> &mayLeave, const async::CancelToken &cancel,
    const std::weak_ptr<Asker> &asker)
{
    if (cancel.isCancelled()) {
        run->notSent(TurnEnd::Cancelled, u"cancelled"_s);
        return;
    }
    if (!isOpen()) {
        run->notSent(TurnEnd::NotSent, u"exited"_s);
        return;
    }
    Session &session
        = remember(id); // forgotten since it was opened: the agent is told about a close only when idle
    if (session.inFlight) {
        run->notSent(TurnEnd::NotSent, u"session_busy"_s);
        return;
    }
    Json params = promptParams(id, text);
    auto onAnswer = [this, id, run](const Result<Json> &answer) { onPromptAnswer(id, run, answer); };
    if (!mayLeave()) {
        run->notSent(TurnEnd::NotSent, u"not_allowed"_s);
        return;
    }
    reachFailpoint(FailPlace::SendPrompt, FailEdge::Before);
    if (!m_peer.send(u"session/prompt"_s, std::move(params), std::move(onAnswer))) {
        run->notSent(TurnEnd::NotSent, u"agent_busy"_s);
        return;
    }
    reachFailpoint(FailPlace::SendPrompt, FailEdge::After);
    session.inFlight = true;
    session.run = run;
    session.asker = asker;
    session.text = MessageText();
    session.heard = m_heard;
    connect(run.get(), &TurnRun::finished, this, [this, id, raw = run.get()] { onRunFinished(id, raw); });
    run->begin(cancel);
}

// Its answer takes the prompt out of flight before the run is finished.
void AcpConnection::onRunFinished(const QString &id, const TurnRun *run)
{
    const auto session = m_sessions.constFind(id);
    const bool isUnanswered
        = session != m_sessions.cend() && session->inFlight && session->run.lock().get() == run;
    if (isUnanswered && run->hasRunOut() && (session->heard == m_heard || !hasOtherPrompts())) {
        Q_EMIT wedged();
    }
}

bool AcpConnection::hasOtherPrompts() const
{
    return std::any_of(m_sessions.cbegin(), m_sessions.cend(), [](const Session &session) {
        const std::shared_ptr<TurnRun> run = session.inFlight ? session.run.lock() : nullptr;
        return run && !run->isDone();
    });
}

void AcpConnection::cancelPrompt(const QString &session)
{
    m_peer.notify(u"session/cancel"_s, Json::object({{u"sessionId"_s, session}}));
    m_questions.cancelSession(session);
}

void AcpConnection::onPromptAnswer(
    const QString &id, const std::shared_ptr<TurnRun> &run, const Result<Json> &answer)
{
    // What the agent may not know (any more) is loaded anew. An agent that can load nothing keeps the benefit
    // of the doubt once, because "unknown session" looks like every other error (contracts/acp.md §2).
    bool suspect = run->isDone() || (!answer && (m_canLoad || m_canResume));
    const auto session = m_sessions.find(id);
    if (session != m_sessions.end()) {
        session->inFlight = false;
        session->run.reset();
        session->failures = answer ? 0 : session->failures + 1;
        suspect = suspect || session->failures >= 2;
    }
    m_questions.endSession(id);
    const std::optional<int> code = answer ? std::nullopt : rpcCode(answer.error());
    if (suspect || code == kRpcNotFound) {
        forget(id);
    }
    // The run may lead back into here: last.
    if (answer) {
        run->answered((*answer)[u"stopReason"].toString());
    } else if (!code) {
        run->lost(answer.error().native(), answer.error().message());
    } else if (code == kRpcAuthRequired) {
        run->failed(noteLogin(answer.error()).native(), u"the agent needs a login on its host"_s);
    } else {
        run->failed(answer.error().native(), u"the agent answered the prompt with an error"_s);
    }
}

void AcpConnection::onUpdate(const Json &params)
{
    const auto session = m_sessions.find(params[u"sessionId"].toString());
    if (session == m_sessions.end()) {
        return;
    }
    const Json &update = params[u"update"];
    const QString &kind = update[u"sessionUpdate"].toString();
    if (session->replayed >= 0) {
        session->replayed += isReplayedHistory(kind) ? 1 : 0;
        return;
    }
    const std::shared_ptr<TurnRun> run = session->run.lock();
    if (!run || run->isDone()) {
        return;
    }
    session->heard = m_heard;
    const QString text = session->text.take(update);
    if (!text.isEmpty()) {
        run->append(text);
    }
    run->frame(isSignOfWork(kind)); // the last line: it may lead back into here
}

bool AcpConnection::onRequest(const QString &method, const Json &params, const Json &id)
{
    const bool isForm = method == u"elicitation/create" && m_limits.asksPeople;
    if (method != u"session/request_permission" && !isForm) {
        return false;
    }
    if (isForm && params[u"mode"].toString() != u"form") {
        m_peer.respondError(id, kRpcInvalidParams, u"only forms are understood"_s);
        return true;
    }
    onAsk(isForm, params, id);
    return true;
}

void AcpConnection::onAsk(bool isForm, const Json &params, const Json &id)
{
    const Json declined = Json::object({{u"action"_s, u"decline"_s}});
    const QString name = params[u"sessionId"].toString();
    const auto session = m_sessions.find(name);
    const std::shared_ptr<TurnRun> run = session == m_sessions.end() ? nullptr : session->run.lock();
    if (run) {
        session->heard = m_heard;
    }
    if (!run || run->isDone() || run->isCancelling()) {
        m_peer.respond(id, isForm ? Json::object({{u"action"_s, u"cancel"_s}}) : cancelledOutcome());
        if (run) {
            run->frame(true);
        }
        return;
    }
    const std::weak_ptr<Asker> asker = session->asker;
    run->frame(true); // may lead back into here
    const bool asked = isForm ? m_questions.askForm(params, id, name, run, asker)
                              : m_questions.askPermission(params, id, name, run, asker);
    if (asked) {
        return;
    }
    run->countRefusal();
    m_peer.respond(id, isForm ? declined : refusedOutcome(params[u"options"]));
}

} // namespace signalbox::runtimes
