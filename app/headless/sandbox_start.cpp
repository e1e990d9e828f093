// SPDX-License-Identifier: Apache-2.0
#include "headless/sandbox_start.h"

#include <QCoreApplication>

using namespace Qt::StringLiterals;

namespace signalbox::headless {

Result<SandboxRun> startSandbox(config::Config &config, bool keepDataDir)
{
    SandboxRun run;
    if (!keepDataDir) {
        run.folder = std::make_unique<QTemporaryDir>();
        if (!run.folder->isValid())
            return fail(ErrorCode::Unavailable, u"no temporary folder can be made"_s);
        config.engine.dataDir = run.folder->path();
    }
    sandbox::SandboxOptions options;
    options.agentCommand = QStringList{QCoreApplication::applicationFilePath(), u"--sandbox-agent"_s};
    run.sandbox = std::make_unique<sandbox::Sandbox>(options);
    if (auto started = run.sandbox->startBlocking(); !started)
        return fail(started.error().context(u"starting the sandbox"_s));
    run.sandbox->apply(config);
    config.ingress.listen = u"127.0.0.1:0"_s;
    config.admin.listen = u"127.0.0.1:0"_s;
    return run;
}

} // namespace signalbox::headless
