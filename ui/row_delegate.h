// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QStyledItemDelegate>

namespace signalbox::ui {

class ListTable;

// Paints a cell of a ListTable: icon and word, ids in a fixed-width font with their middle left out, ages
// that go grey when the data is not live, rows dimmed that left the filter. A child of its table.
class RowDelegate final : public QStyledItemDelegate
{
    Q_OBJECT
public:
    explicit RowDelegate(ListTable *table);
    void paint(
        QPainter *painter, const QStyleOptionViewItem &option, const QModelIndex &index) const override;

private:
    ListTable *m_table;
};

} // namespace signalbox::ui
