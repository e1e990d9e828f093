// SPDX-License-Identifier: Apache-2.0
#include "sandbox/simulated_agent.h"

#include "base/hash.h"

#include <QPointer>
#include <QTimer>

using namespace Qt::StringLiterals;

namespace signalbox::sandbox {

namespace {
constexpr int kParseError = -32700;
constexpr int kInvalidRequest = -32600;
constexpr int kMethodNotFound = -32601;
constexpr int kInvalidParams = -32602;
constexpr int kInternalError = -32603;
constexpr int kAuthRequired = -32000;

Json option(const QString &id, const QString &name)
{
    return Json::object({{u"optionId"_s, id}, {u"name"_s, name}, {u"kind"_s, id}});
}
} // namespace

SimulatedAgent::SimulatedAgent(AgentStore &store, AgentOptions options, QObject *parent)
    : QObject(parent)
    , m_store(store)
    , m_options(std::move(options))
{
}

bool SimulatedAgent::outlives() const
{
    return std::any_of(m_turns.begin(), m_turns.end(), [this](const auto &turn) {
        const QByteArray hash = sha256(turn.second->messageTs.toUtf8());
        return static_cast<uchar>(hash[3]) * 100 / 256 < m_options.outlivePercent;
    });
}

void SimulatedAgent::receiveText(QByteArrayView text)
{
    const auto message = Json::parse(text);
    if (!message)
        replyError(Json(), kParseError, u"Parse error"_s);
    else
        receive(*message);
}

void SimulatedAgent::receive(const Json &message)
{
    if (m_dead)
        return;
    if (!message.isObject()) {
        replyError(Json(), kInvalidRequest, u"Invalid request"_s);
        return;
    }
    const QString &method = message[u"method"].toString();
    if (method.isEmpty()) {
        response(message);
    } else if (message.contains(u"id")) {
        request(method, message[u"id"], message[u"params"]);
    } else if (method == "session/cancel"_L1) {
        cancel(message[u"params"][u"sessionId"].toString());
    }
}

void SimulatedAgent::request(const QString &method, const Json &id, const Json &params)
{
    if (method == "initialize"_L1) {
        if (m_initialized || !params[u"protocolVersion"].isNumber())
            replyError(id, m_initialized ? kInvalidRequest : kInvalidParams, u"Invalid initialize"_s);
        else
            initialize(id);
    } else if (!m_initialized) {
        replyError(id, kInvalidRequest, u"Not initialized"_s);
    } else if (method == "session/prompt"_L1) {
        prompt(id, params);
    } else if (method == "session/new"_L1) {
        newSession(id, params);
    } else if (method == "session/load"_L1 && m_options.loadSession) {
        loadSession(id, params, true);
    } else if (method == "session/resume"_L1 && m_options.resume) {
        loadSession(id, params, false);
    } else if (method == "authenticate"_L1) {
        m_options.needsLogin = false;
        reply(id, Json::object());
    } else {
        replyError(id, kMethodNotFound, u"Method not found"_s, Json::object({{u"method"_s, method}}));
    }
}

void SimulatedAgent::initialize(const Json &id)
{
    m_initialized = true;
    Json prompts = Json::object({{u"image"_s, false}, {u"audio"_s, false}, {u"embeddedContext"_s, false}});
    Json sessions = Json::object();
    if (m_options.resume)
        sessions.set(u"resume"_s, Json::object());
    Json capabilities = Json::object({{u"loadSession"_s, m_options.loadSession},
        {u"promptCapabilities"_s, prompts}, {u"sessionCapabilities"_s, sessions}});
    Json methods = Json::array();
    if (m_options.needsLogin)
        methods.append(Json::object({{u"id"_s, u"sandbox-login"_s}, {u"name"_s, u"Sandbox login"_s}}));
    Json info
        = Json::object({{u"name"_s, m_options.name}, {u"version"_s, QStringLiteral(SIGNALBOX_VERSION)}});
    reply(id,
        Json::object({{u"protocolVersion"_s, m_options.protocolVersion},
            {u"agentCapabilities"_s, capabilities}, {u"authMethods"_s, methods}, {u"agentInfo"_s, info}}));
}

void SimulatedAgent::newSession(const Json &id, const Json &params)
{
    const QString &cwd = params[u"cwd"].toString();
    if (m_options.needsLogin)
        replyError(id, kAuthRequired, u"Authentication required"_s);
    else if (!cwd.startsWith(u'/') || !params[u"mcpServers"].isArray())
        replyError(id, kInvalidParams, u"Invalid params"_s);
    else
        reply(id, Json::object({{u"sessionId"_s, m_store.create(cwd)}}));
}

void SimulatedAgent::loadSession(const Json &id, const Json &params, bool replay)
{
    const QString sessionId = params[u"sessionId"].toString();
    const QString cwd = params[u"cwd"].toString();
    if (sessionId.isEmpty() || !cwd.startsWith(u'/') || (replay && !params[u"mcpServers"].isArray())) {
        replyError(id, kInvalidParams, u"Invalid params"_s);
        return;
    }
    if (m_options.loadUnknown)
        m_store.ensure(sessionId, cwd);
    if (!m_store.contains(sessionId)) {
        const QString details = u"Session %1 not found"_s.arg(sessionId);
        replyError(id, kInternalError, u"Internal error"_s, Json::object({{u"details"_s, details}}));
        return;
    }
    if (replay) {
        for (const Json &update : m_store.history(sessionId))
            emitUpdate(sessionId, update, false);
    }
    reply(id, Json::object());
}

void SimulatedAgent::prompt(const Json &id, const Json &params)
{
    const QString sessionId = params[u"sessionId"].toString();
    if (!m_store.contains(sessionId)) {
        const QString details = u"Session %1 not found"_s.arg(sessionId);
        replyError(id, kInternalError, u"Internal error"_s, Json::object({{u"details"_s, details}}));
        return;
    }
    if (!params[u"prompt"].isArray() || params[u"prompt"].size() == 0) {
        replyError(id, kInvalidParams, u"Invalid params"_s);
        return;
    }
    if (const auto running = m_turns.find(sessionId); running != m_turns.end()) {
        ++m_overlaps;
        stop(*running->second, u"cancelled"_s);
    }
    const AgentPrompt prompt = readPrompt(params[u"prompt"]);
    m_store.countPrompt(prompt.messageTs);
    const auto lost = lostPrompt(prompt.messageTs, m_options.lostPercent);
    if (!lost || lost->remembered)
        m_store.append(sessionId, textUpdate(u"user_message_chunk"_s, prompt.all));
    auto turn = std::make_unique<Turn>();
    turn->number = ++m_turnNumber;
    turn->requestId = id;
    turn->session = sessionId;
    turn->messageTs = prompt.messageTs;
    auto script = agentScript(lost ? lost->words : prompt.userText, m_options.latency, m_options.chunkChars,
        static_cast<int>(m_turnNumber));
    turn->steps.assign(std::make_move_iterator(script.begin()), std::make_move_iterator(script.end()));
    const quint64 number = turn->number;
    m_turns[sessionId] = std::move(turn);
    const QPointer<SimulatedAgent> self(this);
    Q_EMIT prompted(sessionId, prompt.messageTs);
    if (self)
        advance(sessionId, number);
}

void SimulatedAgent::cancel(const QString &sessionId)
{
    const auto running = m_turns.find(sessionId);
    if (running == m_turns.end())
        return;
    Turn &turn = *running->second;
    turn.cancelled = true;
    // A pending permission holds the turn until the client has answered it, as real agents do.
    if (turn.permissionFor.isEmpty())
        stop(turn, u"cancelled"_s);
    Q_EMIT cancelled(sessionId);
}

void SimulatedAgent::advance(const QString &sessionId, quint64 number)
{
    const QPointer<SimulatedAgent> self(this);
    while (self && !m_dead) {
        const auto found = m_turns.find(sessionId);
        if (found == m_turns.end() || found->second->number != number || found->second->steps.empty())
            return;
        const AgentStep step = std::move(found->second->steps.front());
        found->second->steps.pop_front();
        if (!perform(*found->second, step))
            return;
    }
}

bool SimulatedAgent::perform(Turn &turn, const AgentStep &step)
{
    switch (step.kind) {
    case AgentStep::Kind::Pause: {
        const auto goOn = [this, session = turn.session, number = turn.number] { advance(session, number); };
        QTimer::singleShot(step.pause, this, goOn);
        return false;
    }
    case AgentStep::Kind::Update:
        emitUpdate(turn.session, step.update);
        return true;
    case AgentStep::Kind::AskPermission:
        askPermission(turn, step.text, step.pause);
        return false;
    case AgentStep::Kind::ReadFile:
        readFile(turn);
        return false;
    case AgentStep::Kind::Stop:
        stop(turn, step.text);
        return false;
    case AgentStep::Kind::Fail: {
        const Json id = turn.requestId;
        m_turns.erase(turn.session);
        replyError(id, kInternalError, u"Internal error"_s, Json::object({{u"details"_s, step.text}}));
        return false;
    }
    case AgentStep::Kind::Mute:
        return false;
    case AgentStep::Kind::Die:
        m_dead = true;
        if (die)
            die();
        return false;
    }
    Q_UNREACHABLE();
}

void SimulatedAgent::askPermission(Turn &turn, const QString &toolCallId, Millis patience)
{
    turn.waitsFor = m_nextRequest++;
    turn.permissionFor = toolCallId;
    m_requests[*turn.waitsFor] = turn.session;
    Json tool = Json::object({{u"toolCallId"_s, toolCallId}, {u"title"_s, u"Edit notes.txt"_s},
        {u"kind"_s, u"edit"_s}, {u"status"_s, u"pending"_s}});
    // The generous option stands first, as one real agent has it: nobody may take options[0] for a default.
    Json::Array options;
    options.push_back(option(u"allow_always"_s, u"Always allow"_s));
    options.push_back(option(u"allow_once"_s, u"Allow"_s));
    options.push_back(option(u"reject_once"_s, u"Reject"_s));
    Json params = Json::object(
        {{u"sessionId"_s, turn.session}, {u"toolCall"_s, tool}, {u"options"_s, Json(std::move(options))}});
    send(Json::object({{u"jsonrpc"_s, u"2.0"_s}, {u"id"_s, *turn.waitsFor},
        {u"method"_s, u"session/request_permission"_s}, {u"params"_s, params}}));
    if (patience.count() <= 0)
        return;
    const auto forget = [this, id = *turn.waitsFor] {
        if (m_requests.contains(id))
            send(Json::object({{u"jsonrpc"_s, u"2.0"_s}, {u"method"_s, u"$/cancel_request"_s},
                {u"params"_s, Json::object({{u"requestId"_s, id}})}}));
    };
    QTimer::singleShot(patience, this, forget);
}

void SimulatedAgent::readFile(Turn &turn)
{
    turn.waitsFor = m_nextRequest++;
    m_requests[*turn.waitsFor] = turn.session;
    Json params = Json::object({{u"sessionId"_s, turn.session}, {u"path"_s, u"/etc/hostname"_s}});
    send(Json::object({{u"jsonrpc"_s, u"2.0"_s}, {u"id"_s, *turn.waitsFor},
        {u"method"_s, u"fs/read_text_file"_s}, {u"params"_s, params}}));
}

void SimulatedAgent::response(const Json &message)
{
    const auto asked = m_requests.find(message[u"id"].toInt().value_or(-1));
    if (asked == m_requests.end())
        return;
    const QString session = asked->second;
    const qint64 id = asked->first;
    m_requests.erase(asked);
    const auto found = m_turns.find(session);
    if (found == m_turns.end() || found->second->waitsFor != id)
        return;
    Turn &turn = *found->second;
    turn.waitsFor.reset();
    if (!turn.permissionFor.isEmpty())
        permissionAnswered(turn, message);
    else if (message[u"error"][u"code"].toInt() != kMethodNotFound)
        emitUpdate(session, textUpdate(u"agent_message_chunk"_s, u"(A file was read that must not be.) "_s));
    if (turn.cancelled)
        stop(turn, u"cancelled"_s);
    else
        advance(session, turn.number);
}

void SimulatedAgent::permissionAnswered(Turn &turn, const Json &message)
{
    const QString toolCallId = std::exchange(turn.permissionFor, QString());
    const Json &outcome = message[u"result"][u"outcome"];
    const QString &chosen = outcome[u"optionId"].toString();
    const bool selected = outcome[u"outcome"].toString() == "selected"_L1;
    const bool allowed = selected && (chosen == "allow_once"_L1 || chosen == "allow_always"_L1);
    emitUpdate(turn.session,
        Json::object({{u"sessionUpdate"_s, u"tool_call_update"_s}, {u"toolCallId"_s, toolCallId},
            {u"status"_s, allowed ? u"completed"_s : u"failed"_s}}));
    if (turn.cancelled)
        return;
    const QString text = allowed ? u"Permission given (%1). "_s.arg(chosen) : u"Permission refused. "_s;
    emitUpdate(turn.session, textUpdate(u"agent_message_chunk"_s, text));
}

void SimulatedAgent::stop(Turn &turn, const QString &reason)
{
    const Json id = turn.requestId;
    if (turn.waitsFor)
        m_requests.erase(*turn.waitsFor);
    const QString session = turn.session;
    if (reason != "cancelled"_L1)
        m_store.noteFinished(turn.messageTs);
    m_turns.erase(session);
    reply(id, Json::object({{u"stopReason"_s, reason}}));
    Q_EMIT turnEnded(session);
}

void SimulatedAgent::emitUpdate(const QString &sessionId, const Json &update, bool remember)
{
    if (remember)
        m_store.append(sessionId, update);
    Json params = Json::object({{u"sessionId"_s, sessionId}, {u"update"_s, update}});
    send(Json::object(
        {{u"jsonrpc"_s, u"2.0"_s}, {u"method"_s, u"session/update"_s}, {u"params"_s, std::move(params)}}));
}

void SimulatedAgent::reply(const Json &id, Json result)
{
    send(Json::object({{u"jsonrpc"_s, u"2.0"_s}, {u"id"_s, id}, {u"result"_s, std::move(result)}}));
}

void SimulatedAgent::replyError(const Json &id, int code, const QString &text, Json data)
{
    Json error = Json::object({{u"code"_s, code}, {u"message"_s, text}});
    if (!data.isNull())
        error.set(u"data"_s, std::move(data));
    send(Json::object({{u"jsonrpc"_s, u"2.0"_s}, {u"id"_s, id}, {u"error"_s, error}}));
}

} // namespace signalbox::sandbox
