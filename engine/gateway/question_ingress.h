// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/ids.h"
#include "config/config.h"
#include "gateway/installation_book.h"
#include "gateway/question_request.h"
#include "http/router.h"

#include <functional>

namespace signalbox::gateway {

// POST /v1/interactions and GET /v1/interactions/{id} (INTERFACE.md "Ingress routes"): a program asks people,
// and learns what they say from the webhooks that want it, from this route, which may wait for it, and, where
// it asked for that, as a message in the session. A token reaches the installations that it names; what
// belongs to others is 404. Engine thread; outlives the server that calls it.
class QuestionIngress
{
public:
    QuestionIngress(
        store::Store &store, InstallationBook &book, const config::Config &config, IdGenerator &ids);

    void addRoutes(http::Router &router);
    // Called when a card may be posted.
    void onOutbound(std::function<void()> listener) { m_outbound = std::move(listener); }

private:
    [[nodiscard]] QCoro::Task<http::Response> ask(http::Request request, http::Context context);
    [[nodiscard]] QCoro::Task<http::Response> answer(http::Request request, http::Context context);
    // Where the question is put, and who may answer. Forbidden, NotFound, InvalidInput.
    [[nodiscard]] QCoro::Task<Result<store::NewInteraction>> placed(
        const config::TokenConfig *token, QuestionRequest wanted);
    [[nodiscard]] QCoro::Task<Result<store::QuestionView>> questionFor(
        const config::TokenConfig *token, QString id);

    store::Store &m_store;
    InstallationBook &m_book;
    const config::Config &m_config;
    IdGenerator &m_ids;
    QStringList m_webhooks; // that want answers
    int m_waiting = 0; // calls that wait for an answer
    std::function<void()> m_outbound;
};

} // namespace signalbox::gateway
