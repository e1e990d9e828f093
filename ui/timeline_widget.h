// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/items.h"

#include <QWidget>

namespace signalbox::ui {

class TimeText;

// The lanes of one delivery (inbound, lock, turn, outbound) on one time axis: spans as bars, points as
// diamonds, what failed in red with a cross, what still goes on with an open end that grows. Left and Right
// walk through the entries; the line below tells the one that is chosen. UI thread.
class TimelineWidget final : public QWidget
{
    Q_OBJECT
public:
    explicit TimelineWidget(const TimeText *time, QWidget *parent = nullptr);
    void setEntries(const QList<domain::TimelineEntry> &entries);
    [[nodiscard]] int count() const { return static_cast<int>(m_entries.size()); }
    [[nodiscard]] int current() const { return m_current; }
    [[nodiscard]] QString describe(int entry) const;
    [[nodiscard]] QRectF entryRect(int entry) const;
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent *event) override;
    void keyPressEvent(QKeyEvent *event) override;
    void mousePressEvent(QMouseEvent *event) override;
    bool event(QEvent *event) override;

private:
    [[nodiscard]] Instant endOf(const domain::TimelineEntry &entry) const;
    [[nodiscard]] double x(Instant at) const;
    [[nodiscard]] int laneHeight() const;
    [[nodiscard]] QRect plot() const;
    [[nodiscard]] int at(const QPointF &place) const;
    void measure();
    void paintAxis(QPainter &painter) const;
    void paintEntry(QPainter &painter, int entry) const;
    void setCurrent(int entry);

    const TimeText *m_time;
    QList<domain::TimelineEntry> m_entries;
    QStringList m_lanes;
    Instant m_from;
    Instant m_to;
    int m_current = -1;
};

} // namespace signalbox::ui
