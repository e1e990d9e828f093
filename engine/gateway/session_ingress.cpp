// SPDX-License-Identifier: Apache-2.0
#include "gateway/session_ingress.h"

#include "base/log.h"
#include "gateway/ingress_call.h"
#include "gateway/json_body.h"

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcSessions, "signalbox.engine.sessions")

constexpr qint64 kMostSmallBody = 16 * 1024; // of everything but messages
constexpr qsizetype kMostSessionId = 64;

http::Response logged(const Error &error, const char *what)
{
    http::Response response = refusal(error);
    if (response.status >= 500)
        logWarning(lcSessions, "a call about sessions failed",
            {{"call", QString::fromLatin1(what)}, {"code", error.native()}});
    return response;
}

// 409 with what stands against it.
http::Response ticketConflict(const store::SessionAnswer &answer, const QString &wanted)
{
    const QString detail = answer.ticket == wanted ? u"this ticket belongs to another session"_s
                                                   : u"this session has another ticket"_s;
    Json json = Json::object({{u"type"_s, u"about:blank"_s}, {u"title"_s, u"Conflict"_s}, {u"status"_s, 409},
        {u"detail"_s, detail}, {u"code"_s, u"conflict"_s}});
    json.set(u"present"_s, Json::object({{u"id"_s, answer.id}, {u"ticket"_s, answer.ticket}}));
    return http::Response(409, "application/problem+json", json.toBytes());
}

http::Response created(int status, const store::SessionAnswer &answer)
{
    return http::Response::json(status, Json::object({{u"id"_s, answer.id}, {u"created"_s, answer.created}}));
}

} // namespace

SessionIngress::SessionIngress(store::Store &store, InstallationBook &book, IngestPressure &pressure,
    SessionStreams &streams, const config::Config &config, const Clock &clock, IdGenerator &ids)
    : m_store(store)
    , m_book(book)
    , m_pressure(pressure)
    , m_streams(streams)
    , m_config(config)
    , m_clock(clock)
    , m_ids(ids)
{
}

void SessionIngress::addRoutes(http::Router &router)
{
    using Method = QCoro::Task<http::Response> (SessionIngress::*)(http::Request, http::Context);
    const auto handler = [this](Method method) {
        return [this, method](http::Request request, http::Context context) {
            return (this->*method)(std::move(request), std::move(context));
        };
    };
    http::RouteOptions small;
    small.maxBodyBytes = std::min(m_config.ingress.maxBodyBytes, kMostSmallBody);
    http::RouteOptions large;
    large.maxBodyBytes = m_config.ingress.maxBodyBytes;
    router.add("POST", u"/v1/sessions"_s, handler(&SessionIngress::create), small);
    router.add("POST", u"/v1/sessions/resolve"_s, handler(&SessionIngress::resolve), small);
    router.add("POST", u"/v1/sessions/lookup"_s, handler(&SessionIngress::lookup), small);
    router.add("POST", u"/v1/sessions/{id}/ticket"_s, handler(&SessionIngress::bindTicket), small);
    router.add("POST", u"/v1/sessions/{id}/messages"_s, handler(&SessionIngress::message), large);
    router.add("GET", u"/v1/sessions/{id}/stream"_s, handler(&SessionIngress::stream), small);
}

Result<Installation> SessionIngress::installationFor(
    const config::TokenConfig &token, const QString &id) const
{
    if (!mayUse(token, id))
        return fail(ErrorCode::Forbidden, u"this token is not for that installation"_s);
    const auto known = m_book.byId(id);
    if (!known || known->row.state != u"active" || known->row.tenant == u"*")
        return fail(ErrorCode::NotFound, u"there is no such installation"_s);
    return *known;
}

Result<store::NewSession> SessionIngress::slackSession(
    const config::TokenConfig &token, const PlaceRequest &place) const
{
    const auto installation = installationFor(token, place.installation);
    if (!installation)
        return fail(installation.error());
    const store::InstallationRow &row = installation->row;
    if (domain::hasSessionLog(row.channel))
        return wrongMember(u"installation"_s,
            u"is of channel %1, whose sessions belong to no place: make one by POST /v1/sessions"_s.arg(
                row.channel));
    const auto scope = scopeOf(row, hasSessionPerThread(m_config, row.backend), place);
    if (!scope)
        return fail(scope.error());
    store::NewSession session;
    session.id = domain::sessionId(*scope);
    session.installationId = row.id;
    session.source = row.channel;
    session.tenant = row.tenant;
    session.backend = row.backend;
    session.place = place.place;
    session.thread = scope->thread;
    session.user = place.user;
    return session;
}

