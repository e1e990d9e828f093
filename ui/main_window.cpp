// SPDX-License-Identifier: Apache-2.0
#include "main_window.h"

#include "details_pane.h"
#include "filter_bar.h"
#include "icons.h"
#include "navigation.h"
#include "status_line.h"

#include <QApplication>
#include <QClipboard>
#include <QCloseEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QSplitter>
#include <QStackedWidget>
#include <QStatusBar>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using admin::ConnectionState;

namespace {

constexpr size_t kLongestHistory = 100;

qint64 sumOf(const QMap<QString, qint64> &counts, std::initializer_list<const char16_t *> states)
{
    qint64 sum = 0;
    for (const char16_t *state : states)
        sum += counts.value(QString::fromUtf16(state));
    return sum;
}

// The band across the window in the profile's colour; a guarded profile says its name in it.
class Band final : public QWidget
{
public:
    Band(const Profile &profile, QWidget *parent)
        : QWidget(parent)
    {
        setObjectName(u"band"_s);
        setAccessibleName(profile.name);
        setAutoFillBackground(true);
        QPalette palette;
        palette.setColor(QPalette::Window, profile.colour);
        setPalette(palette);
        if (!profile.guarded) {
            setFixedHeight(4);
            return;
        }
        auto *label = new QLabel(profile.name, this);
        const bool darkText
            = contrastRatio(profile.colour, Qt::black) > contrastRatio(profile.colour, Qt::white);
        label->setStyleSheet(u"color: %1; font-weight: 600;"_s.arg(darkText ? u"#000000"_s : u"#ffffff"_s));
        label->setAlignment(Qt::AlignCenter);
        auto *layout = new QHBoxLayout(this);
        layout->setContentsMargins(8, 3, 8, 3);
        layout->addWidget(label);
    }
};

} // namespace

Profile Profile::embedded()
{
    return Profile(MainWindow::tr("This computer (embedded)"), QColor());
}

MainWindow::MainWindow(admin::OperatorApi *api, const Clock *clock, Profile profile, QWidget *parent)
    : QMainWindow(parent)
    , m_api(api)
    , m_profile(std::move(profile))
    , m_time(clock)
    , m_actions(new Actions(this))
    , m_rowActions(new RowActions(api, &m_time, m_actions, m_profile.name, this))
{
    setObjectName(u"mainWindow"_s);
    setWindowTitle(tr("%1 – Signalbox", "profile").arg(m_profile.name));
    setWindowIcon(applicationIcon());
    build();
    buildMenus();
    connectApi();
    connectActions();
    connectDetails();
    resize(1280, 800);
    setDetails(true, Qt::Vertical);
    loadSettings();
    connectionChanged();
    go(here(), true);
}

MainWindow::~MainWindow() = default;

void MainWindow::build()
{
    m_stack = new QStackedWidget(this);
    m_details = new DetailsPane(m_api, &m_time, this);
    m_navigation = new Navigation(this);
    addPane(makeSessionList());
    addPane(makeDeliveryList());
    addPane(makeLockList());
    addPane(makeInteractionList());
    addPane(makeRuntimeList());
    addPane(makeLifecycleList());
    addPane(makeInstallationList());
    addPane(makeEngineList());
    addPane(makeAuditList());
    m_splitter = new QSplitter(Qt::Vertical, this);
    m_splitter->setObjectName(u"splitter"_s);
    m_splitter->setHandleWidth(1);
    m_splitter->setChildrenCollapsible(false);
    m_splitter->addWidget(m_stack);
    m_splitter->addWidget(m_details);
    m_splitter->setStretchFactor(0, 1);
    m_splitter->setStretchFactor(1, 0);
    m_splitter->setSizes({470, 330});

    auto *content = new QWidget(this);
    auto *line = new QHBoxLayout;
    line->setSpacing(0);
    line->addWidget(buildNavigation());
    line->addWidget(m_splitter, 1);
    auto *layout = new QVBoxLayout(content);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    if (m_profile.colour.isValid())
        layout->addWidget(new Band(m_profile, this));
    layout->addLayout(line, 1);
    setCentralWidget(content);

    m_status = new StatusLine(&m_time, this);
    statusBar()->setSizeGripEnabled(false);
    statusBar()->addWidget(m_status, 1);
    connect(m_status, &StatusLine::needsPersonRequested, this, &MainWindow::needsPerson);
    connect(m_status, &StatusLine::timeZoneToggled, this, [this] { setUtc(!m_time.isUtc()); });
    connect(m_navigation, &Navigation::viewChosen, this, &MainWindow::showView);
}

