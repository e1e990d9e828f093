// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/ids.h"
#include "config/config.h"
#include "gateway/dispatcher.h"
#include "gateway/engine_orders.h"
#include "gateway/outbox.h"
#include "store/store.h"

namespace signalbox::gateway {

// What operators do, carried out: checked, written by the store in one transaction, and then made true in
// this engine — a turn is cancelled, loops are woken (DESIGN.md "Operator actions"). A turn of another engine
// is told by its fence alone. Engine thread.
class OperatorActions
{
public:
    OperatorActions(store::Store &store, const config::Config &config, IdGenerator &ids,
        Dispatcher &dispatcher, Outbox &outbox, EngineOrders &orders);

    // Errors: those of store/action_records.h.
    [[nodiscard]] QCoro::Task<Result<domain::ActionResult>> act(domain::ActionRequest request);
    [[nodiscard]] QCoro::Task<Result<QList<domain::BackendItem>>> backends();

private:
    [[nodiscard]] const config::BackendConfig *backend(const QString &name) const;
    [[nodiscard]] Status checkBackends(const domain::ActionRequest &request) const;
    store::Store &m_store;
    const config::Config &m_config;
    IdGenerator &m_ids;
    Dispatcher &m_dispatcher;
    Outbox &m_outbox;
    EngineOrders &m_orders;
};

} // namespace signalbox::gateway
