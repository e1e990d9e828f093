// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/log.h"

#include <QString>
#include <QStringList>

#include <optional>
#include <tl/expected.hpp>

namespace signalbox::headless {

// Exit codes of all programs (INTERFACE.md "Programs").
enum class ExitCode {
    Stopped = 0,
    Failed = 1,
    WrongUsage = 64,
    ServiceUnavailable = 69,
    Configuration = 78,
};

enum class Program {
    Server, // signalboxd
    Console, // signalbox
};

// What a command line asks for.
struct Options
{
    QString configFile;
    QString dataDir;
    bool sandbox = false;
    std::optional<LogFormat> logFormat;
    // Server.
    bool checkConfig = false;
    bool printConfig = false;
    bool sandboxAgent = false; // not in the help: the sandbox starts itself as its simulated agent
    // Console.
    QString profile;
    QString attachUrl;
    QString link; // signalbox://…
};

// The end of a program before it began: texts for the two streams, and its exit code.
struct Ending
{
    ExitCode code = ExitCode::Stopped;
    QString output; // stdout
    QString errors; // stderr
};

// Reads a command line without its program name. An Ending for --help and --version (0), and for wrong usage
// (64).
[[nodiscard]] tl::expected<Options, Ending> parseOptions(Program program, const QStringList &arguments);

} // namespace signalbox::headless
