// SPDX-License-Identifier: Apache-2.0
#include "config/coherence.h"

#include "config/endpoint.h"
#include "config/key_table.h"
#include "config/suggest.h"

#include <QSet>

using namespace Qt::StringLiterals;

namespace signalbox::config {
namespace {

QString indexed(const QString &table, qsizetype index)
{
    return u"%1[%2]"_s.arg(table).arg(index);
}

void require(bool isGiven, const QString &table, const QString &key, const QString &why, Findings &findings)
{
    if (!isGiven) {
        findings.addAt(table + u'.' + key, u"%1 has no %2"_s.arg(table, key), why);
    }
}

// A secret that was written but could not be had has its own finding, under the spelling that was used.
void requireSecret(
    bool isGiven, const QString &table, const QString &key, const QString &why, Findings &findings)
{
    require(isGiven || findings.isPlaced(table + u'.' + key), table, key, why, findings);
}

void checkTokens(const QList<TokenConfig> &tokens, const QString &listener, bool isAdmin, Findings &findings)
{
    QSet<QString> names;
    for (qsizetype i = 0; i < tokens.size(); ++i) {
        const TokenConfig &token = tokens[i];
        const QString table = indexed(listener + u".tokens"_s, i);
        require(!token.name.isEmpty(), table, u"name"_s, {}, findings);
        requireSecret(!token.sha256.isEmpty(), table, u"token"_s,
            u"give token_env, token_file or token_sha256"_s, findings);
        require(!isAdmin || !token.role.isEmpty(), table, u"role"_s, u"one of viewer, operator, admin"_s,
            findings);
        if (!token.name.isEmpty() && names.contains(token.name)) {
            findings.addAt(
                table + u".name"_s, u"two tokens of %1 are named \"%2\""_s.arg(listener, token.name));
        }
        names.insert(token.name);
    }
}

void checkAdmin(const ListenerConfig &admin, Findings &findings)
{
    const auto endpoint = parseEndpoint(admin.listen);
    if (endpoint && !endpoint->address.isLoopback() && !admin.allowInsecurePublic) {
        findings.addAt(u"admin.listen"_s,
            u"admin.listen = \"%1\" would serve the operator side to the network without TLS"_s.arg(
                admin.listen),
            u"bind it to 127.0.0.1, or set admin.allow_insecure_public = true behind a proxy that does TLS"_s);
    }
}

void checkListeners(const Config &config, Findings &findings)
{
    const auto ingress = parseEndpoint(config.ingress.listen);
    const auto admin = parseEndpoint(config.admin.listen);
    if (ingress && admin && ingress->port != 0 && ingress->port == admin->port
        && ingress->address == admin->address) {
        findings.addAt(u"admin.listen"_s, u"admin.listen and ingress.listen are the same address"_s);
    }
    checkAdmin(config.admin, findings);
    checkTokens(config.ingress.tokens, u"ingress"_s, false, findings);
    checkTokens(config.admin.tokens, u"admin"_s, true, findings);
}

void checkBackend(const BackendConfig &backend, const QString &table, Findings &findings)
{
    require(!backend.name.isEmpty(), table, u"name"_s, {}, findings);
    require(!backend.kind.isEmpty(), table, u"kind"_s, u"one of spritz, acp"_s, findings);
    if (backend.kind.isEmpty()) {
        return;
    }
    for (const Key<BackendConfig> &key : backendKeys()) {
        if (!key.rule.onlyKind.isEmpty() && key.rule.onlyKind != backend.kind
            && findings.isPlaced(table + u'.' + key.name)) {
            findings.addAt(table + u'.' + key.name,
                u"%1.%2 is for backends of kind %3, and this one is of kind %4"_s.arg(
                    table, key.name, key.rule.onlyKind, backend.kind));
        }
    }
    if (!backend.lifecycleWebhookToken.isEmpty() && backend.lifecycleWebhookUrl.isEmpty()
        && !findings.isPlaced(table + u".lifecycle_webhook_url"_s)) {
        findings.addAt(table + u".lifecycle_webhook_token"_s,
            u"%1 has a lifecycle_webhook_token but no lifecycle_webhook_url"_s.arg(table));
    }
    if (backend.kind == u"spritz"_s) {
        require(!backend.registryUrl.isEmpty(), table, u"registry_url"_s, u"a spritz backend needs it"_s,
            findings);
        require(
            !backend.spritzUrl.isEmpty(), table, u"spritz_url"_s, u"a spritz backend needs it"_s, findings);
    } else {
        const bool hasCommand = !backend.command.isEmpty() && !backend.command.first().isEmpty();
        require(hasCommand, table, u"command"_s,
            u"an acp backend needs it: the program and its arguments, like [\"node\", \"agent.js\"]"_s,
            findings);
    }
}

void checkWebhooks(const QList<WebhookConfig> &webhooks, Findings &findings)
{
    QSet<QString> names;
    for (qsizetype i = 0; i < webhooks.size(); ++i) {
        const WebhookConfig &webhook = webhooks[i];
        const QString table = indexed(u"webhooks"_s, i);
        require(!webhook.name.isEmpty(), table, u"name"_s, {}, findings);
        require(!webhook.url.isEmpty(), table, u"url"_s, {}, findings);
        require(
            !webhook.events.isEmpty(), table, u"events"_s, u"like [\"interaction.answered\"]"_s, findings);
        const bool listed = findings.isPlaced(table + u".secrets"_s);
        if (listed && !webhook.secret.isEmpty()) {
            findings.addAt(table + u".secrets"_s, u"%1 has a secret and secrets"_s.arg(table),
                u"while a secret is being rotated, put both into secrets"_s);
        } else if (!listed || webhook.secrets.isEmpty()) {
            requireSecret(!webhook.secret.isEmpty(), table, u"secret"_s,
                u"calls are signed: give secret_env, secret_file or secrets"_s, findings);
        }
        if (!webhook.name.isEmpty() && names.contains(webhook.name)) {
            findings.addAt(table + u".name"_s, u"two webhooks are named \"%1\""_s.arg(webhook.name));
        }
        names.insert(webhook.name);
    }
}

// Our own channels have no provider: nothing of one can be configured, and callers name a tenant exactly.
void checkOwnChannel(
    const Config &config, const InstallationConfig &installation, const QString &table, Findings &findings)
{
    const auto refuse = [&](const QString &key, const Secret &given) {
        if (!given.isEmpty()) {
            findings.addAt(table + u'.' + key,
                u"%1.%2 is for channel slack, and this one is of channel %3"_s.arg(
                    table, key, installation.channel));
        }
    };
    refuse(u"signing_secret"_s, installation.signingSecret);
    refuse(u"bot_token"_s, installation.botToken);
    refuse(u"app_token"_s, installation.appToken);
    if (installation.transport == u"socket"_s) {
        findings.addAt(table + u".transport"_s,
            u"%1.transport = \"socket\" is for channel slack, and this one is of channel %2"_s.arg(
                table, installation.channel));
    }
    if (installation.tenant == u"*"_s) {
        findings.addAt(
            table + u".tenant"_s, u"%1.tenant = \"*\" is for channel slack: name the tenant"_s.arg(table));
    }
    if (config.ingress.listen.isEmpty()) {
        findings.addAt(table + u".channel"_s,
            u"%1 takes its messages at /v1/sessions but ingress.listen is off"_s.arg(table),
            u"set ingress.listen"_s);
    }
    for (const BackendConfig &backend : config.backends) {
        if (backend.name == installation.backend && backend.kind == u"spritz"_s) {
            findings.addAt(table + u".backend"_s,
                u"%1.backend = \"%2\" is of kind spritz, whose registry knows Slack's channels alone"_s.arg(
                    table, backend.name),
                u"name a backend of kind acp"_s);
        }
    }
}

// Socket Mode (contracts/slack.md §2) needs the app-level token and neither a listener nor a signing secret.
void checkTransport(const InstallationConfig &installation, const QString &table, Findings &findings)
{
    const bool isSocket = installation.transport == u"socket"_s;
    if (isSocket) {
        requireSecret(!installation.appToken.isEmpty(), table, u"app_token"_s,
            u"transport = \"socket\" needs the app-level token: set %1.app_token_env"_s.arg(table), findings);
    } else if (!installation.appToken.isEmpty()) {
        findings.addAt(table + u".app_token"_s,
            u"%1.app_token is for transport = \"socket\", and this one is \"%2\""_s.arg(
                table, installation.transport),
            u"set %1.transport = \"socket\", or leave it out"_s.arg(table));
    }
    if (isSocket && !installation.appToken.isEmpty() && !installation.appToken.reveal().startsWith("xapp-")) {
        findings.addAt(table + u".app_token"_s, u"%1.app_token is no app-level token"_s.arg(table),
            u"those begin with \"xapp-\""_s);
    }
}

void checkInstallation(const Config &config, qsizetype index, Findings &findings)
{
    const InstallationConfig &installation = config.installations[index];
    const QString table = indexed(u"installations"_s, index);
    require(!installation.channel.isEmpty(), table, u"channel"_s, {}, findings);
    require(!installation.tenant.isEmpty(), table, u"tenant"_s, u"\"*\" is any tenant"_s, findings);
    require(
        !installation.backend.isEmpty(), table, u"backend"_s, u"the name of one of [[backends]]"_s, findings);
    if (installation.channel == u"web"_s || installation.channel == u"cli"_s) {
        checkOwnChannel(config, installation, table, findings);
    }
    if (installation.channel == u"slack"_s) {
        checkTransport(installation, table, findings);
    }
    const bool isHttpSlack = installation.channel == u"slack"_s && installation.transport == u"http"_s;
    if (isHttpSlack && installation.signingSecret.isEmpty() && config.slack.signingSecret.isEmpty()
        && !findings.isPlaced(u"slack.signing_secret"_s)
        && !findings.isPlaced(table + u".signing_secret"_s)) {
        findings.addAt(table + u".signing_secret"_s,
            u"%1 takes Slack's requests over http but no signing secret is configured"_s.arg(table),
            u"set slack.signing_secret_env or %1.signing_secret_env"_s.arg(table));
    }
    if (isHttpSlack && config.ingress.listen.isEmpty()) {
        findings.addAt(table + u".transport"_s,
            u"%1 takes Slack's requests over http but ingress.listen is off"_s.arg(table),
            u"set ingress.listen"_s);
    }
    QStringList names;
    for (const BackendConfig &backend : config.backends) {
        names.append(backend.name);
        if (backend.name == installation.backend && backend.kind == u"acp"_s
            && installation.channel == u"slack"_s) {
            requireSecret(!installation.botToken.isEmpty(), table, u"bot_token"_s,
                u"an acp backend has no registry that supplies one: set %1.bot_token_env"_s.arg(table),
                findings);
        }
    }
    if (!installation.backend.isEmpty() && !names.contains(installation.backend)) {
        const QString meant = nearest(installation.backend, names);
        findings.addAt(table + u".backend"_s,
            u"%1.backend = \"%2\" names no backend"_s.arg(table, installation.backend),
            meant.isEmpty() ? QString() : u"did you mean \"%1\"?"_s.arg(meant));
    }
}

void checkUniqueness(const Config &config, Findings &findings)
{
    QSet<QString> names;
    for (qsizetype i = 0; i < config.backends.size(); ++i) {
        const QString &name = config.backends[i].name;
        if (!name.isEmpty() && names.contains(name)) {
            findings.addAt(
                indexed(u"backends"_s, i) + u".name"_s, u"two backends are named \"%1\""_s.arg(name));
        }
        names.insert(name);
    }
    QSet<QStringList> presences;
    for (qsizetype i = 0; i < config.installations.size(); ++i) {
        const InstallationConfig &one = config.installations[i];
        const QStringList presence{one.channel, one.tenant, one.app};
        if (presences.contains(presence)) {
            findings.addAt(indexed(u"installations"_s, i),
                u"two installations have channel \"%1\", tenant \"%2\" and app \"%3\""_s.arg(
                    one.channel, one.tenant, one.app),
                u"tell them apart by app"_s);
        }
        presences.insert(presence);
    }
}

} // namespace

void checkCoherence(const Config &config, Findings &findings)
{
    checkListeners(config, findings);
    checkWebhooks(config.webhooks, findings);
    for (qsizetype i = 0; i < config.backends.size(); ++i) {
        checkBackend(config.backends[i], indexed(u"backends"_s, i), findings);
    }
    for (qsizetype i = 0; i < config.installations.size(); ++i) {
        checkInstallation(config, i, findings);
    }
    checkUniqueness(config, findings);
    if (config.recovery.promptRetryInitial > config.recovery.promptRetryMax) {
        findings.addAt(u"recovery.prompt_retry_initial"_s,
            u"recovery.prompt_retry_initial is longer than recovery.prompt_retry_max"_s);
    }
}

} // namespace signalbox::config
