// SPDX-License-Identifier: Apache-2.0
#include "explain_view.h"

#include "icons.h"
#include "message_pane.h"
#include "start.h"
#include "time_text.h"

#include <QLabel>
#include <QListWidget>
#include <QPointer>
#include <QStackedLayout>
#include <QVBoxLayout>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::ExplainLink;

namespace {

class Sentences
{
    Q_DECLARE_TR_FUNCTIONS(Sentences)
};

QString sentence(const QString &what)
{
    static const QHash<QString, QString> known{
        {u"pending"_s, Sentences::tr("This message may run")},
        {u"running"_s, Sentences::tr("This message is being worked on")},
        {u"waiting:lock"_s, Sentences::tr("This message waits for its session")},
        {u"waiting:runtime"_s, Sentences::tr("This message waits for its runtime")},
        {u"waiting:person"_s, Sentences::tr("This message waits for a person")},
        {u"waiting:retry"_s, Sentences::tr("This message waits for its next try")},
        {u"waiting:token"_s, Sentences::tr("This message waits for a token")},
        {u"waiting:outbound"_s, Sentences::tr("The turn is over; its answer waits to be posted")},
        {u"lock_held"_s, Sentences::tr("The session's lock is held")},
        {u"earlier_message"_s, Sentences::tr("An earlier message of the session comes first")},
        {u"holds_lock"_s, Sentences::tr("By this delivery")},
        {u"engine_dead"_s, Sentences::tr("The engine that works on it does not answer any more")},
        {u"asks_person"_s, Sentences::tr("It waits for the answer of a person")},
        {u"looks_for_turn"_s, Sentences::tr("It is being looked for what became of its turn")},
        {u"turn_runs"_s, Sentences::tr("Its turn runs")},
        {u"prompt_unanswered"_s, Sentences::tr("Its prompt was sent, and the runtime has not answered")},
        {u"runtime_away"_s, Sentences::tr("The runtime is not ready")},
        {u"on_its_way"_s, Sentences::tr("It is on its way to the runtime")},
        {u"next_try"_s, Sentences::tr("It is tried again")},
        {u"may_run"_s, Sentences::tr("It is taken up as soon as an engine has room")},
        {u"waits_behind"_s, Sentences::tr("Another message of the thread is posted first")},
        {u"post_retries"_s, Sentences::tr("The channel put the post off")},
        {u"post_unknown"_s, Sentences::tr("Nobody knows whether the post arrived; it is being looked for")},
        {u"being_posted"_s, Sentences::tr("It is being posted")},
        {u"waits_to_be_posted"_s, Sentences::tr("It waits to be posted")},
        {u"pauses_delivery"_s, Sentences::tr("Prompts are paused")},
        {u"pauses_outbound"_s, Sentences::tr("Posts are paused")},
        {u"pauses_intake"_s, Sentences::tr("The intake is paused")},
        {u"finished"_s, Sentences::tr("It is finished")},
        {u"settled"_s, Sentences::tr("It gave up and was settled")},
        {u"needs_person"_s, Sentences::tr("It gave up and needs a person")},
        {u"rate_limited"_s, Sentences::tr("The channel wants nothing more for a while")},
        {u"needs_token"_s, Sentences::tr("The channel does not accept the installation's token")},
    };
    return known.value(what, what);
}

QString actionSentence(const QString &action)
{
    static const QHash<QString, QString> known{
        {u"release"_s, Sentences::tr("What would move it: release the lock.")},
        {u"cancel"_s, Sentences::tr("What would move it: wait for its turn, or cancel it.")},
        {u"replay"_s, Sentences::tr("What would move it: replay or discard it.")},
        {u"confirm"_s,
            Sentences::tr("What would move it: settle it as delivered, abandoned or to be retried.")},
        {u"resume"_s, Sentences::tr("What would move it: resume what is paused.")},
        {u"wait"_s, Sentences::tr("Nothing has to be done: it moves by itself.")},
        {u"authorise"_s, Sentences::tr("What would move it: install the app again, or give it a new token.")},
        {u"none"_s, Sentences::tr("Nothing waits here.")},
    };
    return known.value(action, action);
}

} // namespace

