// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>

#include <optional>
#include <vector>

namespace signalbox::domain {

// The life of a delivery (DESIGN.md "What a message goes through"). Names are stored and shown as they stand
// here.
enum class DeliveryState { Pending, Running, Waiting, Completed, Cancelled, Dead, Unconfirmed };
// What a waiting delivery waits for.
enum class WaitsFor { Nothing, Lock, Runtime, Person, Retry, Token, Outbound };
enum class Outcome { None, Delivered, NoReply, Ignored };
// The prompt fence: from Sending on there is never a second prompt for this delivery by our doing.
enum class PromptState { None, Sending, Accepted };
// What is being done for a held delivery: asking who answers in its place and opening the conversation,
// waiting for a runtime to come back, its turn, or looking for what became of a turn that was interrupted.
enum class Stage { None, Binding, Recovering, Prompting, Adopting };

[[nodiscard]] QString name(DeliveryState state);
[[nodiscard]] QString name(WaitsFor waitsFor); // "" for Nothing
[[nodiscard]] QString name(Outcome outcome); // "" for None
[[nodiscard]] QString name(PromptState state);
[[nodiscard]] QString name(Stage stage); // "" for None
[[nodiscard]] std::optional<DeliveryState> deliveryState(QStringView name);
[[nodiscard]] std::optional<PromptState> promptState(QStringView name);

[[nodiscard]] bool isFinal(DeliveryState state);
// Whether later deliveries of the same session must wait for this one: unfinished, and its turn not over yet.
[[nodiscard]] bool blocksSession(DeliveryState state, WaitsFor waitsFor);

// Why a state may be left, and where to: the transition table as data. The store's guarded updates name these
// pairs and no others.
struct DeliveryTransition
{
    DeliveryState from;
    DeliveryState to;
    const char *why;
};
[[nodiscard]] const std::vector<DeliveryTransition> &deliveryTransitions();
[[nodiscard]] bool mayMove(DeliveryState from, DeliveryState to);

// Whether a delivery may be prompted: never twice by our doing (DESIGN.md step 5). One whose prompt may have
// left is looked for instead.
[[nodiscard]] bool mayPrompt(PromptState state);

} // namespace signalbox::domain
