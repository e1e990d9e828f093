// SPDX-License-Identifier: Apache-2.0
#include "details_pane.h"

#include "attempts_view.h"
#include "explain_view.h"
#include "field_grid.h"
#include "icons.h"
#include "lifecycle_fields.h"
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
using domain::DeliveryItem;
using domain::SessionItem;

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
    , m_deliveryFields(new FieldGrid)
    , m_sessionFields(new FieldGrid)
    , m_runtimeFields(new FieldGrid)
    , m_lifecycleFields(new FieldGrid)
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
    buildDeliveryFields();
    buildSessionFields();
    buildRuntimeFields(m_runtimeFields);
    buildLifecycleFields(m_lifecycleFields);
    build();
    m_reload.setSingleShot(true);
    m_reload.setInterval(kReloadInterval);
    connect(&m_reload, &QTimer::timeout, this, &DetailsPane::reload);
    connect(m_message, &MessagePane::retryRequested, this, &DetailsPane::reload);
    connect(time, &TimeText::ticked, this, &DetailsPane::showTimes);
    connect(time, &TimeText::changed, this, &DetailsPane::showTimes);
    const auto follow = [this](const QString &key, const QString &value) {
        if (key == u"session")
            Q_EMIT openSession(value);
        else if (key == u"holder")
            Q_EMIT openDelivery(value);
        else if (key == u"id" && m_view != ViewKind::Deliveries)
            Q_EMIT openDeliveriesOf(value);
    };
    connect(m_explain, &ExplainView::openDelivery, this, &DetailsPane::openDelivery);
    connect(m_explain, &ExplainView::openSession, this, &DetailsPane::openSession);
    connect(m_deliveryFields, &FieldGrid::linkActivated, this, follow);
    connect(m_sessionFields, &FieldGrid::linkActivated, this, follow);
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
    m_subject->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_sentence = new QLabel(head);
    m_sentence->setObjectName(u"muted"_s);
    m_sentence->setProperty("part", u"sentence"_s);
    m_sentence->setWordWrap(true);
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
    m_fields->addWidget(scrolled(m_deliveryFields, u"deliverySummary"_s));
    m_fields->addWidget(scrolled(m_sessionFields, u"sessionSummary"_s));
    m_fields->addWidget(scrolled(m_runtimeFields, u"runtimeSummary"_s));
    m_fields->addWidget(scrolled(m_lifecycleFields, u"lifecycleSummary"_s));
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

void DetailsPane::buildDeliveryFields()
{
    using Look = FieldGrid::Look;
    FieldGrid *f = m_deliveryFields;
    f->setObjectName(u"deliveryFields"_s);
    f->beginSection(tr("Delivery"));
    f->add(u"id"_s, tr("Id"), Look::Id);
    f->add(u"session"_s, tr("Session"), Look::Link);
    f->add(u"backend"_s, tr("Backend"));
    f->add(u"engine"_s, tr("Engine"), Look::Mono);
    f->add(u"attempts"_s, tr("Attempts"));
    f->add(u"stage"_s, tr("Doing"));
    f->add(u"prompt"_s, tr("Prompt"));
    f->add(u"resolution"_s, tr("Resolution"));
    f->add(u"error"_s, tr("Error"), Look::Mono);
    f->add(u"errorText"_s, tr("For developers"));
    f->beginSection(tr("Where it came from"));
    f->add(u"channel"_s, tr("Channel"));
    f->add(u"installation"_s, tr("Installation"));
    f->add(u"tenant"_s, tr("Tenant"), Look::Id);
    f->add(u"place"_s, tr("Place"), Look::Id);
    f->add(u"thread"_s, tr("Thread"), Look::Id);
    f->add(u"ts"_s, tr("Message ts"), Look::Id);
    f->add(u"user"_s, tr("User"), Look::Id);
    f->beginSection(tr("When"));
    f->add(u"created"_s, tr("Accepted"));
    f->add(u"claimed"_s, tr("Lock taken"));
    f->add(u"sent"_s, tr("Prompt sent"));
    f->add(u"acknowledged"_s, tr("Prompt accepted"));
    f->add(u"ended"_s, tr("Turn ended"));
    f->add(u"finished"_s, tr("Finished"));
    f->add(u"next"_s, tr("Next try"));
}

