// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/operator_api.h"

#include <QCoro/QCoroTask>
#include <QDialog>
#include <QHash>

#include <functional>

class QComboBox;
class QDialogButtonBox;
class QFormLayout;
class QLabel;
class QLineEdit;
class QProgressBar;
class QPushButton;

namespace signalbox::ui {

class TimeText;

// One choice of a form; `key` is the member of the request that its value goes into (backend, as, what,
// option, scope, rate, seconds: how long from now).
struct ActionChoice
{
    ActionChoice() = default;
    QString key;
    QString label;
    QList<std::pair<QString, QString>> options; // text, value
};

// What is to be done, and what somebody should know before.
struct ActionForm
{
    ActionForm() = default;
    QString title;
    QString warning; // what it will do, in a sentence or two
    QString verb; // of the button, naming the scope
    QList<std::pair<QString, QString>> evidence;
    QList<ActionChoice> choices;
    bool needsReason = true;
    domain::ActionRequest request;
    // For what is no act(): how it is asked for. It has no key: an outcome that is not known stays so.
    std::function<QCoro::Task<Result<domain::ActionResult>>(domain::ActionRequest)> call;
    QString conflict; // what a conflict means; empty: told by its code
};

// Asks before something is done: evidence first, a reason, Cancel is the default button. Stays open while the
// engine is asked, and on an error, whose next try is the same request under the same key, so that it is done
// once at most. When no answer came it says that nobody knows, asks what was answered to the key, now and
// when the connection comes back, and then says what is true. Deletes itself. UI thread; `api` outlives it.
class ActionDialog final : public QDialog
{
    Q_OBJECT
public:
    ActionDialog(admin::OperatorApi *api, const TimeText *time, ActionForm form, QWidget *parent);
    // More options of a choice, as soon as they are known.
    void addOptions(const QString &key, const QList<std::pair<QString, QString>> &options);
    [[nodiscard]] bool isBusy() const { return m_busy; }

Q_SIGNALS:
    void done(const signalbox::domain::ActionResult &result);

protected:
    // Escape in the text field closes the dialog, whatever shortcuts the window behind it has.
    bool eventFilter(QObject *watched, QEvent *event) override;

private:
    void build();
    void showReady();
    void setBusy(bool busy);
    void go();
    [[nodiscard]] domain::ActionRequest request() const;
    [[nodiscard]] QCoro::Task<> act(domain::ActionRequest request);
    [[nodiscard]] QCoro::Task<Result<domain::ActionResult>> send(domain::ActionRequest request);
    [[nodiscard]] QCoro::Task<> findOut();
    void finish(const domain::ActionResult &result);
    void failWith(const Error &error);
    void say(const QString &text, const Error &error);

    admin::OperatorApi *m_api;
    const TimeText *m_time;
    ActionForm m_form;
    QHash<QString, QComboBox *> m_choices;
    QLineEdit *m_reason = nullptr;
    QLabel *m_error = nullptr;
    QProgressBar *m_progress = nullptr;
    QPushButton *m_go = nullptr;
    QPushButton *m_cancel = nullptr;
    bool m_busy = false;
    bool m_unknown = false; // whether it was done
};

} // namespace signalbox::ui
