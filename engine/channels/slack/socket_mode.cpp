// SPDX-License-Identifier: Apache-2.0
#include "channels/slack/socket_mode.h"

#include "async/wait.h"
#include "base/log.h"
#include "domain/installation_trouble.h"

#include <QElapsedTimer>
#include <QUrlQuery>

#include <algorithm>
#include <array>

using namespace Qt::StringLiterals;

namespace signalbox::slack {

namespace {
Q_LOGGING_CATEGORY(lcSocket, "signalbox.engine.socket")
constexpr Millis kJoin{5000};
constexpr Millis kMostRetryAfter{600'000};

template <size_t N>
bool isOneOf(const QString &error, const std::array<QStringView, N> &list)
{
    return std::find(list.begin(), list.end(), error) != list.end();
}

// Errors that no waiting ends (contracts/slack.md §2.1), by what a person has to do about them.
QString troubleOf(const QString &error)
{
    static constexpr std::array<QStringView, 7> kRefused{u"not_authed", u"invalid_auth", u"account_inactive",
        u"token_revoked", u"token_expired", u"user_removed_from_team", u"team_disabled"};
    static constexpr std::array<QStringView, 5> kWrongType{
        u"not_allowed_token_type", u"missing_scope", u"no_permission", u"access_denied", u"forbidden_team"};
    if (isOneOf(error, kRefused))
        return QString::fromUtf16(domain::kAppTokenRefused);
    return isOneOf(error, kWrongType) ? QString::fromUtf16(domain::kAppTokenWrongType) : QString();
}

} // namespace

OpenAnswer interpretOpen(const Result<http::Response> &answer, bool plaintext)
{
    OpenAnswer open;
    if (!answer) {
        open.error = errorCodeName(answer.error().code());
        return open;
    }
    const qint64 seconds = answer->headers.value("Retry-After").toLongLong();
    if (seconds > 0)
        open.retryAfter
            = std::min(Millis(std::chrono::seconds(std::min(seconds, qint64(3600)))), kMostRetryAfter);
    if (answer->status != 200) {
        open.error = u"http_%1"_s.arg(answer->status);
        return open;
    }
    const auto json = Json::parse(answer->body);
    if (!json || !json->isObject()) {
        open.error = u"unreadable"_s;
        return open;
    }
    if (!(*json)[u"ok"].toBool()) {
        open.error = (*json)[u"error"].toString();
        open.trouble = troubleOf(open.error);
        return open;
    }
    const QUrl url((*json)[u"url"].toString(), QUrl::StrictMode);
    const bool usable = url.scheme() == u"wss" || (plaintext && url.scheme() == u"ws");
    if (!usable || !url.isValid() || url.host().isEmpty())
        open.error = u"unusable_address"_s;
    else
        open.url = url;
    return open;
}

SocketModeClient::SocketModeClient(
    http::Client &client, const Clock &clock, IdGenerator &ids, SocketModeOptions options, Sink sink)
    : m_client(client)
    , m_clock(clock)
    , m_ids(ids)
    , m_options(std::move(options))
    , m_sink(std::move(sink))
    , m_scope(u"socket mode "_s + m_options.name)
{
}

SocketModeClient::~SocketModeClient()
{
    closeAll();
}

void SocketModeClient::start()
{
    m_scope.spawn("socket mode", run());
}

SocketStats SocketModeClient::stats() const
{
    SocketStats stats = m_stats;
    const auto add = [&stats](const Link &link) {
        if (link)
            stats.badFrames += static_cast<quint64>(link->badFrames());
    };
    add(m_current);
    std::for_each(m_old.begin(), m_old.end(), add);
    return stats;
}

QCoro::Task<> SocketModeClient::run()
{
    const async::CancelToken token = m_scope.token();
    while (!token.isCancelled()) {
        const Try attempt = co_await connectOnce();
        if (token.isCancelled())
            break;
        if (!attempt.trouble.isEmpty()) {
            const bool disabled = attempt.trouble == QString::fromUtf16(domain::kSocketDisabled);
            co_await halt(attempt.trouble, disabled ? async::kNoDeadline : m_options.timings.refusedAgain);
            continue;
        }
        if (!attempt.link) {
            ++m_failures;
            logWarning(lcSocket, "a connection of Socket Mode failed",
                {{"installation", m_options.name}, {"error", attempt.error},
                    {"failures", QString::number(m_failures)}});
            co_await pause(attempt.retryAfter);
            continue;
        }
        adopt(attempt.link);
        co_await watch();
    }
}

QCoro::Task<SocketModeClient::Try> SocketModeClient::askAddress(QUrl *address)
{
    http::ClientRequest request("POST", QUrl(m_options.apiBaseUrl.toString() + u"/apps.connections.open"_s));
    request.headers.add("Authorization", "Bearer " + m_options.appToken.reveal());
    request.headers.add("Content-Type", "application/x-www-form-urlencoded");
    request.timeout = m_options.timings.call;
    request.idempotent = true; // an address that is not used lapses
    const auto answer = co_await m_client.send(std::move(request), m_scope.token());
    const OpenAnswer open = interpretOpen(answer, m_options.apiBaseUrl.scheme() == u"http");
    Try attempt;
    attempt.error = open.error;
    attempt.trouble = open.trouble;
    attempt.retryAfter = open.retryAfter;
    *address = open.url;
    co_return attempt;
}

QCoro::Task<SocketModeClient::Try> SocketModeClient::connectOnce()
{
    QUrl address;
    Try attempt = co_await askAddress(&address);
    if (!address.isValid() || m_scope.token().isCancelled())
        co_return attempt;
    if (m_options.debugReconnects) {
        QUrlQuery query(address);
        query.addQueryItem(u"debug_reconnects"_s, u"true"_s);
        address.setQuery(query);
    }
    const Link link = makeLink();
    link->open(address);
    if (!link->isGone())
        co_await async::waitSignal(
            link.get(), &SocketLink::changed, m_options.timings.hello, m_scope.token());
    if (link->wish() == SocketLink::Wish::Disabled) {
        attempt.trouble = QString::fromUtf16(domain::kSocketDisabled);
    } else if (link->isGreeted() && !link->isGone()) {
        attempt.link = link;
        co_return attempt;
    } else {
        attempt.error = link->isGone() ? u"connection_lost"_s : u"no_hello"_s;
    }
    link->close();
    co_return attempt;
}

SocketModeClient::Link SocketModeClient::makeLink()
{
    Link link(
        new SocketLink(m_clock, m_options.timings, this), [](SocketLink *gone) { gone->deleteLater(); });
    const std::weak_ptr<SocketLink> weak = link;
    link->setListener([this, weak](SocketEnvelope envelope) { take(weak, std::move(envelope)); });
    return link;
}

// Those before may go when they have said what they had to say.
void SocketModeClient::adopt(const Link &link)
{
    ++m_stats.connections;
    m_trouble.clear();
    m_current = link;
    forgetGone();
    for (const Link &old : m_old)
        retire(old);
    logInfo(lcSocket, "Socket Mode is connected",
        {{"installation", m_options.name}, {"replaces", QString::number(m_old.size())}});
    Q_EMIT changed();
}

void SocketModeClient::retire(const Link &link)
{
    SocketLink *old = link.get();
    QTimer::singleShot(m_options.timings.drain, old, [old] { old->close(); });
    connect(old, &SocketLink::changed, this, &SocketModeClient::forgetGone);
}

void SocketModeClient::forgetGone()
{
    std::erase_if(m_old, [this](const Link &link) {
        if (!link->isGone())
            return false;
        m_stats.badFrames += static_cast<quint64>(link->badFrames());
        return true;
    });
}

// Until the connection is gone, or is to be replaced. In the latter case it stays open.
QCoro::Task<> SocketModeClient::watch()
{
    const async::CancelToken token = m_scope.token();
    QElapsedTimer lived;
    lived.start();
    const Link link = m_current; // which a refresh keeps until the next one is greeted
    while (!token.isCancelled() && !link->isGone() && link->wish() == SocketLink::Wish::None)
        co_await async::waitSignal(link.get(), &SocketLink::changed, async::kNoDeadline, token);
    if (token.isCancelled())
        co_return;
    if (link->wish() == SocketLink::Wish::Disabled) {
        co_await halt(QString::fromUtf16(domain::kSocketDisabled), async::kNoDeadline);
        co_return;
    }
    // One that lasted ends the back-off; one that is greeted and sent away again adds to it.
    const bool lasted = lived.elapsed() >= m_options.timings.backOffMost.count();
    m_failures = lasted ? 0 : m_failures + 1;
    m_old.push_back(link);
    if (link->wish() == SocketLink::Wish::Replace && !link->isGone()) {
        ++m_stats.replaced;
        forgetGone();
        if (!lasted)
            co_await pause(Millis(0)); // it serves meanwhile
        co_return;
    }
    m_current.reset();
    link->close();
    ++m_stats.lost;
    forgetGone();
    logWarning(lcSocket, "a connection of Socket Mode was lost", {{"installation", m_options.name}});
    Q_EMIT changed();
    const bool crowded = link->wish() == SocketLink::Wish::TooMany;
    co_await pause(crowded ? m_options.timings.backOffMost / 4 : Millis(0));
}

QCoro::Task<> SocketModeClient::halt(QString trouble, Millis again)
{
    closeAll();
    m_trouble = trouble;
    logWarning(lcSocket, "Socket Mode has stopped", {{"installation", m_options.name}, {"trouble", trouble}});
    Q_EMIT changed();
    co_await async::waitSignal(this, &SocketModeClient::retryWanted, again, m_scope.token());
}

// Half of the present step, and by chance up to the whole of it.
QCoro::Task<> SocketModeClient::pause(Millis atLeast)
{
    Millis step = m_options.timings.backOffFirst;
    for (int i = 1; i < m_failures && step < m_options.timings.backOffMost; ++i)
        step *= 2;
    step = std::min(step, m_options.timings.backOffMost);
    const QByteArray random = m_ids.randomBytes(2);
    const int chance = static_cast<quint8>(random[0]) * 256 + static_cast<quint8>(random[1]);
    const Millis wait = step / 2 + step * chance / (2 * 65'536);
    const Millis pause = std::max(wait, atLeast);
    co_await async::waitSignal(this, &SocketModeClient::retryWanted, pause, m_scope.token());
}

void SocketModeClient::take(const std::weak_ptr<SocketLink> &link, SocketEnvelope envelope)
{
    ++m_stats.received;
    if (m_stopping || m_inFlight >= m_options.maxInFlight) {
        ++m_stats.overflowed;
        return;
    }
    ++m_inFlight;
    m_scope.spawn("slack envelope", handle(link, std::move(envelope)));
}

QCoro::Task<> SocketModeClient::handle(std::weak_ptr<SocketLink> link, SocketEnvelope envelope)
{
    const QString id = envelope.id;
    const bool carries = envelope.acceptsPayload;
    const SocketAnswer answer = co_await m_sink(std::move(envelope));
    --m_inFlight;
    if (!answer.stored) {
        ++m_stats.notStored;
    } else {
        const Link alive = link.lock();
        const bool told = alive && alive->acknowledge(id, carries ? answer.payload : Json());
        ++(told ? m_stats.acknowledged : m_stats.lostAcknowledgements);
    }
    if (m_inFlight == 0)
        Q_EMIT drained();
}

void SocketModeClient::closeAll()
{
    std::vector<Link> links = std::exchange(m_old, {});
    if (m_current)
        links.push_back(std::exchange(m_current, nullptr));
    for (const Link &link : links) {
        link->disconnect(this);
        link->close();
        m_stats.badFrames += static_cast<quint64>(link->badFrames());
    }
}

QCoro::Task<bool> SocketModeClient::stop(Millis grace)
{
    m_stopping = true;
    if (m_inFlight > 0)
        co_await async::waitSignal(this, &SocketModeClient::drained, grace);
    m_scope.cancel();
    closeAll();
    co_return co_await m_scope.join(kJoin);
}

} // namespace signalbox::slack
