// SPDX-License-Identifier: Apache-2.0
#include "gateway/operator_actions.h"

#include "base/log.h"

#include <algorithm>

using namespace Qt::StringLiterals;
using signalbox::domain::Act;
using signalbox::domain::ActionRequest;
using signalbox::domain::ActionResult;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcActions, "signalbox.engine.actions")
}

OperatorActions::OperatorActions(store::Store &store, const config::Config &config, IdGenerator &ids,
    Dispatcher &dispatcher, Outbox &outbox, EngineOrders &orders)
    : m_store(store)
    , m_config(config)
    , m_ids(ids)
    , m_dispatcher(dispatcher)
    , m_outbox(outbox)
    , m_orders(orders)
{
}

const config::BackendConfig *OperatorActions::backend(const QString &name) const
{
    const auto found = std::find_if(m_config.backends.begin(), m_config.backends.end(),
        [&](const config::BackendConfig &candidate) { return candidate.name == name; });
    return found == m_config.backends.end() ? nullptr : &*found;
}

Status OperatorActions::checkBackends(const ActionRequest &request) const
{
    if (request.act == Act::Replay && !request.backend.isEmpty() && !backend(request.backend))
        return fail(Error(ErrorCode::InvalidInput, u"there is no such backend"_s, u"no_backend"_s));
    if (request.scope == u"backend" && !backend(request.id))
        return fail(ErrorCode::NotFound, u"there is no such backend"_s);
    return {};
}

QCoro::Task<Result<ActionResult>> OperatorActions::act(ActionRequest request)
{
    if (auto checked = request.check(); !checked)
        co_return fail(checked.error());
    if (auto checked = checkBackends(request); !checked)
        co_return fail(checked.error());
    store::ActionOrder order;
    order.request = request;
    order.auditId = m_ids.next();
    order.newDeliveryId = m_ids.next();
    order.noticeId = m_ids.next();
    order.ackRemovalId = m_ids.next();
    order.payloadTtl = m_config.engine.payloadRetention;
    order.lockTtl = m_config.lockTtl;
    if (const config::BackendConfig *other = backend(request.backend))
        order.perThread = other->kind == u"acp";
    auto done = co_await m_store.act(std::move(order));
    if (!done) {
        logWarning(lcActions, "an operator's action was refused",
            {{"action", name(request.act)}, {"subject", request.id}, {"code", done.error().native()}});
        co_return done;
    }
    logInfo(lcActions, "an operator acted",
        {{"action", name(request.act)}, {"subject", request.id}, {"state", done->state}});
    if (done->orders)
        m_orders.wake(); // perhaps the turn runs here; other engines are told by the store
    if (done->wakes)
        m_dispatcher.wake();
    if (done->posts)
        m_outbox.wake();
    co_return done;
}

QCoro::Task<Result<QList<domain::BackendItem>>> OperatorActions::backends()
{
    const auto pauses = co_await m_store.pauses();
    if (!pauses)
        co_return fail(pauses.error());
    QList<domain::BackendItem> items;
    for (const config::BackendConfig &configured : m_config.backends) {
        domain::BackendItem &item = items.emplace_back();
        item.id = configured.name;
        item.kind = configured.kind;
        for (const domain::PauseItem &pause : *pauses) {
            if (pause.scope == u"engine" || (pause.scope == u"backend" && pause.id == item.id))
                item.pauses << pause;
        }
    }
    co_return items;
}

} // namespace signalbox::gateway
