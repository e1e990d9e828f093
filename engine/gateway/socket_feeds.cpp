// SPDX-License-Identifier: Apache-2.0
#include "gateway/socket_feeds.h"

#include "base/log.h"
#include "domain/installation_trouble.h"

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcFeeds, "signalbox.engine.socket")
constexpr Millis kHold{10'000}; // lease of a connection
constexpr Millis kRenew{2000}; // and how soon another engine sees that it has ended
constexpr int kNotStored = 503; // any other status: Slack need not send it again

// A payload of another app than the one that its connection was greeted for is nobody's.
bool isForeign(const slack::SocketEnvelope &envelope, const QString &app)
{
    return !envelope.connectionApp.isEmpty() && !app.isEmpty() && envelope.connectionApp != app;
}

slack::SocketAnswer dropped(const char *why)
{
    logWarning(lcFeeds, "an envelope of Socket Mode was dropped", {{"reason", QString::fromLatin1(why)}});
    return slack::SocketAnswer(true);
}
} // namespace

SocketFeeds::SocketFeeds(store::Store &store, InstallationBook &book, EngineLease &lease,
    SlackIngress &ingress, SlackCommands &commands, http::Client &client, const config::Config &config,
    const Clock &clock, IdGenerator &ids)
    : m_store(store)
    , m_book(book)
    , m_lease(lease)
    , m_ingress(ingress)
    , m_commands(commands)
    , m_client(client)
    , m_config(config)
    , m_clock(clock)
    , m_ids(ids)
    , m_loop("sockets", kRenew)
{
    for (const config::InstallationConfig &installation : config.installations) {
        if (installation.channel != u"slack" || installation.transport != u"socket")
            continue;
        const bool known = std::any_of(m_feeds.begin(), m_feeds.end(),
            [&](const auto &feed) { return feed->appToken == installation.appToken; });
        if (known)
            continue;
        auto feed = std::make_unique<Feed>();
        feed->id = installationId(installation.channel, installation.tenant, installation.app);
        feed->appToken = installation.appToken;
        m_feeds.push_back(std::move(feed));
    }
}

SocketFeeds::~SocketFeeds() = default;

void SocketFeeds::start()
{
    if (!m_feeds.empty())
        m_loop.start([this] { return keepAll(); });
}

QCoro::Task<> SocketFeeds::stop(Millis grace)
{
    co_await m_loop.stop();
    for (const auto &feed : m_feeds) {
        if (!feed->client)
            continue;
        co_await letGo(feed.get(), grace);
        const Status released = co_await m_store.releaseSocket(feed->id, m_lease.life());
        if (!released)
            logWarning(lcFeeds, "a connection could not be handed over", {{"installation", feed->id}});
    }
}

QCoro::Task<bool> SocketFeeds::keepAll()
{
    for (const auto &feed : m_feeds)
        co_await keep(feed.get());
    co_return false;
}

// Takes or renews. While the store does not answer the connection stays as long as it is this engine's: what
// cannot be stored is not acknowledged.
QCoro::Task<> SocketFeeds::keep(Feed *feed)
{
    store::HoldSocket hold;
    hold.installationId = feed->id;
    hold.life = m_lease.life();
    hold.lease = kHold;
    hold.stopped = feed->client && !feed->client->trouble().isEmpty();
    const Millis asked = m_clock.boot();
    const auto held = co_await m_store.holdSocket(std::move(hold));
    if (!held) {
        const bool shared = m_store.databaseKind() != u"sqlite";
        if (feed->client && shared && m_clock.boot() >= feed->heldUntil)
            co_await letGo(feed, Millis(0));
        co_return;
    }
    if (!held->held) {
        if (feed->client)
            co_await letGo(feed, Millis(0));
        co_return;
    }
    feed->heldUntil = asked + kHold;
    if (!feed->client) {
        const auto known = m_book.byId(feed->id);
        co_await m_book.refresh(
            feed->id, known ? known->row.rev + 1 : 0); // another engine may have noted trouble
        connectFeed(*feed);
    } else if (held->retry) {
        feed->client->retry();
    }
    co_await tell(feed);
}

