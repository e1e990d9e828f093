// SPDX-License-Identifier: Apache-2.0
#include "key_sheet.h"

#include "actions.h"
#include "theme.h"

#include <QDialogButtonBox>
#include <QGridLayout>
#include <QLabel>
#include <QVBoxLayout>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

namespace {

void addLine(QGridLayout *grid, const QString &text, const QString &keys)
{
    const int row = grid->rowCount();
    auto *what = new QLabel(text);
    auto *how = new QLabel(keys);
    how->setFont(monospaceFont());
    how->setObjectName(u"muted"_s);
    what->setAccessibleName(text + u", "_s + keys);
    grid->addWidget(what, row, 0);
    grid->addWidget(how, row, 1);
}

void addTitle(QGridLayout *grid, const QString &text)
{
    auto *title = new QLabel(text);
    title->setObjectName(u"section"_s);
    title->setContentsMargins(0, 8, 0, 0);
    grid->addWidget(title, grid->rowCount(), 0, 1, 2);
}

} // namespace

KeySheet::KeySheet(const Actions &actions, QWidget *parent)
    : QDialog(parent)
{
    setObjectName(u"keySheet"_s);
    setWindowTitle(tr("Keys"));
    setAttribute(Qt::WA_DeleteOnClose);
    auto *columns = new QHBoxLayout;
    columns->setSpacing(36);
    const QList<QList<ActionGroup>> halves{
        {ActionGroup::Go, ActionGroup::Edit, ActionGroup::Act, ActionGroup::Help, ActionGroup::File},
        {ActionGroup::View}};
    for (const auto &groups : halves) {
        auto *grid = new QGridLayout;
        grid->setHorizontalSpacing(24);
        grid->setVerticalSpacing(5);
        for (const ActionGroup group : groups) {
            addTitle(grid, groupName(group).remove(u'&'));
            for (const ActionEntry &entry : actionTable()) {
                const QAction *action = actions.get(entry.id);
                const QStringList keys = action->property("keys").toStringList();
                if (entry.group == group && !keys.isEmpty())
                    addLine(grid, action->text().remove(u'&'), keys.join(u"   "_s));
            }
        }
        if (groups.contains(ActionGroup::View)) {
            addTitle(grid, tr("In a table"));
            addLine(grid, tr("Newest rows"), u"Home"_s);
            addLine(grid, tr("Other end of the list"), u"End"_s);
            addLine(grid, tr("Open the details"), u"Return"_s);
        }
        grid->setRowStretch(grid->rowCount(), 1);
        columns->addLayout(grid);
    }
    auto *note
        = new QLabel(tr("Single letters act only while a table has the focus, and never destroy anything."));
    note->setObjectName(u"muted"_s);
    auto *buttons = new QDialogButtonBox(QDialogButtonBox::Close);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto *layout = new QVBoxLayout(this);
    layout->setContentsMargins(20, 14, 20, 14);
    layout->setSpacing(12);
    layout->addLayout(columns);
    layout->addWidget(note);
    layout->addWidget(buttons);
}

} // namespace signalbox::ui