void DetailsPane::buildSessionFields()
{
    using Look = FieldGrid::Look;
    FieldGrid *f = m_sessionFields;
    f->setObjectName(u"sessionFields"_s);
    f->beginSection(tr("Session"));
    f->add(u"id"_s, tr("Its deliveries"), Look::Link);
    f->add(u"channel"_s, tr("Channel"));
    f->add(u"tenant"_s, tr("Tenant"), Look::Id);
    f->add(u"place"_s, tr("Place"), Look::Id);
    f->add(u"thread"_s, tr("Thread"), Look::Id);
    f->beginSection(tr("Lock"));
    f->add(u"holder"_s, tr("Held by"), Look::Link);
    f->add(u"engine"_s, tr("On engine"), Look::Mono);
    f->add(u"acquired"_s, tr("Taken"));
    f->add(u"expires"_s, tr("Expires"));
    f->add(u"fence"_s, tr("Fence"));
    f->add(u"open"_s, tr("Queue"));
    f->beginSection(tr("Runtime"));
    f->add(u"backend"_s, tr("Backend"));
    f->add(u"runtime"_s, tr("Agent session"), Look::Id);
    f->beginSection(tr("When"));
    f->add(u"activity"_s, tr("Last activity"));
    f->add(u"created"_s, tr("Created"));
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
        // A runtime and its events wait for nobody.
        m_tabs->setTabVisible(
            m_tabs->indexOf(m_explain), view != ViewKind::Runtimes && view != ViewKind::Lifecycle);
        switch (view) {
        case ViewKind::Deliveries:
            m_fields->setCurrentIndex(0);
            break;
        case ViewKind::Sessions:
        case ViewKind::Locks:
            m_fields->setCurrentIndex(1);
            break;
        case ViewKind::Runtimes:
            m_fields->setCurrentIndex(2);
            break;
        case ViewKind::Lifecycle:
            m_fields->setCurrentIndex(3);
            break;
        }
        if (preview) {
            showPreview(*preview);
        } else {
            m_message->showBusy(tr("Loading…"));
            m_stack->setCurrentIndex(0);
        }
    }
    reload();
}

void DetailsPane::showPreview(const ListRow &row)
{
    if (const auto *delivery = std::get_if<DeliveryItem>(&row.item)) {
        showTabs(true, true);
        m_timeline->setEntries({});
        m_attempts->setDetail(domain::DeliveryDetail());
        showDelivery(*delivery);
    } else if (const auto *session = std::get_if<SessionItem>(&row.item)) {
        showSession(*session);
    } else if (const auto *runtime = std::get_if<domain::RuntimeItem>(&row.item)) {
        showRuntime(*runtime);
    } else if (const auto *event = std::get_if<domain::LifecycleEventItem>(&row.item)) {
        showLifecycle(*event);
    }
}

QCoro::Task<> DetailsPane::load()
{
    switch (m_view) {
    case ViewKind::Deliveries:
        return loadDelivery(m_id);
    case ViewKind::Sessions:
    case ViewKind::Locks:
        return loadSession(m_id);
    case ViewKind::Runtimes:
        return loadRuntime(m_id);
    case ViewKind::Lifecycle:
        break;
    }
    return loadLifecycle(m_id);
}

QCoro::Task<> DetailsPane::loadRuntime(QString id)
{
    const QPointer<DetailsPane> self(this);
    const int generation = m_generation;
    auto runtime = co_await m_api->runtime(id);
    if (!self || generation != m_generation)
        co_return;
    if (!runtime)
        failWith(runtime.error());
    else
        showRuntime(*runtime);
}

