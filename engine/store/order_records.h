// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/records.h"
#include "store/session.h"

namespace signalbox::store {

// What must happen where a turn or a connection lives (contracts/interactions.md §4): table state, written in
// the transaction of what it follows from, and picked up at once by the engine that holds the turn. An order
// may be carried out twice, never not at all while that life goes on; with the life it is gone.
struct EngineOrder
{
    EngineOrder() = default;
    QString kind; // cancel: stop a delivery's turn | answer: an interaction has been resolved
    QString subjectId; // a delivery | an interaction
    qint64 fence = 0; // of the delivery's hold
};

// sql_orders.cpp
// For the life that holds it; the session tells other engines after the commit.
[[nodiscard]] Status placeOrder(Session &session, const EngineLife &holder, const EngineOrder &order);
[[nodiscard]] Result<std::vector<EngineOrder>> engineOrdersUnit(
    Session &session, const EngineLife &life, int most);
[[nodiscard]] Result<bool> finishOrdersUnit(Session &session, const std::vector<EngineOrder> &orders);

} // namespace signalbox::store
