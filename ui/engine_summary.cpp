// SPDX-License-Identifier: Apache-2.0
#include "field_grid.h"
#include "named_items.h"
#include "row_summary.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::EngineItem;

namespace {

class EngineSummary final : public ItemSummary<EngineItem>
{
    Q_DECLARE_TR_FUNCTIONS(EngineSummary)
public:
    QString name() const override { return u"engine"_s; }
    void build(FieldGrid *f) const override
    {
        using Look = FieldGrid::Look;
        f->beginSection(tr("Engine"));
        f->add(u"id"_s, tr("Id"), Look::Id);
        f->add(u"life"_s, tr("Life"));
        f->add(u"host"_s, tr("Host"));
        f->add(u"pid"_s, tr("Process"));
        f->add(u"version"_s, tr("Version"));
        f->add(u"started"_s, tr("Started"));
        f->add(u"ended"_s, tr("Ended"));
        f->beginSection(tr("Work"));
        f->add(u"lease"_s, tr("Lease until"));
        f->add(u"deliveries"_s, tr("Deliveries held"));
        f->add(u"outbound"_s, tr("Sending"));
        f->beginSection(tr("Configuration"));
        f->add(u"config"_s, tr("Hash"), Look::Mono);
        f->add(u"differs"_s, tr("Others"));
    }
    QCoro::Task<Result<RowDetail>> fetch(admin::OperatorApi *api, QString id) const override
    {
        return detailOf(oneOf<EngineItem>(api->engines(), std::move(id)));
    }

protected:
    StateLook lookOf(const EngineItem &item) const override { return engineState(item.state); }
    QString subjectOf(const EngineItem &item) const override { return item.id; }
    void put(FieldGrid *f, const EngineItem &item, const TimeText &time) const override
    {
        f->set(u"id"_s, item.id);
        f->set(u"life"_s, QString::number(item.incarnation));
        f->set(u"host"_s, item.host);
        f->set(u"pid"_s, QString::number(item.pid));
        f->set(u"version"_s, item.version);
        f->set(u"started"_s, time.moment(item.startedAt), time.full(item.startedAt));
        f->set(u"ended"_s, time.moment(item.endedAt), time.full(item.endedAt));
        f->setShown(u"ended"_s, !isNever(item.endedAt));
        f->set(u"lease"_s, time.moment(item.leaseUntil), time.full(item.leaseUntil));
        f->setShown(u"lease"_s, !isNever(item.leaseUntil));
        f->set(u"deliveries"_s, QString::number(item.deliveries));
        f->set(u"outbound"_s, QString::number(item.outbound));
        f->set(u"config"_s, item.configHash);
        f->set(u"differs"_s, tr("The engines that live do not all work by the same configuration."));
        f->setShown(u"differs"_s, item.configDiffers);
    }
    QString say(const EngineItem &item, const TimeText &) const override
    {
        if (item.state == u"live")
            return tr("Takes work and renews its lease.");
        if (item.state == u"lapsed")
            return tr("It has not renewed its lease. Another engine takes its work within seconds.");
        if (item.state == u"lost")
            return tr("It ended without a word. Another engine has taken its work.");
        return tr("It was stopped and has handed its work back.");
    }
};

} // namespace

std::unique_ptr<RowSummary> makeEngineSummary()
{
    return std::make_unique<EngineSummary>();
}

} // namespace signalbox::ui
