// SPDX-License-Identifier: Apache-2.0
#include "config/key_table.h"

using namespace Qt::StringLiterals;

namespace signalbox::config {
namespace {

constexpr qint64 kHundredYears = 36'500LL * 86'400'000;

Rule any()
{
    return {};
}

Rule as(Format format)
{
    Rule rule;
    rule.format = format;
    return rule;
}

Rule between(qint64 low, qint64 high)
{
    Rule rule;
    rule.low = low;
    rule.high = high;
    return rule;
}

Rule atLeast(Millis least)
{
    return between(least.count(), kHundredYears);
}

Rule oneOf(const QStringList &values, const QStringList &notYet = {})
{
    Rule rule;
    rule.oneOf = values;
    rule.notYet = notYet;
    return rule;
}

Rule onlyFor(const QString &kind, Rule rule)
{
    rule.onlyKind = kind;
    return rule;
}

Rule mayBeEmpty(Rule rule)
{
    rule.emptyMeansNone = true;
    return rule;
}

Reserved unless(const QString &harmless)
{
    return Reserved{harmless, true, false};
}

constexpr Millis kTick{1};
constexpr Millis kSecond{1000};

} // namespace

const Keys<EngineConfig> &engineKeys()
{
    using C = EngineConfig;
    static const Keys<C> keys{
        {u"id"_s, &C::id, any()},
        {u"data_dir"_s, &C::dataDir, as(Format::AbsolutePath)},
        {u"database"_s, &C::database, as(Format::Database)},
        {u"password"_s, &C::databasePassword, any()},
        {u"database_pool"_s, &C::databasePool, between(1, 256)},
        {u"lease"_s, &C::lease, atLeast(kSecond)},
        {u"shutdown_grace"_s, &C::shutdownGrace, atLeast(Millis(0))},
        {u"max_concurrent_deliveries"_s, &C::maxConcurrentDeliveries, between(1, 1'000'000)},
        {u"max_queued_ingest"_s, &C::maxQueuedIngest, between(1, 10'000'000)},
        {u"secret_key_file"_s, &C::secretKeyFile, as(Format::Path)},
        {u"payload_retention"_s, &C::payloadRetention, atLeast(kSecond)},
        {u"dead_letter_retention"_s, &C::deadLetterRetention, atLeast(kSecond)},
        {u"history_retention"_s, &C::historyRetention, atLeast(kSecond)},
    };
    return keys;
}

const Keys<ListenerConfig> &ingressKeys()
{
    using C = ListenerConfig;
    static const Keys<C> keys{
        {u"listen"_s, &C::listen, as(Format::Listen)},
        {u"public_url"_s, &C::publicUrl, as(Format::HttpUrl)},
        {u"max_body_bytes"_s, &C::maxBodyBytes, between(1024, 1024LL * 1024 * 1024)},
        {u"tls_certificate_file"_s, unless({}), any()},
        {u"tls_key_file"_s, unless({}), any()},
    };
    return keys;
}

const Keys<ListenerConfig> &adminKeys()
{
    using C = ListenerConfig;
    static const Keys<C> keys{
        {u"listen"_s, &C::listen, as(Format::Listen)},
        {u"allow_insecure_public"_s, &C::allowInsecurePublic, any()},
    };
    return keys;
}

const Keys<TokenConfig> &ingressTokenKeys()
{
    using C = TokenConfig;
    static const Keys<C> keys{
        {u"name"_s, &C::name, as(Format::NonEmpty)},
        {u"token"_s, &C::sha256, any()},
        {u"installations"_s, &C::installations, any()},
    };
    return keys;
}

const Keys<TokenConfig> &adminTokenKeys()
{
    using C = TokenConfig;
    static const Keys<C> keys{
        {u"name"_s, &C::name, as(Format::NonEmpty)},
        {u"role"_s, &C::role, oneOf({u"viewer"_s, u"operator"_s, u"admin"_s})},
        {u"may"_s, &C::may, oneOf({u"reveal"_s, u"edit"_s})},
        {u"token"_s, &C::sha256, any()},
        {u"installations"_s, &C::installations, any()},
    };
    return keys;
}

const Keys<SlackConfig> &slackKeys()
{
    using C = SlackConfig;
    static const Keys<C> keys{
        {u"signing_secret"_s, &C::signingSecret, any()},
        {u"api_base_url"_s, &C::apiBaseUrl, as(Format::HttpUrl)},
        {u"ack_reaction"_s, &C::ackReaction, any()},
        {u"remove_ack_after_reply"_s, &C::removeAckAfterReply, any()},
    };
    return keys;
}

const Keys<BackendConfig> &backendKeys()
{
    using C = BackendConfig;
    const QString spritz = u"spritz"_s;
    const QString acp = u"acp"_s;
    static const Keys<C> keys{
        {u"name"_s, &C::name, as(Format::NonEmpty)},
        {u"kind"_s, &C::kind, oneOf({spritz, acp})},
        {u"permissions"_s, &C::permissions, oneOf({u"deny"_s, u"ask"_s})},
        {u"registry_url"_s, &C::registryUrl, onlyFor(spritz, as(Format::HttpUrl))},
        {u"registry_v2_url"_s, &C::registryV2Url, onlyFor(spritz, as(Format::HttpUrl))},
        {u"registry_token"_s, &C::registryToken, onlyFor(spritz, any())},
        {u"spritz_url"_s, &C::spritzUrl, onlyFor(spritz, as(Format::HttpUrl))},
        {u"spritz_token"_s, &C::spritzToken, onlyFor(spritz, any())},
        {u"principal_id"_s, &C::principalId, onlyFor(spritz, as(Format::NonEmpty))},
        {u"command"_s, &C::command, onlyFor(acp, any())},
        {u"working_directory"_s, &C::workingDirectory, onlyFor(acp, as(Format::Path))},
        {u"environment"_s, &C::environment, onlyFor(acp, any())},
        {u"shared_state"_s, &C::sharedState, onlyFor(acp, any())},
        {u"lifecycle_webhook_url"_s, &C::lifecycleWebhookUrl, as(Format::HttpUrl)},
        {u"lifecycle_webhook_token"_s, &C::lifecycleWebhookToken, any()},
    };
    return keys;
}

const Keys<InstallationConfig> &installationKeys()
{
    using C = InstallationConfig;
    static const QStringList later{u"discord"_s, u"teams"_s, u"github"_s, u"email"_s, u"webhook"_s};
    static const Keys<C> keys{
        {u"channel"_s, &C::channel, oneOf({u"slack"_s, u"web"_s, u"cli"_s}, later)},
        {u"tenant"_s, &C::tenant, as(Format::NonEmpty)},
        {u"app"_s, &C::app, any()},
        {u"signing_secret"_s, &C::signingSecret, any()},
        {u"backend"_s, &C::backend, as(Format::NonEmpty)},
        {u"transport"_s, &C::transport, oneOf({u"http"_s, u"socket"_s})},
        {u"bot_token"_s, &C::botToken, any()},
        {u"app_token"_s, &C::appToken, any()},
        {u"require_mention"_s, &C::requireMention, any()},
        {u"interaction_answerers"_s, &C::interactionAnswerers, as(Format::People)},
        {u"interaction_allow_always"_s, &C::interactionAllowAlways, any()},
        {u"on_unconfirmed"_s, &C::onUnconfirmed, oneOf({u"operator"_s, u"retry"_s})},
    };
    return keys;
}

const Keys<FeedbackConfig> &feedbackKeys()
{
    static const Keys<FeedbackConfig> keys{{u"new_conversation"_s, &FeedbackConfig::newConversation, any()}};
    return keys;
}

const Keys<FeedbackConfig> &feedbackPlaceKeys()
{
    static const Keys<FeedbackConfig> keys{{u"place"_s, &FeedbackConfig::place, as(Format::NonEmpty)}};
    return keys;
}

const Keys<AcknowledgementConfig> &acknowledgementKeys()
{
    using C = AcknowledgementConfig;
    static const Keys<C> keys{
        {u"type"_s, &C::type, oneOf({u"reaction"_s, u"none"_s})},
        {u"reaction"_s, &C::reaction, any()},
        {u"scope"_s, &C::scope, oneOf({u"all"_s, u"group-all"_s, u"group-mentions"_s})},
        {u"remove_after_reply"_s, &C::removeAfterReply, any()},
    };
    return keys;
}

const Keys<StartingConfig> &startingKeys()
{
    using C = StartingConfig;
    static const Keys<C> keys{
        {u"enabled"_s, &C::enabled, any()},
        {u"delay"_s, &C::delay, atLeast(Millis(0))},
        {u"message"_s, &C::message, as(Format::NonEmpty)},
    };
    return keys;
}

const Keys<TimeoutConfig> &timeoutKeys()
{
    using C = TimeoutConfig;
    static const Keys<C> keys{
        {u"enabled"_s, &C::enabled, any()}, {u"message"_s, &C::message, as(Format::NonEmpty)}};
    return keys;
}

const Keys<FailureConfig> &failureKeys()
{
    using C = FailureConfig;
    static const Keys<C> keys{
        {u"enabled"_s, &C::enabled, any()}, {u"message"_s, &C::message, as(Format::NonEmpty)}};
    return keys;
}

const Keys<WebhookConfig> &webhookKeys()
{
    using C = WebhookConfig;
    static const Keys<C> keys{
        {u"name"_s, &C::name, as(Format::NonEmpty)},
        {u"url"_s, &C::url, as(Format::HttpUrl)},
        {u"secret"_s, &C::secret, any()},
        {u"secrets"_s, &C::secrets, any()},
        {u"events"_s, &C::events, oneOf({u"interaction.answered"_s}, {u"task.cancel"_s})},
    };
    return keys;
}

const Keys<RecoveryConfig> &recoveryKeys()
{
    using C = RecoveryConfig;
    static const Keys<C> keys{
        {u"http_timeout"_s, &C::httpTimeout, atLeast(kTick)},
        {u"delivery_timeout"_s, &C::deliveryTimeout, atLeast(kTick)},
        {u"session_retry_interval"_s, &C::sessionRetryInterval, atLeast(kTick)},
        {u"status_message_delay"_s, &C::statusMessageDelay, atLeast(Millis(0))},
        {u"prompt_retry_initial"_s, &C::promptRetryInitial, atLeast(kTick)},
        {u"prompt_retry_max"_s, &C::promptRetryMax, atLeast(kTick)},
        {u"prompt_retry_timeout"_s, &C::promptRetryTimeout, atLeast(Millis(0))},
    };
    return keys;
}

const Keys<TurnConfig> &turnKeys()
{
    using C = TurnConfig;
    static const Keys<C> keys{
        {u"first_frame_timeout"_s, &C::firstFrameTimeout, atLeast(kTick)},
        {u"idle_timeout"_s, &C::idleTimeout, atLeast(kTick)},
        {u"max_duration"_s, &C::maxDuration, mayBeEmpty(atLeast(kTick))},
        {u"cancel_grace"_s, &C::cancelGrace, atLeast(Millis(0))},
        {u"adoption_interval"_s, &C::adoptionInterval, atLeast(kTick)},
        {u"adoption_timeout"_s, &C::adoptionTimeout, atLeast(kTick)},
    };
    return keys;
}

const Keys<Config> &locksKeys()
{
    static const Keys<Config> keys{{u"ttl"_s, &Config::lockTtl, atLeast(kSecond)}};
    return keys;
}

const Keys<Config> &interactionsKeys()
{
    static const Keys<Config> keys{{u"ttl"_s, &Config::interactionTtl, atLeast(kSecond)}};
    return keys;
}

const Keys<Config> &dedupeKeys()
{
    static const Keys<Config> keys{{u"ttl"_s, &Config::dedupeTtl, atLeast(kSecond)}};
    return keys;
}

const Keys<Config> &logKeys()
{
    static const Keys<Config> keys{
        {u"level"_s, &Config::logLevel, oneOf({u"debug"_s, u"info"_s, u"warning"_s, u"error"_s})},
        {u"format"_s, &Config::logFormat, oneOf({u"text"_s, u"json"_s})},
    };
    return keys;
}

const QStringList &reservedTables()
{
    static const QStringList tables{u"github"_s, u"email"_s, u"discord"_s, u"teams"_s, u"fanout"_s};
    return tables;
}

const QStringList &allKeys()
{
    static const QStringList names = [] {
        QStringList all;
        const auto add = [&all](const QString &table, const auto &keys) {
            for (const auto &key : keys) {
                all.append(table + u'.' + key.name);
            }
        };
        add(u"engine"_s, engineKeys());
        add(u"ingress"_s, ingressKeys());
        add(u"admin"_s, adminKeys());
        add(u"slack"_s, slackKeys());
        add(u"backends"_s, backendKeys());
        add(u"installations"_s, installationKeys());
        add(u"installations.feedback.acknowledgement"_s, acknowledgementKeys());
        add(u"installations.feedback.status_messages.runtime_starting"_s, startingKeys());
        add(u"webhooks"_s, webhookKeys());
        add(u"recovery"_s, recoveryKeys());
        add(u"turn"_s, turnKeys());
        add(u"log"_s, logKeys());
        return all;
    }();
    return names;
}

QStringList secretSpellings(const QString &name, bool isToken)
{
    QStringList spellings{name, name + u"_env"_s, name + u"_file"_s, name + u"_keychain"_s};
    if (isToken) {
        spellings.append(name + u"_sha256"_s);
    }
    return spellings;
}

} // namespace signalbox::config
