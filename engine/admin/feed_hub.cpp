// SPDX-License-Identifier: Apache-2.0
#include "admin/feed_hub.h"

#include "admin/item_json.h"
#include "base/log.h"

#include <algorithm>

using namespace Qt::StringLiterals;
using namespace signalbox::domain;

namespace signalbox::admin {

namespace {
Q_LOGGING_CATEGORY(lcHub, "signalbox.engine.feed")
constexpr int kMostEntries = 500;
constexpr Millis kBetween{20};
constexpr Millis kBackstop{1000};
constexpr Millis kLongestHeld{250}; // entries behind an open transaction are looked for that often
constexpr qint64 kEntryWeight = 200;
constexpr qint64 kMostLookedAt
    = 256 * 1024; // for one client in one turn, in bytes that may have to be parsed
constexpr qint64 kParsedWeight = 6; // of a byte of JSON, once parsed
constexpr QByteArrayView kDataField("\ndata: ");

Json itemOf(const Change &change)
{
    return std::visit(
        [](const auto &item) {
            if constexpr (std::is_same_v<std::decay_t<decltype(item)>, std::monostate>)
                return Json();
            else
                return toJson(item);
        },
        change.item);
}

} // namespace

Json changeData(const PlacedChange &change)
{
    Json data = Json::object({{u"kind"_s, change.change.kind}, {u"id"_s, change.change.id}});
    data.set(u"op"_s, change.change.gone ? u"delete"_s : u"update"_s);
    data.set(u"rev"_s, change.change.rev);
    Json item = itemOf(change.change);
    if (!item.isNull())
        data.set(u"item"_s, std::move(item));
    return data;
}

QByteArray changeEvent(const PlacedChange &change, const Json &data)
{
    QByteArray event;
    if (change.endsPlace)
        event = "id: " + change.at.toString().toUtf8() + '\n';
    return event + "event: change" + kDataField.toByteArray() + data.toBytes() + "\n\n";
}

qint64 FeedHub::Entry::weight() const
{
    return kEntryWeight + event.size() * (data ? 1 + kParsedWeight : 1);
}

// An entry that came when no stream had a filter is read back.
bool FeedHub::Entry::matches(const Filter &filter, Instant now) const
{
    if (filter.isEmpty() || gone) // a filter may have let it through when it was there
        return true;
    if (data)
        return filter.matches((*data)[u"item"], now);
    const auto parsed
        = Json::parse(QByteArrayView(event).sliced(event.indexOf(kDataField) + kDataField.size()));
    return parsed && filter.matches((*parsed)[u"item"], now);
}

FeedHub::FeedHub(store::Store &store, const Clock &clock, async::TaskScope &scope)
    : m_store(store)
    , m_clock(clock)
    , m_scope(scope)
{
}

void FeedHub::start()
{
    m_store.onChange([this] {
        Q_EMIT stirred();
        if (isWatched())
            wake();
    });
    m_scope.spawn("feed reader", pump());
}

void FeedHub::stop()
{
    m_store.onChange({});
}

void FeedHub::wake()
{
    m_wanted = true;
    Q_EMIT woken();
}

void FeedHub::watch(KindSet kinds)
{
    m_watched = kinds;
    settle();
    wake();
}

void FeedHub::openStream(KindSet kinds, bool filtered)
{
    ++m_streams;
    m_filtered += filtered ? 1 : 0;
    if ((m_ringKinds | kinds) != m_ringKinds) {
        m_ringKinds |= kinds;
        clearRing();
    }
    wake();
}

void FeedHub::closeStream(bool filtered)
{
    --m_streams;
    m_filtered -= filtered ? 1 : 0;
    if (m_streams == 0) {
        m_ringKinds = 0;
        clearRing();
    }
    settle();
}

// Nobody watches: its place is not worth keeping.
void FeedHub::settle()
{
    if (!isWatched())
        m_cursor.reset();
}

void FeedHub::clearRing()
{
    ++m_ringLife;
    m_ring.clear();
    m_ringBytes = 0;
    if (m_cursor)
        m_floor = *m_cursor;
}

bool FeedHub::covers(const store::FeedCursor &after) const
{
    return m_cursor && after.epoch == m_floor.epoch && !after.isBefore(m_floor);
}

FeedHub::Slice FeedHub::slice(
    const store::FeedCursor &after, KindSet kinds, const Filter &filter, qint64 most) const
{
    Slice slice;
    slice.end = after;
    const Instant now = m_clock.now();
    qint64 lookedAt = 0;
    auto entry = std::upper_bound(m_ring.begin(), m_ring.end(), after,
        [](const store::FeedCursor &at, const Entry &of) { return at.isBefore(of.at); });
    for (; entry != m_ring.end(); ++entry) {
        // What stands at one place goes out together.
        if ((slice.events.size() >= most || lookedAt >= kMostLookedAt) && slice.end.isBefore(entry->at)) {
            slice.more = true;
            return slice;
        }
        slice.end = entry->at;
        lookedAt += kEntryWeight + (filter.isEmpty() ? 0 : entry->event.size());
        if ((entry->kind & kinds) != 0 && entry->matches(filter, now))
            slice.events += entry->event;
    }
    if (slice.end.isBefore(*m_cursor))
        slice.end = *m_cursor;
    return slice;
}

QCoro::Task<> FeedHub::pump()
{
    const async::CancelToken token = m_scope.token();
    Millis held = kBetween;
    while (!token.isCancelled()) {
        m_wanted = false;
        m_lastRead.start();
        const bool more = isWatched() && co_await readOnce();
        const bool holds = m_held && isWatched();
        if (!more && !m_wanted && !token.isCancelled())
            co_await async::waitSignal(this, &FeedHub::woken, holds ? held : kBackstop, token);
        held = holds ? std::min(held * 2, kLongestHeld) : kBetween;
        // What comes within this time is one batch.
        const Millis left = kBetween - Millis(m_lastRead.elapsed());
        if (left > Millis(0) && !more)
            co_await async::delay(left, token);
    }
}

QCoro::Task<> FeedHub::findPlace()
{
    const auto head = co_await m_store.feedHead();
    if (!head) {
        noteAway(head.error());
        co_return;
    }
    m_away = false;
    if (!isWatched())
        co_return;
    m_cursor = *head;
    clearRing();
    Q_EMIT advanced();
}

// True: there is more.
QCoro::Task<bool> FeedHub::readOnce()
{
    if (!m_cursor) {
        co_await findPlace();
        co_return false;
    }
    const quint64 life = m_ringLife;
    const KindSet kinds = m_watched | m_ringKinds;
    const auto batch = co_await m_store.readFeed(*m_cursor, kMostEntries);
    if (!batch) {
        noteAway(batch.error());
        co_return false;
    }
    m_lagMs = batch->lagMs;
    m_held = batch->held;
    if (batch->gap) {
        m_cursor.reset();
        clearRing();
        Q_EMIT gap();
        co_return true;
    }
    std::vector<PlacedChange> changes;
    if (!batch->entries.empty()) {
        const auto placed = co_await placedChanges(m_store, *batch, kinds);
        if (!placed) {
            noteAway(placed.error());
            co_return false;
        }
        changes = *placed;
    }
    m_away = false;
    if (!m_cursor) // everybody has left meanwhile
        co_return false;
    const bool moved = m_cursor->isBefore(batch->cursor);
    m_cursor = batch->cursor;
    if (life != m_ringLife)
        clearRing();
    else if (m_streams > 0)
        take(changes);
    emitChanged(changes);
    if (moved)
        Q_EMIT advanced();
    co_return batch->more;
}

void FeedHub::take(const std::vector<PlacedChange> &changes)
{
    for (const PlacedChange &change : changes) {
        if ((change.kind & m_ringKinds) == 0)
            continue;
        Entry entry;
        entry.at = change.at;
        entry.kind = change.kind;
        const auto data = std::make_shared<const Json>(changeData(change));
        entry.event = changeEvent(change, *data);
        entry.gone = change.change.gone;
        if (m_filtered > 0)
            entry.data = data;
        m_ringBytes += entry.weight();
        m_ring.push_back(std::move(entry));
    }
    while (!m_ring.empty() && (m_ring.size() > m_limits.ringEntries || m_ringBytes > m_limits.ringBytes)) {
        m_floor = m_ring.front().at;
        m_ringBytes -= m_ring.front().weight();
        m_ring.pop_front();
    }
}

void FeedHub::emitChanged(const std::vector<PlacedChange> &changes)
{
    QList<Change> watched;
    for (const PlacedChange &change : changes) {
        if ((change.kind & m_watched) != 0)
            watched << change.change;
    }
    if (!watched.isEmpty())
        Q_EMIT changed(watched);
}

// Once for an outage.
void FeedHub::noteAway(const Error &error)
{
    if (!std::exchange(m_away, true))
        logWarning(lcHub, "the change feed could not be read", {{"code", error.native()}});
}

} // namespace signalbox::admin
