// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "list_kind.h"

#include <QAbstractTableModel>
#include <QHash>
#include <QTimer>

#include <deque>
#include <optional>
#include <vector>

namespace signalbox::ui {

enum class ListPhase { Idle, Loading, Ready, Failed };

// A sliding window (at most kWindow rows) over a keyset-paged list, kept current by the stream. Rows are
// found by id and replaced only by newer revisions; updates are applied at most ten times a second; new rows
// wait while the table says that they would move what somebody looks at, and everything waits while frozen.
// Never waits itself. UI thread; a child of its view. `api` and `time` outlive it.
class ListModel : public QAbstractTableModel
{
    Q_OBJECT
public:
    static constexpr int kWindow = 20000;
    static constexpr int kPage = 200;
    static constexpr int kMostNew = 2000; // new rows that are kept aside; more are only counted
    static constexpr Millis kUpdateInterval{100};
    enum Role { IdRole = Qt::UserRole + 1 };

    ListModel(admin::OperatorApi *api, std::unique_ptr<ListKind> kind, const TimeText *time,
        QObject *parent = nullptr);

    [[nodiscard]] const ListKind &kind() const { return *m_kind; }
    int rowCount(const QModelIndex &parent = {}) const override;
    int columnCount(const QModelIndex &parent = {}) const override;
    QVariant data(const QModelIndex &index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
    [[nodiscard]] ListCell cell(int row, int column) const;
    [[nodiscard]] const ListRow &row(int row) const { return m_rows[static_cast<size_t>(row)]; }
    [[nodiscard]] int rowOf(const QString &id) const; // -1: not in the window

    [[nodiscard]] const domain::ListQuery &query() const { return m_query; }
    // Starts from the beginning when the query differs or nothing has been loaded yet.
    void setQuery(const domain::ListQuery &query);
    void setOldestFirst(bool oldestFirst);
    // Asks for the rows around `anchorRow` anew; the window continues from there. Nothing happens while
    // frozen.
    void refresh(int anchorRow = 0);
    // The table shows these rows: fetches what is missing within two screens of them.
    void ensure(int first, int last);
    // The stream lost its place, or the connection came back.
    void resynchronise();

    void setFrozen(bool frozen);
    [[nodiscard]] bool isFrozen() const { return m_frozen; }
    [[nodiscard]] int frozenChanges() const { return m_frozen ? static_cast<int>(m_pending.size()) : 0; }
    // New rows would move the ones that are looked at: keep them aside and count them.
    void setHold(bool hold);
    [[nodiscard]] int newRows() const { return m_newCount; }
    // Lets the new rows in; goes to the start of the list if the window has left it.
    void showNewRows();
    // New rows are being put in at the top, where the table shows them.
    [[nodiscard]] bool isFollowing() const { return m_following; }

    [[nodiscard]] ListPhase phase() const { return m_phase; }
    [[nodiscard]] const std::optional<Error> &error() const { return m_error; }
    [[nodiscard]] bool isFetching() const { return m_fetching; }
    [[nodiscard]] qint64 offset() const { return m_offset; } // rows before the window
    [[nodiscard]] qint64 total() const { return m_total; }
    [[nodiscard]] bool totalIsExact() const { return m_totalIsExact; }
    [[nodiscard]] bool atEnd() const;
    [[nodiscard]] bool atStart() const { return m_first == 0; }

    void apply(const QList<domain::Change> &changes);

Q_SIGNALS:
    // Phase, counts, freeze: everything around the rows.
    void stateChanged();

private:
    struct PageMark
    {
        QString cursor;
        int count = 0;
    };
    [[nodiscard]] QCoro::Task<> load(QString cursor, int mark, int limit);
    [[nodiscard]] QCoro::Task<> fetchDown();
    [[nodiscard]] QCoro::Task<> fetchUp();
    void start(int mark, int limit);
    void installPage(ListPage page, int mark);
    void appendPage(ListPage page);
    void prependRows(QList<ListRow> rows, std::vector<PageMark> marks);
    void trimFront();
    void trimBack();
    void flush();
    bool applyToWindow(const ListRow &row);
    void applyToAside(ListRow row);
    void insertAside();
    void insertRow(ListRow row);
    void noteTotal(const ListPage &page);
    void failWith(const Error &error);
    [[nodiscard]] bool sortsBefore(const ListRow &a, const ListRow &b) const;
    [[nodiscard]] int markOfRow(int row) const;
    [[nodiscard]] QList<ListRow> withoutKnown(QList<ListRow> rows) const;
    void indexChanged() { m_indexValid = false; }

    admin::OperatorApi *m_api;
    std::unique_ptr<ListKind> m_kind;
    const TimeText *m_time;
    domain::ListQuery m_query;
    std::deque<ListRow> m_rows;
    mutable QHash<QString, int> m_index;
    mutable bool m_indexValid = false;

    // All pages that were ever walked, in order; the window holds [m_first, m_end) of them.
    std::vector<PageMark> m_marks;
    size_t m_first = 0;
    size_t m_end = 0;
    QString m_tailCursor; // behind the last mark; empty: the list ends there
    qint64 m_offset = 0;
    qint64 m_total = 0;
    bool m_totalIsExact = true;

    ListPhase m_phase = ListPhase::Idle;
    std::optional<Error> m_error;
    int m_generation = 0; // answers to older questions are dropped
    bool m_fetching = false;
    QHash<QString, ListRow> m_pending; // from the stream, the newest of each row
    QHash<QString, ListRow> m_aside; // new rows that wait to be shown
    int m_newCount = 0;
    QTimer m_flushTimer;
    bool m_frozen = false;
    bool m_hold = false;
    bool m_following = false;
    bool m_lostPlace = false; // while frozen
};

} // namespace signalbox::ui
