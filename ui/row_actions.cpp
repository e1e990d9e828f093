// SPDX-License-Identifier: Apache-2.0
#include "row_actions.h"

#include "list_kind.h"
#include "start.h"
#include "time_text.h"
#include "words.h"

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::Act;
using domain::ActionRequest;
using domain::DeliveryItem;
using domain::LockItem;
using domain::SessionItem;

namespace {

// The lock of a session or lock row; none when nobody holds it.
std::optional<LockItem> lockOf(const std::optional<ListRow> &row)
{
    if (!row)
        return std::nullopt;
    if (const auto *lock = std::get_if<LockItem>(&row->item))
        return lock->holder.isEmpty() ? std::nullopt : std::optional(*lock);
    const auto *session = std::get_if<SessionItem>(&row->item);
    if (!session || session->lockHolder.isEmpty())
        return std::nullopt;
    return lockFrom(*session);
}

const DeliveryItem *deliveryOf(const std::optional<ListRow> &row)
{
    return row ? std::get_if<DeliveryItem>(&row->item) : nullptr;
}

} // namespace

RowActions::RowActions(
    admin::OperatorApi *api, const TimeText *time, Actions *actions, QString profile, QWidget *window)
    : QObject(window)
    , m_api(api)
    , m_time(time)
    , m_actions(actions)
    , m_profile(std::move(profile))
    , m_window(window)
{
    connectActions();
    setRow(nullptr);
}

void RowActions::connectActions()
{
    const auto on
        = [this](ActionId id, auto act) { connect(m_actions->get(id), &QAction::triggered, this, act); };
    on(ActionId::ReleaseLock, [this] { release(); });
    on(ActionId::ExtendLock, [this] { extend(); });
    on(ActionId::Replay, [this] { replay(); });
    on(ActionId::CancelDelivery, [this] { onDelivery(Act::Cancel); });
    on(ActionId::Discard, [this] { onDelivery(Act::Discard); });
    on(ActionId::Confirm, [this] { confirm(); });
    on(ActionId::Pause, [this] { pause(true); });
    on(ActionId::Resume, [this] { pause(false); });
}

void RowActions::setRow(const ListRow *row)
{
    m_row = row ? std::optional(*row) : std::nullopt;
    const auto enable = [this](ActionId id, bool on) { m_actions->get(id)->setEnabled(on); };
    const bool locked = lockOf(m_row).has_value();
    enable(ActionId::ReleaseLock, locked);
    enable(ActionId::ExtendLock, locked);
    const DeliveryItem *delivery = deliveryOf(m_row);
    const bool final = delivery && isFinalDelivery(delivery->state);
    enable(ActionId::Replay, final && delivery->outcome != u"ignored");
    enable(ActionId::CancelDelivery, delivery && !final);
    enable(ActionId::Discard, delivery && delivery->state == u"dead" && delivery->resolution.isEmpty());
    enable(
        ActionId::Confirm, delivery && delivery->state == u"unconfirmed" && delivery->resolution.isEmpty());
    enable(ActionId::Explain, delivery || locked);
}

QString RowActions::subject() const
{
    if (const DeliveryItem *delivery = deliveryOf(m_row))
        return placeText(delivery->place, delivery->thread);
    const auto lock = lockOf(m_row);
    return lock ? placeText(lock->place, lock->thread) : QString();
}

void RowActions::open(ActionForm form, const QString &happened)
{
    if (m_dialog) { // one question at a time
        m_dialog->raise();
        m_dialog->activateWindow();
        return;
    }
    m_dialog = new ActionDialog(m_api, m_time, std::move(form), m_window);
    connect(m_dialog, &ActionDialog::done, this, [this, happened] { Q_EMIT acted(happened); });
    m_dialog->open();
}

