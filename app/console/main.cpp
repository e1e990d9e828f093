// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "console/embedded_engine.h"
#include "headless/options.h"
#include "headless/process_signals.h"
#include "headless/sandbox_start.h"
#include "headless/startup.h"
#include "sandbox/agent_process.h"
#include "ui/main_window.h"
#include "ui/theme.h"
#include "ui/translations.h"

#include <QApplication>

#include <cstdio>

using namespace Qt::StringLiterals;
using namespace signalbox;

namespace {

int refuse(const QString &message)
{
    headless::Ending ending;
    ending.code = headless::ExitCode::WrongUsage;
    ending.errors = u"signalbox: "_s + message + u'\n';
    return headless::finish(ending);
}

void printLines(const QStringList &lines)
{
    for (const QString &line : lines)
        std::printf("%s\n", qUtf8Printable(line));
    std::fflush(stdout);
}

int runConsole(QApplication &app, const headless::Options &options, config::Config config)
{
    headless::SandboxRun sandbox;
    if (options.sandbox) {
        auto started = headless::startSandbox(config, !options.dataDir.isEmpty());
        if (!started) {
            std::fprintf(stderr, "signalbox: %s\n", qUtf8Printable(started.error().toString()));
            return static_cast<int>(headless::ExitCode::Failed);
        }
        sandbox = std::move(*started);
    }
    headless::ProcessSignals signalsOfProcess;
    const SystemClock clock;
    admin::LocalOperatorApi api;
    console::EmbeddedEngine engine(config, options.sandbox, api);
    ui::MainWindow window(&api, &clock, ui::Profile::embedded());
    // The window is painted before the engine starts.
    window.show();

    QApplication::setQuitOnLastWindowClosed(false);
    QObject::connect(&app, &QApplication::lastWindowClosed, &engine, &console::EmbeddedEngine::stop);
    QObject::connect(
        &signalsOfProcess, &headless::ProcessSignals::stopRequested, &engine, &console::EmbeddedEngine::stop);
    QObject::connect(&engine, &console::EmbeddedEngine::stopped, &app, &QApplication::quit);
    QObject::connect(
        &engine, &console::EmbeddedEngine::started, &app, [&sandbox](const QString &ingressAddress) {
            if (!sandbox.sandbox)
                return;
            sandbox.sandbox->startTraffic(u"http://"_s + ingressAddress);
            printLines(sandbox.sandbox->wording());
        });
    QMetaObject::invokeMethod(&engine, &console::EmbeddedEngine::start, Qt::QueuedConnection);
    return QApplication::exec();
}

} // namespace

int main(int argc, char **argv)
{
    // The command line is read before there is a display: --help and --version need none, and neither does
    // the simulated agent, as which the sandbox starts this program again.
    QStringList arguments;
    for (int i = 1; i < argc; ++i)
        arguments << QString::fromLocal8Bit(argv[i]);
    const auto options = headless::parseOptions(headless::Program::Console, arguments);
    if (!options)
        return headless::finish(options.error());
    if (options->sandboxAgent) {
        const QCoreApplication agent(argc, argv);
        return sandbox::runAgentOnStdio();
    }
    if (!options->attachUrl.isEmpty() || !options->link.isEmpty())
        return refuse(u"attaching to an engine elsewhere is not supported by this version"_s);
    if (!options->profile.isEmpty())
        return refuse(u"profiles are not supported by this version"_s);
    QApplication app(argc, argv);
    QApplication::setOrganizationName(u"signalbox"_s);
    QApplication::setApplicationName(u"signalbox"_s);
    QApplication::setApplicationDisplayName(u"Signalbox"_s);
    QApplication::setApplicationVersion(QStringLiteral(SIGNALBOX_VERSION));
    config::LoadOptions from;
    from.embedded = true;
    const auto loaded = headless::prepare(*options, from);
    if (!loaded)
        return headless::finish(loaded.error());
    installLogging(loaded->config.logFormat, loaded->config.logLevel);
    ui::installTranslations(app);
    ui::applyTheme(app, ui::Theme::System);
    return runConsole(app, *options, loaded->config);
}
