// SPDX-License-Identifier: Apache-2.0
#include "list_kind.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::LockItem;
using domain::SessionItem;

namespace {

enum Column { State, Place, Thread, Holder, Age, Expires, Fence, Waiters, Engine, Lease, Backend, Id };

// How sure it is that the holder still works: a word, an icon and a tone.
StateLook liveness(const LockItem &item)
{
    if (item.holder.isEmpty())
        return StateLook(QCoreApplication::translate("LockList", "Free"), u"idle"_s, Tone::Muted);
    if (!item.engineAlive)
        return StateLook(QCoreApplication::translate("LockList", "Engine lost"), u"dead"_s, Tone::Danger);
    if (item.holderState == u"waiting")
        return StateLook(QCoreApplication::translate("LockList", "Held, waiting"), u"waiting"_s, Tone::Warn);
    return StateLook(QCoreApplication::translate("LockList", "Held"), u"lock"_s, Tone::Info);
}

ListRow toRow(LockItem item)
{
    ListRow row;
    row.id = item.id;
    row.rev = item.rev;
    row.createdAt = item.createdAt;
    row.item = std::move(item);
    return row;
}

class LockList final : public ListKind
{
    Q_DECLARE_TR_FUNCTIONS(LockList)
public:
    ViewKind view() const override { return ViewKind::Locks; }
    QString name() const override { return u"locks"_s; }
    QString title() const override { return tr("Locks"); }
    QString icon() const override { return u"lock"_s; }
    QString emptyText() const override { return tr("No lock is held: nothing is being worked on."); }
    QString filterHint() const override { return tr("Session, holder, place, thread or tenant"); }
    QStringList changeKinds() const override { return {u"session"_s}; }
    QStringList states() const override { return {}; }
    StateLook state(const QString &state) const override { return sessionState(state); }

    const std::vector<ListColumn> &columns() const override
    {
        static const std::vector<ListColumn> columns{
            {u"state"_s, tr("State"), 130},
            {u"place"_s, tr("Place"), 120},
            {u"thread"_s, tr("Thread"), 160},
            {u"holder"_s, tr("Held by"), 170},
            {u"age"_s, tr("Age"), 100, true},
            {u"expires"_s, tr("Expires"), 120, true},
            {u"fence"_s, tr("Fence"), 70, true},
            {u"waiters"_s, tr("Waiters"), 80, true},
            {u"engine"_s, tr("Engine"), 150},
            {u"lease"_s, tr("Lease until"), 120, true},
            {u"backend"_s, tr("Backend"), 110},
            {u"id"_s, tr("Session"), 170},
        };
        return columns;
    }

    QCoro::Task<Result<ListPage>> fetch(admin::OperatorApi *api, domain::ListQuery query) const override
    {
        auto page = co_await api->locks(std::move(query));
        if (!page)
            co_return fail(page.error());
        ListPage out;
        for (LockItem &item : page->items)
            out.rows.append(toRow(std::move(item)));
        out.nextCursor = page->nextCursor;
        out.total = page->total;
        out.totalIsExact = page->totalIsExact;
        co_return out;
    }

    // The stream tells of sessions: what it does not know of the holder and its engine comes with the next
    // list.
    bool rowOf(const domain::Change &change, ListRow &row) const override
    {
        const auto *item = std::get_if<SessionItem>(&change.item);
        if (!item)
            return false;
        row = toRow(lockFrom(*item));
        row.rev = change.rev;
        return true;
    }

    bool matches(const ListRow &row, const domain::ListQuery &query) const override
    {
        const auto &item = std::get<LockItem>(row.item);
        const QString &text = query.text;
        return !item.holder.isEmpty()
            && (text.isEmpty() || text == item.id || text == item.place || text == item.thread
                || text == item.tenant || text == item.holder);
    }

    ListCell cell(const ListRow &row, int column, const TimeText &time) const override;

    QString spoken(const ListRow &row, const TimeText &time) const override
    {
        const auto &item = std::get<LockItem>(row.item);
        return tr("%1, %2, for %3", "state, subject, age")
            .arg(liveness(item).word, placeText(item.place, item.thread), time.age(item.acquiredAt));
    }

    Json json(const ListRow &row) const override { return toJson(std::get<LockItem>(row.item)); }
};

ListCell LockList::cell(const ListRow &row, int column, const TimeText &time) const
{
    const auto &item = std::get<LockItem>(row.item);
    ListCell cell;
    const auto mono = [&cell](const QString &text, bool middle = false) {
        cell.text = cell.tip = text;
        cell.monospace = true;
        cell.elideMiddle = middle;
    };
    const auto moment = [&cell, &time](Instant at) {
        cell.text = time.moment(at);
        cell.tip = time.full(at);
        cell.right = true;
    };
    switch (static_cast<Column>(column)) {
    case State: {
        const StateLook look = liveness(item);
        cell.text = look.word;
        cell.icon = look.icon;
        cell.tone = look.tone;
        cell.tip = item.holderStage.isEmpty() ? look.word : look.word + u" · "_s + item.holderStage;
        break;
    }
    case Place:
        mono(item.place);
        break;
    case Thread:
        mono(item.thread);
        break;
    case Holder:
        mono(item.holder, true);
        break;
    case Age:
        cell.text = time.age(item.acquiredAt);
        cell.tip = time.full(item.acquiredAt);
        cell.living = cell.right = true;
        break;
    case Expires:
        moment(item.expiresAt);
        break;
    case Fence:
        cell.text = QString::number(item.fence);
        cell.right = true;
        break;
    case Waiters:
        cell.text = item.waiters > 0 ? QLocale().toString(item.waiters) : QString();
        cell.right = true;
        break;
    case Engine:
        mono(item.engine, true);
        break;
    case Lease:
        moment(item.leaseUntil);
        break;
    case Backend:
        cell.text = cell.tip = item.backend;
        break;
    case Id:
        mono(item.id, true);
        break;
    }
    return cell;
}

} // namespace

LockItem lockFrom(const SessionItem &item)
{
    LockItem lock;
    lock.id = item.id;
    lock.channel = item.channel;
    lock.tenant = item.tenant;
    lock.place = item.place;
    lock.thread = item.thread;
    lock.backend = item.backend;
    lock.holder = item.lockHolder;
    lock.engine = item.lockEngine;
    lock.engineAlive = true; // nothing is known against it
    lock.acquiredAt = item.lockAcquiredAt;
    lock.expiresAt = item.lockExpiresAt;
    lock.fence = item.fence;
    lock.waiters = std::max(0, item.open - 1);
    lock.createdAt = item.createdAt;
    lock.rev = item.rev;
    return lock;
}

std::unique_ptr<ListKind> makeLockList()
{
    return std::make_unique<LockList>();
}

Json toJson(const LockItem &item)
{
    Json json = Json::object();
    json.set(u"id"_s, item.id).set(u"holder"_s, item.holder).set(u"holder_state"_s, item.holderState);
    json.set(u"tenant"_s, item.tenant).set(u"place"_s, item.place).set(u"thread"_s, item.thread);
    json.set(u"backend"_s, item.backend).set(u"engine"_s, item.engine);
    json.set(u"engine_alive"_s, item.engineAlive).set(u"lease_until"_s, toRfc3339(item.leaseUntil));
    json.set(u"acquired_at"_s, toRfc3339(item.acquiredAt)).set(u"expires_at"_s, toRfc3339(item.expiresAt));
    json.set(u"fence"_s, item.fence).set(u"waiters"_s, item.waiters).set(u"rev"_s, item.rev);
    return json;
}

} // namespace signalbox::ui
