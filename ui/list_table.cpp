// SPDX-License-Identifier: Apache-2.0
#include "list_table.h"

#include "row_delegate.h"
#include "time_text.h"

#include <QHeaderView>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QScrollBar>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

ListTable::ListTable(ListModel *model, const TimeText *time, QWidget *parent)
    : QTableView(parent)
    , m_model(model)
    , m_time(time)
{
    prepare();
    setModel(model);
    const auto &columns = model->kind().columns();
    const int unit = fontMetrics().averageCharWidth();
    for (int i = 0; i < static_cast<int>(columns.size()); ++i)
        setColumnWidth(i, columns[static_cast<size_t>(i)].width * unit / 7);

    const auto before = [this] {
        ++m_changing;
        rememberAnchor();
    };
    const auto after = [this] {
        restoreSelection();
        restoreAnchor();
        --m_changing;
        lookAround();
    };
    connect(model, &QAbstractItemModel::rowsAboutToBeInserted, this, before);
    connect(model, &QAbstractItemModel::rowsAboutToBeRemoved, this, before);
    connect(model, &QAbstractItemModel::modelAboutToBeReset, this, before);
    connect(model, &QAbstractItemModel::rowsInserted, this, after);
    connect(model, &QAbstractItemModel::rowsRemoved, this, after);
    connect(model, &QAbstractItemModel::modelReset, this, after);
    connect(selectionModel(), &QItemSelectionModel::selectionChanged, this, &ListTable::noteSelection);
    connect(selectionModel(), &QItemSelectionModel::currentChanged, this, &ListTable::noteSelection);
    connect(verticalScrollBar(), &QScrollBar::valueChanged, this, &ListTable::lookAround);
    connect(this, &QAbstractItemView::activated, this,
        [this](const QModelIndex &index) { Q_EMIT activatedId(index.data(ListModel::IdRole).toString()); });
    const auto repaint = [this] { viewport()->update(); };
    connect(time, &TimeText::ticked, this, repaint);
    connect(time, &TimeText::changed, this, repaint);
}

void ListTable::prepare()
{
    setItemDelegate(new RowDelegate(this));
    setSelectionBehavior(SelectRows);
    setSelectionMode(ExtendedSelection);
    setShowGrid(false);
    setWordWrap(false);
    setFrameShape(NoFrame);
    setVerticalScrollMode(ScrollPerPixel);
    setHorizontalScrollMode(ScrollPerPixel);
    setMouseTracking(true);
    setTabKeyNavigation(false); // Tab leaves the table
    setContextMenuPolicy(Qt::CustomContextMenu);
    setCornerButtonEnabled(false);
    verticalHeader()->hide();
    verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    horizontalHeader()->setStretchLastSection(true);
    horizontalHeader()->setHighlightSections(false);
    horizontalHeader()->setSectionsMovable(true);
    horizontalHeader()->setMinimumSectionSize(40);
    updateFonts();
}

void ListTable::updateFonts()
{
    m_monospace = monospaceFont();
    verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 13);
}

bool ListTable::isFirstColumn(int logical) const
{
    return horizontalHeader()->visualIndex(logical) == 0;
}

int ListTable::firstVisibleRow() const
{
    const int row = rowAt(0);
    return row < 0 ? 0 : row;
}

int ListTable::lastVisibleRow() const
{
    const int row = rowAt(viewport()->height() - 1);
    return row < 0 ? m_model->rowCount() - 1 : row;
}

void ListTable::rememberAnchor()
{
    if (m_changing > 1 || m_model->rowCount() == 0)
        return;
    m_anchorId.clear();
    const bool atTop = verticalScrollBar()->value() == 0;
    if (atTop && (m_model->isFollowing() || m_model->phase() == ListPhase::Loading))
        return;
    const int row = firstVisibleRow();
    m_anchorId = m_model->row(row).id;
    m_anchorOffset = verticalScrollBar()->value() - row * verticalHeader()->defaultSectionSize();
}

