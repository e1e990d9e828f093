// SPDX-License-Identifier: Apache-2.0
#include "gateway/feedback_of.h"

#include <algorithm>

namespace signalbox::gateway {

domain::FeedbackPolicy feedbackAt(const config::InstallationConfig &installation, const QString &place)
{
    const auto own = std::find_if(installation.feedbackPlaces.begin(), installation.feedbackPlaces.end(),
        [&](const config::FeedbackConfig &candidate) { return candidate.place == place; });
    const config::FeedbackConfig &feedback
        = own == installation.feedbackPlaces.end() ? installation.feedback : *own;
    domain::FeedbackPolicy policy;
    const config::AcknowledgementConfig &ack = feedback.acknowledgement;
    policy.reaction = ack.type == u"none" ? QString() : ack.reaction;
    policy.scope = ack.scope == u"group-mentions" ? domain::AckScope::GroupMentions
        : ack.scope == u"group-all"               ? domain::AckScope::GroupAll
                                                  : domain::AckScope::All;
    policy.removesReaction = ack.removeAfterReply;
    policy.tellsStarting = feedback.starting.enabled;
    policy.startingDelay = feedback.starting.delay;
    policy.startingText = feedback.starting.message;
    policy.tellsTimeout = feedback.timeout.enabled;
    policy.timeoutText = feedback.timeout.message;
    policy.tellsError = feedback.error.enabled;
    policy.errorText = feedback.error.message;
    return policy;
}

} // namespace signalbox::gateway
