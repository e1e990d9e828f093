// SPDX-License-Identifier: Apache-2.0
#include "field_grid.h"
#include "row_summary.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::SessionItem;

namespace {

class SessionSummary final : public ItemSummary<SessionItem>
{
    Q_DECLARE_TR_FUNCTIONS(SessionSummary)
public:
    QString name() const override { return u"session"_s; }
    bool canWait() const override { return true; }
    void build(FieldGrid *f) const override
    {
        using Look = FieldGrid::Look;
        f->beginSection(tr("Session"));
        f->add(u"deliveries"_s, tr("Its deliveries"), Look::Link);
        f->add(u"channel"_s, tr("Channel"));
        f->add(u"tenant"_s, tr("Tenant"), Look::Id);
        f->add(u"place"_s, tr("Place"), Look::Id);
        f->add(u"thread"_s, tr("Thread"), Look::Id);
        f->beginSection(tr("Lock"));
        f->add(u"holder"_s, tr("Held by"), Look::Link);
        f->add(u"engine"_s, tr("On engine"), Look::Mono);
        f->add(u"acquired"_s, tr("Taken"));
        f->add(u"expires"_s, tr("Expires"));
        f->add(u"fence"_s, tr("Fence"));
        f->add(u"open"_s, tr("Queue"));
        f->beginSection(tr("Runtime"));
        f->add(u"backend"_s, tr("Backend"));
        f->add(u"runtime"_s, tr("Agent session"), Look::Id);
        f->beginSection(tr("When"));
        f->add(u"activity"_s, tr("Last activity"));
        f->add(u"created"_s, tr("Created"));
    }

    QCoro::Task<Result<RowDetail>> fetch(admin::OperatorApi *api, QString id) const override
    {
        return detailOf(api->session(std::move(id)));
    }

protected:
    StateLook lookOf(const SessionItem &item) const override { return sessionState(item.state); }
    QString subjectOf(const SessionItem &item) const override { return placeText(item.place, item.thread); }
    void put(FieldGrid *f, const SessionItem &item, const TimeText &time) const override
    {
        f->set(u"deliveries"_s, item.id);
        f->set(u"channel"_s, item.channel);
        f->set(u"tenant"_s, item.tenant);
        f->set(u"place"_s, item.place);
        f->set(u"thread"_s, item.thread);
        f->set(u"holder"_s, item.lockHolder);
        f->set(u"engine"_s, item.lockEngine);
        f->set(u"fence"_s, QLocale().toString(item.fence));
        f->set(u"open"_s,
            item.open > 0 ? tr("%n message(s) whose turn is not over", nullptr, item.open) : tr("empty"));
        f->set(u"backend"_s, item.backend);
        f->set(u"runtime"_s, item.runtime);
        f->setTime(u"created"_s, item.createdAt, time);
        f->setTime(u"acquired"_s, item.lockAcquiredAt, time);
        f->setTime(u"expires"_s, item.lockExpiresAt, time);
        f->setTime(u"activity"_s, item.lastActivityAt, time);
    }
    QString say(const SessionItem &item, const TimeText &time) const override
    {
        return item.lockHolder.isEmpty()
            ? tr("Nobody holds its lock. Last activity %1 ago.").arg(time.age(item.lastActivityAt))
            : tr("Its lock has been held for %1.").arg(time.age(item.lockAcquiredAt));
    }
};

} // namespace

std::unique_ptr<RowSummary> makeSessionSummary()
{
    return std::make_unique<SessionSummary>();
}

} // namespace signalbox::ui