// Random, in the form of all session ids: its time in front keeps neighbours together in the index.
QString SessionIngress::randomSessionId()
{
    const qint64 ms = toMs(m_clock.now());
    const QString time = QString::number(ms / 1000, 16).rightJustified(8, u'0')
        + QString::number(ms % 1000 * 1000, 16).rightJustified(5, u'0');
    return u"se_"_s + time + QString::fromLatin1(m_ids.randomBytes(12).toHex());
}

QCoro::Task<http::Response> SessionIngress::create(http::Request request, http::Context)
{
    const config::TokenConfig *token = ingressToken(m_config, request);
    if (!token)
        co_return unauthorized();
    const auto call = keyedCall(*token, request);
    if (!call)
        co_return refusal(call.error());
    const auto wanted = parseFresh(request);
    if (!wanted)
        co_return refusal(wanted.error());
    const auto installation = installationFor(*token, wanted->installation);
    if (!installation)
        co_return refusal(installation.error());
    if (installation->row.channel != wanted->source)
        co_return http::Response::problem(
            400, u"installation is of channel %1, not of the source's"_s.arg(installation->row.channel));
    store::NewSession session;
    session.call = *call;
    session.requestId = m_ids.next();
    session.id = randomSessionId();
    session.installationId = installation->row.id;
    session.source = wanted->source;
    session.tenant = installation->row.tenant;
    session.backend = installation->row.backend;
    session.place = session.id;
    session.user = wanted->user;
    session.ticket = wanted->ticket;
    const auto answer = co_await m_store.createSession(std::move(session));
    if (!answer)
        co_return logged(answer.error(), "create");
    if (answer->conflict)
        co_return ticketConflict(*answer, wanted->ticket);
    co_return created(201, *answer);
}

QCoro::Task<http::Response> SessionIngress::resolve(http::Request request, http::Context)
{
    const config::TokenConfig *token = ingressToken(m_config, request);
    if (!token)
        co_return unauthorized();
    const auto call = keyedCall(*token, request);
    if (!call)
        co_return refusal(call.error());
    const auto place = parseResolve(request);
    if (!place)
        co_return refusal(place.error());
    auto session = slackSession(*token, *place);
    if (!session)
        co_return refusal(session.error());
    session->call = *call;
    session->requestId = m_ids.next();
    const auto answer = co_await m_store.resolveSession(*session);
    if (!answer)
        co_return logged(answer.error(), "resolve");
    co_return created(200, *answer);
}

QCoro::Task<http::Response> SessionIngress::lookup(http::Request request, http::Context)
{
    const config::TokenConfig *token = ingressToken(m_config, request);
    if (!token)
        co_return unauthorized();
    const auto call = keyedCall(*token, request);
    if (!call)
        co_return refusal(call.error());
    const auto place = parseLookup(request);
    if (!place)
        co_return refusal(place.error());
    store::SessionLookup wanted;
    wanted.call = *call;
    wanted.ticket = place->ticket;
    if (place->ticket.isEmpty()) {
        const auto session = slackSession(*token, *place);
        if (!session)
            co_return refusal(session.error());
        wanted.id = session->id;
    } else {
        const auto installation = installationFor(*token, place->installation);
        if (!installation)
            co_return refusal(installation.error());
        wanted.installationId = installation->row.id;
    }
    const auto answer = co_await m_store.lookupSession(std::move(wanted));
    if (!answer)
        co_return logged(answer.error(), "lookup");
    co_return created(200, *answer);
}

QCoro::Task<Result<store::SessionBrief>> callerSession(
    store::Store &store, const config::TokenConfig *token, QString id)
{
    const Error unknown(ErrorCode::NotFound, u"there is no such session"_s);
    if (id.size() > kMostSessionId || !isStorable(id))
        co_return fail(unknown);
    auto session = co_await store.sessionBrief(id);
    if (session && !mayUse(*token, session->installationId))
        co_return fail(unknown);
    co_return session;
}

