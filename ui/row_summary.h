// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/operator_api.h"
#include "list_row.h"
#include "words.h"

#include <QCoro/QCoroTask>

#include <memory>
#include <optional>

namespace signalbox::ui {

class FieldGrid;
class TimeText;

// What the engine tells of one row.
struct RowDetail
{
    RowDetail() = default;
    explicit RowDetail(RowItem theItem)
        : item(std::move(theItem))
    {
    }
    RowItem item;
    std::optional<domain::DeliveryDetail> delivery; // with timeline and attempts
};

// What the details' head and Summary say of one kind of row. Stateless; the grid belongs to the details.
// Fields of the look Link are followed by their key: DetailsPane knows where each leads. UI thread.
class RowSummary
{
public:
    virtual ~RowSummary() = default;
    [[nodiscard]] virtual QString name() const = 0; // for object names: "delivery"
    virtual void build(FieldGrid *grid) const = 0;
    [[nodiscard]] virtual QCoro::Task<Result<RowDetail>> fetch(admin::OperatorApi *api, QString id) const = 0;
    [[nodiscard]] virtual bool shows(const RowItem &item) const = 0; // what the table knows of it is enough
    [[nodiscard]] virtual StateLook look(const RowItem &item) const = 0;
    [[nodiscard]] virtual QString subject(const RowItem &item) const = 0;
    virtual void fill(FieldGrid *grid, const RowItem &item, const TimeText &time) const = 0;
    // One sentence under the head.
    [[nodiscard]] virtual QString sentence(const RowItem &item, const TimeText &time) const = 0;
    [[nodiscard]] virtual bool canWait() const { return false; } // for something: "Why"
    [[nodiscard]] virtual bool hasHistory() const { return false; } // timeline and attempts
};

// What came, as the detail of a row.
template <class Item>
[[nodiscard]] QCoro::Task<Result<RowDetail>> detailOf(QCoro::Task<Result<Item>> asked)
{
    auto item = co_await asked;
    if (!item)
        co_return fail(item.error());
    RowDetail detail(std::move(*item));
    co_return detail;
}

// The same over one type of item.
template <class Item>
class ItemSummary : public RowSummary
{
public:
    bool shows(const RowItem &item) const final { return std::holds_alternative<Item>(item); }
    StateLook look(const RowItem &item) const final { return lookOf(std::get<Item>(item)); }
    QString subject(const RowItem &item) const final { return subjectOf(std::get<Item>(item)); }
    void fill(FieldGrid *grid, const RowItem &item, const TimeText &time) const final
    {
        put(grid, std::get<Item>(item), time);
    }
    QString sentence(const RowItem &item, const TimeText &time) const final
    {
        return say(std::get<Item>(item), time);
    }

protected:
    [[nodiscard]] virtual StateLook lookOf(const Item &item) const = 0;
    [[nodiscard]] virtual QString subjectOf(const Item &item) const = 0;
    virtual void put(FieldGrid *grid, const Item &item, const TimeText &time) const = 0;
    [[nodiscard]] virtual QString say(const Item &item, const TimeText &time) const = 0;
};

[[nodiscard]] std::unique_ptr<RowSummary> makeDeliverySummary();
[[nodiscard]] std::unique_ptr<RowSummary> makeSessionSummary();
[[nodiscard]] std::unique_ptr<RowSummary> makeRuntimeSummary();
[[nodiscard]] std::unique_ptr<RowSummary> makeLifecycleSummary();
[[nodiscard]] std::unique_ptr<RowSummary> makeInstallationSummary();
[[nodiscard]] std::unique_ptr<RowSummary> makeInteractionSummary();
[[nodiscard]] std::unique_ptr<RowSummary> makeEngineSummary();
[[nodiscard]] std::unique_ptr<RowSummary> makeAuditSummary();

} // namespace signalbox::ui
