// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QAction>
#include <QHash>
#include <QList>
#include <QObject>

class QWidget;

namespace signalbox::ui {

// Every action of the console. Menus, palette, key sheet and shortcuts come from one table; keys are given by
// name of the action, so that they can be remapped.
enum class ActionId {
    ShowSessions,
    ShowDeliveries,
    ShowLocks,
    ShowInteractions,
    ShowRuntimes,
    ShowLifecycle,
    ShowInstallations,
    ShowEngines,
    ShowAudit,
    Back,
    Forward,
    Palette,
    Filter,
    ClearFilter,
    NeedsPerson,
    Refresh,
    Freeze,
    CopyId,
    CopyJson,
    ToggleDetails,
    DetailsBelow,
    DetailsRight,
    FocusTable,
    FocusDetails,
    TimeZone,
    ThemeSystem,
    ThemeLight,
    ThemeDark,
    ThemeHighContrast,
    Explain,
    Replay,
    CancelDelivery,
    Confirm,
    Discard,
    ReleaseLock,
    ExtendLock,
    Pause,
    Resume,
    AnswerInteraction,
    CancelInteraction,
    RepostInteraction,
    PauseInstallation,
    ResumeInstallation,
    KeySheet,
    Quit,
};

enum class ActionGroup { Go, View, Edit, Act, Help, File };
// Single letters act only in a table; they are never destructive.
enum class ActionScope { Window, Table };

struct ActionEntry
{
    ActionId id;
    const char *name; // for settings and object names
    ActionGroup group;
    ActionScope scope;
    const char *text; // untranslated, context "Actions"
    const char *keys; // "; " between alternatives
    const char *icon;
    bool checkable;
};
[[nodiscard]] const QList<ActionEntry> &actionTable();
[[nodiscard]] QString groupName(ActionGroup group);

// The actions as QActions of one window. UI thread; a child of the window.
class Actions final : public QObject
{
    Q_OBJECT
public:
    explicit Actions(QWidget *window);
    [[nodiscard]] QAction *get(ActionId id) const { return m_actions.value(static_cast<int>(id)); }
    // The letters work in this table.
    void addToTable(QWidget *table) const;
    void setKeys(const QString &name, const QList<QKeySequence> &keys);

private:
    QHash<int, QAction *> m_actions;
};

} // namespace signalbox::ui
