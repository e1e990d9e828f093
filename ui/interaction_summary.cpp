// SPDX-License-Identifier: Apache-2.0
#include "field_grid.h"
#include "row_summary.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::InteractionItem;

namespace {

class InteractionSummary final : public ItemSummary<InteractionItem>
{
    Q_DECLARE_TR_FUNCTIONS(InteractionSummary)
public:
    QString name() const override { return u"interaction"_s; }
    void build(FieldGrid *f) const override
    {
        using Look = FieldGrid::Look;
        f->beginSection(tr("Question"));
        f->add(u"id"_s, tr("Id"), Look::Id);
        f->add(u"what"_s, tr("What"));
        f->add(u"place"_s, tr("Where"), Look::Id);
        f->add(u"answerers"_s, tr("Who is asked"));
        f->add(u"options"_s, tr("Options"));
        f->add(u"asked"_s, tr("Asked"));
        f->add(u"expires"_s, tr("Until"));
        f->beginSection(tr("Answer"));
        f->add(u"clicked"_s, tr("Clicked"));
        f->add(u"accepted"_s, tr("Accepted by whoever asked"));
        f->add(u"card"_s, tr("Card updated"));
        f->add(u"by"_s, tr("By"), Look::Id);
        f->add(u"chosen"_s, tr("Chosen"));
        f->add(u"why"_s, tr("Closed because"), Look::Mono);
        f->add(u"webhook"_s, tr("Webhook"));
        f->beginSection(tr("Whoever asks"));
        f->add(u"delivery"_s, tr("Delivery"), Look::Link);
        f->add(u"session"_s, tr("Session"), Look::Link);
        f->add(u"engine"_s, tr("Engine"), Look::Link);
    }
    QCoro::Task<Result<RowDetail>> fetch(admin::OperatorApi *api, QString id) const override
    {
        return detailOf(api->interaction(std::move(id)));
    }

protected:
    StateLook lookOf(const InteractionItem &item) const override { return interactionState(item.state); }
    QString subjectOf(const InteractionItem &item) const override
    {
        return placeText(item.place, item.thread);
    }
    void put(FieldGrid *f, const InteractionItem &item, const TimeText &time) const override
    {
        f->set(u"id"_s, item.id);
        f->set(u"what"_s,
            item.kind.isEmpty()
                ? interactionOrigin(item.origin)
                : tr("%1: %2", "what, its kind").arg(interactionOrigin(item.origin), item.kind));
        f->set(u"place"_s, placeText(item.place, item.thread));
        const QString people = item.answerers.trimmed();
        f->set(u"answerers"_s, people == u"*" ? tr("Anyone there") : people);
        QStringList options;
        for (const QString &kind : item.optionKinds)
            options << optionKind(kind);
        f->set(u"options"_s, options.isEmpty() ? tr("A text") : options.join(u", "_s));
        f->set(u"asked"_s, time.moment(item.createdAt), time.full(item.createdAt));
        f->set(u"expires"_s, time.moment(item.expiresAt), time.full(item.expiresAt));
        const auto fact = [&](const QString &key, Instant at) {
            f->set(
                key, isNever(at) ? tr("Not yet") : time.moment(at), isNever(at) ? QString() : time.full(at));
        };
        fact(u"clicked"_s, item.clickedAt);
        fact(u"accepted"_s, item.acceptedAt);
        fact(u"card"_s, item.cardUpdatedAt);
        f->set(u"by"_s, item.answeredBy);
        f->set(u"chosen"_s, item.chosenKind.isEmpty() ? QString() : optionKind(item.chosenKind));
        f->set(u"why"_s, item.errorCode);
        f->setShown(u"by"_s, !item.answeredBy.isEmpty());
        f->setShown(u"chosen"_s, !item.chosenKind.isEmpty());
        f->setShown(u"why"_s, !item.errorCode.isEmpty());
        f->set(u"webhook"_s, webhookText(item));
        f->setShown(u"webhook"_s, !item.webhook.isEmpty());
        f->set(u"delivery"_s, item.deliveryId);
        f->set(u"session"_s, item.sessionId);
        f->set(u"engine"_s, item.engine);
        for (const auto &[key, value] : {std::pair(u"delivery"_s, item.deliveryId),
                 std::pair(u"session"_s, item.sessionId), std::pair(u"engine"_s, item.engine)})
            f->setShown(key, !value.isEmpty());
    }
    static QString webhookText(const InteractionItem &item)
    {
        if (item.webhook.isEmpty())
            return {};
        if (item.webhookState == u"dead")
            return tr("%1 was never told: %2 (tries: %3)", "name, code, number")
                .arg(item.webhook, item.webhookError)
                .arg(item.webhookAttempts);
        if (item.webhookError.isEmpty())
            return tr("%1 is being told").arg(item.webhook);
        return tr("%1 is not reached: %2 (tries: %3)", "name, code, number")
            .arg(item.webhook, item.webhookError)
            .arg(item.webhookAttempts);
    }
    QString say(const InteractionItem &item, const TimeText &time) const override
    {
        if (item.state == u"open")
            return tr("Waits for a person for %1.").arg(time.age(item.createdAt));
        if (item.state == u"posting")
            return tr("Its card is being posted.");
        if (item.state == u"answered")
            return isNever(item.acceptedAt) ? tr("Answered; whoever asked does not have it yet.")
                                            : tr("Answered, and whoever asked has it.");
        return item.answeredBy.isEmpty() ? tr("It is over, without an answer.")
                                         : tr("It was answered, but whoever asked was gone.");
    }
};

} // namespace

std::unique_ptr<RowSummary> makeInteractionSummary()
{
    return std::make_unique<InteractionSummary>();
}

} // namespace signalbox::ui
