// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/cancel.h"
#include "async/completion.h"
#include "base/json.h"
#include "runtimes/runtime_backend.h"
#include "store/records.h"

#include <map>
#include <memory>
#include <optional>

namespace signalbox::gateway {

using Backends = std::map<QString, std::unique_ptr<runtimes::RuntimeBackend>>;

// What is known of one delivery while this engine holds it. Shared by its runner and those who help it.
struct DeliveryWork
{
    DeliveryWork() = default;

    store::ClaimedDelivery delivery;
    store::HeldDelivery held;
    Json event;
    runtimes::RuntimeBackend *backend = nullptr;
    runtimes::Binding binding;
    async::CancelToken stop; // the engine stops, or an operator releases the lock
    async::CancelSource deadline; // or delivery_timeout has passed
    bool timedOut = false;
    bool contextLost = false;
    bool statusQueued = false; // a status message may still be on its way
    QString received;
    // The queueing of the acknowledgement has ended; before the outcome is written, so that its removal finds
    // it.
    std::optional<async::Completion<bool>> acknowledged;

    [[nodiscard]] runtimes::BindRequest bindRequest() const
    {
        runtimes::BindRequest request;
        request.tenant = delivery.tenant;
        request.place = delivery.place;
        return request;
    }
    [[nodiscard]] runtimes::OpenRequest openRequest() const
    {
        runtimes::OpenRequest request;
        request.tenant = delivery.tenant;
        request.place = delivery.place;
        request.threadTs = event[u"thread_ts"].toString();
        request.messageTs = delivery.messageTs;
        request.direct = delivery.direct;
        request.agentSession = delivery.agentSession;
        return request;
    }
};

} // namespace signalbox::gateway
