// SPDX-License-Identifier: Apache-2.0
#include "actions.h"

#include "icons.h"

#include <QCoreApplication>
#include <QWidget>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

const QList<ActionEntry> &actionTable()
{
    using enum ActionGroup;
    using enum ActionScope;
    using Id = ActionId;
#define TEXT(text) QT_TRANSLATE_NOOP("Actions", text)
    static const QList<ActionEntry> table{
        {Id::ShowSessions, "show_sessions", Go, Window, TEXT("&Sessions"), "Alt+1; G, S", "sessions", false},
        {Id::ShowDeliveries, "show_deliveries", Go, Window, TEXT("&Deliveries"), "Alt+2; G, D", "deliveries",
            false},
        {Id::ShowLocks, "show_locks", Go, Window, TEXT("&Locks"), "Alt+3; G, L", "lock", false},
        {Id::ShowInteractions, "show_interactions", Go, Window, TEXT("In&teractions"), "Alt+4; G, T",
            "person", false},
        {Id::ShowRuntimes, "show_runtimes", Go, Window, TEXT("&Runtimes"), "Alt+5; G, R", "runtimes", false},
        {Id::ShowLifecycle, "show_lifecycle", Go, Window, TEXT("Life&cycle"), "Alt+6; G, Y", "lifecycle",
            false},
        {Id::ShowInstallations, "show_installations", Go, Window, TEXT("&Installations"), "Alt+7; G, I",
            "installations", false},
        {Id::ShowEngines, "show_engines", Go, Window, TEXT("En&gines"), "Alt+8; G, N", "engines", false},
        {Id::ShowAudit, "show_audit", Go, Window, TEXT("A&udit"), "Alt+9; G, A", "audit", false},
        {Id::NeedsPerson, "needs_person", Go, Window, TEXT("What needs a &person"), "G, P", "person", false},
        {Id::Back, "back", Go, Window, TEXT("&Back"), "Alt+Left", "back", false},
        {Id::Forward, "forward", Go, Window, TEXT("&Forward"), "Alt+Right", "forward", false},
        {Id::Palette, "palette", Go, Window, TEXT("Find or run &anything…"), "Ctrl+K", "command", false},
        {Id::Filter, "filter", View, Window, TEXT("&Filter"), "/; Ctrl+F", "search", false},
        {Id::ClearFilter, "clear_filter", View, Table, TEXT("&Clear filter"), "Esc", "clear", false},
        {Id::Refresh, "refresh", View, Window, TEXT("&Refresh"), "F5", "refresh", false},
        {Id::Freeze, "freeze", View, Table, TEXT("Free&ze table"), "F", "freeze", true},
        {Id::ToggleDetails, "toggle_details", View, Window, TEXT("Show &details"), "Ctrl+D", "panel_hidden",
            true},
        {Id::DetailsBelow, "details_below", View, Window, TEXT("Details &below"), "Ctrl+Shift+Down",
            "panel_bottom", true},
        {Id::DetailsRight, "details_right", View, Window, TEXT("Details at the ri&ght"), "Ctrl+Shift+Right",
            "panel_right", true},
        {Id::FocusTable, "focus_table", View, Window, TEXT("Go to the &table"), "Ctrl+1", "", false},
        {Id::FocusDetails, "focus_details", View, Window, TEXT("Go to the d&etails"), "Ctrl+2", "", false},
        {Id::TimeZone, "utc", View, Window, TEXT("Times in &UTC"), "Ctrl+U", "clock", true},
        {Id::ThemeSystem, "theme_system", View, Window, TEXT("Colours of the s&ystem"), "", "theme", true},
        {Id::ThemeLight, "theme_light", View, Window, TEXT("&Light colours"), "", "theme", true},
        {Id::ThemeDark, "theme_dark", View, Window, TEXT("Dar&k colours"), "", "theme", true},
        {Id::ThemeHighContrast, "theme_high_contrast", View, Window, TEXT("&High contrast"), "", "theme",
            true},
        {Id::CopyId, "copy", Edit, Table, TEXT("&Copy id"), "Ctrl+C", "copy", false},
        {Id::CopyJson, "copy_json", Edit, Table, TEXT("Copy row as &JSON"), "Ctrl+Shift+C", "copy", false},
        {Id::Explain, "explain", Act, Table, TEXT("&Explain: why is it stuck?"), "E", "search", false},
        {Id::Replay, "replay", Act, Table, TEXT("&Replay…"), "R", "refresh", false},
        {Id::Confirm, "confirm", Act, Table, TEXT("&Settle unconfirmed…"), "", "unconfirmed", false},
        {Id::CancelDelivery, "cancel_delivery", Act, Table, TEXT("&Cancel delivery…"), "", "cancelled",
            false},
        {Id::Discard, "discard", Act, Table, TEXT("&Discard dead letter…"), "", "dead", false},
        {Id::ReleaseLock, "release_lock", Act, Table, TEXT("Release &lock…"), "", "lock", false},
        {Id::ExtendLock, "extend_lock", Act, Table, TEXT("E&xtend lock…"), "", "clock", false},
        {Id::AnswerInteraction, "answer_interaction", Act, Table, TEXT("Ans&wer…"), "", "person", false},
        {Id::CancelInteraction, "cancel_interaction", Act, Table, TEXT("Ca&ncel question…"), "", "cancelled",
            false},
        {Id::RepostInteraction, "repost_interaction", Act, Table, TEXT("&Post the card again…"), "",
            "refresh", false},
        {Id::PauseInstallation, "pause_installation", Act, Table, TEXT("Pause &this installation…"), "",
            "waiting", false},
        {Id::ResumeInstallation, "resume_installation", Act, Table, TEXT("Resume this i&nstallation…"), "",
            "running", false},
        {Id::Pause, "pause", Act, Window, TEXT("&Pause the gateway…"), "Ctrl+Shift+P", "waiting", false},
        {Id::Resume, "resume", Act, Window, TEXT("Res&ume the gateway…"), "Ctrl+Shift+U", "running", false},
        {Id::KeySheet, "keys", Help, Window, TEXT("&Keys"), "?; Ctrl+/; F1", "keyboard", false},
        {Id::Quit, "quit", File, Window, TEXT("&Quit"), "Ctrl+Q", "quit", false},
    };
#undef TEXT
    return table;
}

