// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>

#include <optional>

namespace signalbox::domain {

// The life of an outbound message (DESIGN.md step 6).
enum class OutboundState { Pending, Sending, Sent, Refused, Retry, Unknown, Dead, Cancelled };
enum class OutboundKind { Reply, Status, Notice, Reaction, Card };
enum class OutboundOp { Post, React, Unreact, Edit };

[[nodiscard]] QString name(OutboundState state);
[[nodiscard]] QString name(OutboundKind kind);
[[nodiscard]] QString name(OutboundOp op);
[[nodiscard]] std::optional<OutboundState> outboundState(QStringView name);
[[nodiscard]] std::optional<OutboundKind> outboundKind(QStringView name);
[[nodiscard]] std::optional<OutboundOp> outboundOp(QStringView name);
[[nodiscard]] bool isFinal(OutboundState state);
[[nodiscard]] bool mayMove(OutboundState from, OutboundState to);
// Repeating the call changes nothing, so it needs no durable "sending" before it.
[[nodiscard]] bool isIdempotent(OutboundOp op);

} // namespace signalbox::domain
