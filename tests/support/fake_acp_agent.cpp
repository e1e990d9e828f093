// SPDX-License-Identifier: Apache-2.0
// An agent that speaks ACP on stdin and stdout and behaves as its first argument says. The second is a folder
// in which it keeps what has to outlive it: the sessions it has had, and a line for every start.
//
//   normal            streams "Hello", " world", then, after a tool call, "Done"; loads and resumes what it
//   had asks              asks twice at once; says both outcomes    forgets  asks, and takes it back at once;
//   then says the error's code       form, formtext, formhard    asks by a form; says the answer  formurl
//   asks to open a page asksanddies, asksandsticks  asks, then exits or hangs when it is answered noload the
//   same without loadSession and resume zeroload          "loads" whatever it is asked for, with no history
//   permission        asks first; says which outcome it got mute never answers a prompt until it is
//   cancelled, and says nothing ignorecancel      says one word, then nothing, whatever comes latecancel
//   answers a cancelled prompt when it is asked for another session diesbefore exits as soon as a prompt
//   comes diesafter         says a word, then exits garbage           puts lines that are no messages between
//   the others crlf              ends lines with CRLF and writes them in small pieces version answers
//   initialize with version 2 noinit            never answers initialize noisy             floods stderr
//   hugeline          writes a line that is longer than anybody takes
//   bigline           says 4 MiB in one line
//   callsfs           asks for fs/read_text_file and waits for its answer
//   twice             answers a prompt twice
//   login             wants a login
//   fails             answers every prompt with an error that has text in it
//   foreign           sends updates of other sessions
//   stubborn          ignores the end of stdin and SIGTERM, and leaves a child in its group
//   leaves            has a child in its group, and exits as soon as a prompt comes
//   wedged            neither reads nor says anything from its first prompt on, ignores SIGTERM, has a child
//   in its group nosession         answers initialize and nothing else environment       writes its
//   environment to a file longid            gives a session an id of 513 characters ids               says
//   several messages by their ids, with empty chunks between
#include "base/json.h"

#include <QFile>

#include <csignal>
#include <iostream>
#include <map>
#include <string>
#include <unistd.h>

using namespace Qt::StringLiterals;
using signalbox::Json;

