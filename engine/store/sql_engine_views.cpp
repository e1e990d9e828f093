// SPDX-License-Identifier: Apache-2.0
#include "store/units.h"

#include <QSet>

using namespace Qt::StringLiterals;
using signalbox::domain::EngineItem;

namespace signalbox::store {

namespace {

// On SQLite there is one engine, and nothing of it expires by a clock jump or a suspended laptop.
QString stateOf(Dialect dialect, qint64 leaseUntil, Instant now)
{
    if (leaseUntil == kLeaseEnded)
        return u"ended"_s;
    if (leaseUntil == kLeaseReaped)
        return u"lost"_s;
    return dialect == Dialect::Sqlite || fromMs(leaseUntil) > now ? u"live"_s : u"lapsed"_s;
}

} // namespace

Result<QList<EngineItem>> engineItemsUnit(Session &session)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    auto rows = session.query(
        "SELECT e.id, e.incarnation, e.lease_until, e.host, e.pid, e.version, e.config_hash, e.started_at, "
        "e.rev, e.ended_at, "
        "(SELECT COUNT(*) FROM deliveries d WHERE d.engine_id = e.id AND d.incarnation = e.incarnation "
        "AND d.engine_id IS NOT NULL), "
        "(SELECT COUNT(*) FROM outbound_messages o WHERE o.engine_id = e.id AND o.incarnation = "
        "e.incarnation "
        "AND o.engine_id IS NOT NULL) FROM engines e ORDER BY e.id");
    if (!rows)
        return fail(rows.error());
    QList<EngineItem> items;
    QSet<QString> hashes; // of those that live
    while (rows->next()) {
        EngineItem &item = items.emplace_back();
        item.id = rows->text(0);
        item.incarnation = rows->number(1);
        item.state = stateOf(session.dialect(), rows->number(2), *now);
        if (rows->number(2) > 0)
            item.leaseUntil = rows->instant(2);
        item.host = rows->text(3);
        item.pid = rows->number(4);
        item.version = rows->text(5).section(u' ', 0, 0); // behind it stands the mark of its process
        item.configHash = rows->text(6);
        item.startedAt = rows->instant(7);
        item.rev = rows->number(8);
        item.endedAt = rows->instant(9);
        item.deliveries = static_cast<int>(rows->number(10));
        item.outbound = static_cast<int>(rows->number(11));
        item.readAt = *now;
        if (item.state == u"live")
            hashes.insert(item.configHash);
    }
    for (EngineItem &item : items)
        item.configDiffers = item.state == u"live" && hashes.size() > 1;
    return items;
}

} // namespace signalbox::store
