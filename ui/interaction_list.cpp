// SPDX-License-Identifier: Apache-2.0
#include "item_list.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::InteractionItem;

namespace {

class InteractionList final : public ItemList<InteractionItem>
{
    Q_DECLARE_TR_FUNCTIONS(InteractionList)
public:
    InteractionList()
        : ItemList(columnTable())
    {
    }
    ViewKind view() const override { return ViewKind::Interactions; }
    QString name() const override { return u"interactions"_s; }
    QString title() const override { return tr("Interactions"); }
    QString icon() const override { return u"person"_s; }
    QString emptyText() const override
    {
        return tr("No questions yet. What agents and programs ask people appears here.");
    }
    QString filterHint() const override { return tr("Id, place, thread, delivery, person or tenant"); }
    QStringList changeKinds() const override { return {u"interaction"_s}; }
    QStringList states() const override
    {
        return {u"posting"_s, u"open"_s, u"answered"_s, u"expired"_s, u"cancelled"_s, u"withdrawn"_s};
    }
    StateLook state(const QString &state) const override { return interactionState(state); }

protected:
    QCoro::Task<Result<domain::Page<InteractionItem>>> ask(
        admin::OperatorApi *api, domain::ListQuery query) const override
    {
        return api->interactions(std::move(query));
    }
    QString say(const InteractionItem &item, const TimeText &time) const override
    {
        return tr("%1, %2 in %3, %4", "state, what, place, age")
            .arg(interactionState(item.state).word, interactionOrigin(item.origin),
                placeText(item.place, item.thread), time.age(item.createdAt));
    }
    QString stateOf(const InteractionItem &item) const override { return item.state; }
    bool belongs(const InteractionItem &item, const domain::ListQuery &query) const override
    {
        return query.session.isEmpty() || query.session == item.sessionId;
    }
    bool hasText(const InteractionItem &item, const QString &text) const override
    {
        return item.id == text || text == item.place || text == item.thread || text == item.answeredBy
            || text == item.deliveryId || text == item.tenant;
    }

private:
    // One of the three facts: when, or that it has not happened.
    static ListCell fact(Instant at, const TimeText &time)
    {
        return isNever(at) ? mutedCell(QStringLiteral("–")) : textCell(time.moment(at));
    }
    static ListCell answererCell(const InteractionItem &item, const TimeText &)
    {
        const QString people = item.answerers.trimmed();
        return people == u"*" ? textCell(tr("Anyone")) : monoCell(people);
    }

    static std::vector<Column> columnTable()
    {
        using Item = InteractionItem;
        return {
            {{u"state"_s, tr("State"), 125},
                [](const Item &item, const TimeText &) { return lookCell(interactionState(item.state)); }},
            {{u"origin"_s, tr("What"), 105},
                [](const Item &item, const TimeText &) { return textCell(interactionOrigin(item.origin)); }},
            {{u"place"_s, tr("Where"), 220},
                [](const Item &item, const TimeText &) {
                    return monoCell(placeText(item.place, item.thread));
                }},
            {{u"answerers"_s, tr("Who is asked"), 140}, answererCell},
            {{u"age"_s, tr("Asked"), 110, true},
                [](const Item &item, const TimeText &time) { return ageCell(item.createdAt, time); }},
            {{u"expires"_s, tr("Until"), 130},
                [](const Item &item, const TimeText &time) { return textCell(time.moment(item.expiresAt)); }},
            {{u"clicked"_s, tr("Clicked"), 130},
                [](const Item &item, const TimeText &time) { return fact(item.clickedAt, time); }},
            {{u"accepted"_s, tr("Accepted"), 130},
                [](const Item &item, const TimeText &time) { return fact(item.acceptedAt, time); }},
            {{u"card"_s, tr("Card updated"), 130},
                [](const Item &item, const TimeText &time) { return fact(item.cardUpdatedAt, time); }},
            {{u"by"_s, tr("By"), 130},
                [](const Item &item, const TimeText &) { return monoCell(item.answeredBy); }},
            {{u"id"_s, tr("Id"), 190}, [](const Item &item, const TimeText &) { return idCell(item.id); }},
        };
    }
};

} // namespace

std::unique_ptr<ListKind> makeInteractionList()
{
    return std::make_unique<InteractionList>();
}

} // namespace signalbox::ui
