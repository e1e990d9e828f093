// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/operator_api.h"
#include "base/json.h"
#include "list_row.h"
#include "words.h"

#include <QCoro/QCoroTask>

#include <memory>
#include <vector>

namespace signalbox::ui {

class TimeText;

enum class ViewKind {
    Sessions,
    Deliveries,
    Locks,
    Interactions,
    Runtimes,
    Lifecycle,
    Installations,
    Engines,
    Audit
};

// What one view lists: where its rows come from and what they look like. Stateless. ItemList is the skeleton.
class ListKind
{
public:
    virtual ~ListKind() = default;
    [[nodiscard]] virtual ViewKind view() const = 0;
    [[nodiscard]] virtual QString name() const = 0; // for object names and settings: "sessions"
    [[nodiscard]] virtual QString title() const = 0;
    [[nodiscard]] virtual QString icon() const = 0;
    [[nodiscard]] virtual QString emptyText() const = 0;
    [[nodiscard]] virtual QString filterHint() const = 0;
    [[nodiscard]] virtual QStringList changeKinds() const = 0;
    [[nodiscard]] virtual QStringList states() const = 0;
    [[nodiscard]] virtual StateLook state(const QString &state) const = 0;
    // In the order of names (ids) instead of time.
    [[nodiscard]] virtual bool isByName() const { return false; }
    [[nodiscard]] virtual const std::vector<ListColumn> &columns() const = 0;
    [[nodiscard]] virtual QCoro::Task<Result<ListPage>> fetch(
        admin::OperatorApi *api, domain::ListQuery query) const = 0;
    [[nodiscard]] virtual bool rowOf(const domain::Change &change, ListRow &row) const = 0;
    // The engine's filter, for rows that come by the stream.
    [[nodiscard]] virtual bool matches(const ListRow &row, const domain::ListQuery &query) const = 0;
    [[nodiscard]] virtual ListCell cell(const ListRow &row, int column, const TimeText &time) const = 0;
    // "state, subject, age" for a screen reader.
    [[nodiscard]] virtual QString spoken(const ListRow &row, const TimeText &time) const = 0;
    [[nodiscard]] virtual Json json(const ListRow &row) const = 0; // as the HTTP API shows it
};

[[nodiscard]] std::unique_ptr<ListKind> makeSessionList();
[[nodiscard]] std::unique_ptr<ListKind> makeDeliveryList();
[[nodiscard]] std::unique_ptr<ListKind> makeLockList();
[[nodiscard]] std::unique_ptr<ListKind> makeInteractionList();
[[nodiscard]] std::unique_ptr<ListKind> makeRuntimeList();
[[nodiscard]] std::unique_ptr<ListKind> makeLifecycleList();
[[nodiscard]] std::unique_ptr<ListKind> makeInstallationList();
[[nodiscard]] std::unique_ptr<ListKind> makeEngineList();
[[nodiscard]] std::unique_ptr<ListKind> makeAuditList();
// What a session tells of its lock.
[[nodiscard]] domain::LockItem lockFrom(const domain::SessionItem &item);

} // namespace signalbox::ui
