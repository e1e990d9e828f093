// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/item_json.h"
#include "cells.h"
#include "list_kind.h"

namespace signalbox::ui {

// Whether the stream tells items of this type.
template <class Item, class Variant>
inline constexpr bool kIsOneOf = false;
template <class Item, class... Items>
inline constexpr bool kIsOneOf<Item, std::variant<Items...>> = (std::is_same_v<Item, Items> || ...);

// What every list of items shares: from the engine's page to rows, from a change to a row, filter, cells. A
// kind adds its words, its columns, where its items come from and what its filter looks at.
template <class Item>
class ItemList : public ListKind
{
public:
    using Cell = ListCell (*)(const Item &, const TimeText &);
    struct Column
    {
        Column(ListColumn theHead, Cell theCell)
            : head(std::move(theHead))
            , cell(theCell)
        {
        }
        ListColumn head;
        Cell cell;
    };

    const std::vector<ListColumn> &columns() const final { return m_heads; }

    QCoro::Task<Result<ListPage>> fetch(admin::OperatorApi *api, domain::ListQuery query) const final
    {
        // Nothing of this object is touched after the answer.
        auto page = co_await ask(api, std::move(query));
        if (!page)
            co_return fail(page.error());
        ListPage out;
        out.rows.reserve(page->items.size());
        for (Item &item : page->items)
            out.rows.append(rowFrom(std::move(item)));
        out.nextCursor = page->nextCursor;
        out.total = page->total;
        out.totalIsExact = page->totalIsExact;
        co_return out;
    }

    bool rowOf(const domain::Change &change, ListRow &row) const final
    {
        std::optional<Item> item = itemOf(change);
        if (!item)
            return false;
        row = rowFrom(std::move(*item));
        row.rev = change.rev;
        return true;
    }

    bool matches(const ListRow &row, const domain::ListQuery &query) const final
    {
        const auto &item = std::get<Item>(row.item);
        return (query.states.isEmpty() || query.states.contains(stateOf(item), Qt::CaseInsensitive))
            && (query.text.isEmpty() || hasText(item, query.text)) && belongs(item, query);
    }

    ListCell cell(const ListRow &row, int column, const TimeText &time) const final
    {
        return m_cells[static_cast<size_t>(column)](std::get<Item>(row.item), time);
    }

    QString spoken(const ListRow &row, const TimeText &time) const final
    {
        return say(std::get<Item>(row.item), time);
    }

    Json json(const ListRow &row) const final { return admin::toJson(std::get<Item>(row.item)); }

protected:
    explicit ItemList(const std::vector<Column> &columns)
    {
        for (const Column &column : columns) {
            m_heads.push_back(column.head);
            m_cells.push_back(column.cell);
        }
    }

    [[nodiscard]] virtual QCoro::Task<Result<domain::Page<Item>>> ask(
        admin::OperatorApi *api, domain::ListQuery query) const = 0;
    // "state, subject, age" for a screen reader.
    [[nodiscard]] virtual QString say(const Item &item, const TimeText &time) const = 0;
    // The engine's filters, for rows that come by the stream.
    [[nodiscard]] virtual QString stateOf(const Item &item) const = 0;
    [[nodiscard]] virtual bool hasText(const Item &item, const QString &text) const = 0;
    [[nodiscard]] virtual bool belongs(const Item &, const domain::ListQuery &) const { return true; }
    [[nodiscard]] virtual std::optional<Item> itemOf(const domain::Change &change) const
    {
        if constexpr (kIsOneOf<Item, decltype(change.item)>) {
            const auto *item = std::get_if<Item>(&change.item);
            return item ? std::optional(*item) : std::nullopt;
        } else {
            return std::nullopt;
        }
    }

private:
    static ListRow rowFrom(Item item)
    {
        ListRow row;
        row.id = item.id;
        if constexpr (requires { item.rev; })
            row.rev = item.rev;
        // What the list is in the order of; what has no time of its own is in the order of its ids.
        if constexpr (requires { item.createdAt; })
            row.createdAt = item.createdAt;
        else if constexpr (requires { item.receivedAt; })
            row.createdAt = item.receivedAt;
        else if constexpr (requires { item.at; })
            row.createdAt = item.at;
        row.item = std::move(item);
        return row;
    }

    std::vector<ListColumn> m_heads;
    std::vector<Cell> m_cells;
};

} // namespace signalbox::ui
