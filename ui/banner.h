// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "theme.h"

#include <QWidget>

class QLabel;
class QPushButton;

namespace signalbox::ui {

// One line across a view with one button: frozen, or a failure while rows are still shown.
class Banner final : public QWidget
{
    Q_OBJECT
public:
    Banner(const QString &icon, Tone tone, const QString &action, QWidget *parent = nullptr);
    void setText(const QString &text, const QString &tip = {});
    [[nodiscard]] QString text() const;

Q_SIGNALS:
    void actionRequested();

protected:
    void paintEvent(QPaintEvent *event) override;

private:
    QString m_icon;
    Tone m_tone;
    QLabel *m_text;
    QPushButton *m_button;
};

} // namespace signalbox::ui
