// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "list_table.h"

class QLabel;
class QStackedLayout;
class QToolButton;

namespace signalbox::ui {

class Banner;
class FilterBar;
class MessagePane;

// One view: title, filter, table, footer, and what stands in their place when there is nothing to show. Asks
// for nothing until it is activated. UI thread; a child of the main window.
class ListPane final : public QWidget
{
    Q_OBJECT
public:
    ListPane(admin::OperatorApi *api, std::unique_ptr<ListKind> kind, const TimeText *time,
        QWidget *parent = nullptr);

    [[nodiscard]] const ListKind &kind() const { return m_model->kind(); }
    [[nodiscard]] ListModel *model() const { return m_model; }
    [[nodiscard]] ListTable *table() const { return m_table; }
    [[nodiscard]] FilterBar *filter() const { return m_filter; }
    // Seen from now on: loads, or asks anew for what it showed before.
    void activate();
    void setConnected(bool connected);
    void setCounts(const QMap<QString, qint64> &counts);
    // Filters and then selects; an empty id selects nothing.
    void show(const domain::ListQuery &query, const QString &id);
    void setFrozen(bool frozen);
    void refresh();
    void goToStart();
    void goToEnd();
    // The table, now or as soon as there are rows.
    void focusTable();

Q_SIGNALS:
    void currentIdChanged(const QString &id);
    void frozenChanged(bool frozen);
    void filterChanged();

private:
    void build();
    QWidget *buildHead();
    QWidget *buildFoot();
    void connectParts();
    void showState();
    void showFooter();
    [[nodiscard]] QString rangeText() const;

    ListModel *m_model;
    ListTable *m_table;
    FilterBar *m_filter;
    QStackedLayout *m_stack = nullptr;
    MessagePane *m_message;
    Banner *m_frozenBanner;
    Banner *m_errorBanner;
    QLabel *m_range = nullptr;
    QLabel *m_selection = nullptr;
    QToolButton *m_order = nullptr;
    QToolButton *m_new = nullptr;
    QToolButton *m_freeze = nullptr;
    QToolButton *m_refresh = nullptr;
    const TimeText *m_time;
    Instant m_frozenAt;
    bool m_connected = false;
    bool m_focusWhenFilled = false;
};

} // namespace signalbox::ui
