// SPDX-License-Identifier: Apache-2.0
#include "domain/interaction.h"

#include "domain/name_table.h"

#include <QRegularExpression>

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::domain {

namespace {
constexpr NameTable<InteractionState, 6> kStates{{
    {InteractionState::Posting, u"posting"},
    {InteractionState::Open, u"open"},
    {InteractionState::Answered, u"answered"},
    {InteractionState::Expired, u"expired"},
    {InteractionState::Cancelled, u"cancelled"},
    {InteractionState::Withdrawn, u"withdrawn"},
}};
constexpr NameTable<InteractionOrigin, 3> kOrigins{{
    {InteractionOrigin::Permission, u"permission"},
    {InteractionOrigin::Form, u"form"},
    {InteractionOrigin::Question, u"question"},
}};
constexpr qsizetype kMostTyped = 3000;
} // namespace

QString name(InteractionState state)
{
    return nameIn(kStates, state);
}

QString name(InteractionOrigin origin)
{
    return nameIn(kOrigins, origin);
}

std::optional<InteractionState> interactionState(QStringView text)
{
    return findIn(kStates, text);
}

std::optional<InteractionOrigin> interactionOrigin(QStringView text)
{
    return findIn(kOrigins, text);
}

const std::vector<InteractionTransition> &interactionTransitions()
{
    using enum InteractionState;
    static const std::vector<InteractionTransition> kTable{
        {Posting, Open, "the card stands in the channel"},
        {Posting, Answered, "a click on the card that came before the channel's own answer"},
        {Posting, Expired, "its time is over and the card was never seen"},
        {Posting, Cancelled, "the card cannot be shown, or an operator cancelled it"},
        {Posting, Withdrawn, "whoever asked is gone or does not want to know any more"},
        {Open, Answered, "somebody who may has answered"},
        {Open, Expired, "its time is over"},
        {Open, Cancelled, "an operator cancelled it"},
        {Open, Withdrawn, "whoever asked is gone or does not want to know any more"},
        {Answered, Withdrawn, "whoever asked was gone before it took the answer"},
    };
    return kTable;
}

bool mayMove(InteractionState from, InteractionState to)
{
    const auto &table = interactionTransitions();
    return std::any_of(table.begin(), table.end(), [&](const InteractionTransition &transition) {
        return transition.from == from && transition.to == to;
    });
}

bool isClaimable(InteractionState state)
{
    return mayMove(state, InteractionState::Answered);
}

Json InteractionChoices::toJson() const
{
    Json list = Json::array();
    for (const InteractionOption &option : options)
        list.append(
            Json::object({{u"id"_s, option.id}, {u"label"_s, option.label}, {u"kind"_s, option.kind}}));
    Json json = Json::object({{u"options"_s, list}});
    if (takesText)
        json.set(u"text"_s, Json::object({{u"least"_s, least}, {u"most"_s, most}}));
    return json;
}

InteractionChoices InteractionChoices::fromJson(const Json &json)
{
    InteractionChoices choices;
    for (const Json &option : json[u"options"].toArray()) {
        if (option[u"id"].isString())
            choices.options.emplace_back(
                option[u"id"].toString(), option[u"label"].toString(), option[u"kind"].toString());
    }
    const Json &text = json[u"text"];
    choices.takesText = text.isObject();
    choices.least = static_cast<int>(text[u"least"].toInt().value_or(0));
    choices.most = static_cast<int>(text[u"most"].toInt().value_or(0));
    return choices;
}

Json InteractionAnswer::toJson() const
{
    if (option.isEmpty())
        return Json::object({{u"text"_s, text}});
    return Json::object({{u"option"_s, option}, {u"label"_s, label}});
}

InteractionAnswer InteractionAnswer::fromJson(const Json &json)
{
    InteractionAnswer answer;
    answer.option = json[u"option"].toString();
    answer.label = json[u"label"].toString();
    answer.text = json[u"text"].toString();
    return answer;
}

std::vector<InteractionOption> permittedOptions(
    const std::vector<InteractionOption> &options, bool mayAllowAlways)
{
    std::vector<InteractionOption> permitted;
    std::copy_if(options.begin(), options.end(), std::back_inserter(permitted),
        [&](const InteractionOption &option) { return mayAllowAlways || option.kind != u"allow_always"; });
    return permitted;
}

QString answerersFor(const QStringList &configured, const QString &requester)
{
    QString list;
    for (const QString &who : configured) {
        if (who == u"anyone")
            return u"*"_s;
        const QString id = who == u"requester" ? requester : who;
        if (!id.isEmpty() && !id.contains(u' ') && !list.contains(u' ' + id + u' '))
            list += (list.isEmpty() ? u" "_s : QString()) + id + u' ';
    }
    return list;
}

std::optional<TypedReply> parseTypedReply(const QString &slackText)
{
    // Only short ones are looked at closely: every message comes by here.
    static const QRegularExpression kMentions(u"^(\\s*<@[A-Z0-9]+(\\|[^>]*)?>)*\\s*"_s);
    static const QRegularExpression kNumber(u"^#?([1-9][0-9]?)[.)]?$"_s);
    static const QRegularExpression kText(u"^answer:\\s*(.+)$"_s,
        QRegularExpression::CaseInsensitiveOption | QRegularExpression::DotMatchesEverythingOption);
    if (slackText.size() > kMostTyped)
        return std::nullopt;
    QString said = slackText;
    said.remove(0, kMentions.match(said).capturedLength());
    said = said.trimmed();
    TypedReply reply;
    if (const auto number = kNumber.match(said); number.hasMatch()) {
        reply.number = number.captured(1).toInt();
        return reply;
    }
    if (const auto text = kText.match(said); text.hasMatch()) {
        // As the person wrote it: Slack escapes three characters.
        reply.text = text.captured(1).trimmed();
        reply.text.replace(u"&lt;"_s, u"<"_s).replace(u"&gt;"_s, u">"_s).replace(u"&amp;"_s, u"&"_s);
        return reply;
    }
    return std::nullopt;
}

std::optional<InteractionAnswer> chooseByIndex(const InteractionChoices &choices, int index)
{
    if (index < 0 || static_cast<size_t>(index) >= choices.options.size())
        return std::nullopt;
    const InteractionOption &option = choices.options[static_cast<size_t>(index)];
    InteractionAnswer answer;
    answer.option = option.id;
    answer.label = option.label;
    return answer;
}

std::optional<InteractionAnswer> chooseById(const InteractionChoices &choices, const QString &optionId)
{
    for (size_t i = 0; i < choices.options.size(); ++i) {
        if (choices.options[i].id == optionId)
            return chooseByIndex(choices, static_cast<int>(i));
    }
    return std::nullopt;
}

std::optional<InteractionAnswer> chooseByReply(const InteractionChoices &choices, const TypedReply &reply)
{
    if (reply.number > 0)
        return chooseByIndex(choices, reply.number - 1);
    const bool fits = choices.takesText && !reply.text.isEmpty() && reply.text.size() >= choices.least
        && reply.text.size() <= choices.most;
    if (!fits)
        return std::nullopt;
    InteractionAnswer answer;
    answer.text = reply.text;
    return answer;
}

} // namespace signalbox::domain
