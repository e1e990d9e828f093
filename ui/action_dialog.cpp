// SPDX-License-Identifier: Apache-2.0
#include "action_dialog.h"

#include "start.h"
#include "time_text.h"
#include "words.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QPointer>
#include <QProgressBar>
#include <QPushButton>
#include <QVBoxLayout>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::ActionRequest;

namespace {

QString conflictText(const Error &error)
{
    const QString &why = error.native();
    if (why == u"fence_differs" || why == u"not_held")
        return ActionDialog::tr("The lock has changed hands since you looked. Look again before you act.");
    if (why == u"payload_expired")
        return ActionDialog::tr("The message's text is not kept any more, so that it cannot be run again.");
    if (why == u"settled")
        return ActionDialog::tr("Somebody has settled it already.");
    if (why == u"not_paused")
        return ActionDialog::tr("It is not paused.");
    return ActionDialog::tr("It is in another state than you saw. Look again before you act.");
}

} // namespace

ActionDialog::ActionDialog(admin::OperatorApi *api, const TimeText *time, ActionForm form, QWidget *parent)
    : QDialog(parent)
    , m_api(api)
    , m_time(time)
    , m_form(std::move(form))
{
    setObjectName(u"actionDialog"_s);
    setAttribute(Qt::WA_DeleteOnClose);
    setWindowTitle(m_form.title);
    setAccessibleName(m_form.title);
    setAccessibleDescription(m_form.warning);
    setMinimumWidth(fontMetrics().averageCharWidth() * 64);
    // The same for every try of this dialog.
    m_form.request.key = u"console-%1-%2-%3"_s.arg(name(m_form.request.act), m_form.request.id.left(80))
                             .arg(toMs(time->now()));
    build();
    connect(m_api, &admin::OperatorApi::connectionChanged, this, [this] {
        if (m_unknown && !m_busy && m_api->connectionState() == admin::ConnectionState::Live)
            ui::start(findOut());
    });
    showReady();
    m_reason->setFocus();
}

void ActionDialog::build()
{
    auto *layout = new QVBoxLayout(this);
    layout->setContentsMargins(20, 16, 20, 14);
    layout->setSpacing(12);
    auto *warning = new QLabel(m_form.warning, this);
    warning->setObjectName(u"actionWarning"_s);
    warning->setWordWrap(true);
    layout->addWidget(warning);
    auto *form = new QFormLayout;
    for (const auto &[label, value] : m_form.evidence) {
        auto *text = new QLabel(value.isEmpty() ? u"–"_s : value, this);
        text->setTextFormat(Qt::PlainText); // reasons are what somebody wrote
        text->setWordWrap(true);
        text->setTextInteractionFlags(Qt::TextSelectableByMouse);
        text->setAccessibleName(label + u", "_s + text->text());
        form->addRow(label, text);
    }
    for (const ActionChoice &choice : m_form.choices) {
        auto *box = new QComboBox(this);
        box->setObjectName(u"actionChoice_"_s + choice.key);
        box->setAccessibleName(choice.label);
        m_choices.insert(choice.key, box);
        addOptions(choice.key, choice.options);
        form->addRow(choice.label, box);
    }
    m_reason = new QLineEdit(this);
    m_reason->setObjectName(u"actionReason"_s);
    m_reason->setAccessibleName(tr("Reason"));
    m_reason->setPlaceholderText(
        m_form.needsReason ? tr("Why? It stands in the audit.") : tr("Why? (may stay empty)"));
    m_reason->setMaxLength(1000);
    m_reason->installEventFilter(this);
    form->addRow(tr("Reason"), m_reason);
    layout->addLayout(form);
    m_error = new QLabel(this);
    m_error->setObjectName(u"actionError"_s);
    m_error->setWordWrap(true);
    m_error->hide();
    layout->addWidget(m_error);
    m_progress = new QProgressBar(this);
    m_progress->setObjectName(u"actionBusy"_s);
    m_progress->setAccessibleName(tr("Working"));
    m_progress->setRange(0, 0);
    m_progress->setTextVisible(false);
    m_progress->hide();
    layout->addWidget(m_progress);
    auto *buttons = new QDialogButtonBox(this);
    m_go = buttons->addButton(m_form.verb, QDialogButtonBox::ActionRole);
    m_go->setObjectName(u"actionGo"_s);
    m_go->setAutoDefault(false);
    m_cancel = buttons->addButton(QDialogButtonBox::Cancel);
    m_cancel->setObjectName(u"actionCancel"_s);
    m_cancel->setDefault(true);
    layout->addWidget(buttons);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(m_go, &QPushButton::clicked, this, &ActionDialog::go);
    connect(m_reason, &QLineEdit::textChanged, this, &ActionDialog::showReady);
}