void RowActions::release()
{
    const auto lock = lockOf(m_row);
    if (!lock)
        return;
    ActionForm form;
    form.title = tr("Release a lock");
    form.warning
        = tr("The turn that holds this lock is cancelled and its connection closed. The person is told. "
             "If its prompt has left, nobody knows how far it got: its delivery becomes unconfirmed and "
             "is not sent again. The next message of this session runs.");
    form.verb = tr("Release the lock of %1 in %2", "place, profile").arg(subject(), m_profile);
    form.evidence = {{tr("Session"), lock->id}, {tr("Held by"), lock->holder},
        {tr("State of the holder"),
            lock->holderStage.isEmpty() ? lock->holderState
                                        : lock->holderState + u" · "_s + lock->holderStage},
        {tr("Prompt"), promptStateText(lock->promptState)}, {tr("Held for"), m_time->age(lock->acquiredAt)},
        {tr("Lock expires"), m_time->moment(lock->expiresAt)}, {tr("Engine"), lock->engine},
        {tr("Engine's lease until"), m_time->moment(lock->leaseUntil)},
        {tr("Fence"), QString::number(lock->fence)},
        {tr("Waiting behind it"), QString::number(lock->waiters)}};
    form.request = ActionRequest(Act::ReleaseLock, lock->id, QString());
    form.request.expectedFence = lock->fence;
    open(form, tr("The lock of %1 was released.").arg(subject()));
}

void RowActions::extend()
{
    const auto lock = lockOf(m_row);
    if (!lock)
        return;
    ActionForm form;
    form.title = tr("Extend a lock");
    form.warning = tr("The lock stays with its holder until then, unless the holder's engine is lost.");
    form.verb = tr("Extend the lock of %1", "place").arg(subject());
    form.evidence = {{tr("Session"), lock->id}, {tr("Held by"), lock->holder},
        {tr("Lock expires"), m_time->moment(lock->expiresAt)}};
    ActionChoice length;
    length.key = u"seconds"_s;
    length.label = tr("For");
    length.options = {{tr("15 minutes"), u"900"_s}, {tr("1 hour"), u"3600"_s}, {tr("4 hours"), u"14400"_s}};
    form.choices = {length};
    form.request = ActionRequest(Act::ExtendLock, lock->id, QString());
    form.request.expectedFence = lock->fence;
    open(form, tr("The lock of %1 was extended.").arg(subject()));
}

void RowActions::replay()
{
    const DeliveryItem *delivery = deliveryOf(m_row);
    if (!delivery)
        return;
    ActionForm form;
    form.title = tr("Replay a delivery");
    form.warning
        = tr("The same message is run again as a new delivery behind everything else of its session. "
             "The person gets one more answer.");
    form.verb = tr("Replay %1 in %2", "place, profile").arg(subject(), m_profile);
    form.evidence = {{tr("Delivery"), delivery->id}, {tr("State"), deliveryState(*delivery).word},
        {tr("Error"), delivery->errorCode}, {tr("Accepted"), m_time->moment(delivery->createdAt)}};
    ActionChoice backend;
    backend.key = u"backend"_s;
    backend.label = tr("On backend");
    backend.options = {{tr("%1 (the same)").arg(delivery->backend), QString(u""_s)}};
    form.choices = {backend};
    form.request = ActionRequest(Act::Replay, delivery->id, QString());
    const QString own = delivery->backend;
    const bool opens = !m_dialog;
    open(form, tr("%1 was replayed.").arg(subject()));
    if (opens)
        ui::start(loadBackends(m_dialog, own));
}

QCoro::Task<> RowActions::loadBackends(QPointer<ActionDialog> dialog, QString own)
{
    const auto backends = co_await m_api->backends();
    if (!dialog || !backends) // the same backend can be chosen all the same
        co_return;
    QList<std::pair<QString, QString>> options;
    for (const domain::BackendItem &item : *backends) {
        if (item.id != own)
            options.append({item.id, item.id});
    }
    dialog->addOptions(u"backend"_s, options);
}

