// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/change_streams.h"
#include "admin/operator_service.h"
#include "config/config.h"
#include "http/router.h"

namespace signalbox::admin {

// The HTTP side of OperatorApi (INTERFACE.md "Admin routes"): Bearer tokens with a role; /healthz and /readyz
// need none, but why an engine is not ready is told on loopback or to a token only. Engine thread; outlives
// the server that calls it.
class AdminRoutes
{
public:
    AdminRoutes(OperatorService &service, QList<config::TokenConfig> tokens);
    void addRoutes(http::Router &router);
    // Ends the streams.
    [[nodiscard]] QCoro::Task<> stop() { return m_streams.stop(); }
    [[nodiscard]] ChangeStreams &streams() { return m_streams; }

private:
    using Answer = QCoro::Task<http::Response>;
    // The token's entry, or nullptr: compared in constant time over all of them.
    [[nodiscard]] const config::TokenConfig *tokenOf(const http::Request &request) const;
    // Why the request is not served at all; nothing when its token may read.
    [[nodiscard]] std::optional<http::Response> refusal(const http::Request &request) const;
    [[nodiscard]] static Result<domain::ListQuery> listQuery(const http::Request &request);
    void addGet(http::Router &router, const QString &pattern, Answer (AdminRoutes::*handler)(http::Request));
    // An action for operators and admins.
    void addPost(http::Router &router, const QString &pattern, Answer (AdminRoutes::*handler)(http::Request));
    [[nodiscard]] Answer self(http::Request request);
    [[nodiscard]] Answer summary(http::Request request);
    [[nodiscard]] Answer sessions(http::Request request);
    [[nodiscard]] Answer session(http::Request request);
    [[nodiscard]] Answer deliveries(http::Request request);
    [[nodiscard]] Answer delivery(http::Request request);
    [[nodiscard]] Answer runtimes(http::Request request);
    [[nodiscard]] Answer runtime(http::Request request);
    [[nodiscard]] Answer lifecycleEvents(http::Request request);
    [[nodiscard]] Answer lifecycleEvent(http::Request request);
    [[nodiscard]] Answer replayLifecycleEvent(http::Request request);
    [[nodiscard]] Answer ready(http::Request request);
    [[nodiscard]] Answer stream(http::Request request); // stream_routes.cpp
    // action_routes.cpp
    void addActionRoutes(http::Router &router);
    [[nodiscard]] Answer mutate(http::Request request, domain::Act act, QString scope);
    [[nodiscard]] Answer locks(http::Request request);
    [[nodiscard]] Answer audit(http::Request request);
    [[nodiscard]] Answer installations(http::Request request);
    [[nodiscard]] Answer backends(http::Request request);
    [[nodiscard]] Answer engines(http::Request request);
    [[nodiscard]] Answer interactions(http::Request request);
    [[nodiscard]] Answer interaction(http::Request request);
    [[nodiscard]] Answer explain(http::Request request);
    [[nodiscard]] Answer idempotency(http::Request request);
    OperatorService &m_service;
    QList<config::TokenConfig> m_tokens;
    ChangeStreams m_streams;
};

} // namespace signalbox::admin
