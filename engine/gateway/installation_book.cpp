// SPDX-License-Identifier: Apache-2.0
#include "gateway/installation_book.h"

#include "base/log.h"
#include "domain/installation_trouble.h"
#include "gateway/feedback_of.h"

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

QString installationId(const QString &channel, const QString &tenant, const QString &app)
{
    return app.isEmpty() ? channel + u':' + tenant : channel + u':' + tenant + u':' + app;
}

namespace {
Q_LOGGING_CATEGORY(lcGateway, "signalbox.engine.gateway")

store::InstallationRow rowFrom(const config::InstallationConfig &config, const QString &tenant)
{
    store::InstallationRow row;
    row.id = installationId(config.channel, tenant, config.app);
    row.channel = config.channel;
    row.tenant = tenant;
    row.app = config.app;
    row.backend = config.backend;
    row.requireMention = config.requireMention;
    return row;
}

// Where a sealed token belongs, so that it opens nowhere else.
QByteArray placeOf(const QString &id)
{
    return "installations/" + id.toUtf8() + "/bot_token";
}

} // namespace

bool isForeignApp(const Installation &installation, const QString &apiAppId)
{
    const store::InstallationRow &row = installation.row;
    const QString &own = row.app.isEmpty() ? row.health.seenApp : row.app;
    return !own.isEmpty() && !apiAppId.isEmpty() && own != apiAppId;
}

InstallationBook::InstallationBook(store::Store &store, const config::Config &config, Sealer sealer)
    : m_store(store)
    , m_config(config)
    , m_sealer(std::move(sealer))
{
    const auto add = [this](const Secret &secret) {
        if (!secret.isEmpty() && std::find(m_secrets.begin(), m_secrets.end(), secret) == m_secrets.end())
            m_secrets.push_back(secret);
    };
    add(config.slack.signingSecret);
    for (const config::InstallationConfig &installation : config.installations)
        add(installation.signingSecret);
}

QCoro::Task<Status> InstallationBook::load()
{
    std::vector<store::InstallationRow> configured;
    for (const config::InstallationConfig &installation : m_config.installations)
        configured.push_back(rowFrom(installation, installation.tenant));
    const auto rows = co_await m_store.syncInstallations(std::move(configured));
    if (!rows)
        co_return fail(rows.error().context(u"loading the installations"_s));
    for (const store::InstallationRow &row : *rows) {
        QString trouble;
        m_byId.insert(row.id, made(row, &trouble));
        if (!trouble.isEmpty())
            co_await note(row.id, trouble);
        // One that was configured for Socket Mode, and is not any more.
        const auto *config = configuredFor(row.channel, row.tenant, row.app);
        const bool socketTrouble = domain::troubleKind(row.health.trouble) == domain::TroubleKind::Socket;
        if (socketTrouble && config && config->transport != u"socket")
            co_await clear(row.id, row.health.trouble);
    }
    co_return Status();
}

const config::InstallationConfig *InstallationBook::configuredFor(
    const QString &channel, const QString &tenant, const QString &app) const
{
    const config::InstallationConfig *best = nullptr;
    int bestScore = -1;
    for (const config::InstallationConfig &candidate : m_config.installations) {
        const bool any = candidate.tenant == u"*";
        if (candidate.channel != channel || (!any && candidate.tenant != tenant)
            || (!candidate.app.isEmpty() && candidate.app != app))
            continue;
        const int score = (any ? 0 : 2) + (candidate.app.isEmpty() ? 0 : 1);
        if (score > bestScore) {
            best = &candidate;
            bestScore = score;
        }
    }
    return best;
}

// `trouble`: what its sealed token says, when it cannot be opened.
Installation InstallationBook::made(const store::InstallationRow &row, QString *trouble) const
{
    Installation installation;
    installation.row = row;
    installation.signingSecret = m_config.slack.signingSecret;
    if (const auto *config = configuredFor(row.channel, row.tenant, row.app)) {
        // The configuration wins, unless Slack has said that its token is dead.
        if (fingerprint(config->botToken) != row.health.refusedPrint)
            installation.botToken = config->botToken;
        installation.tokenKept
            = !installation.botToken.isEmpty() && fingerprint(config->botToken) == row.health.tokenPrint;
        installation.retriesUnconfirmed = config->onUnconfirmed == u"retry";
        installation.answerers = config->interactionAnswerers;
        installation.allowAlways = config->interactionAllowAlways;
        installation.newConversation = config->feedback.newConversation;
        if (!config->signingSecret.isEmpty())
            installation.signingSecret = config->signingSecret;
    }
    if (installation.botToken.isEmpty() && !row.health.sealedToken.isEmpty()) {
        const auto opened = m_sealer.open(row.health.sealedToken, placeOf(row.id));
        if (opened)
            installation.botToken = *opened;
        else
            *trouble = opened.error().native();
        installation.tokenKept = opened.has_value();
    }
    return installation;
}

