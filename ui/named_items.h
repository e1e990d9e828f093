// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/operator_api.h"

#include <algorithm>

namespace signalbox::ui {

// For kinds of which the engine tells all at once, in the order of their ids: a page of what is listed, and
// one of them.

template <class Item>
using IsListed = bool (*)(const Item &, const domain::ListQuery &);

template <class Item>
[[nodiscard]] QCoro::Task<Result<domain::Page<Item>>> pageOf(
    QCoro::Task<Result<QList<Item>>> asked, domain::ListQuery query, IsListed<Item> isListed)
{
    auto items = co_await asked;
    if (!items)
        co_return fail(items.error());
    domain::Page<Item> page;
    for (const Item &item : std::as_const(*items)) {
        if (isListed(item, query))
            page.items << item;
    }
    std::sort(page.items.begin(), page.items.end(),
        [&query](const Item &a, const Item &b) { return query.oldestFirst ? b.id < a.id : a.id < b.id; });
    page.total = page.items.size();
    co_return page;
}

template <class Item>
[[nodiscard]] QCoro::Task<Result<Item>> oneOf(QCoro::Task<Result<QList<Item>>> asked, QString id)
{
    auto items = co_await asked;
    if (!items)
        co_return fail(items.error());
    for (const Item &item : std::as_const(*items)) {
        if (item.id == id)
            co_return item;
    }
    co_return fail(Error(ErrorCode::NotFound, QStringLiteral("it is not there any more")));
}

} // namespace signalbox::ui
