// SPDX-License-Identifier: Apache-2.0
#include "list_model.h"

#include "cells.h"
#include "start.h"
#include "time_text.h"

#include <QPointer>

#include <algorithm>
#include <numeric>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

ListModel::ListModel(
    admin::OperatorApi *api, std::unique_ptr<ListKind> kind, const TimeText *time, QObject *parent)
    : QAbstractTableModel(parent)
    , m_api(api)
    , m_kind(std::move(kind))
    , m_time(time)
{
    m_query.limit = kPage;
    m_flushTimer.setSingleShot(true);
    m_flushTimer.setInterval(kUpdateInterval);
    connect(&m_flushTimer, &QTimer::timeout, this, &ListModel::flush);
}

int ListModel::rowCount(const QModelIndex &parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int ListModel::columnCount(const QModelIndex &parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_kind->columns().size());
}

ListCell ListModel::cell(int row, int column) const
{
    return m_kind->cell(m_rows[static_cast<size_t>(row)], column, *m_time);
}

QVariant ListModel::data(const QModelIndex &index, int role) const
{
    if (!index.isValid())
        return {};
    const ListRow &row = m_rows[static_cast<size_t>(index.row())];
    switch (role) {
    case Qt::DisplayRole:
        return m_kind->cell(row, index.column(), *m_time).text;
    case Qt::ToolTipRole:
        return plainTip(m_kind->cell(row, index.column(), *m_time).tip);
    case Qt::AccessibleTextRole:
        return index.column() == 0 ? m_kind->spoken(row, *m_time)
                                   : m_kind->cell(row, index.column(), *m_time).text;
    case IdRole:
        return row.id;
    default:
        return {};
    }
}

QVariant ListModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal)
        return {};
    const ListColumn &column = m_kind->columns()[static_cast<size_t>(section)];
    if (role == Qt::DisplayRole)
        return column.title;
    if (role == Qt::TextAlignmentRole)
        return QVariant(Qt::AlignVCenter | (column.right ? Qt::AlignRight : Qt::AlignLeft));
    return {};
}

int ListModel::rowOf(const QString &id) const
{
    if (!m_indexValid) {
        m_index.clear();
        m_index.reserve(static_cast<qsizetype>(m_rows.size()));
        for (size_t i = 0; i < m_rows.size(); ++i)
            m_index.insert(m_rows[i].id, static_cast<int>(i));
        m_indexValid = true;
    }
    return m_index.value(id, -1);
}

void ListModel::setQuery(const domain::ListQuery &query)
{
    const bool same = query.states == m_query.states && query.text == m_query.text
        && query.session == m_query.session && query.oldestFirst == m_query.oldestFirst;
    if (same && m_phase != ListPhase::Idle)
        return;
    m_query = query;
    m_query.limit = kPage;
    m_query.cursor.clear();
    m_pending.clear();
    m_aside.clear();
    m_newCount = 0;
    m_frozen = false;
    m_lostPlace = false;
    m_marks.clear();
    start(0, kPage);
}

void ListModel::setOldestFirst(bool oldestFirst)
{
    domain::ListQuery query = m_query;
    query.oldestFirst = oldestFirst;
    setQuery(query);
}

void ListModel::start(int mark, int limit)
{
    const QString cursor
        = mark < static_cast<int>(m_marks.size()) ? m_marks[static_cast<size_t>(mark)].cursor : QString();
    ++m_generation;
    m_fetching = true;
    m_phase = ListPhase::Loading;
    m_error.reset();
    Q_EMIT stateChanged();
    ui::start(load(cursor, mark, limit));
}

void ListModel::refresh(int anchorRow)
{
    if (m_frozen)
        return;
    const int mark = m_rows.empty() ? 0 : markOfRow(anchorRow);
    const int inside = m_rows.empty() ? 0 : anchorRow;
    // One page more than what is looked at, so that the anchor and the screen below it come back in one
    // answer.
    start(mark, std::clamp(inside % kPage + 2 * kPage, kPage, 500));
}

void ListModel::resynchronise()
{
    if (m_frozen) {
        m_lostPlace = true;
        return;
    }
    if (m_phase != ListPhase::Idle)
        refresh();
}

