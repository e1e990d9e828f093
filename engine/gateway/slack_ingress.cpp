// SPDX-License-Identifier: Apache-2.0
#include "gateway/slack_ingress.h"

#include "base/log.h"
#include "channels/slack/slack_signature.h"
#include "domain/session_id.h"
#include "gateway/ingress_call.h"

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcIngress, "signalbox.engine.ingress")

http::Response ok()
{
    return http::Response(200, "application/json", R"({"ok":true})");
}

http::Response ignored()
{
    return http::Response(200, "application/json", R"({"ignored":true,"ok":true})");
}

http::Response notStored()
{
    return http::Response::text(503, "the message could not be stored; send it again\n")
        .withHeader("Retry-After", "1");
}

bool isPlausible(const slack::Envelope &envelope)
{
    const domain::SlackMessage &message = envelope.message;
    const QStringView ids[]{envelope.teamId, envelope.apiAppId, envelope.eventId, message.user, message.place,
        message.ts, message.threadTs, message.clientMsgId};
    return std::all_of(std::begin(ids), std::end(ids), slack::isPlausibleId);
}

} // namespace

SlackIngress::SlackIngress(store::Store &store, InstallationBook &book, const Backends &backends,
    IngestPressure &pressure, const config::Config &config, const Clock &clock, IdGenerator &ids)
    : m_store(store)
    , m_book(book)
    , m_backends(backends)
    , m_pressure(pressure)
    , m_config(config)
    , m_clock(clock)
    , m_ids(ids)
{
}

void SlackIngress::addRoutes(http::Router &router)
{
    http::RouteOptions options;
    options.maxBodyBytes = m_config.ingress.maxBodyBytes;
    options.errors = http::ErrorStyle::PlainText;
    const auto handler = [this](http::Request request, http::Context context) {
        return events(std::move(request), std::move(context));
    };
    router.add("POST", u"/slack/events"_s, handler, options);
}

QCoro::Task<http::Response> SlackIngress::events(http::Request request, http::Context)
{
    ++m_stats.received;
    const auto signature = slack::checkSignature(request.headers.value("X-Slack-Request-Timestamp"),
        request.headers.value("X-Slack-Signature"), request.body, m_book.signingSecrets(), m_clock.now());
    if (signature.check != slack::SignatureCheck::Valid) {
        ++m_stats.refusedSignature;
        co_return http::Response::text(401, slack::refusalText(signature.check));
    }
    auto envelope = slack::parseEnvelope(request.body);
    if (!envelope) {
        ++m_stats.malformed;
        co_return http::Response::text(400, "invalid json\n");
    }
    if (envelope->type == u"url_verification")
        co_return http::Response::text(200, envelope->challenge.toUtf8());
    const bool message = envelope->eventType == u"message" || envelope->eventType == u"app_mention";
    if (envelope->type != u"event_callback" || !message) {
        ++m_stats.dropped;
        co_return ignored();
    }
    if (!isPlausible(*envelope)) {
        ++m_stats.malformed;
        co_return http::Response::text(400, "invalid identifiers\n");
    }
    const Secret signedWith = m_book.signingSecrets()[static_cast<size_t>(signature.secretIndex)];
    co_return co_await storeMessage(std::move(*envelope), signedWith);
}

