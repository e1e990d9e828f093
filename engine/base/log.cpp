// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include "base/clock.h"
#include "base/json.h"

#include <unistd.h>

using namespace Qt::StringLiterals;

namespace signalbox {

namespace {

// Separates the event from its encoded fields inside one Qt message, so that fields survive Qt's logging
// unchanged.
constexpr QChar kFieldMark(0x1e);
LogFormat g_format = LogFormat::Text;

const char *levelName(QtMsgType type)
{
    switch (type) {
    case QtDebugMsg:
        return "debug";
    case QtInfoMsg:
        return "info";
    case QtWarningMsg:
        return "warning";
    case QtCriticalMsg:
    case QtFatalMsg:
        return "error";
    }
    return "error";
}

void writeLine(QtMsgType type, const QMessageLogContext &context, const QString &message)
{
    const SystemClock clock;
    const qsizetype mark = message.indexOf(kFieldMark);
    const QString event = mark < 0 ? message : message.left(mark);
    const QStringList fields = mark < 0 ? QStringList() : message.mid(mark + 1).split(kFieldMark);
    QByteArray line;
    if (g_format == LogFormat::Json) {
        Json object = Json::object(
            {{u"time"_s, toRfc3339(clock.now())}, {u"level"_s, QString::fromLatin1(levelName(type))},
                {u"category"_s, QString::fromUtf8(context.category)}, {u"event"_s, event}});
        for (qsizetype i = 0; i + 1 < fields.size(); i += 2)
            object.set(fields[i], fields[i + 1]);
        line = object.toBytes();
    } else {
        line = toRfc3339(clock.now()).toUtf8() + ' ' + levelName(type) + ' ' + context.category + ": "
            + event.toUtf8();
        for (qsizetype i = 0; i + 1 < fields.size(); i += 2)
            line += ' ' + fields[i].toUtf8() + '=' + fields[i + 1].toUtf8();
        for (char &c : line) {
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
                c = ' '; // neither a second line nor a terminal's control sequence
        }
    }
    line += '\n';
    // One write per line keeps lines of several threads whole; a log that cannot be written stops nothing.
    [[maybe_unused]] const auto written
        = ::write(STDERR_FILENO, line.constData(), static_cast<size_t>(line.size()));
}

QString encode(const char *event, std::initializer_list<LogField> fields)
{
    QString text = QString::fromUtf8(event);
    for (const auto &[name, value] : fields) {
        QString plain = value;
        plain.remove(kFieldMark); // a value must not make fields of its own
        text += kFieldMark + QString::fromUtf8(name) + kFieldMark + plain;
    }
    return text;
}

} // namespace

void installLogging(LogFormat format, const QString &level)
{
    g_format = format;
    QString rules = u"*.debug=false\n"_s;
    if (level == u"debug")
        rules = u"signalbox.*.debug=true\n"_s;
    else if (level == u"warning")
        rules += u"*.info=false\n"_s;
    else if (level == u"error")
        rules += u"*.info=false\n*.warning=false\n"_s;
    QLoggingCategory::setFilterRules(rules);
    qInstallMessageHandler(writeLine);
}

void logDebug(LogCategory category, const char *event, std::initializer_list<LogField> fields)
{
    if (category().isDebugEnabled())
        QMessageLogger(nullptr, 0, nullptr, category().categoryName()).debug().noquote()
            << encode(event, fields);
}

void logInfo(LogCategory category, const char *event, std::initializer_list<LogField> fields)
{
    if (category().isInfoEnabled())
        QMessageLogger(nullptr, 0, nullptr, category().categoryName()).info().noquote()
            << encode(event, fields);
}

void logWarning(LogCategory category, const char *event, std::initializer_list<LogField> fields)
{
    if (category().isWarningEnabled())
        QMessageLogger(nullptr, 0, nullptr, category().categoryName()).warning().noquote()
            << encode(event, fields);
}

void logCritical(LogCategory category, const char *event, std::initializer_list<LogField> fields)
{
    if (category().isCriticalEnabled())
        QMessageLogger(nullptr, 0, nullptr, category().categoryName()).critical().noquote()
            << encode(event, fields);
}

} // namespace signalbox
