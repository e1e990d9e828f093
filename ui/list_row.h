// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/actions.h"
#include "domain/engine_item.h"
#include "domain/interaction_items.h"
#include "domain/items.h"
#include "theme.h"

#include <QList>
#include <QString>

#include <variant>

namespace signalbox::ui {

using RowItem = std::variant<domain::SessionItem, domain::DeliveryItem, domain::LockItem, domain::RuntimeItem,
    domain::LifecycleEventItem, domain::InstallationItem, domain::AuditItem, domain::EngineItem,
    domain::InteractionItem>;

// A row of a table: a finished value from the engine. Newer revisions replace older ones, never the other way
// round.
struct ListRow
{
    ListRow() = default;
    QString id;
    qint64 rev = 0;
    Instant createdAt; // the order of every list, with the id behind it
    RowItem item;
    bool matches
        = true; // false: it changed out of the filter and stays, dimmed, until the list is asked for anew
};

struct ListPage
{
    ListPage() = default;
    QList<ListRow> rows;
    QString nextCursor;
    qint64 total = 0;
    bool totalIsExact = true;
};

// How one cell looks.
struct ListCell
{
    ListCell() = default;
    QString text;
    QString icon;
    QString tip;
    Tone tone = Tone::Plain;
    bool monospace = false;
    bool elideMiddle = false;
    bool right = false;
    bool living = false; // an age that runs: grey when the data is not live
};

struct ListColumn
{
    ListColumn() = default;
    ListColumn(QString theKey, QString theTitle, int theWidth, bool isRight = false)
        : key(std::move(theKey))
        , title(std::move(theTitle))
        , width(theWidth)
        , right(isRight)
    {
    }
    QString key;
    QString title;
    int width = 100; // in device-independent pixels at the default font
    bool right = false;
};

} // namespace signalbox::ui
