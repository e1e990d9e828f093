// SPDX-License-Identifier: Apache-2.0
#include "gateway/interaction_ingress.h"

#include "base/log.h"
#include "channels/slack/slack_signature.h"

using namespace Qt::StringLiterals;
using signalbox::domain::ClaimOutcome;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcClicks, "signalbox.engine.interactions")
constexpr int kMostNotes = 100; // at once: they are a courtesy, and memory is bounded

http::Response done()
{
    return http::Response(200, "application/json", "");
}

http::Response notStored()
{
    return http::Response::text(503, "the answer could not be stored; try again\n")
        .withHeader("Retry-After", "1");
}
} // namespace

InteractionIngress::InteractionIngress(InstallationBook &book, Interactions &interactions,
    slack::SlackAdapter &slack, const config::Config &config, const Clock &clock, IdGenerator &ids)
    : m_book(book)
    , m_interactions(interactions)
    , m_slack(slack)
    , m_config(config)
    , m_clock(clock)
    , m_ids(ids)
    , m_scope(u"private notes"_s)
{
}

void InteractionIngress::addRoutes(http::Router &router)
{
    http::RouteOptions options;
    options.maxBodyBytes = m_config.ingress.maxBodyBytes;
    options.errors = http::ErrorStyle::PlainText;
    const auto handler = [this](http::Request request, http::Context context) {
        return interactions(std::move(request), std::move(context));
    };
    router.add("POST", u"/slack/interactions"_s, handler, options);
}

QCoro::Task<> InteractionIngress::stop()
{
    m_scope.cancel();
    co_await m_scope.join(Millis(5000));
}

QCoro::Task<http::Response> InteractionIngress::interactions(http::Request request, http::Context)
{
    const auto signature = slack::checkSignature(request.headers.value("X-Slack-Request-Timestamp"),
        request.headers.value("X-Slack-Signature"), request.body, m_book.signingSecrets(), m_clock.now());
    if (signature.check != slack::SignatureCheck::Valid)
        co_return http::Response::text(401, slack::refusalText(signature.check));
    const auto payload = slack::interactionPayload(request.body);
    if (!payload)
        co_return http::Response::text(400, "invalid payload\n");
    const slack::SlackAction action = slack::readAction(*payload);
    if (!slack::isPlausible(action))
        co_return http::Response::text(400, "invalid identifiers\n");
    if (action.teamId.isEmpty())
        co_return done();
    // The signature must be the one of the installation that the click claims to belong to.
    const Secret signedWith = m_book.signingSecrets()[static_cast<size_t>(signature.secretIndex)];
    const std::optional<Secret> secret = m_book.secretFor(action.teamId, action.apiAppId);
    if (secret && !(*secret == signedWith))
        co_return http::Response::text(401, slack::refusalText(slack::SignatureCheck::Invalid));
    const auto installation = co_await m_book.forTenant(action.teamId, action.apiAppId);
    if (!installation && installation.error().code() == ErrorCode::NotFound) {
        logWarning(
            lcClicks, "a click of a tenant without an installation was dropped", {{"tenant", action.teamId}});
        co_return done();
    }
    if (!installation)
        co_return notStored();
    const bool others = m_owns && m_owns(*payload);
    auto taking = others ? m_other(*payload, *installation) : take(action, *installation);
    const Status taken = co_await taking;
    co_return taken ? done() : notStored();
}

QCoro::Task<Status> InteractionIngress::take(slack::SlackAction action, Installation installation)
{
    const auto pressed = domain::parseButton(action.actionId, action.value);
    if (action.type != u"block_actions" || !pressed || action.user.isEmpty() || action.place.isEmpty())
        co_return Status();
    store::ClaimInteraction claim;
    claim.id = pressed->interactionId;
    claim.claimId = m_ids.next();
    claim.installationId = installation.row.id;
    claim.place = action.place;
    claim.person = action.user;
    claim.option = pressed->index;
    claim.cardTs = action.messageTs;
    const auto claimed = co_await m_interactions.claim(std::move(claim));
    if (!claimed) {
        logWarning(lcClicks, "an answer could not be stored",
            {{"interaction", pressed->interactionId}, {"code", claimed.error().native()}});
        co_return fail(claimed.error());
    }
    if (claimed->outcome == ClaimOutcome::Won)
        co_return Status();
    slack::Whisper note;
    note.place = action.place;
    note.thread = action.threadTs;
    note.user = action.user;
    note.text = domain::privateNote(claimed->outcome);
    if (m_scope.live() < kMostNotes && !installation.botToken.isEmpty())
        m_scope.spawn("private note", whisper(std::move(note), installation.botToken));
    co_return Status();
}

QCoro::Task<> InteractionIngress::whisper(slack::Whisper whisper, Secret token)
{
    const Status shown = co_await m_slack.whisper(std::move(token), std::move(whisper), m_scope.token());
    if (!shown)
        logWarning(lcClicks, "a private note could not be shown", {{"error", shown.error().native()}});
}

} // namespace signalbox::gateway
