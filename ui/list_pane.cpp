// SPDX-License-Identifier: Apache-2.0
#include "list_pane.h"

#include "banner.h"
#include "filter_bar.h"
#include "icons.h"
#include "message_pane.h"
#include "time_text.h"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLocale>
#include <QStackedLayout>
#include <QToolButton>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

namespace {

QToolButton *toolButton(
    const QString &name, const QString &icon, const QString &text, const QString &tip, QWidget *parent)
{
    auto *button = new QToolButton(parent);
    button->setObjectName(name);
    button->setIcon(themedIcon(icon));
    button->setIconSize(QSize(22, 16)); // with some air beside the icon
    button->setText(text);
    button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    button->setToolTip(tip);
    button->setAccessibleName(text);
    button->setFocusPolicy(Qt::TabFocus);
    return button;
}

} // namespace

ListPane::ListPane(
    admin::OperatorApi *api, std::unique_ptr<ListKind> kind, const TimeText *time, QWidget *parent)
    : QWidget(parent)
    , m_model(new ListModel(api, std::move(kind), time, this))
    , m_table(new ListTable(m_model, time, this))
    , m_filter(new FilterBar(m_model->kind(), this))
    , m_message(new MessagePane(this))
    , m_frozenBanner(new Banner(u"freeze"_s, Tone::Info, tr("Resume"), this))
    , m_errorBanner(new Banner(u"warning"_s, Tone::Danger, tr("Retry"), this))
    , m_time(time)
{
    setObjectName(u"page"_s);
    setProperty("view", this->kind().name());
    setAttribute(Qt::WA_StyledBackground);
    m_table->setObjectName(this->kind().name() + u"Table"_s);
    m_table->setAccessibleName(this->kind().title());
    m_frozenBanner->setObjectName(u"frozenBanner"_s);
    m_errorBanner->setObjectName(u"errorBanner"_s);
    build();
    connectParts();
    showState();
}

QWidget *ListPane::buildHead()
{
    auto *head = new QWidget(this);
    auto *title = new QLabel(kind().title(), head);
    title->setObjectName(u"heading"_s);
    m_new = new QToolButton(head);
    m_new->setObjectName(u"pill"_s);
    m_new->setToolTip(tr("Show the new rows (Home)"));
    m_new->setFocusPolicy(Qt::TabFocus);
    m_new->hide();
    m_freeze = toolButton(u"freeze"_s, u"freeze"_s, tr("Freeze"), tr("Hold the table still (F)"), head);
    m_freeze->setCheckable(true);
    m_refresh = toolButton(u"refresh"_s, u"refresh"_s, tr("Refresh"), tr("Ask the engine anew (F5)"), head);

    auto *line = new QHBoxLayout;
    line->setSpacing(6);
    line->addWidget(title);
    line->addStretch();
    line->addWidget(m_new);
    line->addWidget(m_freeze);
    line->addWidget(m_refresh);
    auto *layout = new QVBoxLayout(head);
    layout->setContentsMargins(12, 10, 12, 10);
    layout->setSpacing(8);
    layout->addLayout(line);
    layout->addWidget(m_filter);
    return head;
}

QWidget *ListPane::buildFoot()
{
    auto *foot = new QWidget(this);
    m_range = new QLabel(foot);
    m_range->setObjectName(u"muted"_s);
    m_range->setAccessibleName(tr("Rows shown"));
    m_selection = new QLabel(foot);
    m_selection->setObjectName(u"muted"_s);
    m_order = new QToolButton(foot);
    m_order->setObjectName(u"order"_s);
    m_order->setFocusPolicy(Qt::TabFocus);
    m_order->setToolTip(
        kind().isByName() ? tr("From A to Z or back (End)") : tr("Newest or oldest first (End)"));
    auto *layout = new QHBoxLayout(foot);
    layout->setContentsMargins(12, 3, 12, 3);
    layout->addWidget(m_range);
    layout->addSpacing(16);
    layout->addWidget(m_selection);
    layout->addStretch();
    layout->addWidget(m_order);
    return foot;
}

