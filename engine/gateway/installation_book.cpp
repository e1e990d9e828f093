// SPDX-License-Identifier: Apache-2.0
#include "gateway/installation_book.h"

#include "base/log.h"

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcGateway, "signalbox.engine.gateway")

QString installationId(const QString &channel, const QString &tenant, const QString &app)
{
    return app.isEmpty() ? channel + u':' + tenant : channel + u':' + tenant + u':' + app;
}

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

} // namespace

InstallationBook::InstallationBook(store::Store &store, const config::Config &config)
    : m_store(store)
    , m_config(config)
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
    for (const store::InstallationRow &row : *rows)
        m_byId.insert(row.id, made(row));
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

Installation InstallationBook::made(const store::InstallationRow &row) const
{
    Installation installation;
    installation.row = row;
    installation.signingSecret = m_config.slack.signingSecret;
    if (const auto *config = configuredFor(row.channel, row.tenant, row.app)) {
        installation.botToken = config->botToken;
        installation.retriesUnconfirmed = config->onUnconfirmed == u"retry";
        installation.newConversation = config->newConversation;
        if (!config->signingSecret.isEmpty())
            installation.signingSecret = config->signingSecret;
    }
    return installation;
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
        m_byId.insert(row->id, made(*row));
    }
    co_return m_byId.value(row->id);
}

std::optional<Installation> InstallationBook::byId(const QString &id) const
{
    const auto found = m_byId.constFind(id);
    if (found == m_byId.constEnd())
        return std::nullopt;
    return found.value();
}

void InstallationBook::learnToken(const QString &id, const Secret &token)
{
    const auto found = m_byId.find(id);
    if (found != m_byId.end() && !token.isEmpty())
        found->botToken = token;
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