bool ActionDialog::eventFilter(QObject *watched, QEvent *event)
{
    const bool key = event->type() == QEvent::KeyPress || event->type() == QEvent::ShortcutOverride;
    if (watched != m_reason || !key || static_cast<QKeyEvent *>(event)->key() != Qt::Key_Escape)
        return QDialog::eventFilter(watched, event);
    event->accept();
    if (event->type() == QEvent::KeyPress)
        reject();
    return true;
}

void ActionDialog::addOptions(const QString &key, const QList<std::pair<QString, QString>> &options)
{
    QComboBox *box = m_choices.value(key);
    if (!box)
        return;
    for (const auto &[text, value] : options) {
        if (box->findData(value) < 0)
            box->addItem(text, value);
    }
}

void ActionDialog::showReady()
{
    m_go->setEnabled(!m_busy && (!m_form.needsReason || !m_reason->text().trimmed().isEmpty()));
}

void ActionDialog::setBusy(bool busy)
{
    m_busy = busy;
    m_progress->setVisible(busy);
    m_reason->setEnabled(!busy);
    for (QComboBox *box : std::as_const(m_choices))
        box->setEnabled(!busy);
    // What was asked for cannot be taken back: closing only stops waiting for the answer.
    m_cancel->setText(busy ? tr("Do not wait") : tr("Cancel"));
    showReady();
}

ActionRequest ActionDialog::request() const
{
    ActionRequest request = m_form.request;
    request.reason = m_reason->text().trimmed();
    for (auto choice = m_choices.cbegin(); choice != m_choices.cend(); ++choice) {
        const QString value = choice.value()->currentData().toString();
        if (choice.key() == u"backend")
            request.backend = value;
        else if (choice.key() == u"as")
            request.as = value;
        else if (choice.key() == u"what")
            request.what = value;
        else if (choice.key() == u"option")
            request.option = value;
        else if (choice.key() == u"rate")
            request.rate = value.toInt();
        else if (choice.key() == u"seconds" && value.toInt() > 0)
            request.until = m_time->now() + std::chrono::seconds(value.toInt());
        else if (choice.key() == u"scope") {
            request.scope = value.section(u'/', 0, 0);
            request.id = value.section(u'/', 1);
        }
    }
    return request;
}

void ActionDialog::go()
{
    m_unknown = false;
    m_error->hide();
    setBusy(true);
    ui::start(act(request()));
}

QCoro::Task<Result<domain::ActionResult>> ActionDialog::send(ActionRequest request)
{
    return m_form.call ? m_form.call(std::move(request)) : m_api->act(std::move(request));
}

QCoro::Task<> ActionDialog::act(ActionRequest request)
{
    const QPointer<ActionDialog> self(this);
    const auto result = co_await send(std::move(request));
    if (!self)
        co_return;
    setBusy(false);
    if (result)
        finish(*result);
    else
        failWith(result.error());
}

void ActionDialog::finish(const domain::ActionResult &result)
{
    Q_EMIT done(result);
    accept();
}

void ActionDialog::failWith(const Error &error)
{
    // Anything else was decided: it was not done.
    const bool unknown
        = error.code() == ErrorCode::Unavailable || error.code() == ErrorCode::DeadlineExceeded;
    if (!unknown) {
        const QString conflict = m_form.conflict.isEmpty() ? conflictText(error) : m_form.conflict;
        say(error.code() == ErrorCode::Conflict ? conflict : errorText(error.code()), error);
        return;
    }
    if (m_form.call) {
        say(tr("It is not known whether this was done. Look before you try again."), error);
        return;
    }
    m_unknown = true;
    say(tr("It is not known whether this was done. The engine is being asked…"), error);
    ui::start(findOut());
}

QCoro::Task<> ActionDialog::findOut()
{
    const QPointer<ActionDialog> self(this);
    setBusy(true);
    const auto answer = co_await m_api->answerOf(m_form.request.key);
    if (!self)
        co_return;
    setBusy(false);
    if (answer) {
        finish(*answer);
        co_return;
    }
    m_unknown = answer.error().code() != ErrorCode::NotFound;
    if (m_unknown)
        say(tr("It is not known whether this was done, and the engine cannot tell now. It is asked again "
               "when "
               "it is connected. You may also try again: it is done once at most."),
            answer.error());
    else
        say(tr("The engine knows nothing of it: it has not been done. You may try again: it is done once at "
               "most."),
            answer.error());
}

void ActionDialog::say(const QString &text, const Error &error)
{
    m_error->setText(text);
    m_error->setToolTip(error.message());
    m_error->setAccessibleName(text);
    m_error->show();
    m_cancel->setFocus();
}

} // namespace signalbox::ui