namespace {

QString mode;
QString folder;
QStringList sessions;
Json heldPrompt; // the id of a prompt that has no answer yet
bool hasHeldPrompt = false;

void writeLine(const QByteArray &line)
{
    if (mode == u"crlf") {
        for (const char c : line + "\r\n") {
            (void)!::write(STDOUT_FILENO, &c, 1);
        }
        return;
    }
    std::cout << line.toStdString() << '\n' << std::flush;
}

void send(const Json &message)
{
    if (mode == u"garbage") {
        writeLine("Debugger attached. {not json");
        writeLine("");
        writeLine(R"([{"jsonrpc":"2.0","method":"session/update"}])");
    }
    writeLine(message.toBytes());
}

void answer(const Json &id, const Json &result)
{
    send(Json::object({{u"jsonrpc"_s, u"2.0"_s}, {u"id"_s, id}, {u"result"_s, result}}));
}

void answerError(const Json &id, int code, const QString &message)
{
    const Json error = Json::object({{u"code"_s, code}, {u"message"_s, message}});
    send(Json::object({{u"jsonrpc"_s, u"2.0"_s}, {u"id"_s, id}, {u"error"_s, error}}));
}

void stop(const Json &id, const QString &reason)
{
    answer(id, Json::object({{u"stopReason"_s, reason}}));
}

void update(const QString &session, const Json &what)
{
    const Json params = Json::object({{u"sessionId"_s, session}, {u"update"_s, what}});
    send(Json::object({{u"jsonrpc"_s, u"2.0"_s}, {u"method"_s, u"session/update"_s}, {u"params"_s, params}}));
}

void chunk(const QString &session, const QString &kind, const QString &text, const QString &messageId = {})
{
    const Json content = Json::object({{u"type"_s, u"text"_s}, {u"text"_s, text}});
    Json what = Json::object({{u"sessionUpdate"_s, kind}, {u"content"_s, content}});
    if (!messageId.isEmpty()) {
        what.set(u"messageId"_s, messageId);
    }
    update(session, what);
}

void say(const QString &session, const QString &text, const QString &messageId = {})
{
    chunk(session, u"agent_message_chunk"_s, text, messageId);
}

void quiet(const QString &session, const QString &kind)
{
    update(session, Json::object({{u"sessionUpdate"_s, kind}}));
}

[[noreturn]] void pauseForEver()
{
    for (;;) {
        ::pause();
    }
}

Json readMessage()
{
    std::string line;
    while (std::getline(std::cin, line)) {
        if (const auto message = Json::parse(QByteArray::fromStdString(line))) {
            return *message;
        }
    }
    if (mode == u"stubborn") {
        pauseForEver();
    }
    ::_exit(0);
}

QString sessionFile()
{
    return folder + u"/sessions"_s;
}

void append(const QString &path, const QString &line)
{
    QFile file(path);
    (void)file.open(QIODevice::Append);
    file.write(line.toUtf8() + '\n');
}

void readSessions()
{
    QFile file(sessionFile());
    if (file.open(QIODevice::ReadOnly)) {
        sessions = QString::fromUtf8(file.readAll()).split(u'\n', Qt::SkipEmptyParts);
    }
}

void initialize(const Json &id)
{
    if (mode == u"noinit") {
        return;
    }
    const bool keeps = mode != u"noload";
    Json session = Json::object();
    if (keeps && mode != u"zeroload") {
        session.set(u"resume"_s, Json::object());
    }
    session.set(u"close"_s, Json::object());
    const Json capabilities = Json::object({{u"loadSession"_s, keeps}, {u"sessionCapabilities"_s, session}});
    answer(id,
        Json::object({{u"protocolVersion"_s, mode == u"version" ? 2 : 1},
            {u"agentCapabilities"_s, capabilities}, {u"authMethods"_s, Json::array()}}));
}

void load(const Json &id, const QString &session)
{
    if (mode == u"zeroload") {
        quiet(session, u"available_commands_update"_s);
        answer(id, Json());
        return;
    }
    if (!sessions.contains(session)) {
        answerError(id, -32603, u"Session not found"_s);
        return;
    }
    chunk(session, u"user_message_chunk"_s, u"old question"_s);
    say(session, u"old answer"_s);
    answer(id, Json());
    quiet(session, u"available_commands_update"_s);
}

void newSession(const Json &id)
{
    const QString session
        = mode == u"longid" ? QString(513, u's') : u"s%1-%2"_s.arg(::getpid()).arg(sessions.size() + 1);
    sessions.append(session);
    append(sessionFile(), session);
    if (mode == u"latecancel" && hasHeldPrompt) {
        hasHeldPrompt = false;
        say(sessions.first(), u"late"_s);
        stop(heldPrompt, u"cancelled"_s);
    }
    answer(id, Json::object({{u"sessionId"_s, session}}));
}

Json ask(const QString &method, const Json &params)
{
    // Starts at 0 and so equals one of the gateway's own ids sooner or later.
    static qint64 next = 0;
    const qint64 id = next++;
    send(Json::object(
        {{u"jsonrpc"_s, u"2.0"_s}, {u"id"_s, id}, {u"method"_s, method}, {u"params"_s, params}}));
    for (;;) {
        const Json message = readMessage();
        if (!message.contains(u"method") && message[u"id"] == Json(id)) {
            return message;
        }
    }
}

void askPermission(const QString &session)
{
    Json options = Json::array();
    for (const QString &kind : {u"allow_always"_s, u"allow_once"_s, u"reject_always"_s, u"reject_once"_s}) {
        options.append(
            Json::object({{u"optionId"_s, u"id-"_s + kind}, {u"name"_s, kind}, {u"kind"_s, kind}}));
    }
    const Json call = Json::object({{u"toolCallId"_s, u"call_1"_s}});
    const Json message = ask(u"session/request_permission"_s,
        Json::object({{u"sessionId"_s, session}, {u"toolCall"_s, call}, {u"options"_s, options}}));
    const Json &outcome = message[u"result"][u"outcome"];
    say(session, outcome[u"outcome"].toString() + u':' + outcome[u"optionId"].toString());
}

Json ofPermission(const QString &session)
{
    Json options = Json::array();
    for (const QString &kind : {u"allow_always"_s, u"allow_once"_s, u"reject_once"_s})
        options.append(
            Json::object({{u"optionId"_s, u"id-"_s + kind}, {u"name"_s, kind}, {u"kind"_s, kind}}));
    const Json call = Json::object({{u"toolCallId"_s, u"call_1"_s}, {u"title"_s, u"Run it"_s},
        {u"kind"_s, u"execute"_s}, {u"rawInput"_s, Json::object({{u"command"_s, u"rm x"_s}})}});
    return Json::object({{u"sessionId"_s, session}, {u"toolCall"_s, call}, {u"options"_s, options}});
}

void request(const Json &id, const QString &method, const Json &params)
{
    send(Json::object(
        {{u"jsonrpc"_s, u"2.0"_s}, {u"id"_s, id}, {u"method"_s, method}, {u"params"_s, params}}));
}

Json responseTo(const Json &id)
{
    for (;;) {
        const Json message = readMessage();
        if (!message.contains(u"method") && message[u"id"] == id)
            return message;
    }
}

// Ids of any kind; the same tool call in both.
void askTwice(const QString &session)
{
    const Json one(u"first"_s);
    const Json two(7);
    request(one, u"session/request_permission"_s, ofPermission(session));
    request(two, u"session/request_permission"_s, ofPermission(session));
    std::map<QString, QString> outcomes;
    while (outcomes.size() < 2) {
        const Json message = readMessage();
        if (message.contains(u"method"))
            continue;
        const Json &outcome = message[u"result"][u"outcome"];
        outcomes[QString::fromUtf8(message[u"id"].toBytes())]
            = outcome[u"outcome"].toString() + u':' + outcome[u"optionId"].toString();
    }
    say(session, outcomes[u"\"first\""_s] + u' ' + outcomes[u"7"_s]);
}

void forgetQuestion(const QString &session)
{
    request(Json(5), u"session/request_permission"_s, ofPermission(session));
    send(Json::object({{u"jsonrpc"_s, u"2.0"_s}, {u"method"_s, u"$/cancel_request"_s},
        {u"params"_s, Json::object({{u"requestId"_s, 5}})}}));
    say(session, u"code "_s + QString::number(responseTo(Json(5))[u"error"][u"code"].toInt().value_or(0)));
}

void askForm(const QString &session)
{
    Json property = Json::object({{u"type"_s, u"string"_s}, {u"title"_s, u"Colour"_s}});
    if (mode == u"form") {
        Json values = Json::array();
        values.append(u"red"_s);
        values.append(u"blue"_s);
        property.set(u"enum"_s, values);
    } else if (mode == u"formhard") {
        property.set(u"pattern"_s, u"^a+$"_s);
    } else {
        property.set(u"maxLength"_s, 5);
    }
    const Json schema = Json::object(
        {{u"type"_s, u"object"_s}, {u"properties"_s, Json::object({{u"colour"_s, property}})}});
    const QString how = mode == u"formurl" ? u"url"_s : u"form"_s;
    const Json params = Json::object({{u"sessionId"_s, session}, {u"mode"_s, how},
        {u"message"_s, u"Which one?"_s}, {u"requestedSchema"_s, schema}});
    const Json message = ask(u"elicitation/create"_s, params);
    if (message.contains(u"error"))
        say(session, u"code "_s + QString::number(message[u"error"][u"code"].toInt().value_or(0)));
    else
        say(session, QString::fromUtf8(message[u"result"].toBytes()));
}

void normalTurn(const QString &session, const QString &text)
{
    quiet(session, u"usage_update"_s);
    chunk(session, u"agent_thought_chunk"_s, u"hm"_s);
    say(session, u"Hello"_s);
    say(session, u""_s);
    say(session, u" world: "_s + text);
    update(session,
        Json::object(
            {{u"sessionUpdate"_s, u"tool_call"_s}, {u"toolCallId"_s, u"c"_s}, {u"title"_s, u"t"_s}}));
    update(session, Json::object({{u"sessionUpdate"_s, u"tool_call_update"_s}, {u"toolCallId"_s, u"c"_s}}));
    say(session, u"Done"_s);
}

void speakByIds(const QString &session)
{
    say(session, u"one"_s, u"a"_s);
    say(session, u""_s, u"b"_s);
    say(session, u" more"_s, u"a"_s);
    say(session, u"two"_s, u"b"_s);
    update(session, Json::object({{u"sessionUpdate"_s, u"something_new"_s}, {u"x"_s, 1}}));
    say(session, u" too"_s, u"b"_s);
}

void prompt(const Json &id, const QString &session, const QString &text)
{
    if (mode == u"login") {
        answerError(id, -32000, u"log in"_s);
        return;
    }
    if (mode == u"fails") {
        answerError(id, -32603, u"I could not do: "_s + text);
        return;
    }
    if (mode == u"diesbefore" || mode == u"leaves") {
        ::_exit(3);
    }
    if (mode == u"wedged") {
        pauseForEver();
    }
    if (mode == u"mute" || mode == u"latecancel") {
        if (mode == u"mute" || !hasHeldPrompt) {
            heldPrompt = id;
        }
        hasHeldPrompt = true;
        quiet(session, u"usage_update"_s);
        return;
    }
    if (mode == u"ignorecancel" || mode == u"diesafter") {
        say(session, u"word"_s);
        if (mode == u"diesafter") {
            ::_exit(3);
        }
        return;
    }
    if (mode == u"hugeline") {
        writeLine(QByteArray(33 * 1024 * 1024, 'x'));
    } else if (mode == u"bigline") {
        say(session, QString(4 * 1024 * 1024, u'y'));
    } else if (mode == u"permission") {
        askPermission(session);
    } else if (mode == u"asks") {
        askTwice(session);
    } else if (mode == u"asksanddies") {
        request(Json(3), u"session/request_permission"_s, ofPermission(session));
        (void)responseTo(Json(3));
        ::_exit(1);
    } else if (mode == u"asksandsticks") {
        request(Json(3), u"session/request_permission"_s, ofPermission(session));
        (void)responseTo(Json(3));
        for (;;)
            (void)readMessage();
    } else if (mode == u"forgets") {
        forgetQuestion(session);
    } else if (mode.startsWith(u"form")) {
        askForm(session);
    } else if (mode == u"callsfs") {
        const Json message = ask(
            u"fs/read_text_file"_s, Json::object({{u"sessionId"_s, session}, {u"path"_s, u"/etc/passwd"_s}}));
        say(session, u"code "_s + QString::number(message[u"error"][u"code"].toInt().value_or(0)));
    } else if (mode == u"foreign") {
        say(u"nobody's"_s, u"for nobody"_s);
        for (const QString &other : sessions) {
            say(other, other == session ? u"mine"_s : u"not mine"_s);
        }
    } else if (mode == u"ids") {
        speakByIds(session);
    } else {
        normalTurn(session, text);
    }
    stop(id, u"end_turn"_s);
    if (mode == u"twice") {
        stop(id, u"refusal"_s);
        say(session, u"after the end"_s);
    }
}

void handle(const Json &message)
{
    const QString &method = message[u"method"].toString();
    const Json &id = message[u"id"];
    const Json &params = message[u"params"];
    const QString &session = params[u"sessionId"].toString();
    if (method == u"initialize") {
        initialize(id);
    } else if (mode == u"nosession") {
        append(folder + u"/unanswered"_s, method);
    } else if (method == u"session/new") {
        newSession(id);
    } else if (method == u"session/resume") {
        answerError(id, -32601, u"Method not found"_s); // advertised all the same, as one real agent does
    } else if (method == u"session/load") {
        load(id, session);
    } else if (method == u"session/prompt") {
        prompt(id, session, params[u"prompt"].at(0)[u"text"].toString());
    } else if (method == u"session/cancel") {
        append(folder + u"/cancels"_s, session);
        if (mode == u"mute" && hasHeldPrompt) {
            hasHeldPrompt = false;
            stop(heldPrompt, u"cancelled"_s);
        }
    } else if (method == u"session/close") {
        append(folder + u"/closes"_s, session);
        answer(id, Json::object());
    } else if (message.contains(u"id")) {
        answerError(id, -32601, u"Method not found"_s);
    }
}

} // namespace

int main(int argc, char **argv)
{
    mode = argc > 1 ? QString::fromUtf8(argv[1]) : u"normal"_s;
    folder = argc > 2 ? QString::fromUtf8(argv[2]) : u"/tmp"_s;
    append(folder + u"/starts"_s, QString::number(::getpid()));
    readSessions();
    if (mode == u"stubborn" || mode == u"wedged" || mode == u"leaves") {
        ::signal(SIGTERM, SIG_IGN);
        const pid_t child = ::fork();
        if (child == 0) {
            pauseForEver();
        }
        append(folder + u"/children"_s, QString::number(child));
    }
    if (mode == u"environment") {
        for (char **entry = environ; *entry != nullptr; ++entry) {
            append(folder + u"/environment"_s, QString::fromLocal8Bit(*entry));
        }
    }
    if (mode == u"noisy") {
        for (int i = 0; i < 20'000; ++i) {
            std::cerr << "line " << i << " of a very long log that nobody reads\n";
        }
        std::cerr << "the last line\n";
    }
    for (;;) {
        handle(readMessage());
    }
}
