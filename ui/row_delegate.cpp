// SPDX-License-Identifier: Apache-2.0
#include "row_delegate.h"

#include "icons.h"
#include "list_table.h"
#include "time_text.h"

#include <QPainter>

namespace signalbox::ui {

namespace {

constexpr int kPadding = 12;
constexpr int kIcon = 16;
constexpr int kFocusBar = 3;

QColor ground(const ListTable *table, const QStyleOptionViewItem &option, int row)
{
    const Colours &c = colours();
    if (option.state.testFlag(QStyle::State_Selected))
        return c.selection;
    if (row == table->hoveredRow())
        return c.hover;
    return row % 2 ? c.alternate : c.base;
}

} // namespace

RowDelegate::RowDelegate(ListTable *table)
    : QStyledItemDelegate(table)
    , m_table(table)
{
}

void RowDelegate::paint(QPainter *painter, const QStyleOptionViewItem &option, const QModelIndex &index) const
{
    const Colours &c = colours();
    const ListModel *model = m_table->listModel();
    const ListCell cell = model->cell(index.row(), index.column());
    painter->fillRect(option.rect, ground(m_table, option, index.row()));
    const bool current = index.row() == m_table->currentIndex().row();
    if (current && m_table->hasFocus() && m_table->isFirstColumn(index.column()))
        painter->fillRect(QRect(option.rect.topLeft(), QSize(kFocusBar, option.rect.height())), c.accent);

    const bool stale = cell.living && !m_table->time()->isLive();
    const bool dimmed = !model->row(index.row()).matches;
    const QColor colour = dimmed || stale ? c.muted : c.tone(cell.tone);
    QRect place = option.rect.adjusted(kPadding, 0, -kPadding, 0);
    if (!cell.icon.isEmpty()) {
        const qreal ratio = painter->device()->devicePixelRatio();
        painter->drawPixmap(
            place.x(), place.y() + (place.height() - kIcon) / 2, iconPixmap(cell.icon, colour, kIcon, ratio));
        place.setLeft(place.left() + kIcon + 7);
    }
    QFont font = cell.monospace ? m_table->monospace() : option.font;
    font.setItalic(dimmed);
    if (index.column() == 0)
        font.setWeight(QFont::DemiBold);
    painter->setFont(font);
    painter->setPen(colour);
    const QFontMetrics metrics(font);
    const QString text
        = metrics.elidedText(cell.text, cell.elideMiddle ? Qt::ElideMiddle : Qt::ElideRight, place.width());
    painter->drawText(place, Qt::AlignVCenter | (cell.right ? Qt::AlignRight : Qt::AlignLeft), text);
}

} // namespace signalbox::ui