ExplainView::ExplainView(admin::OperatorApi *api, const TimeText *time, QWidget *parent)
    : QWidget(parent)
    , m_api(api)
    , m_time(time)
    , m_stack(new QStackedLayout(this))
    , m_message(new MessagePane(this))
    , m_chain(new QListWidget(this))
    , m_action(new QLabel(this))
{
    setObjectName(u"explain"_s);
    m_chain->setObjectName(u"explainChain"_s);
    m_chain->setAccessibleName(tr("What waits for what"));
    m_chain->setWordWrap(true);
    m_chain->setFrameShape(QFrame::NoFrame);
    m_action->setObjectName(u"explainAction"_s);
    m_action->setContentsMargins(12, 4, 12, 10);
    m_action->setWordWrap(true);
    auto *content = new QWidget(this);
    auto *layout = new QVBoxLayout(content);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_chain, 1);
    layout->addWidget(m_action);
    m_stack->addWidget(m_message);
    m_stack->addWidget(content);
    connect(m_chain, &QListWidget::itemActivated, this, &ExplainView::follow);
    connect(m_message, &MessagePane::retryRequested, this, [this] { explain(m_id); });
    connect(time, &TimeText::ticked, this, [this] {
        for (int row = 0; row < m_chain->count(); ++row)
            fill(m_chain->item(row));
    });
    clear();
}

void ExplainView::clear()
{
    ++m_generation;
    m_id.clear();
    m_chain->clear();
    m_message->showEmpty(
        u"search"_s, tr("Nothing explained"), tr("Press E on a row to see what it waits for."));
    m_stack->setCurrentIndex(0);
}

void ExplainView::explain(const QString &deliveryId)
{
    if (deliveryId.isEmpty()) {
        clear();
        return;
    }
    if (deliveryId != m_id || m_chain->count() == 0) {
        m_message->showBusy(tr("Looking for what it waits for…"));
        m_stack->setCurrentIndex(0);
    }
    m_id = deliveryId;
    ++m_generation;
    ui::start(load(deliveryId));
}

QCoro::Task<> ExplainView::load(QString id)
{
    const QPointer<ExplainView> self(this);
    const int generation = m_generation;
    const auto explanation = co_await m_api->explain(id);
    if (!self || generation != m_generation)
        co_return;
    if (explanation) {
        show(*explanation);
        co_return;
    }
    m_chain->clear();
    m_message->showError(explanation.error());
    m_stack->setCurrentIndex(0);
}

void ExplainView::show(const domain::Explanation &explanation)
{
    const int row = m_chain->currentRow();
    m_explanation = explanation;
    m_chain->clear();
    for (qsizetype i = 0; i < explanation.links.size(); ++i) {
        auto *item = new QListWidgetItem(m_chain);
        item->setIcon(themedIcon(i + 1 == explanation.links.size() ? u"warning"_s : u"waiting"_s));
        item->setData(Qt::UserRole, static_cast<int>(i));
        fill(item);
    }
    m_chain->setCurrentRow(std::clamp(row, 0, std::max(0, m_chain->count() - 1)));
    m_action->setText(actionSentence(explanation.action));
    m_stack->setCurrentIndex(1);
}

void ExplainView::fill(QListWidgetItem *item) const
{
    const ExplainLink &link = m_explanation.links.at(item->data(Qt::UserRole).toInt());
    QString text = sentence(link.what);
    if (!isNever(link.since))
        text = tr("%1, for %2", "what, age").arg(text, m_time->age(link.since));
    QString below = link.id;
    if (!link.evidence.isEmpty())
        below += (below.isEmpty() ? u""_s : u" · "_s) + link.evidence;
    item->setText(below.isEmpty() ? text : text + u'\n' + below);
}

void ExplainView::follow(const QListWidgetItem *item)
{
    const ExplainLink &link = m_explanation.links.at(item->data(Qt::UserRole).toInt());
    if (link.kind == u"delivery")
        Q_EMIT openDelivery(link.id);
    else if (link.kind == u"session")
        Q_EMIT openSession(link.id);
}

void ExplainView::focusChain()
{
    m_chain->setFocus(Qt::ShortcutFocusReason);
}

} // namespace signalbox::ui