void ListPane::build()
{
    auto *body = new QWidget(this);
    m_stack = new QStackedLayout(body);
    m_stack->addWidget(m_message);
    m_stack->addWidget(m_table);
    auto *layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(buildHead());
    layout->addWidget(m_frozenBanner);
    layout->addWidget(m_errorBanner);
    layout->addWidget(body, 1);
    layout->addWidget(buildFoot());
    setTabOrder(m_filter, m_table);
}

void ListPane::connectParts()
{
    connect(m_model, &ListModel::stateChanged, this, &ListPane::showState);
    connect(m_table, &ListTable::visibleRowsChanged, this, &ListPane::showFooter);
    connect(m_table, &ListTable::currentIdChanged, this, &ListPane::currentIdChanged);
    connect(m_table, &ListTable::startRequested, this, &ListPane::goToStart);
    connect(m_table, &ListTable::endRequested, this, &ListPane::goToEnd);
    connect(m_filter, &FilterBar::changed, this, [this] {
        domain::ListQuery query = m_filter->query();
        query.oldestFirst = m_model->query().oldestFirst;
        m_model->setQuery(query);
        Q_EMIT filterChanged();
    });
    connect(m_filter, &FilterBar::left, this, [this] { focusTable(); });
    connect(m_message, &MessagePane::retryRequested, this, &ListPane::refresh);
    connect(m_message, &MessagePane::actionRequested, m_filter, &FilterBar::clear);
    connect(m_errorBanner, &Banner::actionRequested, this, &ListPane::refresh);
    connect(m_frozenBanner, &Banner::actionRequested, this, [this] { setFrozen(false); });
    connect(m_freeze, &QToolButton::clicked, this, &ListPane::setFrozen);
    connect(m_refresh, &QToolButton::clicked, this, &ListPane::refresh);
    connect(m_new, &QToolButton::clicked, this, &ListPane::goToStart);
    connect(m_order, &QToolButton::clicked, this,
        [this] { m_model->setOldestFirst(!m_model->query().oldestFirst); });
    connect(m_time, &TimeText::changed, this, &ListPane::showState);
}

void ListPane::activate()
{
    if (!m_connected)
        return;
    domain::ListQuery query = m_filter->query();
    const domain::ListQuery &known = m_model->query();
    query.oldestFirst = known.oldestFirst;
    const bool same
        = query.text == known.text && query.session == known.session && query.states == known.states;
    if (m_model->phase() == ListPhase::Idle || !same)
        m_model->setQuery(query);
    else if (m_model->isFrozen())
        m_model->resynchronise(); // remembers it for the resume
    else
        refresh();
}

void ListPane::setConnected(bool connected)
{
    m_connected = connected;
    showState();
}

void ListPane::setCounts(const QMap<QString, qint64> &counts)
{
    m_filter->setCounts(counts);
}

void ListPane::show(const domain::ListQuery &query, const QString &id)
{
    m_filter->setQuery(query);
    if (m_connected)
        m_model->setQuery(query);
    m_table->selectId(id);
}

void ListPane::setFrozen(bool frozen)
{
    m_frozenAt = m_time->now();
    m_model->setFrozen(frozen);
    showState();
    Q_EMIT frozenChanged(frozen);
}

void ListPane::refresh()
{
    m_model->refresh(m_table->firstVisibleRow());
}

void ListPane::focusTable()
{
    m_focusWhenFilled = m_model->rowCount() == 0;
    if (m_focusWhenFilled)
        m_message->setFocus(Qt::OtherFocusReason);
    else
        m_table->setFocus(Qt::OtherFocusReason);
}

void ListPane::goToStart()
{
    if (m_model->newRows() > 0 || !m_model->atStart())
        m_model->showNewRows();
    m_table->scrollToStart();
}

