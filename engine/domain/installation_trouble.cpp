// SPDX-License-Identifier: Apache-2.0
#include "domain/installation_trouble.h"

#include <algorithm>
#include <array>

namespace signalbox::domain {

namespace {

struct Entry
{
    const char16_t *code;
    TroubleKind kind;
    const char16_t *words;
};

using enum TroubleKind;

constexpr std::array kTable{
    Entry{
        kAppMismatch, App, u"The registry answers for another Slack app than the one whose events come in."},
    Entry{kAppUninstalled, Token, u"The app was uninstalled from the workspace. Install it again."},
    Entry{kTokenRevoked, Token, u"The bot token was revoked. Messages wait for a new one."},
    Entry{kTokenMissing, Token, u"No bot token is known. Messages wait for one."},
    Entry{u"invalid_auth", Token, u"Slack does not accept the bot token."},
    Entry{u"not_authed", Token, u"Slack does not accept the bot token."},
    Entry{u"account_inactive", Token, u"The bot's account is deactivated, or its workspace is gone."},
    Entry{u"token_expired", Token, u"The bot token has expired."},
    Entry{u"not_allowed_token_type", Token, u"The token is not a bot token."},
    Entry{
        u"missing_scope", Rights, u"The bot token lacks a scope. Install the app again with all its scopes."},
    Entry{u"no_permission", Rights, u"The bot has no permission for this in the workspace."},
    Entry{u"access_denied", Rights, u"Slack denies the bot access to this."},
    Entry{u"accesslimited", Rights, u"Access to this is limited on the workspace."},
    Entry{u"ekm_access_denied", Rights, u"The workspace's administrators have suspended posting."},
    Entry{u"enterprise_is_restricted", Rights, u"The method cannot be called on this Enterprise Grid."},
    Entry{u"two_factor_setup_required", Rights,
        u"The workspace requires two-factor authentication to be set up."},
    Entry{u"is_bot", Rights, u"The method cannot be called by a bot."},
    Entry{u"team_access_not_granted", Rights, u"The app was not granted access to this workspace."},
    Entry{kSocketDisabled, Socket,
        u"Socket Mode is switched off for the app. Switch it on in the app's settings, then resume the "
        u"intake."},
    Entry{kAppTokenRefused, Socket, u"Slack does not accept the app-level token (app_token)."},
    Entry{kAppTokenWrongType, Socket,
        u"The app token is not an app-level token with the scope connections:write."},
    Entry{kSealedWithAnotherKey, Seal,
        u"The kept bot token was sealed with another key. Every engine needs the same secret_key_file."},
    Entry{kSealedValueDamaged, Seal, u"The kept bot token is damaged and cannot be opened."},
};

const Entry *entryOf(QStringView code)
{
    const auto found = std::find_if(
        kTable.begin(), kTable.end(), [&](const Entry &entry) { return code == QStringView(entry.code); });
    return found == kTable.end() ? nullptr : &*found;
}

} // namespace

std::optional<TroubleKind> troubleKind(QStringView code)
{
    const Entry *entry = entryOf(code);
    return entry ? std::optional(entry->kind) : std::nullopt;
}

QString troubleWords(QStringView code)
{
    const Entry *entry = entryOf(code);
    return entry ? QString::fromUtf16(entry->words) : QString();
}

bool isTokenTrouble(QStringView code)
{
    const Entry *entry = entryOf(code);
    return entry && entry->kind != App && entry->kind != Socket;
}

bool replacesTrouble(QStringView present, QStringView next)
{
    if (present == next || !entryOf(next))
        return false;
    if (present.isEmpty())
        return true;
    // What comes in matters less than what cannot be answered; whoever holds the socket says it again later.
    const bool wasSocket = entryOf(present) && entryOf(present)->kind == Socket;
    if (entryOf(next)->kind == Socket || wasSocket)
        return wasSocket;
    // That nobody has a token follows from every other trouble.
    if (next == QStringView(kTokenMissing) || present == QStringView(kAppUninstalled))
        return false;
    return present != QStringView(kAppMismatch) || next == QStringView(kAppUninstalled);
}

} // namespace signalbox::domain
