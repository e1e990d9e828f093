// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "http/client.h"
#include "runtimes/runtime_backend.h"

#include <memory>

namespace signalbox::runtimes {

// The backend that one [[backends]] table describes. `client` outlives it. Nothing is started or called yet.
// InvalidInput for a kind that does not exist and for a missing command or URL.
[[nodiscard]] Result<std::unique_ptr<RuntimeBackend>> makeBackend(const config::BackendConfig &backend,
    const config::Config &config, http::Client &client, QObject *parent = nullptr);

} // namespace signalbox::runtimes
