// SPDX-License-Identifier: Apache-2.0
#include "timeline_widget.h"

#include "icons.h"
#include "theme.h"
#include "time_text.h"
#include "words.h"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QPainter>
#include <QPainterPath>
#include <QToolTip>

#include <array>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::TimelineEntry;

namespace {

constexpr int kLabelWidth = 96;
constexpr int kMargin = 12;
constexpr int kAxis = 26;
constexpr int kFoot = 30;
constexpr double kThinnest = 4;

Tone toneOf(const TimelineEntry &entry)
{
    if (entry.failed)
        return Tone::Danger;
    if (entry.what == u"waiting" || entry.what == u"status" || entry.what == u"notice")
        return Tone::Warn;
    if (entry.lane == u"lock")
        return Tone::Doubt;
    if (entry.lane == u"outbound" || entry.what == u"ended")
        return Tone::Good;
    return Tone::Info;
}

// A step of 1, 2, 5 × 10ⁿ ms, or whole seconds, minutes and hours, that gives at most `ticks` lines.
qint64 stepFor(qint64 length, int ticks)
{
    static constexpr std::array<qint64, 22> kSteps{10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10'000,
        15'000, 30'000, 60'000, 120'000, 300'000, 600'000, 900'000, 1'800'000, 3'600'000, 7'200'000,
        21'600'000, 86'400'000};
    for (const qint64 step : kSteps) {
        if (length / step <= ticks)
            return step;
    }
    return (length / ticks / 86'400'000 + 1) * 86'400'000;
}

} // namespace

TimelineWidget::TimelineWidget(const TimeText *time, QWidget *parent)
    : QWidget(parent)
    , m_time(time)
{
    setObjectName(u"timeline"_s);
    setFocusPolicy(Qt::StrongFocus);
    setAccessibleName(tr("Timeline"));
    const auto repaint = [this] {
        measure();
        update();
    };
    connect(time, &TimeText::ticked, this, repaint);
    connect(time, &TimeText::changed, this, repaint);
}

void TimelineWidget::setEntries(const QList<TimelineEntry> &entries)
{
    m_entries = entries;
    m_lanes = {u"inbound"_s, u"lock"_s, u"turn"_s, u"outbound"_s};
    QStringList spoken;
    for (int i = 0; i < count(); ++i) {
        if (!m_lanes.contains(m_entries.at(i).lane))
            m_lanes.append(m_entries.at(i).lane);
        spoken.append(describe(i));
    }
    if (m_current >= count())
        m_current = -1;
    setAccessibleDescription(spoken.join(u"; "_s));
    measure();
    updateGeometry();
    update();
}

void TimelineWidget::measure()
{
    if (m_entries.isEmpty())
        return;
    m_from = m_entries.constFirst().from;
    m_to = m_from;
    for (const TimelineEntry &entry : std::as_const(m_entries)) {
        m_from = std::min(m_from, entry.from);
        m_to = std::max({m_to, entry.from, endOf(entry)});
    }
    m_to = std::max(m_to, m_from + Millis(10));
}

Instant TimelineWidget::endOf(const TimelineEntry &entry) const
{
    if (entry.open)
        return std::max(entry.from, m_time->now());
    return isNever(entry.to) ? entry.from : entry.to;
}

int TimelineWidget::laneHeight() const
{
    return fontMetrics().height() + 18;
}

QSize TimelineWidget::sizeHint() const
{
    return QSize(
        640, kAxis + kFoot + 12 + static_cast<int>(std::max<qsizetype>(4, m_lanes.size())) * laneHeight());
}

QSize TimelineWidget::minimumSizeHint() const
{
    return QSize(280, sizeHint().height());
}

QRect TimelineWidget::plot() const
{
    return QRect(kMargin + kLabelWidth, kAxis, std::max(40, width() - kLabelWidth - 3 * kMargin),
        static_cast<int>(m_lanes.size()) * laneHeight());
}

double TimelineWidget::x(Instant at) const
{
    const QRect area = plot();
    const double part
        = static_cast<double>((at - m_from).count()) / static_cast<double>((m_to - m_from).count());
    return area.left() + part * area.width();
}

QRectF TimelineWidget::entryRect(int index) const
{
    const TimelineEntry &entry = m_entries.at(index);
    const double lane = static_cast<double>(m_lanes.indexOf(entry.lane));
    const double top = plot().top() + lane * laneHeight() + 7;
    const double height = laneHeight() - 14;
    const double from = x(entry.from);
    const double to = x(endOf(entry));
    if (!entry.open && isNever(entry.to))
        return QRectF(from - 6, top + height / 2 - 6, 12, 12);
    return QRectF(from, top, std::max(kThinnest, to - from), height);
}

QString TimelineWidget::describe(int index) const
{
    const TimelineEntry &entry = m_entries.at(index);
    QString text = laneName(entry.lane) + u" · "_s + timelineWhat(entry.what);
    if (entry.failed)
        text += u" · "_s + tr("failed");
    text += u" · "_s + m_time->clockTime(entry.from);
    if (entry.open)
        text += u" – "_s + tr("still going on");
    else if (!isNever(entry.to))
        text += u" – "_s + m_time->clockTime(entry.to) + u" ("_s + TimeText::span(entry.to - entry.from)
            + u')';
    if (!entry.detail.isEmpty())
        text += u" · "_s + entry.detail;
    return text;
}

