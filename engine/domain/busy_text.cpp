// SPDX-License-Identifier: Apache-2.0
#include "domain/busy_text.h"

#include <QDateTime>
#include <QTimeZone>

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::domain {

namespace {

QString sentence(const Busy &busy, const QString &whose, const QString &since)
{
    const QString queue = busy.ahead > 1
        ? u"Your message is number %1 in the queue and has not been lost."_s.arg(busy.ahead)
        : u"Your message is next and has not been lost."_s;
    return u"I am still working on %1, since %2. %3"_s.arg(whose, since, queue);
}

// What stands in a mention must be an id and nothing else: it comes from outside.
bool isUserId(const QString &user)
{
    return !user.isEmpty() && std::all_of(user.begin(), user.end(), [](QChar c) {
        return (c >= u'A' && c <= u'Z') || (c >= u'0' && c <= u'9');
    });
}

QString ownOrOther(const Busy &busy, const QString &shown)
{
    if (busy.holderUser.isEmpty() || shown.isEmpty())
        return u"an earlier message"_s;
    return busy.holderUser == busy.user ? u"your earlier message"_s : u"a message of "_s + shown;
}

QString utcTime(Instant at)
{
    return QDateTime::fromMSecsSinceEpoch(toMs(at), QTimeZone::utc()).toString(u"HH:mm 'UTC'"_s);
}

} // namespace

QString busyTextForSlack(const Busy &busy)
{
    const QString since = u"<!date^%1^{time}|%2>"_s.arg(toMs(busy.since) / 1000).arg(utcTime(busy.since));
    return sentence(busy,
        ownOrOther(busy, isUserId(busy.holderUser) ? u"<@"_s + busy.holderUser + u'>' : QString()), since);
}

QString busyTextPlain(const Busy &busy)
{
    return sentence(busy, ownOrOther(busy, busy.holderUser), utcTime(busy.since));
}

} // namespace signalbox::domain