QWidget *MainWindow::buildNavigation()
{
    auto *nav = new QWidget(this);
    nav->setObjectName(u"nav"_s);
    nav->setAttribute(Qt::WA_StyledBackground);
    nav->setFixedWidth(fontMetrics().averageCharWidth() * 29);
    auto *icon = new QLabel(nav);
    icon->setPixmap(iconPixmap(u"signalbox"_s, Qt::black, 26, devicePixelRatioF()));
    auto *name = new QLabel(u"Signalbox"_s, nav);
    QFont bold = font();
    bold.setWeight(QFont::DemiBold);
    bold.setPointSizeF(bold.pointSizeF() * 1.2);
    name->setFont(bold);
    auto *profile = new QLabel(m_profile.name, nav);
    profile->setObjectName(u"muted"_s);
    profile->setProperty("part", u"profile"_s);
    profile->setToolTip(m_profile.name);
    profile->setWordWrap(true);
    auto *brand = new QHBoxLayout;
    brand->setContentsMargins(16, 0, 8, 0);
    brand->setSpacing(9);
    brand->addWidget(icon);
    brand->addWidget(name, 1);
    auto *layout = new QVBoxLayout(nav);
    layout->setContentsMargins(0, 12, 0, 8);
    layout->setSpacing(4);
    layout->addLayout(brand);
    profile->setContentsMargins(18, 0, 8, 8);
    layout->addWidget(profile);
    layout->addWidget(m_navigation, 1);
    return nav;
}

void MainWindow::addPane(std::unique_ptr<ListKind> kind)
{
    m_navigation->addView(*kind);
    const ViewKind view = kind->view();
    auto *pane = new ListPane(m_api, std::move(kind), &m_time, this);
    m_panes[view] = pane;
    m_stack->addWidget(pane);
    m_actions->addToTable(pane->table());
    connect(pane, &ListPane::currentIdChanged, this, [this, view](const QString &id) {
        if (view == m_view && !m_moving)
            showDetails(id);
        if (view == m_view)
            chooseRow(id);
    });
    const auto again = [this, view] {
        if (view == m_view)
            chooseRow(m_panes.at(view)->table()->currentId());
    };
    connect(pane->model(), &QAbstractItemModel::dataChanged, this, again);
    connect(pane->model(), &QAbstractItemModel::modelReset, this, again);
    connect(pane, &ListPane::frozenChanged, this,
        [this](bool frozen) { m_actions->get(ActionId::Freeze)->setChecked(frozen); });
    connect(pane, &ListPane::filterChanged, this, &MainWindow::rememberHere);
    connect(pane->table(), &ListTable::activatedId, this, [this](const QString &id) {
        setDetails(true, m_splitter->orientation());
        showDetails(id);
        m_details->focusContent();
    });
    connect(pane->table(), &QWidget::customContextMenuRequested, this,
        [this, pane](const QPoint &at) { showTableMenu(pane->table(), at); });
}

void MainWindow::connectApi()
{
    connect(m_api, &admin::OperatorApi::connectionChanged, this, &MainWindow::connectionChanged);
    connect(m_api, &admin::OperatorApi::statusChanged, this, &MainWindow::statusChanged);
    connect(m_api, &admin::OperatorApi::changed, this, [this](const QList<domain::Change> &changes) {
        currentPane()->model()->apply(changes);
        m_details->apply(changes);
    });
    connect(m_api, &admin::OperatorApi::gap, this, [this] {
        currentPane()->model()->resynchronise();
        m_details->reload();
    });
}

void MainWindow::connectDetails()
{
    connect(m_details, &DetailsPane::openRow, this, &MainWindow::open);
    connect(m_details, &DetailsPane::openDeliveriesOf, this, &MainWindow::openDeliveriesOf);
}

void MainWindow::showView(ViewKind view)
{
    if (view == m_view)
        return;
    Place place;
    place.view = view;
    place.query = m_panes.at(view)->model()->query();
    place.id = m_panes.at(view)->table()->currentId();
    go(place);
}

