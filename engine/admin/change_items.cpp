// SPDX-License-Identifier: Apache-2.0
#include "admin/change_items.h"

#include <QHash>
#include <QSet>

#include <algorithm>
#include <array>

using namespace Qt::StringLiterals;
using namespace signalbox::domain;

namespace signalbox::admin {

namespace {

constexpr std::array<const char16_t *, 9> kKinds{u"session", u"delivery", u"outbound", u"runtime",
    u"lifecycle_event", u"installation", u"audit", u"engine", u"interaction"};
const QString kInstallation = u"installation"_s;
const QString kEngine = u"engine"_s;

using Row = std::pair<QString, QString>; // kind and id

// The last entry of each row of a batch.
struct Touched
{
    Touched() = default;
    QHash<Row, store::FeedEntry> rows;
    [[nodiscard]] QStringList ids(const QString &kind) const
    {
        QStringList all;
        for (auto row = rows.begin(); row != rows.end(); ++row) {
            if (row.key().first == kind)
                all << row.key().second;
        }
        return all;
    }
};

Touched touchedRows(const std::vector<store::FeedEntry> &entries, KindSet kinds)
{
    Touched touched;
    for (const store::FeedEntry &entry : entries) {
        if (kindNamed(entry.kind).value_or(0) & kinds)
            touched.rows.insert(Row(entry.kind, entry.id), entry);
    }
    return touched;
}

PlacedChange placed(const store::FeedEntry &entry, const QString &kind, const QString &epoch)
{
    PlacedChange change;
    change.kind = kindNamed(kind).value_or(0);
    change.change.kind = kind;
    change.change.id = entry.id;
    change.change.rev = entry.rev;
    change.at.epoch = epoch;
    change.at.xid = entry.xid;
    change.at.seq = entry.seq;
    return change;
}

template <class Item>
Status addItems(const Result<QList<Item>> &items, const QString &kind, const QString &epoch,
    const Touched &touched, std::vector<PlacedChange> &changes)
{
    if (!items)
        return fail(items.error());
    QSet<QString> found;
    for (const Item &item : *items) {
        const auto entry = touched.rows.constFind(Row(kind, item.id));
        if (entry == touched.rows.constEnd())
            continue;
        found << item.id;
        PlacedChange &change = changes.emplace_back(placed(*entry, kind, epoch));
        if constexpr (requires { item.rev; })
            change.change.rev = item.rev;
        change.change.item = item;
    }
    for (const QString &id : touched.ids(kind)) {
        if (!found.contains(id))
            changes.emplace_back(placed(touched.rows[Row(kind, id)], kind, epoch)).change.gone = true;
    }
    return {};
}

// Whether what this entry says is seen at the installation.
bool concerns(const store::FeedEntry &entry, const InstallationItem &item)
{
    if (entry.kind == kInstallation)
        return entry.id == item.id;
    return entry.kind == u"pause"
        && (entry.id.startsWith(u"engine/"_s) || entry.id == u"installation/"_s + item.id
            || entry.id == u"backend/"_s + item.backend);
}

bool concernsAny(const std::vector<store::FeedEntry> &entries)
{
    return std::any_of(entries.begin(), entries.end(),
        [](const store::FeedEntry &entry) { return entry.kind == kInstallation || entry.kind == u"pause"; });
}

// A pause is told as a change of every installation that it stops.
Touched touchedInstallations(
    const QList<InstallationItem> &items, const std::vector<store::FeedEntry> &entries)
{
    Touched touched;
    for (const store::FeedEntry &entry : entries) {
        if (entry.kind == kInstallation)
            touched.rows.insert(Row(kInstallation, entry.id), entry);
        for (const InstallationItem &item : items) {
            if (!concerns(entry, item))
                continue;
            store::FeedEntry &last = touched.rows[Row(kInstallation, item.id)];
            last = entry;
            last.id = item.id;
        }
    }
    return touched;
}

void order(std::vector<PlacedChange> &changes)
{
    std::stable_sort(changes.begin(), changes.end(),
        [](const PlacedChange &left, const PlacedChange &right) { return left.at.isBefore(right.at); });
    for (size_t i = 0; i + 1 < changes.size(); ++i)
        changes[i].endsPlace = changes[i].at.isBefore(changes[i + 1].at);
}

} // namespace

KindSet allKinds()
{
    return (1u << kKinds.size()) - 1;
}

std::optional<KindSet> kindNamed(QStringView name)
{
    for (size_t i = 0; i < kKinds.size(); ++i) {
        if (name == QStringView(kKinds[i]))
            return 1u << i;
    }
    return std::nullopt;
}

KindSet kindsNamed(const QStringList &names)
{
    KindSet kinds = 0;
    for (const QString &name : names)
        kinds |= kindNamed(name).value_or(0);
    return kinds;
}

QStringList kindNames()
{
    QStringList names;
    for (const char16_t *kind : kKinds)
        names << QString::fromUtf16(kind);
    return names;
}

namespace {

// When they were read: of one engine as of another by the database's clock, so that a reader who goes from
// one engine to another never takes an older state for a newer one.
template <class Item>
qint64 revisionOf(const QList<Item> &items, Instant otherwise)
{
    return toMs(items.isEmpty() ? otherwise : items.constFirst().readAt);
}

// Calls one of the store's item readers for the touched rows of a kind and adds what it finds.
template <class Item>
QCoro::Task<Status> readItems(store::Store &store,
    QCoro::Task<Result<QList<Item>>> (store::Store::*read)(QStringList), QString kind, QString epoch,
    const Touched *touched, std::vector<PlacedChange> *changes)
{
    QStringList ids = touched->ids(kind);
    if (ids.isEmpty())
        co_return Status();
    const auto items = co_await (store.*read)(std::move(ids));
    co_return addItems(items, kind, epoch, *touched, *changes);
}

QCoro::Task<Status> readInstallations(
    store::Store &store, const store::FeedBatch *batch, std::vector<PlacedChange> *changes)
{
    const auto items = co_await store.installationItems();
    if (!items)
        co_return fail(items.error());
    const Touched touched = touchedInstallations(*items, batch->entries);
    // Their own revisions say nothing of their pauses.
    const size_t first = changes->size();
    const Status added = addItems(items, kInstallation, batch->cursor.epoch, touched, *changes);
    for (size_t i = first; i < changes->size(); ++i)
        (*changes)[i].change.rev = revisionOf(*items, batch->readAt);
    co_return added;
}

// Whether all work by one configuration is said of each: a change of one is a change of all.
QCoro::Task<Status> readEngines(
    store::Store &store, const store::FeedBatch *batch, std::vector<PlacedChange> *changes)
{
    const auto isEngine = [](const store::FeedEntry &entry) { return entry.kind == kEngine; };
    const auto last = std::find_if(batch->entries.rbegin(), batch->entries.rend(), isEngine);
    if (last == batch->entries.rend())
        co_return Status();
    const auto items = co_await store.engineItems();
    if (!items)
        co_return fail(items.error());
    QHash<QString, const EngineItem *> touched; // none: it is gone
    for (const store::FeedEntry &entry : batch->entries) {
        if (entry.kind == kEngine)
            touched.insert(entry.id, nullptr);
    }
    for (const EngineItem &item : *items)
        touched.insert(item.id, &item);
    for (auto row = touched.begin(); row != touched.end(); ++row) {
        store::FeedEntry entry = *last;
        entry.id = row.key();
        entry.rev = revisionOf(*items, batch->readAt);
        PlacedChange &change = changes->emplace_back(placed(entry, kEngine, batch->cursor.epoch));
        change.change.gone = row.value() == nullptr;
        if (!change.change.gone)
            change.change.item = *row.value();
    }
    co_return Status();
}

} // namespace

QCoro::Task<Result<std::vector<PlacedChange>>> placedChanges(
    store::Store &store, store::FeedBatch batch, KindSet kinds)
{
    using store::Store;
    const QString epoch = batch.cursor.epoch;
    const KindSet installation = kindNamed(kInstallation).value_or(0);
    const KindSet engine = kindNamed(kEngine).value_or(0);
    const Touched touched = touchedRows(batch.entries, kinds & ~installation & ~engine);
    std::vector<PlacedChange> changes;
    Status read = co_await readItems(store, &Store::sessionItems, u"session"_s, epoch, &touched, &changes);
    if (read)
        read = co_await readItems(store, &Store::deliveryItems, u"delivery"_s, epoch, &touched, &changes);
    if (read)
        read = co_await readItems(store, &Store::outboundItems, u"outbound"_s, epoch, &touched, &changes);
    if (read)
        read = co_await readItems(store, &Store::runtimeItems, u"runtime"_s, epoch, &touched, &changes);
    if (read)
        read = co_await readItems(
            store, &Store::lifecycleEventItems, u"lifecycle_event"_s, epoch, &touched, &changes);
    if (read)
        read = co_await readItems(store, &Store::auditItems, u"audit"_s, epoch, &touched, &changes);
    if (read)
        read = co_await readItems(
            store, &Store::interactionItems, u"interaction"_s, epoch, &touched, &changes);
    if (read && (kinds & installation) && concernsAny(batch.entries))
        read = co_await readInstallations(store, &batch, &changes);
    if (read && (kinds & engine))
        read = co_await readEngines(store, &batch, &changes);
    if (!read)
        co_return fail(read.error());
    order(changes);
    co_return changes;
}

} // namespace signalbox::admin
