// SPDX-License-Identifier: Apache-2.0
#include "domain/interaction_card.h"

#include "domain/slack_text.h"

#include <QDateTime>

using namespace Qt::StringLiterals;

namespace signalbox::domain {

namespace {

constexpr qsizetype kMostQuestion = 2000; // characters of a section are 3000, of an edited text 4000
constexpr qsizetype kMostLabel = 70; // a button takes 75
constexpr qsizetype kMostListed = 1200; // of the numbered options together
constexpr qsizetype kMostAnswer = 500;
constexpr size_t kButtonsInBlock = 25;
constexpr size_t kMostButtons = 100;
constexpr QLatin1StringView kAction("signalbox.answer.");

// Cuts before escaping, so that no entity is cut in two.
QString cut(const QString &text, qsizetype most)
{
    if (text.size() <= most)
        return text;
    qsizetype end = most - 1;
    if (text[end - 1].isHighSurrogate())
        --end;
    return text.left(end) + u'…';
}

// Escaping makes a text longer: what is left of it must still fit.
QString shown(const QString &text, qsizetype most)
{
    QString escaped = escapeForSlack(cut(text, most));
    for (qsizetype less = most; escaped.size() > most && less > 2;) {
        less = less * 3 / 4;
        escaped = escapeForSlack(cut(text, less));
    }
    return escaped;
}

QString header(const CardFacts &facts)
{
    switch (facts.origin) {
    case InteractionOrigin::Permission:
        return facts.kind.isEmpty() || facts.kind == u"other"
            ? u"*The agent asks for your permission*"_s
            : u"*The agent asks for your permission* (%1)"_s.arg(shown(facts.kind, 40));
    case InteractionOrigin::Form:
        return u"*The agent asks*"_s;
    case InteractionOrigin::Question:
        return u"*A question for you*"_s;
    }
    return {};
}

QString question(const CardFacts &facts)
{
    return header(facts) + u'\n' + shown(facts.text, kMostQuestion);
}

QString whoMay(const QString &answerers)
{
    if (answerers == u"*")
        return u"Anybody here may answer"_s;
    QStringList mentions;
    for (const QString &id : answerers.split(u' ', Qt::SkipEmptyParts)) {
        if (mentions.size() == 10) {
            mentions << u"…"_s;
            break;
        }
        mentions << u"<@%1>"_s.arg(escapeForSlack(id));
    }
    return mentions.join(u", "_s) + u" may answer"_s;
}

QString untilWhen(Instant at)
{
    const QString utc = QDateTime::fromMSecsSinceEpoch(toMs(at), Qt::UTC).toString(u"yyyy-MM-dd HH:mm"_s);
    return u"until <!date^%1^{date_short_pretty}, {time}|%2 UTC>"_s.arg(toMs(at) / 1000).arg(utc);
}

QString howTo(const InteractionChoices &choices)
{
    if (choices.takesText) {
        return u"Reply in this thread with `answer: …` (%1 to %2 characters)"_s
            .arg(std::max(choices.least, 1))
            .arg(choices.most);
    }
    return choices.options.size() > 1
        ? u"Press a button, or reply with its number (1–%1)"_s.arg(choices.options.size())
        : u"Press the button, or reply with 1"_s;
}

QString footer(const CardFacts &facts)
{
    return howTo(facts.choices) + u". "_s + whoMay(facts.answerers) + u", "_s + untilWhen(facts.expiresAt)
        + u'.';
}

QString numbered(const InteractionChoices &choices)
{
    QString list;
    const qsizetype each
        = std::max<qsizetype>(kMostListed / std::max<qsizetype>(qsizetype(choices.options.size()), 1), 8);
    for (size_t i = 0; i < choices.options.size(); ++i)
        list += u"\n%1. %2"_s.arg(i + 1).arg(
            shown(choices.options[i].label, std::min<qsizetype>(each, kMostLabel)));
    return list;
}

Json mrkdwn(const QString &text)
{
    return Json::object({{u"type"_s, u"mrkdwn"_s}, {u"text"_s, text}});
}

Json section(const QString &text)
{
    return Json::object({{u"type"_s, u"section"_s}, {u"text"_s, mrkdwn(text)}});
}

Json context(const QString &text)
{
    Json elements = Json::array();
    elements.append(mrkdwn(text));
    return Json::object({{u"type"_s, u"context"_s}, {u"elements"_s, elements}});
}

Json button(const CardFacts &facts, size_t index)
{
    const InteractionOption &option = facts.choices.options[index];
    const int place = static_cast<int>(index);
    const Json label
        = Json::object({{u"type"_s, u"plain_text"_s}, {u"text"_s, cut(option.label, kMostLabel)}});
    Json json = Json::object({{u"type"_s, u"button"_s}, {u"text"_s, label},
        {u"action_id"_s, buttonActionId(place)}, {u"value"_s, buttonValue(facts.id, place)}});
    if (option.kind.startsWith(u"allow_once"))
        json.set(u"style"_s, u"primary"_s);
    else if (option.kind.startsWith(u"reject"))
        json.set(u"style"_s, u"danger"_s);
    return json;
}

QString byWhom(const QString &who)
{
    const QString operatorName = who.startsWith(u"operator:") ? who.mid(9) : QString();
    return operatorName.isEmpty() ? u"<@%1>"_s.arg(escapeForSlack(who))
                                  : u"an operator (%1)"_s.arg(shown(operatorName, 80));
}

QString ending(const CardEnd &end)
{
    const QString said = shown(end.answer.shown(), kMostAnswer);
    switch (end.state) {
    case InteractionState::Answered:
        return u"*%1* — answered by %2"_s.arg(said, byWhom(end.answeredBy));
    case InteractionState::Expired:
        return u"Nobody answered in time. The question is closed."_s;
    case InteractionState::Cancelled:
        return u"This question was cancelled."_s;
    case InteractionState::Withdrawn:
        return end.answeredBy.isEmpty()
            ? u"The agent does not wait for this any more."_s
            : u"%2 answered *%1*, but the agent was gone before it took the answer."_s.arg(
                said, byWhom(end.answeredBy));
    case InteractionState::Posting:
    case InteractionState::Open:
        break;
    }
    return {};
}

} // namespace

Json cardBody(const CardFacts &facts)
{
    Json blocks = Json::array();
    blocks.append(section(question(facts)));
    const size_t shownButtons = std::min(facts.choices.options.size(), kMostButtons);
    for (size_t first = 0; first < shownButtons; first += kButtonsInBlock) {
        Json elements = Json::array();
        for (size_t i = first; i < std::min(first + kButtonsInBlock, shownButtons); ++i)
            elements.append(button(facts, i));
        blocks.append(Json::object({{u"type"_s, u"actions"_s}, {u"elements"_s, elements}}));
    }
    blocks.append(context(footer(facts)));
    Json body = plainCardBody(facts);
    body.set(u"blocks"_s, blocks);
    return body;
}

Json plainCardBody(const CardFacts &facts)
{
    return Json::object({{u"text"_s, question(facts) + numbered(facts.choices) + u'\n' + footer(facts)}});
}

Json endedCardBody(const CardFacts &facts, const CardEnd &end)
{
    Json blocks = Json::array();
    blocks.append(section(question(facts)));
    blocks.append(context(ending(end)));
    return Json::object({{u"text"_s, question(facts) + u'\n' + ending(end)}, {u"blocks"_s, blocks}});
}

Json movedCardBody(const CardFacts &facts)
{
    const QString moved = u"Asked again below."_s;
    Json blocks = Json::array();
    blocks.append(section(question(facts)));
    blocks.append(context(moved));
    return Json::object({{u"text"_s, question(facts) + u'\n' + moved}, {u"blocks"_s, blocks}});
}

QString buttonActionId(int index)
{
    return QString(kAction) + QString::number(index);
}

QString buttonValue(const QString &interactionId, int index)
{
    return interactionId + u':' + QString::number(index);
}

std::optional<PressedButton> parseButton(const QString &actionId, const QString &value)
{
    const qsizetype colon = value.lastIndexOf(u':');
    if (!actionId.startsWith(kAction) || colon <= 0 || colon > 200)
        return std::nullopt;
    bool ok = false;
    PressedButton pressed;
    pressed.interactionId = value.left(colon);
    pressed.index = QStringView(value).mid(colon + 1).toInt(&ok);
    if (!ok || pressed.index < 0)
        return std::nullopt;
    return pressed;
}

QString privateNote(ClaimOutcome outcome)
{
    switch (outcome) {
    case ClaimOutcome::Won:
        return {};
    case ClaimOutcome::Unknown:
    case ClaimOutcome::Elsewhere:
    case ClaimOutcome::NoSuchOption:
        return u"This question cannot be answered here."_s;
    case ClaimOutcome::NotAllowed:
        return u"Only the people named on the card may answer this question. Nothing was changed."_s;
    case ClaimOutcome::Late:
        return u"Your answer came too late: the time for this question is over."_s;
    case ClaimOutcome::Answered:
        return u"This question has been answered already. The first answer counts."_s;
    case ClaimOutcome::Closed:
        return u"Nobody waits for this answer any more: the question was closed."_s;
    }
    return {};
}

bool isAboutBlocks(const QString &slackError)
{
    return slackError == u"invalid_blocks" || slackError == u"invalid_blocks_format"
        || slackError == u"msg_blocks_too_long" || slackError == u"msg_too_large";
}

} // namespace signalbox::domain
