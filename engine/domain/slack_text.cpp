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
    // A cut inside a run of backticks would make another fence of it.
    while (end > least && text[end - 1] == u'`' && end < text.size() && text[end] == u'`')
        --end;
    const qsizetype escape = text.left(to).lastIndexOf(u'&');
    if (escape >= to - 5 && escape > from && text.mid(escape, to - escape).indexOf(u';') < 0)
        end = escape;
    if (end > from + 1 && text[end - 1].isHighSurrogate())
        --end;
    return end;
}

constexpr QStringView kFence = u"```";

// Whether a code fence is open at the end of this text. A longer run of backticks holds as many as fit into
// it.
bool opensFence(QStringView text, bool openBefore)
{
    bool open = openBefore;
    for (qsizetype at = text.indexOf(kFence); at >= 0; at = text.indexOf(kFence, at + kFence.size()))
        open = !open;
    return open;
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
    // Blanks at the very end would make a part of their own.
    QStringView text = escaped;
    while (!text.isEmpty() && text.back().isSpace())
        text.chop(1);
    static constexpr qsizetype kFenceRoom = 8; // "```\n" in front and "\n```" behind
    QStringList parts;
    bool fence = false;
    qsizetype from = 0;
    while (from < text.size()) {
        const qsizetype room = limit - kFenceRoom;
        const bool last = text.size() - from <= room;
        const qsizetype end = last ? text.size() : breakBefore(text, from, from + room);
        QStringView piece = text.mid(from, end - from);
        from = end;
        while (!piece.isEmpty() && piece.back().isSpace())
            piece.chop(1);
        if (piece.isEmpty())
            continue;
        const bool fenceAfter = opensFence(piece, fence);
        QString part = piece.toString();
        if (fence)
            part.prepend(u"```\n"_s);
        if (fenceAfter && !last)
            part.append(u"\n```"_s);
        fence = fenceAfter;
        parts << part;
    }
    return parts;
}

} // namespace signalbox::domain
