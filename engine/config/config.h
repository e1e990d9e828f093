// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "base/secret.h"

#include <QByteArray>
#include <QList>
#include <QMap>
#include <QString>
#include <QStringList>

namespace signalbox::config {

// Effective configuration (INTERFACE.md "Configuration"): an immutable value handed to constructors. Defaults
// stand here and nowhere else. Secrets are resolved (from x, x_env, x_file, x_keychain) and print as ***.

struct EngineConfig
{
    QString id; // empty: made once and kept in data_dir
    QString dataDir; // absolute
    QString database = QStringLiteral("sqlite:signalbox.db"); // or a postgresql:// URL without its password
    Secret databasePassword;
    int databasePool = 4;
    Millis lease{15'000};
    Millis shutdownGrace{10'000};
    int maxConcurrentDeliveries = 2000;
    int maxQueuedIngest = 10'000;
    QString secretKeyFile; // absolute; empty: made once in data_dir
    Millis payloadRetention{std::chrono::hours(24 * 30)};
    Millis deadLetterRetention{std::chrono::hours(24 * 90)};
    Millis historyRetention{std::chrono::hours(24 * 180)};
};

struct TokenConfig
{
    QString name;
    QByteArray sha256; // 32 bytes; the token itself is not kept
    QStringList installations{QStringLiteral("*")};
    QString role; // admin tokens: viewer, operator, admin
    QStringList may;
};

struct ListenerConfig
{
    ListenerConfig() = default;
    explicit ListenerConfig(QString address)
        : listen(std::move(address))
    {
    }
    QString listen; // "host:port"; empty: off (see endpoint.h)
    QString publicUrl;
    qint64 maxBodyBytes = 1024 * 1024;
    bool allowInsecurePublic = false;
    QList<TokenConfig> tokens;
};

struct SlackConfig
{
    Secret signingSecret;
    QString apiBaseUrl = QStringLiteral("https://slack.com/api");
    QString ackReaction = QStringLiteral("eyes");
    bool removeAckAfterReply = true;
};

struct BackendConfig
{
    QString name;
    QString kind; // "spritz" | "acp"
    QString permissions; // "deny" | "ask"; default: deny for spritz, ask for acp
    QString lifecycleWebhookUrl; // where this backend wants lifecycle events; empty: nowhere
    Secret lifecycleWebhookToken;
    // spritz
    QString registryUrl;
    QString registryV2Url; // default: registryUrl
    Secret registryToken;
    QString spritzUrl;
    Secret spritzToken;
    QString principalId = QStringLiteral("shared-slack-gateway");
    // acp
    QStringList command;
    QString workingDirectory; // absolute, or empty: the engine's
    QMap<QString, QString> environment;
    bool sharedState = false;
};

// What people are told besides the reply (contracts/spritz-backend.md §10.6). The texts are the Go gateway's,
// byte for byte (§6.5); Slack's own markup may stand in others.
struct AcknowledgementConfig
{
    QString type = QStringLiteral("reaction"); // reaction | none
    QString reaction; // default: [slack] ack_reaction
    QString scope = QStringLiteral("all"); // all | group-all (no direct messages) | group-mentions
    bool removeAfterReply = true; // default: [slack] remove_ack_after_reply
};

struct StartingConfig
{
    bool enabled = true;
    Millis delay{5000}; // default: [recovery] status_message_delay
    QString message = QStringLiteral("Still waking up. I will continue here shortly.");
};

struct TimeoutConfig
{
    bool enabled = true;
    QString message = QStringLiteral("I could not recover the channel runtime. Please try again.");
};

struct FailureConfig
{
    bool enabled = true;
    QString message = QStringLiteral("I hit an internal error while processing that request.");
};

struct FeedbackConfig
{
    QString place; // of an entry of feedback.places: where it holds; what it does not say is the table's
    QString newConversation; // posted before the first reply of a session; empty: nothing
    AcknowledgementConfig acknowledgement;
    StartingConfig starting;
    TimeoutConfig timeout;
    FailureConfig error;
};

struct InstallationConfig
{
    QString channel; // slack | web | cli
    QString tenant; // "*": any
    QString app;
    Secret signingSecret; // empty: [slack]'s
    QString backend;
    QString transport = QStringLiteral("http"); // http | socket (Socket Mode; slack only)
    Secret botToken;
    Secret appToken; // of transport socket: the app-level one (xapp-)
    bool requireMention = true;
    QString onUnconfirmed = QStringLiteral("operator"); // operator | retry
    // requester | anyone | user ids: who may answer what an agent asks
    QStringList interactionAnswerers{QStringLiteral("requester")};
    bool interactionAllowAlways = false; // "always allow" may be chosen where others can see it
    FeedbackConfig feedback;
    QList<FeedbackConfig> feedbackPlaces;
};

// An outgoing webhook, signed as Standard Webhooks.
struct WebhookConfig
{
    QString name;
    QString url;
    Secret secret;
    QList<Secret> secrets; // instead of the one, while it is being rotated: the newest first
    QStringList events; // "interaction.answered", …
    [[nodiscard]] QList<Secret> allSecrets() const
    {
        return secret.isEmpty() ? secrets : QList<Secret>{secret};
    }
};

struct RecoveryConfig
{
    Millis httpTimeout{15'000};
    Millis deliveryTimeout{120'000};
    Millis sessionRetryInterval{1000};
    Millis statusMessageDelay{5000};
    Millis promptRetryInitial{250};
    Millis promptRetryMax{2000};
    Millis promptRetryTimeout{8000};
};

struct TurnConfig
{
    Millis firstFrameTimeout{60'000};
    Millis idleTimeout{600'000};
    Millis maxDuration{0}; // 0: delivery_timeout for spritz, none for acp
    Millis cancelGrace{10'000};
    Millis adoptionInterval{10'000}; // between two loads that must agree
    Millis adoptionTimeout{60'000}; // then the delivery is unconfirmed
};

struct Config
{
    EngineConfig engine;
    ListenerConfig ingress{QStringLiteral("0.0.0.0:8080")}; // embedded: off
    ListenerConfig admin{QStringLiteral("127.0.0.1:7717")}; // embedded: off
    SlackConfig slack;
    QList<BackendConfig> backends;
    QList<InstallationConfig> installations;
    QList<WebhookConfig> webhooks;
    RecoveryConfig recovery;
    TurnConfig turn;
    Millis lockTtl{180'000};
    Millis dedupeTtl{std::chrono::hours(72)};
    Millis interactionTtl{std::chrono::hours(24)};
    QString logLevel = QStringLiteral("info");
    LogFormat logFormat = LogFormat::Text;
};

} // namespace signalbox::config
