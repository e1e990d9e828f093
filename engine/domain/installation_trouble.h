// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>

#include <optional>

namespace signalbox::domain {

// What an installation can be in trouble with: codes that are stored and shown, Slack's own words where they
// are Slack's (contracts/slack.md §3 "Errors", class A). One table for the engine and for whoever shows them.

// What a trouble concerns, and so what proves that it is over.
enum class TroubleKind {
    App, // the provider speaks for another Slack app: over when it speaks for this one
    Token, // there is no token, or it is dead: over with a new one, or when this one works again
    Rights, // the token may not do something: over with a new one, or with the next message that was posted
    Socket, // nothing comes in by Socket Mode: over when a connection has been greeted
    Seal, // the token that is kept cannot be opened: over when the provider has given it again
};

inline constexpr char16_t kAppMismatch[] = u"app_mismatch";
inline constexpr char16_t kAppUninstalled[] = u"app_uninstalled";
inline constexpr char16_t kTokenRevoked[] = u"token_revoked";
inline constexpr char16_t kTokenMissing[] = u"token_missing";
inline constexpr char16_t kSocketDisabled[] = u"socket_disabled";
inline constexpr char16_t kAppTokenRefused[] = u"app_token_refused";
inline constexpr char16_t kAppTokenWrongType[] = u"app_token_wrong_type";
inline constexpr char16_t kSealedWithAnotherKey[] = u"sealed_with_another_key";
inline constexpr char16_t kSealedValueDamaged[] = u"sealed_value_damaged";

// nullopt: no trouble of an installation.
[[nodiscard]] std::optional<TroubleKind> troubleKind(QStringView code);
// A sentence for operators, in English; empty for what is no trouble.
[[nodiscard]] QString troubleWords(QStringView code);
// Of the bot token or what it may do: a token that works ends it.
[[nodiscard]] bool isTokenTrouble(QStringView code);
// Whether `next` may take the place of `present`: one that says why is not covered by one that does not.
[[nodiscard]] bool replacesTrouble(QStringView present, QStringView next);

} // namespace signalbox::domain
