// SPDX-License-Identifier: Apache-2.0
#include "list_kind.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::RuntimeItem;

namespace {

enum Column { Phase, Instance, Namespace, Backend, Sessions, Since, Source, Events, ErrorCode, Created, Id };

class RuntimeList final : public ListKind
{
    Q_DECLARE_TR_FUNCTIONS(RuntimeList)
public:
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

    const std::vector<ListColumn> &columns() const override
    {
        static const std::vector<ListColumn> columns{
            {u"phase"_s, tr("Phase"), 130},
            {u"instance"_s, tr("Instance"), 190},
            {u"namespace"_s, tr("Namespace"), 120},
            {u"backend"_s, tr("Backend"), 120},
            {u"sessions"_s, tr("Sessions"), 90, true},
            {u"since"_s, tr("For"), 90, true},
            {u"source"_s, tr("Known from"), 110},
            {u"events"_s, tr("Events"), 80, true},
            {u"error"_s, tr("Error"), 150},
            {u"created"_s, tr("First seen"), 130, true},
            {u"id"_s, tr("Id"), 190},
        };
        return columns;
    }

    QCoro::Task<Result<ListPage>> fetch(admin::OperatorApi *api, domain::ListQuery query) const override
    {
        auto page = co_await api->runtimes(std::move(query));
        if (!page)
            co_return fail(page.error());
        ListPage out;
        for (const RuntimeItem &item : std::as_const(page->items)) {
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
        const auto *item = std::get_if<RuntimeItem>(&change.item);
        if (item)
            fill(*item, row);
        return item != nullptr;
    }

    bool matches(const ListRow &row, const domain::ListQuery &query) const override
    {
        const auto &item = std::get<RuntimeItem>(row.item);
        if (!query.states.isEmpty() && !query.states.contains(item.phase, Qt::CaseInsensitive))
            return false;
        const QString &text = query.text;
        return text.isEmpty() || text == item.id || text == item.instanceId || text == item.nameSpace
            || text == item.backend;
    }

    ListCell cell(const ListRow &row, int column, const TimeText &time) const override;

    QString spoken(const ListRow &row, const TimeText &time) const override
    {
        const auto &item = std::get<RuntimeItem>(row.item);
        return tr("%1, %2, for %3", "phase, instance, age")
            .arg(runtimePhase(item.phase).word, item.instanceId, time.age(item.phaseAt));
    }

    Json json(const ListRow &row) const override { return toJson(std::get<RuntimeItem>(row.item)); }

private:
    static void fill(const RuntimeItem &item, ListRow &row)
    {
        row.id = item.id;
        row.rev = item.rev;
        row.createdAt = item.createdAt;
        row.item = item;
    }
};

ListCell RuntimeList::cell(const ListRow &row, int column, const TimeText &time) const
{
    const auto &item = std::get<RuntimeItem>(row.item);
    ListCell cell;
    const auto mono = [&cell](const QString &text) {
        cell.text = cell.tip = text;
        cell.monospace = true;
        cell.elideMiddle = true;
    };
    const auto number = [&cell](qint64 value) {
        cell.text = value > 0 ? QLocale().toString(value) : QString();
        cell.right = true;
    };
    switch (static_cast<Column>(column)) {
    case Phase: {
        const StateLook look = runtimePhase(item.phase);
        cell.text = look.word;
        cell.icon = look.icon;
        cell.tone = look.tone;
        break;
    }
    case Instance:
        mono(item.instanceId);
        break;
    case Namespace:
        mono(item.nameSpace);
        break;
    case Backend:
        cell.text = cell.tip = item.backend;
        break;
    case Sessions:
        number(item.sessions);
        cell.tip = tr("%n session(s) bound to it", nullptr, item.sessions);
        break;
    case Since:
        cell.text = time.age(item.phaseAt);
        cell.tip = time.full(item.phaseAt);
        cell.living = cell.right = true;
        break;
    case Source:
        cell.text = lifecycleSource(item.phaseSource);
        break;
    case Events:
        number(item.events);
        break;
    case ErrorCode:
        mono(item.detail);
        break;
    case Created:
        cell.text = time.moment(item.createdAt);
        cell.tip = time.full(item.createdAt);
        cell.right = true;
        break;
    case Id:
        mono(item.id);
        break;
    }
    return cell;
}

} // namespace

std::unique_ptr<ListKind> makeRuntimeList()
{
    return std::make_unique<RuntimeList>();
}

Json toJson(const RuntimeItem &item)
{
    Json json = Json::object();
    json.set(u"id"_s, item.id).set(u"backend"_s, item.backend).set(u"namespace"_s, item.nameSpace);
    json.set(u"instance_id"_s, item.instanceId).set(u"phase"_s, item.phase);
    json.set(u"phase_source"_s, item.phaseSource).set(u"phase_at"_s, toRfc3339(item.phaseAt));
    json.set(u"error_code"_s, item.detail).set(u"sessions"_s, item.sessions).set(u"events"_s, item.events);
    json.set(u"created_at"_s, toRfc3339(item.createdAt)).set(u"updated_at"_s, toRfc3339(item.updatedAt));
    json.set(u"rev"_s, item.rev);
    return json;
}

} // namespace signalbox::ui
