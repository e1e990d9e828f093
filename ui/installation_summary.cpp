// SPDX-License-Identifier: Apache-2.0
#include "field_grid.h"
#include "installation_text.h"
#include "named_items.h"
#include "row_summary.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::InstallationItem;

namespace {

class InstallationSummary final : public ItemSummary<InstallationItem>
{
    Q_DECLARE_TR_FUNCTIONS(InstallationSummary)
public:
    QString name() const override { return u"installation"_s; }
    void build(FieldGrid *f) const override
    {
        using Look = FieldGrid::Look;
        f->beginSection(tr("Installation"));
        f->add(u"id"_s, tr("Id"), Look::Id);
        f->add(u"channel"_s, tr("Channel"));
        f->add(u"tenant"_s, tr("Tenant"), Look::Id);
        f->add(u"app"_s, tr("App"), Look::Id);
        f->add(u"backend"_s, tr("Backend"));
        f->add(u"token"_s, tr("Token"));
        f->beginSection(tr("Trouble"));
        f->add(u"trouble"_s, tr("What"));
        f->add(u"code"_s, tr("Code"), Look::Mono);
        f->add(u"since"_s, tr("Since"));
        f->add(u"disconnect"_s, tr("Registry"));
        f->beginSection(tr("Paused"));
        f->add(u"pauses"_s, tr("What, by whom"));
    }
    QCoro::Task<Result<RowDetail>> fetch(admin::OperatorApi *api, QString id) const override
    {
        return detailOf(oneOf<InstallationItem>(api->installations(), std::move(id)));
    }

protected:
    StateLook lookOf(const InstallationItem &item) const override
    {
        return installationState(installationStateOf(item));
    }
    QString subjectOf(const InstallationItem &item) const override { return item.id; }
    void put(FieldGrid *f, const InstallationItem &item, const TimeText &time) const override
    {
        f->set(u"id"_s, item.id);
        f->set(u"channel"_s, item.channel);
        f->set(u"tenant"_s, item.tenant);
        f->set(u"app"_s, item.app);
        f->set(u"backend"_s, item.backend);
        f->set(u"token"_s,
            item.hasToken ? tr("Known from its provider")
                          : tr("None kept; one of the configuration does not count"));
        f->set(u"trouble"_s, item.trouble.isEmpty() ? tr("None") : troubleText(item));
        f->set(u"code"_s, item.trouble);
        f->set(u"since"_s, time.moment(item.troubleSince), time.full(item.troubleSince)); // with its date
        f->set(u"disconnect"_s, disconnectText(item, time));
        for (const QString &key : {u"code"_s, u"since"_s})
            f->setShown(key, !item.trouble.isEmpty());
        f->setShown(u"disconnect"_s, !isNever(item.disconnectSince));
        const QString lines = pauseLines(item, time);
        f->set(u"pauses"_s, lines.isEmpty() ? tr("Nothing") : lines);
    }
    QString say(const InstallationItem &item, const TimeText &time) const override
    {
        if (item.state == u"absent")
            return tr("The configuration does not name it any more.");
        const QString paused = pausedText(item, time);
        QStringList sentences;
        if (!item.trouble.isEmpty())
            sentences << tr("In trouble for %1.").arg(time.age(item.troubleSince));
        if (!paused.isEmpty())
            sentences << tr("Paused: %1.").arg(paused);
        return sentences.isEmpty() ? tr("Nothing holds it back.") : sentences.join(u' ');
    }

private:
    static QString disconnectText(const InstallationItem &item, const TimeText &time)
    {
        if (isNever(item.disconnectSince))
            return {};
        QString text = tr(
            "Still to be told that the app is gone, for %1, %n attempt(s)", nullptr, item.disconnectAttempts)
                           .arg(time.age(item.disconnectSince));
        if (!item.disconnectError.isEmpty())
            text += u": "_s + item.disconnectError;
        return text;
    }
};

} // namespace

std::unique_ptr<RowSummary> makeInstallationSummary()
{
    return std::make_unique<InstallationSummary>();
}

} // namespace signalbox::ui
