// SPDX-License-Identifier: Apache-2.0
#include "cells.h"

#include "time_text.h"

#include <QTextDocument>

namespace signalbox::ui {

QString plainTip(const QString &text)
{
    if (!Qt::mightBeRichText(text))
        return text;
    return QStringLiteral("<span>") + text.toHtmlEscaped() + QStringLiteral("</span>");
}

ListCell textCell(const QString &text)
{
    ListCell cell;
    cell.text = cell.tip = text;
    return cell;
}

ListCell monoCell(const QString &text)
{
    ListCell cell = textCell(text);
    cell.monospace = true;
    return cell;
}

ListCell idCell(const QString &text)
{
    ListCell cell = monoCell(text);
    cell.elideMiddle = true;
    return cell;
}

ListCell numberCell(qint64 value, const QString &tip)
{
    ListCell cell;
    cell.text = value > 0 ? QLocale().toString(value) : QString();
    cell.tip = tip;
    cell.right = true;
    return cell;
}

ListCell momentCell(Instant at, const TimeText &time)
{
    ListCell cell;
    cell.text = time.moment(at);
    cell.tip = time.full(at);
    cell.right = true;
    return cell;
}

ListCell ageCell(Instant since, const TimeText &time)
{
    ListCell cell;
    cell.text = time.age(since);
    cell.tip = time.full(since);
    cell.living = true;
    cell.right = true;
    return cell;
}

ListCell lookCell(const StateLook &look)
{
    ListCell cell;
    cell.text = look.word;
    cell.icon = look.icon;
    cell.tone = look.tone;
    return cell;
}

ListCell mutedCell(const QString &text)
{
    ListCell cell;
    cell.text = text;
    cell.tone = Tone::Muted;
    return cell;
}

} // namespace signalbox::ui
