// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/secret.h"
#include "config/config.h"
#include "store/store.h"

#include <QHash>

#include <optional>
#include <vector>

namespace signalbox::gateway {

// One installation as the gateway works with it: its row, and what configuration and runtime providers
// supplied.
struct Installation
{
    Installation() = default;
    store::InstallationRow row;
    Secret botToken; // configured, or the last one a provider gave
    Secret signingSecret; // its own, or [slack]'s
    bool retriesUnconfirmed = false; // on_unconfirmed = "retry"
    QString newConversation; // the notice of a session's first turn; empty: none
};

// Whether what a provider says belongs to another app than this installation's (contracts/spritz-backend.md
// §3.9): nothing of it may be learnt or used.
[[nodiscard]] inline bool isForeignApp(const Installation &installation, const QString &apiAppId)
{
    return !installation.row.app.isEmpty() && !apiAppId.isEmpty() && installation.row.app != apiAppId;
}

// Which installation a message belongs to (DESIGN.md "Configuration against state"). Engine thread.
class InstallationBook
{
public:
    InstallationBook(store::Store &store, const config::Config &config);

    // Upserts the configured installations and reads all rows.
    [[nodiscard]] QCoro::Task<Status> load();

    // All distinct signing secrets: a request is authentic if one of them fits.
    [[nodiscard]] const std::vector<Secret> &signingSecrets() const { return m_secrets; }
    // Exact tenant and app first, then the tenant with any app, then "*". A tenant met for the first time
    // through "*" gets its row. NotFound when nothing is configured for it.
    [[nodiscard]] QCoro::Task<Result<Installation>> forTenant(QString tenant, QString app);
    [[nodiscard]] std::optional<Installation> byId(const QString &id) const;

    // What a runtime provider told; kept until the process ends.
    void learnToken(const QString &id, const Secret &token);
    [[nodiscard]] QCoro::Task<> learnBotUser(QString id, QString botUserId);

private:
    [[nodiscard]] const config::InstallationConfig *configuredFor(
        const QString &channel, const QString &tenant, const QString &app) const;
    [[nodiscard]] Installation made(const store::InstallationRow &row) const;
    store::Store &m_store;
    const config::Config &m_config;
    std::vector<Secret> m_secrets;
    QHash<QString, Installation> m_byId;
};

} // namespace signalbox::gateway