MainWindow::Place MainWindow::here() const
{
    Place place;
    place.view = m_view;
    place.query = currentPane()->model()->query();
    place.id = currentPane()->table()->currentId();
    return place;
}

void MainWindow::rememberHere()
{
    if (m_moving)
        return;
    if (!m_history.empty())
        m_history.resize(m_at + 1);
    m_history.push_back(here());
    if (m_history.size() > kLongestHistory)
        m_history.erase(m_history.begin());
    m_at = m_history.size() - 1;
    m_actions->get(ActionId::Back)->setEnabled(m_at > 0);
    m_actions->get(ActionId::Forward)->setEnabled(false);
}

void MainWindow::go(Place place, bool remember)
{
    if (remember && !m_history.empty())
        m_history[m_at].id = currentPane()->table()->currentId();
    m_moving = true;
    m_view = place.view;
    ListPane *pane = currentPane();
    m_stack->setCurrentWidget(pane);
    m_navigation->setCurrent(m_view);
    m_actions->get(ActionId::Freeze)->setChecked(pane->model()->isFrozen());
    if (isVisible()) { // nothing is asked before the window stands
        pane->show(place.query, place.id);
        watch();
        if (pane->model()->phase() != ListPhase::Loading)
            pane->activate();
        showDetails(pane->table()->currentId());
        if (!m_navigation->hasFocus())
            pane->focusTable();
    } else {
        pane->filter()->setQuery(place.query);
        pane->table()->selectId(place.id);
    }
    m_moving = false;
    if (remember)
        rememberHere();
}

void MainWindow::step(int by)
{
    if ((by < 0 && m_at == 0) || (by > 0 && m_at + 1 >= m_history.size()))
        return;
    m_history[m_at].id = currentPane()->table()->currentId();
    m_at = by < 0 ? m_at - 1 : m_at + 1;
    go(m_history[m_at], false);
    m_actions->get(ActionId::Back)->setEnabled(m_at > 0);
    m_actions->get(ActionId::Forward)->setEnabled(m_at + 1 < m_history.size());
}

void MainWindow::open(ViewKind view, const QString &id)
{
    Place place;
    place.view = view;
    place.id = id;
    const ListModel *model = m_panes.at(view)->model();
    if (model->rowOf(id) >= 0)
        place.query = model->query();
    else
        place.query.text = id;
    go(place);
}

void MainWindow::openDelivery(const QString &id)
{
    open(ViewKind::Deliveries, id);
}

void MainWindow::openSession(const QString &id)
{
    open(ViewKind::Sessions, id);
}

void MainWindow::openDeliveriesOf(const QString &sessionId)
{
    Place place;
    place.view = ViewKind::Deliveries;
    place.query.session = sessionId;
    go(place);
}

void MainWindow::needsPerson()
{
    Place place;
    place.view = ViewKind::Deliveries;
    place.query.states = QStringList{u"dead"_s, u"unconfirmed"_s};
    go(place);
}

void MainWindow::showDetails(const QString &id)
{
    if (m_details->isHidden()) // asks nothing while it is not shown
        return;
    const ListModel *model = currentPane()->model();
    const int row = model->rowOf(id);
    m_details->show(m_view, id, row >= 0 ? &model->row(row) : nullptr);
}

void MainWindow::chooseRow(const QString &id)
{
    const ListModel *model = currentPane()->model();
    const int row = model->rowOf(id);
    m_rowActions->setRow(row >= 0 ? &model->row(row) : nullptr);
}

void MainWindow::explain()
{
    const ListModel *model = currentPane()->model();
    const int row = model->rowOf(currentPane()->table()->currentId());
    if (row < 0)
        return;
    QString id = model->row(row).id;
    if (const auto *session = std::get_if<domain::SessionItem>(&model->row(row).item))
        id = session->lockHolder;
    else if (const auto *lock = std::get_if<domain::LockItem>(&model->row(row).item))
        id = lock->holder;
    setDetails(true, m_splitter->orientation());
    m_details->explain(id);
}

void MainWindow::acted(const QString &whatHappened)
{
    statusBar()->showMessage(whatHappened, 6000);
    if (!currentPane()->model()->isFrozen())
        currentPane()->refresh();
    m_details->reload();
}

