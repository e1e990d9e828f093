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
constexpr qint64 kMostEventTime = 0xffffffff; // seconds

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
    const Secret signedWith = m_book.signingSecrets()[static_cast<size_t>(signature.secretIndex)];
    co_return co_await accept(std::move(*envelope), SlackProof::signedWith(signedWith));
}

QCoro::Task<http::Response> SlackIngress::accept(slack::Envelope envelope, SlackProof proof)
{
    const bool message = envelope.eventType == u"message" || envelope.eventType == u"app_mention";
    const bool gone = envelope.eventType == u"app_uninstalled" || envelope.eventType == u"tokens_revoked";
    const bool stopped = envelope.eventType == u"agent_session_stopped";
    if (envelope.type != u"event_callback" || !(message || gone || stopped)) {
        ++m_stats.dropped;
        co_return ignored();
    }
    if (!isPlausible(envelope)) {
        ++m_stats.malformed;
        co_return http::Response::text(400, "invalid identifiers\n");
    }
    if (gone)
        co_return co_await revoke(std::move(envelope), std::move(proof));
    if (stopped)
        co_return co_await stopSession(std::move(envelope), std::move(proof));
    co_return co_await storeMessage(std::move(envelope), std::move(proof));
}

bool SlackProof::fits(const InstallationBook &book, const QString &tenant, const QString &app) const
{
    const std::optional<Secret> secret
        = m_appToken.isEmpty() ? book.secretFor(tenant, app) : book.appTokenFor(tenant, app);
    return !secret || *secret == (m_appToken.isEmpty() ? m_secret : m_appToken);
}

QCoro::Task<SlackIngress::Owner> SlackIngress::ownerOf(QString tenant, QString app, SlackProof proof)
{
    Owner owner;
    // Before anything is stored of it: the signature, or the socket, must be the one of the installation that
    // the event claims to belong to.
    if (!proof.fits(m_book, tenant, app)) {
        ++m_stats.refusedSignature;
        owner.refusal = http::Response::text(401, slack::refusalText(slack::SignatureCheck::Invalid));
        co_return owner;
    }
    auto installation = co_await m_book.forTenant(tenant, app);
    if (!installation && installation.error().code() != ErrorCode::NotFound) {
        ++m_stats.unavailable;
        owner.refusal = notStored();
    } else if (!installation) {
        ++m_stats.unknownTenant;
        logWarning(
            lcIngress, "an event of a tenant without an installation was dropped", {{"tenant", tenant}});
        owner.refusal = ignored();
    } else {
        owner.installation = std::move(*installation);
    }
    co_return owner;
}

namespace {

// tokens_revoked names users, not tokens: only our own bot concerns us.
bool concernsBot(const slack::Envelope &envelope, const QString &botUserId)
{
    const Json &bots = envelope.event[u"tokens"][u"bot"];
    if (!bots.isArray() || bots.toArray().empty())
        return false;
    const auto isOurs = [&](const Json &user) { return user.toString() == botUserId; };
    return botUserId.isEmpty() || std::any_of(bots.toArray().begin(), bots.toArray().end(), isOurs);
}

} // namespace

QCoro::Task<http::Response> SlackIngress::revoke(slack::Envelope envelope, SlackProof proof)
{
    if (envelope.teamId.isEmpty()) {
        ++m_stats.dropped;
        co_return ok();
    }
    const Owner owner = co_await ownerOf(envelope.teamId, envelope.apiAppId, std::move(proof));
    if (owner.refusal)
        co_return *owner.refusal;
    const store::InstallationRow &row = owner.installation.row;
    store::RevokeInstallation revoke;
    revoke.uninstalled = envelope.eventType == u"app_uninstalled";
    if (!revoke.uninstalled && !concernsBot(envelope, row.botUserId)) {
        ++m_stats.dropped;
        co_return ok();
    }
    revoke.installationId = row.id;
    if (!envelope.eventId.isEmpty())
        revoke.eventKey = domain::eventKey(row.id, envelope.eventId, QString::number(envelope.eventTime));
    revoke.keyTtl = m_config.dedupeTtl;
    if (envelope.eventTime > 0 && envelope.eventTime < kMostEventTime)
        revoke.eventAt = fromMs(envelope.eventTime * 1000);
    const auto backend = m_backends.find(row.backend);
    if (revoke.uninstalled && backend != m_backends.end() && backend->second->hasRegistry())
        revoke.disconnect = row.backend;
    const auto revoked = co_await m_book.revoke(std::move(revoke));
    if (!revoked) {
        ++m_stats.unavailable;
        logWarning(lcIngress, "that an app is gone could not be stored",
            {{"installation", row.id}, {"code", revoked.error().native()}});
        co_return notStored();
    }
    if (revoked->news) {
        ++m_stats.revocations;
        logWarning(lcIngress, "the app or its token is gone from a tenant",
            {{"installation", row.id}, {"event", envelope.eventType},
                {"deliveries", QString::number(revoked->deliveries)},
                {"outbound", QString::number(revoked->outbound)}});
        if (backend != m_backends.end())
            backend->second->forgetTenant(row.tenant);
        if (m_revoked)
            m_revoked();
    }
    co_return ok();
}

QCoro::Task<http::Response> SlackIngress::stopSession(slack::Envelope envelope, SlackProof proof)
{
    const QString place = envelope.event[u"channel"].toString();
    const QString thread = envelope.event[u"thread_ts"].toString();
    const QString user = envelope.event[u"user"].toString();
    const bool plausible
        = slack::isPlausibleId(place) && slack::isPlausibleId(thread) && slack::isPlausibleId(user);
    if (envelope.teamId.isEmpty() || place.isEmpty() || user.isEmpty() || !plausible || !m_sessionStopped) {
        ++m_stats.dropped;
        co_return ok();
    }
    Owner owner = co_await ownerOf(envelope.teamId, envelope.apiAppId, std::move(proof));
    if (owner.refusal)
        co_return *owner.refusal;
    const Status stopped = co_await m_sessionStopped(std::move(owner.installation), place, thread, user);
    if (!stopped) {
        ++m_stats.unavailable;
        co_return notStored();
    }
    co_return ok();
}

QCoro::Task<http::Response> SlackIngress::storeMessage(slack::Envelope envelope, SlackProof proof)
{
    if (envelope.teamId.isEmpty()) {
        ++m_stats.dropped;
        co_return ok();
    }
    const Owner owner = co_await ownerOf(envelope.teamId, envelope.apiAppId, std::move(proof));
    if (owner.refusal)
        co_return *owner.refusal;
    const Installation *installation = &owner.installation;
    if (installation->row.app.isEmpty())
        co_await m_book.learnApp(installation->row.id, envelope.apiAppId);
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
    case store::IngestResult::Answered:
        ++m_stats.answers;
        if (m_answered)
            m_answered();
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
    if (message.subtype.isEmpty())
        request.reply = domain::parseTypedReply(message.text);
    if (!ignored)
        request.payload = envelope.event.toBytes();
    request.payloadTtl = m_config.engine.payloadRetention;
    return request;
}

} // namespace signalbox::gateway
