// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"

namespace signalbox::config {

// The effective values as TOML that load() reads back to the same Config, apart from secrets: a secret that
// is set prints as "***", one that is not set is left out (INTERFACE.md --print-config).
[[nodiscard]] QString renderConfig(const Config &config);

// SHA-256 of the rendering as 64 hexadecimal digits: equal for equal effective values, whatever the secrets
// are.
[[nodiscard]] QString configHash(const Config &config);

} // namespace signalbox::config
