// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "list_kind.h"

#include <QListView>
#include <QStandardItemModel>

namespace signalbox::ui {

// The views with what lives in each. Counts come from the engine's stream, nothing else. UI thread.
class Navigation final : public QListView
{
    Q_OBJECT
public:
    explicit Navigation(QWidget *parent = nullptr);
    void addView(const ListKind &kind);
    void setCount(ViewKind view, qint64 count, const QString &meaning);
    void setCurrent(ViewKind view);
    [[nodiscard]] qint64 count(ViewKind view) const;
    void keyboardSearch(const QString &) override { }

Q_SIGNALS:
    void viewChosen(signalbox::ui::ViewKind view);

protected:
    void currentChanged(const QModelIndex &current, const QModelIndex &previous) override;

private:
    [[nodiscard]] QStandardItem *itemOf(ViewKind view) const;
    QStandardItemModel *m_items;
    bool m_quiet = false;
};

} // namespace signalbox::ui