QString groupName(ActionGroup group)
{
    const auto text = [](const char *source) { return QCoreApplication::translate("Actions", source); };
    switch (group) {
    case ActionGroup::Go:
        return text(QT_TRANSLATE_NOOP("Actions", "&Go"));
    case ActionGroup::View:
        return text(QT_TRANSLATE_NOOP("Actions", "&View"));
    case ActionGroup::Edit:
        return text(QT_TRANSLATE_NOOP("Actions", "&Edit"));
    case ActionGroup::Act:
        return text(QT_TRANSLATE_NOOP("Actions", "&Act"));
    case ActionGroup::Help:
        return text(QT_TRANSLATE_NOOP("Actions", "&Help"));
    case ActionGroup::File:
        return text(QT_TRANSLATE_NOOP("Actions", "&File"));
    }
    return {};
}

namespace {

// A key that types something: it must reach text fields, so that it acts in a table alone.
bool isTyped(const QKeySequence &keys)
{
    const auto modifiers = keys[0].keyboardModifiers();
    return !(modifiers & (Qt::ControlModifier | Qt::AltModifier | Qt::MetaModifier))
        && keys[0].key() < Qt::Key_Escape;
}

} // namespace

// An action whose keys are partly letters is two QActions: the letters' one lives in the tables only.
Actions::Actions(QWidget *window)
    : QObject(window)
{
    for (const ActionEntry &entry : actionTable()) {
        auto *action = new QAction(QCoreApplication::translate("Actions", entry.text), window);
        action->setObjectName(u"action_"_s + QLatin1StringView(entry.name));
        action->setCheckable(entry.checkable);
        action->setMenuRole(QAction::NoRole);
        if (*entry.icon)
            action->setIcon(themedIcon(QString::fromLatin1(entry.icon)));
        m_actions.insert(static_cast<int>(entry.id), action);
        window->addAction(action);
        QList<QKeySequence> keys;
        for (const QString &text : QString::fromLatin1(entry.keys).split(u"; "_s, Qt::SkipEmptyParts))
            keys.append(QKeySequence(text));
        setKeys(QString::fromLatin1(entry.name), keys);
    }
}

void Actions::setKeys(const QString &name, const QList<QKeySequence> &keys)
{
    for (const ActionEntry &entry : actionTable()) {
        if (name != QLatin1StringView(entry.name))
            continue;
        QAction *action = get(entry.id);
        QList<QKeySequence> everywhere;
        QList<QKeySequence> inTables;
        for (const QKeySequence &key : keys)
            (entry.scope == ActionScope::Table || isTyped(key) ? inTables : everywhere).append(key);
        delete action->findChild<QAction *>(u"letters"_s, Qt::FindDirectChildrenOnly);
        // The first key shows in menus; a table's key does so without acting elsewhere.
        action->setShortcuts(everywhere);
        if (!inTables.isEmpty()) {
            auto *letters = new QAction(action->text(), action);
            letters->setObjectName(u"letters"_s);
            letters->setShortcuts(inTables);
            letters->setShortcutContext(Qt::WidgetShortcut);
            connect(letters, &QAction::triggered, action, &QAction::trigger);
        }
        QStringList shown;
        for (const QKeySequence &key : keys)
            shown.append(key.toString(QKeySequence::NativeText));
        action->setProperty("keys", shown);
    }
}

void Actions::addToTable(QWidget *table) const
{
    for (const QAction *action : m_actions) {
        if (auto *letters = action->findChild<QAction *>(u"letters"_s, Qt::FindDirectChildrenOnly))
            table->addAction(letters);
    }
}

} // namespace signalbox::ui
