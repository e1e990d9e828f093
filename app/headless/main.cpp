// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "base/log.h"
#include "engine.h"
#include "headless/options.h"
#include "headless/process_signals.h"
#include "headless/sandbox_start.h"
#include "headless/startup.h"
#include "sandbox/agent_process.h"

#include <QCoreApplication>

#include <cstdio>

using namespace Qt::StringLiterals;
using namespace signalbox;

namespace {

Q_LOGGING_CATEGORY(lcMain, "signalbox.app")

int exitCodeFor(const Error &error)
{
    if (error.native() == u"secret_key" && error.code() == ErrorCode::InvalidInput)
        return static_cast<int>(headless::ExitCode::Configuration);
    const bool needed = error.native() == u"database" || error.native() == u"listener"
        || error.native() == u"data_dir" || error.native() == u"secret_key";
    return static_cast<int>(needed ? headless::ExitCode::ServiceUnavailable : headless::ExitCode::Failed);
}

// Stops the engine and then the event loop, which runs: `code` is what main() returns, unless something did
// not end.
QCoro::Task<> stopAndQuit(Engine *engine, int code)
{
    headless::notifyServiceManager("STOPPING=1");
    const bool joined = co_await engine->stop();
    QCoreApplication::exit(joined ? code : static_cast<int>(headless::ExitCode::Failed));
}

void stopLater(Engine *engine, int code)
{
    const auto stop = [engine, code] { auto stopping = stopAndQuit(engine, code); };
    QMetaObject::invokeMethod(engine, stop, Qt::QueuedConnection);
}

void tellReady(const Engine &engine, const headless::SandboxRun &sandbox)
{
    std::printf("ready ingress=%s admin=%s\n", qUtf8Printable(engine.ingressAddress()),
        qUtf8Printable(engine.adminAddress()));
    if (sandbox.sandbox) {
        for (const QString &line : sandbox.sandbox->wording())
            std::printf("%s\n", qUtf8Printable(line));
    }
    std::fflush(stdout);
    headless::notifyServiceManager("READY=1");
}

int runEngine(const headless::Options &options, config::Config config)
{
    headless::allowManyDescriptors();
    headless::SandboxRun sandbox;
    if (options.sandbox) {
        auto started = headless::startSandbox(config, !options.dataDir.isEmpty());
        if (!started) {
            std::fprintf(stderr, "signalboxd: %s\n", qUtf8Printable(started.error().toString()));
            return static_cast<int>(headless::ExitCode::Failed);
        }
        sandbox = std::move(*started);
    }
    headless::ProcessSignals signalsOfProcess;
    auto owner = std::make_unique<Engine>(config, options.sandbox);
    Engine *engine = owner.get();
    QObject::connect(engine, &Engine::replaced, engine, [] {
        // Another process works under this engine's name: everything that this one still holds is that one's
        // now.
        std::fprintf(stderr, "signalboxd: another process has started with this engine's id; stopping\n");
        std::_Exit(static_cast<int>(headless::ExitCode::Failed));
    });
    const Status started = async::blockOn(engine->start(), Millis(60'000));
    if (!started) {
        std::fprintf(stderr, "signalboxd: %s\n", qUtf8Printable(started.error().toString()));
        stopLater(engine, exitCodeFor(started.error()));
    } else if (signalsOfProcess.wasStopRequested()) {
        stopLater(engine, 0);
    } else {
        QObject::connect(&signalsOfProcess, &headless::ProcessSignals::stopRequested, engine, [engine] {
            logInfo(lcMain, "stopping");
            stopLater(engine, 0);
        });
        if (sandbox.sandbox)
            sandbox.sandbox->startTraffic(u"http://"_s + engine->ingressAddress());
        tellReady(*engine, sandbox);
    }
    const int code = QCoreApplication::exec();
    Engine::dispose(std::move(owner));
    return code;
}

} // namespace

int main(int argc, char **argv)
{
    // Qt's own dispatcher: the daemon has no use for glib's, which costs it a third of its requests per
    // second.
    qputenv("QT_NO_GLIB", "1");
    QCoreApplication app(argc, argv);
    QCoreApplication::setApplicationName(u"signalbox"_s);
    QCoreApplication::setApplicationVersion(QStringLiteral(SIGNALBOX_VERSION));
    const auto options = headless::parseOptions(headless::Program::Server, app.arguments().mid(1));
    if (!options)
        return headless::finish(options.error());
    if (options->sandboxAgent)
        return sandbox::runAgentOnStdio();
    const auto loaded = headless::prepare(*options);
    if (!loaded)
        return headless::finish(loaded.error());
    installLogging(loaded->config.logFormat, loaded->config.logLevel);
    return runEngine(*options, loaded->config);
}
