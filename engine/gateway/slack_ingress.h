// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/ids.h"
#include "channels/slack/slack_envelope.h"
#include "config/config.h"
#include "gateway/delivery_work.h"
#include "gateway/ingest_pressure.h"
#include "gateway/installation_book.h"
#include "http/router.h"

#include <functional>

namespace signalbox::gateway {

struct IngressStats
{
    IngressStats() = default;
    quint64 received = 0;
    quint64 stored = 0;
    quint64 answers = 0; // to questions
    quint64 duplicates = 0;
    quint64 ignored = 0; // by policy, with their keys
    quint64 dropped = 0; // not for us by their form
    quint64 refusedSignature = 0;
    quint64 malformed = 0;
    quint64 unknownTenant = 0;
    quint64 revocations = 0; // apps and tokens that are gone
    quint64 unavailable = 0; // answered 503
};

// How a request of Slack's has shown where it comes from: by the secret that signs it, or by the app-level
// token of the Socket Mode connection that brought it.
struct SlackProof
{
    [[nodiscard]] static SlackProof signedWith(Secret secret) { return SlackProof(std::move(secret), {}); }
    [[nodiscard]] static SlackProof overSocket(Secret appToken)
    {
        return SlackProof({}, std::move(appToken));
    }
    // Whether it may speak for this tenant and app. One that no installation is configured for is nobody's.
    [[nodiscard]] bool fits(const InstallationBook &book, const QString &tenant, const QString &app) const;

private:
    SlackProof(Secret secret, Secret token)
        : m_secret(std::move(secret))
        , m_appToken(std::move(token))
    {
    }
    Secret m_secret;
    Secret m_appToken;
};

// POST /slack/events (contracts/spritz-backend.md §3, contracts/slack.md §1): signature, relevance, one
// delivery for all the events of one message, 2xx only after the commit, 503 with Retry-After when it cannot
// be stored. Also what Slack says of the app itself: app_uninstalled and tokens_revoked. Engine thread;
// outlives the server that calls it.
class SlackIngress
{
public:
    SlackIngress(store::Store &store, InstallationBook &book, const Backends &backends,
        IngestPressure &pressure, const config::Config &config, const Clock &clock, IdGenerator &ids);

    void addRoutes(http::Router &router);
    // Called when a stored delivery may be claimed at once.
    void onReady(std::function<void()> listener) { m_ready = std::move(listener); }
    // Called when a message has answered a question; its card and its engine are to be told.
    void onAnswered(std::function<void()> listener) { m_answered = std::move(listener); }
    // What an authentic event does, whatever brought it; answers after the commit. 503: it could not be
    // stored, and Slack is to send it again.
    [[nodiscard]] QCoro::Task<http::Response> accept(slack::Envelope envelope, SlackProof proof);
    // Called when a person has stopped the agent of a thread in Slack's own view of it. Unavailable: Slack is
    // to say it again.
    using SessionStopped = std::function<QCoro::Task<Status>(
        Installation installation, QString place, QString thread, QString user)>;
    void onSessionStopped(SessionStopped listener) { m_sessionStopped = std::move(listener); }
    // Called when an app is gone, after that is committed.
    void onRevoked(std::function<void()> listener) { m_revoked = std::move(listener); }
    [[nodiscard]] const IngressStats &stats() const { return m_stats; }

private:
    [[nodiscard]] QCoro::Task<http::Response> events(http::Request request, http::Context context);
    [[nodiscard]] QCoro::Task<http::Response> storeMessage(slack::Envelope envelope, SlackProof proof);
    [[nodiscard]] QCoro::Task<http::Response> stopSession(slack::Envelope envelope, SlackProof proof);
    // The installation that an authentic event belongs to; its answer when there is none, or another's.
    struct Owner
    {
        Owner() = default;
        Installation installation;
        std::optional<http::Response> refusal;
    };
    [[nodiscard]] QCoro::Task<Owner> ownerOf(QString tenant, QString app, SlackProof proof);
    [[nodiscard]] QCoro::Task<http::Response> revoke(slack::Envelope envelope, SlackProof proof);
    [[nodiscard]] domain::RelayPolicy policyOf(const Installation &installation, const QString &place) const;
    [[nodiscard]] store::IngestRequest ingestRequest(
        const slack::Envelope &envelope, const Installation &installation, bool ignored);
    store::Store &m_store;
    InstallationBook &m_book;
    const Backends &m_backends;
    IngestPressure &m_pressure;
    const config::Config &m_config;
    const Clock &m_clock;
    IdGenerator &m_ids;
    std::function<void()> m_ready;
    std::function<void()> m_revoked;
    std::function<void()> m_answered;
    SessionStopped m_sessionStopped;
    IngressStats m_stats;
};

} // namespace signalbox::gateway
