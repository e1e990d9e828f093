// SPDX-License-Identifier: Apache-2.0
#include "row_actions.h"

#include "installation_text.h"
#include "list_kind.h"
#include "start.h"
#include "time_text.h"
#include "words.h"

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::Act;
using domain::ActionRequest;
using domain::DeliveryItem;
using domain::InstallationItem;
using domain::InteractionItem;
using domain::LifecycleEventItem;
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

template <class Item>
const Item *chosen(const std::optional<ListRow> &row)
{
    return row ? std::get_if<Item>(&row->item) : nullptr;
}

// What of this installation's own is paused: what stops it from elsewhere is resumed there.
QStringList ownPauses(const InstallationItem *item, const TimeText &time)
{
    QStringList paused;
    if (!item)
        return paused;
    for (const domain::PauseItem &pause : pausesInForce(*item, time)) {
        if (pause.scope == u"installation")
            paused << pause.what;
    }
    return paused;
}

ActionChoice choice(
    const QString &key, const QString &label, const QList<std::pair<QString, QString>> &options)
{
    ActionChoice made;
    made.key = key;
    made.label = label;
    made.options = options;
    return made;
}

ActionChoice whatChoice(const QStringList &pausables)
{
    const QHash<QString, QString> texts{{u"delivery"_s, RowActions::tr("Prompts: no turn starts")},
        {u"outbound"_s, RowActions::tr("Posts: nothing is sent")},
        {u"intake"_s, RowActions::tr("Intake: new messages wait")}};
    QList<std::pair<QString, QString>> options;
    for (const QString &what : pausables)
        options.append({texts.value(what, what), what});
    return choice(u"what"_s, RowActions::tr("What"), options);
}

ActionChoice lengthChoice()
{
    return choice(u"seconds"_s, RowActions::tr("For"),
        {{RowActions::tr("Until it is resumed"), u"0"_s}, {RowActions::tr("15 minutes"), u"900"_s},
            {RowActions::tr("1 hour"), u"3600"_s}, {RowActions::tr("8 hours"), u"28800"_s}});
}

// How what was held back is let go.
ActionChoice rateChoice()
{
    return choice(u"rate"_s, RowActions::tr("How fast"),
        {{RowActions::tr("All at once"), u"0"_s}, {RowActions::tr("1 a second"), u"1"_s},
            {RowActions::tr("5 a second"), u"5"_s}, {RowActions::tr("20 a second"), u"20"_s}});
}

QList<std::pair<QString, QString>> installationEvidence(const InstallationItem &item, const TimeText &time)
{
    const QString paused = pauseLines(item, time);
    return {{RowActions::tr("Installation"), item.id}, {RowActions::tr("Tenant"), item.tenant},
        {RowActions::tr("Backend"), item.backend}, {RowActions::tr("Trouble"), troubleText(item)},
        {RowActions::tr("Paused now"), paused.isEmpty() ? RowActions::tr("nothing") : paused}};
}

QCoro::Task<Result<domain::ActionResult>> replayLifecycle(admin::OperatorApi *api, ActionRequest request)
{
    const QString nobody; // the engine's side names who asks
    const auto forward
        = co_await api->replayLifecycleEvent(request.id, request.backend, nobody, request.reason);
    if (!forward)
        co_return fail(forward.error());
    domain::ActionResult result;
    result.id = forward->id;
    result.state = forward->state;
    co_return result;
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
    on(ActionId::Replay, [this] { chosen<LifecycleEventItem>(m_row) ? replayEvent() : replay(); });
    on(ActionId::CancelDelivery, [this] { onDelivery(Act::Cancel); });
    on(ActionId::Discard, [this] { onDelivery(Act::Discard); });
    on(ActionId::Confirm, [this] { confirm(); });
    on(ActionId::Pause, [this] { pause(true); });
    on(ActionId::Resume, [this] { pause(false); });
    on(ActionId::AnswerInteraction, [this] { answer(); });
    on(ActionId::CancelInteraction, [this] { cancelInteraction(); });
    on(ActionId::RepostInteraction, [this] { repost(); });
    on(ActionId::PauseInstallation, [this] { pauseInstallation(); });
    on(ActionId::ResumeInstallation, [this] { resumeInstallation(); });
}

void RowActions::setRow(const ListRow *row)
{
    m_row = row ? std::optional(*row) : std::nullopt;
    const auto enable = [this](ActionId id, bool on) { m_actions->get(id)->setEnabled(on); };
    const bool locked = lockOf(m_row).has_value();
    enable(ActionId::ReleaseLock, locked);
    enable(ActionId::ExtendLock, locked);
    const DeliveryItem *delivery = chosen<DeliveryItem>(m_row);
    const bool final = delivery && isFinalDelivery(delivery->state);
    const bool event = chosen<LifecycleEventItem>(m_row);
    enable(ActionId::Replay, event || (final && delivery->outcome != u"ignored"));
    m_actions->get(ActionId::Replay)->setText(event ? tr("&Replay to a backend…") : tr("&Replay…"));
    const auto *installation = chosen<InstallationItem>(m_row);
    enable(ActionId::PauseInstallation, installation && installation->state != u"absent");
    enable(ActionId::ResumeInstallation, !ownPauses(installation, *m_time).isEmpty());
    const auto *question = chosen<InteractionItem>(m_row);
    const bool asks = question && (question->state == u"open" || question->state == u"posting");
    enable(ActionId::AnswerInteraction, asks && !question->optionKinds.isEmpty());
    enable(ActionId::CancelInteraction, asks);
    enable(ActionId::RepostInteraction, question && question->state == u"open");
    enable(ActionId::CancelDelivery, delivery && !final);
    enable(ActionId::Discard, delivery && delivery->state == u"dead" && delivery->resolution.isEmpty());
    enable(
        ActionId::Confirm, delivery && delivery->state == u"unconfirmed" && delivery->resolution.isEmpty());
    enable(ActionId::Explain, delivery || locked);
}

