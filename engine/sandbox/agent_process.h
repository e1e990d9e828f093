// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sandbox/simulated_agent.h"

namespace signalbox::sandbox {

// Runs a SimulatedAgent on stdin and stdout, one JSON object per line, until stdin ends (0), stdout is gone
// (1), or the agent was told to die (70, at once, after its frames were written). Needs a QCoreApplication;
// runs its event loop. With the environment variable SIGNALBOX_SANDBOX_AGENT_DIR histories live in that
// folder, and the next process can load them.
[[nodiscard]] int runAgentOnStdio(AgentOptions options = AgentOptions());

} // namespace signalbox::sandbox
