// SPDX-License-Identifier: Apache-2.0
#include "store/action_records.h"
#include "store/units.h"

#include <algorithm>
#include <map>

using namespace Qt::StringLiterals;
using signalbox::domain::OutboundState;

// Claiming outbound rows (DESIGN.md step 6): only the head of a lane, only by the engine that sends for its
// installation, and only what neither a pause nor the channel's rate limit holds back. Refused and dead rows
// block nothing behind them.

namespace signalbox::store {

namespace {

// One engine sends for an installation at a time, so that it alone knows what the channel will take; the next
// one may take over when that one has claimed nothing for so long.
constexpr Millis kSenderLease{10'000};

// From one installation that has something to send, and now, to the next, by the index that heads are found
// by; only those that this engine sends for, or nobody.
constexpr char kTenants[]
    = "WITH RECURSIVE tenant (id) AS (SELECT MIN(installation_id) FROM outbound_messages "
      "WHERE state IN ('pending', 'retry', 'unknown') UNION ALL SELECT (SELECT MIN(o.installation_id) "
      "FROM outbound_messages o WHERE o.state IN ('pending', 'retry', 'unknown') "
      "AND o.installation_id > tenant.id) FROM tenant WHERE tenant.id IS NOT NULL) "
      "SELECT t.id, CASE WHEN s.engine_id = ? AND s.incarnation = ? THEN s.until_at ELSE 0 END FROM tenant t "
      "LEFT JOIN outbound_senders s ON s.installation_id = t.id WHERE t.id IS NOT NULL "
      "AND (s.installation_id IS NULL OR s.until_at <= ? OR (s.engine_id = ? AND s.incarnation = ?)) "
      "AND EXISTS (SELECT 1 FROM outbound_messages d WHERE d.installation_id = t.id "
      "AND d.state IN ('pending', 'retry', 'unknown') AND d.due_at <= ?)";

#define SIGNALBOX_HEADS                                                                                      \
    "SELECT o.id FROM outbound_messages o WHERE o.state IN ('pending', 'retry', 'unknown') "                 \
    "AND o.installation_id = ? AND o.due_at <= ? "                                                           \
    "AND NOT EXISTS (SELECT 1 FROM outbound_messages e WHERE e.lane = o.lane AND e.id < o.id "               \
    "AND e.state IN ('pending', 'retry', 'unknown', 'sending')) "
// While something is paused or held back by the channel, claims look at what stops each row.
#define SIGNALBOX_STOPPED                                                                                    \
    "AND NOT EXISTS (SELECT 1 FROM outbound_holds h WHERE h.installation_id = o.installation_id "            \
    "AND h.op = o.op AND h.until_at > ? AND (h.place = '' OR h.place = o.place)) "                           \
    "AND NOT EXISTS (SELECT 1 FROM pauses p WHERE p.what = 'outbound' "                                      \
    "AND (p.until_at = 0 OR p.until_at > ?) AND (p.scope = 'engine' "                                        \
    "OR (p.scope = 'installation' AND p.id = o.installation_id) OR (p.scope = 'backend' AND p.id = "         \
    "(SELECT s.backend FROM deliveries d JOIN sessions s ON s.id = d.session_id "                            \
    "WHERE d.id = o.delivery_id)))) "
#define SIGNALBOX_IN_ORDER "ORDER BY o.due_at, o.id LIMIT ?"
#define SIGNALBOX_SKIP_LOCKED " FOR UPDATE OF o SKIP LOCKED"
constexpr char kHeadsSqlite[] = SIGNALBOX_HEADS SIGNALBOX_IN_ORDER;
constexpr char kHeadsPostgres[] = SIGNALBOX_HEADS SIGNALBOX_IN_ORDER SIGNALBOX_SKIP_LOCKED;
constexpr char kFreeHeadsSqlite[] = SIGNALBOX_HEADS SIGNALBOX_STOPPED SIGNALBOX_IN_ORDER;
constexpr char kFreeHeadsPostgres[]
    = SIGNALBOX_HEADS SIGNALBOX_STOPPED SIGNALBOX_IN_ORDER SIGNALBOX_SKIP_LOCKED;

Result<bool> claimRow(Session &session, const EngineLife &life, ClaimedOutbound &row, Instant now)
{
    {
        auto before = session.query(
            "SELECT o.state, p.body, i.tenant, i.backend, o.error_code, o.looks, o.resent, i.channel, "
            "i.state, i.rev "
            "FROM outbound_messages o "
            "LEFT JOIN payloads p ON p.id = o.id JOIN installations i ON i.id = o.installation_id "
            "WHERE o.id = ?",
            row.id);
        if (!before)
            return fail(before.error());
        if (!before->next())
            return false;
        row.wasUnknown = before->text(0) == u"unknown";
        row.body = before->utf8(1);
        row.tenant = before->text(2);
        row.backend = before->text(3);
        row.errorCode = before->text(4);
        row.looks = static_cast<int>(before->number(5));
        row.resent = before->flag(6);
        row.channel = before->text(7);
        row.revoked = before->text(8) == u"revoked";
        row.installationRev = before->number(9);
    }
    auto rows = session.query(
        "UPDATE outbound_messages SET state = 'sending', engine_id = ?, incarnation = ?, attempts = attempts "
        "+ 1, "
        "updated_at = ?, rev = rev + 1 WHERE id = ? AND state IN ('pending', 'retry', 'unknown') "
        "RETURNING rev, installation_id, delivery_id, kind, op, place, thread, target_ts, part, parts, "
        "attempts, created_at",
        life.id, life.incarnation, now, row.id);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return false;
    session.touch("outbound", row.id, rows->number(0));
    row.installationId = rows->text(1);
    row.deliveryId = rows->text(2);
    row.kind = domain::outboundKind(rows->text(3)).value_or(domain::OutboundKind::Reply);
    row.op = domain::outboundOp(rows->text(4)).value_or(domain::OutboundOp::Post);
    row.place = rows->text(5);
    row.thread = rows->text(6);
    row.targetTs = rows->text(7);
    row.part = static_cast<int>(rows->number(8));
    row.parts = static_cast<int>(rows->number(9));
    row.attempts = static_cast<int>(rows->number(10));
    row.createdAt = rows->instant(11);
    return true;
}

// Whether a channel wants no posts for a while.
Result<bool> anyHold(Session &session, Instant now)
{
    auto rows = session.query("SELECT 1 FROM outbound_holds WHERE until_at > ? LIMIT 1", now);
    if (!rows)
        return fail(rows.error());
    return rows->next();
}

// True when this engine sends for the installation from now on.
Result<bool> takeSender(Session &session, const EngineLife &life, const QString &installationId, Instant now)
{
    auto rows = session.query(
        "INSERT INTO outbound_senders (installation_id, engine_id, incarnation, until_at) "
        "VALUES (?, ?, ?, ?) ON CONFLICT (installation_id) DO UPDATE SET engine_id = excluded.engine_id, "
        "incarnation = excluded.incarnation, until_at = excluded.until_at "
        "WHERE outbound_senders.until_at <= ? OR (outbound_senders.engine_id = excluded.engine_id "
        "AND outbound_senders.incarnation = excluded.incarnation) RETURNING 1",
        installationId, life.id, life.incarnation, now + kSenderLease, now);
    if (!rows)
        return fail(rows.error());
    return rows->next();
}

// Installations that this engine may send for, each with whether it does so already for a while to come.
Result<std::map<QString, bool>> sendableTenants(Session &session, const EngineLife &life, Instant now)
{
    auto rows = session.query(kTenants, life.id, life.incarnation, now, life.id, life.incarnation, now);
    if (!rows)
        return fail(rows.error());
    std::map<QString, bool> tenants;
    while (rows->next())
        tenants[rows->text(0)] = rows->instant(1) > now + kSenderLease / 2;
    return tenants;
}

struct Look
{
    Instant now;
    bool stopped = false; // something is paused or held back
};

Status headsOf(Session &session, const Look &look, const QString &installation, int most,
    std::vector<ClaimedOutbound> &heads)
{
    const bool sqlite = session.dialect() == Dialect::Sqlite;
    auto rows = look.stopped
        ? session.query(
            sqlite ? kFreeHeadsSqlite : kFreeHeadsPostgres, installation, look.now, look.now, look.now, most)
        : session.query(sqlite ? kHeadsSqlite : kHeadsPostgres, installation, look.now, most);
    if (!rows)
        return fail(rows.error());
    while (rows->next()) {
        ClaimedOutbound &head = heads.emplace_back();
        head.id = rows->text(0);
        head.installationId = installation;
    }
    return {};
}

// The heads of their lanes that may be sent now, of the installations that this engine sends for.
Result<std::vector<ClaimedOutbound>> findHeads(Session &session, const EngineLife &life, int most, Look look)
{
    const Instant now = look.now;
    std::vector<ClaimedOutbound> heads;
    auto mine = sendableTenants(session, life, now);
    if (!mine)
        return fail(mine.error());
    if (mine->empty())
        return heads;
    if (!look.stopped) {
        const auto held = anyHold(session, now);
        if (!held)
            return fail(held.error());
        look.stopped = *held;
    }
    QStringList tenants;
    for (const auto &[tenant, held] : *mine)
        tenants << tenant;
    for (const Share &share : fairShares(tenants, most, now)) {
        const int left = most - static_cast<int>(heads.size());
        if (left <= 0)
            break;
        if (auto some = headsOf(session, look, share.installation, std::min(left, share.most), heads); !some)
            return fail(some.error());
    }
    // In the order of their ids: two engines never wait for each other.
    for (auto &[installation, held] : *mine) {
        const auto isOf
            = [&installation](const ClaimedOutbound &head) { return head.installationId == installation; };
        if (held || std::none_of(heads.begin(), heads.end(), isOf))
            continue;
        const auto taken = takeSender(session, life, installation, now);
        if (!taken)
            return fail(taken.error());
        held = *taken;
    }
    std::erase_if(heads, [&](const ClaimedOutbound &head) { return !(*mine)[head.installationId]; });
    return heads;
}

} // namespace

Result<std::vector<ClaimedOutbound>> claimOutboundUnit(
    Session &session, const EngineLife &life, int most, const std::vector<ClaimedOutbound> &earlier)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto right = claimRight(session, life);
    if (!right)
        return fail(right.error());
    std::vector<ClaimedOutbound> claimed;
    for (const ClaimedOutbound &row : earlier) {
        // An earlier run of this claim took it, and that run's commit had gone through.
        auto rows = session.query(
            "SELECT 1 FROM outbound_messages WHERE id = ? AND state = 'sending' AND engine_id = ? "
            "AND incarnation = ? AND attempts = ?",
            row.id, life.id, life.incarnation, row.attempts);
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            claimed.push_back(row);
    }
    if (!right->alive || static_cast<int>(claimed.size()) >= most)
        return claimed;
    most -= static_cast<int>(claimed.size());
    auto heads = findHeads(session, life, most, Look{*now, right->paused});
    if (!heads)
        return fail(heads.error());
    for (ClaimedOutbound &row : *heads) {
        const auto taken = claimRow(session, life, row, *now);
        if (!taken)
            return fail(taken.error());
        if (*taken)
            claimed.push_back(std::move(row));
    }
    return claimed;
}

} // namespace signalbox::store
