// SPDX-License-Identifier: Apache-2.0
#include "item_list.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::SessionItem;

namespace {

class SessionList final : public ItemList<SessionItem>
{
    Q_DECLARE_TR_FUNCTIONS(SessionList)
public:
    SessionList()
        : ItemList(columnTable())
    {
    }
    ViewKind view() const override { return ViewKind::Sessions; }
    QString name() const override { return u"sessions"_s; }
    QString title() const override { return tr("Sessions"); }
    QString icon() const override { return u"sessions"_s; }
    QString emptyText() const override
    {
        return tr("No sessions yet. One appears with the first message of a thread.");
    }
    QString filterHint() const override { return tr("Id, place, thread or tenant"); }
    QStringList changeKinds() const override { return {u"session"_s}; }
    QStringList states() const override { return {u"running"_s, u"waiting"_s, u"idle"_s}; }
    StateLook state(const QString &state) const override { return sessionState(state); }

protected:
    QCoro::Task<Result<domain::Page<SessionItem>>> ask(
        admin::OperatorApi *api, domain::ListQuery query) const override
    {
        return api->sessions(std::move(query));
    }
    QString say(const SessionItem &item, const TimeText &time) const override
    {
        return tr("%1, %2, last activity %3 ago", "state, subject, age")
            .arg(sessionState(item.state).word, placeText(item.place, item.thread),
                time.age(item.lastActivityAt));
    }
    QString stateOf(const SessionItem &item) const override { return item.state; }
    bool hasText(const SessionItem &item, const QString &text) const override
    {
        return item.id.startsWith(text) || text == item.place || text == item.thread || text == item.tenant
            || text == item.ticket;
    }

private:
    static ListCell threadCell(const SessionItem &item, const TimeText &)
    {
        return item.thread.isEmpty() ? mutedCell(tr("whole place")) : monoCell(item.thread);
    }
    static ListCell holderCell(const SessionItem &item, const TimeText &)
    {
        ListCell cell = idCell(item.lockHolder);
        if (!item.lockHolder.isEmpty())
            cell.icon = u"lock"_s;
        return cell;
    }
    static ListCell queueCell(const SessionItem &item, const TimeText &)
    {
        return numberCell(item.open, tr("%n message(s) whose turn is not over", nullptr, item.open));
    }

    static std::vector<Column> columnTable()
    {
        using Item = SessionItem;
        return {
            {{u"state"_s, tr("State"), 120},
                [](const Item &item, const TimeText &) { return lookCell(sessionState(item.state)); }},
            {{u"place"_s, tr("Place"), 130},
                [](const Item &item, const TimeText &) { return monoCell(item.place); }},
            {{u"thread"_s, tr("Thread"), 172}, threadCell},
            {{u"queue"_s, tr("Queue"), 80, true}, queueCell},
            {{u"holder"_s, tr("Lock held by"), 170}, holderCell},
            {{u"lockAge"_s, tr("Lock age"), 100, true},
                [](const Item &item, const TimeText &time) { return ageCell(item.lockAcquiredAt, time); }},
            {{u"activity"_s, tr("Last activity"), 130, true},
                [](const Item &item, const TimeText &time) { return ageCell(item.lastActivityAt, time); }},
            {{u"ticket"_s, tr("Ticket"), 110},
                [](const Item &item, const TimeText &) { return monoCell(item.ticket); }},
            {{u"user"_s, tr("User"), 120},
                [](const Item &item, const TimeText &) { return monoCell(item.user); }},
            {{u"source"_s, tr("Source"), 80},
                [](const Item &item, const TimeText &) { return textCell(item.source); }},
            {{u"backend"_s, tr("Backend"), 120},
                [](const Item &item, const TimeText &) { return textCell(item.backend); }},
            {{u"runtime"_s, tr("Runtime"), 150},
                [](const Item &item, const TimeText &) { return idCell(item.runtime); }},
            {{u"created"_s, tr("Created"), 130, true},
                [](const Item &item, const TimeText &time) { return momentCell(item.createdAt, time); }},
            {{u"id"_s, tr("Id"), 170}, [](const Item &item, const TimeText &) { return idCell(item.id); }},
        };
    }
};

} // namespace

std::unique_ptr<ListKind> makeSessionList()
{
    return std::make_unique<SessionList>();
}

} // namespace signalbox::ui
