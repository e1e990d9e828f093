// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "domain/feedback.h"

namespace signalbox::gateway {

// What is said besides the reply in one place of an installation: the place's own policy, else the
// installation's.
[[nodiscard]] domain::FeedbackPolicy feedbackAt(
    const config::InstallationConfig &installation, const QString &place);

} // namespace signalbox::gateway