QCoro::Task<http::Response> SlackIngress::storeMessage(slack::Envelope envelope, Secret signedWith)
{
    if (envelope.teamId.isEmpty()) {
        ++m_stats.dropped;
        co_return ok();
    }
    const auto installation = co_await m_book.forTenant(envelope.teamId, envelope.apiAppId);
    if (!installation) {
        if (installation.error().code() != ErrorCode::NotFound) {
            ++m_stats.unavailable;
            co_return notStored();
        }
        ++m_stats.unknownTenant;
        logWarning(lcIngress, "a message of a tenant without an installation was dropped",
            {{"tenant", envelope.teamId}});
        co_return ignored();
    }
    // The signature must be the one of the installation that the message claims to belong to.
    if (!(installation->signingSecret == signedWith)) {
        ++m_stats.refusedSignature;
        co_return http::Response::text(401, slack::refusalText(slack::SignatureCheck::Invalid));
    }
    const domain::Relay relay
        = domain::decideRelay(envelope.message, policyOf(*installation, envelope.message.place));
    if (relay == domain::Relay::Drop) {
        ++m_stats.dropped;
        co_return ok();
    }
    m_pressure.note();
    store::IngestRequest request = ingestRequest(envelope, *installation, relay == domain::Relay::Ignore);
    const auto outcome = co_await m_store.ingest(std::move(request));
    if (!outcome) {
        ++m_stats.unavailable;
        logWarning(lcIngress, "a message could not be stored", {{"code", outcome.error().native()}});
        co_return notStored();
    }
    switch (outcome->result) {
    case store::IngestResult::Duplicate:
        ++m_stats.duplicates;
        break;
    case store::IngestResult::Ignored:
        ++m_stats.ignored;
        break;
    case store::IngestResult::Stored:
    case store::IngestResult::Revived:
        ++m_stats.stored;
        break;
    }
    if (outcome->ready && m_ready)
        m_ready();
    co_return ok();
}

// The provider's policy for the place, where it has one; else the installation's.
domain::RelayPolicy SlackIngress::policyOf(const Installation &installation, const QString &place) const
{
    domain::RelayPolicy policy;
    policy.requireMention = installation.row.requireMention;
    policy.botUserId = installation.row.botUserId;
    const auto backend = m_backends.find(installation.row.backend);
    if (backend == m_backends.end())
        return policy;
    if (const auto told = backend->second->placePolicy(installation.row.tenant, place)) {
        policy.requireMention = installation.row.requireMention && told->requireMention;
        policy.certain = told->fresh;
    }
    return policy;
}

store::IngestRequest SlackIngress::ingestRequest(
    const slack::Envelope &envelope, const Installation &installation, bool ignored)
{
    const domain::SlackMessage &message = envelope.message;
    const store::InstallationRow &row = installation.row;
    const bool perThread = hasSessionPerThread(m_config, row.backend);

    store::IngestRequest request;
    request.deliveryId = m_ids.next();
    request.installationId = row.id;
    request.channel = row.channel;
    request.tenant = row.tenant;
    request.backend = row.backend;
    request.keys << domain::messageKey(row.id, message.place, message.ts);
    if (!envelope.eventId.isEmpty())
        request.keys << domain::eventKey(row.id, envelope.eventId, message.ts);
    request.lookupKeys = request.keys;
    if (!message.clientMsgId.isEmpty()) {
        const qint64 bucket = domain::clientMessageBucket(domain::tsSeconds(message.ts));
        request.keys << domain::clientMessageKey(row.id, message.clientMsgId, bucket);
        const qint64 width = 600;
        for (const qint64 near : {bucket, bucket - width, bucket + width})
            request.lookupKeys << domain::clientMessageKey(row.id, message.clientMsgId, near);
    }
    request.keyTtl = m_config.dedupeTtl;
    request.direct = domain::isDirect(message);
    request.place = message.place;
    request.messageTs = message.ts;
    request.user = message.user;
    request.mentionEvent = message.eventType == u"app_mention";
    request.mentioned = request.mentionEvent
        || (!row.botUserId.isEmpty() && message.text.contains(u"<@"_s + row.botUserId + u'>'));
    request.sessionThread = domain::sessionThread(perThread, request.direct, message.threadTs, message.ts);
    // An acp answer starts a thread; a spritz answer to a top-level message stays top-level (DESIGN.md step
    // 2).
    request.thread = perThread && !request.direct ? request.sessionThread : message.threadTs;
    domain::SessionScope scope;
    scope.channel = row.channel;
    scope.tenant = row.tenant;
    scope.app = row.app;
    scope.backend = row.backend;
    scope.place = message.place;
    scope.thread = request.sessionThread;
    request.sessionId = domain::sessionId(scope);
    request.ignored = ignored;
    if (!ignored)
        request.payload = envelope.event.toBytes();
    request.payloadTtl = m_config.engine.payloadRetention;
    return request;
}

} // namespace signalbox::gateway
