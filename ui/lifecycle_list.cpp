// SPDX-License-Identifier: Apache-2.0
#include "item_list.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::LifecycleEventItem;

namespace {

class LifecycleList final : public ItemList<LifecycleEventItem>
{
    Q_DECLARE_TR_FUNCTIONS(LifecycleList)
public:
    LifecycleList()
        : ItemList(columnTable())
    {
    }
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

protected:
    QCoro::Task<Result<domain::Page<LifecycleEventItem>>> ask(
        admin::OperatorApi *api, domain::ListQuery query) const override
    {
        return api->lifecycleEvents(std::move(query));
    }
    QString say(const LifecycleEventItem &item, const TimeText &time) const override
    {
        return tr("%1, %2, %3, %4 ago", "phase, runtime, forwarding, age")
            .arg(runtimePhase(item.phase).word, item.instanceId, forwardingState(item.state).word,
                time.age(item.receivedAt));
    }
    QString stateOf(const LifecycleEventItem &item) const override { return item.state; }
    bool hasText(const LifecycleEventItem &item, const QString &text) const override
    {
        return text == item.id || text == item.eventId || text == item.runtimeId || text == item.instanceId
            || text == item.nameSpace || text == item.backend
            || text.compare(item.phase, Qt::CaseInsensitive) == 0;
    }

private:
    static ListCell unboundCell(const LifecycleEventItem &item, const TimeText &)
    {
        return numberCell(item.unbound, tr("%n session(s) unbound", nullptr, item.unbound));
    }
    static ListCell sourceCell(const LifecycleEventItem &item, const TimeText &)
    {
        ListCell cell;
        cell.text = lifecycleSource(item.source);
        return cell;
    }

    static std::vector<Column> columnTable()
    {
        using Item = LifecycleEventItem;
        return {
            {{u"phase"_s, tr("Phase"), 130},
                [](const Item &item, const TimeText &) { return lookCell(runtimePhase(item.phase)); }},
            {{u"instance"_s, tr("Runtime"), 190},
                [](const Item &item, const TimeText &) { return idCell(item.instanceId); }},
            {{u"forwarding"_s, tr("Forwarding"), 165},
                [](const Item &item, const TimeText &) { return lookCell(forwardingState(item.state)); }},
            {{u"backend"_s, tr("Backend"), 120},
                [](const Item &item, const TimeText &) { return textCell(item.backend); }},
            {{u"source"_s, tr("Known from"), 122}, sourceCell},
            {{u"unbound"_s, tr("Unbound"), 105, true}, unboundCell},
            {{u"age"_s, tr("Age"), 118, true},
                [](const Item &item, const TimeText &time) { return ageCell(item.receivedAt, time); }},
            {{u"reason"_s, tr("Reason"), 180},
                [](const Item &item, const TimeText &) { return textCell(item.reason); }},
            {{u"namespace"_s, tr("Namespace"), 120},
                [](const Item &item, const TimeText &) { return idCell(item.nameSpace); }},
            {{u"eventId"_s, tr("Event id"), 170},
                [](const Item &item, const TimeText &) { return idCell(item.eventId); }},
            {{u"id"_s, tr("Id"), 170}, [](const Item &item, const TimeText &) { return idCell(item.id); }},
        };
    }
};

} // namespace

std::unique_ptr<ListKind> makeLifecycleList()
{
    return std::make_unique<LifecycleList>();
}

} // namespace signalbox::ui