void RowActions::onDelivery(Act act)
{
    const DeliveryItem *delivery = deliveryOf(m_row);
    if (!delivery)
        return;
    const bool cancels = act == Act::Cancel;
    ActionForm form;
    form.title = cancels ? tr("Cancel a delivery") : tr("Discard a dead letter");
    form.warning = cancels
        ? tr("The delivery ends as cancelled, its turn is stopped if it runs, and the person is told.")
        : tr("The delivery counts as settled. The message is not run again, and nobody is told.");
    form.verb = (cancels ? tr("Cancel the delivery of %1 in %2", "place, profile")
                         : tr("Discard the delivery of %1 in %2", "place, profile"))
                    .arg(subject(), m_profile);
    form.evidence = {{tr("Delivery"), delivery->id}, {tr("State"), deliveryState(*delivery).word},
        {tr("Prompt"), promptStateText(delivery->promptState)}, {tr("Error"), delivery->errorCode},
        {tr("Accepted"), m_time->moment(delivery->createdAt)}};
    form.request = ActionRequest(act, delivery->id, QString());
    open(form, (cancels ? tr("%1 was cancelled.") : tr("%1 was discarded.")).arg(subject()));
}

void RowActions::confirm()
{
    const DeliveryItem *delivery = deliveryOf(m_row);
    if (!delivery)
        return;
    ActionForm form;
    form.title = tr("Settle an unconfirmed delivery");
    form.warning
        = tr("Its prompt left, and nobody knows what came of it. Look in the channel and at the agent's "
             "work first: running it again may do things twice.");
    form.verb = tr("Settle %1 in %2", "place, profile").arg(subject(), m_profile);
    form.evidence = {{tr("Delivery"), delivery->id}, {tr("Error"), delivery->errorCode},
        {tr("Prompt sent"), m_time->moment(delivery->promptSentAt)}};
    ActionChoice as;
    as.key = u"as"_s;
    as.label = tr("As");
    as.options = {{tr("Delivered: it was done"), u"delivered"_s}, {tr("Abandoned: leave it"), u"abandoned"_s},
        {tr("Retry: run it again"), u"retry"_s}};
    form.choices = {as};
    form.request = ActionRequest(Act::Confirm, delivery->id, QString());
    open(form, tr("%1 was settled.").arg(subject()));
}

void RowActions::pause(bool stops)
{
    ActionForm form;
    form.title = stops ? tr("Pause the gateway") : tr("Resume the gateway");
    form.warning = stops
        ? tr("Nothing is lost: messages are taken up and kept, and go on when it is resumed.")
        : tr("What was held goes on at once.");
    form.verb
        = stops ? tr("Pause in %1", "profile").arg(m_profile) : tr("Resume in %1", "profile").arg(m_profile);
    form.needsReason = stops;
    ActionChoice scope;
    scope.key = u"scope"_s;
    scope.label = tr("Where");
    scope.options = {{tr("All engines"), u"engine/all"_s}};
    ActionChoice what;
    what.key = u"what"_s;
    what.label = tr("What");
    what.options = {{tr("Prompts: no turn starts"), u"delivery"_s},
        {tr("Posts: nothing is sent"), u"outbound"_s}, {tr("Intake: new messages wait"), u"intake"_s}};
    form.choices = {scope, what};
    if (stops) {
        ActionChoice until;
        until.key = u"seconds"_s;
        until.label = tr("For");
        until.options = {{tr("Until it is resumed"), u"0"_s}, {tr("15 minutes"), u"900"_s},
            {tr("1 hour"), u"3600"_s}, {tr("8 hours"), u"28800"_s}};
        form.choices.append(until);
    }
    form.request = ActionRequest(stops ? Act::Pause : Act::Resume, u"all"_s, QString());
    const bool opens = !m_dialog;
    open(form, stops ? tr("Paused.") : tr("Resumed."));
    if (opens)
        ui::start(loadScopes(m_dialog));
}

QCoro::Task<> RowActions::loadScopes(QPointer<ActionDialog> dialog)
{
    const QPointer<RowActions> self(this);
    const auto installations = co_await m_api->installations();
    if (!self || !dialog)
        co_return;
    QList<std::pair<QString, QString>> options;
    if (installations) {
        for (const domain::InstallationItem &item : *installations)
            options.append({tr("Installation %1").arg(item.id), u"installation/"_s + item.id});
    }
    const auto backends = co_await m_api->backends();
    if (!self || !dialog)
        co_return;
    if (backends) {
        for (const domain::BackendItem &item : *backends)
            options.append({tr("Backend %1").arg(item.id), u"backend/"_s + item.id});
    }
    dialog->addOptions(u"scope"_s, options);
}

} // namespace signalbox::ui
