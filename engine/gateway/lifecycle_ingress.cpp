// SPDX-License-Identifier: Apache-2.0
#include "gateway/lifecycle_ingress.h"

#include "base/log.h"
#include "gateway/ingress_call.h"
#include "gateway/lifecycle_request.h"

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcLifecycle, "signalbox.engine.lifecycle")

constexpr qint64 kMostBody = 256 * 1024;
} // namespace

LifecycleIngress::LifecycleIngress(store::Store &store, const config::Config &config, IdGenerator &ids)
    : m_store(store)
    , m_config(config)
    , m_ids(ids)
{
}

void LifecycleIngress::addRoutes(http::Router &router)
{
    http::RouteOptions options;
    options.maxBodyBytes = std::min(m_config.ingress.maxBodyBytes, kMostBody);
    const auto handler = [this](http::Request request, http::Context context) {
        return report(std::move(request), std::move(context));
    };
    router.add("POST", u"/v1/lifecycle"_s, handler, options);
}

Result<QString> LifecycleIngress::backendFor(const QString &wanted) const
{
    QStringList all;
    QStringList spritz;
    for (const config::BackendConfig &backend : m_config.backends) {
        all << backend.name;
        if (backend.kind == u"spritz")
            spritz << backend.name;
    }
    if (!wanted.isEmpty() && all.contains(wanted))
        return wanted;
    if (wanted.isEmpty() && spritz.size() == 1)
        return spritz.first();
    const QString choices = wanted.isEmpty() && !spritz.isEmpty() ? spritz.join(u", "_s) : all.join(u", "_s);
    return fail(ErrorCode::InvalidInput, u"backend must be one of: "_s + choices);
}

QCoro::Task<http::Response> LifecycleIngress::report(http::Request request, http::Context)
{
    const config::TokenConfig *token = ingressToken(m_config, request);
    if (!token)
        co_return unauthorized();
    // Runtimes belong to backends; a token for some installations says nothing about those.
    if (!isForAll(*token))
        co_return http::Response::problem(
            403, u"lifecycle events need a token for all installations (\"*\")"_s);
    const auto call = keyedCall(*token, request);
    if (!call)
        co_return refusal(call.error());
    auto parsed = parseLifecycle(request);
    if (!parsed)
        co_return refusal(parsed.error());
    const Result<QString> backend = backendFor(parsed->backend);
    if (!backend)
        co_return refusal(backend.error());
    store::LifecycleReport event = std::move(*parsed);
    event.backend = *backend;
    event.id = m_ids.next();
    event.call = *call;
    const auto stored = co_await m_store.storeLifecycle(std::move(event));
    if (!stored && stored.error().native() == u"key_reused")
        co_return refusal(stored.error());
    if (!stored) {
        logWarning(lcLifecycle, "a lifecycle event could not be stored", {{"code", stored.error().native()}});
        co_return http::Response::problem(503, u"the event could not be stored; send it again"_s)
            .withHeader("Retry-After", "1");
    }
    if (!stored->duplicate && m_stored)
        m_stored();
    const Json answer = Json::object({{u"id"_s, stored->id}, {u"duplicate"_s, stored->duplicate}});
    co_return http::Response::json(202, answer);
}

} // namespace signalbox::gateway
