// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/operator_api.h"
#include "list_kind.h"

#include <QDialog>
#include <QTimer>

class QAction;
class QLabel;
class QLineEdit;
class QListWidget;

namespace signalbox::ui {

class TimeText;

// Ctrl+K: runs any action, and jumps to any pasted id, ts, place or permalink. The engine is asked while one
// types, and nothing waits for its answer. UI thread; deletes itself when closed.
class CommandPalette final : public QDialog
{
    Q_OBJECT
public:
    static constexpr Millis kTypingPause{180};

    CommandPalette(
        admin::OperatorApi *api, const TimeText *time, const QList<QAction *> &actions, QWidget *parent);

Q_SIGNALS:
    void deliveryChosen(const QString &id);
    void sessionChosen(const QString &id);

protected:
    bool eventFilter(QObject *watched, QEvent *event) override;

private:
    [[nodiscard]] QCoro::Task<> look(QString text);
    void filter();
    void choose();
    void addFound(const ListKind &kind, const ListPage &page);
    admin::OperatorApi *m_api;
    const TimeText *m_time;
    QList<QAction *> m_actions;
    QLineEdit *m_text;
    QListWidget *m_list;
    QLabel *m_hint;
    QTimer m_typing;
    int m_generation = 0;
};

} // namespace signalbox::ui
