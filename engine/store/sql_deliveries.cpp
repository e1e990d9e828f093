// SPDX-License-Identifier: Apache-2.0
#include "store/action_records.h"
#include "store/lock_records.h"
#include "store/units.h"

#include <algorithm>
#include <array>

using namespace Qt::StringLiterals;
using signalbox::domain::DeliveryState;

// Claiming: a delivery that may run, together with its session's lock (DESIGN.md step 3).

namespace signalbox::store {

namespace {

// SQLite has one writer and nothing to skip; on PostgreSQL several engines claim side by side. The second
// condition is the partial index's own.
constexpr char kDueSqlite[]
    = "SELECT id, session_id FROM deliveries WHERE state = ? AND state <> 'completed' AND waits_for = ? "
      "AND installation_id = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?";
#define SIGNALBOX_DUE_POSTGRES                                                                               \
    "SELECT id, session_id FROM deliveries WHERE state = ? AND state <> 'completed' AND waits_for = ? "      \
    "AND installation_id = ? AND due_at <= ? ORDER BY due_at, id "
constexpr char kDuePostgres[] = SIGNALBOX_DUE_POSTGRES "LIMIT ? FOR UPDATE SKIP LOCKED";
// Most shares are one. PostgreSQL keeps a plan for a number that it knows, and plans anew each time
// otherwise.
constexpr char kOneDuePostgres[] = SIGNALBOX_DUE_POSTGRES "LIMIT 1 FOR UPDATE SKIP LOCKED";

// From one installation that has such deliveries to the next, by the index that findDue() uses.
#define SIGNALBOX_TENANT_WALK(name, condition)                                                               \
    name " (id) AS (SELECT MIN(installation_id) FROM deliveries WHERE " condition                            \
         " AND state <> 'completed' UNION ALL SELECT (SELECT MIN(d.installation_id) FROM deliveries d "      \
         "WHERE " condition " AND state <> 'completed' AND d.installation_id > " name ".id) FROM " name      \
         " WHERE " name ".id IS NOT NULL)"
#define SIGNALBOX_TENANT_DUE(number, name, condition)                                                        \
    "SELECT " number ", id FROM " name                                                                       \
    " WHERE id IS NOT NULL AND EXISTS (SELECT 1 FROM deliveries d WHERE " condition                          \
    " AND state <> 'completed' AND d.installation_id = " name ".id AND d.due_at <= ?)"
#define SIGNALBOX_AGAIN "state = 'waiting' AND waits_for = 'retry'"
#define SIGNALBOX_FRESH "state = 'pending' AND waits_for = ''"

// The installations of which some are due: of those that were tried before (0), and of the others (1).
constexpr char kTenants[] = "WITH RECURSIVE " SIGNALBOX_TENANT_WALK("again",
    SIGNALBOX_AGAIN) ", " SIGNALBOX_TENANT_WALK("fresh", SIGNALBOX_FRESH) " " SIGNALBOX_TENANT_DUE("0",
    "again", SIGNALBOX_AGAIN) " UNION ALL " SIGNALBOX_TENANT_DUE("1", "fresh", SIGNALBOX_FRESH);

// While something is paused, claims look at what stops each row (DESIGN.md "Configuration against state"): a
// pause of deliveries stops them all, one of the intake those that came since.
#define SIGNALBOX_UNPAUSED_DUE                                                                               \
    "SELECT d.id, d.session_id FROM deliveries d JOIN sessions s ON s.id = d.session_id "                    \
    "WHERE d.state = ? AND d.state <> 'completed' AND d.waits_for = ? AND d.installation_id = ? "            \
    "AND d.due_at <= ? "                                                                                     \
    "AND NOT EXISTS (SELECT 1 FROM pauses p WHERE (p.until_at = 0 OR p.until_at > ?) "                       \
    "AND (p.what = 'delivery' OR (p.what = 'intake' AND d.created_at >= p.since_at AND d.parent_id = '')) "  \
    "AND (p.scope = 'engine' OR (p.scope = 'installation' AND p.id = d.installation_id) "                    \
    "OR (p.scope = 'backend' AND p.id = s.backend))) ORDER BY d.due_at, d.id LIMIT ?"

Result<bool> startRunning(Session &session, const EngineLife &life, ClaimedDelivery &claimed, Instant now)
{
    auto rows = session.query(
        "UPDATE deliveries SET state = 'running', waits_for = '', stage = 'binding', engine_id = ?, "
        "incarnation = ?, fence = ?, claimed_at = ?, attempts = attempts + 1, error_code = '', "
        "error_text = '', updated_at = ?, rev = rev + 1 WHERE id = ? "
        "RETURNING rev, installation_id, place, thread, message_ts, user_id, mentioned, direct, "
        "attempts, "
        "prompt_state, parent_id, not_sent, (SELECT body FROM payloads WHERE payloads.id = deliveries.id)",
        life.id, life.incarnation, claimed.fence, now, now, claimed.id);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return false;
    session.touch("delivery", claimed.id, rows->number(0));
    claimed.installationId = rows->text(1);
    claimed.place = rows->text(2);
    claimed.thread = rows->text(3);
    claimed.messageTs = rows->text(4);
    claimed.user = rows->text(5);
    claimed.mentioned = rows->flag(6);
    claimed.direct = rows->flag(7);
    claimed.attempts = static_cast<int>(rows->number(8));
    claimed.isRetry = !rows->text(10).isEmpty();
    claimed.notSent = static_cast<int>(rows->number(11));
    claimed.promptState = domain::promptState(rows->text(9)).value_or(domain::PromptState::Sending);
    claimed.payload = rows->utf8(12);
    return true;
}

} // namespace

namespace {

// Of what an earlier run of this claim took, what is still held under that fence and was not prompted under
// it: that run's commit had gone through, and nobody works on it yet.
Result<std::vector<ClaimedDelivery>> stillHeld(
    Session &session, const EngineLife &life, const std::vector<ClaimedDelivery> &earlier)
{
    std::vector<ClaimedDelivery> held;
    for (const ClaimedDelivery &delivery : earlier) {
        auto rows = session.query(
            "SELECT 1 FROM deliveries WHERE id = ? AND state = 'running' AND fence = ? AND engine_id = ? "
            "AND incarnation = ? AND (prompt_state = 'none' OR prompt_fence < fence)",
            delivery.id, delivery.fence, life.id, life.incarnation);
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            held.push_back(delivery);
    }
    return held;
}

struct Due
{
    Due(QString inState, QString waitingFor)
        : state(std::move(inState))
        , waitsFor(std::move(waitingFor))
    {
    }
    QString state;
    QString waitsFor;
    QStringList tenants; // that have some
};

// What is looked for: what was tried before goes first; it is older, and there is little of it.
struct Look
{
    Look() = default;
    std::array<Due, 2> kinds{Due(u"waiting"_s, u"retry"_s), Due(u"pending"_s, QString())};
    Instant now;
    bool paused = false; // something is
};

Result<Rows> dueRows(Session &session, const Look &look, const Due &due, const Share &share)
{
    const bool sqlite = session.dialect() == Dialect::Sqlite;
    if (look.paused)
        return session.query(
            sqlite ? SIGNALBOX_UNPAUSED_DUE : SIGNALBOX_UNPAUSED_DUE " FOR UPDATE OF d SKIP LOCKED",
            due.state, due.waitsFor, share.installation, look.now, look.now, share.most);
    if (!sqlite && share.most == 1)
        return session.query(kOneDuePostgres, due.state, due.waitsFor, share.installation, look.now);
    return session.query(sqlite ? kDueSqlite : kDuePostgres, due.state, due.waitsFor, share.installation,
        look.now, share.most);
}

// What may run of one installation, its share at most.
Status findOf(Session &session, const Look &look, const Due &due, const Share &share,
    std::vector<ClaimedDelivery> &found)
{
    auto rows = dueRows(session, look, due, share);
    if (!rows)
        return fail(rows.error());
    while (rows->next()) {
        ClaimedDelivery &delivery = found.emplace_back();
        delivery.id = rows->text(0);
        delivery.sessionId = rows->text(1);
        delivery.installationId = share.installation;
    }
    return {};
}

Status findTenants(Session &session, Look &look)
{
    auto rows = session.query(kTenants, look.now, look.now);
    if (!rows)
        return fail(rows.error());
    while (rows->next())
        look.kinds[static_cast<size_t>(rows->number(0))].tenants << rows->text(1);
    return {};
}

Result<std::vector<ClaimedDelivery>> findDue(Session &session, Look look, int most)
{
    std::vector<ClaimedDelivery> found;
    if (auto some = findTenants(session, look); !some)
        return fail(some.error());
    const auto room = [&] { return most - static_cast<int>(found.size()); };
    for (const Due &due : look.kinds) {
        for (Share &share : fairShares(due.tenants, room(), look.now)) {
            share.most = std::min(room(), share.most);
            if (share.most <= 0)
                break;
            if (auto some = findOf(session, look, due, share, found); !some)
                return fail(some.error());
        }
    }
    return found;
}

} // namespace

Result<std::vector<ClaimedDelivery>> claimDeliveriesUnit(Session &session, const EngineLife &life,
    const ClaimLimits &limits, const std::vector<ClaimedDelivery> &earlier)
{
    int most = limits.most;
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto right = claimRight(session, life);
    if (!right)
        return fail(right.error());
    auto claimed = stillHeld(session, life, earlier);
    if (!claimed || !right->alive || static_cast<int>(claimed->size()) >= most)
        return claimed;
    most -= static_cast<int>(claimed->size());
    Look look;
    look.now = *now;
    look.paused = right->paused;
    auto due = findDue(session, std::move(look), most);
    if (!due)
        return fail(due.error());
    for (ClaimedDelivery &delivery : *due) {
        const auto locked = takeLock(session, life, delivery, *now, limits.lockTtl);
        if (!locked)
            return fail(locked.error());
        if (!*locked) {
            // Somebody holds the session: whoever releases it wakes the next in order.
            auto rows = session.query(
                "UPDATE deliveries SET state = 'waiting', waits_for = 'lock', updated_at = ?, "
                "rev = rev + 1 WHERE id = ? RETURNING rev",
                *now, delivery.id);
            if (!rows)
                return fail(rows.error());
            if (rows->next())
                session.touch("delivery", delivery.id, rows->number(0));
            continue;
        }
        const auto running = startRunning(session, life, delivery, *now);
        if (!running)
            return fail(running.error());
        if (*running)
            claimed->push_back(std::move(delivery));
    }
    return claimed;
}

} // namespace signalbox::store