QCoro::Task<> ListModel::load(QString cursor, int mark, int limit)
{
    const QPointer<ListModel> self(this);
    const int generation = m_generation;
    domain::ListQuery query = m_query;
    query.cursor = cursor;
    query.limit = limit;
    auto page = co_await m_kind->fetch(m_api, query);
    if (!self || generation != m_generation)
        co_return;
    m_fetching = false;
    if (!page) {
        failWith(page.error());
        co_return;
    }
    installPage(std::move(*page), mark);
}

void ListModel::failWith(const Error &error)
{
    m_error = error;
    m_phase = ListPhase::Failed;
    Q_EMIT stateChanged();
}

void ListModel::noteTotal(const ListPage &page)
{
    m_total = page.total;
    m_totalIsExact = page.totalIsExact;
}

void ListModel::installPage(ListPage page, int mark)
{
    beginResetModel();
    const auto kept = static_cast<size_t>(mark);
    const QString cursor = kept < m_marks.size() ? m_marks[kept].cursor : QString();
    m_marks.resize(std::min(kept, m_marks.size()));
    m_offset = std::accumulate(m_marks.begin(), m_marks.end(), qint64(0),
        [](qint64 sum, const PageMark &each) { return sum + each.count; });
    m_marks.push_back(PageMark{cursor, static_cast<int>(page.rows.size())});
    m_first = kept;
    m_end = kept + 1;
    m_tailCursor = page.nextCursor;
    noteTotal(page);
    m_rows.assign(std::make_move_iterator(page.rows.begin()), std::make_move_iterator(page.rows.end()));
    indexChanged();
    if (m_first == 0) { // whatever waited is in the answer, or comes again with a newer revision
        for (auto it = m_aside.cbegin(); it != m_aside.cend(); ++it)
            m_pending.insert(it.key(), it.value());
        m_aside.clear();
        m_newCount = 0;
    }
    endResetModel();
    m_phase = ListPhase::Ready;
    flush();
    Q_EMIT stateChanged();
}

bool ListModel::atEnd() const
{
    return m_end == m_marks.size() && m_tailCursor.isEmpty();
}

void ListModel::ensure(int first, int last)
{
    if (m_fetching || m_phase != ListPhase::Ready || last < first)
        return;
    const int screens = 2 * (last - first + 1);
    if (last + screens >= rowCount() && !atEnd()) {
        m_fetching = true;
        ui::start(fetchDown());
    } else if (first - screens < 0 && m_first > 0) {
        m_fetching = true;
        ui::start(fetchUp());
    }
    if (m_fetching)
        Q_EMIT stateChanged();
}

QCoro::Task<> ListModel::fetchDown()
{
    const QPointer<ListModel> self(this);
    const int generation = m_generation;
    domain::ListQuery query = m_query;
    query.cursor = m_end < m_marks.size() ? m_marks[m_end].cursor : m_tailCursor;
    auto page = co_await m_kind->fetch(m_api, query);
    if (!self || generation != m_generation)
        co_return;
    m_fetching = false;
    if (!page) {
        failWith(page.error());
        co_return;
    }
    appendPage(std::move(*page));
    Q_EMIT stateChanged();
}

QList<ListRow> ListModel::withoutKnown(QList<ListRow> rows) const
{
    rows.removeIf([this](const ListRow &row) { return rowOf(row.id) >= 0; });
    return rows;
}

void ListModel::appendPage(ListPage page)
{
    const QList<ListRow> rows = withoutKnown(page.rows);
    const int count = static_cast<int>(rows.size());
    if (m_end == m_marks.size()) {
        m_marks.push_back(PageMark{m_tailCursor, count});
        m_tailCursor = page.nextCursor;
    } else {
        m_marks[m_end].count = count;
        const bool joins = m_end + 1 == m_marks.size() ? m_tailCursor == page.nextCursor
                                                       : m_marks[m_end + 1].cursor == page.nextCursor;
        if (!joins) {
            m_marks.resize(m_end + 1);
            m_tailCursor = page.nextCursor;
        }
    }
    ++m_end;
    noteTotal(page);
    if (count > 0) {
        beginInsertRows({}, rowCount(), rowCount() + count - 1);
        m_rows.insert(m_rows.end(), rows.begin(), rows.end());
        indexChanged();
        endInsertRows();
    }
    for (const ListRow &row : rows)
        m_aside.remove(row.id);
    trimFront();
}

