// SPDX-License-Identifier: Apache-2.0
#include "domain/delivery_state.h"

#include "domain/name_table.h"

namespace signalbox::domain {

namespace {

constexpr NameTable<DeliveryState, 7> kDeliveryStates{{
    {DeliveryState::Pending, u"pending"},
    {DeliveryState::Running, u"running"},
    {DeliveryState::Waiting, u"waiting"},
    {DeliveryState::Completed, u"completed"},
    {DeliveryState::Cancelled, u"cancelled"},
    {DeliveryState::Dead, u"dead"},
    {DeliveryState::Unconfirmed, u"unconfirmed"},
}};
constexpr NameTable<WaitsFor, 7> kWaitsFor{{
    {WaitsFor::Nothing, u""},
    {WaitsFor::Lock, u"lock"},
    {WaitsFor::Runtime, u"runtime"},
    {WaitsFor::Person, u"person"},
    {WaitsFor::Retry, u"retry"},
    {WaitsFor::Token, u"token"},
    {WaitsFor::Outbound, u"outbound"},
}};
constexpr NameTable<Outcome, 4> kOutcomes{{
    {Outcome::None, u""},
    {Outcome::Delivered, u"delivered"},
    {Outcome::NoReply, u"no_reply"},
    {Outcome::Ignored, u"ignored"},
}};
constexpr NameTable<PromptState, 3> kPromptStates{{
    {PromptState::None, u"none"},
    {PromptState::Sending, u"sending"},
    {PromptState::Accepted, u"accepted"},
}};
constexpr NameTable<Stage, 5> kStages{{
    {Stage::None, u""},
    {Stage::Binding, u"binding"},
    {Stage::Recovering, u"recovering"},
    {Stage::Prompting, u"prompting"},
    {Stage::Adopting, u"adopting"},
}};

} // namespace

QString name(DeliveryState state)
{
    return nameIn(kDeliveryStates, state);
}

QString name(WaitsFor waitsFor)
{
    return nameIn(kWaitsFor, waitsFor);
}

QString name(Outcome outcome)
{
    return nameIn(kOutcomes, outcome);
}

QString name(PromptState state)
{
    return nameIn(kPromptStates, state);
}

QString name(Stage stage)
{
    return nameIn(kStages, stage);
}

std::optional<DeliveryState> deliveryState(QStringView text)
{
    return findIn(kDeliveryStates, text);
}

std::optional<PromptState> promptState(QStringView text)
{
    return findIn(kPromptStates, text);
}

bool isFinal(DeliveryState state)
{
    switch (state) {
    case DeliveryState::Pending:
    case DeliveryState::Running:
    case DeliveryState::Waiting:
        return false;
    case DeliveryState::Completed:
    case DeliveryState::Cancelled:
    case DeliveryState::Dead:
    case DeliveryState::Unconfirmed:
        return true;
    }
    return true;
}

bool blocksSession(DeliveryState state, WaitsFor waitsFor)
{
    return !isFinal(state) && !(state == DeliveryState::Waiting && waitsFor == WaitsFor::Outbound);
}

const std::vector<DeliveryTransition> &deliveryTransitions()
{
    using enum DeliveryState;
    static const std::vector<DeliveryTransition> kTable{
        {Pending, Running, "claimed with its session's lock"},
        {Pending, Waiting, "its session is busy: waits for the lock"},
        {Pending, Cancelled, "cancelled by an operator, or its session ended"},
        {Waiting, Pending, "what it waited for has come: the lock is free, or the time to try again"},
        {Waiting, Running,
            "claimed again when its time to try again had come, or the person it waited for has answered"},
        {Waiting, Waiting, "waited for its runtime, and now for the reply that was found"},
        {Waiting, Completed, "all reply rows were sent"},
        {Waiting, Unconfirmed, "it waited for a runtime, and the outcome of its prompt is not known"},
        {Waiting, Dead, "a reply row was refused or died, or the budget is over"},
        {Waiting, Cancelled, "cancelled by an operator, or its session ended"},
        {Running, Pending,
            "handed back: a stop, or a lost engine; one whose prompt may have left is looked for"},
        {Running, Waiting, "waits for a runtime, a person, a retry, or its replies to be sent"},
        {Running, Completed, "the turn ended without a reply to send"},
        {Running, Dead, "failed for good, with a notice"},
        {Running, Unconfirmed, "the prompt may have left and its outcome is not known"},
        {Running, Cancelled, "cancelled by an operator, or its session ended"},
        {Completed, Pending,
            "was ignored as chatter, and its mention twin came (only out of outcome ignored)"},
    };
    return kTable;
}

bool mayMove(DeliveryState from, DeliveryState to)
{
    for (const DeliveryTransition &transition : deliveryTransitions()) {
        if (transition.from == from && transition.to == to)
            return true;
    }
    return false;
}

bool mayPrompt(PromptState state)
{
    return state == PromptState::None;
}

} // namespace signalbox::domain
