// SPDX-License-Identifier: Apache-2.0
#include "runtimes/open_questions.h"

#include "runtimes/acp/session_update.h"

#include <algorithm>
#include <atomic>

using namespace Qt::StringLiterals;
using signalbox::domain::InteractionChoices;
using signalbox::domain::InteractionOption;

namespace signalbox::runtimes {

namespace {
constexpr int kRequestCancelled = -32800;
constexpr size_t kMostOptions = 99; // what a number of two digits names
constexpr qsizetype kMostOpen = 100; // of one connection: memory is bounded by us, never by an agent
constexpr int kMostText = 500;
constexpr qsizetype kMostShown = 4000;
constexpr qsizetype kMostTitle = 300;
constexpr qsizetype kMostAllowed = 1800; // what a person allows, they see: a card shows 2000 characters
std::atomic<quint64> s_connections{0};

QuestionAnswer cancelledAnswer()
{
    return {};
}

InteractionChoices permissionChoices(const Json &options)
{
    InteractionChoices choices;
    for (const Json &option : options.toArray()) {
        const QString &id = option[u"optionId"].toString();
        if (id.isEmpty())
            continue;
        const QString &label = option[u"name"].toString();
        choices.options.emplace_back(id, label.isEmpty() ? id : label, option[u"kind"].toString());
    }
    return choices;
}

// The one property that a card can ask for: the only one, or the only one that must be there.
QString askedProperty(const Json &schema)
{
    const Json::Object &properties = schema[u"properties"].toObject();
    if (properties.size() == 1)
        return properties.front().first;
    const Json::Array &required = schema[u"required"].toArray();
    const bool one = required.size() == 1 && schema[u"properties"].contains(required.front().toString());
    return one ? required.front().toString() : QString();
}

struct FormChoices
{
    FormChoices() = default;
    InteractionChoices choices;
    std::vector<Json> values;
    void add(const QString &label, Json value)
    {
        choices.options.emplace_back(u"v%1"_s.arg(values.size()), label, u"value"_s);
        values.push_back(std::move(value));
    }
};

void readText(const Json &property, FormChoices &form)
{
    const qint64 least = property[u"minLength"].toInt().value_or(0);
    const qint64 most = property[u"maxLength"].toInt().value_or(kMostText);
    if (property.contains(u"pattern") || property.contains(u"format") || least > kMostText || most < 1
        || least > most)
        return; // what cannot be checked or written in a line is not asked for
    form.choices.takesText = true;
    form.choices.least = static_cast<int>(std::max<qint64>(least, 1));
    form.choices.most = static_cast<int>(std::min<qint64>(most, kMostText));
}

FormChoices formChoices(const Json &property)
{
    FormChoices form;
    const QString &type = property[u"type"].toString();
    if (type == u"boolean") {
        form.add(u"Yes"_s, true);
        form.add(u"No"_s, false);
    } else if (type == u"string" && property[u"enum"].isArray()) {
        for (const Json &value : property[u"enum"].toArray()) {
            if (!value.toString().isEmpty())
                form.add(value.toString(), value);
        }
    } else if (type == u"string" && property[u"oneOf"].isArray()) {
        for (const Json &value : property[u"oneOf"].toArray()) {
            const QString &title = value[u"title"].toString();
            if (value[u"const"].isString())
                form.add(title.isEmpty() ? value[u"const"].toString() : title, value[u"const"]);
        }
    } else if (type == u"string") {
        readText(property, form);
    }
    return form;
}

QString permissionText(const Json &toolCall)
{
    const QString &title = toolCall[u"title"].toString();
    // What is to be run must be seen by whoever allows it: a long title does not push it out, and what does
    // not fit is said.
    const QString &command = toolCall[u"rawInput"][u"command"].toString();
    QString text = command.isEmpty() || title.contains(command) ? title : title.left(kMostTitle);
    if (text != title)
        text += u"…"_s;
    if (!command.isEmpty() && !title.contains(command))
        text += (text.isEmpty() ? QString() : u"\n"_s) + command;
    if (text.isEmpty())
        text = u"(a tool call without a title)"_s;
    if (text.size() <= kMostAllowed)
        return text;
    return text.left(kMostAllowed)
        + u"\n(cut: %1 more characters are not shown)"_s.arg(text.size() - kMostAllowed);
}
} // namespace

OpenQuestions::OpenQuestions(JsonRpcPeer &peer)
    : m_peer(peer)
    , m_connection(QString::number(++s_connections))
{
}

bool OpenQuestions::askPermission(const Json &params, const Json &id, const QString &session,
    const std::shared_ptr<TurnRun> &run, const std::weak_ptr<Asker> &asker)
{
    Open open;
    open.id = id;
    open.session = session;
    open.asker = asker;
    open.offered = params[u"options"];
    const Json &tool = params[u"toolCall"];
    open.question.kind = tool[u"kind"].toString().left(40);
    open.question.text = permissionText(tool);
    open.question.choices = permissionChoices(open.offered);
    return put(std::move(open), run);
}

bool OpenQuestions::askForm(const Json &params, const Json &id, const QString &session,
    const std::shared_ptr<TurnRun> &run, const std::weak_ptr<Asker> &asker)
{
    const Json &schema = params[u"requestedSchema"];
    Open open;
    open.id = id;
    open.session = session;
    open.asker = asker;
    open.property = askedProperty(schema);
    if (open.property.isEmpty())
        return false;
    const Json &property = schema[u"properties"][open.property];
    FormChoices form = formChoices(property);
    if (form.values.empty() && !form.choices.takesText)
        return false;
    open.question.isForm = true;
    open.question.text = params[u"message"].toString();
    for (const QStringView member : {u"title", u"description"}) {
        const QString &more = property[member].toString();
        if (!more.isEmpty() && !open.question.text.contains(more))
            open.question.text += (open.question.text.isEmpty() ? QString() : u"\n"_s) + more;
    }
    if (open.question.text.isEmpty())
        open.question.text = open.property;
    open.question.text = open.question.text.left(kMostShown);
    open.question.choices = std::move(form.choices);
    open.question.choices.options.emplace_back(u"decline"_s, u"Decline"_s, u"decline"_s);
    open.values = std::move(form.values);
    return put(std::move(open), run);
}

bool OpenQuestions::put(Open open, const std::shared_ptr<TurnRun> &run)
{
    const std::shared_ptr<Asker> asker = open.asker.lock();
    const size_t options = open.question.choices.options.size();
    const QString request = QString::fromUtf8(open.id.toBytes());
    if (!asker || options == 0 || options > kMostOptions || m_open.size() >= kMostOpen
        || m_open.contains(request) || request.size() > kMaxIdLength) {
        return false;
    }
    open.question.connection = m_connection;
    open.question.request = request;
    open.run = run;
    const Question question = open.question;
    m_open.insert(request, std::move(open));
    run->hold();
    asker->ask(question);
    return true;
}

Json OpenQuestions::resultOf(const Open &open, const QuestionAnswer &answer) const
{
    using How = QuestionAnswer::How;
    const auto &options = open.question.choices.options;
    const auto chosen = std::find_if(options.begin(), options.end(),
        [&](const InteractionOption &option) { return option.id == answer.option; });
    const bool known = answer.how == How::Chosen && chosen != options.end();
    if (!open.question.isForm) {
        if (known) {
            const Json outcome
                = Json::object({{u"outcome"_s, u"selected"_s}, {u"optionId"_s, answer.option}});
            return Json::object({{u"outcome"_s, outcome}});
        }
        return answer.how == How::Cancelled ? cancelledOutcome() : refusedOutcome(open.offered);
    }
    const auto index = static_cast<size_t>(chosen - options.begin());
    const bool isText = answer.how == How::Written && open.question.choices.takesText;
    if (isText || (known && index < open.values.size())) {
        Json content = Json::object();
        content.set(open.property, isText ? Json(answer.text) : open.values[index]);
        return Json::object({{u"action"_s, u"accept"_s}, {u"content"_s, content}});
    }
    return Json::object({{u"action"_s, answer.how == How::Cancelled ? u"cancel"_s : u"decline"_s}});
}

bool OpenQuestions::respond(const Open &open, const QuestionAnswer &answer)
{
    const bool left = m_peer.respond(open.id, resultOf(open, answer));
    if (const std::shared_ptr<TurnRun> run = open.run.lock()) {
        if (answer.how == QuestionAnswer::How::Refused)
            run->countRefusal();
        run->resume();
    }
    return left;
}

bool OpenQuestions::answer(const QString &connection, const QString &request, const QuestionAnswer &answer)
{
    const auto found = m_open.find(request);
    if (connection != m_connection || found == m_open.end())
        return false;
    const Open open = *found;
    m_open.erase(found);
    return respond(open, answer);
}

void OpenQuestions::cancelSession(const QString &session)
{
    const auto open = m_open; // whoever is told may come back in here
    for (const Open &one : open) {
        if (one.session != session || m_open.remove(one.question.request) == 0)
            continue;
        respond(one, cancelledAnswer());
        if (const std::shared_ptr<Asker> asker = one.asker.lock())
            asker->withdraw(m_connection, one.question.request);
    }
}

void OpenQuestions::endSession(const QString &session)
{
    const auto open = m_open;
    for (const Open &one : open) {
        if (one.session == session && m_open.remove(one.question.request) > 0)
            respond(one, cancelledAnswer());
    }
}

void OpenQuestions::cancelRequest(const Json &params)
{
    const QString request = QString::fromUtf8(params[u"requestId"].toBytes());
    const auto found = m_open.find(request);
    if (found == m_open.end())
        return;
    const Open open = *found;
    m_open.erase(found);
    m_peer.respondError(open.id, kRequestCancelled, u"Request cancelled"_s);
    if (const std::shared_ptr<TurnRun> run = open.run.lock())
        run->resume();
    if (const std::shared_ptr<Asker> asker = open.asker.lock())
        asker->withdraw(m_connection, request);
}

} // namespace signalbox::runtimes
