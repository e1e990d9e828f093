// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "list_model.h"

#include <QFont>
#include <QStringList>
#include <QTableView>

namespace signalbox::ui {

// The table over a ListModel. What is looked at stays where it is: rows that come or go above are
// compensated, and new ones are held back while the table is scrolled or the pointer is over it. The
// selection is a set of ids. UI thread.
class ListTable final : public QTableView
{
    Q_OBJECT
public:
    ListTable(ListModel *model, const TimeText *time, QWidget *parent = nullptr);

    [[nodiscard]] ListModel *listModel() const { return m_model; }
    [[nodiscard]] const TimeText *time() const { return m_time; }
    [[nodiscard]] const QFont &monospace() const { return m_monospace; }
    [[nodiscard]] int hoveredRow() const { return m_hovered; }
    [[nodiscard]] bool isFirstColumn(int logical) const;

    [[nodiscard]] QString currentId() const { return m_currentId; }
    [[nodiscard]] const QStringList &selectedIds() const { return m_selectedIds; }
    // Selects the row when it is in the window; otherwise as soon as it comes.
    void selectId(const QString &id);
    [[nodiscard]] int firstVisibleRow() const;
    [[nodiscard]] int lastVisibleRow() const;
    void scrollToStart();
    // A menu is open over the table, or something is being dragged.
    void setBusyPointer(bool busy);
    void keyboardSearch(const QString &) override { } // single letters are commands

Q_SIGNALS:
    void currentIdChanged(const QString &id);
    void activatedId(const QString &id);
    void visibleRowsChanged();
    void startRequested(); // Home
    void endRequested(); // End

protected:
    void keyPressEvent(QKeyEvent *event) override;
    bool viewportEvent(QEvent *event) override;
    void resizeEvent(QResizeEvent *event) override;
    void changeEvent(QEvent *event) override;

private:
    void prepare();
    void rememberAnchor();
    void restoreAnchor();
    void restoreSelection();
    void noteSelection();
    void lookAround();
    void setHovered(int row);
    void updateFonts();

    ListModel *m_model;
    const TimeText *m_time;
    QFont m_monospace;
    QString m_currentId;
    QStringList m_selectedIds;
    QString m_anchorId;
    int m_anchorOffset = 0;
    int m_changing = 0; // the rows are changing: what the selection model says is not the operator's doing
    int m_hovered = -1;
    bool m_pointerInside = false;
    bool m_busyPointer = false;
};

} // namespace signalbox::ui
