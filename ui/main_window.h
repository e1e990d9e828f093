// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actions.h"
#include "list_pane.h"
#include "row_actions.h"
#include "time_text.h"

#include <QMainWindow>

#include <map>
#include <vector>

class QSplitter;
class QStackedWidget;

namespace signalbox::ui {

class DetailsPane;
class Navigation;
class StatusLine;

// What a window is attached to. The name stands first in the title, the colour in a band across the window; a
// guarded profile also says its name in the band.
struct Profile
{
    Profile() = default;
    Profile(QString theName, QColor theColour, bool isGuarded = false)
        : name(std::move(theName))
        , colour(std::move(theColour))
        , guarded(isGuarded)
    {
    }
    // "This computer (embedded)", without a band.
    [[nodiscard]] static Profile embedded();
    QString name;
    QColor colour; // invalid: no band
    bool guarded = false;
};

// The console's window over an OperatorApi. Paints before it asks for anything, never waits, and asks only
// for what is seen. Window state is kept in QSettings when the application has an organisation and a name. UI
// thread. `api` and `clock` outlive it.
class MainWindow final : public QMainWindow
{
    Q_OBJECT
public:
    MainWindow(admin::OperatorApi *api, const Clock *clock, Profile profile, QWidget *parent = nullptr);
    ~MainWindow() override;

    void showView(ViewKind view);
    void openDelivery(const QString &id);
    void openSession(const QString &id);
    void openDeliveriesOf(const QString &sessionId);
    [[nodiscard]] ViewKind currentView() const { return m_view; }
    [[nodiscard]] ListPane *pane(ViewKind view) const { return m_panes.at(view); }
    [[nodiscard]] TimeText *time() { return &m_time; }
    [[nodiscard]] const Actions &actions() const { return *m_actions; }
    [[nodiscard]] RowActions *rowActions() const { return m_rowActions; }

protected:
    void showEvent(QShowEvent *event) override;
    void closeEvent(QCloseEvent *event) override;
    void changeEvent(QEvent *event) override;

private:
    // Where Back and Forward go.
    struct Place
    {
        ViewKind view = ViewKind::Deliveries;
        domain::ListQuery query;
        QString id;
    };
    void build();
    QWidget *buildNavigation();
    QWidget *buildBand();
    void buildMenus();
    void addPane(std::unique_ptr<ListKind> kind);
    void connectApi();
    void connectActions();
    void connectDetails();
    void showTableMenu(ListTable *table, const QPoint &at);

    void go(Place place, bool remember = true);
    [[nodiscard]] Place here() const;
    void rememberHere();
    void step(int by);
    void open(ViewKind view, const QString &id);
    void showDetails(const QString &id);
    void needsPerson();
    // What is chosen, for actions that are about it.
    void chooseRow(const QString &id);
    void explain();
    void acted(const QString &whatHappened);
    void watch();
    void connectionChanged();
    void statusChanged(const domain::EngineStatus &status);
    void setDetails(bool shown, Qt::Orientation orientation);
    void setTheme(Theme theme);
    void setUtc(bool utc);
    void copyIds() const;
    void copyJson() const;
    [[nodiscard]] ListPane *currentPane() const { return m_panes.at(m_view); }
    void loadSettings();
    void saveSettings() const;

    admin::OperatorApi *m_api;
    Profile m_profile;
    TimeText m_time;
    Actions *m_actions;
    RowActions *m_rowActions = nullptr;
    Navigation *m_navigation = nullptr;
    QStackedWidget *m_stack = nullptr;
    QSplitter *m_splitter = nullptr;
    DetailsPane *m_details = nullptr;
    StatusLine *m_status = nullptr;
    std::map<ViewKind, ListPane *> m_panes;
    ViewKind m_view = ViewKind::Deliveries;
    bool m_wasLive = false;
    std::vector<Place> m_history;
    size_t m_at = 0;
    bool m_moving = false;
};

} // namespace signalbox::ui
