// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "list_kind.h"

#include <QMap>
#include <QTimer>
#include <QWidget>

class QLineEdit;
class QToolButton;

namespace signalbox::ui {

// The one filter of a view: a text and a chip for each state, with live counts. UI thread.
class FilterBar final : public QWidget
{
    Q_OBJECT
public:
    explicit FilterBar(const ListKind &kind, QWidget *parent = nullptr);
    [[nodiscard]] domain::ListQuery query() const;
    // Shows a filter without announcing it.
    void setQuery(const domain::ListQuery &query);
    void setCounts(const QMap<QString, qint64> &counts);
    void focusText();
    void clear();
    [[nodiscard]] bool isEmpty() const;

Q_SIGNALS:
    void changed();
    void left(); // Escape in an empty field, or Down or Return

protected:
    bool eventFilter(QObject *watched, QEvent *event) override;

private:
    void announce();
    const ListKind &m_kind;
    QLineEdit *m_text;
    QMap<QString, QToolButton *> m_chips;
    QToolButton *m_session;
    QString m_sessionId;
    QTimer m_typing;
    bool m_quiet = false;
};

} // namespace signalbox::ui
