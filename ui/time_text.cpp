// SPDX-License-Identifier: Apache-2.0
#include "time_text.h"

#include <QDateTime>
#include <QTimeZone>
#include <QTimer>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

TimeText::TimeText(const Clock *clock, QObject *parent)
    : QObject(parent)
    , m_clock(clock)
{
    auto *timer = new QTimer(this);
    connect(timer, &QTimer::timeout, this, [this] {
        if (m_live)
            Q_EMIT ticked();
    });
    timer->start(1000);
}

void TimeText::setUtc(bool utc)
{
    if (utc == m_utc)
        return;
    m_utc = utc;
    Q_EMIT changed();
}

void TimeText::synchronise(Instant engineNow)
{
    m_asOf = engineNow;
    m_skew = engineNow - m_clock->now();
}

void TimeText::setLive(bool live)
{
    if (live == m_live)
        return;
    if (!live)
        m_asOf = now();
    m_live = live;
    Q_EMIT changed();
}

Instant TimeText::now() const
{
    return m_live || isNever(m_asOf) ? m_clock->now() + m_skew : m_asOf;
}

QDateTime TimeText::at(Instant when) const
{
    const auto utc = QDateTime::fromMSecsSinceEpoch(toMs(when), Qt::UTC);
    return m_utc ? utc : utc.toLocalTime();
}

QString TimeText::moment(Instant when) const
{
    if (isNever(when))
        return {};
    const QDateTime time = at(when);
    const QString clock = time.toString(u"HH:mm:ss"_s);
    if (time.date() == at(now()).date())
        return clock;
    return QLocale().toString(time.date(), tr("d MMM", "date in a table")) + u' ' + clock;
}

QString TimeText::clockTime(Instant when) const
{
    return isNever(when) ? QString() : at(when).toString(u"HH:mm:ss.zzz"_s);
}

QString TimeText::full(Instant when) const
{
    if (isNever(when))
        return {};
    const QDateTime time = at(when);
    const QString local = QLocale().toString(time.date(), QLocale::LongFormat) + u' ' + clockTime(when) + u' '
        + (m_utc ? u"UTC"_s : time.timeZoneAbbreviation());
    return local + u'\n' + toRfc3339(when);
}

QString TimeText::span(Millis length)
{
    const qint64 ms = std::max<qint64>(0, length.count());
    const qint64 s = ms / 1000;
    const QLocale locale;
    if (s < 10 && ms % 1000 != 0)
        return tr("%1 s").arg(locale.toString(static_cast<double>(ms) / 1000.0, 'f', 1));
    if (s < 60)
        return tr("%1 s").arg(locale.toString(s));
    if (s < 3600)
        return tr("%1 min %2 s").arg(locale.toString(s / 60), locale.toString(s % 60));
    if (s < 86400)
        return tr("%1 h %2 min").arg(locale.toString(s / 3600), locale.toString(s / 60 % 60));
    return tr("%1 d %2 h").arg(locale.toString(s / 86400), locale.toString(s / 3600 % 24));
}

QString TimeText::age(Instant since) const
{
    if (isNever(since))
        return {};
    return span(std::chrono::floor<std::chrono::seconds>(now() - since));
}

QString TimeText::until(Instant when) const
{
    if (isNever(when))
        return {};
    const Millis left = when - now();
    return left.count() <= 0 ? tr("due")
                             : tr("in %1").arg(span(std::chrono::ceil<std::chrono::seconds>(left)));
}

} // namespace signalbox::ui
