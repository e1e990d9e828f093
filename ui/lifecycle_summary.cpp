// SPDX-License-Identifier: Apache-2.0
#include "lifecycle_fields.h"

#include "field_grid.h"
#include "time_text.h"
#include "words.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;

namespace {

class LifecycleFields
{
    Q_DECLARE_TR_FUNCTIONS(LifecycleFields)
};

QString forwardLine(const domain::ForwardItem &forward, const TimeText &time)
{
    QString line = LifecycleFields::tr("%1: %2, %n attempt(s)", "backend, state", forward.attempts)
                       .arg(forward.target, outboundState(forward.state).word);
    if (!forward.errorCode.isEmpty())
        line += u", "_s + forward.errorCode;
    if (!isNever(forward.nextTryAt))
        line += u", "_s + LifecycleFields::tr("next try %1").arg(time.until(forward.nextTryAt));
    if (!forward.actor.isEmpty())
        line += u", "_s + LifecycleFields::tr("replayed by %1").arg(forward.actor);
    return line;
}

void putTime(FieldGrid *grid, const QString &key, Instant at, const TimeText &time)
{
    grid->set(key, isNever(at) ? QString() : time.clockTime(at), time.full(at));
}

} // namespace

void buildRuntimeFields(FieldGrid *grid)
{
    using Look = FieldGrid::Look;
    grid->setObjectName(u"runtimeFields"_s);
    grid->beginSection(LifecycleFields::tr("Runtime"));
    grid->add(u"instance"_s, LifecycleFields::tr("Instance"), Look::Id);
    grid->add(u"namespace"_s, LifecycleFields::tr("Namespace"), Look::Id);
    grid->add(u"backend"_s, LifecycleFields::tr("Backend"));
    grid->add(u"id"_s, LifecycleFields::tr("Id"), Look::Id);
    grid->beginSection(LifecycleFields::tr("Phase"));
    grid->add(u"source"_s, LifecycleFields::tr("Known from"));
    grid->add(u"error"_s, LifecycleFields::tr("Error"), Look::Mono);
    grid->add(u"sessions"_s, LifecycleFields::tr("Bound sessions"));
    grid->add(u"events"_s, LifecycleFields::tr("Events"));
    grid->beginSection(LifecycleFields::tr("When"));
    grid->add(u"phaseAt"_s, LifecycleFields::tr("In this phase since"));
    grid->add(u"created"_s, LifecycleFields::tr("First seen"));
}

void buildLifecycleFields(FieldGrid *grid)
{
    using Look = FieldGrid::Look;
    grid->setObjectName(u"lifecycleFields"_s);
    grid->beginSection(LifecycleFields::tr("Event"));
    grid->add(u"phase"_s, LifecycleFields::tr("Phase"));
    grid->add(u"reason"_s, LifecycleFields::tr("Reason"));
    grid->add(u"source"_s, LifecycleFields::tr("Known from"));
    grid->add(u"eventId"_s, LifecycleFields::tr("Event id"), Look::Id);
    grid->add(u"id"_s, LifecycleFields::tr("Id"), Look::Id);
    grid->add(u"position"_s, LifecycleFields::tr("Number of its runtime"));
    grid->add(u"unbound"_s, LifecycleFields::tr("Unbound sessions"));
    grid->beginSection(LifecycleFields::tr("Runtime"));
    grid->add(u"instance"_s, LifecycleFields::tr("Instance"), Look::Id);
    grid->add(u"namespace"_s, LifecycleFields::tr("Namespace"), Look::Id);
    grid->add(u"backend"_s, LifecycleFields::tr("Backend"));
    grid->beginSection(LifecycleFields::tr("Forwarding"));
    grid->add(u"forwards"_s, LifecycleFields::tr("To"));
    grid->beginSection(LifecycleFields::tr("When"));
    grid->add(u"observed"_s, LifecycleFields::tr("Observed"));
    grid->add(u"received"_s, LifecycleFields::tr("Received"));
}

void showRuntimeFields(FieldGrid *grid, const domain::RuntimeItem &item, const TimeText &time)
{
    grid->set(u"instance"_s, item.instanceId);
    grid->set(u"namespace"_s, item.nameSpace);
    grid->set(u"backend"_s, item.backend);
    grid->set(u"id"_s, item.id);
    grid->set(u"source"_s, lifecycleSource(item.phaseSource));
    grid->set(u"error"_s, item.detail);
    grid->set(u"sessions"_s, QLocale().toString(item.sessions));
    grid->set(u"events"_s, QLocale().toString(item.events));
    putTime(grid, u"phaseAt"_s, item.phaseAt, time);
    putTime(grid, u"created"_s, item.createdAt, time);
}

void showLifecycleFields(FieldGrid *grid, const domain::LifecycleEventItem &item, const TimeText &time)
{
    grid->set(u"phase"_s, item.phase);
    grid->set(u"reason"_s, item.reason);
    grid->set(u"source"_s, lifecycleSource(item.source));
    grid->set(u"eventId"_s, item.eventId);
    grid->set(u"id"_s, item.id);
    grid->set(u"position"_s, QLocale().toString(item.position));
    grid->set(u"unbound"_s, QLocale().toString(item.unbound));
    grid->set(u"instance"_s, item.instanceId);
    grid->set(u"namespace"_s, item.nameSpace);
    grid->set(u"backend"_s, item.backend);
    QStringList forwards;
    for (const domain::ForwardItem &forward : item.forwards)
        forwards << forwardLine(forward, time);
    grid->set(u"forwards"_s, forwards.join(u'\n'));
    putTime(grid, u"observed"_s, item.observedAt, time);
    putTime(grid, u"received"_s, item.receivedAt, time);
}

QString explainRuntime(const domain::RuntimeItem &item, const TimeText &time)
{
    return item.phaseSource == u"observed"
        ? LifecycleFields::tr("The engine has seen it so for %1.").arg(time.age(item.phaseAt))
        : LifecycleFields::tr("Its operator has reported it so for %1.").arg(time.age(item.phaseAt));
}

QString explainLifecycle(const domain::LifecycleEventItem &item, const TimeText &time)
{
    if (!item.moved)
        return LifecycleFields::tr("It came late: the runtime's phase was newer already.");
    if (item.unbound > 0)
        return LifecycleFields::tr("%n session(s) lost their runtime by it.", nullptr, item.unbound);
    return LifecycleFields::tr("Received %1 ago.").arg(time.age(item.receivedAt));
}

} // namespace signalbox::ui
