// SPDX-License-Identifier: Apache-2.0
#include "details_pane.h"

#include "attempts_view.h"
#include "explain_view.h"
#include "field_grid.h"
#include "icons.h"
#include "message_pane.h"
#include "start.h"
#include "time_text.h"
#include "timeline_widget.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPointer>
#include <QScrollArea>
#include <QStackedLayout>
#include <QTabBar>
#include <QTabWidget>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

namespace {

QScrollArea *scrolled(QWidget *content, const QString &name)
{
    auto *area = new QScrollArea;
    area->setObjectName(name);
    area->setWidget(content);
    area->setWidgetResizable(true);
    area->setFrameShape(QFrame::NoFrame);
    area->setFocusPolicy(Qt::NoFocus);
    area->viewport()->setBackgroundRole(QPalette::Base);
    content->setBackgroundRole(QPalette::Base);
    content->setAutoFillBackground(true);
    return area;
}

} // namespace

DetailsPane::DetailsPane(admin::OperatorApi *api, const TimeText *time, QWidget *parent)
    : QWidget(parent)
    , m_api(api)
    , m_time(time)
    , m_message(new MessagePane(this))
    , m_tabs(new QTabWidget(this))
    , m_timeline(new TimelineWidget(time))
    , m_attempts(new AttemptsView(time))
    , m_explain(new ExplainView(api, time, this))
{
    setObjectName(u"details"_s);
    setAccessibleName(tr("Details"));
    m_tabs->setObjectName(u"detailsTabs"_s);
    m_tabs->setAccessibleName(tr("Details"));
    m_tabs->tabBar()->setAccessibleName(tr("Parts of the details"));
    m_tabs->setDocumentMode(true);
    m_tabs->tabBar()->setDrawBase(false);
    build();
    addParts();
    m_reload.setSingleShot(true);
    m_reload.setInterval(kReloadInterval);
    connect(&m_reload, &QTimer::timeout, this, &DetailsPane::reload);
    connect(m_message, &MessagePane::retryRequested, this, &DetailsPane::reload);
    connect(time, &TimeText::ticked, this, &DetailsPane::showFields);
    connect(time, &TimeText::changed, this, &DetailsPane::showFields);
    connect(m_explain, &ExplainView::openDelivery, this,
        [this](const QString &id) { Q_EMIT openRow(ViewKind::Deliveries, id); });
    connect(m_explain, &ExplainView::openSession, this,
        [this](const QString &id) { Q_EMIT openRow(ViewKind::Sessions, id); });
    clear();
}

QWidget *DetailsPane::buildHead()
{
    auto *head = new QWidget(this);
    m_stateIcon = new QLabel(head);
    m_state = new QLabel(head);
    m_state->setObjectName(u"detailsState"_s);
    QFont bold = font();
    bold.setWeight(QFont::DemiBold);
    m_state->setFont(bold);
    m_subject = new QLabel(head);
    m_subject->setObjectName(u"detailsSubject"_s);
    m_subject->setFont(monospaceFont());
    m_subject->setTextFormat(Qt::PlainText);
    m_subject->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_sentence = new QLabel(head);
    m_sentence->setObjectName(u"muted"_s);
    m_sentence->setProperty("part", u"sentence"_s);
    m_sentence->setWordWrap(true);
    m_sentence->setTextFormat(Qt::PlainText);
    auto *line = new QHBoxLayout;
    line->setSpacing(8);
    line->addWidget(m_stateIcon);
    line->addWidget(m_state);
    line->addSpacing(8);
    line->addWidget(m_subject);
    line->addStretch();
    auto *layout = new QVBoxLayout(head);
    layout->setContentsMargins(12, 10, 12, 4);
    layout->setSpacing(3);
    layout->addLayout(line);
    layout->addWidget(m_sentence);
    return head;
}

void DetailsPane::build()
{
    auto *summary = new QWidget;
    summary->setObjectName(u"summary"_s);
    m_fields = new QStackedLayout(summary);
    m_summaryPage = summary;
    m_timelinePage = scrolled(m_timeline, u"timelineArea"_s);
    m_tabs->addTab(m_summaryPage, tr("Summary"));

    auto *content = new QWidget(this);
    content->setObjectName(u"detailsBody"_s);
    auto *layout = new QVBoxLayout(content);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(buildHead());
    layout->addWidget(m_tabs, 1);
    m_stack = new QStackedLayout(this);
    m_stack->addWidget(m_message);
    m_stack->addWidget(content);
    m_timelinePage->setParent(this);
    m_timelinePage->hide();
    m_attempts->setParent(this);
    m_attempts->hide();
    m_tabs->addTab(m_explain, tr("Why"));
}

void DetailsPane::addPart(std::unique_ptr<RowSummary> summary, std::initializer_list<ViewKind> views)
{
    Part part;
    part.fields = new FieldGrid;
    part.fields->setObjectName(summary->name() + u"Fields"_s);
    summary->build(part.fields);
    m_fields->addWidget(scrolled(part.fields, summary->name() + u"Summary"_s));
    connect(part.fields, &FieldGrid::linkActivated, this, &DetailsPane::follow);
    part.summary = std::move(summary);
    for (const ViewKind view : views)
        m_partOf[view] = m_parts.size();
    m_parts.push_back(std::move(part));
}

void DetailsPane::addParts()
{
    addPart(makeDeliverySummary(), {ViewKind::Deliveries});
    addPart(makeSessionSummary(), {ViewKind::Sessions, ViewKind::Locks});
    addPart(makeRuntimeSummary(), {ViewKind::Runtimes});
    addPart(makeLifecycleSummary(), {ViewKind::Lifecycle});
    addPart(makeInstallationSummary(), {ViewKind::Installations});
    addPart(makeEngineSummary(), {ViewKind::Engines});
    addPart(makeInteractionSummary(), {ViewKind::Interactions});
    addPart(makeAuditSummary(), {ViewKind::Audit});
}

