// SPDX-License-Identifier: Apache-2.0
#include "domain/installation_trouble.h"
#include "store/units.h"

#include <algorithm>

using namespace Qt::StringLiterals;

// Installations against configuration, and what is learnt of them while they work. What becomes of one whose
// app or token is gone stands in sql_revocations.cpp.

namespace signalbox::store {

namespace {

#define SIGNALBOX_INSTALLATION_SELECT                                                                        \
    "SELECT id, channel, tenant, app, backend, state, require_mention, bot_user_id, trouble, trouble_at, "   \
    "sealed_token, token_print, refused_print, seen_app, rev FROM installations "

InstallationRow installationFrom(const Rows &rows)
{
    InstallationRow row;
    row.id = rows.text(0);
    row.channel = rows.text(1);
    row.tenant = rows.text(2);
    row.app = rows.text(3);
    row.backend = rows.text(4);
    row.state = rows.text(5);
    row.requireMention = rows.flag(6);
    row.botUserId = rows.text(7);
    row.health.trouble = rows.text(8);
    row.health.troubleAt = rows.instant(9);
    row.health.sealedToken = rows.text(10);
    row.health.tokenPrint = rows.text(11);
    row.health.refusedPrint = rows.text(12);
    row.health.seenApp = rows.text(13);
    row.rev = rows.number(14);
    return row;
}

// Configuration wins for its fields; what was learnt since (bot user, revoked) stays.
Status upsertInstallation(Session &session, const InstallationRow &row, Instant now)
{
    auto rows = session.query(
        "INSERT INTO installations (id, channel, tenant, app, backend, state, require_mention, created_at, "
        "updated_at) "
        "VALUES (?, ?, ?, ?, ?, 'active', ?, ?, ?) ON CONFLICT (channel, tenant, app) DO UPDATE SET "
        "backend = excluded.backend, require_mention = excluded.require_mention, "
        "state = CASE WHEN installations.state <> 'absent' THEN installations.state "
        "WHEN installations.trouble = ? THEN 'revoked' ELSE 'active' END, "
        "updated_at = excluded.updated_at, rev = installations.rev + 1 "
        "WHERE installations.backend <> excluded.backend OR installations.require_mention <> "
        "excluded.require_mention "
        "OR installations.state = 'absent' RETURNING id, rev",
        row.id, row.channel, row.tenant, row.app, row.backend, row.requireMention, now, now,
        QString::fromUtf16(domain::kAppUninstalled));
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("installation", rows->text(0), rows->number(1));
    return {};
}

} // namespace

Result<std::vector<InstallationRow>> syncInstallationsUnit(
    Session &session, const std::vector<InstallationRow> &configured)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    for (const InstallationRow &row : configured) {
        if (auto done = upsertInstallation(session, row, *now); !done)
            return fail(done.error());
    }
    std::vector<InstallationRow> all;
    {
        auto rows = session.query(SIGNALBOX_INSTALLATION_SELECT "ORDER BY channel, tenant, app");
        if (!rows)
            return fail(rows.error());
        while (rows->next())
            all.push_back(installationFrom(*rows));
    }
    for (InstallationRow &row : all) {
        const bool present
            = std::any_of(configured.begin(), configured.end(), [&](const InstallationRow &wanted) {
                  return wanted.channel == row.channel
                      && (wanted.tenant == row.tenant || wanted.tenant == u"*") && wanted.app == row.app;
              });
        // A tenant of a "*" entry comes back with it. Whether its app is gone stays in its trouble.
        const bool back = present && row.state == u"absent";
        if (!back && (present || row.state == u"absent"))
            continue;
        const QString state = !back                                             ? u"absent"_s
            : row.health.trouble == QString::fromUtf16(domain::kAppUninstalled) ? u"revoked"_s
                                                                                : u"active"_s;
        auto marked = session.query(
            "UPDATE installations SET state = ?, updated_at = ?, rev = rev + 1 WHERE id = ? RETURNING rev",
            state, *now, row.id);
        if (!marked)
            return fail(marked.error());
        if (marked->next())
            session.touch("installation", row.id, marked->number(0));
        row.state = state;
    }
    return all;
}

Result<InstallationRow> addTenantUnit(Session &session, const InstallationRow &wanted)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    if (auto done = upsertInstallation(session, wanted, *now); !done)
        return fail(done.error());
    auto rows = session.query(SIGNALBOX_INSTALLATION_SELECT "WHERE channel = ? AND tenant = ? AND app = ?",
        wanted.channel, wanted.tenant, wanted.app);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::Internal, u"the installation row is missing"_s);
    return installationFrom(*rows);
}

Result<bool> setBotUserUnit(Session &session, const QString &installationId, const QString &botUserId)
{
    auto rows = session.query("UPDATE installations SET bot_user_id = ?, rev = rev + 1 WHERE id = ? AND "
                              "bot_user_id <> ? RETURNING rev",
        botUserId, installationId, botUserId);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("installation", installationId, rows->number(0));
    return true;
}