void ListModel::trimFront()
{
    while (static_cast<int>(m_rows.size()) > kWindow && m_first + 1 < m_end) {
        const int count = m_marks[m_first].count;
        if (count > 0) {
            beginRemoveRows({}, 0, count - 1);
            m_rows.erase(m_rows.begin(), m_rows.begin() + count);
            indexChanged();
            m_offset += count;
            ++m_first;
            endRemoveRows();
        } else {
            ++m_first;
        }
    }
}

void ListModel::trimBack()
{
    while (static_cast<int>(m_rows.size()) > kWindow && m_first + 1 < m_end) {
        const int count = m_marks[m_end - 1].count;
        --m_end;
        if (count > 0) {
            beginRemoveRows({}, rowCount() - count, rowCount() - 1);
            m_rows.erase(m_rows.end() - count, m_rows.end());
            indexChanged();
            endRemoveRows();
        }
    }
}

// Walks from the page before the window towards it. Pages may have grown since they were walked first, so
// that several may lie between; a walk that does not arrive starts anew from its page.
QCoro::Task<> ListModel::fetchUp()
{
    const QPointer<ListModel> self(this);
    const int generation = m_generation;
    const size_t target = m_first;
    const QString until = m_marks[target].cursor;
    QString cursor = m_marks[target - 1].cursor;
    QList<ListRow> rows;
    std::vector<PageMark> marks;
    for (int step = 0; step < 5; ++step) {
        domain::ListQuery query = m_query;
        query.cursor = cursor;
        auto page = co_await m_kind->fetch(m_api, query);
        if (!self || generation != m_generation)
            co_return;
        if (!page) {
            m_fetching = false;
            failWith(page.error());
            co_return;
        }
        const qsizetype came = page->rows.size();
        const QList<ListRow> fresh = withoutKnown(std::move(page->rows));
        PageMark mark;
        mark.cursor = cursor;
        mark.count = static_cast<int>(fresh.size());
        marks.push_back(mark);
        rows += fresh;
        cursor = page->nextCursor;
        if (cursor == until || cursor.isEmpty() || fresh.size() < came) {
            m_fetching = false;
            prependRows(std::move(rows), std::move(marks));
            Q_EMIT stateChanged();
            co_return;
        }
    }
    start(static_cast<int>(target - 1), kPage);
}

void ListModel::prependRows(QList<ListRow> rows, std::vector<PageMark> marks)
{
    const size_t target = m_first - 1;
    const int before = m_marks[target].count;
    const size_t added = marks.size();
    const auto place = m_marks.erase(m_marks.begin() + static_cast<std::ptrdiff_t>(target));
    m_marks.insert(place, marks.begin(), marks.end());
    m_first = target;
    m_end += added - 1;
    m_offset = target == 0 ? 0 : std::max<qint64>(0, m_offset - before);
    const int count = static_cast<int>(rows.size());
    if (count > 0) {
        beginInsertRows({}, 0, count - 1);
        m_rows.insert(m_rows.begin(), rows.begin(), rows.end());
        indexChanged();
        endInsertRows();
    }
    if (m_first == 0)
        m_aside.removeIf([this](auto it) { return rowOf(it.key()) >= 0; });
    m_newCount = static_cast<int>(m_aside.size());
    trimBack();
}

int ListModel::markOfRow(int row) const
{
    size_t mark = m_first;
    int seen = 0;
    while (mark + 1 < m_end && seen + m_marks[mark].count <= row)
        seen += m_marks[mark++].count;
    return static_cast<int>(mark);
}

void ListModel::apply(const QList<domain::Change> &changes)
{
    bool gone = false;
    for (const domain::Change &change : changes) {
        if (change.kind != m_kind->changeKinds().constFirst())
            continue;
        gone = gone || (change.gone && rowOf(change.id) >= 0);
        ListRow row;
        if (change.gone || !m_kind->rowOf(change, row))
            continue;
        const auto known = m_pending.constFind(row.id);
        if (known == m_pending.constEnd() || known->rev < row.rev)
            m_pending.insert(row.id, std::move(row));
    }
    if (m_pending.size() > kWindow) { // frozen for very long: ask anew instead of remembering everything
        m_lostPlace = true;
        m_pending.clear();
    }
    if (!m_pending.isEmpty() && !m_flushTimer.isActive())
        m_flushTimer.start();
    if (gone) // rare: pages are asked for again instead of being counted anew
        resynchronise();
}