// Where a link leads is told by its key.
void DetailsPane::follow(const QString &key, const QString &value)
{
    static const QHash<QString, ViewKind> views{{u"session"_s, ViewKind::Sessions},
        {u"holder"_s, ViewKind::Deliveries}, {u"delivery"_s, ViewKind::Deliveries},
        {u"event"_s, ViewKind::Lifecycle}, {u"installation"_s, ViewKind::Installations},
        {u"engine"_s, ViewKind::Engines}, {u"interaction"_s, ViewKind::Interactions}};
    if (value.isEmpty())
        return;
    if (key == u"deliveries")
        Q_EMIT openDeliveriesOf(value);
    else if (views.contains(key))
        Q_EMIT openRow(views.value(key), value);
}

void DetailsPane::clear()
{
    ++m_generation;
    m_id.clear();
    m_hasContent = false;
    m_message->showEmpty(
        u"panel_bottom"_s, tr("Nothing chosen"), tr("Choose a row to see everything about it."));
    m_stack->setCurrentIndex(0);
}

void DetailsPane::show(ViewKind view, const QString &id, const ListRow *preview)
{
    if (id.isEmpty()) {
        clear();
        return;
    }
    const bool same = view == m_view && id == m_id;
    m_view = view;
    m_id = id;
    if (!same) {
        m_hasContent = false;
        m_explain->clear();
        m_tabs->setTabVisible(m_tabs->indexOf(m_explain), part().summary->canWait());
        m_fields->setCurrentIndex(static_cast<int>(m_partOf.at(view)));
        if (preview && part().summary->shows(preview->item)) {
            RowDetail known(preview->item);
            if (part().summary->hasHistory())
                known.delivery.emplace(); // none is known yet, and that of the row before is not shown
            showDetail(known);
        } else {
            m_message->showBusy(tr("Loading…"));
            m_stack->setCurrentIndex(0);
        }
    }
    reload();
}

QCoro::Task<> DetailsPane::load()
{
    const QPointer<DetailsPane> self(this);
    const int generation = m_generation;
    auto detail = co_await part().summary->fetch(m_api, m_id);
    if (!self || generation != m_generation)
        co_return;
    if (!detail)
        failWith(detail.error());
    else
        showDetail(*detail);
}

void DetailsPane::reload()
{
    if (m_id.isEmpty())
        return;
    ++m_generation;
    m_reload.stop();
    if (!m_hasContent)
        m_message->showBusy(tr("Loading…"));
    ui::start(load());
}

void DetailsPane::failWith(const Error &error)
{
    if (m_hasContent && error.isRetryable()) // the status bar tells it; what was known stays
        return;
    m_hasContent = false;
    m_message->showError(error);
    m_stack->setCurrentIndex(0);
}

void DetailsPane::apply(const QList<domain::Change> &changes)
{
    for (const domain::Change &change : changes) {
        const auto *outbound = std::get_if<domain::OutboundItem>(&change.item);
        const bool mine = change.id == m_id || (outbound && outbound->deliveryId == m_id);
        if (mine && !m_id.isEmpty() && !m_reload.isActive()) {
            m_reload.start();
            return;
        }
    }
}

void DetailsPane::showHead(const StateLook &look, const QString &subject)
{
    m_look = look;
    const QColor colour = colours().tone(look.tone);
    m_stateIcon->setPixmap(iconPixmap(look.icon, colour, 18, devicePixelRatioF()));
    m_state->setText(look.word);
    m_subject->setText(subject);
    QPalette palette = m_state->palette();
    palette.setColor(QPalette::WindowText, colour);
    m_state->setPalette(palette);
    setAccessibleDescription(look.word + u", "_s + subject);
    m_hasContent = true;
    m_stack->setCurrentIndex(1);
}

void DetailsPane::showTabs(bool history)
{
    const auto put = [this, history](QWidget *page, const QString &title) {
        const int at = m_tabs->indexOf(page);
        if (history && at < 0)
            m_tabs->insertTab(m_tabs->indexOf(m_explain), page, title);
        else if (!history && at >= 0)
            m_tabs->removeTab(at);
    };
    put(m_timelinePage, tr("Timeline"));
    put(m_attempts, tr("Attempts"));
}

void DetailsPane::showDetail(const RowDetail &detail)
{
    const RowSummary &summary = *part().summary;
    m_item = detail.item;
    showTabs(summary.hasHistory());
    showHead(summary.look(m_item), summary.subject(m_item));
    showFields();
    if (detail.delivery) {
        m_timeline->setEntries(detail.delivery->timeline);
        m_attempts->setDetail(*detail.delivery);
    }
}

void DetailsPane::showFields()
{
    if (!m_hasContent)
        return;
    part().summary->fill(part().fields, m_item, *m_time);
    m_sentence->setText(part().summary->sentence(m_item, *m_time));
}

void DetailsPane::setOrientation(Qt::Orientation ofTheSplitter)
{
    m_attempts->setOrientation(ofTheSplitter == Qt::Vertical ? Qt::Horizontal : Qt::Vertical);
}

void DetailsPane::focusContent()
{
    m_tabs->tabBar()->setFocus(Qt::ShortcutFocusReason);
}

void DetailsPane::explain(const QString &deliveryId)
{
    m_explain->explain(deliveryId);
    m_tabs->setCurrentWidget(m_explain);
    m_explain->focusChain();
}

void DetailsPane::changeEvent(QEvent *event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && m_hasContent)
        showHead(m_look, m_subject->text());
}

} // namespace signalbox::ui
