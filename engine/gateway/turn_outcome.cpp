// SPDX-License-Identifier: Apache-2.0
#include "gateway/turn_outcome.h"

using namespace Qt::StringLiterals;
using signalbox::domain::DeliveryState;
using signalbox::domain::Outcome;
using signalbox::runtimes::TurnEnd;
using signalbox::runtimes::TurnResult;

namespace signalbox::gateway {

namespace {

Decision died(const TurnResult &result, const QString &code)
{
    Decision decision;
    decision.state = DeliveryState::Dead;
    decision.notice = domain::Notice::Error;
    decision.errorCode = code;
    decision.errorText = result.errorText;
    decision.attemptOutcome = u"failed"_s;
    return decision;
}

Decision unknown(const TurnResult &result, const QString &code)
{
    Decision decision;
    decision.state = DeliveryState::Unconfirmed;
    decision.notice = domain::Notice::Unconfirmed;
    decision.errorCode = code;
    decision.errorText = result.errorText;
    decision.attemptOutcome = u"unknown"_s;
    return decision;
}

Decision ended(const TurnResult &result)
{
    Decision decision;
    decision.attemptOutcome = u"ok"_s;
    if (!result.text.trimmed().isEmpty()) {
        decision.state = DeliveryState::Waiting; // for its reply rows
        decision.reply = result.text;
    } else {
        decision.state = DeliveryState::Completed;
        decision.outcome = Outcome::NoReply;
    }
    if (result.stopReason == u"refusal") {
        decision.notice = domain::Notice::Refusal;
    }
    return decision;
}

} // namespace

Decision decideTurn(const TurnResult &result)
{
    switch (result.end) {
    case TurnEnd::Ended:
        return ended(result);
    case TurnEnd::Failed:
        return died(result, result.errorCode.isEmpty() ? u"runtime_error"_s : result.errorCode);
    case TurnEnd::NotSent: {
        Decision decision;
        decision.again = true;
        decision.state = DeliveryState::Pending;
        decision.errorCode = u"not_sent"_s;
        decision.attemptOutcome = u"failed"_s;
        return decision;
    }
    case TurnEnd::Lost:
        return unknown(result, u"connection_lost"_s);
    case TurnEnd::FirstFrameTimeout:
        return unknown(result, u"first_frame_timeout"_s);
    case TurnEnd::IdleTimeout:
        return died(result, u"idle_timeout"_s);
    case TurnEnd::TooLong:
        return died(result, u"max_duration"_s);
    case TurnEnd::Cancelled:
        return unknown(result, u"cancelled"_s);
    }
    return unknown(result, u"unknown"_s);
}

Decision decideFound(const FoundTurn &found, const QString &errorCode)
{
    Decision decision;
    decision.looked = true;
    if (found.answered) {
        decision.state = DeliveryState::Waiting; // for its reply rows
        decision.reply = domain::adoptedText(found.text);
        decision.attemptOutcome = u"ok"_s;
        return decision;
    }
    decision.state = DeliveryState::Unconfirmed;
    decision.notice = domain::Notice::Unconfirmed;
    decision.errorCode = errorCode;
    decision.errorText = found.lastTrouble;
    decision.attemptOutcome = u"unknown"_s;
    return decision;
}

Decision decidePaused()
{
    Decision decision;
    decision.again = true;
    decision.state = DeliveryState::Pending;
    decision.errorCode = u"paused"_s;
    return decision;
}

Decision decideIgnored()
{
    Decision decision;
    decision.state = DeliveryState::Completed;
    decision.outcome = Outcome::Ignored;
    decision.dropPayload = true;
    return decision;
}

Decision decideNotOpened(const Error &error)
{
    Decision decision;
    decision.state = DeliveryState::Dead;
    decision.notice = domain::Notice::Timeout;
    decision.errorCode = error.native().isEmpty() ? errorCodeName(error.code()) : error.native();
    decision.errorText = error.toString();
    return decision;
}

} // namespace signalbox::gateway