void MainWindow::watch()
{
    const bool seen = isVisible() && !isMinimized();
    m_api->watch(seen ? currentPane()->kind().changeKinds() : QStringList());
}

void MainWindow::connectionChanged()
{
    const ConnectionState state = m_api->connectionState();
    const bool live = state == ConnectionState::Live;
    m_time.setLive(live);
    for (const auto &[view, pane] : m_panes)
        pane->setConnected(live);
    m_status->setConnection(state, m_api->connectionReason());
    if (live && !m_wasLive && isVisible()) {
        watch();
        currentPane()->activate();
        showDetails(currentPane()->table()->currentId());
    }
    m_wasLive = live;
}

void MainWindow::statusChanged(const domain::EngineStatus &status)
{
    if (m_api->connectionState() == ConnectionState::Live)
        m_time.synchronise(status.now);
    const qint64 sessions = sumOf(status.sessions, {u"running", u"waiting"});
    const qint64 deliveries = sumOf(status.deliveries, {u"pending", u"running", u"waiting"});
    m_navigation->setCount(
        ViewKind::Sessions, sessions, tr("%n running or waiting", nullptr, static_cast<int>(sessions)));
    m_navigation->setCount(
        ViewKind::Deliveries, deliveries, tr("%n unfinished", nullptr, static_cast<int>(deliveries)));
    const qint64 locks = status.sessions.value(u"running"_s);
    m_navigation->setCount(ViewKind::Locks, locks, tr("%1 held", "locks").arg(locks));
    m_navigation->setCount(ViewKind::Lifecycle, status.forwarding,
        tr("%n forward(s) under way", nullptr, static_cast<int>(status.forwarding)));
    m_panes.at(ViewKind::Sessions)->setCounts(status.sessions);
    m_panes.at(ViewKind::Deliveries)->setCounts(status.deliveries);
    m_status->setStatus(status);
}

void MainWindow::setDetails(bool shown, Qt::Orientation orientation)
{
    const bool wasHidden = m_details->isHidden();
    m_details->setVisible(shown);
    if (m_splitter->orientation() != orientation || m_splitter->sizes().value(1) == 0) {
        m_splitter->setOrientation(orientation);
        const int whole = orientation == Qt::Vertical ? m_splitter->height() : m_splitter->width();
        const int part = orientation == Qt::Vertical ? 330 : 460;
        m_splitter->setSizes({std::max(whole - part, part), part});
    }
    m_details->setOrientation(orientation);
    m_actions->get(ActionId::ToggleDetails)->setChecked(shown);
    m_actions->get(orientation == Qt::Vertical ? ActionId::DetailsBelow : ActionId::DetailsRight)
        ->setChecked(true);
    if (shown && wasHidden)
        showDetails(currentPane()->table()->currentId());
}

void MainWindow::setTheme(Theme theme)
{
    applyTheme(*qApp, theme);
    saveSettings();
}

void MainWindow::setUtc(bool utc)
{
    m_time.setUtc(utc);
    m_actions->get(ActionId::TimeZone)->setChecked(utc);
}

void MainWindow::copyIds() const
{
    const QStringList ids = currentPane()->table()->selectedIds();
    if (!ids.isEmpty())
        QApplication::clipboard()->setText(ids.join(u'\n'));
}

void MainWindow::copyJson() const
{
    const ListModel *model = currentPane()->model();
    const int row = model->rowOf(currentPane()->table()->currentId());
    if (row >= 0)
        QApplication::clipboard()->setText(QString::fromUtf8(model->kind().json(model->row(row)).toBytes()));
}

void MainWindow::showEvent(QShowEvent *event)
{
    QMainWindow::showEvent(event);
    // After the first paint: nothing is asked before the window stands.
    QMetaObject::invokeMethod(
        this,
        [this] {
            m_wasLive = false;
            connectionChanged();
            currentPane()->focusTable();
        },
        Qt::QueuedConnection);
}

void MainWindow::changeEvent(QEvent *event)
{
    QMainWindow::changeEvent(event);
    if (event->type() != QEvent::WindowStateChange || !isVisible())
        return;
    watch();
    if (!isMinimized() && m_wasLive)
        currentPane()->activate();
}

void MainWindow::closeEvent(QCloseEvent *event)
{
    saveSettings();
    m_api->watch({});
    QMainWindow::closeEvent(event);
}

} // namespace signalbox::ui
