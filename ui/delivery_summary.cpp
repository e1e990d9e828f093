// SPDX-License-Identifier: Apache-2.0
#include "field_grid.h"
#include "row_summary.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::DeliveryItem;

namespace {

class DeliverySummary final : public ItemSummary<DeliveryItem>
{
    Q_DECLARE_TR_FUNCTIONS(DeliverySummary)
public:
    QString name() const override { return u"delivery"_s; }
    bool canWait() const override { return true; }
    bool hasHistory() const override { return true; }
    void build(FieldGrid *grid) const override;
    QCoro::Task<Result<RowDetail>> fetch(admin::OperatorApi *api, QString id) const override
    {
        auto detail = co_await api->delivery(std::move(id));
        if (!detail)
            co_return fail(detail.error());
        RowDetail row(detail->item);
        row.delivery = std::move(*detail);
        co_return row;
    }

protected:
    StateLook lookOf(const DeliveryItem &item) const override { return deliveryState(item); }
    QString subjectOf(const DeliveryItem &item) const override { return placeText(item.place, item.thread); }
    void put(FieldGrid *grid, const DeliveryItem &item, const TimeText &time) const override;
    QString say(const DeliveryItem &item, const TimeText &time) const override;
};

void DeliverySummary::build(FieldGrid *f) const
{
    using Look = FieldGrid::Look;
    f->beginSection(tr("Delivery"));
    f->add(u"id"_s, tr("Id"), Look::Id);
    f->add(u"session"_s, tr("Session"), Look::Link);
    f->add(u"backend"_s, tr("Backend"));
    f->add(u"engine"_s, tr("Engine"), Look::Mono);
    f->add(u"attempts"_s, tr("Attempts"));
    f->add(u"stage"_s, tr("Doing"));
    f->add(u"prompt"_s, tr("Prompt"));
    f->add(u"resolution"_s, tr("Resolution"));
    f->add(u"error"_s, tr("Error"), Look::Mono);
    f->add(u"errorText"_s, tr("For developers"));
    f->beginSection(tr("Where it came from"));
    f->add(u"channel"_s, tr("Channel"));
    f->add(u"installation"_s, tr("Installation"), Look::Link);
    f->add(u"tenant"_s, tr("Tenant"), Look::Id);
    f->add(u"place"_s, tr("Place"), Look::Id);
    f->add(u"thread"_s, tr("Thread"), Look::Id);
    f->add(u"ts"_s, tr("Message ts"), Look::Id);
    f->add(u"user"_s, tr("User"), Look::Id);
    f->beginSection(tr("When"));
    f->add(u"created"_s, tr("Accepted"));
    f->add(u"claimed"_s, tr("Lock taken"));
    f->add(u"sent"_s, tr("Prompt sent"));
    f->add(u"acknowledged"_s, tr("Prompt accepted"));
    f->add(u"ended"_s, tr("Turn ended"));
    f->add(u"finished"_s, tr("Finished"));
    f->add(u"next"_s, tr("Next try"));
}

void DeliverySummary::put(FieldGrid *f, const DeliveryItem &item, const TimeText &time) const
{
    f->set(u"id"_s, item.id);
    f->set(u"session"_s, item.sessionId);
    f->set(u"backend"_s, item.backend);
    f->set(u"engine"_s, item.engine);
    f->set(u"attempts"_s, QLocale().toString(item.attempts));
    f->set(u"stage"_s, stageText(item.stage));
    f->set(u"prompt"_s, promptStateText(item.promptState));
    f->set(u"resolution"_s, item.resolution);
    f->set(u"channel"_s,
        item.direct          ? tr("%1, direct message").arg(item.channel)
            : item.mentioned ? tr("%1, mentioned").arg(item.channel)
                             : item.channel);
    f->set(u"installation"_s, item.installation);
    f->set(u"tenant"_s, item.tenant);
    f->set(u"place"_s, item.place);
    f->set(u"thread"_s, item.thread);
    f->set(u"ts"_s, item.messageTs);
    f->set(u"user"_s, item.user);
    f->set(u"error"_s, item.errorCode);
    f->set(u"errorText"_s, item.errorText);
    f->setTime(u"created"_s, item.createdAt, time);
    f->setTime(u"claimed"_s, item.claimedAt, time);
    f->setTime(u"sent"_s, item.promptSentAt, time);
    f->setTime(u"acknowledged"_s, item.acceptedAt, time);
    f->setTime(u"ended"_s, item.turnEndedAt, time);
    f->setTime(u"finished"_s, item.finishedAt, time);
    f->setTime(u"next"_s, item.nextTryAt, time);
}

QString DeliverySummary::say(const DeliveryItem &item, const TimeText &time) const
{
    const QString age = time.age(item.createdAt);
    if (item.state == u"waiting" && item.waitsFor == u"retry")
        return tr("Tried %n time(s); next try %1.", nullptr, item.attempts).arg(time.until(item.nextTryAt));
    if (item.state == u"waiting" && item.waitsFor == u"lock")
        return tr("Waits %1 for an earlier message of its session to finish.").arg(age);
    if (item.state == u"waiting" && item.waitsFor == u"outbound")
        return tr("The turn is over; its messages are being posted.");
    if (item.state == u"running" && item.promptState == u"accepted")
        return tr("The runtime accepted the prompt %1 ago.").arg(time.age(item.acceptedAt));
    if (item.state == u"unconfirmed")
        return tr("The prompt left, but nobody knows what came of it. It is never sent again by itself.");
    if (item.state == u"dead")
        return tr("It gave up after %n attempt(s). The person was told so.", nullptr, item.attempts);
    if (isFinalDelivery(item.state) && !isNever(item.finishedAt))
        return tr("Took %1 from acceptance to its end.")
            .arg(TimeText::span(item.finishedAt - item.createdAt));
    return tr("Accepted %1 ago.").arg(age);
}

} // namespace

std::unique_ptr<RowSummary> makeDeliverySummary()
{
    return std::make_unique<DeliverySummary>();
}

} // namespace signalbox::ui
