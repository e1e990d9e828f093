// SPDX-License-Identifier: Apache-2.0
#include "item_list.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::RuntimeItem;

namespace {

class RuntimeList final : public ItemList<RuntimeItem>
{
    Q_DECLARE_TR_FUNCTIONS(RuntimeList)
public:
    RuntimeList()
        : ItemList(columnTable())
    {
    }
    ViewKind view() const override { return ViewKind::Runtimes; }
    QString name() const override { return u"runtimes"_s; }
    QString title() const override { return tr("Runtimes"); }
    QString icon() const override { return u"runtimes"_s; }
    QString emptyText() const override
    {
        return tr("No runtimes yet. One appears when it is first used, or when its operator reports it.");
    }
    QString filterHint() const override { return tr("Instance, namespace, backend or id"); }
    QStringList changeKinds() const override { return {u"runtime"_s}; }
    QStringList states() const override
    {
        return {u"ready"_s, u"provisioning"_s, u"expiring"_s, u"expired"_s, u"terminating"_s, u"error"_s,
            u"lost"_s};
    }
    StateLook state(const QString &state) const override { return runtimePhase(state); }

protected:
    QCoro::Task<Result<domain::Page<RuntimeItem>>> ask(
        admin::OperatorApi *api, domain::ListQuery query) const override
    {
        return api->runtimes(std::move(query));
    }
    QString say(const RuntimeItem &item, const TimeText &time) const override
    {
        return tr("%1, %2, for %3", "phase, instance, age")
            .arg(runtimePhase(item.phase).word, item.instanceId, time.age(item.phaseAt));
    }
    QString stateOf(const RuntimeItem &item) const override { return item.phase; }
    bool hasText(const RuntimeItem &item, const QString &text) const override
    {
        return text == item.id || text == item.instanceId || text == item.nameSpace || text == item.backend;
    }

private:
    static ListCell sessionsCell(const RuntimeItem &item, const TimeText &)
    {
        return numberCell(item.sessions, tr("%n session(s) bound to it", nullptr, item.sessions));
    }
    static ListCell sourceCell(const RuntimeItem &item, const TimeText &)
    {
        ListCell cell;
        cell.text = lifecycleSource(item.phaseSource);
        return cell;
    }

    static std::vector<Column> columnTable()
    {
        using Item = RuntimeItem;
        return {
            {{u"phase"_s, tr("Phase"), 130},
                [](const Item &item, const TimeText &) { return lookCell(runtimePhase(item.phase)); }},
            {{u"instance"_s, tr("Instance"), 190},
                [](const Item &item, const TimeText &) { return idCell(item.instanceId); }},
            {{u"namespace"_s, tr("Namespace"), 120},
                [](const Item &item, const TimeText &) { return idCell(item.nameSpace); }},
            {{u"backend"_s, tr("Backend"), 120},
                [](const Item &item, const TimeText &) { return textCell(item.backend); }},
            {{u"sessions"_s, tr("Sessions"), 90, true}, sessionsCell},
            {{u"since"_s, tr("For"), 118, true},
                [](const Item &item, const TimeText &time) { return ageCell(item.phaseAt, time); }},
            {{u"source"_s, tr("Known from"), 122}, sourceCell},
            {{u"events"_s, tr("Events"), 80, true},
                [](const Item &item, const TimeText &) { return numberCell(item.events); }},
            {{u"error"_s, tr("Error"), 150},
                [](const Item &item, const TimeText &) { return idCell(item.detail); }},
            {{u"created"_s, tr("First seen"), 130, true},
                [](const Item &item, const TimeText &time) { return momentCell(item.createdAt, time); }},
            {{u"id"_s, tr("Id"), 190}, [](const Item &item, const TimeText &) { return idCell(item.id); }},
        };
    }
};

} // namespace

std::unique_ptr<ListKind> makeRuntimeList()
{
    return std::make_unique<RuntimeList>();
}

} // namespace signalbox::ui
