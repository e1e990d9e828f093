// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "config/problem.h"

namespace signalbox::config {

// Rules over several keys: names that must exist or be unique, what each kind of backend and installation
// needs, addresses that would expose the operator side.
void checkCoherence(const Config &config, Findings &findings);

} // namespace signalbox::config
