// SPDX-License-Identifier: Apache-2.0
#include "admin/admin_routes.h"
#include "admin/item_json.h"

#include <QDateTime>

using namespace Qt::StringLiterals;
using signalbox::domain::Act;
using signalbox::domain::ActionRequest;
using signalbox::http::Request;
using signalbox::http::Response;

// What operators do over HTTP (INTERFACE.md "Admin routes"), and the lists that go with it.

namespace signalbox::admin {

namespace {

Error bad(const QString &why)
{
    return Error(ErrorCode::InvalidInput, why, u"bad_request"_s);
}

// RFC 3339, or milliseconds since the epoch.
Result<std::optional<Instant>> timeOf(const Json &value)
{
    if (value.isNull())
        return std::nullopt;
    if (const auto ms = value.toInt(); ms && *ms > 0)
        return fromMs(*ms);
    const QDateTime at = QDateTime::fromString(value.toString(), Qt::ISODateWithMs);
    if (!value.isString() || !at.isValid() || at.timeSpec() == Qt::LocalTime)
        return fail(bad(u"until must be a time as in RFC 3339, or milliseconds"_s));
    return fromMs(at.toMSecsSinceEpoch());
}

QStringList membersOf(Act act)
{
    switch (act) {
    case Act::ReleaseLock:
        return {u"reason"_s, u"expected_fence"_s};
    case Act::ExtendLock:
        return {u"reason"_s, u"expected_fence"_s, u"until_ms"_s};
    case Act::Replay:
        return {u"reason"_s, u"backend"_s};
    case Act::Confirm:
        return {u"reason"_s, u"as"_s};
    case Act::Pause:
        return {u"reason"_s, u"what"_s, u"until"_s};
    case Act::Resume:
        return {u"reason"_s, u"what"_s, u"rate"_s};
    case Act::Answer:
        return {u"option"_s, u"comment"_s};
    case Act::Cancel:
    case Act::Discard:
    case Act::Repost:
        return {u"reason"_s};
    }
    return {};
}

// What is not understood is refused: an ignored word would do something else than was meant.
Result<ActionRequest> parse(Act act, const QByteArray &body)
{
    const auto json = Json::parse(body);
    if (!json || !json->isObject())
        return fail(bad(u"the body must be a JSON object"_s));
    const QStringList known = membersOf(act);
    ActionRequest request;
    request.act = act;
    for (const auto &[key, value] : json->toObject()) {
        if (!known.contains(key))
            return fail(bad(u"this action takes "_s + known.join(u", "_s)));
        const bool number
            = key == u"expected_fence" || key == u"until_ms" || key == u"until" || key == u"rate";
        if (!number && !value.isString())
            return fail(bad(key + u" must be a text"_s));
    }
    request.reason = (*json)[u"reason"].toString();
    request.backend = (*json)[u"backend"].toString();
    request.as = (*json)[u"as"].toString();
    request.what = (*json)[u"what"].toString();
    request.option = (*json)[u"option"].toString();
    request.comment = (*json)[u"comment"].toString();
    if (const Json &fence = (*json)[u"expected_fence"]; !fence.isNull()) {
        if (!fence.toInt() || *fence.toInt() < 0)
            return fail(bad(u"expected_fence must be a number"_s));
        request.expectedFence = *fence.toInt();
    }
    if (const Json &rate = (*json)[u"rate"]; !rate.isNull()) {
        const auto number = rate.toInt();
        if (!number || *number < 1 || *number > 1000)
            return fail(bad(u"rate must be a number between 1 and 1000: how many a second"_s));
        request.rate = static_cast<int>(*number);
    }
    const auto until = timeOf(act == Act::ExtendLock ? (*json)[u"until_ms"] : (*json)[u"until"]);
    if (!until)
        return fail(until.error());
    request.until = *until;
    return request;
}

bool mayAct(const QString &role)
{
    return role == u"operator" || role == u"admin";
}

template <class Item>
Response listed(const Result<QString> &head, const Result<QList<Item>> &items)
{
    if (!head)
        return Response::problem(head.error());
    if (!items)
        return Response::problem(items.error());
    domain::Page<Item> page;
    page.asOf = *head;
    page.items = *items;
    page.total = items->size();
    return Response::json(200, toJson(page));
}

} // namespace

void AdminRoutes::addActionRoutes(http::Router &router)
{
    addGet(router, u"/locks"_s, &AdminRoutes::locks);
    addGet(router, u"/audit"_s, &AdminRoutes::audit);
    addGet(router, u"/installations"_s, &AdminRoutes::installations);
    addGet(router, u"/backends"_s, &AdminRoutes::backends);
    addGet(router, u"/engines"_s, &AdminRoutes::engines);
    addGet(router, u"/interactions"_s, &AdminRoutes::interactions);
    addGet(router, u"/interactions/{id}"_s, &AdminRoutes::interaction);
    addGet(router, u"/explain/deliveries/{id}"_s, &AdminRoutes::explain);
    addGet(router, u"/idempotency/{key}"_s, &AdminRoutes::idempotency);
    const auto post = [this, &router](const QString &pattern, Act act, const QString &scope) {
        router.add("POST", u"/api/v1"_s + pattern, [this, act, scope](Request request, http::Context) {
            return mutate(std::move(request), act, scope);
        });
    };
    post(u"/locks/{id}/release"_s, Act::ReleaseLock, QString());
    post(u"/locks/{id}/extend"_s, Act::ExtendLock, QString());
    post(u"/deliveries/{id}/replay"_s, Act::Replay, QString());
    post(u"/deliveries/{id}/cancel"_s, Act::Cancel, QString());
    post(u"/deliveries/{id}/discard"_s, Act::Discard, QString());
    post(u"/deliveries/{id}/confirm"_s, Act::Confirm, QString());
    post(u"/interactions/{id}/answer"_s, Act::Answer, QString());
    post(u"/interactions/{id}/cancel"_s, Act::Cancel, u"interaction"_s);
    post(u"/interactions/{id}/repost"_s, Act::Repost, QString());
    for (const auto &[kind, scope] : {std::pair(u"installations"_s, u"installation"_s),
             std::pair(u"backends"_s, u"backend"_s), std::pair(u"engines"_s, u"engine"_s)}) {
        post(u'/' + kind + u"/{id}/pause"_s, Act::Pause, scope);
        post(u'/' + kind + u"/{id}/resume"_s, Act::Resume, scope);
    }
}

AdminRoutes::Answer AdminRoutes::mutate(Request request, Act act, QString scope)
{
    if (auto refused = refusal(request)) {
        Response response = std::move(*refused);
        co_return response;
    }
    const config::TokenConfig *token = tokenOf(request);
    if (!mayAct(token->role))
        co_return Response::problem(403, u"the role operator is needed"_s);
    auto parsed = parse(act, request.body);
    if (!parsed)
        co_return Response::problem(parsed.error());
    parsed->id = request.pathValues[u"id"_s];
    parsed->scope = scope;
    parsed->actor = u"token:"_s + token->name;
    parsed->key = QString::fromUtf8(request.headers.value("Idempotency-Key"));
    const ActionRequest asked = *parsed;
    const auto done = co_await m_service.act(asked);
    if (done)
        co_return Response::json(act == Act::Replay || asked.as == u"retry" ? 201 : 200, toJson(*done));
    const Error error = done.error();
    if (error.native() == u"key_reused")
        co_return Response::problem(422, error.message());
    Response refused = Response::problem(error);
    if (error.code() != ErrorCode::Conflict)
        co_return refused;
    // Conflicts tell the present state.
    auto document = Json::parse(refused.body);
    if (!document)
        co_return refused;
    document->set(u"reason"_s, error.native());
    if (act == Act::ReleaseLock || act == Act::ExtendLock) {
        if (const auto present = co_await m_service.session(asked.id); present)
            document->set(u"present"_s, toJson(*present));
    } else if (scope == u"interaction" || act == Act::Answer || act == Act::Repost) {
        if (const auto present = co_await m_service.interaction(asked.id); present)
            document->set(u"present"_s, toJson(*present));
    } else if (scope.isEmpty()) {
        if (const auto present = co_await m_service.delivery(asked.id); present)
            document->set(u"present"_s, toJson(present->item));
    }
    refused.body = document->toBytes();
    co_return refused;
}

AdminRoutes::Answer AdminRoutes::locks(Request request)
{
    const auto query = listQuery(request);
    if (!query)
        co_return Response::problem(query.error());
    const auto page = co_await m_service.locks(*query);
    if (!page)
        co_return Response::problem(page.error());
    co_return Response::json(200, toJson(*page));
}

AdminRoutes::Answer AdminRoutes::audit(Request request)
{
    const auto query = listQuery(request);
    if (!query)
        co_return Response::problem(query.error());
    const auto page = co_await m_service.audit(*query);
    if (!page)
        co_return Response::problem(page.error());
    co_return Response::json(200, toJson(*page));
}

AdminRoutes::Answer AdminRoutes::installations(Request)
{
    const auto head = co_await m_service.feedHead();
    const auto items = co_await m_service.installations();
    co_return listed(head, items);
}

AdminRoutes::Answer AdminRoutes::backends(Request)
{
    const auto head = co_await m_service.feedHead();
    const auto items = co_await m_service.backends();
    co_return listed(head, items);
}

AdminRoutes::Answer AdminRoutes::engines(Request)
{
    const auto head = co_await m_service.feedHead();
    const auto items = co_await m_service.engines();
    co_return listed(head, items);
}

AdminRoutes::Answer AdminRoutes::interactions(Request request)
{
    const auto query = listQuery(request);
    if (!query)
        co_return Response::problem(query.error());
    const auto page = co_await m_service.interactions(*query);
    if (!page)
        co_return Response::problem(page.error());
    co_return Response::json(200, toJson(*page));
}

AdminRoutes::Answer AdminRoutes::interaction(Request request)
{
    const auto item = co_await m_service.interaction(request.pathValues[u"id"_s]);
    if (!item)
        co_return Response::problem(item.error());
    co_return Response::json(200, toJson(*item));
}

AdminRoutes::Answer AdminRoutes::explain(Request request)
{
    const auto explanation = co_await m_service.explain(request.pathValues[u"id"_s]);
    if (!explanation)
        co_return Response::problem(explanation.error());
    co_return Response::json(200, toJson(*explanation));
}

AdminRoutes::Answer AdminRoutes::idempotency(Request request)
{
    const QString actor = u"token:"_s + tokenOf(request)->name;
    const auto answer = co_await m_service.answerOf(actor, request.pathValues[u"key"_s]);
    if (!answer)
        co_return Response::problem(answer.error());
    co_return Response::json(200, toJson(*answer));
}

} // namespace signalbox::admin
