// SPDX-License-Identifier: Apache-2.0
// The simulated ACP agent as a program of its own, for tests of processes.
#include "sandbox/agent_process.h"

#include <QCoreApplication>

int main(int argc, char **argv)
{
    const QCoreApplication app(argc, argv);
    return signalbox::sandbox::runAgentOnStdio();
}
