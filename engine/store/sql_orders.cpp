// SPDX-License-Identifier: Apache-2.0
#include "store/order_records.h"

namespace signalbox::store {

Status placeOrder(Session &session, const EngineLife &holder, const EngineOrder &order)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const auto placed = session.run("INSERT INTO engine_orders (kind, subject_id, fence, engine_id, "
                                    "incarnation, created_at) VALUES (?, ?, ?, ?, ?, ?) "
                                    "ON CONFLICT (kind, subject_id, fence) DO NOTHING",
        order.kind, order.subjectId, order.fence, holder.id, holder.incarnation, *now);
    if (!placed)
        return fail(placed.error());
    session.noteOrder();
    return {};
}

Result<std::vector<EngineOrder>> engineOrdersUnit(Session &session, const EngineLife &life, int most)
{
    // What is to stop does not wait behind what cannot be handed over yet.
    auto rows = session.query(
        "SELECT kind, subject_id, fence FROM engine_orders WHERE engine_id = ? "
        "AND incarnation = ? ORDER BY CASE WHEN kind = 'cancel' THEN 0 ELSE 1 END, created_at, "
        "kind, subject_id LIMIT ?",
        life.id, life.incarnation, most);
    if (!rows)
        return fail(rows.error());
    std::vector<EngineOrder> orders;
    while (rows->next()) {
        EngineOrder &order = orders.emplace_back();
        order.kind = rows->text(0);
        order.subjectId = rows->text(1);
        order.fence = rows->number(2);
    }
    return orders;
}

Result<bool> finishOrdersUnit(Session &session, const std::vector<EngineOrder> &orders)
{
    for (const EngineOrder &order : orders) {
        const auto done
            = session.run("DELETE FROM engine_orders WHERE kind = ? AND subject_id = ? AND fence = ?",
                order.kind, order.subjectId, order.fence);
        if (!done)
            return fail(done.error());
    }
    return true;
}

} // namespace signalbox::store
