// SPDX-License-Identifier: Apache-2.0
#include "domain/slack_errors.h"

#include <algorithm>
#include <array>

namespace signalbox::domain {

namespace {

struct Entry
{
    const char16_t *error;
    SlackErrorClass meaning;
    const char16_t *method = nullptr; // nullptr: any
};

using enum SlackErrorClass;

// Codes that are not listed are permanent, so only the other classes stand here.
constexpr std::array kTable{
    Entry{u"account_inactive", Authorisation},
    Entry{u"token_revoked", Authorisation},
    Entry{u"token_expired", Authorisation},
    Entry{u"not_authed", Authorisation},
    Entry{u"invalid_auth", Authorisation},
    Entry{u"missing_scope", Authorisation},
    Entry{u"not_allowed_token_type", Authorisation},
    Entry{u"no_permission", Authorisation},
    Entry{u"access_denied", Authorisation},
    Entry{u"accesslimited", Authorisation},
    Entry{u"ekm_access_denied", Authorisation},
    Entry{u"enterprise_is_restricted", Authorisation},
    Entry{u"two_factor_setup_required", Authorisation},
    Entry{u"is_bot", Authorisation},
    Entry{u"team_access_not_granted", Authorisation},
    Entry{u"org_login_required", Transient},
    Entry{u"team_added_to_org", Transient},
    Entry{u"ratelimited", Transient},
    Entry{u"rate_limited", Transient},
    Entry{u"service_unavailable", Transient},
    Entry{u"request_timeout", Transient},
    Entry{u"message_limit_exceeded", Transient},
    Entry{u"external_channel_migrating", Transient},
    Entry{u"update_failed", Transient},
    Entry{u"internal_error", Unknown},
    Entry{u"fatal_error", Unknown},
    Entry{u"already_reacted", NoOp, u"reactions.add"},
    Entry{u"no_reaction", NoOp, u"reactions.remove"},
    Entry{u"message_not_found", NoOp, u"chat.delete"},
};

} // namespace

SlackErrorClass classifySlackError(QStringView method, QStringView error)
{
    const auto fits = [&](const Entry &entry) {
        return error == QStringView(entry.error) && (!entry.method || method == QStringView(entry.method));
    };
    const auto found = std::find_if(kTable.begin(), kTable.end(), fits);
    return found == kTable.end() ? Permanent : found->meaning;
}

} // namespace signalbox::domain