QString RowActions::subject() const
{
    if (const DeliveryItem *delivery = chosen<DeliveryItem>(m_row))
        return placeText(delivery->place, delivery->thread);
    if (const auto *installation = chosen<InstallationItem>(m_row))
        return installation->id;
    if (const auto *question = chosen<InteractionItem>(m_row))
        return placeText(question->place, question->thread);
    if (const auto *event = chosen<LifecycleEventItem>(m_row))
        return tr("%1 of %2", "phase, runtime").arg(runtimePhase(event->phase).word, event->instanceId);
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
    connect(m_dialog, &ActionDialog::done, this, [this, happened](const domain::ActionResult &result) {
        // A try that ended without an answer had done it.
        Q_EMIT acted(result.repeated ? tr("It was done: %1").arg(happened) : happened);
    });
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
    form.choices = {choice(u"seconds"_s, tr("For"),
        {{tr("15 minutes"), u"900"_s}, {tr("1 hour"), u"3600"_s}, {tr("4 hours"), u"14400"_s}})};
    form.request = ActionRequest(Act::ExtendLock, lock->id, QString());
    form.request.expectedFence = lock->fence;
    open(form, tr("The lock of %1 was extended.").arg(subject()));
}

void RowActions::replay()
{
    const DeliveryItem *delivery = chosen<DeliveryItem>(m_row);
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
    form.request = ActionRequest(Act::Replay, delivery->id, QString());
    openReplay(std::move(form), delivery->backend, tr("%1 was replayed.").arg(subject()));
}

void RowActions::openReplay(ActionForm form, const QString &own, const QString &happened)
{
    const QString same = own.isEmpty() ? tr("The one that it belongs to") : tr("%1 (the same)").arg(own);
    form.choices = {choice(u"backend"_s, tr("On backend"), {{same, QString()}})};
    const bool opens = !m_dialog;
    open(std::move(form), happened);
    if (opens)
        ui::start(loadBackends(m_dialog, own));
}

void RowActions::replayEvent()
{
    const auto *event = chosen<LifecycleEventItem>(m_row);
    if (!event)
        return;
    QStringList told;
    for (const domain::ForwardItem &forward : event->forwards)
        told << tr("%1: %2", "backend, state").arg(forward.target, outboundState(forward.state).word);
    ActionForm form;
    form.title = tr("Replay a lifecycle event");
    form.warning = tr("The event is sent once more to the webhook of a backend, behind everything else that "
                      "is under way there. The backend may have had it already.");
    form.verb = tr("Replay %1 in %2", "event, profile").arg(subject(), m_profile);
    form.evidence = {{tr("Event"), event->id}, {tr("Runtime"), event->instanceId},
        {tr("Phase"), runtimePhase(event->phase).word}, {tr("Received"), m_time->moment(event->receivedAt)},
        {tr("Forwards so far"), told.join(u", "_s)}};
    form.conflict = tr("It is on its way to that backend already. Look again in a moment.");
    form.request = ActionRequest(Act::Replay, event->id, QString());
    form.call = [api = m_api](ActionRequest request) { return replayLifecycle(api, std::move(request)); };
    openReplay(std::move(form), event->backend, tr("%1 is sent once more.").arg(subject()));
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
    const DeliveryItem *delivery = chosen<DeliveryItem>(m_row);
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
    const DeliveryItem *delivery = chosen<DeliveryItem>(m_row);
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
    form.choices = {choice(u"as"_s, tr("As"),
        {{tr("Delivered: it was done"), u"delivered"_s}, {tr("Abandoned: leave it"), u"abandoned"_s},
            {tr("Retry: run it again"), u"retry"_s}})};
    form.request = ActionRequest(Act::Confirm, delivery->id, QString());
    open(form, tr("%1 was settled.").arg(subject()));
}

namespace {

QList<std::pair<QString, QString>> questionEvidence(const InteractionItem &item, const TimeText &time)
{
    return {{RowActions::tr("Interaction"), item.id},
        {RowActions::tr("What"), interactionOrigin(item.origin)},
        {RowActions::tr("Asked"), time.moment(item.createdAt)},
        {RowActions::tr("Until"), time.moment(item.expiresAt)},
        {RowActions::tr("Delivery that waits"), item.deliveryId}};
}

} // namespace