void ListPane::goToEnd()
{
    if (!m_model->atEnd()) {
        m_model->setOldestFirst(!m_model->query().oldestFirst);
        return;
    }
    if (m_model->rowCount() > 0)
        m_table->setCurrentIndex(m_model->index(m_model->rowCount() - 1, 0));
    m_table->scrollToBottom();
}

void ListPane::showState()
{
    const bool hasRows = m_model->rowCount() > 0;
    const ListPhase phase = m_model->phase();
    const auto &error = m_model->error();
    m_freeze->setChecked(m_model->isFrozen());
    m_refresh->setEnabled(!m_model->isFrozen());
    m_frozenBanner->setVisible(m_model->isFrozen());
    if (m_model->isFrozen()) {
        const int waiting = m_model->frozenChanges();
        m_frozenBanner->setText(
            tr("Frozen at %1 · %2", "time, changes waiting")
                .arg(m_time->moment(m_frozenAt), tr("%n change(s) waiting", nullptr, waiting)));
    }
    m_errorBanner->setVisible(phase == ListPhase::Failed && hasRows);
    if (error)
        m_errorBanner->setText(tr("Not up to date. %1").arg(errorText(error->code())), error->toString());
    const int fresh = m_model->newRows();
    m_new->setVisible(fresh > 0 && !m_model->isFrozen());
    if (fresh > 0) {
        m_new->setText(tr("%n new", "rows that wait", fresh));
        m_new->setAccessibleName(tr("Show %n new row(s)", nullptr, fresh));
    }
    if (hasRows) {
        const bool waited = m_message->hasFocus();
        m_stack->setCurrentWidget(m_table);
        if (std::exchange(m_focusWhenFilled, false) && waited)
            m_table->setFocus(Qt::OtherFocusReason);
    } else {
        // Or the focus would fall into the filter, where letters are text.
        const bool hadFocus = m_table->hasFocus();
        if (phase == ListPhase::Failed && error)
            m_message->showError(*error);
        else if (phase == ListPhase::Idle && !m_connected)
            m_message->showEmpty(
                u"disconnected"_s, tr("Not connected"), tr("Rows appear as soon as the engine answers."));
        else if (phase != ListPhase::Ready)
            m_message->showBusy(tr("Loading…"));
        else if (!m_filter->isEmpty())
            m_message->showEmpty(u"search"_s, tr("Nothing matches this filter"),
                tr("There may be rows that it hides."), tr("Clear filter"));
        else
            m_message->showEmpty(kind().icon(), tr("Nothing here"), kind().emptyText());
        m_stack->setCurrentWidget(m_message);
        if (hadFocus)
            focusTable();
    }
    showFooter();
}

QString ListPane::rangeText() const
{
    const QLocale locale;
    if (m_model->rowCount() == 0)
        return {};
    const qint64 from = m_model->offset() + m_table->firstVisibleRow() + 1;
    const qint64 to = m_model->offset() + m_table->lastVisibleRow() + 1;
    const QString total = locale.toString(std::max(m_model->total(), to));
    return (m_model->totalIsExact() ? tr("%1–%2 of %3") : tr("%1–%2 of about %3"))
        .arg(locale.toString(from), locale.toString(to), total);
}

void ListPane::showFooter()
{
    m_range->setText(rangeText());
    const bool back = m_model->query().oldestFirst;
    if (kind().isByName())
        m_order->setText(back ? tr("Z to A") : tr("A to Z"));
    else
        m_order->setText(back ? tr("Oldest first") : tr("Newest first"));
    m_order->setAccessibleName(tr("Order: %1").arg(m_order->text()));
    int gone = 0;
    for (const QString &id : m_table->selectedIds()) {
        const int row = m_model->rowOf(id);
        gone += row < 0 || !m_model->row(row).matches ? 1 : 0;
    }
    const int selected = static_cast<int>(m_table->selectedIds().size());
    QString text;
    if (selected > 1)
        text = tr("%n selected", nullptr, selected);
    if (gone > 0 && selected > 1)
        text += u' ' + tr("(%n not among these rows any more)", nullptr, gone);
    m_selection->setText(text);
}

} // namespace signalbox::ui
