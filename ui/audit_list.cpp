// SPDX-License-Identifier: Apache-2.0
#include "item_list.h"
#include "time_text.h"

#include <QCoreApplication>

namespace signalbox::ui {

using namespace Qt::StringLiterals;
using domain::AuditItem;

namespace {

class AuditList final : public ItemList<AuditItem>
{
    Q_DECLARE_TR_FUNCTIONS(AuditList)
public:
    AuditList()
        : ItemList(columnTable())
    {
    }
    ViewKind view() const override { return ViewKind::Audit; }
    QString name() const override { return u"audit"_s; }
    QString title() const override { return tr("Audit"); }
    QString icon() const override { return u"audit"_s; }
    QString emptyText() const override { return tr("Nobody has done anything yet."); }
    QString filterHint() const override { return tr("Who, or a whole subject or id"); }
    QStringList changeKinds() const override { return {u"audit"_s}; }
    QStringList states() const override { return {}; }
    StateLook state(const QString &state) const override { return auditAction(state); }

protected:
    QCoro::Task<Result<domain::Page<AuditItem>>> ask(
        admin::OperatorApi *api, domain::ListQuery query) const override
    {
        return api->audit(std::move(query));
    }
    QString say(const AuditItem &item, const TimeText &time) const override
    {
        return tr("%1, %2 %3, by %4, %5", "action, kind and id of the subject, who, when")
            .arg(auditAction(item.action).word, subjectKindText(item.subjectKind), item.subject, item.actor,
                time.moment(item.at));
    }
    QString stateOf(const AuditItem &) const override { return {}; }
    bool hasText(const AuditItem &item, const QString &text) const override
    {
        return text == item.subject || text == item.actor || text == item.id;
    }

private:
    static ListCell subjectKindCell(const AuditItem &item, const TimeText &)
    {
        ListCell cell;
        cell.text = subjectKindText(item.subjectKind);
        return cell;
    }

    static std::vector<Column> columnTable()
    {
        using Item = AuditItem;
        return {
            {{u"action"_s, tr("What"), 235},
                [](const Item &item, const TimeText &) { return lookCell(auditAction(item.action)); }},
            {{u"at"_s, tr("When"), 130, true},
                [](const Item &item, const TimeText &time) { return momentCell(item.at, time); }},
            {{u"actor"_s, tr("Who"), 130},
                [](const Item &item, const TimeText &) { return textCell(item.actor); }},
            {{u"kind"_s, tr("To a"), 145}, subjectKindCell},
            {{u"subject"_s, tr("Subject"), 190},
                [](const Item &item, const TimeText &) { return idCell(item.subject); }},
            {{u"reason"_s, tr("Why"), 220},
                [](const Item &item, const TimeText &) { return textCell(item.reason); }},
            {{u"result"_s, tr("Result"), 170},
                [](const Item &item, const TimeText &) { return textCell(item.result); }},
            {{u"id"_s, tr("Id"), 170}, [](const Item &item, const TimeText &) { return idCell(item.id); }},
        };
    }
};

} // namespace

std::unique_ptr<ListKind> makeAuditList()
{
    return std::make_unique<AuditList>();
}

} // namespace signalbox::ui
