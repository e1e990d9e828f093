// SPDX-License-Identifier: Apache-2.0
// MainWindow's menus, and what each action does.
#include "command_palette.h"
#include "details_pane.h"
#include "filter_bar.h"
#include "key_sheet.h"
#include "main_window.h"

#include <QActionGroup>
#include <QMenu>
#include <QMenuBar>
#include <QSplitter>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

void MainWindow::buildMenus()
{
    menuBar()->setObjectName(u"menuBar"_s);
    using enum ActionGroup;
    for (const ActionGroup group : {File, Edit, View, Go, Act, Help}) {
        QMenu *menu = menuBar()->addMenu(groupName(group));
        for (const ActionEntry &entry : actionTable()) {
            if (entry.group != group)
                continue;
            if (entry.id == ActionId::ToggleDetails || entry.id == ActionId::TimeZone
                || entry.id == ActionId::ThemeSystem || entry.id == ActionId::Back
                || entry.id == ActionId::ReleaseLock || entry.id == ActionId::PauseInstallation
                || entry.id == ActionId::Pause) {
                menu->addSeparator();
            }
            menu->addAction(m_actions->get(entry.id));
        }
    }
    auto *themes = new QActionGroup(this);
    for (const ActionId id :
        {ActionId::ThemeSystem, ActionId::ThemeLight, ActionId::ThemeDark, ActionId::ThemeHighContrast})
        themes->addAction(m_actions->get(id));
    auto *sides = new QActionGroup(this);
    sides->addAction(m_actions->get(ActionId::DetailsBelow));
    sides->addAction(m_actions->get(ActionId::DetailsRight));
}

void MainWindow::connectActions()
{
    const auto on
        = [this](ActionId id, auto act) { connect(m_actions->get(id), &QAction::triggered, this, act); };
    for (const auto &[id, view] : {std::pair(ActionId::ShowSessions, ViewKind::Sessions),
             std::pair(ActionId::ShowDeliveries, ViewKind::Deliveries),
             std::pair(ActionId::ShowLocks, ViewKind::Locks),
             std::pair(ActionId::ShowInteractions, ViewKind::Interactions),
             std::pair(ActionId::ShowRuntimes, ViewKind::Runtimes),
             std::pair(ActionId::ShowLifecycle, ViewKind::Lifecycle),
             std::pair(ActionId::ShowInstallations, ViewKind::Installations),
             std::pair(ActionId::ShowEngines, ViewKind::Engines),
             std::pair(ActionId::ShowAudit, ViewKind::Audit)})
        on(id, [this, kind = view] { showView(kind); });
    on(ActionId::Explain, [this] { explain(); });
    connect(m_rowActions, &RowActions::acted, this, &MainWindow::acted);
    on(ActionId::NeedsPerson, [this] { needsPerson(); });
    on(ActionId::Back, [this] { step(-1); });
    on(ActionId::Forward, [this] { step(1); });
    on(ActionId::Filter, [this] { currentPane()->filter()->focusText(); });
    on(ActionId::ClearFilter, [this] {
        if (!currentPane()->filter()->isEmpty())
            currentPane()->filter()->clear();
    });
    on(ActionId::Refresh, [this] {
        currentPane()->refresh();
        m_details->reload();
    });
    on(ActionId::Freeze, [this] { currentPane()->setFrozen(!currentPane()->model()->isFrozen()); });
    on(ActionId::CopyId, [this] { copyIds(); });
    on(ActionId::CopyJson, [this] { copyJson(); });
    on(ActionId::ToggleDetails, [this](bool shown) { setDetails(shown, m_splitter->orientation()); });
    on(ActionId::DetailsBelow, [this] { setDetails(true, Qt::Vertical); });
    on(ActionId::DetailsRight, [this] { setDetails(true, Qt::Horizontal); });
    on(ActionId::FocusTable, [this] { currentPane()->focusTable(); });
    on(ActionId::FocusDetails, [this] {
        setDetails(true, m_splitter->orientation());
        m_details->focusContent();
    });
    on(ActionId::TimeZone, [this](bool utc) { setUtc(utc); });
    on(ActionId::ThemeSystem, [this] { setTheme(Theme::System); });
    on(ActionId::ThemeLight, [this] { setTheme(Theme::Light); });
    on(ActionId::ThemeDark, [this] { setTheme(Theme::Dark); });
    on(ActionId::ThemeHighContrast, [this] { setTheme(Theme::HighContrast); });
    on(ActionId::KeySheet, [this] { (new KeySheet(*m_actions, this))->open(); });
    on(ActionId::Quit, [this] { close(); });
    on(ActionId::Palette, [this] {
        QList<QAction *> actions;
        for (const ActionEntry &entry : actionTable())
            actions.append(m_actions->get(entry.id));
        auto *palette = new CommandPalette(m_api, &m_time, actions, this);
        connect(palette, &CommandPalette::deliveryChosen, this, &MainWindow::openDelivery);
        connect(palette, &CommandPalette::sessionChosen, this, &MainWindow::openSession);
        palette->open();
    });
}

void MainWindow::showTableMenu(ListTable *table, const QPoint &at)
{
    if (!table->currentIndex().isValid())
        return;
    auto *menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    const auto open = menu->addAction(tr("Open details"));
    connect(open, &QAction::triggered, table, [table] { Q_EMIT table->activatedId(table->currentId()); });
    menu->addSeparator();
    menu->addAction(m_actions->get(ActionId::CopyId));
    menu->addAction(m_actions->get(ActionId::CopyJson));
    if (m_view == ViewKind::Sessions) {
        menu->addSeparator();
        const QString id = table->currentId();
        connect(menu->addAction(tr("Show its deliveries")), &QAction::triggered, this,
            [this, id] { openDeliveriesOf(id); });
    }
    menu->addSeparator();
    for (const ActionEntry &entry : actionTable()) {
        QAction *action = m_actions->get(entry.id);
        if (entry.group == ActionGroup::Act && entry.scope == ActionScope::Table && action->isEnabled())
            menu->addAction(action);
    }
    table->setBusyPointer(true); // nothing moves under an open menu
    connect(menu, &QMenu::aboutToHide, table, [table] { table->setBusyPointer(false); });
    menu->popup(table->viewport()->mapToGlobal(at));
}

} // namespace signalbox::ui