void SocketFeeds::connectFeed(Feed &feed)
{
    slack::SocketModeOptions options;
    options.apiBaseUrl = QUrl(m_config.slack.apiBaseUrl);
    options.appToken = feed.appToken;
    options.name = feed.id;
    const auto sink = [this, token = feed.appToken](
                          slack::SocketEnvelope envelope) { return take(std::move(envelope), token); };
    feed.client
        = std::make_unique<slack::SocketModeClient>(m_client, m_clock, m_ids, std::move(options), sink);
    connect(feed.client.get(), &slack::SocketModeClient::changed, this, [this] { m_loop.wake(); });
    feed.client->start();
}

// Its trouble is shown as others are, and is over with a greeting.
QCoro::Task<> SocketFeeds::tell(Feed *feed)
{
    const QString trouble = feed->client->trouble();
    if (!trouble.isEmpty()) {
        co_await m_book.note(feed->id, trouble);
        co_return;
    }
    const auto known = m_book.byId(feed->id);
    const QString noted = known ? known->row.health.trouble : QString();
    if (feed->client->isLive() && domain::troubleKind(noted) == domain::TroubleKind::Socket)
        co_await m_book.clear(feed->id, noted);
}

QCoro::Task<> SocketFeeds::letGo(Feed *feed, Millis grace)
{
    std::unique_ptr<slack::SocketModeClient> client = std::move(feed->client);
    client->disconnect(this);
    if (co_await client->stop(grace))
        client.release()->deleteLater(); // its coroutines may be on the stack
    else
        m_stuck.push_back(std::move(client));
}

QCoro::Task<slack::SocketAnswer> SocketFeeds::take(slack::SocketEnvelope envelope, Secret appToken)
{
    if (envelope.type == u"events_api")
        return takeEvent(std::move(envelope), std::move(appToken));
    if (envelope.type == u"slash_commands")
        return takeCommand(std::move(envelope), std::move(appToken));
    return takeInteraction(std::move(envelope), std::move(appToken));
}

QCoro::Task<slack::SocketAnswer> SocketFeeds::takeEvent(slack::SocketEnvelope envelope, Secret appToken)
{
    slack::Envelope event = slack::readEnvelope(envelope.payload);
    if (isForeign(envelope, event.apiAppId))
        co_return dropped("another app");
    const http::Response answer
        = co_await m_ingress.accept(std::move(event), SlackProof::overSocket(appToken));
    co_return slack::SocketAnswer(answer.status != kNotStored);
}

QCoro::Task<slack::SocketAnswer> SocketFeeds::takeCommand(slack::SocketEnvelope envelope, Secret appToken)
{
    slack::SlashCommand command = slack::readSlashCommand(envelope.payload);
    if (isForeign(envelope, command.apiAppId))
        co_return dropped("another app");
    const auto answered = co_await m_commands.answer(std::move(command), SlackProof::overSocket(appToken));
    slack::SocketAnswer answer(answered.has_value());
    if (answered)
        answer.payload = *answered;
    co_return answer;
}

QCoro::Task<slack::SocketAnswer> SocketFeeds::takeInteraction(slack::SocketEnvelope envelope, Secret appToken)
{
    if (envelope.type != u"interactive")
        co_return dropped("unknown type");
    const slack::Gesture gesture = slack::readGesture(envelope.payload);
    const SlackProof proof = SlackProof::overSocket(appToken);
    if (isForeign(envelope, gesture.apiAppId) || gesture.teamId.isEmpty()
        || !proof.fits(m_book, gesture.teamId, gesture.apiAppId))
        co_return dropped("another app or tenant");
    auto installation = co_await m_book.forTenant(gesture.teamId, gesture.apiAppId);
    if (!installation && installation.error().code() == ErrorCode::NotFound)
        co_return dropped("no such installation");
    if (!installation)
        co_return slack::SocketAnswer(false);
    Status done;
    if (SlackCommands::owns(envelope.payload))
        done = co_await m_commands.interact(std::move(envelope.payload), std::move(*installation));
    else if (m_interaction)
        done = co_await m_interaction(std::move(envelope.payload), std::move(*installation));
    co_return slack::SocketAnswer(done.has_value());
}

} // namespace signalbox::gateway
