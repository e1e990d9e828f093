// SPDX-License-Identifier: Apache-2.0
#include "list_kind.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::DeliveryItem;

namespace {

enum Column { State, Accepted, Age, Place, Thread, User, Attempts, NextTry, ErrorFamily, Backend, Id };

ListPage toPage(domain::Page<DeliveryItem> page)
{
    ListPage out;
    out.rows.reserve(page.items.size());
    for (DeliveryItem &item : page.items) {
        ListRow row;
        row.id = item.id;
        row.rev = item.rev;
        row.createdAt = item.createdAt;
        row.item = std::move(item);
        out.rows.append(std::move(row));
    }
    out.nextCursor = page.nextCursor;
    out.total = page.total;
    out.totalIsExact = page.totalIsExact;
    return out;
}

class DeliveryList final : public ListKind
{
    Q_DECLARE_TR_FUNCTIONS(DeliveryList)
public:
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

    const std::vector<ListColumn> &columns() const override
    {
        static const std::vector<ListColumn> columns{
            {u"state"_s, tr("State"), 190},
            {u"accepted"_s, tr("Accepted"), 110, true},
            {u"age"_s, tr("Age"), 118, true},
            {u"place"_s, tr("Place"), 115},
            {u"thread"_s, tr("Thread"), 172},
            {u"user"_s, tr("User"), 102},
            {u"attempts"_s, tr("Attempts"), 104, true},
            {u"nextTry"_s, tr("Next try"), 95, true},
            {u"error"_s, tr("Error"), 140},
            {u"backend"_s, tr("Backend"), 120},
            {u"id"_s, tr("Id"), 170},
        };
        return columns;
    }

    QCoro::Task<Result<ListPage>> fetch(admin::OperatorApi *api, domain::ListQuery query) const override
    {
        auto page = co_await api->deliveries(std::move(query));
        if (!page)
            co_return fail(page.error());
        co_return toPage(std::move(*page));
    }

    bool rowOf(const domain::Change &change, ListRow &row) const override
    {
        const auto *item = std::get_if<DeliveryItem>(&change.item);
        if (!item)
            return false;
        row.id = change.id;
        row.rev = change.rev;
        row.createdAt = item->createdAt;
        row.item = *item;
        return true;
    }

    bool matches(const ListRow &row, const domain::ListQuery &query) const override
    {
        const auto &item = std::get<DeliveryItem>(row.item);
        if (!query.states.isEmpty() && !query.states.contains(item.state))
            return false;
        if (!query.session.isEmpty() && query.session != item.sessionId)
            return false;
        const QString &text = query.text;
        return text.isEmpty() || item.id.startsWith(text) || text == item.place || text == item.thread
            || text == item.messageTs || text == item.user || text == item.tenant;
    }

    ListCell cell(const ListRow &row, int column, const TimeText &time) const override;

    QString spoken(const ListRow &row, const TimeText &time) const override
    {
        const auto &item = std::get<DeliveryItem>(row.item);
        const QString subject = placeText(item.place, item.thread);
        if (isFinalDelivery(item.state)) {
            return tr("%1, %2, accepted %3", "state, subject, time")
                .arg(deliveryState(item).word, subject, time.moment(item.createdAt));
        }
        return tr("%1, %2, %3 old", "state, subject, age")
            .arg(deliveryState(item).word, subject, time.age(item.createdAt));
    }

