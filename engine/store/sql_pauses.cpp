// SPDX-License-Identifier: Apache-2.0
#include "store/action_records.h"
#include "store/socket_records.h"

#include <algorithm>

using namespace Qt::StringLiterals;
using signalbox::domain::ActionRequest;
using signalbox::domain::ActionResult;
using signalbox::domain::PauseItem;

// What is stopped for a while (DESIGN.md "Configuration against state"). A pause with an end is over by
// itself: nothing has to be written then.

namespace signalbox::store {

namespace {

// Backends stand in the configuration; whoever calls has looked there.
Status installationExists(Session &session, const ActionRequest &request)
{
    if (request.scope != u"installation")
        return {};
    auto rows = session.query("SELECT 1 FROM installations WHERE id = ?", request.id);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::NotFound, u"there is no such installation"_s);
    return {};
}

} // namespace

Result<ActionResult> pauseUnit(Session &session, const ActionOrder &order)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const ActionRequest &request = order.request;
    if (auto there = installationExists(session, request); !there)
        return fail(there.error());
    if (request.until && *request.until <= *now)
        return fail(Error(ErrorCode::InvalidInput, u"until is over already"_s, u"bad_request"_s));
    // A second pause of the same thing keeps its beginning while the first is in force: what it holds back
    // stays held back.
    const auto stored = session.run(
        "INSERT INTO pauses (scope, id, what, who, reason, since_at, until_at) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (scope, id, what) DO UPDATE SET who = excluded.who, reason = excluded.reason, "
        "since_at = CASE WHEN pauses.until_at > 0 AND pauses.until_at <= excluded.since_at "
        "THEN excluded.since_at ELSE pauses.since_at END, until_at = excluded.until_at",
        request.scope, request.id, request.what, request.actor, request.reason, *now,
        request.until.value_or(Instant()));
    if (!stored)
        return fail(stored.error());
    session.touch("pause", request.scope + u'/' + request.id, toMs(*now));
    ActionResult result;
    result.id = request.id;
    result.state = u"paused:"_s + request.what;
    return result;
}

namespace {

constexpr char kSpreadDeliveries[]
    = "UPDATE deliveries SET due_at = ? + held.place * 1000 / ?, updated_at = ?, rev = rev + 1 FROM "
      "(SELECT d.id AS delivery, ROW_NUMBER() OVER (ORDER BY d.due_at, d.id) - 1 AS place FROM deliveries d "
      "JOIN sessions s ON s.id = d.session_id WHERE d.state = 'pending' AND (? = 'engine' "
      "OR (? = 'installation' AND d.installation_id = ?) OR (? = 'backend' AND s.backend = ?))) AS held "
      "WHERE deliveries.id = held.delivery RETURNING id, rev";
constexpr char kSpreadOutbound[]
    = "UPDATE outbound_messages SET due_at = ? + held.place * 1000 / ?, updated_at = ?, rev = rev + 1 FROM "
      "(SELECT o.id AS message, ROW_NUMBER() OVER (ORDER BY o.due_at, o.id) - 1 AS place "
      "FROM outbound_messages o "
      "WHERE o.state IN ('pending', 'retry') AND o.due_at <= ? AND (? = 'engine' "
      "OR (? = 'installation' AND o.installation_id = ?) OR (? = 'backend' AND ? = (SELECT s.backend "
      "FROM deliveries d JOIN sessions s ON s.id = d.session_id WHERE d.id = o.delivery_id)))) AS held "
      "WHERE outbound_messages.id = held.message RETURNING id, rev";

// What a pause has held back becomes due one after the other.
Status spread(Session &session, const ActionRequest &request, Instant now)
{
    if (request.rate <= 0)
        return {};
    const bool posts = request.what == u"outbound";
    const QString &scope = request.scope;
    const QString &id = request.id;
    auto rows = posts
        ? session.query(kSpreadOutbound, now, request.rate, now, now, scope, scope, id, scope, id)
        : session.query(kSpreadDeliveries, now, request.rate, now, scope, scope, id, scope, id);
    if (!rows)
        return fail(rows.error());
    while (rows->next())
        session.touch(posts ? "outbound" : "delivery", rows->text(0), rows->number(1));
    return {};
}

} // namespace

