// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "sandbox/sandbox.h"

#include <QTemporaryDir>

#include <memory>

namespace signalbox::headless {

// What --sandbox adds to a program: the simulators and a throw-away folder, both gone with it.
struct SandboxRun
{
    SandboxRun() = default;
    std::unique_ptr<QTemporaryDir> folder;
    std::unique_ptr<sandbox::Sandbox> sandbox;
};

// Starts the simulators and points `config` at them: loopback listeners on free ports, a throw-away database
// unless a data folder was asked for.
[[nodiscard]] Result<SandboxRun> startSandbox(config::Config &config, bool keepDataDir);

} // namespace signalbox::headless
