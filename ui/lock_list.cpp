// SPDX-License-Identifier: Apache-2.0
#include "item_list.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::LockItem;
using domain::SessionItem;

namespace {

class LockList final : public ItemList<LockItem>
{
    Q_DECLARE_TR_FUNCTIONS(LockList)
public:
    LockList()
        : ItemList(columnTable())
    {
    }
    ViewKind view() const override { return ViewKind::Locks; }
    QString name() const override { return u"locks"_s; }
    QString title() const override { return tr("Locks"); }
    QString icon() const override { return u"lock"_s; }
    QString emptyText() const override { return tr("No lock is held: nothing is being worked on."); }
    QString filterHint() const override { return tr("Session, holder, place, thread or tenant"); }
    QStringList changeKinds() const override { return {u"session"_s}; }
    QStringList states() const override { return {}; }
    StateLook state(const QString &state) const override { return sessionState(state); }

protected:
    QCoro::Task<Result<domain::Page<LockItem>>> ask(
        admin::OperatorApi *api, domain::ListQuery query) const override
    {
        return api->locks(std::move(query));
    }
    QString say(const LockItem &item, const TimeText &time) const override
    {
        return tr("%1, %2, for %3", "state, subject, age")
            .arg(liveness(item).word, placeText(item.place, item.thread), time.age(item.acquiredAt));
    }
    QString stateOf(const LockItem &) const override { return {}; }
    bool hasText(const LockItem &item, const QString &text) const override
    {
        return text == item.id || text == item.place || text == item.thread || text == item.tenant
            || text == item.holder;
    }
    bool belongs(const LockItem &item, const domain::ListQuery &) const override
    {
        return !item.holder.isEmpty();
    }
    // The stream tells of sessions: what it does not know of the holder and its engine comes with the next
    // list.
    std::optional<LockItem> itemOf(const domain::Change &change) const override
    {
        const auto *item = std::get_if<SessionItem>(&change.item);
        return item ? std::optional(lockFrom(*item)) : std::nullopt;
    }

private:
    // How sure it is that the holder still works: a word, an icon and a tone.
    static StateLook liveness(const LockItem &item)
    {
        if (item.holder.isEmpty())
            return StateLook(tr("Free"), u"idle"_s, Tone::Muted);
        if (!item.engineAlive)
            return StateLook(tr("Engine lost"), u"dead"_s, Tone::Danger);
        if (item.holderState == u"waiting")
            return StateLook(tr("Held, waiting"), u"waiting"_s, Tone::Warn);
        return StateLook(tr("Held"), u"lock"_s, Tone::Info);
    }
    static ListCell stateCell(const LockItem &item, const TimeText &)
    {
        ListCell cell = lookCell(liveness(item));
        cell.tip = item.holderStage.isEmpty() ? cell.text : cell.text + u" · "_s + item.holderStage;
        return cell;
    }
    static ListCell fenceCell(const LockItem &item, const TimeText &)
    {
        ListCell cell;
        cell.text = QString::number(item.fence);
        cell.right = true;
        return cell;
    }

    static std::vector<Column> columnTable()
    {
        using Item = LockItem;
        return {
            {{u"state"_s, tr("State"), 130}, stateCell},
            {{u"place"_s, tr("Place"), 120},
                [](const Item &item, const TimeText &) { return monoCell(item.place); }},
            {{u"thread"_s, tr("Thread"), 160},
                [](const Item &item, const TimeText &) { return monoCell(item.thread); }},
            {{u"holder"_s, tr("Held by"), 170},
                [](const Item &item, const TimeText &) { return idCell(item.holder); }},
            {{u"age"_s, tr("Age"), 118, true},
                [](const Item &item, const TimeText &time) { return ageCell(item.acquiredAt, time); }},
            {{u"expires"_s, tr("Expires"), 120, true},
                [](const Item &item, const TimeText &time) { return momentCell(item.expiresAt, time); }},
            {{u"fence"_s, tr("Fence"), 70, true}, fenceCell},
            {{u"waiters"_s, tr("Waiters"), 80, true},
                [](const Item &item, const TimeText &) { return numberCell(item.waiters); }},
            {{u"engine"_s, tr("Engine"), 150},
                [](const Item &item, const TimeText &) { return idCell(item.engine); }},
            {{u"lease"_s, tr("Lease until"), 120, true},
                [](const Item &item, const TimeText &time) { return momentCell(item.leaseUntil, time); }},
            {{u"backend"_s, tr("Backend"), 110},
                [](const Item &item, const TimeText &) { return textCell(item.backend); }},
            {{u"id"_s, tr("Session"), 170},
                [](const Item &item, const TimeText &) { return idCell(item.id); }},
        };
    }
};

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

} // namespace signalbox::ui
