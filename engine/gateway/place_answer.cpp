// SPDX-License-Identifier: Apache-2.0
#include "gateway/place_answer.h"

#include "domain/installation_trouble.h"
#include "domain/slack_text.h"

#include <QDateTime>
#include <QTimeZone>

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {

// In each reader's zone; UTC where the client knows no better.
QString shownTime(Instant at)
{
    const QString utc
        = QDateTime::fromMSecsSinceEpoch(toMs(at), QTimeZone::utc()).toString(u"yyyy-MM-dd HH:mm 'UTC'"_s);
    return u"<!date^%1^{date_short_pretty} {time}|%2>"_s.arg(toMs(at) / 1000).arg(utc);
}

// What stands in a mention or an address must be an id and nothing else: it comes from outside.
bool isId(const QString &id)
{
    return !id.isEmpty() && std::all_of(id.begin(), id.end(), [](QChar c) {
        return (c >= u'A' && c <= u'Z') || (c >= u'0' && c <= u'9');
    });
}

bool isTs(const QString &ts)
{
    return !ts.isEmpty()
        && std::all_of(ts.begin(), ts.end(), [](QChar c) { return (c >= u'0' && c <= u'9') || c == u'.'; });
}

QString linkTo(const store::PlaceTurn &turn, const QString &domain)
{
    const QString inThread
        = turn.thread.isEmpty() || turn.thread == turn.messageTs ? u"this message"_s : u"this thread"_s;
    if (domain.isEmpty() || !isId(turn.place) || !isTs(turn.messageTs))
        return {};
    QString number = turn.messageTs;
    QString url = u"https://%1.slack.com/archives/%2/p%3"_s.arg(domain, turn.place, number.remove(u'.'));
    if (isTs(turn.thread))
        url += u"?thread_ts=%1&cid=%2"_s.arg(turn.thread, turn.place);
    return u" (<%1|%2>)"_s.arg(url, inThread);
}

QString whatItDoes(const store::PlaceTurn &turn)
{
    if (turn.waitsFor == u"person")
        return u", waits for an answer"_s;
    if (turn.waitsFor == u"runtime")
        return u", waits for its agent to start"_s;
    if (turn.waitsFor == u"retry")
        return u", will be tried again"_s;
    return {};
}

QString lineOf(const store::PlaceTurn &turn, const QString &domain)
{
    const QString since = shownTime(turn.since);
    const QString behind = turn.waiters == 0 ? QString()
        : turn.waiters == 1                  ? u", one message behind it"_s
                                             : u", %1 messages behind it"_s.arg(turn.waiters);
    if (turn.deliveryId.isEmpty())
        return u"Held by another program since %1%2"_s.arg(since, behind);
    const QString who = isId(turn.user) ? u"<@%1>"_s.arg(turn.user) : u"somebody"_s;
    return u"For %1 since %2%3%4%5"_s.arg(who, since, linkTo(turn, domain), whatItDoes(turn), behind);
}

Json section(const QString &text)
{
    return Json::object({{u"type"_s, u"section"_s},
        {u"text"_s, Json::object({{u"type"_s, u"mrkdwn"_s}, {u"text"_s, text}})}});
}

Json stopButton(const QString &deliveryId)
{
    const Json label = Json::object({{u"type"_s, u"plain_text"_s}, {u"text"_s, u"Stop"_s}});
    return Json::object({{u"type"_s, u"button"_s}, {u"text"_s, label}, {u"style"_s, u"danger"_s},
        {u"action_id"_s, QString::fromUtf16(kStopAction)}, {u"value"_s, deliveryId}});
}

QString pausedLine(const domain::InstallationItem &item)
{
    QStringList paused;
    for (const domain::PauseItem &pause : item.pauses) {
        const QString line = u"%1 since %2"_s.arg(pause.what, shownTime(pause.since));
        if (!paused.contains(line))
            paused << line;
    }
    return paused.isEmpty() ? QString() : u"Paused: "_s + paused.join(u", "_s);
}

} // namespace

Json textAnswer(const QString &text)
{
    return Json::object({{u"text"_s, text}});
}

Json ephemeral(Json message)
{
    message.set(u"response_type"_s, u"ephemeral"_s);
    return message;
}

Json turnsAnswer(const store::PlaceStatus &status, const QString &domain)
{
    if (status.turns.empty())
        return textAnswer(u"Nothing runs in this channel."_s);
    QString text = status.turns.size() == 1 ? u"One turn runs in this channel:"_s
                                            : u"%1 turns run in this channel:"_s.arg(status.turns.size());
    Json blocks = Json::array();
    blocks.append(section(text));
    int number = 0;
    for (const store::PlaceTurn &turn : status.turns) {
        const QString line = lineOf(turn, domain);
        text += u'\n' + line;
        Json block = section(line);
        block.set(u"block_id"_s, u"signalbox_turn_%1"_s.arg(++number));
        if (!turn.deliveryId.isEmpty())
            block.set(u"accessory"_s, stopButton(turn.deliveryId));
        blocks.append(std::move(block));
    }
    if (status.more) {
        text += u"\nAnd more."_s;
        blocks.append(section(u"And more."_s));
    }
    Json answer = textAnswer(text);
    answer.set(u"blocks"_s, std::move(blocks));
    return answer;
}

Json statusAnswer(const store::PlaceStatus &status,
    const std::optional<domain::InstallationItem> &installation, const QString &backendKind,
    const QString &engine)
{
    QStringList lines;
    if (installation) {
        lines << u"Installation `%1` is %2, its backend is `%3` (%4), engine `%5`."_s.arg(
            installation->id, installation->state, installation->backend, backendKind, engine);
        const QString words = domain::troubleWords(installation->trouble);
        lines << (words.isEmpty()
                ? u"No trouble is known."_s
                : u"Trouble since %1: %2"_s.arg(shownTime(installation->troubleSince), words));
        if (const QString paused = pausedLine(*installation); !paused.isEmpty())
            lines << paused;
    }
    lines << u"In hand: %1 running, %2 waiting, %3 about to start."_s.arg(status.running)
                 .arg(status.waiting)
                 .arg(status.pending);
    if (status.needPerson > 0)
        lines << u"%1 ended without an answer and wait for an operator."_s.arg(status.needPerson);
    const size_t here = status.turns.size();
    lines << (here == 0 ? u"Nothing runs in this channel."_s
                        : u"%1 of them in this channel: `/signalbox turns` shows them."_s.arg(here));
    return textAnswer(lines.join(u'\n'));
}

Json helpAnswer()
{
    return textAnswer(
        u"`/signalbox` or `/signalbox turns`: what runs in this channel, and a button to stop it\n"
        "`/signalbox status`: how this installation is\n"
        "`/signalbox help`: this text"_s);
}

} // namespace signalbox::gateway