std::optional<Secret> InstallationBook::secretFor(const QString &tenant, const QString &app) const
{
    const config::InstallationConfig *config = configuredFor(u"slack"_s, tenant, app);
    if (!config)
        return std::nullopt;
    return config->signingSecret.isEmpty() ? m_config.slack.signingSecret : config->signingSecret;
}

std::optional<Secret> InstallationBook::appTokenFor(const QString &tenant, const QString &app) const
{
    const config::InstallationConfig *config = configuredFor(u"slack"_s, tenant, app);
    if (!config)
        return std::nullopt;
    return config->transport == u"socket" ? config->appToken : Secret();
}

QCoro::Task<Result<Installation>> InstallationBook::forTenant(QString tenant, QString app)
{
    const config::InstallationConfig *config = configuredFor(u"slack"_s, tenant, app);
    if (!config)
        co_return fail(ErrorCode::NotFound, u"no installation is configured for this tenant"_s);
    const store::InstallationRow wanted = rowFrom(*config, tenant);
    const auto known = m_byId.constFind(wanted.id);
    if (known != m_byId.constEnd())
        co_return known.value();
    const auto row = co_await m_store.addTenant(wanted);
    if (!row)
        co_return fail(row.error().context(u"adding a tenant"_s));
    if (!m_byId.contains(row->id)) {
        logInfo(lcGateway, "a new tenant was met", {{"installation", row->id}});
        QString trouble;
        m_byId.insert(row->id, made(*row, &trouble));
    }
    const Installation met = m_byId.value(row->id);
    co_return met;
}

std::optional<Installation> InstallationBook::byId(const QString &id) const
{
    const auto found = m_byId.constFind(id);
    if (found == m_byId.constEnd())
        return std::nullopt;
    return found.value();
}

domain::FeedbackPolicy InstallationBook::feedback(const QString &id, const QString &place) const
{
    const auto found = m_byId.constFind(id);
    const config::InstallationConfig *config = found == m_byId.constEnd()
        ? nullptr
        : configuredFor(found->row.channel, found->row.tenant, found->row.app);
    if (config)
        return feedbackAt(*config, place);
    // What is left of an installation that is not configured any more is handled as the configuration says
    // for all.
    domain::FeedbackPolicy policy;
    policy.reaction = m_config.slack.ackReaction;
    policy.removesReaction = m_config.slack.removeAckAfterReply;
    policy.startingDelay = m_config.recovery.statusMessageDelay;
    return policy;
}

QCoro::Task<> InstallationBook::refresh(QString id, qint64 rev)
{
    const auto known = m_byId.constFind(id);
    if (known == m_byId.constEnd() || known->row.rev < rev)
        co_await read(id);
}

QCoro::Task<> InstallationBook::read(QString id)
{
    const auto row = co_await m_store.installation(id);
    if (!row) {
        logWarning(lcGateway, "an installation could not be read",
            {{"installation", id}, {"code", row.error().native()}});
        co_return;
    }
    QString trouble;
    Installation now = made(*row, &trouble);
    const auto known = m_byId.constFind(id);
    if (known != m_byId.constEnd()) {
        if (known->row.rev > row->rev)
            co_return; // read meanwhile, and later
        // A provider's token that is in use stays so, unless it is the one that is dead.
        const QString print = fingerprint(known->botToken);
        const bool same = print == row->health.tokenPrint || row->health.tokenPrint.isEmpty();
        if (!print.isEmpty() && print != row->health.refusedPrint && same) {
            now.botToken = known->botToken;
            now.tokenKept = known->tokenKept && print == row->health.tokenPrint;
            trouble.clear();
        }
    }
    m_byId.insert(id, now);
    if (!trouble.isEmpty())
        co_await note(id, trouble);
}

QCoro::Task<> InstallationBook::learnToken(QString id, Secret token)
{
    const auto found = m_byId.find(id);
    if (found == m_byId.end() || token.isEmpty() || (found->tokenKept && found->botToken == token))
        co_return;
    if (fingerprint(token) == found->row.health.refusedPrint)
        co_return; // what Slack has said is dead
    found->botToken = token;
    co_await keep(id, token, false);
}

