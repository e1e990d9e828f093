// SPDX-License-Identifier: Apache-2.0
#include "installation_text.h"

#include "domain/installation_trouble.h"
#include "time_text.h"
#include "words.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::InstallationItem;
using domain::PauseItem;

namespace {

class PauseText
{
    Q_DECLARE_TR_FUNCTIONS(PauseText)
};

QString scopeText(const PauseItem &pause)
{
    if (pause.scope == u"installation")
        return PauseText::tr("this installation");
    if (pause.scope == u"backend")
        return PauseText::tr("backend %1").arg(pause.id);
    return PauseText::tr("all engines");
}

QString pauseLine(const PauseItem &pause, const TimeText &time)
{
    const QString until = isNever(pause.until) ? PauseText::tr("until it is resumed")
                                               : PauseText::tr("until %1").arg(time.moment(pause.until));
    QString line
        = PauseText::tr("%1 (%2), by %3 since %4, %5", "what, where, who, when, until when")
              .arg(pausableText(pause.what), scopeText(pause), pause.who, time.moment(pause.since), until);
    if (!pause.reason.isEmpty())
        line += u": "_s + pause.reason;
    return line;
}

} // namespace

QString troubleText(const InstallationItem &item)
{
    const QString words = domain::troubleWords(item.trouble);
    return words.isEmpty() ? item.trouble : words;
}

QList<PauseItem> pausesInForce(const InstallationItem &item, const TimeText &time)
{
    QList<PauseItem> pauses = item.pauses;
    pauses.removeIf(
        [&time](const PauseItem &pause) { return !isNever(pause.until) && pause.until <= time.now(); });
    return pauses;
}

QString pausedText(const InstallationItem &item, const TimeText &time)
{
    QStringList words;
    for (const PauseItem &pause : pausesInForce(item, time)) {
        const QString word = pausableText(pause.what);
        if (!words.contains(word))
            words << word;
    }
    return words.join(u", "_s);
}

QString pauseLines(const InstallationItem &item, const TimeText &time)
{
    QStringList lines;
    for (const PauseItem &pause : pausesInForce(item, time))
        lines << pauseLine(pause, time);
    return lines.join(u'\n');
}

} // namespace signalbox::ui
