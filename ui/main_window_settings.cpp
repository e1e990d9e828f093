// SPDX-License-Identifier: Apache-2.0
// What MainWindow remembers between runs. Nothing is written unless main gave the application an organisation
// and a name, so that tests and embedded uses leave no traces.
#include "main_window.h"

#include <QCoreApplication>
#include <QHeaderView>
#include <QSettings>
#include <QSplitter>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

namespace {

bool mayKeep()
{
    return !QCoreApplication::organizationName().isEmpty() && !QCoreApplication::applicationName().isEmpty();
}

} // namespace

void MainWindow::loadSettings()
{
    const Theme theme = mayKeep() ? themeOf(QSettings().value(u"theme"_s).toString()) : chosenTheme();
    const ActionId themeAction = theme == Theme::Light ? ActionId::ThemeLight
        : theme == Theme::Dark                         ? ActionId::ThemeDark
        : theme == Theme::HighContrast                 ? ActionId::ThemeHighContrast
                                                       : ActionId::ThemeSystem;
    m_actions->get(themeAction)->setChecked(true);
    if (!mayKeep())
        return;
    if (theme != chosenTheme())
        applyTheme(*qApp, theme);
    QSettings settings;
    settings.beginGroup(u"window/"_s + QString::fromLatin1(m_profile.name.toUtf8().toPercentEncoding()));
    restoreGeometry(settings.value(u"geometry"_s).toByteArray());
    setDetails(settings.value(u"details"_s, true).toBool(),
        settings.value(u"detailsRight"_s).toBool() ? Qt::Horizontal : Qt::Vertical);
    const QByteArray split = settings.value(u"splitter"_s).toByteArray();
    if (!split.isEmpty())
        m_splitter->restoreState(split);
    setUtc(settings.value(u"utc"_s).toBool());
    const QString shown = settings.value(u"view"_s).toString();
    for (const auto &[view, pane] : m_panes) {
        if (shown == pane->kind().name())
            m_view = view;
        const QByteArray columns = settings.value(u"columns/"_s + pane->kind().name()).toByteArray();
        if (!columns.isEmpty())
            pane->table()->horizontalHeader()->restoreState(columns);
    }
}

void MainWindow::saveSettings() const
{
    if (!mayKeep())
        return;
    QSettings settings;
    settings.setValue(u"theme"_s, themeName(chosenTheme()));
    settings.beginGroup(u"window/"_s + QString::fromLatin1(m_profile.name.toUtf8().toPercentEncoding()));
    settings.setValue(u"geometry"_s, saveGeometry());
    settings.setValue(u"details"_s, m_actions->get(ActionId::ToggleDetails)->isChecked());
    settings.setValue(u"detailsRight"_s, m_splitter->orientation() == Qt::Horizontal);
    settings.setValue(u"splitter"_s, m_splitter->saveState());
    settings.setValue(u"utc"_s, m_time.isUtc());
    settings.setValue(u"view"_s, currentPane()->kind().name());
    for (const auto &[view, pane] : m_panes)
        settings.setValue(
            u"columns/"_s + pane->kind().name(), pane->table()->horizontalHeader()->saveState());
}

} // namespace signalbox::ui
