// SPDX-License-Identifier: Apache-2.0
#include "gateway/question_request.h"

#include "base/duration.h"
#include "gateway/json_body.h"

#include <QSet>

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {
constexpr qsizetype kMostId = 255;
constexpr qsizetype kMostText = 2500; // of a section of Slack's, with room for what stands around it
constexpr qsizetype kMostLabel = 75; // of a button of Slack's
constexpr qsizetype kMostKind = 64;
constexpr qsizetype kMostOptions = 25; // of one block of Slack's
constexpr qsizetype kMostPeople = 50;
constexpr int kMostAnswer = 3000;
constexpr Millis kShortest{1000};
constexpr Millis kLongest{std::chrono::hours(30 * 24)};
constexpr Millis kLongestWait{60'000};

Result<QString> linesOf(const Json &json, const QString &member)
{
    const Json &text = json[member];
    if (text.isNull())
        return wrongMember(member, u"is missing"_s);
    if (!text.isString())
        return wrongMember(member, u"must be a string"_s);
    const QString value = text.toString().trimmed();
    if (value.contains(QChar(u'\0')) || !value.isValidUtf16())
        return wrongMember(member, u"holds what is no character"_s);
    if (value.isEmpty())
        return wrongMember(member, u"is empty"_s);
    if (value.size() > kMostText)
        return wrongMember(member, u"is longer than %1 characters"_s.arg(kMostText));
    return value;
}

Status readPlace(const Json &json, QuestionRequest &question)
{
    for (const auto &[member, into] :
        {std::pair(u"session"_s, &question.session), std::pair(u"installation"_s, &question.installation),
            std::pair(u"place"_s, &question.place), std::pair(u"thread"_s, &question.thread)}) {
        const auto value = textOf(json, member, kMostId, false);
        if (!value)
            return fail(value.error());
        *into = *value;
    }
    if (question.session.isEmpty()) {
        if (question.installation.isEmpty() || question.place.isEmpty())
            return fail(
                ErrorCode::InvalidInput, u"either session, or installation and place must be given"_s);
    } else if (!question.installation.isEmpty() || !question.place.isEmpty() || !question.thread.isEmpty()) {
        return wrongMember(u"session"_s, u"does not go with installation, place or thread"_s);
    }
    return {};
}

Status readOptions(const Json &json, domain::InteractionChoices &choices)
{
    const Json &options = json[u"options"_s];
    if (options.isNull()) { // a written answer
        choices.takesText = true;
        choices.least = 1;
        choices.most = kMostAnswer;
        return {};
    }
    if (!options.isArray() || options.toArray().empty()
        || static_cast<qsizetype>(options.toArray().size()) > kMostOptions)
        return wrongMember(u"options"_s, u"must be a list of 1 to %1 options"_s.arg(kMostOptions));
    QSet<QString> ids;
    for (const Json &option : options.toArray()) {
        if (!option.isObject())
            return wrongMember(u"options"_s, u"must hold objects with id and label"_s);
        const auto id = textOf(option, u"id"_s, kMostId, true);
        const auto label = textOf(option, u"label"_s, kMostLabel, true);
        if (!id || !label)
            return wrongMember(
                u"options"_s, u"must each have an id and a label of at most %1 characters"_s.arg(kMostLabel));
        if (ids.contains(*id))
            return wrongMember(u"options"_s, u"must have different ids"_s);
        ids.insert(*id);
        choices.options.emplace_back(*id, *label, u"value"_s);
    }
    return {};
}

Status readAnswerers(const Json &json, QStringList &answerers)
{
    const Json &people = json[u"answerers"_s];
    if (people.isNull())
        return {};
    if (people.isString() && (people.toString() == u"requester" || people.toString() == u"anyone")) {
        answerers << people.toString();
        return {};
    }
    if (!people.isArray() || people.toArray().empty()
        || static_cast<qsizetype>(people.toArray().size()) > kMostPeople)
        return wrongMember(u"answerers"_s,
            u"must be \"requester\", \"anyone\" or a list of 1 to %1 user ids"_s.arg(kMostPeople));
    for (const Json &person : people.toArray()) {
        const QString id = person.isString() ? person.toString() : QString();
        if (id.isEmpty() || id.size() > kMostId || id.contains(u' ') || id.contains(u'*') || !isStorable(id))
            return wrongMember(u"answerers"_s, u"must hold user ids"_s);
        answerers << id;
    }
    return {};
}

Status readTtl(const Json &json, std::optional<Millis> &ttl)
{
    const auto text = textOf(json, u"ttl"_s, 32, false);
    if (!text)
        return fail(text.error());
    if (text->isEmpty())
        return {};
    ttl = parseDuration(*text);
    if (!ttl || *ttl < kShortest || *ttl > kLongest)
        return wrongMember(u"ttl"_s, u"must be a time from 1s to 30d, with its unit"_s);
    return {};
}

} // namespace

Result<QuestionRequest> parseQuestion(const http::Request &request)
{
    const auto json = objectOf(request,
        {u"session"_s, u"installation"_s, u"place"_s, u"thread"_s, u"text"_s, u"kind"_s, u"options"_s,
            u"answerers"_s, u"ttl"_s, u"as_message"_s});
    if (!json)
        return fail(json.error());
    QuestionRequest question;
    const auto text = linesOf(*json, u"text"_s);
    if (!text)
        return fail(text.error());
    question.text = *text;
    const auto kind = textOf(*json, u"kind"_s, kMostKind, false);
    if (!kind)
        return fail(kind.error());
    question.kind = kind->isEmpty() ? u"question"_s : *kind;
    for (const Status &read : {readPlace(*json, question), readOptions(*json, question.choices),
             readAnswerers(*json, question.answerers), readTtl(*json, question.ttl)}) {
        if (!read)
            return fail(read.error());
    }
    const Json &asMessage = (*json)[u"as_message"_s];
    if (!asMessage.isNull() && !asMessage.isBool())
        return wrongMember(u"as_message"_s, u"must be true or false"_s);
    question.asMessage = asMessage.toBool();
    if (question.asMessage && question.session.isEmpty())
        return wrongMember(u"as_message"_s, u"needs a session"_s);
    return question;
}

Result<Millis> parseWait(const http::Request &request)
{
    const auto text = request.query(u"wait");
    if (!text || text->isEmpty())
        return Millis(0);
    const auto wait = parseDuration(*text);
    if (!wait || *wait > kLongestWait)
        return fail(ErrorCode::InvalidInput, u"wait must be a time of at most 60s, with its unit"_s);
    return *wait;
}

} // namespace signalbox::gateway
