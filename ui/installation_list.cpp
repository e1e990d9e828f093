// SPDX-License-Identifier: Apache-2.0
#include "installation_text.h"
#include "item_list.h"
#include "named_items.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::InstallationItem;

namespace {

// The state that is in force now: a pause may have ended by itself.
StateLook lookNow(InstallationItem item, const TimeText &time)
{
    item.pauses = pausesInForce(item, time);
    return installationState(installationStateOf(item));
}

bool isAsked(const InstallationItem &item, const QString &text)
{
    return item.id.startsWith(text) || text == item.tenant || text == item.app || text == item.backend
        || text == item.channel || text == item.trouble;
}

bool isListed(const InstallationItem &item, const domain::ListQuery &query)
{
    return (query.states.isEmpty() || query.states.contains(installationStateOf(item)))
        && (query.text.isEmpty() || isAsked(item, query.text));
}

class InstallationList final : public ItemList<InstallationItem>
{
    Q_DECLARE_TR_FUNCTIONS(InstallationList)
public:
    InstallationList()
        : ItemList(columnTable())
    {
    }
    ViewKind view() const override { return ViewKind::Installations; }
    QString name() const override { return u"installations"_s; }
    QString title() const override { return tr("Installations"); }
    QString icon() const override { return u"installations"_s; }
    QString emptyText() const override
    {
        return tr("No installations yet. Each one of the configuration appears here.");
    }
    QString filterHint() const override { return tr("Id, tenant, app, backend or trouble"); }
    QStringList changeKinds() const override { return {u"installation"_s}; }
    QStringList states() const override
    {
        return {u"active"_s, u"trouble"_s, u"paused"_s, u"revoked"_s, u"absent"_s};
    }
    StateLook state(const QString &state) const override { return installationState(state); }
    bool isByName() const override { return true; }

protected:
    QCoro::Task<Result<domain::Page<InstallationItem>>> ask(
        admin::OperatorApi *api, domain::ListQuery query) const override
    {
        return pageOf<InstallationItem>(api->installations(), std::move(query), &isListed);
    }
    QString say(const InstallationItem &item, const TimeText &time) const override
    {
        const QString state = lookNow(item, time).word;
        return item.trouble.isEmpty()
            ? tr("%1, %2", "state, installation").arg(state, item.id)
            : tr("%1, %2, %3, for %4", "state, installation, trouble, age")
                  .arg(state, item.id, troubleText(item), time.age(item.troubleSince));
    }
    QString stateOf(const InstallationItem &item) const override { return installationStateOf(item); }
    bool hasText(const InstallationItem &item, const QString &text) const override
    {
        return isAsked(item, text);
    }

private:
    static ListCell troubleCell(const InstallationItem &item, const TimeText &)
    {
        ListCell cell = textCell(troubleText(item));
        cell.tone = Tone::Danger;
        cell.tip = item.trouble.isEmpty() ? QString() : item.trouble + u'\n' + cell.text;
        return cell;
    }
    static ListCell pausedCell(const InstallationItem &item, const TimeText &time)
    {
        ListCell cell = textCell(pausedText(item, time));
        cell.tip = pauseLines(item, time);
        cell.tone = Tone::Warn;
        return cell;
    }
    static ListCell tokenCell(const InstallationItem &item, const TimeText &)
    {
        ListCell cell = item.hasToken ? textCell(tr("Known")) : mutedCell(tr("None kept"));
        cell.tip = item.hasToken
            ? tr("Its provider gave a token, and it is kept.")
            : tr("No token of a provider is kept. One of the configuration does not count.");
        return cell;
    }

    static std::vector<Column> columnTable()
    {
        using Item = InstallationItem;
        return {
            {{u"state"_s, tr("State"), 175},
                [](const Item &item, const TimeText &time) { return lookCell(lookNow(item, time)); }},
            {{u"channel"_s, tr("Channel"), 95},
                [](const Item &item, const TimeText &) { return textCell(item.channel); }},
            {{u"tenant"_s, tr("Tenant"), 115},
                [](const Item &item, const TimeText &) { return monoCell(item.tenant); }},
            {{u"app"_s, tr("App"), 115},
                [](const Item &item, const TimeText &) { return monoCell(item.app); }},
            {{u"backend"_s, tr("Backend"), 115},
                [](const Item &item, const TimeText &) { return textCell(item.backend); }},
            {{u"trouble"_s, tr("Trouble"), 280}, troubleCell},
            {{u"since"_s, tr("For"), 125, true},
                [](const Item &item, const TimeText &time) { return ageCell(item.troubleSince, time); }},
            {{u"paused"_s, tr("Paused"), 150}, pausedCell},
            {{u"token"_s, tr("Token"), 120}, tokenCell},
            {{u"id"_s, tr("Id"), 190}, [](const Item &item, const TimeText &) { return idCell(item.id); }},
        };
    }
};

} // namespace

std::unique_ptr<ListKind> makeInstallationList()
{
    return std::make_unique<InstallationList>();
}

} // namespace signalbox::ui
