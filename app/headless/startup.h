// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/loader.h"
#include "headless/options.h"

namespace signalbox::headless {

// Loads the configuration that the options ask for: what to start with, or the Ending of --check-config,
// --print-config (0) and of a bad configuration (78, every problem on a line of its own on stderr). `from`
// holds what does not come from the command line. With --sandbox no file is read: the sandbox fills in its
// own values.
[[nodiscard]] tl::expected<config::Loaded, Ending> prepare(
    const Options &options, config::LoadOptions from = {});

// Writes the texts to stdout and stderr; returns the code for main().
[[nodiscard]] int finish(const Ending &ending);

} // namespace signalbox::headless
