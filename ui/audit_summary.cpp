// SPDX-License-Identifier: Apache-2.0
#include "field_grid.h"
#include "row_summary.h"
#include "time_text.h"

#include <QCoreApplication>

#include <array>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::AuditItem;

namespace {

QCoro::Task<Result<AuditItem>> entryOf(QCoro::Task<Result<domain::Page<AuditItem>>> asked)
{
    auto page = co_await asked;
    if (!page)
        co_return fail(page.error());
    if (page->items.isEmpty())
        co_return fail(ErrorCode::NotFound, u"there is no such entry"_s);
    co_return page->items.first();
}

// What a subject can be that has a view of its own, by the key of its link.
constexpr std::array kLinked{std::pair(u"session", u"session"), std::pair(u"delivery", u"delivery"),
    std::pair(u"event", u"lifecycle_event"), std::pair(u"installation", u"installation"),
    std::pair(u"interaction", u"interaction"), std::pair(u"engine", u"engine")};

class AuditSummary final : public ItemSummary<AuditItem>
{
    Q_DECLARE_TR_FUNCTIONS(AuditSummary)
public:
    QString name() const override { return u"audit"_s; }
    void build(FieldGrid *f) const override
    {
        using Look = FieldGrid::Look;
        f->beginSection(tr("What was done"));
        f->add(u"action"_s, tr("Action"), Look::Mono);
        f->add(u"actor"_s, tr("Who"));
        f->add(u"reason"_s, tr("Why"));
        f->add(u"result"_s, tr("Result"));
        f->beginSection(tr("To what"));
        for (const auto &[key, kind] : kLinked)
            f->add(QString::fromUtf16(key), subjectKindText(QString::fromUtf16(kind)), Look::Link);
        f->add(u"kind"_s, tr("Kind"));
        f->add(u"subject"_s, tr("Subject"), Look::Id);
        f->beginSection(tr("When"));
        f->add(u"at"_s, tr("At"));
        f->add(u"id"_s, tr("Entry"), Look::Id);
    }
    QCoro::Task<Result<RowDetail>> fetch(admin::OperatorApi *api, QString id) const override
    {
        domain::ListQuery query;
        query.text = id;
        query.limit = 1;
        return detailOf(entryOf(api->audit(query)));
    }

protected:
    StateLook lookOf(const AuditItem &item) const override { return auditAction(item.action); }
    QString subjectOf(const AuditItem &item) const override { return item.subject; }
    void put(FieldGrid *f, const AuditItem &item, const TimeText &time) const override
    {
        f->set(u"action"_s, item.action);
        f->set(u"actor"_s, item.actor);
        f->set(u"reason"_s, item.reason);
        f->set(u"result"_s, item.result);
        bool linked = false;
        for (const auto &[key, kind] : kLinked) {
            // All engines together are no row.
            const bool is = item.subjectKind == QStringView(kind) && item.subject != u"all";
            f->set(QString::fromUtf16(key), is ? item.subject : QString());
            f->setShown(QString::fromUtf16(key), is);
            linked = linked || is;
        }
        f->set(u"kind"_s, subjectKindText(item.subjectKind));
        f->set(u"subject"_s, item.subject);
        f->setShown(u"kind"_s, !linked);
        f->setShown(u"subject"_s, !linked);
        f->set(u"at"_s, time.moment(item.at), time.full(item.at)); // with its date
        f->set(u"id"_s, item.id);
    }
    QString say(const AuditItem &item, const TimeText &time) const override
    {
        return tr("%1 did this %2 ago.", "who, age").arg(item.actor, time.age(item.at));
    }
};

} // namespace

std::unique_ptr<RowSummary> makeAuditSummary()
{
    return std::make_unique<AuditSummary>();
}

} // namespace signalbox::ui
