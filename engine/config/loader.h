// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "config/problem.h"

#include <QProcessEnvironment>
#include <QStringList>

#include <functional>
#include <optional>
#include <tl/expected.hpp>

namespace signalbox::config {

// Where the configuration comes from. The defaults are this process's own; tests replace them.
struct LoadOptions
{
    LoadOptions();

    // From the command line.
    QString configFile; // --config; empty: searched for
    QString dataDir; // --data-dir; a relative one starts at the current folder
    std::optional<LogFormat> logFormat; // --log-format

    // False: defaults and the command line only, for a sandbox that must not see a person's own
    // configuration.
    bool readFiles = true;
    // The engine inside the console: never reads /etc, and its listeners are off unless configured.
    bool embedded = false;

    QProcessEnvironment environment; // SIGNALBOX_CONFIG, STATE_DIRECTORY, variables of x_env
    QString configHome; // $XDG_CONFIG_HOME, or what the platform has for it
    QString dataHome; // $XDG_DATA_HOME, or what the platform has for it
    QString systemConfigDir; // "/etc"
    // Gives the value of x_keychain = NAME: sealed in the database (signalboxd) or in the system keychain
    // (console). Nothing: there is no such value. Not set: this caller has no such place.
    std::function<std::optional<QByteArray>(const QString &name)> sealedSecret;
};

struct Loaded
{
    Config config;
    QStringList filesRead; // absolute, in the order in which they apply
};

// Defaults, then the file, then conf.d/*.toml beside it in the order of their names, then the command line
// (INTERFACE.md "Programs"). A later value replaces an earlier one; entries of [[backends]],
// [[installations]] and
// [[….tokens]] add up. Blocking file access; nothing is written. On failure every problem there is, in
// reading order: the caller exits with 78.
[[nodiscard]] tl::expected<Loaded, QList<Problem>> load(const LoadOptions &options);

} // namespace signalbox::config