QCoro::Task<http::Response> SessionIngress::bindTicket(http::Request request, http::Context)
{
    const config::TokenConfig *token = ingressToken(m_config, request);
    if (!token)
        co_return unauthorized();
    const auto call = keyedCall(*token, request);
    if (!call)
        co_return refusal(call.error());
    const auto ticket = parseTicket(request);
    if (!ticket)
        co_return refusal(ticket.error());
    const auto session = co_await callerSession(m_store, token, request.pathValues[u"id"_s]);
    if (!session)
        co_return logged(session.error(), "ticket");
    store::TicketBinding binding;
    binding.call = *call;
    binding.sessionId = session->id;
    binding.ticket = *ticket;
    const auto answer = co_await m_store.bindTicket(std::move(binding));
    if (!answer)
        co_return logged(answer.error(), "ticket");
    if (answer->conflict)
        co_return ticketConflict(*answer, *ticket);
    const Json bound = Json::object({{u"id"_s, answer->id}, {u"ticket"_s, answer->ticket}});
    co_return http::Response::json(200, bound);
}

store::IngestRequest SessionIngress::ingestRequest(
    const store::SessionBrief &session, const MessageRequest &message)
{
    store::IngestRequest request;
    request.deliveryId = m_ids.next();
    request.installationId = session.installationId;
    request.channel = session.source;
    request.tenant = session.tenant;
    request.backend = session.backend;
    request.sessionId = session.id;
    request.place = session.place;
    request.messageTs = message.id;
    request.user = message.user;
    request.direct = true;
    request.payload = Json::object({{u"text"_s, message.text}}).toBytes();
    request.payloadTtl = m_config.engine.payloadRetention;
    return request;
}

QCoro::Task<http::Response> SessionIngress::message(http::Request request, http::Context)
{
    const config::TokenConfig *token = ingressToken(m_config, request);
    if (!token)
        co_return unauthorized();
    const auto call = keyedCall(*token, request);
    if (!call)
        co_return refusal(call.error());
    const auto said = parseMessage(request);
    if (!said)
        co_return refusal(said.error());
    const auto session = co_await callerSession(m_store, token, request.pathValues[u"id"_s]);
    if (!session)
        co_return logged(session.error(), "message");
    if (!domain::hasSessionLog(session->source))
        co_return http::Response::problem(
            409, u"this session is of channel %1, and takes its messages from there"_s.arg(session->source));
    const auto installation = m_book.byId(session->installationId);
    if (!installation || installation->row.state != u"active")
        co_return http::Response::problem(409, u"the session's installation is not configured any more"_s);
    m_pressure.note();
    store::SessionMessage wanted;
    wanted.call = *call;
    wanted.request = ingestRequest(*session, *said);
    const auto answer = co_await m_store.storeMessage(std::move(wanted));
    if (!answer)
        co_return logged(answer.error(), "message");
    if (answer->ready && m_ready)
        m_ready();
    const Json taken = Json::object({{u"delivery_id"_s, answer->id}, {u"duplicate"_s, answer->duplicate}});
    co_return http::Response::json(202, taken);
}

QCoro::Task<http::Response> SessionIngress::stream(http::Request request, http::Context)
{
    const config::TokenConfig *token = ingressToken(m_config, request);
    if (!token)
        co_return unauthorized();
    const auto since = parseSince(request);
    if (!since)
        co_return refusal(since.error());
    const auto session = co_await callerSession(m_store, token, request.pathValues[u"id"_s]);
    if (!session)
        co_return logged(session.error(), "stream");
    if (!domain::hasSessionLog(session->source))
        co_return http::Response::problem(409,
            u"this session is of channel %1, whose messages are there: it has no log"_s.arg(session->source));
    if (*since > session->logSeq)
        co_return http::Response::problem(400, u"the log has no event with that id yet"_s);
    if (!m_streams.mayOpen(token->name))
        co_return http::Response::problem(429, u"too many streams are open"_s).withHeader("Retry-After", "5");
    const QString name = token->name;
    const QString id = session->id;
    const qint64 after = *since;
    const auto open = [this, name, id, after](std::shared_ptr<http::BodyStream> body) {
        m_streams.open(name, id, after, std::move(body));
    };
    co_return http::eventStream(open);
}

} // namespace signalbox::gateway
