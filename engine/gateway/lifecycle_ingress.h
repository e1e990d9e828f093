// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/ids.h"
#include "config/config.h"
#include "http/router.h"
#include "store/store.h"

#include <functional>

namespace signalbox::gateway {

// POST /v1/lifecycle (INTERFACE.md "Ingress routes"): operators of runtimes report a changed phase. Bearer
// ingress token; 202 after the commit, problem+json otherwise; 503 with Retry-After when it cannot be stored.
// Engine thread; outlives the server that calls it.
class LifecycleIngress
{
public:
    LifecycleIngress(store::Store &store, const config::Config &config, IdGenerator &ids);

    void addRoutes(http::Router &router);
    // Called when an event was stored that is to be forwarded.
    void onStored(std::function<void()> listener) { m_stored = std::move(listener); }

private:
    [[nodiscard]] QCoro::Task<http::Response> report(http::Request request, http::Context context);
    [[nodiscard]] Result<QString> backendFor(const QString &wanted) const;
    store::Store &m_store;
    const config::Config &m_config;
    IdGenerator &m_ids;
    std::function<void()> m_stored;
};

} // namespace signalbox::gateway
