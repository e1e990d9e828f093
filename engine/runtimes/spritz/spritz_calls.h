// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/message.h"
#include "runtimes/runtime_backend.h"

#include <QHash>
#include <QUrl>

#include <optional>

namespace signalbox::runtimes::spritz {

// The requests and answers of contracts/spritz-backend.md §4.1 and §5, as pure functions. An id that is
// longer than kMaxIdLength makes an answer a "bad_answer".

// What a registry said about a tenant: the whole of an exchange's answer that outlives the message.
struct TenantFacts
{
    TenantFacts() = default;
    Secret botToken;
    QString botUserId;
    QString apiAppId;
    QHash<QString, bool> requireMention; // by place; the first policy for a place counts
};

[[nodiscard]] QByteArray exchangeBody(const QString &principal, const BindRequest &request);
// What a 200 or a structured 503 tells; nullopt for every other answer.
[[nodiscard]] std::optional<TenantFacts> tenantFacts(const http::Response &response);
// The outcome of §4.1's table. Native codes: "unavailable" (structured 503), "unresolved", "not_resolved",
// "bad_answer", "http_<status>".
[[nodiscard]] Result<Binding> readExchange(const http::Response &response, const QString &place);
void applyFacts(const TenantFacts &facts, const QString &place, Binding &binding);

// The app is gone from a tenant (§3.8). Any 2xx will do, whatever it says; else "http_<status>".
[[nodiscard]] QByteArray disconnectBody(const QString &principal, const QString &tenant);
[[nodiscard]] Status readDisconnect(const http::Response &response);

// Exactly the keys of §5.1, in its order: the server refuses others.
[[nodiscard]] QByteArray upsertBody(
    const QString &principal, const Binding &binding, const OpenRequest &request);
[[nodiscard]] Result<QString> readUpsert(const http::Response &response); // the conversation's name

struct Bootstrapped
{
    Bootstrapped() = default;
    QString sessionId;
    QString cwd;
    bool replaced = false; // the runtime did not know the session any more
};
[[nodiscard]] Result<Bootstrapped> readBootstrap(const http::Response &response);

// §5.1 "gateway classification": "spritz_not_found", "acp_unavailable", else "http_<status>".
[[nodiscard]] Error refusal(const http::Response &response);
// No answer came at all. Native codes: "cancelled", "timeout", "unreachable", "bad_answer".
[[nodiscard]] Error transportError(const Error &error);

// {base}/api/acp/conversations/{name}/{verb}?namespace={ns}, escaped; `socket` for ws and wss.
[[nodiscard]] QUrl conversationUrl(const QUrl &base, const QString &name, const QString &verb,
    const QString &nameSpace, bool socket = false);
[[nodiscard]] QUrl urlUnder(const QUrl &base, const QByteArray &encodedPath);

// The text of a chunk's content (§5.4): a string, an array, an object or anything else.
[[nodiscard]] QString contentText(const Json &content);

} // namespace signalbox::runtimes::spritz
