// SPDX-License-Identifier: Apache-2.0
#include "list_kind.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::LifecycleEventItem;

namespace {

enum Column { Phase, Instance, Forwarding, Backend, Source, Unbound, Age, Reason, Namespace, EventId, Id };

class LifecycleList final : public ListKind
{
    Q_DECLARE_TR_FUNCTIONS(LifecycleList)
public:
    ViewKind view() const override { return ViewKind::Lifecycle; }
    QString name() const override { return u"lifecycle"_s; }
    QString title() const override { return tr("Lifecycle"); }
    QString icon() const override { return u"lifecycle"_s; }
    QString emptyText() const override
    {
        return tr(
            "No lifecycle events yet. One appears when a runtime's phase is reported or seen to change.");
    }
    QString filterHint() const override { return tr("Phase, instance, namespace, backend or id"); }
    QStringList changeKinds() const override { return {u"lifecycle_event"_s}; }
    QStringList states() const override { return {u"forwarding"_s, u"forwarded"_s, u"dead"_s, u"none"_s}; }
    StateLook state(const QString &state) const override { return forwardingState(state); }

    const std::vector<ListColumn> &columns() const override
    {
        static const std::vector<ListColumn> columns{
            {u"phase"_s, tr("Phase"), 130},
            {u"instance"_s, tr("Runtime"), 190},
            {u"forwarding"_s, tr("Forwarding"), 140},
            {u"backend"_s, tr("Backend"), 120},
            {u"source"_s, tr("Known from"), 110},
            {u"unbound"_s, tr("Unbound"), 90, true},
            {u"age"_s, tr("Age"), 90, true},
            {u"reason"_s, tr("Reason"), 180},
            {u"namespace"_s, tr("Namespace"), 120},
            {u"eventId"_s, tr("Event id"), 170},
            {u"id"_s, tr("Id"), 170},
        };
        return columns;
    }

    QCoro::Task<Result<ListPage>> fetch(admin::OperatorApi *api, domain::ListQuery query) const override
    {
        auto page = co_await api->lifecycleEvents(std::move(query));
        if (!page)
            co_return fail(page.error());
        ListPage out;
        for (const LifecycleEventItem &item : std::as_const(page->items)) {
            ListRow row;
            fill(item, row);
            out.rows.append(std::move(row));
        }
        out.nextCursor = page->nextCursor;
        out.total = page->total;
        out.totalIsExact = page->totalIsExact;
        co_return out;
    }

    bool rowOf(const domain::Change &change, ListRow &row) const override
    {
        const auto *item = std::get_if<LifecycleEventItem>(&change.item);
        if (item)
            fill(*item, row);
        return item != nullptr;
    }

    bool matches(const ListRow &row, const domain::ListQuery &query) const override
    {
        const auto &item = std::get<LifecycleEventItem>(row.item);
        if (!query.states.isEmpty() && !query.states.contains(item.state))
            return false;
        const QString &text = query.text;
        return text.isEmpty() || text == item.id || text == item.eventId || text == item.runtimeId
            || text == item.instanceId || text == item.nameSpace || text == item.backend
            || text.compare(item.phase, Qt::CaseInsensitive) == 0;
    }

    ListCell cell(const ListRow &row, int column, const TimeText &time) const override;

    QString spoken(const ListRow &row, const TimeText &time) const override
    {
        const auto &item = std::get<LifecycleEventItem>(row.item);
        return tr("%1, %2, %3, %4 ago", "phase, runtime, forwarding, age")
            .arg(runtimePhase(item.phase).word, item.instanceId, forwardingState(item.state).word,
                time.age(item.receivedAt));
    }

    Json json(const ListRow &row) const override { return toJson(std::get<LifecycleEventItem>(row.item)); }

private:
    static void fill(const LifecycleEventItem &item, ListRow &row)
    {
        row.id = item.id;
        row.rev = item.rev;
        row.createdAt = item.receivedAt;
        row.item = item;
    }
};

ListCell LifecycleList::cell(const ListRow &row, int column, const TimeText &time) const
{
    const auto &item = std::get<LifecycleEventItem>(row.item);
    ListCell cell;
    const auto mono = [&cell](const QString &text) {
        cell.text = cell.tip = text;
        cell.monospace = true;
        cell.elideMiddle = true;
    };
    const auto looks = [&cell](const StateLook &look) {
        cell.text = look.word;
        cell.icon = look.icon;
        cell.tone = look.tone;
    };
    switch (static_cast<Column>(column)) {
    case Phase:
        looks(runtimePhase(item.phase));
        break;
    case Instance:
        mono(item.instanceId);
        break;
    case Forwarding:
        looks(forwardingState(item.state));
        break;
    case Backend:
        cell.text = cell.tip = item.backend;
        break;
    case Source:
        cell.text = lifecycleSource(item.source);
        break;
    case Unbound:
        cell.text = item.unbound > 0 ? QLocale().toString(item.unbound) : QString();
        cell.tip = tr("%n session(s) unbound", nullptr, item.unbound);
        cell.right = true;
        break;
    case Age:
        cell.text = time.age(item.receivedAt);
        cell.tip = time.full(item.receivedAt);
        cell.living = cell.right = true;
        break;
    case Reason:
        cell.text = cell.tip = item.reason;
        break;
    case Namespace:
        mono(item.nameSpace);
        break;
    case EventId:
        mono(item.eventId);
        break;
    case Id:
        mono(item.id);
        break;
    }
    return cell;
}

Json forwardJson(const domain::ForwardItem &item)
{
    Json json = Json::object();
    json.set(u"id"_s, item.id).set(u"backend"_s, item.target).set(u"state"_s, item.state);
    json.set(u"attempts"_s, item.attempts).set(u"error_code"_s, item.errorCode);
    json.set(u"replay_of"_s, item.replayOf).set(u"actor"_s, item.actor);
    json.set(u"next_try_at"_s, toRfc3339(item.nextTryAt)).set(u"updated_at"_s, toRfc3339(item.updatedAt));
    return json;
}

} // namespace

std::unique_ptr<ListKind> makeLifecycleList()
{
    return std::make_unique<LifecycleList>();
}

Json toJson(const LifecycleEventItem &item)
{
    Json json = Json::object();
    json.set(u"id"_s, item.id).set(u"state"_s, item.state).set(u"runtime"_s, item.runtimeId);
    json.set(u"backend"_s, item.backend).set(u"namespace"_s, item.nameSpace);
    json.set(u"instance_id"_s, item.instanceId).set(u"position"_s, item.position);
    json.set(u"phase"_s, item.phase).set(u"reason"_s, item.reason).set(u"source"_s, item.source);
    json.set(u"event_id"_s, item.eventId).set(u"moved"_s, item.moved).set(u"unbound"_s, item.unbound);
    json.set(u"observed_at"_s, toRfc3339(item.observedAt)).set(u"created_at"_s, toRfc3339(item.receivedAt));
    Json forwards = Json::array();
    for (const domain::ForwardItem &forward : item.forwards)
        forwards.append(forwardJson(forward));
    json.set(u"forwards"_s, forwards).set(u"rev"_s, item.rev);
    return json;
}

} // namespace signalbox::ui
