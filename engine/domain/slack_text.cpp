// SPDX-License-Identifier: Apache-2.0
#include "domain/slack_text.h"

#include <QRegularExpression>

using namespace Qt::StringLiterals;

namespace signalbox::domain {

namespace {

// Where to end a part that begins at `from` and may reach `to`: behind the best break, or at `to`.
qsizetype breakBefore(QStringView text, qsizetype from, qsizetype to)
{
    const qsizetype least = from + (to - from) / 2; // no tiny parts for the sake of a nice break
    for (const QStringView mark : {QStringView(u"\n\n"), QStringView(u"\n"), QStringView(u" ")}) {
        const qsizetype at = text.left(to).lastIndexOf(mark);
        if (at >= least)
            return at + mark.size();
    }
    qsizetype end = to;
    const qsizetype escape = text.left(to).lastIndexOf(u'&');
    if (escape >= to - 5 && escape > from && text.mid(escape, to - escape).indexOf(u';') < 0)
        end = escape;
    if (end > from + 1 && text[end - 1].isHighSurrogate())
        --end;
    return end;
}

// Whether a code fence is open at the end of this text.
bool opensFence(QStringView text, bool openBefore)
{
    return (text.count(u"```") % 2 == 1) != openBefore;
}

} // namespace

QString promptText(const QString &text, const QString &botUserId, bool isMentionEvent, bool unescape)
{
    QString result = text;
    if (!botUserId.isEmpty()) {
        const QString token = u"<@"_s + botUserId + u'>';
        const qsizetype at = result.indexOf(token);
        if (at >= 0)
            result.remove(at, token.size());
    } else if (isMentionEvent) {
        static const QRegularExpression kMention(u"<@[^>]*>"_s);
        result.replace(kMention, u" "_s);
    }
    result = result.trimmed();
    if (unescape)
        result.replace(u"&lt;"_s, u"<"_s).replace(u"&gt;"_s, u">"_s).replace(u"&amp;"_s, u"&"_s);
    return result;
}

QString escapeForSlack(const QString &text)
{
    QString result;
    result.reserve(text.size());
    for (const QChar c : text) {
        if (c == u'&')
            result += u"&amp;"_s;
        else if (c == u'<')
            result += u"&lt;"_s;
        else if (c == u'>')
            result += u"&gt;"_s;
        else
            result += c;
    }
    return result;
}

QStringList splitForSlack(const QString &escaped, qsizetype limit)
{
    if (escaped.size() <= limit)
        return {escaped};
    static constexpr qsizetype kFenceRoom = 8; // "```\n" in front and "\n```" behind
    QStringList parts;
    bool fence = false;
    qsizetype from = 0;
    while (from < escaped.size()) {
        const qsizetype room = limit - kFenceRoom;
        const bool last = escaped.size() - from <= room;
        const qsizetype end = last ? escaped.size() : breakBefore(escaped, from, from + room);
        QStringView piece = QStringView(escaped).mid(from, end - from);
        from = end;
        const bool fenceAfter = opensFence(piece, fence);
        if (!last) {
            while (!piece.isEmpty() && piece.back().isSpace())
                piece.chop(1);
        }
        QString part = piece.toString();
        if (fence)
            part.prepend(u"```\n"_s);
        if (fenceAfter && !last)
            part.append(u"\n```"_s);
        fence = fenceAfter;
        if (!part.trimmed().isEmpty())
            parts << part;
    }
    return parts;
}

} // namespace signalbox::domain
