// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QByteArray>
#include <QLoggingCategory>
#include <QString>

#include <initializer_list>
#include <utility>

namespace signalbox {

enum class LogFormat { Text, Json };

// Field of a log line: a correlation id, a count, a code. Never message text, a name, an address, a token or
// a body (DESIGN.md "Security and privacy").
using LogField = std::pair<const char *, QString>;
// What Q_LOGGING_CATEGORY defines: one for each folder, "signalbox.engine.<folder>".
using LogCategory = const QLoggingCategory &(*)();

// Installs the process-wide handler: one line per event to stderr, as text or as a JSON object, with UTC
// time, level, category and fields. `level` is one of debug, info, warning, error. Call once, before threads
// start.
void installLogging(LogFormat format, const QString &level);

void logDebug(LogCategory category, const char *event, std::initializer_list<LogField> fields = {});
void logInfo(LogCategory category, const char *event, std::initializer_list<LogField> fields = {});
void logWarning(LogCategory category, const char *event, std::initializer_list<LogField> fields = {});
// Needs a person.
void logCritical(LogCategory category, const char *event, std::initializer_list<LogField> fields = {});

} // namespace signalbox
