// SPDX-License-Identifier: Apache-2.0
#include "gateway/session_request.h"

#include "channels/slack/slack_envelope.h"
#include "gateway/json_body.h"
#include "http/event_stream.h"

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {

constexpr qsizetype kMostId = 255;

// An id that people and programs compare: no blanks around it.
Result<QString> idOf(const Json &json, const QString &member, bool needed)
{
    auto text = textOf(json, member, kMostId, needed);
    if (!text)
        return text;
    if (text->trimmed() != *text)
        return wrongMember(member, u"begins or ends with a blank"_s);
    if (!needed && json.contains(member) && text->isEmpty())
        return wrongMember(member, u"is empty; leave it out"_s);
    return text;
}

Result<QString> placeOf(const Json &json, const QString &member, bool needed)
{
    auto text = idOf(json, member, needed);
    if (text && !slack::isPlausibleId(*text))
        return wrongMember(member, u"must be printable ASCII without blanks"_s);
    return text;
}

Result<PlaceRequest> placeRequest(const Json &json, bool placeNeeded)
{
    PlaceRequest place;
    const auto installation = idOf(json, u"installation"_s, true);
    if (!installation)
        return fail(installation.error());
    const auto where = placeOf(json, u"place"_s, placeNeeded);
    if (!where)
        return fail(where.error());
    const auto thread = placeOf(json, u"thread"_s, false);
    if (!thread)
        return fail(thread.error());
    const auto user = idOf(json, u"user"_s, false);
    if (!user)
        return fail(user.error());
    place.installation = *installation;
    place.place = *where;
    place.thread = *thread;
    place.user = *user;
    return place;
}

} // namespace

Result<FreshRequest> parseFresh(const http::Request &request)
{
    const auto json = objectOf(request, {u"source"_s, u"installation"_s, u"user"_s, u"ticket"_s});
    if (!json)
        return fail(json.error());
    const auto source = idOf(*json, u"source"_s, true);
    if (!source)
        return fail(source.error());
    if (*source == u"slack")
        return wrongMember(u"source"_s,
            u"must be web or cli: a Slack session belongs to its place, and is had by POST /v1/sessions/resolve"_s);
    if (*source != u"web" && *source != u"cli")
        return wrongMember(u"source"_s, u"must be web or cli"_s);
    const auto installation = idOf(*json, u"installation"_s, true);
    if (!installation)
        return fail(installation.error());
    const auto user = idOf(*json, u"user"_s, true);
    if (!user)
        return fail(user.error());
    const auto ticket = idOf(*json, u"ticket"_s, false);
    if (!ticket)
        return fail(ticket.error());
    FreshRequest fresh;
    fresh.source = *source;
    fresh.installation = *installation;
    fresh.user = *user;
    fresh.ticket = *ticket;
    return fresh;
}

Result<PlaceRequest> parseResolve(const http::Request &request)
{
    const auto json = objectOf(request, {u"installation"_s, u"place"_s, u"thread"_s, u"user"_s});
    if (!json)
        return fail(json.error());
    return placeRequest(*json, true);
}

Result<PlaceRequest> parseLookup(const http::Request &request)
{
    const auto json = objectOf(request, {u"installation"_s, u"place"_s, u"thread"_s, u"user"_s, u"ticket"_s});
    if (!json)
        return fail(json.error());
    auto place = placeRequest(*json, false);
    if (!place)
        return place;
    const auto ticket = idOf(*json, u"ticket"_s, false);
    if (!ticket)
        return fail(ticket.error());
    place->ticket = *ticket;
    if (place->place.isEmpty() == place->ticket.isEmpty())
        return fail(ErrorCode::InvalidInput, u"either place or ticket must be given"_s);
    if (!place->ticket.isEmpty() && !place->thread.isEmpty())
        return wrongMember(u"thread"_s, u"does not go with ticket"_s);
    return place;
}

Result<QString> parseTicket(const http::Request &request)
{
    const auto json = objectOf(request, {u"ticket"_s});
    if (!json)
        return fail(json.error());
    return idOf(*json, u"ticket"_s, true);
}

Result<MessageRequest> parseMessage(const http::Request &request)
{
    const auto json = objectOf(request, {u"id"_s, u"user"_s, u"text"_s});
    if (!json)
        return fail(json.error());
    const auto id = idOf(*json, u"id"_s, true);
    if (!id)
        return fail(id.error());
    const auto user = idOf(*json, u"user"_s, true);
    if (!user)
        return fail(user.error());
    const Json &text = (*json)[u"text"];
    if (text.isNull())
        return wrongMember(u"text"_s, u"is missing"_s);
    if (!text.isString())
        return wrongMember(u"text"_s, u"must be a string"_s);
    if (text.toString().contains(QChar(u'\0')) || !text.toString().isValidUtf16())
        return wrongMember(u"text"_s, u"holds what is no character"_s);
    MessageRequest message;
    message.id = *id;
    message.user = *user;
    message.text = text.toString().trimmed();
    if (message.text.isEmpty())
        return wrongMember(u"text"_s, u"is empty"_s);
    return message;
}

Result<qint64> parseSince(const http::Request &request)
{
    const QString text = http::resumePoint(request);
    if (text.isEmpty())
        return 0;
    const bool isHeader = !request.headers.value("Last-Event-ID").isEmpty();
    bool ok = false;
    const qint64 since = text.toLongLong(&ok);
    if (!ok || since < 0)
        return wrongMember(
            isHeader ? u"Last-Event-ID"_s : u"since"_s, u"must be the id of an event of this stream"_s);
    return since;
}

Result<domain::SessionScope> scopeOf(
    const store::InstallationRow &installation, bool perThread, const PlaceRequest &request)
{
    // Group messages ("G…") have a session for the whole place; a thread says that it is a channel.
    const bool direct
        = request.place.startsWith(u'D') || (request.place.startsWith(u'G') && request.thread.isEmpty());
    if (perThread && !direct && request.thread.isEmpty())
        return wrongMember(
            u"thread"_s, u"is missing: the installation's backend has a session for each thread"_s);
    domain::SessionScope scope;
    scope.channel = installation.channel;
    scope.tenant = installation.tenant;
    scope.app = installation.app;
    scope.backend = installation.backend;
    scope.place = request.place;
    scope.thread = domain::sessionThread(perThread, direct, request.thread, QString());
    return scope;
}

} // namespace signalbox::gateway