void ListTable::restoreAnchor()
{
    if (m_changing > 1 || m_anchorId.isEmpty())
        return;
    executeDelayedItemsLayout();
    updateGeometries(); // so that the scroll bar knows the new height
    const int row = m_model->rowOf(m_anchorId);
    if (row >= 0)
        verticalScrollBar()->setValue(row * verticalHeader()->defaultSectionSize() + m_anchorOffset);
    m_anchorId.clear();
}

void ListTable::restoreSelection()
{
    if (m_currentId.isEmpty() && m_selectedIds.isEmpty())
        return;
    auto *selection = selectionModel();
    for (const QString &id : std::as_const(m_selectedIds)) {
        const int row = m_model->rowOf(id);
        if (row >= 0 && !selection->isRowSelected(row))
            selection->select(
                m_model->index(row, 0), QItemSelectionModel::Select | QItemSelectionModel::Rows);
    }
    const int row = m_model->rowOf(m_currentId);
    if (row >= 0 && currentIndex().row() != row)
        selection->setCurrentIndex(m_model->index(row, 0), QItemSelectionModel::NoUpdate);
}

void ListTable::noteSelection()
{
    if (m_changing > 0)
        return;
    QStringList ids;
    const QModelIndexList rows = selectionModel()->selectedRows();
    ids.reserve(rows.size());
    for (const QModelIndex &index : rows)
        ids.append(index.data(ListModel::IdRole).toString());
    m_selectedIds = ids;
    const QString id = currentIndex().data(ListModel::IdRole).toString();
    const bool changed = id != m_currentId;
    m_currentId = id;
    if (changed)
        Q_EMIT currentIdChanged(id);
    Q_EMIT visibleRowsChanged();
}

void ListTable::selectId(const QString &id)
{
    const int row = m_model->rowOf(id);
    if (row >= 0) {
        setCurrentIndex(m_model->index(row, 0));
        scrollTo(m_model->index(row, 0));
        return;
    }
    ++m_changing;
    clearSelection();
    selectionModel()->clearCurrentIndex();
    --m_changing;
    m_selectedIds = id.isEmpty() ? QStringList() : QStringList(id);
    m_currentId = id;
    Q_EMIT currentIdChanged(id);
}

void ListTable::lookAround()
{
    if (m_changing > 0)
        return;
    m_model->setHold(verticalScrollBar()->value() > 0 || m_pointerInside || m_busyPointer);
    if (isVisible())
        m_model->ensure(firstVisibleRow(), lastVisibleRow());
    Q_EMIT visibleRowsChanged();
}

void ListTable::setBusyPointer(bool busy)
{
    m_busyPointer = busy;
    lookAround();
}

void ListTable::scrollToStart()
{
    verticalScrollBar()->setValue(0);
    if (m_model->rowCount() > 0)
        setCurrentIndex(m_model->index(0, 0));
}

void ListTable::setHovered(int row)
{
    if (row == m_hovered)
        return;
    m_hovered = row;
    viewport()->update();
}

void ListTable::keyPressEvent(QKeyEvent *event)
{
    if (event->modifiers() == Qt::NoModifier && event->key() == Qt::Key_Home) {
        Q_EMIT startRequested();
        return;
    }
    if (event->modifiers() == Qt::NoModifier && event->key() == Qt::Key_End) {
        Q_EMIT endRequested();
        return;
    }
    if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) {
        if (currentIndex().isValid())
            Q_EMIT activatedId(m_currentId);
        return;
    }
    QTableView::keyPressEvent(event);
}

bool ListTable::viewportEvent(QEvent *event)
{
    switch (event->type()) {
    case QEvent::Enter:
        m_pointerInside = true;
        lookAround();
        break;
    case QEvent::Leave:
        m_pointerInside = false;
        setHovered(-1);
        lookAround();
        break;
    case QEvent::MouseMove:
        setHovered(rowAt(static_cast<QMouseEvent *>(event)->position().toPoint().y()));
        break;
    default:
        break;
    }
    return QTableView::viewportEvent(event);
}

void ListTable::resizeEvent(QResizeEvent *event)
{
    QTableView::resizeEvent(event);
    lookAround();
}

void ListTable::changeEvent(QEvent *event)
{
    QTableView::changeEvent(event);
    if (event->type() == QEvent::FontChange)
        updateFonts();
}

} // namespace signalbox::ui
