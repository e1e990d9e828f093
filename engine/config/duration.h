// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/duration.h"

namespace signalbox::config {

using signalbox::formatDuration;
using signalbox::parseDuration;

} // namespace signalbox::config
