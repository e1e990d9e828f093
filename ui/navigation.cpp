// SPDX-License-Identifier: Apache-2.0
#include "navigation.h"

#include "icons.h"
#include "theme.h"

#include <QLocale>
#include <QPainter>
#include <QStyledItemDelegate>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

namespace {

enum Role { ViewRole = Qt::UserRole + 1, IconRole, CountRole };

class NavigationDelegate final : public QStyledItemDelegate
{
public:
    using QStyledItemDelegate::QStyledItemDelegate;
    QSize sizeHint(const QStyleOptionViewItem &option, const QModelIndex &) const override
    {
        return QSize(120, option.fontMetrics.height() + 18);
    }
    void paint(QPainter *painter, const QStyleOptionViewItem &option, const QModelIndex &index) const override
    {
        const Colours &c = colours();
        const bool chosen = option.state.testFlag(QStyle::State_Selected);
        const bool hovered = option.state.testFlag(QStyle::State_MouseOver);
        const QRect box = option.rect.adjusted(8, 2, -8, -2);
        painter->setRenderHint(QPainter::Antialiasing);
        if (chosen || hovered) {
            painter->setPen(
                chosen && option.state.testFlag(QStyle::State_HasFocus) ? QPen(c.accent, 1.5) : Qt::NoPen);
            painter->setBrush(chosen ? c.selection : c.hover);
            painter->drawRoundedRect(box, 6, 6);
        }
        const QColor colour = chosen ? c.accent : c.muted;
        painter->drawPixmap(box.x() + 10, box.center().y() - 7,
            iconPixmap(index.data(IconRole).toString(), colour, 16, painter->device()->devicePixelRatio()));
        QFont font = option.font;
        font.setWeight(chosen ? QFont::DemiBold : QFont::Normal);
        painter->setFont(font);
        painter->setPen(c.text);
        painter->drawText(box.adjusted(36, 0, -10, 0), Qt::AlignVCenter | Qt::AlignLeft,
            index.data(Qt::DisplayRole).toString());
        const QVariant count = index.data(CountRole);
        if (count.isValid()) {
            painter->setFont(option.font);
            painter->setPen(c.muted);
            painter->drawText(box.adjusted(0, 0, -10, 0), Qt::AlignVCenter | Qt::AlignRight,
                QLocale().toString(count.toLongLong()));
        }
    }
};

} // namespace

Navigation::Navigation(QWidget *parent)
    : QListView(parent)
    , m_items(new QStandardItemModel(this))
{
    setObjectName(u"navigation"_s);
    setAccessibleName(tr("Views"));
    setModel(m_items);
    setItemDelegate(new NavigationDelegate(this));
    setFrameShape(NoFrame);
    setEditTriggers(NoEditTriggers);
    setMouseTracking(true);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setStyleSheet(u"QListView { background: transparent; border: none; }"_s);
}

void Navigation::addView(const ListKind &kind)
{
    auto *item = new QStandardItem(kind.title());
    item->setData(static_cast<int>(kind.view()), ViewRole);
    item->setData(kind.icon(), IconRole);
    item->setData(kind.title(), Qt::AccessibleTextRole);
    m_items->appendRow(item);
}

QStandardItem *Navigation::itemOf(ViewKind view) const
{
    for (int row = 0; row < m_items->rowCount(); ++row) {
        if (m_items->item(row)->data(ViewRole).toInt() == static_cast<int>(view))
            return m_items->item(row);
    }
    return nullptr;
}

void Navigation::setCount(ViewKind view, qint64 count, const QString &meaning)
{
    QStandardItem *item = itemOf(view);
    if (!item || (item->data(CountRole).isValid() && item->data(CountRole).toLongLong() == count))
        return;
    item->setData(count, CountRole);
    item->setToolTip(meaning);
    item->setData(
        tr("%1, %2", "view, what its count says").arg(item->text(), meaning), Qt::AccessibleTextRole);
}

qint64 Navigation::count(ViewKind view) const
{
    const QStandardItem *item = itemOf(view);
    return item && item->data(CountRole).isValid() ? item->data(CountRole).toLongLong() : -1;
}

void Navigation::setCurrent(ViewKind view)
{
    m_quiet = true;
    if (const QStandardItem *item = itemOf(view))
        setCurrentIndex(item->index());
    m_quiet = false;
}

void Navigation::currentChanged(const QModelIndex &current, const QModelIndex &previous)
{
    QListView::currentChanged(current, previous);
    if (!m_quiet && current.isValid())
        Q_EMIT viewChosen(static_cast<ViewKind>(current.data(ViewRole).toInt()));
}

} // namespace signalbox::ui
