// SPDX-License-Identifier: Apache-2.0
#include "sandbox/sandbox.h"

#include "sandbox/sandbox_world.h"

using namespace Qt::StringLiterals;

namespace signalbox::sandbox {

namespace {
constexpr unsigned long kStopLimit = 10'000;
} // namespace

Sandbox::Sandbox(SandboxOptions options)
    : m_options(std::move(options))
{
    m_thread.setObjectName(u"sandbox"_s);
}

Sandbox::~Sandbox()
{
    stopBlocking();
}

Status Sandbox::startBlocking()
{
    m_agentFolder = std::make_unique<QTemporaryDir>();
    if (!m_agentFolder->isValid())
        return fail(ErrorCode::Unavailable, u"no folder for the sandbox agent"_s);
    m_context = std::make_unique<QObject>();
    m_context->moveToThread(&m_thread);
    m_thread.start();
    Status started;
    const auto start = [this, &started] {
        m_world = std::make_unique<SandboxWorld>(m_options.trafficInterval);
        started = m_world->start();
        m_slackUrl = m_world->slack().apiBaseUrl();
        m_registryUrl = m_world->spritz().registryUrl();
        m_spritzUrl = m_world->spritz().spritzUrl();
        m_controlUrl = m_world->controlUrl();
    };
    QMetaObject::invokeMethod(m_context.get(), start, Qt::BlockingQueuedConnection);
    if (!started)
        stopBlocking();
    return started;
}

void Sandbox::stopBlocking()
{
    if (!m_thread.isRunning())
        return;
    const auto quit = [this] {
        m_world.reset();
        m_thread.quit();
    };
    // The world goes in an event of its own, after the frame that closed it.
    const auto close = [this, quit] {
        m_world->close().then(
            [this, quit] { QMetaObject::invokeMethod(m_context.get(), quit, Qt::QueuedConnection); });
    };
    QMetaObject::invokeMethod(m_context.get(), close, Qt::QueuedConnection);
    m_thread.wait(kStopLimit);
    m_context.reset();
}

void Sandbox::apply(config::Config &config) const
{
    const SpritzSimulatorConfig spritzDefaults;
    config.slack.apiBaseUrl = m_slackUrl;
    config.slack.signingSecret = SlackSimulatorConfig().signingSecret;

    config::BackendConfig spritz;
    spritz.name = u"sandbox-spritz"_s;
    spritz.kind = u"spritz"_s;
    spritz.permissions = u"deny"_s;
    spritz.registryUrl = m_registryUrl;
    spritz.registryV2Url = m_registryUrl;
    spritz.registryToken = spritzDefaults.registryToken;
    spritz.spritzUrl = m_spritzUrl;
    spritz.spritzToken = spritzDefaults.serviceToken;
    spritz.principalId = spritzDefaults.principalId;

    config::BackendConfig acp;
    acp.name = u"sandbox-acp"_s;
    acp.kind = u"acp"_s;
    acp.permissions = u"ask"_s;
    acp.command = m_options.agentCommand;
    acp.workingDirectory = m_agentFolder->path();
    acp.environment.insert(u"SIGNALBOX_SANDBOX_AGENT_DIR"_s, m_agentFolder->path());
    config.backends = {spritz, acp};

    config::InstallationConfig lab;
    lab.channel = u"slack"_s;
    lab.tenant = QString::fromUtf16(kSpritzTeam);
    lab.app = SlackSimulatorConfig().appId;
    lab.backend = spritz.name;
    config::InstallationConfig desk = lab;
    desk.tenant = QString::fromUtf16(kAcpTeam);
    desk.backend = acp.name;
    desk.botToken = Secret(kAcpBotToken);
    config.installations = {lab, desk};
}

void Sandbox::startTraffic(const QString &ingressUrl)
{
    m_ingressUrl = ingressUrl;
    QMetaObject::invokeMethod(
        m_context.get(), [this, ingressUrl] { m_world->startTraffic(ingressUrl); }, Qt::QueuedConnection);
}

QStringList Sandbox::wording() const
{
    QStringList lines;
    lines.append(u"Sandbox: everything below is simulated and runs on this computer alone."_s);
    lines.append(u"  Slack            %1 (workspaces T0LAB and T0DESK)"_s.arg(m_slackUrl));
    lines.append(u"  Registry         %1"_s.arg(m_registryUrl));
    lines.append(u"  Spritz API       %1 (answers for T0LAB)"_s.arg(m_spritzUrl));
    lines.append(u"  ACP agent        a process of this program (answers for T0DESK)"_s);
    lines.append(u"  Control          %1"_s.arg(m_controlUrl));
    if (!m_ingressUrl.isEmpty())
        lines.append(u"  Events go to     %1/slack/events"_s.arg(m_ingressUrl));
    lines.append(
        u"People write every %1 s; within a minute you see a slow turn, a question, a failing turn,"_s.arg(
            m_options.trafficInterval.count() / 1000));
    lines.append(
        u"a rate limit, a refused post, doubled events and a runtime that is lost and comes back."_s);
    lines.append(u"Say something yourself, and read the answer:"_s);
    lines.append(
        uR"(  curl -s %1/say -d '{"channel":"C0DESK","user":"U0ME","text":"hello"}')"_s.arg(m_controlUrl));
    lines.append(u"  curl -s '%1/messages?channel=C0DESK'"_s.arg(m_controlUrl));
    lines.append(
        u"Begin the text with one of: slow 5s, long 9000, ask, fail, empty, mute, die, thought, plan."_s);
    return lines;
}

} // namespace signalbox::sandbox