Result<ActionResult> resumeUnit(Session &session, const ActionOrder &order)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const ActionRequest &request = order.request;
    if (auto there = installationExists(session, request); !there)
        return fail(there.error());
    const auto gone = session.run("DELETE FROM pauses WHERE scope = ? AND id = ? AND what = ?", request.scope,
        request.id, request.what);
    if (!gone)
        return fail(gone.error());
    // Who resumes what comes in wants its Socket Mode connection, too, if that has stopped.
    const auto socket = request.scope == u"installation" && request.what == u"intake"
        ? retrySocket(session, request.id)
        : Result<bool>(false);
    if (!socket)
        return fail(socket.error());
    if (*gone == 0 && !*socket)
        return fail(Error(ErrorCode::Conflict, u"it is not paused"_s, u"not_paused"_s));
    session.touch("pause", request.scope + u'/' + request.id, toMs(*now));
    if (auto done = spread(session, request, *now); !done)
        return fail(done.error());
    ActionResult result;
    result.id = request.id;
    result.state = u"resumed:"_s + request.what;
    result.wakes = true;
    result.posts = true;
    return result;
}

Result<QList<PauseItem>> pausesUnit(Session &session)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    auto rows = session.query("SELECT scope, id, what, who, reason, since_at, until_at FROM pauses "
                              "WHERE until_at = 0 OR until_at > ? ORDER BY scope, id, what",
        *now);
    if (!rows)
        return fail(rows.error());
    QList<PauseItem> pauses;
    while (rows->next()) {
        PauseItem &pause = pauses.emplace_back();
        pause.scope = rows->text(0);
        pause.id = rows->text(1);
        pause.what = rows->text(2);
        pause.who = rows->text(3);
        pause.reason = rows->text(4);
        pause.since = rows->instant(5);
        pause.until = rows->instant(6);
    }
    return pauses;
}

Result<QList<domain::InstallationItem>> installationItemsUnit(Session &session)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto pauses = pausesUnit(session);
    if (!pauses)
        return fail(pauses.error());
    auto rows = session.query(
        "SELECT i.id, i.channel, i.tenant, i.app, i.backend, i.state, i.trouble, i.trouble_at, "
        "CASE WHEN i.sealed_token = '' THEN 0 ELSE 1 END, d.created_at, d.attempts, d.error_code, i.rev "
        "FROM installations i LEFT JOIN disconnects d ON d.installation_id = i.id ORDER BY i.id");
    if (!rows)
        return fail(rows.error());
    QList<domain::InstallationItem> items;
    while (rows->next()) {
        domain::InstallationItem &item = items.emplace_back();
        item.id = rows->text(0);
        item.channel = rows->text(1);
        item.tenant = rows->text(2);
        item.app = rows->text(3);
        item.backend = rows->text(4);
        item.state = rows->text(5);
        item.trouble = rows->text(6);
        item.troubleSince = rows->instant(7);
        item.hasToken = rows->flag(8);
        item.disconnectSince = rows->instant(9);
        item.disconnectAttempts = static_cast<int>(rows->number(10));
        item.disconnectError = rows->text(11);
        item.rev = rows->number(12);
        item.readAt = *now;
        std::copy_if(pauses->begin(), pauses->end(), std::back_inserter(item.pauses), [&](const auto &pause) {
            return pause.scope == u"engine" || (pause.scope == u"installation" && pause.id == item.id)
                || (pause.scope == u"backend" && pause.id == item.backend);
        });
    }
    return items;
}

Result<bool> deliveriesPaused(Session &session, const QString &deliveryId)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    auto rows = session.query("SELECT 1 FROM deliveries d JOIN sessions s ON s.id = d.session_id JOIN pauses "
                              "p ON p.what = 'delivery' "
                              "AND (p.until_at = 0 OR p.until_at > ?) AND (p.scope = 'engine' "
                              "OR (p.scope = 'installation' AND p.id = d.installation_id) OR (p.scope = "
                              "'backend' AND p.id = s.backend)) "
                              "WHERE d.id = ? LIMIT 1",
        *now, deliveryId);
    if (!rows)
        return fail(rows.error());
    return rows->next();
}

} // namespace signalbox::store