void ListModel::flush()
{
    if (m_phase == ListPhase::Loading || m_phase == ListPhase::Idle)
        return;
    if (!m_frozen && !m_pending.isEmpty()) {
        const QHash<QString, ListRow> pending = std::exchange(m_pending, {});
        for (const ListRow &row : pending) {
            if (!applyToWindow(row))
                applyToAside(row);
        }
        if (!m_hold && m_first == 0)
            insertAside();
        else
            m_newCount = std::max(m_newCount, static_cast<int>(m_aside.size()));
    }
    Q_EMIT stateChanged();
}

bool ListModel::applyToWindow(const ListRow &row)
{
    const int at = rowOf(row.id);
    if (at < 0)
        return false;
    ListRow &known = m_rows[static_cast<size_t>(at)];
    if (row.rev > known.rev) {
        known = row;
        known.matches = m_kind->matches(known, m_query);
        Q_EMIT dataChanged(index(at, 0), index(at, columnCount() - 1));
    }
    return true;
}

void ListModel::applyToAside(ListRow row)
{
    const bool matches = m_kind->matches(row, m_query);
    const auto known = m_aside.find(row.id);
    if (known != m_aside.end()) {
        if (row.rev <= known->rev)
            return;
        if (matches) {
            *known = std::move(row);
        } else {
            m_aside.erase(known);
            m_newCount = static_cast<int>(m_aside.size());
        }
        return;
    }
    if (!matches)
        return;
    // Behind the window or between pages that are not loaded: paging brings it.
    if (!m_rows.empty() && !atEnd() && sortsBefore(m_rows.back(), row))
        return;
    if (m_query.oldestFirst && !atEnd())
        return;
    if (m_first > 0 && !m_rows.empty() && !sortsBefore(row, m_rows.front()))
        return;
    if (m_aside.size() < kMostNew)
        m_aside.insert(row.id, std::move(row));
    else
        ++m_newCount;
}

bool ListModel::sortsBefore(const ListRow &a, const ListRow &b) const
{
    const bool older = a.createdAt != b.createdAt ? a.createdAt < b.createdAt : a.id < b.id;
    return m_query.oldestFirst != m_kind->isByName() ? older
                                                     : (a.createdAt != b.createdAt || a.id != b.id) && !older;
}

void ListModel::insertRow(ListRow row)
{
    const auto place = std::find_if(
        m_rows.begin(), m_rows.end(), [this, &row](const ListRow &each) { return sortsBefore(row, each); });
    const int at = static_cast<int>(place - m_rows.begin());
    if (m_marks.empty())
        m_marks.push_back(PageMark{});
    m_end = std::max(m_end, m_first + 1);
    ++m_marks[static_cast<size_t>(std::min(markOfRow(at), static_cast<int>(m_end) - 1))].count;
    beginInsertRows({}, at, at);
    m_rows.insert(place, std::move(row));
    indexChanged();
    ++m_total;
    endInsertRows();
}

void ListModel::insertAside()
{
    if (m_newCount > m_aside.size() && m_newCount > kMostNew) {
        m_aside.clear();
        m_newCount = 0;
        start(0, kPage);
        return;
    }
    QList<ListRow> rows = m_aside.values();
    m_aside.clear();
    m_newCount = 0;
    std::sort(
        rows.begin(), rows.end(), [this](const ListRow &a, const ListRow &b) { return sortsBefore(b, a); });
    m_following = true;
    for (ListRow &row : rows)
        insertRow(std::move(row));
    m_following = false;
    trimBack();
}

void ListModel::setHold(bool hold)
{
    if (hold == m_hold)
        return;
    m_hold = hold;
    if (!m_hold && !m_frozen && m_first == 0 && m_phase == ListPhase::Ready && !m_aside.isEmpty()) {
        insertAside();
        Q_EMIT stateChanged();
    }
}

void ListModel::showNewRows()
{
    if (m_frozen)
        return;
    if (m_first > 0) {
        m_aside.clear();
        m_newCount = 0;
        start(0, kPage);
        return;
    }
    insertAside();
    Q_EMIT stateChanged();
}

void ListModel::setFrozen(bool frozen)
{
    if (frozen == m_frozen)
        return;
    m_frozen = frozen;
    if (!m_frozen && std::exchange(m_lostPlace, false)) {
        m_pending.clear();
        refresh();
        return;
    }
    flush();
}

} // namespace signalbox::ui
