// SPDX-License-Identifier: Apache-2.0
#include "domain/installation_trouble.h"
#include "store/interaction_rows.h"
#include "store/lock_records.h"
#include "store/units.h"

#include <QHash>
#include <QSet>

using namespace Qt::StringLiterals;

// What becomes of an installation whose app or token Slack says is gone, and of everything that waits for it;
// the registries that are still to be told (contracts/spritz-backend.md §3.8).

namespace signalbox::store {

namespace {

// An event about an earlier token may come late, after a new one was learnt. The difference is what two
// clocks may differ by.
constexpr Millis kClocksDiffer{60'000};
// Slack says it at once; what comes later is a repetition, and the app may be installed again by then.
constexpr Millis kComesLate{30'000};

// True the first time.
Result<bool> fileEvent(Session &session, const RevokeInstallation &revoke, Instant now)
{
    if (revoke.eventKey.isEmpty())
        return true;
    const auto filed
        = session.run("INSERT INTO inbound_keys (key, delivery_id, expires_at) VALUES (?, '', ?) "
                      "ON CONFLICT (key) DO NOTHING",
            revoke.eventKey, now + revoke.keyTtl);
    if (!filed)
        return fail(filed.error());
    return *filed == 1;
}

Result<bool> isLate(Session &session, const RevokeInstallation &revoke, Instant now)
{
    auto rows = session.query(session.dialect() == Dialect::Sqlite
            ? "SELECT token_at FROM installations WHERE id = ?"
            : "SELECT token_at FROM installations WHERE id = ? FOR NO KEY UPDATE",
        revoke.installationId);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::NotFound, u"there is no such installation"_s);
    if (isNever(revoke.eventAt))
        return false;
    const bool repeated = now - revoke.eventAt > kComesLate;
    return rows->instant(0) > (repeated ? revoke.eventAt - kClocksDiffer : revoke.eventAt + kClocksDiffer);
}

// An app that is gone takes its token with it: forgotten, and never used again. That tokens were revoked
// names users and no tokens: ours may be a newer one, so that is only noted, and the next call finds out.
// True when it was news.
Result<bool> noteGone(Session &session, const RevokeInstallation &revoke, Instant now)
{
    auto rows = revoke.uninstalled
        ? session.query("UPDATE installations SET refused_print = CASE WHEN ? <> '' THEN ? WHEN token_print "
                        "<> '' THEN token_print ELSE refused_print END, sealed_token = '', token_print = '', "
                        "trouble_at = CASE WHEN trouble = ? THEN trouble_at ELSE ? END, trouble = ?, "
                        "state = 'revoked', updated_at = ?, rev = rev + 1 WHERE id = ? "
                        "AND NOT (state = 'revoked' AND sealed_token = '') RETURNING rev",
            revoke.print, revoke.print, QString::fromUtf16(domain::kAppUninstalled), now,
            QString::fromUtf16(domain::kAppUninstalled), now, revoke.installationId)
        : session.query("UPDATE installations SET trouble = ?, trouble_at = ?, updated_at = ?, rev = rev + 1 "
                        "WHERE id = ? AND state <> 'revoked' AND trouble <> ? RETURNING rev",
            QString::fromUtf16(domain::kTokenRevoked), now, now, revoke.installationId,
            QString::fromUtf16(domain::kTokenRevoked));
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return false;
    session.touch("installation", revoke.installationId, rows->number(0));
    return true;
}

// Nobody can answer any more where the app is gone; whoever asked is told at once.
Status endInteractions(Session &session, const QString &installationId, Instant now)
{
    QStringList ids;
    {
        auto rows = session.query(
            "SELECT id FROM interactions WHERE installation_id = ? AND resolved_at = 0 ORDER BY id",
            installationId);
        if (!rows)
            return fail(rows.error());
        while (rows->next())
            ids << rows->text(0);
    }
    for (const QString &id : ids) {
        const auto kept = readInteraction(session, id);
        if (!kept)
            return fail(kept.error());
        if (!*kept)
            continue;
        if (auto locked = lockDelivery(session, (*kept)->deliveryId); !locked)
            return locked;
        const auto closed = closeInteraction(session, **kept, domain::InteractionState::Cancelled,
            QString::fromUtf16(domain::kAppUninstalled), now);
        if (!closed)
            return fail(closed.error());
    }
    return {};
}

// What is not sent yet never will be: replies and notices are dead, the rest is of no use any more.
Result<int> endOutbound(Session &session, const QString &installationId, Instant now)
{
    const QString code = QString::fromUtf16(domain::kAppUninstalled);
    QSet<QString> replied;
    int ended = 0;
    {
        auto rows = session.query(
            "UPDATE outbound_messages SET state = CASE WHEN kind IN ('reply', 'notice') THEN 'dead' ELSE "
            "'cancelled' END, maybe_doubled = CASE WHEN state = 'unknown' THEN 1 ELSE maybe_doubled END, "
            "error_code = ?, updated_at = ?, rev = rev + 1 WHERE installation_id = ? "
            "AND state IN ('pending', 'retry', 'unknown') RETURNING id, rev, delivery_id, kind",
            code, now, installationId);
        if (!rows)
            return fail(rows.error());
        while (rows->next()) {
            session.touch("outbound", rows->text(0), rows->number(1));
            if (rows->text(3) == u"reply")
                replied.insert(rows->text(2));
            ++ended;
        }
    }
    for (const QString &deliveryId : replied) {
        if (auto settled = settleDelivery(session, deliveryId, code, false, QString()); !settled)
            return fail(settled.error());
    }
    return ended;
}

// What nobody works at ends; a turn that runs ends by itself. One whose prompt may have left keeps that.
Result<int> endDeliveries(Session &session, const QString &installationId, Instant now)
{
    QHash<QString, bool> sessions; // whether a turn of it may still run
    int ended = 0;
    {
        auto rows = session.query(
            "UPDATE deliveries SET state = CASE WHEN prompt_state = 'none' THEN 'dead' ELSE 'unconfirmed' "
            "END, waits_for = '', blocks = 0, stage = '', error_code = ?, error_text = ?, finished_at = ?, "
            "updated_at = ?, rev = rev + 1 WHERE installation_id = ? AND engine_id IS NULL "
            "AND (state = 'pending' OR (state = 'waiting' AND waits_for <> 'outbound')) "
            "AND state <> 'completed' RETURNING id, rev, session_id, prompt_state",
            QString::fromUtf16(domain::kAppUninstalled),
            u"the app was uninstalled while this message waited, and no notice can be posted"_s, now, now,
            installationId);
        if (!rows)
            return fail(rows.error());
        while (rows->next()) {
            session.touch("delivery", rows->text(0), rows->number(1));
            bool &unsettled = sessions[rows->text(2)];
            unsettled = unsettled || rows->text(3) != u"none";
            ++ended;
        }
    }
    for (auto it = sessions.constBegin(); it != sessions.constEnd(); ++it) {
        {
            auto rows = session.query(
                "UPDATE sessions SET unsettled = CASE WHEN ? = 1 THEN 1 ELSE unsettled END, updated_at = ?, "
                "rev = rev + 1 WHERE id = ? RETURNING rev",
                it.value(), now, it.key());
            if (!rows)
                return fail(rows.error());
            if (rows->next())
                session.touch("session", it.key(), rows->number(0));
        }
        // A message that was stored meanwhile saw the queue as it was before, and waits for somebody's
        // release.
        if (auto woken = releaseSession(session, it.key(), QString(u""_s)); !woken)
            return fail(woken.error());
    }
    return ended;
}

Status queueDisconnect(Session &session, const RevokeInstallation &revoke, Instant now)
{
    if (revoke.disconnect.isEmpty())
        return {};
    const auto queued = session.run(
        "INSERT INTO disconnects (installation_id, backend, due_at, created_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (installation_id) DO NOTHING",
        revoke.installationId, revoke.disconnect, now, now);
    if (!queued)
        return fail(queued.error());
    return {};
}

} // namespace

Result<Revoked> revokeUnit(Session &session, const RevokeInstallation &revoke)
{
    Revoked revoked;
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto first = fileEvent(session, revoke, *now);
    if (!first)
        return fail(first.error());
    if (!*first)
        return revoked;
    const auto late = isLate(session, revoke, *now);
    if (!late)
        return fail(late.error());
    if (*late)
        return revoked;
    const auto forgotten = noteGone(session, revoke, *now);
    if (!forgotten)
        return fail(forgotten.error());
    revoked.news = *forgotten;
    // Also when it is no news here: the registry may have had it again meanwhile.
    if (revoke.uninstalled) {
        if (auto queued = queueDisconnect(session, revoke, *now); !queued)
            return fail(queued.error());
    }
    if (!revoke.uninstalled || !revoked.news)
        return revoked;
    if (auto closed = endInteractions(session, revoke.installationId, *now); !closed)
        return fail(closed.error());
    const auto outbound = endOutbound(session, revoke.installationId, *now);
    if (!outbound)
        return fail(outbound.error());
    revoked.outbound = *outbound;
    const auto deliveries = endDeliveries(session, revoke.installationId, *now);
    if (!deliveries)
        return fail(deliveries.error());
    revoked.deliveries = *deliveries;
    return revoked;
}

Result<std::vector<ClaimedDisconnect>> claimDisconnectsUnit(Session &session, int most, Millis patience)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    std::vector<ClaimedDisconnect> claimed;
    {
        auto rows = session.query(session.dialect() == Dialect::Sqlite
                ? "SELECT d.installation_id, d.backend, i.tenant, d.attempts FROM disconnects d "
                  "JOIN installations i ON i.id = d.installation_id WHERE d.due_at <= ? "
                  "ORDER BY d.due_at, d.installation_id LIMIT ?"
                : "SELECT d.installation_id, d.backend, i.tenant, d.attempts FROM disconnects d "
                  "JOIN installations i ON i.id = d.installation_id WHERE d.due_at <= ? "
                  "ORDER BY d.due_at, d.installation_id LIMIT ? FOR UPDATE OF d SKIP LOCKED",
            *now, most);
        if (!rows)
            return fail(rows.error());
        while (rows->next()) {
            ClaimedDisconnect &row = claimed.emplace_back();
            row.installationId = rows->text(0);
            row.backend = rows->text(1);
            row.tenant = rows->text(2);
            row.attempts = static_cast<int>(rows->number(3)) + 1;
        }
    }
    for (const ClaimedDisconnect &row : claimed) {
        // Telling a registry twice does no harm, so a claim is only a time until which the others leave it
        // alone.
        const auto taken
            = session.run("UPDATE disconnects SET attempts = ?, due_at = ? WHERE installation_id = ?",
                row.attempts, *now + patience, row.installationId);
        if (!taken)
            return fail(taken.error());
    }
    return claimed;
}

Result<bool> finishDisconnectUnit(Session &session, const FinishDisconnect &finish)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto written = finish.done
        ? session.run("DELETE FROM disconnects WHERE installation_id = ? AND attempts = ?",
            finish.installationId, finish.attempts)
        : session.run("UPDATE disconnects SET error_code = ?, due_at = ? WHERE installation_id = ? AND "
                      "attempts = ?",
            finish.errorCode, *now + finish.dueIn, finish.installationId, finish.attempts);
    if (!written)
        return fail(written.error());
    if (*written == 0)
        return true; // installed again meanwhile, or another try is under way
    auto rows = session.query(
        "UPDATE installations SET rev = rev + 1 WHERE id = ? RETURNING rev", finish.installationId);
    if (!rows)
        return fail(rows.error());
    if (rows->next())
        session.touch("installation", finish.installationId, rows->number(0));
    return true;
}

} // namespace signalbox::store
