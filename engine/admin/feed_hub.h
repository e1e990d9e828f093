// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/change_items.h"
#include "async/task_scope.h"
#include "base/filter.h"

#include <QElapsedTimer>
#include <QObject>

#include <deque>

namespace signalbox::admin {

struct HubLimits
{
    HubLimits() = default;
    size_t ringEntries = 20'000;
    qint64 ringBytes = 8 * 1024 * 1024;
};

// The engine's one reader of the change feed (DESIGN.md "Replicas and live updates"): for the console in this
// process, and for every stream. It reads at once when something was written, then at most every 20 ms, and
// only while somebody watches. The items of an entry are read once and written as an event once; the last
// ones are kept in a ring from which all streams are served, bounded by its limits. Engine thread.
class FeedHub : public QObject
{
    Q_OBJECT
public:
    // Its work belongs to `scope`, which outlives it.
    FeedHub(store::Store &store, const Clock &clock, async::TaskScope &scope);

    void start();
    void stop();
    void setLimits(HubLimits limits) { m_limits = limits; }

    // What the console wants; replaces what it wanted before.
    void watch(KindSet kinds);
    void openStream(KindSet kinds, bool filtered);
    void closeStream(bool filtered);
    [[nodiscard]] bool isWatched() const { return m_watched != 0 || m_streams > 0; }
    [[nodiscard]] int streams() const { return m_streams; }
    [[nodiscard]] qint64 lagMs() const { return m_lagMs; }

    // Whether it knows its place in the feed; without it, advanced() tells when it does.
    [[nodiscard]] bool isPlaced() const { return m_cursor.has_value(); }
    // Whether the ring has everything behind this cursor.
    [[nodiscard]] bool covers(const store::FeedCursor &after) const;

    // The same, and that the cursor is one of this feed, which one of the future is not.
    [[nodiscard]] bool knows(const store::FeedCursor &after) const
    {
        return covers(after) && !m_cursor->isBefore(after);
    }

    struct Slice
    {
        Slice() = default;
        QByteArray events;
        store::FeedCursor end; // behind all that is in it
        bool more = false;
    };
    // The events behind a cursor that covers(), of about `most` bytes, one at least when there is one; fewer
    // and `more` when much had to be looked at.
    [[nodiscard]] Slice slice(
        const store::FeedCursor &after, KindSet kinds, const Filter &filter, qint64 most) const;

Q_SIGNALS:
    // The console's kinds, as read.
    void changed(const QList<signalbox::domain::Change> &changes);
    void gap();
    // There is more in the ring, or the hub has found its place.
    void advanced();
    // Something was written to the feed, here or elsewhere.
    void stirred();
    void woken();

private:
    struct Entry
    {
        Entry() = default;
        store::FeedCursor at;
        KindSet kind = 0;
        bool gone = false;
        QByteArray event;
        std::shared_ptr<const Json> data; // only while a stream has a filter
        [[nodiscard]] qint64 weight() const;
        [[nodiscard]] bool matches(const Filter &filter, Instant now) const;
    };
    [[nodiscard]] QCoro::Task<> pump();
    [[nodiscard]] QCoro::Task<bool> readOnce();
    [[nodiscard]] QCoro::Task<> findPlace();
    void take(const std::vector<PlacedChange> &changes);
    void emitChanged(const std::vector<PlacedChange> &changes);
    void wake();
    void clearRing();
    void settle();
    void noteAway(const Error &error);

    store::Store &m_store;
    const Clock &m_clock;
    HubLimits m_limits;
    KindSet m_watched = 0; // by the console
    KindSet m_ringKinds = 0; // by streams
    int m_streams = 0;
    int m_filtered = 0; // streams with a filter
    quint64 m_ringLife = 0; // a batch that was begun for other kinds does not belong into the ring
    std::optional<store::FeedCursor> m_cursor; // read up to here
    store::FeedCursor m_floor; // the ring has everything behind it
    std::deque<Entry> m_ring;
    qint64 m_ringBytes = 0;
    qint64 m_lagMs = 0;
    bool m_held = false;
    bool m_wanted = false;
    bool m_away = false;
    QElapsedTimer m_lastRead;
    async::TaskScope &m_scope;
};

// One change as it stands in a stream, and the data in it.
[[nodiscard]] Json changeData(const PlacedChange &change);
[[nodiscard]] QByteArray changeEvent(const PlacedChange &change, const Json &data);

} // namespace signalbox::admin
