// SPDX-License-Identifier: Apache-2.0
#include "item_list.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::DeliveryItem;

namespace {

class DeliveryList final : public ItemList<DeliveryItem>
{
    Q_DECLARE_TR_FUNCTIONS(DeliveryList)
public:
    DeliveryList()
        : ItemList(columnTable())
    {
    }
    ViewKind view() const override { return ViewKind::Deliveries; }
    QString name() const override { return u"deliveries"_s; }
    QString title() const override { return tr("Deliveries"); }
    QString icon() const override { return u"deliveries"_s; }
    QString emptyText() const override
    {
        return tr("No deliveries yet. Every message that comes in appears here.");
    }
    QString filterHint() const override { return tr("Id, place, thread, ts, user or tenant"); }
    // Outbound changes belong to a delivery: the details follow them.
    QStringList changeKinds() const override { return {u"delivery"_s, u"outbound"_s}; }
    QStringList states() const override
    {
        return {u"pending"_s, u"running"_s, u"waiting"_s, u"completed"_s, u"dead"_s, u"unconfirmed"_s,
            u"cancelled"_s};
    }
    StateLook state(const QString &state) const override { return deliveryState(state); }

protected:
    QCoro::Task<Result<domain::Page<DeliveryItem>>> ask(
        admin::OperatorApi *api, domain::ListQuery query) const override
    {
        return api->deliveries(std::move(query));
    }
    QString say(const DeliveryItem &item, const TimeText &time) const override
    {
        const QString subject = placeText(item.place, item.thread);
        if (isFinalDelivery(item.state)) {
            return tr("%1, %2, accepted %3", "state, subject, time")
                .arg(deliveryState(item).word, subject, time.moment(item.createdAt));
        }
        return tr("%1, %2, %3 old", "state, subject, age")
            .arg(deliveryState(item).word, subject, time.age(item.createdAt));
    }
    QString stateOf(const DeliveryItem &item) const override { return item.state; }
    bool hasText(const DeliveryItem &item, const QString &text) const override
    {
        return item.id.startsWith(text) || text == item.place || text == item.thread || text == item.messageTs
            || text == item.user || text == item.tenant;
    }
    bool belongs(const DeliveryItem &item, const domain::ListQuery &query) const override
    {
        return query.session.isEmpty() || query.session == item.sessionId;
    }

private:
    static ListCell lifetimeCell(const DeliveryItem &item, const TimeText &time)
    {
        if (!isFinalDelivery(item.state))
            return ageCell(item.createdAt, time);
        ListCell cell;
        if (!isNever(item.finishedAt)) {
            cell = mutedCell(tr("took %1").arg(TimeText::span(item.finishedAt - item.createdAt)));
            cell.tip = time.full(item.finishedAt);
        }
        cell.right = true;
        return cell;
    }
    static ListCell threadCell(const DeliveryItem &item, const TimeText &)
    {
        return item.thread.isEmpty() && item.direct ? mutedCell(tr("direct message")) : monoCell(item.thread);
    }
    static ListCell nextTryCell(const DeliveryItem &item, const TimeText &time)
    {
        ListCell cell;
        if (!isFinalDelivery(item.state))
            cell.text = time.until(item.nextTryAt);
        cell.tip = time.full(item.nextTryAt);
        cell.living = true;
        cell.right = true;
        return cell;
    }
    static ListCell errorCell(const DeliveryItem &item, const TimeText &)
    {
        ListCell cell = monoCell(item.errorCode);
        cell.tip = item.errorText;
        cell.tone = item.state == u"dead" ? Tone::Danger : Tone::Plain;
        return cell;
    }

    static std::vector<Column> columnTable()
    {
        using Item = DeliveryItem;
        return {
            {{u"state"_s, tr("State"), 190},
                [](const Item &item, const TimeText &) { return lookCell(deliveryState(item)); }},
            {{u"accepted"_s, tr("Accepted"), 110, true},
                [](const Item &item, const TimeText &time) { return momentCell(item.createdAt, time); }},
            {{u"age"_s, tr("Age"), 118, true}, lifetimeCell},
            {{u"place"_s, tr("Place"), 115},
                [](const Item &item, const TimeText &) { return monoCell(item.place); }},
            {{u"thread"_s, tr("Thread"), 172}, threadCell},
            {{u"user"_s, tr("User"), 102},
                [](const Item &item, const TimeText &) { return monoCell(item.user); }},
            {{u"attempts"_s, tr("Attempts"), 104, true},
                [](const Item &item, const TimeText &) { return numberCell(item.attempts); }},
            {{u"nextTry"_s, tr("Next try"), 95, true}, nextTryCell},
            {{u"error"_s, tr("Error"), 140}, errorCell},
            {{u"backend"_s, tr("Backend"), 120},
                [](const Item &item, const TimeText &) { return textCell(item.backend); }},
            {{u"id"_s, tr("Id"), 170}, [](const Item &item, const TimeText &) { return idCell(item.id); }},
        };
    }
};

} // namespace

std::unique_ptr<ListKind> makeDeliveryList()
{
    return std::make_unique<DeliveryList>();
}

} // namespace signalbox::ui
