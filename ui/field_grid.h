// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "theme.h"

#include <QHash>
#include <QLabel>
#include <QWidget>

class QGridLayout;
class QToolButton;

namespace signalbox::ui {

class TimeText;

// Sections of named values that lie side by side where there is room. The widgets stay while values change,
// so that focus and selected text survive. UI thread.
class FieldGrid final : public QWidget
{
    Q_OBJECT
public:
    enum class Look { Text, Mono, Id, Link }; // Id and Link have a copy button, Link goes somewhere

    explicit FieldGrid(QWidget *parent = nullptr);
    void beginSection(const QString &title);
    void add(const QString &key, const QString &title, Look look = Look::Text);
    // Empty: shown as a dash.
    void set(const QString &key, const QString &value, const QString &tip = {});
    // A field that says nothing about this row takes no room.
    void setShown(const QString &key, bool shown);
    // To the millisecond; never: a dash.
    void setTime(const QString &key, Instant at, const TimeText &time);
    [[nodiscard]] QString value(const QString &key) const;

Q_SIGNALS:
    void linkActivated(const QString &key, const QString &value);

protected:
    void changeEvent(QEvent *event) override;

private:
    struct Field
    {
        QGridLayout *grid = nullptr;
        int row = 0;
        QLabel *name = nullptr;
        QLabel *label = nullptr;
        QToolButton *copy = nullptr;
        Look look = Look::Text;
        QString value;
        bool shown = true;
    };
    void render(const Field &field) const;
    [[nodiscard]] int rowHeight() const { return fontMetrics().height() + 5; }
    QGridLayout *m_section = nullptr;
    QHash<QString, Field> m_fields;
};

} // namespace signalbox::ui
