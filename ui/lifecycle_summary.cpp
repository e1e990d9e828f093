// SPDX-License-Identifier: Apache-2.0
#include "field_grid.h"
#include "row_summary.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::LifecycleEventItem;
using domain::RuntimeItem;

namespace {

class RuntimeSummary final : public ItemSummary<RuntimeItem>
{
    Q_DECLARE_TR_FUNCTIONS(RuntimeSummary)
public:
    QString name() const override { return u"runtime"_s; }
    void build(FieldGrid *f) const override
    {
        using Look = FieldGrid::Look;
        f->beginSection(tr("Runtime"));
        f->add(u"instance"_s, tr("Instance"), Look::Id);
        f->add(u"namespace"_s, tr("Namespace"), Look::Id);
        f->add(u"backend"_s, tr("Backend"));
        f->add(u"id"_s, tr("Id"), Look::Id);
        f->beginSection(tr("Phase"));
        f->add(u"source"_s, tr("Known from"));
        f->add(u"error"_s, tr("Error"), Look::Mono);
        f->add(u"sessions"_s, tr("Bound sessions"));
        f->add(u"events"_s, tr("Events"));
        f->beginSection(tr("When"));
        f->add(u"phaseAt"_s, tr("In this phase since"));
        f->add(u"created"_s, tr("First seen"));
    }

    QCoro::Task<Result<RowDetail>> fetch(admin::OperatorApi *api, QString id) const override
    {
        return detailOf(api->runtime(std::move(id)));
    }

protected:
    StateLook lookOf(const RuntimeItem &item) const override { return runtimePhase(item.phase); }
    QString subjectOf(const RuntimeItem &item) const override { return item.instanceId; }
    void put(FieldGrid *f, const RuntimeItem &item, const TimeText &time) const override
    {
        f->set(u"instance"_s, item.instanceId);
        f->set(u"namespace"_s, item.nameSpace);
        f->set(u"backend"_s, item.backend);
        f->set(u"id"_s, item.id);
        f->set(u"source"_s, lifecycleSource(item.phaseSource));
        f->set(u"error"_s, item.detail);
        f->set(u"sessions"_s, QLocale().toString(item.sessions));
        f->set(u"events"_s, QLocale().toString(item.events));
        f->setTime(u"phaseAt"_s, item.phaseAt, time);
        f->setTime(u"created"_s, item.createdAt, time);
    }
    QString say(const RuntimeItem &item, const TimeText &time) const override
    {
        return item.phaseSource == u"observed"
            ? tr("The engine has seen it so for %1.").arg(time.age(item.phaseAt))
            : tr("Its operator has reported it so for %1.").arg(time.age(item.phaseAt));
    }
};

class LifecycleSummary final : public ItemSummary<LifecycleEventItem>
{
    Q_DECLARE_TR_FUNCTIONS(LifecycleSummary)
public:
    QString name() const override { return u"lifecycle"_s; }
    void build(FieldGrid *f) const override
    {
        using Look = FieldGrid::Look;
        f->beginSection(tr("Event"));
        f->add(u"phase"_s, tr("Phase"));
        f->add(u"reason"_s, tr("Reason"));
        f->add(u"source"_s, tr("Known from"));
        f->add(u"eventId"_s, tr("Event id"), Look::Id);
        f->add(u"id"_s, tr("Id"), Look::Id);
        f->add(u"position"_s, tr("Number"));
        f->add(u"unbound"_s, tr("Unbound sessions"));
        f->beginSection(tr("Runtime"));
        f->add(u"instance"_s, tr("Instance"), Look::Id);
        f->add(u"namespace"_s, tr("Namespace"), Look::Id);
        f->add(u"backend"_s, tr("Backend"));
        f->beginSection(tr("Forwarding"));
        f->add(u"forwards"_s, tr("To"));
        f->beginSection(tr("When"));
        f->add(u"observed"_s, tr("Observed"));
        f->add(u"received"_s, tr("Received"));
    }

    QCoro::Task<Result<RowDetail>> fetch(admin::OperatorApi *api, QString id) const override
    {
        return detailOf(api->lifecycleEvent(std::move(id)));
    }

protected:
    StateLook lookOf(const LifecycleEventItem &item) const override { return forwardingState(item.state); }
    QString subjectOf(const LifecycleEventItem &item) const override
    {
        return item.phase + u" · "_s + item.instanceId;
    }
    void put(FieldGrid *f, const LifecycleEventItem &item, const TimeText &time) const override;
    QString say(const LifecycleEventItem &item, const TimeText &time) const override
    {
        if (!item.moved)
            return tr("It came late: the runtime's phase was newer already.");
        if (item.unbound > 0)
            return tr("%n session(s) lost their runtime by it.", nullptr, item.unbound);
        return tr("Received %1 ago.").arg(time.age(item.receivedAt));
    }

private:
    static QString forwardLine(const domain::ForwardItem &forward, const TimeText &time)
    {
        QString line = tr("%1: %2, %n attempt(s)", "backend, state", forward.attempts)
                           .arg(forward.target, outboundState(forward.state).word);
        if (!forward.errorCode.isEmpty())
            line += u", "_s + forward.errorCode;
        if (!isNever(forward.nextTryAt))
            line += u", "_s + tr("next try %1").arg(time.until(forward.nextTryAt));
        if (!forward.actor.isEmpty())
            line += u", "_s + tr("replayed by %1").arg(forward.actor);
        return line;
    }
};

void LifecycleSummary::put(FieldGrid *f, const LifecycleEventItem &item, const TimeText &time) const
{
    f->set(u"phase"_s, item.phase);
    f->set(u"reason"_s, item.reason);
    f->set(u"source"_s, lifecycleSource(item.source));
    f->set(u"eventId"_s, item.eventId);
    f->set(u"id"_s, item.id);
    f->set(u"position"_s, QLocale().toString(item.position));
    f->set(u"unbound"_s, QLocale().toString(item.unbound));
    f->set(u"instance"_s, item.instanceId);
    f->set(u"namespace"_s, item.nameSpace);
    f->set(u"backend"_s, item.backend);
    QStringList forwards;
    for (const domain::ForwardItem &forward : item.forwards)
        forwards << forwardLine(forward, time);
    f->set(u"forwards"_s, forwards.join(u'\n'));
    f->setTime(u"observed"_s, item.observedAt, time);
    f->setTime(u"received"_s, item.receivedAt, time);
}

} // namespace

std::unique_ptr<RowSummary> makeRuntimeSummary()
{
    return std::make_unique<RuntimeSummary>();
}

std::unique_ptr<RowSummary> makeLifecycleSummary()
{
    return std::make_unique<LifecycleSummary>();
}

} // namespace signalbox::ui
