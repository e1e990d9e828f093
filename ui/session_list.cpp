// SPDX-License-Identifier: Apache-2.0
#include "list_kind.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::SessionItem;

namespace {

enum Column {
    State,
    Place,
    Thread,
    Queue,
    Holder,
    LockAge,
    Activity,
    Ticket,
    User,
    Source,
    Backend,
    Runtime,
    Created,
    Id
};

ListPage toPage(domain::Page<SessionItem> page)
{
    ListPage out;
    out.rows.reserve(page.items.size());
    for (SessionItem &item : page.items) {
        ListRow row;
        row.id = item.id;
        row.rev = item.rev;
        row.createdAt = item.createdAt;
        row.item = std::move(item);
        out.rows.append(std::move(row));
    }
    out.nextCursor = page.nextCursor;
    out.total = page.total;
    out.totalIsExact = page.totalIsExact;
    return out;
}

class SessionList final : public ListKind
{
    Q_DECLARE_TR_FUNCTIONS(SessionList)
public:
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

    const std::vector<ListColumn> &columns() const override
    {
        static const std::vector<ListColumn> columns{
            {u"state"_s, tr("State"), 120},
            {u"place"_s, tr("Place"), 130},
            {u"thread"_s, tr("Thread"), 172},
            {u"queue"_s, tr("Queue"), 80, true},
            {u"holder"_s, tr("Lock held by"), 170},
            {u"lockAge"_s, tr("Lock age"), 100, true},
            {u"activity"_s, tr("Last activity"), 130, true},
            {u"ticket"_s, tr("Ticket"), 110},
            {u"user"_s, tr("User"), 120},
            {u"source"_s, tr("Source"), 80},
            {u"backend"_s, tr("Backend"), 120},
            {u"runtime"_s, tr("Runtime"), 150},
            {u"created"_s, tr("Created"), 130, true},
            {u"id"_s, tr("Id"), 170},
        };
        return columns;
    }

    QCoro::Task<Result<ListPage>> fetch(admin::OperatorApi *api, domain::ListQuery query) const override
    {
        auto page = co_await api->sessions(std::move(query));
        if (!page)
            co_return fail(page.error());
        co_return toPage(std::move(*page));
    }

    bool rowOf(const domain::Change &change, ListRow &row) const override
    {
        const auto *item = std::get_if<SessionItem>(&change.item);
        if (!item)
            return false;
        row.id = change.id;
        row.rev = change.rev;
        row.createdAt = item->createdAt;
        row.item = *item;
        return true;
    }

    bool matches(const ListRow &row, const domain::ListQuery &query) const override
    {
        const auto &item = std::get<SessionItem>(row.item);
        if (!query.states.isEmpty() && !query.states.contains(item.state))
            return false;
        const QString &text = query.text;
        return text.isEmpty() || item.id.startsWith(text) || text == item.place || text == item.thread
            || text == item.tenant || text == item.ticket;
    }

    ListCell cell(const ListRow &row, int column, const TimeText &time) const override;

    QString spoken(const ListRow &row, const TimeText &time) const override
    {
        const auto &item = std::get<SessionItem>(row.item);
        return tr("%1, %2, last activity %3 ago", "state, subject, age")
            .arg(sessionState(item.state).word, placeText(item.place, item.thread),
                time.age(item.lastActivityAt));
    }

    Json json(const ListRow &row) const override { return toJson(std::get<SessionItem>(row.item)); }
};

ListCell SessionList::cell(const ListRow &row, int column, const TimeText &time) const
{
    const auto &item = std::get<SessionItem>(row.item);
    ListCell cell;
    const auto mono = [&cell](const QString &text, bool middle = false) {
        cell.text = text;
        cell.tip = text;
        cell.monospace = true;
        cell.elideMiddle = middle;
    };
    const auto living = [&cell, &time](Instant since) {
        cell.text = time.age(since);
        cell.tip = time.full(since);
        cell.living = true;
        cell.right = true;
    };
    switch (static_cast<Column>(column)) {
    case State: {
        const StateLook look = sessionState(item.state);
        cell.text = look.word;
        cell.icon = look.icon;
        cell.tone = look.tone;
        break;
    }
    case Place:
        mono(item.place);
        break;
    case Thread:
        mono(item.thread);
        if (item.thread.isEmpty()) {
            cell.text = tr("whole place");
            cell.monospace = false;
            cell.tone = Tone::Muted;
        }
        break;
    case Queue:
        cell.text = item.open > 0 ? QLocale().toString(item.open) : QString();
        cell.tip = tr("%n message(s) whose turn is not over", nullptr, item.open);
        cell.right = true;
        break;
    case Holder:
        mono(item.lockHolder, true);
        if (!item.lockHolder.isEmpty())
            cell.icon = u"lock"_s;
        break;
    case LockAge:
        living(item.lockAcquiredAt);
        break;
    case Activity:
        living(item.lastActivityAt);
        break;
    case Ticket:
        mono(item.ticket);
        break;
    case User:
        mono(item.user);
        break;
    case Source:
        cell.text = cell.tip = item.source;
        break;
    case Backend:
        cell.text = cell.tip = item.backend;
        break;
    case Runtime:
        mono(item.runtime, true);
        break;
    case Created:
        cell.text = time.moment(item.createdAt);
        cell.tip = time.full(item.createdAt);
        cell.right = true;
        break;
    case Id:
        mono(item.id, true);
        break;
    }
    return cell;
}

} // namespace

std::unique_ptr<ListKind> makeSessionList()
{
    return std::make_unique<SessionList>();
}

Json toJson(const SessionItem &item)
{
    Json json = Json::object();
    json.set(u"id"_s, item.id).set(u"state"_s, item.state).set(u"channel"_s, item.channel);
    json.set(u"tenant"_s, item.tenant).set(u"place"_s, item.place).set(u"thread"_s, item.thread);
    json.set(u"source"_s, item.source).set(u"user"_s, item.user).set(u"ticket"_s, item.ticket);
    json.set(u"backend"_s, item.backend).set(u"runtime"_s, item.runtime);
    json.set(u"lock_holder"_s, item.lockHolder).set(u"lock_engine"_s, item.lockEngine);
    json.set(u"lock_acquired_at"_s, toRfc3339(item.lockAcquiredAt));
    json.set(u"lock_expires_at"_s, toRfc3339(item.lockExpiresAt));
    json.set(u"fence"_s, item.fence).set(u"open"_s, item.open);
    json.set(u"last_activity_at"_s, toRfc3339(item.lastActivityAt));
    json.set(u"created_at"_s, toRfc3339(item.createdAt)).set(u"updated_at"_s, toRfc3339(item.updatedAt));
    json.set(u"rev"_s, item.rev);
    return json;
}

} // namespace signalbox::ui