    Json json(const ListRow &row) const override { return toJson(std::get<DeliveryItem>(row.item)); }

private:
    ListCell ageCell(const DeliveryItem &item, const TimeText &time) const
    {
        ListCell cell;
        cell.right = true;
        if (!isFinalDelivery(item.state)) {
            cell.text = time.age(item.createdAt);
            cell.tip = time.full(item.createdAt);
            cell.living = true;
        } else if (!isNever(item.finishedAt)) {
            cell.text = tr("took %1").arg(TimeText::span(item.finishedAt - item.createdAt));
            cell.tip = time.full(item.finishedAt);
            cell.tone = Tone::Muted;
        }
        return cell;
    }
};

ListCell DeliveryList::cell(const ListRow &row, int column, const TimeText &time) const
{
    const auto &item = std::get<DeliveryItem>(row.item);
    ListCell cell;
    const auto mono = [&cell](const QString &text, bool middle = false) {
        cell.text = text;
        cell.tip = text;
        cell.monospace = true;
        cell.elideMiddle = middle;
    };
    switch (static_cast<Column>(column)) {
    case State: {
        const StateLook look = deliveryState(item);
        cell.text = look.word;
        cell.icon = look.icon;
        cell.tone = look.tone;
        break;
    }
    case Accepted:
        cell.text = time.moment(item.createdAt);
        cell.tip = time.full(item.createdAt);
        cell.right = true;
        break;
    case Age:
        return ageCell(item, time);
    case Place:
        mono(item.place);
        break;
    case Thread:
        mono(item.thread);
        if (item.thread.isEmpty() && item.direct) {
            cell.text = tr("direct message");
            cell.monospace = false;
            cell.tone = Tone::Muted;
        }
        break;
    case User:
        mono(item.user);
        break;
    case Attempts:
        cell.text = item.attempts > 0 ? QLocale().toString(item.attempts) : QString();
        cell.right = true;
        break;
    case NextTry:
        if (!isFinalDelivery(item.state))
            cell.text = time.until(item.nextTryAt);
        cell.tip = time.full(item.nextTryAt);
        cell.living = true;
        cell.right = true;
        break;
    case ErrorFamily:
        mono(item.errorCode);
        cell.tip = item.errorText;
        cell.tone = item.state == u"dead" ? Tone::Danger : Tone::Plain;
        break;
    case Backend:
        cell.text = cell.tip = item.backend;
        break;
    case Id:
        mono(item.id, true);
        break;
    }
    return cell;
}

} // namespace

std::unique_ptr<ListKind> makeDeliveryList()
{
    return std::make_unique<DeliveryList>();
}

Json toJson(const DeliveryItem &item)
{
    Json json = Json::object();
    json.set(u"id"_s, item.id).set(u"state"_s, item.state).set(u"waits_for"_s, item.waitsFor);
    json.set(u"outcome"_s, item.outcome).set(u"prompt_state"_s, item.promptState).set(u"stage"_s, item.stage);
    json.set(u"channel"_s, item.channel).set(u"tenant"_s, item.tenant).set(u"place"_s, item.place);
    json.set(u"thread"_s, item.thread).set(u"message_ts"_s, item.messageTs).set(u"user"_s, item.user);
    json.set(u"installation"_s, item.installation).set(u"session_id"_s, item.sessionId);
    json.set(u"backend"_s, item.backend).set(u"engine"_s, item.engine);
    json.set(u"mentioned"_s, item.mentioned).set(u"direct"_s, item.direct).set(u"attempts"_s, item.attempts);
    json.set(u"next_try_at"_s, toRfc3339(item.nextTryAt)).set(u"error_code"_s, item.errorCode);
    json.set(u"error_text"_s, item.errorText)
        .set(u"resolution"_s, item.resolution)
        .set(u"fence"_s, item.fence);
    json.set(u"created_at"_s, toRfc3339(item.createdAt)).set(u"claimed_at"_s, toRfc3339(item.claimedAt));
    json.set(u"prompt_sent_at"_s, toRfc3339(item.promptSentAt))
        .set(u"accepted_at"_s, toRfc3339(item.acceptedAt));
    json.set(u"turn_ended_at"_s, toRfc3339(item.turnEndedAt))
        .set(u"finished_at"_s, toRfc3339(item.finishedAt));
    json.set(u"updated_at"_s, toRfc3339(item.updatedAt)).set(u"rev"_s, item.rev);
    return json;
}

} // namespace signalbox::ui
