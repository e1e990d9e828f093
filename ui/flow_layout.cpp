// SPDX-License-Identifier: Apache-2.0
#include "flow_layout.h"

#include <QWidget>

#include <algorithm>

namespace signalbox::ui {

FlowLayout::FlowLayout(int horizontalSpacing, int verticalSpacing, QWidget *parent)
    : QLayout(parent)
    , m_horizontal(horizontalSpacing)
    , m_vertical(verticalSpacing)
{
    setContentsMargins(0, 0, 0, 0);
}

FlowLayout::~FlowLayout()
{
    qDeleteAll(m_items);
}

QLayoutItem *FlowLayout::takeAt(int index)
{
    return index >= 0 && index < m_items.size() ? m_items.takeAt(index) : nullptr;
}

QSize FlowLayout::minimumSize() const
{
    QSize size;
    for (const QLayoutItem *item : m_items) {
        if (!item->isEmpty())
            size = size.expandedTo(item->minimumSize());
    }
    const QMargins m = contentsMargins();
    return size + QSize(m.left() + m.right(), m.top() + m.bottom());
}

void FlowLayout::setGeometry(const QRect &rect)
{
    QLayout::setGeometry(rect);
    arrange(rect, true);
}

int FlowLayout::arrange(const QRect &rect, bool move) const
{
    const QMargins m = contentsMargins();
    const QRect inside = rect.marginsRemoved(m);
    int x = inside.x();
    int y = inside.y();
    int line = 0;
    for (QLayoutItem *item : m_items) {
        if (item->isEmpty())
            continue;
        const int width
            = std::min(item->sizeHint().width(), std::max(inside.width(), item->minimumSize().width()));
        const int height
            = item->hasHeightForWidth() ? item->heightForWidth(width) : item->sizeHint().height();
        if (x > inside.x() && x + width > inside.x() + inside.width()) {
            x = inside.x();
            y += line + m_vertical;
            line = 0;
        }
        if (move)
            item->setGeometry(QRect(x, y, width, height));
        x += width + m_horizontal;
        line = std::max(line, height);
    }
    return y + line - rect.y() + m.bottom();
}

} // namespace signalbox::ui
