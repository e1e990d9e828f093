// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"

#include <QTimer>
#include <QWidget>

class QLabel;
class QPushButton;

namespace signalbox::ui {

// What stands in the place of content: loading, a failure with the developer text under "Details" and Retry,
// or why there is nothing. UI thread.
class MessagePane final : public QWidget
{
    Q_OBJECT
public:
    static constexpr std::chrono::milliseconds kPatience{5000};

    explicit MessagePane(QWidget *parent = nullptr);
    // After kPatience it says that the answer is late and offers Retry.
    void showBusy(const QString &text);
    void showError(const Error &error);
    void showEmpty(
        const QString &icon, const QString &title, const QString &text, const QString &action = {});

Q_SIGNALS:
    void retryRequested();
    void actionRequested(); // the button of an empty state

protected:
    void changeEvent(QEvent *event) override;

private:
    void set(const QString &icon, const QString &title, const QString &text);
    void drawIcon();
    QLabel *m_icon;
    QLabel *m_title;
    QLabel *m_text;
    QPushButton *m_retry;
    QPushButton *m_action;
    QPushButton *m_detailsButton;
    QLabel *m_details;
    QTimer m_late;
    QString m_iconName;
};

} // namespace signalbox::ui
