// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <QString>
#include <QStringList>
#include <QTemporaryDir>
#include <QThread>

#include <memory>

namespace signalbox::sandbox {

class SandboxWorld;

struct SandboxOptions
{
    SandboxOptions() = default;
    // The program of the acp backend's agent and its arguments: the application itself with --sandbox-agent,
    // which must lead to runAgentOnStdio().
    QStringList agentCommand;
    Millis trafficInterval{4000}; // between two messages
};

// Everything that --sandbox starts: a simulated Slack with two workspaces, registry, Spritz API and runtimes
// on free loopback ports, in a thread of its own; then people who write there, with some faults within the
// first minute. The methods are called from the thread that made it; start and stop block it for some
// milliseconds.
class Sandbox
{
public:
    explicit Sandbox(SandboxOptions options);
    ~Sandbox(); // stops
    Sandbox(const Sandbox &) = delete;
    Sandbox &operator=(const Sandbox &) = delete;

    [[nodiscard]] Status startBlocking();
    void stopBlocking();

    // Writes what the engine must know over [slack], [[backends]] and [[installations]]: workspace T0LAB on
    // the backend "sandbox-spritz" and workspace T0DESK on the backend "sandbox-acp". Ingress and admin are
    // the caller's.
    void apply(config::Config &config) const;
    // Begins to post events to {ingressUrl}/slack/events; "http://127.0.0.1:8080", without a path.
    void startTraffic(const QString &ingressUrl);
    // Where people are simulated from outside: POST /say, GET /messages. Empty before the start.
    [[nodiscard]] QString controlUrl() const { return m_controlUrl; }
    // What was started and what to try, line by line, in English.
    [[nodiscard]] QStringList wording() const;

private:
    SandboxOptions m_options;
    QThread m_thread;
    std::unique_ptr<QObject> m_context; // lives in the thread
    std::unique_ptr<SandboxWorld> m_world; // lives in the thread
    std::unique_ptr<QTemporaryDir> m_agentFolder;
    QString m_slackUrl;
    QString m_registryUrl;
    QString m_spritzUrl;
    QString m_controlUrl;
    QString m_ingressUrl;
};

} // namespace signalbox::sandbox
