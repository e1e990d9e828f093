// SPDX-License-Identifier: Apache-2.0
#include "admin/admin_routes.h"

#include "admin/item_json.h"
#include "base/hash.h"

using namespace Qt::StringLiterals;
using signalbox::http::Request;
using signalbox::http::Response;

namespace signalbox::admin {

namespace {

Response answer(const Error &error)
{
    return Response::problem(error);
}

template <class T>
Response answer(const Result<T> &result)
{
    return result ? Response::json(200, toJson(*result)) : answer(result.error());
}

} // namespace

// "state:dead session:se_… some-id": the first words of the filter grammar. Unknown words are refused, not
// ignored.
Result<domain::ListQuery> AdminRoutes::listQuery(const Request &request)
{
    domain::ListQuery query;
    if (const auto limit = request.query(u"limit")) {
        bool ok = false;
        query.limit = limit->toInt(&ok);
        if (!ok || query.limit < 1 || query.limit > 500)
            return fail(ErrorCode::InvalidInput, u"limit must be a number from 1 to 500"_s);
    }
    query.cursor = request.query(u"cursor").value_or(QString());
    const QString sort = request.query(u"sort").value_or(u"-created_at"_s);
    if (sort != u"-created_at" && sort != u"created_at")
        return fail(ErrorCode::InvalidInput, u"sort must be created_at or -created_at"_s);
    query.oldestFirst = sort == u"created_at";
    const QStringList words = request.query(u"filter").value_or(QString()).split(u' ', Qt::SkipEmptyParts);
    for (const QString &word : words) {
        if (word.startsWith(u"state:"_s))
            query.states << word.mid(6);
        else if (word.startsWith(u"session:"_s))
            query.session = word.mid(8);
        else if (!word.contains(u':') && query.text.isEmpty())
            query.text = word;
        else
            return fail(ErrorCode::InvalidInput,
                u"the filter knows state:…, session:… and one id, place, ts or user"_s);
    }
    return query;
}

AdminRoutes::AdminRoutes(OperatorService &service, QList<config::TokenConfig> tokens)
    : m_service(service)
    , m_tokens(std::move(tokens))
    , m_streams(service)
{
}

const config::TokenConfig *AdminRoutes::tokenOf(const Request &request) const
{
    const QByteArray token = request.bearerToken();
    if (token.isEmpty())
        return nullptr;
    const QByteArray digest = sha256(token);
    const config::TokenConfig *found = nullptr;
    for (const config::TokenConfig &candidate : m_tokens) {
        if (equalConstantTime(candidate.sha256, digest))
            found = &candidate;
    }
    return found;
}

std::optional<Response> AdminRoutes::refusal(const Request &request) const
{
    const config::TokenConfig *token = tokenOf(request);
    if (!token) {
        return Response::problem(401, u"a bearer token of an operator is needed"_s)
            .withHeader("WWW-Authenticate", "Bearer");
    }
    // A token for some installations must not read the others; until lists are cut to them, it reads nothing.
    if (!token->installations.contains(u"*"_s))
        return Response::problem(403, u"this version serves only tokens for all installations (\"*\")"_s);
    return std::nullopt;
}

void AdminRoutes::addGet(
    http::Router &router, const QString &pattern, Answer (AdminRoutes::*handler)(Request))
{
    router.add("GET", u"/api/v1"_s + pattern, [this, handler](Request request, http::Context) -> Answer {
        if (auto refused = refusal(request)) {
            const auto refuse = [](Response response) -> Answer { co_return response; };
            return refuse(std::move(*refused));
        }
        return (this->*handler)(std::move(request));
    });
}

void AdminRoutes::addPost(
    http::Router &router, const QString &pattern, Answer (AdminRoutes::*handler)(Request))
{
    router.add("POST", u"/api/v1"_s + pattern, [this, handler](Request request, http::Context) -> Answer {
        auto refused = refusal(request);
        if (!refused && tokenOf(request)->role == u"viewer")
            refused = Response::problem(403, u"the role operator is needed"_s);
        if (refused) {
            const auto refuse = [](Response response) -> Answer { co_return response; };
            return refuse(std::move(*refused));
        }
        return (this->*handler)(std::move(request));
    });
}

void AdminRoutes::addRoutes(http::Router &router)
{
    addGet(router, u"/self"_s, &AdminRoutes::self);
    addGet(router, u"/summary"_s, &AdminRoutes::summary);
    addGet(router, u"/sessions"_s, &AdminRoutes::sessions);
    addGet(router, u"/sessions/{id}"_s, &AdminRoutes::session);
    addGet(router, u"/deliveries"_s, &AdminRoutes::deliveries);
    addGet(router, u"/deliveries/{id}"_s, &AdminRoutes::delivery);
    addGet(router, u"/runtimes"_s, &AdminRoutes::runtimes);
    addGet(router, u"/runtimes/{id}"_s, &AdminRoutes::runtime);
    addGet(router, u"/lifecycle-events"_s, &AdminRoutes::lifecycleEvents);
    addGet(router, u"/lifecycle-events/{id}"_s, &AdminRoutes::lifecycleEvent);
    addPost(router, u"/lifecycle-events/{id}/replay"_s, &AdminRoutes::replayLifecycleEvent);
    addGet(router, u"/stream"_s, &AdminRoutes::stream);
    addActionRoutes(router);
    router.add(
        "GET", u"/healthz"_s, [](Request, http::Context) -> Answer { co_return Response::text(200, "ok"); });
    router.add(
        "GET", u"/readyz"_s, [this](Request request, http::Context) { return ready(std::move(request)); });
}

AdminRoutes::Answer AdminRoutes::self(Request request)
{
    const config::TokenConfig *token = tokenOf(request);
    // Answers without the database: vitals only.
    domain::EngineStatus status;
    m_service.fillVitals(status);
    Json grants = Json::array();
    for (const QString &grant : token->may)
        grants.append(grant);
    Json json = Json::object({{u"name"_s, token->name}, {u"role"_s, token->role}, {u"grants"_s, grants}});
    json.set(u"engine_id"_s, status.engineId);
    json.set(u"cluster_id"_s, status.clusterId);
    json.set(u"version"_s, status.version);
    json.set(u"now"_s, toMs(status.now));
    co_return Response::json(200, json);
}

AdminRoutes::Answer AdminRoutes::summary(Request)
{
    const auto status = co_await m_service.status();
    co_return answer(status);
}

AdminRoutes::Answer AdminRoutes::sessions(Request request)
{
    const auto query = listQuery(request);
    if (!query)
        co_return answer(query.error());
    const auto page = co_await m_service.sessions(*query);
    co_return answer(page);
}

AdminRoutes::Answer AdminRoutes::session(Request request)
{
    const auto item = co_await m_service.session(request.pathValues[u"id"_s]);
    co_return answer(item);
}

AdminRoutes::Answer AdminRoutes::deliveries(Request request)
{
    const auto query = listQuery(request);
    if (!query)
        co_return answer(query.error());
    const auto page = co_await m_service.deliveries(*query);
    co_return answer(page);
}

AdminRoutes::Answer AdminRoutes::delivery(Request request)
{
    const auto detail = co_await m_service.delivery(request.pathValues[u"id"_s]);
    co_return answer(detail);
}

AdminRoutes::Answer AdminRoutes::runtimes(Request request)
{
    const auto query = listQuery(request);
    if (!query)
        co_return answer(query.error());
    const auto page = co_await m_service.runtimes(*query);
    co_return answer(page);
}

AdminRoutes::Answer AdminRoutes::runtime(Request request)
{
    const auto item = co_await m_service.runtime(request.pathValues[u"id"_s]);
    co_return answer(item);
}

AdminRoutes::Answer AdminRoutes::lifecycleEvents(Request request)
{
    const auto query = listQuery(request);
    if (!query)
        co_return answer(query.error());
    const auto page = co_await m_service.lifecycleEvents(*query);
    co_return answer(page);
}

AdminRoutes::Answer AdminRoutes::lifecycleEvent(Request request)
{
    const auto item = co_await m_service.lifecycleEvent(request.pathValues[u"id"_s]);
    co_return answer(item);
}

AdminRoutes::Answer AdminRoutes::replayLifecycleEvent(Request request)
{
    const config::TokenConfig *token = tokenOf(request);
    const auto body = Json::parse(request.body);
    if (!body || !body->isObject() || !(*body)[u"reason"].isString())
        co_return Response::problem(400, u"the body must be a JSON object with a reason"_s);
    if (body->contains(u"backend") && !(*body)[u"backend"].isString())
        co_return Response::problem(400, u"backend must be a string"_s);
    const QString backend = (*body)[u"backend"].toString();
    const QString reason = (*body)[u"reason"].toString();
    const QString actor = token->name;
    const auto forward
        = co_await m_service.replayLifecycleEvent(request.pathValues[u"id"_s], backend, actor, reason);
    if (!forward)
        co_return answer(forward.error());
    co_return Response::json(201, toJson(*forward));
}

AdminRoutes::Answer AdminRoutes::ready(Request request)
{
    const bool told = request.peer.isLoopback() || tokenOf(request);
    const domain::EngineStatus status = co_await m_service.readiness();
    Json json = Json::object({{u"ready"_s, status.ready}});
    if (told) {
        Json reasons = Json::array();
        for (const QString &reason : status.reasons)
            reasons.append(reason);
        json.set(u"reasons"_s, reasons);
    }
    co_return Response::json(status.ready ? 200 : 503, json);
}

} // namespace signalbox::admin
