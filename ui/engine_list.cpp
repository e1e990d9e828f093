// SPDX-License-Identifier: Apache-2.0
#include "item_list.h"
#include "named_items.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::EngineItem;

namespace {

bool isAsked(const EngineItem &item, const QString &text)
{
    return item.id.startsWith(text) || text == item.host || text == item.version
        || text == QString::number(item.pid) || item.configHash.startsWith(text);
}

bool isListed(const EngineItem &item, const domain::ListQuery &query)
{
    return (query.states.isEmpty() || query.states.contains(item.state))
        && (query.text.isEmpty() || isAsked(item, query.text));
}

class EngineList final : public ItemList<EngineItem>
{
    Q_DECLARE_TR_FUNCTIONS(EngineList)
public:
    EngineList()
        : ItemList(columnTable())
    {
    }
    ViewKind view() const override { return ViewKind::Engines; }
    QString name() const override { return u"engines"_s; }
    QString title() const override { return tr("Engines"); }
    QString icon() const override { return u"engines"_s; }
    QString emptyText() const override { return tr("No engines yet. Each one that starts appears here."); }
    QString filterHint() const override { return tr("Id, host, process, version or configuration"); }
    QStringList changeKinds() const override { return {u"engine"_s}; }
    QStringList states() const override { return {u"live"_s, u"lapsed"_s, u"lost"_s, u"ended"_s}; }
    StateLook state(const QString &state) const override { return engineState(state); }
    bool isByName() const override { return true; }

protected:
    QCoro::Task<Result<domain::Page<EngineItem>>> ask(
        admin::OperatorApi *api, domain::ListQuery query) const override
    {
        return pageOf<EngineItem>(api->engines(), std::move(query), &isListed);
    }
    QString say(const EngineItem &item, const TimeText &time) const override
    {
        if (!isNever(item.endedAt))
            return tr("%1, %2, %3 ago", "state, engine, age")
                .arg(engineState(item.state).word, item.id, time.age(item.endedAt));
        return tr("%1, %2, running for %3", "state, engine, age")
            .arg(engineState(item.state).word, item.id, time.age(item.startedAt));
    }
    QString stateOf(const EngineItem &item) const override { return item.state; }
    bool hasText(const EngineItem &item, const QString &text) const override { return isAsked(item, text); }

private:
    static ListCell configCell(const EngineItem &item, const TimeText &)
    {
        ListCell cell = monoCell(item.configHash.left(12));
        cell.tip = item.configHash;
        if (item.configDiffers) {
            cell.text += u' ' + tr("(differs)");
            cell.tone = Tone::Warn;
            cell.tip = tr("The engines that live do not all work by the same configuration.") + u'\n'
                + item.configHash;
        }
        return cell;
    }
    static ListCell numberCell(qint64 number)
    {
        ListCell cell = textCell(QString::number(number));
        cell.right = true;
        return cell;
    }

    static std::vector<Column> columnTable()
    {
        using Item = EngineItem;
        return {
            {{u"state"_s, tr("State"), 125},
                [](const Item &item, const TimeText &) { return lookCell(engineState(item.state)); }},
            {{u"id"_s, tr("Engine"), 160},
                [](const Item &item, const TimeText &) { return idCell(item.id); }},
            {{u"life"_s, tr("Life"), 60, true},
                [](const Item &item, const TimeText &) { return numberCell(item.incarnation); }},
            {{u"host"_s, tr("Host"), 130},
                [](const Item &item, const TimeText &) { return textCell(item.host); }},
            {{u"pid"_s, tr("Process"), 105, true},
                [](const Item &item, const TimeText &) { return numberCell(item.pid); }},
            {{u"version"_s, tr("Version"), 105},
                [](const Item &item, const TimeText &) { return textCell(item.version); }},
            {{u"deliveries"_s, tr("Held"), 75, true},
                [](const Item &item, const TimeText &) { return numberCell(item.deliveries); }},
            {{u"outbound"_s, tr("Sending"), 105, true},
                [](const Item &item, const TimeText &) { return numberCell(item.outbound); }},
            {{u"config"_s, tr("Configuration"), 170}, configCell},
            {{u"started"_s, tr("Started"), 120, true},
                [](const Item &item, const TimeText &time) { return ageCell(item.startedAt, time); }},
            {{u"ended"_s, tr("Ended"), 120, true},
                [](const Item &item, const TimeText &time) { return ageCell(item.endedAt, time); }},
        };
    }
};

} // namespace

std::unique_ptr<ListKind> makeEngineList()
{
    return std::make_unique<EngineList>();
}

} // namespace signalbox::ui