Result<InstallationRow> installationUnit(Session &session, const QString &id)
{
    auto rows = session.query(SIGNALBOX_INSTALLATION_SELECT "WHERE id = ?", id);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::NotFound, u"there is no such installation"_s);
    return installationFrom(*rows);
}

Result<bool> noteAppUnit(Session &session, const QString &installationId, const QString &apiAppId)
{
    auto rows = session.query("UPDATE installations SET seen_app = ?, rev = rev + 1 WHERE id = ? AND "
                              "seen_app <> ? RETURNING rev",
        apiAppId, installationId, apiAppId);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("installation", installationId, rows->number(0));
    return true;
}

namespace {

// As it stands, with its row locked until the commit; rows that refer to it can be inserted meanwhile.
Result<InstallationRow> lockInstallation(Session &session, const QString &id)
{
    auto rows = session.query(session.dialect() == Dialect::Sqlite
            ? SIGNALBOX_INSTALLATION_SELECT "WHERE id = ?"
            : SIGNALBOX_INSTALLATION_SELECT "WHERE id = ? FOR NO KEY UPDATE",
        id);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::NotFound, u"there is no such installation"_s);
    return installationFrom(*rows);
}

Status writeTrouble(Session &session, const QString &id, const QString &code, Instant now)
{
    auto rows = session.query("UPDATE installations SET trouble = ?, trouble_at = ?, updated_at = ?, rev = "
                              "rev + 1 WHERE id = ? RETURNING rev",
        code, code.isEmpty() ? Instant() : now, now, id);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("installation", id, rows->number(0));
    return {};
}

// What waits for its next try goes at once, but for what Slack itself has put off.
Result<int> wakeOutbound(Session &session, const QString &installationId, Instant now)
{
    auto rows = session.query(
        "UPDATE outbound_messages SET due_at = ?, updated_at = ?, rev = rev + 1 WHERE installation_id = ? "
        "AND state IN ('pending', 'retry', 'unknown') AND state = 'retry' AND due_at > ? "
        "AND error_code NOT IN ('ratelimited', 'rate_limited', 'paced', 'held_back') RETURNING id, rev",
        now, now, installationId, now);
    if (!rows)
        return fail(rows.error());
    int woken = 0;
    while (rows->next()) {
        session.touch("outbound", rows->text(0), rows->number(1));
        ++woken;
    }
    return woken;
}

// Whether a token that is new (or has proved itself) ends this trouble.
bool endsTrouble(const QString &trouble, bool isNew, bool posted)
{
    const auto kind = domain::troubleKind(trouble);
    if (!kind || !domain::isTokenTrouble(trouble))
        return false;
    return *kind != domain::TroubleKind::Rights || isNew || posted;
}

} // namespace

Result<bool> noteTroubleUnit(Session &session, const QString &installationId, const QString &code)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto row = lockInstallation(session, installationId);
    if (!row)
        return fail(row.error());
    if (!domain::replacesTrouble(row->health.trouble, code))
        return false;
    if (auto written = writeTrouble(session, installationId, code, *now); !written)
        return fail(written.error());
    return true;
}

Result<bool> clearTroubleUnit(Session &session, const QString &installationId, const QString &code)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto row = lockInstallation(session, installationId);
    if (!row)
        return fail(row.error());
    if (code.isEmpty() || row->health.trouble != code)
        return false;
    if (auto written = writeTrouble(session, installationId, QString(u""_s), *now); !written)
        return fail(written.error());
    return true;
}

Result<TokenNoted> noteTokenUnit(Session &session, const NoteToken &note)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto row = lockInstallation(session, note.installationId);
    if (!row)
        return fail(row.error());
    TokenNoted noted;
    noted.refused = row->health.refusedPrint == note.print;
    if (noted.refused)
        return noted;
    const bool isNew = row->health.tokenPrint != note.print;
    const bool ends = endsTrouble(row->health.trouble, isNew, note.posted);
    const bool back = row->state == u"revoked";
    // A token is sealed anew when the one that is kept cannot be opened.
    if (!isNew && !ends && !back)
        return noted;
    noted.news = true;
    auto rows = session.query(
        "UPDATE installations SET sealed_token = ?, token_print = ?, token_at = CASE WHEN ? = 1 THEN ? ELSE "
        "token_at END, state = CASE WHEN state = 'revoked' THEN 'active' ELSE state END, trouble = ?, "
        "trouble_at = ?, updated_at = ?, rev = rev + 1 WHERE id = ? RETURNING rev",
        note.sealed, note.print, isNew, *now, ends ? QString(u""_s) : row->health.trouble,
        ends ? Instant() : row->health.troubleAt, *now, note.installationId);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("installation", note.installationId, rows->number(0));
    if (back) {
        // Its registry must not be told any more: it has the new installation by now.
        const auto gone
            = session.run("DELETE FROM disconnects WHERE installation_id = ?", note.installationId);
        if (!gone)
            return fail(gone.error());
    }
    const auto woken = wakeOutbound(session, note.installationId, *now);
    if (!woken)
        return fail(woken.error());
    noted.woken = *woken;
    return noted;
}

} // namespace signalbox::store
