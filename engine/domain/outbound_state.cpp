// SPDX-License-Identifier: Apache-2.0
#include "domain/outbound_state.h"

#include "domain/name_table.h"

namespace signalbox::domain {

namespace {
constexpr NameTable<OutboundState, 8> kStates{{
    {OutboundState::Pending, u"pending"},
    {OutboundState::Sending, u"sending"},
    {OutboundState::Sent, u"sent"},
    {OutboundState::Refused, u"refused"},
    {OutboundState::Retry, u"retry"},
    {OutboundState::Unknown, u"unknown"},
    {OutboundState::Dead, u"dead"},
    {OutboundState::Cancelled, u"cancelled"},
}};
constexpr NameTable<OutboundKind, 5> kKinds{{
    {OutboundKind::Reply, u"reply"},
    {OutboundKind::Status, u"status"},
    {OutboundKind::Notice, u"notice"},
    {OutboundKind::Reaction, u"reaction"},
    {OutboundKind::Card, u"card"},
}};
constexpr NameTable<OutboundOp, 4> kOps{{
    {OutboundOp::Post, u"post"},
    {OutboundOp::React, u"react"},
    {OutboundOp::Unreact, u"unreact"},
    {OutboundOp::Edit, u"edit"},
}};

} // namespace

QString name(OutboundState state)
{
    return nameIn(kStates, state);
}

QString name(OutboundKind kind)
{
    return nameIn(kKinds, kind);
}

QString name(OutboundOp op)
{
    return nameIn(kOps, op);
}

std::optional<OutboundState> outboundState(QStringView text)
{
    return findIn(kStates, text);
}

std::optional<OutboundKind> outboundKind(QStringView text)
{
    return findIn(kKinds, text);
}

std::optional<OutboundOp> outboundOp(QStringView text)
{
    return findIn(kOps, text);
}

bool isFinal(OutboundState state)
{
    switch (state) {
    case OutboundState::Pending:
    case OutboundState::Sending:
    case OutboundState::Retry:
    case OutboundState::Unknown:
        return false;
    case OutboundState::Sent:
    case OutboundState::Refused:
    case OutboundState::Dead:
    case OutboundState::Cancelled:
        return true;
    }
    return true;
}

bool mayMove(OutboundState from, OutboundState to)
{
    using enum OutboundState;
    switch (from) {
    case Pending:
    case Retry:
        return to == Sending || to == Sent || to == Refused || to == Retry || to == Dead || to == Cancelled;
    case Sending:
        return to == Sent || to == Refused || to == Retry || to == Unknown || to == Dead;
    case Unknown:
        return to == Sent || to == Sending || to == Dead || to == Cancelled;
    case Sent:
    case Refused:
    case Dead:
    case Cancelled:
        return false;
    }
    return false;
}

bool isIdempotent(OutboundOp op)
{
    return op != OutboundOp::Post;
}

} // namespace signalbox::domain
