// SPDX-License-Identifier: Apache-2.0
#include "headless/startup.h"

#include "config/render.h"

#include <cstdio>

using namespace Qt::StringLiterals;

namespace signalbox::headless {
namespace {

Ending configurationIsBad(const QList<config::Problem> &problems)
{
    QString lines;
    for (const config::Problem &problem : problems) {
        lines += problem.toString() + u'\n';
    }
    const QString count = problems.size() == 1 ? u"1 problem"_s : u"%1 problems"_s.arg(problems.size());
    return Ending{
        ExitCode::Configuration, {}, lines + u"%1 in the configuration; nothing was started\n"_s.arg(count)};
}

QString summaryOf(const config::Loaded &loaded)
{
    if (loaded.filesRead.isEmpty()) {
        return u"The configuration is good: no file, only defaults\n"_s;
    }
    return u"The configuration is good: "_s + loaded.filesRead.join(u", "_s) + u'\n';
}

} // namespace

tl::expected<config::Loaded, Ending> prepare(const Options &options, config::LoadOptions from)
{
    from.dataDir = options.dataDir;
    from.logFormat = options.logFormat;
    from.configFile = options.configFile;
    if (options.sandbox || options.sandboxAgent) {
        from.readFiles = false;
    }
    auto loaded = config::load(from);
    if (!loaded) {
        return tl::unexpected<Ending>(configurationIsBad(loaded.error()));
    }
    if (options.printConfig) {
        return tl::unexpected<Ending>(Ending{ExitCode::Stopped, config::renderConfig(loaded->config), {}});
    }
    if (options.checkConfig) {
        return tl::unexpected<Ending>(Ending{ExitCode::Stopped, summaryOf(*loaded), {}});
    }
    return *std::move(loaded);
}

int finish(const Ending &ending)
{
    std::fputs(qUtf8Printable(ending.output), stdout);
    std::fputs(qUtf8Printable(ending.errors), stderr);
    std::fflush(stdout);
    return static_cast<int>(ending.code);
}

} // namespace signalbox::headless