QCoro::Task<> DetailsPane::loadLifecycle(QString id)
{
    const QPointer<DetailsPane> self(this);
    const int generation = m_generation;
    auto event = co_await m_api->lifecycleEvent(id);
    if (!self || generation != m_generation)
        co_return;
    if (!event)
        failWith(event.error());
    else
        showLifecycle(*event);
}

void DetailsPane::showRuntime(const domain::RuntimeItem &item)
{
    m_runtime = item;
    showTabs(false, false);
    showHead(runtimePhase(item.phase), item.instanceId);
    showTimes();
}

void DetailsPane::showLifecycle(const domain::LifecycleEventItem &item)
{
    m_event = item;
    showTabs(false, false);
    showHead(forwardingState(item.state), item.phase + u" · "_s + item.instanceId);
    showTimes();
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

QCoro::Task<> DetailsPane::loadDelivery(QString id)
{
    const QPointer<DetailsPane> self(this);
    const int generation = m_generation;
    auto detail = co_await m_api->delivery(id);
    if (!self || generation != m_generation)
        co_return;
    if (!detail)
        failWith(detail.error());
    else
        showDetail(*detail);
}

QCoro::Task<> DetailsPane::loadSession(QString id)
{
    const QPointer<DetailsPane> self(this);
    const int generation = m_generation;
    auto session = co_await m_api->session(id);
    if (!self || generation != m_generation)
        co_return;
    if (!session)
        failWith(session.error());
    else
        showSession(*session);
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

void DetailsPane::showTabs(bool timeline, bool attempts)
{
    const auto put = [this](QWidget *page, const QString &title, bool wanted) {
        const int at = m_tabs->indexOf(page);
        if (wanted && at < 0)
            m_tabs->insertTab(m_tabs->indexOf(m_explain), page, title);
        else if (!wanted && at >= 0)
            m_tabs->removeTab(at);
    };
    put(m_timelinePage, tr("Timeline"), timeline);
    put(m_attempts, tr("Attempts"), attempts);
}

void DetailsPane::showDetail(const domain::DeliveryDetail &detail)
{
    showTabs(true, true);
    showDelivery(detail.item);
    m_timeline->setEntries(detail.timeline);
    m_attempts->setDetail(detail);
}

void DetailsPane::showDelivery(const DeliveryItem &item)
{
    m_delivery = item;
    showHead(deliveryState(item), placeText(item.place, item.thread));
    FieldGrid *f = m_deliveryFields;
    f->set(u"id"_s, item.id);
    f->set(u"session"_s, item.sessionId);
    f->set(u"backend"_s, item.backend);
    f->set(u"engine"_s, item.engine);
    f->set(u"attempts"_s, QLocale().toString(item.attempts));
    f->set(u"stage"_s, stageText(item.stage));
    f->set(u"prompt"_s, promptStateText(item.promptState));
    f->set(u"resolution"_s, item.resolution);
    f->set(u"channel"_s,
        item.direct          ? tr("%1, direct message").arg(item.channel)
            : item.mentioned ? tr("%1, mentioned").arg(item.channel)
                             : item.channel);
    f->set(u"installation"_s, item.installation);
    f->set(u"tenant"_s, item.tenant);
    f->set(u"place"_s, item.place);
    f->set(u"thread"_s, item.thread);
    f->set(u"ts"_s, item.messageTs);
    f->set(u"user"_s, item.user);
    f->set(u"error"_s, item.errorCode);
    f->set(u"errorText"_s, item.errorText);
    showTimes();
}

void DetailsPane::showSession(const SessionItem &item)
{
    m_session = item;
    showTabs(false, false);
    showHead(sessionState(item.state), placeText(item.place, item.thread));
    FieldGrid *f = m_sessionFields;
    f->set(u"id"_s, item.id);
    f->set(u"channel"_s, item.channel);
    f->set(u"tenant"_s, item.tenant);
    f->set(u"place"_s, item.place);
    f->set(u"thread"_s, item.thread);
    f->set(u"holder"_s, item.lockHolder);
    f->set(u"engine"_s, item.lockEngine);
    f->set(u"fence"_s, QLocale().toString(item.fence));
    f->set(u"open"_s,
        item.open > 0 ? tr("%n message(s) whose turn is not over", nullptr, item.open) : tr("empty"));
    f->set(u"backend"_s, item.backend);
    f->set(u"runtime"_s, item.runtime);
    showTimes();
}

QString DetailsPane::explain(const DeliveryItem &item) const
{
    const QString age = m_time->age(item.createdAt);
    if (item.state == u"waiting" && item.waitsFor == u"retry")
        return tr("Tried %n time(s); next try %1.", nullptr, item.attempts)
            .arg(m_time->until(item.nextTryAt));
    if (item.state == u"waiting" && item.waitsFor == u"lock")
        return tr("Waits %1 for an earlier message of its session to finish.").arg(age);
    if (item.state == u"waiting" && item.waitsFor == u"outbound")
        return tr("The turn is over; its messages are being posted.");
    if (item.state == u"running" && item.promptState == u"accepted")
        return tr("The runtime accepted the prompt %1 ago.").arg(m_time->age(item.acceptedAt));
    if (item.state == u"unconfirmed")
        return tr("The prompt left, but nobody knows what came of it. It is never sent again by itself.");
    if (item.state == u"dead")
        return tr("It gave up after %n attempt(s). The person was told so.", nullptr, item.attempts);
    if (isFinalDelivery(item.state) && !isNever(item.finishedAt))
        return tr("Took %1 from acceptance to its end.")
            .arg(TimeText::span(item.finishedAt - item.createdAt));
    return tr("Accepted %1 ago.").arg(age);
}

void DetailsPane::showTimes()
{
    if (!m_hasContent)
        return;
    if (m_view == ViewKind::Deliveries) {
        showDeliveryTimes();
        return;
    }
    if (m_view == ViewKind::Runtimes) {
        showRuntimeFields(m_runtimeFields, m_runtime, *m_time);
        m_sentence->setText(explainRuntime(m_runtime, *m_time));
        return;
    }
    if (m_view == ViewKind::Lifecycle) {
        showLifecycleFields(m_lifecycleFields, m_event, *m_time);
        m_sentence->setText(explainLifecycle(m_event, *m_time));
        return;
    }
    const auto put = [this](const QString &key, Instant at) {
        m_sessionFields->set(key, isNever(at) ? QString() : m_time->clockTime(at), m_time->full(at));
    };
    put(u"created"_s, m_session.createdAt);
    put(u"acquired"_s, m_session.lockAcquiredAt);
    put(u"expires"_s, m_session.lockExpiresAt);
    put(u"activity"_s, m_session.lastActivityAt);
    m_sentence->setText(m_session.lockHolder.isEmpty()
            ? tr("Nobody holds its lock. Last activity %1 ago.").arg(m_time->age(m_session.lastActivityAt))
            : tr("Its lock has been held for %1.").arg(m_time->age(m_session.lockAcquiredAt)));
}

void DetailsPane::showDeliveryTimes()
{
    const auto put = [this](const QString &key, Instant at) {
        m_deliveryFields->set(key, isNever(at) ? QString() : m_time->clockTime(at), m_time->full(at));
    };
    put(u"created"_s, m_delivery.createdAt);
    put(u"claimed"_s, m_delivery.claimedAt);
    put(u"sent"_s, m_delivery.promptSentAt);
    put(u"acknowledged"_s, m_delivery.acceptedAt);
    put(u"ended"_s, m_delivery.turnEndedAt);
    put(u"finished"_s, m_delivery.finishedAt);
    put(u"next"_s, m_delivery.nextTryAt);
    m_sentence->setText(explain(m_delivery));
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