void RowActions::answer()
{
    const auto *item = chosen<InteractionItem>(m_row);
    if (!item)
        return;
    QList<std::pair<QString, QString>> options;
    for (qsizetype i = 0; i < item->optionKinds.size(); ++i)
        options.append({tr("%1: %2", "number, what it does").arg(i + 1).arg(optionKind(item->optionKinds[i])),
            u"#%1"_s.arg(i + 1)});
    ActionForm form;
    form.title = tr("Answer a question");
    form.warning
        = tr("Whoever asks goes on with this answer, and the card says that an operator gave it. Read the "
             "question in its thread first: its text is not shown here.");
    form.verb = tr("Answer %1 in %2", "place, profile").arg(subject(), m_profile);
    form.needsReason = false;
    form.evidence = questionEvidence(*item, *m_time);
    form.choices = {choice(u"option"_s, tr("Option of the card"), options)};
    form.conflict = tr("Somebody has answered it meanwhile, or its time is over.");
    form.request = ActionRequest(Act::Answer, item->id, QString());
    open(form, tr("The question in %1 was answered.").arg(subject()));
}

void RowActions::cancelInteraction()
{
    const auto *item = chosen<InteractionItem>(m_row);
    if (!item)
        return;
    ActionForm form;
    form.title = tr("Cancel a question");
    form.warning = tr("Whoever asks is told that there will be no answer, and the card loses its buttons.");
    form.verb = tr("Cancel the question in %1 in %2", "place, profile").arg(subject(), m_profile);
    form.evidence = questionEvidence(*item, *m_time);
    form.conflict = tr("Somebody has answered it meanwhile, or its time is over.");
    form.request = ActionRequest(Act::Cancel, item->id, QString());
    form.request.scope = u"interaction"_s;
    open(form, tr("The question in %1 was cancelled.").arg(subject()));
}

void RowActions::repost()
{
    const auto *item = chosen<InteractionItem>(m_row);
    if (!item)
        return;
    ActionForm form;
    form.title = tr("Post a card again");
    form.warning
        = tr("The card is shown once more, at the end of its thread. The one before loses its buttons.");
    form.verb = tr("Post it again in %1", "place").arg(subject());
    form.needsReason = false;
    form.evidence = questionEvidence(*item, *m_time);
    form.conflict = tr("It is over, or on its way already.");
    form.request = ActionRequest(Act::Repost, item->id, QString());
    open(form, tr("The card in %1 is posted again.").arg(subject()));
}

void RowActions::pause(bool stops)
{
    ActionForm form;
    form.title = stops ? tr("Pause the gateway") : tr("Resume the gateway");
    form.warning = stops
        ? tr("Nothing is lost: messages are taken up and kept, and go on when it is resumed.")
        : tr("What was held goes on, at once or so many a second.");
    form.verb
        = stops ? tr("Pause in %1", "profile").arg(m_profile) : tr("Resume in %1", "profile").arg(m_profile);
    form.needsReason = stops;
    form.choices = {choice(u"scope"_s, tr("Where"), {{tr("All engines"), u"engine/all"_s}}),
        whatChoice({u"delivery"_s, u"outbound"_s, u"intake"_s}), stops ? lengthChoice() : rateChoice()};
    form.request = ActionRequest(stops ? Act::Pause : Act::Resume, u"all"_s, QString());
    const bool opens = !m_dialog;
    open(form, stops ? tr("Paused.") : tr("Resumed."));
    if (opens)
        ui::start(loadScopes(m_dialog));
}

void RowActions::pauseInstallation()
{
    const auto *item = chosen<InstallationItem>(m_row);
    if (!item)
        return;
    ActionForm form;
    form.title = tr("Pause an installation");
    form.warning = tr("Nothing is lost: what comes in for it is taken up and kept, and goes on when it is "
                      "resumed. Other installations go on.");
    form.verb = tr("Pause %1 in %2", "installation, profile").arg(subject(), m_profile);
    form.evidence = installationEvidence(*item, *m_time);
    form.choices = {whatChoice({u"delivery"_s, u"outbound"_s, u"intake"_s}), lengthChoice()};
    form.request = ActionRequest(Act::Pause, item->id, QString());
    form.request.scope = u"installation"_s;
    open(form, tr("%1 was paused.").arg(subject()));
}

void RowActions::resumeInstallation()
{
    const auto *item = chosen<InstallationItem>(m_row);
    const QStringList paused = ownPauses(item, *m_time);
    if (paused.isEmpty())
        return;
    ActionForm form;
    form.title = tr("Resume an installation");
    form.warning = tr("What was held goes on, at once or so many a second. What is paused for its backend or "
                      "for all engines stays paused.");
    form.verb = tr("Resume %1 in %2", "installation, profile").arg(subject(), m_profile);
    form.needsReason = false;
    form.evidence = installationEvidence(*item, *m_time);
    form.choices = {whatChoice(paused), rateChoice()};
    form.request = ActionRequest(Act::Resume, item->id, QString());
    form.request.scope = u"installation"_s;
    open(form, tr("%1 was resumed.").arg(subject()));
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