QCoro::Task<> InstallationBook::proveToken(QString id, Secret token, bool posted)
{
    const auto found = m_byId.constFind(id);
    const bool troubled = found != m_byId.constEnd()
        && (found->isRevoked() || !found->tokenKept || domain::isTokenTrouble(found->row.health.trouble));
    if (troubled && found->botToken == token)
        co_await keep(id, token, posted);
}

// Sealed unless it is the configured one, which needs no keeping.
QCoro::Task<> InstallationBook::keep(QString id, Secret token, bool posted)
{
    store::NoteToken note;
    note.installationId = id;
    note.print = fingerprint(token);
    note.posted = posted;
    const auto found = m_byId.find(id);
    const config::InstallationConfig *config
        = configuredFor(found->row.channel, found->row.tenant, found->row.app);
    if (!config || !(config->botToken == token)) {
        const auto sealed = m_sealer.seal(token, placeOf(id));
        if (sealed)
            note.sealed = *sealed;
        else
            logWarning(lcGateway, "a bot token cannot be sealed, so a restart will not know it",
                {{"installation", id}});
    }
    found->tokenKept = true; // whoever learns it meanwhile need not keep it too
    const auto noted = co_await m_store.noteToken(std::move(note));
    const auto now = m_byId.find(id);
    if (!noted) {
        logWarning(lcGateway, "a bot token could not be stored",
            {{"installation", id}, {"code", noted.error().native()}});
        if (now != m_byId.end())
            now->tokenKept = false;
        co_return;
    }
    if (noted->refused && now != m_byId.end() && now->botToken == token) {
        now->botToken = Secret();
        now->tokenKept = false;
    }
    if (!noted->news && !noted->refused)
        co_return;
    if (noted->news)
        logInfo(lcGateway, "a bot token is known",
            {{"installation", id}, {"waited", QString::number(noted->woken)}});
    co_await read(id);
    if (noted->news && m_onToken)
        m_onToken();
}

QCoro::Task<> InstallationBook::learnApp(QString id, QString apiAppId)
{
    const auto found = m_byId.find(id);
    if (found == m_byId.end() || apiAppId.isEmpty() || found->row.health.seenApp == apiAppId)
        co_return;
    found->row.health.seenApp = apiAppId;
    const Status stored = co_await m_store.noteApp(id, apiAppId);
    if (!stored)
        logWarning(lcGateway, "the app of an installation could not be stored",
            {{"installation", id}, {"code", stored.error().native()}});
}

QCoro::Task<> InstallationBook::note(QString id, QString trouble)
{
    const auto found = m_byId.find(id);
    if (found == m_byId.end() || !domain::replacesTrouble(found->row.health.trouble, trouble))
        co_return;
    const QString before = std::exchange(found->row.health.trouble, trouble); // said once
    const auto noted = co_await m_store.noteTrouble(id, trouble);
    if (!noted) {
        if (const auto now = m_byId.find(id); now != m_byId.end() && now->row.health.trouble == trouble)
            now->row.health.trouble = before;
        co_return;
    }
    if (*noted)
        logWarning(lcGateway, "an installation is in trouble", {{"installation", id}, {"trouble", trouble}});
    co_await read(id);
}

QCoro::Task<> InstallationBook::clear(QString id, QString trouble)
{
    const auto found = m_byId.constFind(id);
    if (found == m_byId.constEnd() || found->row.health.trouble != trouble)
        co_return;
    const auto cleared = co_await m_store.clearTrouble(id, trouble);
    if (cleared && *cleared)
        logInfo(lcGateway, "an installation's trouble is over", {{"installation", id}, {"trouble", trouble}});
    if (cleared)
        co_await read(id);
}

QCoro::Task<Result<store::Revoked>> InstallationBook::revoke(store::RevokeInstallation revoke)
{
    const QString id = revoke.installationId;
    if (const auto found = m_byId.constFind(id); found != m_byId.constEnd())
        revoke.print = fingerprint(found->botToken);
    auto revoked = co_await m_store.revoke(std::move(revoke));
    if (!revoked)
        co_return fail(revoked.error());
    co_await read(id); // forgets the token that is dead by now
    co_return revoked;
}

QCoro::Task<> InstallationBook::learnBotUser(QString id, QString botUserId)
{
    const auto found = m_byId.find(id);
    if (found == m_byId.end() || botUserId.isEmpty() || found->row.botUserId == botUserId)
        co_return;
    found->row.botUserId = botUserId;
    const Status stored = co_await m_store.setBotUser(id, botUserId);
    if (!stored)
        logWarning(lcGateway, "the bot user could not be stored",
            {{"installation", id}, {"code", stored.error().native()}});
}

} // namespace signalbox::gateway
