// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/cancel.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"
#include "domain/outbound_state.h"

#include <QCoro/QCoroTask>

#include <functional>

namespace signalbox::channels {

// One outbound message on its way to a channel.
struct SendRequest
{
    SendRequest() = default;
    QString id; // of the outbound row; travels with the message, so that it can be found again
    domain::OutboundOp op = domain::OutboundOp::Post;
    QString place;
    QString thread; // empty: top level
    QString targetTs; // of a reaction
    Json body; // {"text"} of a post, {"name"} of a reaction
    Secret token;
    Instant createdAt;
    std::function<bool()> mayLeave; // asked immediately before the write of send(); empty: it may
};

// What came of it: Sent, Refused (for good), Retry (nothing happened) or Unknown (it may have happened).
struct SendOutcome
{
    SendOutcome() = default;
    domain::OutboundState state = domain::OutboundState::Unknown;
    QString channelTs; // of Sent
    QString errorCode; // the channel's word, or "timeout", "closed", …
    bool authorisation = false; // the installation's token or rights: needs a person
    Millis retryAfter{0}; // of Retry; 0: the channel did not say
    bool rateLimited = false; // the wait holds for the whole method of this installation
    QString sent; // summaries for the attempt, without anything people wrote
    QString received;
};

// NotNow: nothing was learnt for a passing reason (a rate limit, a broken connection); to be asked again.
enum class Found { Yes, No, Unreadable, NotNow };

struct FindOutcome
{
    FindOutcome() = default;
    Found found = Found::Unreadable;
    QString channelTs;
    Millis retryAfter{0}; // of NotNow; 0: the channel did not say
};

// A kind of place that people talk in, seen from the outbox. Lives on the engine thread.
class ChannelAdapter
{
public:
    virtual ~ChannelAdapter() = default;
    [[nodiscard]] virtual QCoro::Task<SendOutcome> send(SendRequest request, async::CancelToken cancel) = 0;
    // Whether a message of unknown outcome has arrived (DESIGN.md step 6).
    [[nodiscard]] virtual QCoro::Task<FindOutcome> find(SendRequest request, async::CancelToken cancel) = 0;
};

} // namespace signalbox::channels
