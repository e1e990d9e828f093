// SPDX-License-Identifier: Apache-2.0
#include "command_palette.h"

#include "icons.h"
#include "pasted_reference.h"
#include "start.h"
#include "time_text.h"

#include <QAction>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPointer>
#include <QVBoxLayout>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

namespace {

enum Role { KindRole = Qt::UserRole + 1, IdRole };
enum Kind { ActionKind, DeliveryKind, SessionKind };
constexpr int kShortestReference = 3;
constexpr int kFound = 6;

QString plain(const QAction *action)
{
    return action->text().remove(u'&');
}

} // namespace

CommandPalette::CommandPalette(
    admin::OperatorApi *api, const TimeText *time, const QList<QAction *> &actions, QWidget *parent)
    : QDialog(parent)
    , m_api(api)
    , m_time(time)
    , m_actions(actions)
    , m_text(new QLineEdit(this))
    , m_list(new QListWidget(this))
    , m_hint(new QLabel(this))
{
    setObjectName(u"palette"_s);
    setWindowTitle(tr("Find or run anything"));
    setAttribute(Qt::WA_DeleteOnClose);
    m_text->setObjectName(u"paletteText"_s);
    m_text->setPlaceholderText(tr("A command, or an id, ts, place or link to jump to"));
    m_text->setAccessibleName(tr("Command or id"));
    m_text->installEventFilter(this);
    m_list->setObjectName(u"paletteList"_s);
    m_list->setAccessibleName(tr("Commands and what was found"));
    m_list->setUniformItemSizes(true);
    m_hint->setObjectName(u"muted"_s);
    auto *layout = new QVBoxLayout(this);
    layout->setContentsMargins(12, 12, 12, 10);
    layout->addWidget(m_text);
    layout->addWidget(m_list);
    layout->addWidget(m_hint);
    resize(620, 420);
    if (parent)
        move(parent->mapToGlobal(QPoint((parent->width() - width()) / 2, 90)));
    m_typing.setSingleShot(true);
    m_typing.setInterval(kTypingPause);
    connect(&m_typing, &QTimer::timeout, this, [this] { ui::start(look(referenceIn(m_text->text()))); });
    connect(m_text, &QLineEdit::textChanged, this, &CommandPalette::filter);
    connect(m_list, &QListWidget::itemActivated, this, &CommandPalette::choose);
    filter();
}

void CommandPalette::filter()
{
    ++m_generation;
    m_list->clear();
    const QString text = m_text->text().trimmed();
    for (const QAction *action : std::as_const(m_actions)) {
        if (!action->isEnabled() || !plain(action).contains(text, Qt::CaseInsensitive))
            continue;
        const QString keys = action->property("keys").toStringList().join(tr(" or ", "between two keys"));
        auto *item = new QListWidgetItem(
            action->icon(), keys.isEmpty() ? plain(action) : plain(action) + u"    "_s + keys);
        item->setData(KindRole, ActionKind);
        item->setData(IdRole, action->objectName());
        m_list->addItem(item);
    }
    m_list->setCurrentRow(0);
    const bool asks = referenceIn(text).size() >= kShortestReference;
    m_hint->setText(
        asks ? tr("Looking for “%1”…").arg(referenceIn(text)) : tr("Enter runs it, Escape leaves"));
    if (asks)
        m_typing.start();
    else
        m_typing.stop();
}

QCoro::Task<> CommandPalette::look(QString text)
{
    const QPointer<CommandPalette> self(this);
    const int generation = m_generation;
    domain::ListQuery query;
    query.text = text;
    query.limit = kFound;
    int found = 0;
    bool failed = false;
    for (const bool deliveries : {true, false}) {
        const auto kind = deliveries ? makeDeliveryList() : makeSessionList();
        auto page = co_await kind->fetch(m_api, query);
        if (!self || generation != m_generation)
            co_return;
        if (page) {
            found += static_cast<int>(page->rows.size());
            addFound(*kind, *page);
        } else {
            failed = true;
        }
    }
    if (failed)
        m_hint->setText(tr("The engine could not be asked for “%1”.").arg(text));
    else if (found == 0)
        m_hint->setText(tr("No delivery or session is called “%1”.").arg(text));
    else
        m_hint->setText(tr("%n found", nullptr, found));
}

void CommandPalette::addFound(const ListKind &kind, const ListPage &page)
{
    for (const ListRow &row : page.rows) {
        const ListCell state = kind.cell(row, 0, *m_time);
        const bool delivery = kind.view() == ViewKind::Deliveries;
        const QString what = delivery ? tr("Delivery %1 · %2", "id, state, place")
                                      : tr("Session %1 · %2", "id, state, place");
        auto *item = new QListWidgetItem(themedIcon(state.icon), what.arg(row.id, kind.spoken(row, *m_time)));
        item->setData(KindRole, delivery ? DeliveryKind : SessionKind);
        item->setData(IdRole, row.id);
        m_list->addItem(item);
    }
    if (m_list->currentRow() < 0)
        m_list->setCurrentRow(0);
}

void CommandPalette::choose()
{
    const QListWidgetItem *item = m_list->currentItem();
    if (!item)
        return;
    const QString id = item->data(IdRole).toString();
    const int kind = item->data(KindRole).toInt();
    accept(); // first, so that the focus goes back before the action looks at it
    if (kind == DeliveryKind) {
        Q_EMIT deliveryChosen(id);
    } else if (kind == SessionKind) {
        Q_EMIT sessionChosen(id);
    } else {
        for (QAction *action : std::as_const(m_actions)) {
            if (action->objectName() == id) {
                action->trigger();
                return;
            }
        }
    }
}

bool CommandPalette::eventFilter(QObject *watched, QEvent *event)
{
    if (watched == m_text && event->type() == QEvent::KeyPress) {
        const int key = static_cast<QKeyEvent *>(event)->key();
        const int row = m_list->currentRow();
        if (key == Qt::Key_Down)
            m_list->setCurrentRow(std::min(row + 1, m_list->count() - 1));
        else if (key == Qt::Key_Up)
            m_list->setCurrentRow(std::max(row - 1, 0));
        else if (key == Qt::Key_Return || key == Qt::Key_Enter)
            choose();
        else
            return QDialog::eventFilter(watched, event);
        return true;
    }
    return QDialog::eventFilter(watched, event);
}

} // namespace signalbox::ui