void TimelineWidget::paintEvent(QPaintEvent *)
{
    const Colours &c = colours();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.fillRect(rect(), c.base);
    if (m_entries.isEmpty())
        return;
    paintAxis(painter);
    for (int i = 0; i < count(); ++i)
        paintEntry(painter, i);
    const QRect foot(kMargin, plot().bottom() + 8, width() - 2 * kMargin, kFoot - 4);
    painter.setPen(m_current >= 0 ? c.text : c.muted);
    const QString text = m_current >= 0 ? describe(m_current)
                                        : tr("Choose an entry for its times: click, or Left and Right.");
    painter.drawText(
        foot, Qt::AlignVCenter | Qt::AlignLeft, fontMetrics().elidedText(text, Qt::ElideRight, foot.width()));
}

void TimelineWidget::paintAxis(QPainter &painter) const
{
    const Colours &c = colours();
    const QRect area = plot();
    for (int lane = 0; lane < m_lanes.size(); ++lane) {
        const QRect band(kMargin, area.top() + lane * laneHeight(), width() - 2 * kMargin, laneHeight());
        if (lane % 2 == 0)
            painter.fillRect(band, c.alternate);
        painter.setPen(c.muted);
        painter.drawText(
            band.adjusted(8, 0, 0, 0), Qt::AlignVCenter | Qt::AlignLeft, laneName(m_lanes.at(lane)));
    }
    const qint64 length = (m_to - m_from).count();
    const qint64 step = stepFor(length, std::max(2, area.width() / 110));
    for (qint64 offset = 0; offset <= length; offset += step) {
        const double left = x(m_from + Millis(offset));
        painter.setPen(QPen(c.border, 1));
        painter.drawLine(QPointF(left, area.top()), QPointF(left, area.bottom() + 1));
        painter.setPen(c.muted);
        const QString text
            = offset == 0 ? m_time->clockTime(m_from).left(8) : u"+"_s + TimeText::span(Millis(offset));
        const QRectF label(left - 50, 2, 100, kAxis - 4);
        if (offset == 0)
            painter.drawText(label.translated(48, 0), Qt::AlignVCenter | Qt::AlignLeft, text);
        else if (left + 30 < width() && left - area.left() > 90)
            painter.drawText(label, Qt::AlignCenter, text);
    }
}

void TimelineWidget::paintEntry(QPainter &painter, int index) const
{
    const Colours &c = colours();
    const TimelineEntry &entry = m_entries.at(index);
    const QRectF box = entryRect(index);
    const QColor colour = c.tone(toneOf(entry));
    const bool chosen = index == m_current;
    painter.setPen(QPen(chosen ? c.text : colour, chosen ? 2 : 1));
    if (!entry.open && isNever(entry.to)) {
        painter.setBrush(colour);
        const QPointF m = box.center();
        painter.drawPolygon(QPolygonF(
            {{m.x(), box.top()}, {box.right(), m.y()}, {m.x(), box.bottom()}, {box.left(), m.y()}}));
        return;
    }
    const QColor fill = blend(colour, c.base, c.dark ? 0.30 : 0.18);
    if (entry.open) {
        QLinearGradient gradient(box.topLeft(), box.topRight());
        gradient.setColorAt(0, fill);
        gradient.setColorAt(1, blend(colour, c.base, 0.06));
        painter.setBrush(gradient);
        painter.setPen(QPen(chosen ? c.text : colour, chosen ? 2 : 1, Qt::DashLine));
    } else {
        painter.setBrush(fill);
    }
    painter.drawRoundedRect(box, 3, 3);
    const QString text = timelineWhat(entry.what) + u"  "_s + TimeText::span(endOf(entry) - entry.from);
    const int icon = entry.failed ? 20 : 0;
    const QString name
        = fontMetrics().horizontalAdvance(text) + 14 + icon <= box.width() ? text : timelineWhat(entry.what);
    if (fontMetrics().horizontalAdvance(name) + 14 + icon > box.width())
        return;
    if (entry.failed)
        painter.drawPixmap(QPointF(box.left() + 6, box.center().y() - 7),
            iconPixmap(u"dead"_s, colour, 14, devicePixelRatioF()));
    painter.setPen(c.text);
    painter.drawText(box.adjusted(7 + icon, 0, -4, 0), Qt::AlignVCenter | Qt::AlignLeft, name);
}

int TimelineWidget::at(const QPointF &place) const
{
    for (int i = count() - 1; i >= 0; --i) { // points lie over spans
        if (entryRect(i).adjusted(-3, -3, 3, 3).contains(place))
            return i;
    }
    return -1;
}

void TimelineWidget::setCurrent(int entry)
{
    m_current = entry;
    update();
}

void TimelineWidget::keyPressEvent(QKeyEvent *event)
{
    if (event->key() == Qt::Key_Right && count() > 0)
        setCurrent(std::min(m_current + 1, count() - 1));
    else if (event->key() == Qt::Key_Left && count() > 0)
        setCurrent(std::max(m_current - 1, 0));
    else
        QWidget::keyPressEvent(event);
}

void TimelineWidget::mousePressEvent(QMouseEvent *event)
{
    setCurrent(at(event->position()));
}

bool TimelineWidget::event(QEvent *event)
{
    if (event->type() == QEvent::ToolTip) {
        const auto *help = static_cast<QHelpEvent *>(event);
        const int entry = at(help->pos());
        if (entry >= 0)
            QToolTip::showText(help->globalPos(), describe(entry), this);
        else
            QToolTip::hideText();
        return true;
    }
    return QWidget::event(event);
}

} // namespace signalbox::ui
