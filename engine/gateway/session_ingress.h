// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/ids.h"
#include "config/config.h"
#include "gateway/ingest_pressure.h"
#include "gateway/installation_book.h"
#include "gateway/session_request.h"
#include "gateway/session_streams.h"
#include "http/router.h"

#include <functional>

namespace signalbox::gateway {

// A session, as far as the token may know of it; NotFound.
[[nodiscard]] QCoro::Task<Result<store::SessionBrief>> callerSession(
    store::Store &store, const config::TokenConfig *token, QString id);

// The /v1/sessions routes (INTERFACE.md "Ingress routes"; DESIGN.md step 2): fresh web and cli sessions with
// messages and a log, sessions of Slack places resolved and looked up, tickets bound to either. A token
// reaches the sessions of its installations and nothing else: what belongs to others is 404 by id and 403 by
// installation, whether it exists or not. What is answered 2xx is committed, under the call's Idempotency-Key
// where it has one; anything else has stored nothing. Engine thread; outlives the server that calls it.
class SessionIngress
{
public:
    SessionIngress(store::Store &store, InstallationBook &book, IngestPressure &pressure,
        SessionStreams &streams, const config::Config &config, const Clock &clock, IdGenerator &ids);

    void addRoutes(http::Router &router);
    // Called when a stored delivery may be claimed at once.
    void onReady(std::function<void()> listener) { m_ready = std::move(listener); }

private:
    [[nodiscard]] QCoro::Task<http::Response> create(http::Request request, http::Context context);
    [[nodiscard]] QCoro::Task<http::Response> resolve(http::Request request, http::Context context);
    [[nodiscard]] QCoro::Task<http::Response> lookup(http::Request request, http::Context context);
    [[nodiscard]] QCoro::Task<http::Response> bindTicket(http::Request request, http::Context context);
    [[nodiscard]] QCoro::Task<http::Response> message(http::Request request, http::Context context);
    [[nodiscard]] QCoro::Task<http::Response> stream(http::Request request, http::Context context);
    // Forbidden, NotFound.
    [[nodiscard]] Result<Installation> installationFor(
        const config::TokenConfig &token, const QString &id) const;
    // The Slack session of a place; InvalidInput for installations that have none.
    [[nodiscard]] Result<store::NewSession> slackSession(
        const config::TokenConfig &token, const PlaceRequest &place) const;
    [[nodiscard]] QString randomSessionId();
    [[nodiscard]] store::IngestRequest ingestRequest(
        const store::SessionBrief &session, const MessageRequest &message);

    store::Store &m_store;
    InstallationBook &m_book;
    IngestPressure &m_pressure;
    SessionStreams &m_streams;
    const config::Config &m_config;
    const Clock &m_clock;
    IdGenerator &m_ids;
    std::function<void()> m_ready;
};

} // namespace signalbox::gateway
