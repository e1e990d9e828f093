// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "action_dialog.h"
#include "actions.h"
#include "list_row.h"

#include <QPointer>

namespace signalbox::ui {

// What can be done about the chosen row, and about the gateway as a whole: says which actions make sense, and
// opens the dialog that asks. UI thread; a child of the window.
class RowActions final : public QObject
{
    Q_OBJECT
public:
    RowActions(
        admin::OperatorApi *api, const TimeText *time, Actions *actions, QString profile, QWidget *window);
    // The row that actions are about; null: none.
    void setRow(const ListRow *row);
    [[nodiscard]] ActionDialog *dialog() const { return m_dialog; } // the open one, or null

Q_SIGNALS:
    // Something was done: lists and details are out of date.
    void acted(const QString &whatHappened);

private:
    void connectActions();
    void release();
    void extend();
    void replay();
    void onDelivery(domain::Act act);
    void confirm();
    void replayEvent();
    void answer();
    void cancelInteraction();
    void repost();
    void pause(bool stops);
    void pauseInstallation();
    void resumeInstallation();
    void open(ActionForm form, const QString &happened);
    [[nodiscard]] QCoro::Task<> loadScopes(QPointer<ActionDialog> dialog);
    [[nodiscard]] QCoro::Task<> loadBackends(QPointer<ActionDialog> dialog, QString own);
    void openReplay(ActionForm form, const QString &own, const QString &happened);
    [[nodiscard]] QString subject() const; // "C0456 · 1764000000.123456"

    admin::OperatorApi *m_api;
    const TimeText *m_time;
    Actions *m_actions;
    QString m_profile;
    QWidget *m_window;
    std::optional<ListRow> m_row;
    QPointer<ActionDialog> m_dialog;
};

} // namespace signalbox::ui
