// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/seal.h"
#include "config/config.h"
#include "domain/feedback.h"
#include "store/store.h"

#include <QHash>

#include <functional>
#include <optional>
#include <vector>

namespace signalbox::gateway {

// One installation as the gateway works with it: its row, and what configuration and runtime providers
// supplied.
struct Installation
{
    Installation() = default;
    store::InstallationRow row;
    Secret botToken; // configured, or the last one a provider gave; never one that Slack said is dead
    bool tokenKept = false; // the store knows of it
    Secret signingSecret; // its own, or [slack]'s
    bool retriesUnconfirmed = false; // on_unconfirmed = "retry"
    QStringList answerers{QStringLiteral("requester")}; // interaction_answerers
    bool allowAlways = false; // interaction_allow_always
    QString newConversation; // the notice of a session's first turn; empty: none

    [[nodiscard]] bool isRevoked() const { return row.state == u"revoked"; }
};

// "slack:T012345", with ":APP" where one is configured; also of a "*" entry itself.
[[nodiscard]] QString installationId(const QString &channel, const QString &tenant, const QString &app);

// Whether what a provider says belongs to another app than this installation's (contracts/spritz-backend.md
// §3.9): nothing of it may be learnt or used. Its app is the configured one, else the one that signs its
// events.
[[nodiscard]] bool isForeignApp(const Installation &installation, const QString &apiAppId);

// Which installation a message belongs to, and what is known of each (DESIGN.md "Configuration against
// state"). What is learnt is stored before it is gone by, with tokens sealed; a store that is away costs only
// that a restart does not know. Engine thread.
class InstallationBook
{
public:
    InstallationBook(store::Store &store, const config::Config &config, Sealer sealer = Sealer());

    // Upserts the configured installations and reads all rows.
    [[nodiscard]] QCoro::Task<Status> load();

    // Which secret a tenant's events must be signed with; none: no installation is configured for it.
    [[nodiscard]] std::optional<Secret> secretFor(const QString &tenant, const QString &app) const;
    // Which app-level token (Socket Mode) a tenant's events must come with; an empty one: none may come so.
    [[nodiscard]] std::optional<Secret> appTokenFor(const QString &tenant, const QString &app) const;
    // All distinct signing secrets: a request is authentic if one of them fits.
    [[nodiscard]] const std::vector<Secret> &signingSecrets() const { return m_secrets; }
    // Exact tenant and app first, then the tenant with any app, then "*". A tenant met for the first time
    // through "*" gets its row. NotFound when nothing is configured for it.
    [[nodiscard]] QCoro::Task<Result<Installation>> forTenant(QString tenant, QString app);
    [[nodiscard]] std::optional<Installation> byId(const QString &id) const;
    // What is said besides the reply in one of its places; the defaults for an unknown installation.
    [[nodiscard]] domain::FeedbackPolicy feedback(const QString &id, const QString &place) const;

    // Reads the row anew unless it is known at this revision: another engine may have learnt something.
    [[nodiscard]] QCoro::Task<> refresh(QString id, qint64 rev);
    // What a runtime provider told.
    [[nodiscard]] QCoro::Task<> learnToken(QString id, Secret token);
    [[nodiscard]] QCoro::Task<> learnBotUser(QString id, QString botUserId);
    // The api_app_id of its signed events.
    [[nodiscard]] QCoro::Task<> learnApp(QString id, QString apiAppId);
    // Slack has accepted this token; `posted`: for a message.
    [[nodiscard]] QCoro::Task<> proveToken(QString id, Secret token, bool posted);
    // It is in trouble (domain/installation_trouble.h), or that one is over.
    [[nodiscard]] QCoro::Task<> note(QString id, QString trouble);
    [[nodiscard]] QCoro::Task<> clear(QString id, QString trouble);
    // Slack says that the app or its token is gone. Answers when that is committed; Unavailable: it is not.
    [[nodiscard]] QCoro::Task<Result<store::Revoked>> revoke(store::RevokeInstallation revoke);

    // Messages that waited for a token may go.
    void onToken(std::function<void()> listener) { m_onToken = std::move(listener); }

private:
    [[nodiscard]] const config::InstallationConfig *configuredFor(
        const QString &channel, const QString &tenant, const QString &app) const;
    [[nodiscard]] Installation made(const store::InstallationRow &row, QString *trouble) const;
    [[nodiscard]] QCoro::Task<> read(QString id);
    [[nodiscard]] QCoro::Task<> keep(QString id, Secret token, bool posted);
    store::Store &m_store;
    const config::Config &m_config;
    Sealer m_sealer;
    std::vector<Secret> m_secrets;
    QHash<QString, Installation> m_byId;
    std::function<void()> m_onToken;
};

} // namespace signalbox::gateway
