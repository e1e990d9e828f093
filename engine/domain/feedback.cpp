// SPDX-License-Identifier: Apache-2.0
#include "domain/feedback.h"

using namespace Qt::StringLiterals;

namespace signalbox::domain {

QString internalFailureText()
{
    return u"I hit an internal error while processing that request."_s;
}

QString runtimeFailureText()
{
    return u"I could not recover the channel runtime. Please try again."_s;
}

QString unconfirmedText()
{
    return u"I was interrupted while working on that request and cannot tell how far it got. It has not been started again; please check before you ask again."_s;
}

QString contextLostText()
{
    return u"I could not pick up our earlier conversation in this thread and am starting afresh."_s;
}

QString refusalText()
{
    return u"I declined to answer that, and it is not part of our conversation any more."_s;
}

QString answerLostText()
{
    return u"I have an answer to that request, but cannot tell whether all of it has arrived here. An operator can send it again."_s;
}

QString recoveringText()
{
    return u"Still waking up. I will continue here shortly."_s;
}

QString adoptedText(const QString &reply)
{
    return reply.trimmed() + u"\n\n_recovered after an interruption, may be incomplete_"_s;
}

QString releasedText(bool mayHaveBegun)
{
    if (!mayHaveBegun)
        return u"An operator has taken that request off the queue before I began with it. Please ask again if it is still needed."_s;
    return u"An operator has stopped me while I was working on that request, and I cannot tell how far it got. It has not been started again; please check before you ask again."_s;
}

QString cancelledText()
{
    return u"An operator has cancelled that request."_s;
}

QString answeredByText(const QString &reply, const QString &backend)
{
    return reply.trimmed() + u"\n\n_answered by "_s + backend + u'_';
}

QString acknowledgementFor(const FeedbackPolicy &policy, bool direct, bool mentioned)
{
    const bool wanted = policy.scope == AckScope::All || (policy.scope == AckScope::GroupAll && !direct)
        || (policy.scope == AckScope::GroupMentions && !direct && mentioned);
    return wanted ? policy.reaction : QString();
}

std::optional<Millis> startingDelayFor(const FeedbackPolicy &policy)
{
    return policy.tellsStarting ? std::optional(policy.startingDelay) : std::nullopt;
}

QString noticeText(const FeedbackPolicy &policy, Notice notice)
{
    switch (notice) {
    case Notice::None:
        break;
    case Notice::Error:
        return policy.tellsError ? policy.errorText : QString();
    case Notice::Timeout:
        return policy.tellsTimeout ? policy.timeoutText : QString();
    case Notice::Unconfirmed:
        return unconfirmedText();
    case Notice::Refusal:
        return refusalText();
    }
    return {};
}

QString noticePurpose(Notice notice)
{
    switch (notice) {
    case Notice::None:
        break;
    case Notice::Error:
    case Notice::Timeout:
        return u"notice:failure"_s;
    case Notice::Unconfirmed:
        return u"notice:unconfirmed"_s;
    case Notice::Refusal:
        return u"notice:refusal"_s;
    }
    return {};
}

} // namespace signalbox::domain
