// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gateway/runtime_reach.h"

namespace signalbox::gateway {

// What was found of a turn that was cut off from us.
struct FoundTurn
{
    FoundTurn() = default;
    bool answered = false;
    QString text; // of an answered one: the agent's reply
    int looks = 0; // loads that told something
    QString lastTrouble; // native code of the last look that failed
};

// Looks for what became of a prompt that may have left: by loading the conversation and finding our message
// by its ts (DESIGN.md step 5). Adopted only when two loads adoption_interval apart agree; given up after
// adoption_timeout. Never prompts. Engine thread.
class TurnAdoption
{
public:
    TurnAdoption(store::Store &store, RuntimeReach &reach, const config::Config &config)
        : m_store(store)
        , m_reach(reach)
        , m_config(config)
    {
    }
    // Ends early, as not answered, when the work's stop token fires.
    [[nodiscard]] QCoro::Task<FoundTurn> find(std::shared_ptr<DeliveryWork> work);

private:
    [[nodiscard]] QCoro::Task<Result<domain::Adoption>> look(
        std::shared_ptr<DeliveryWork> work, async::CancelToken token);
    [[nodiscard]] QCoro::Task<bool> note(std::shared_ptr<DeliveryWork> work, QString errorCode);

    store::Store &m_store;
    RuntimeReach &m_reach;
    const config::Config &m_config;
};

} // namespace signalbox::gateway
