// SPDX-License-Identifier: Apache-2.0
#include "store/units.h"

using namespace Qt::StringLiterals;

// The change feed (DESIGN.md "Replicas and live updates"): its cursor is (epoch, xid, seq). On PostgreSQL a
// reader sees only entries of transactions older than every running one, because ordering by seq alone would
// skip late commits; on SQLite commits and sequence numbers have one order, and xid is 0.

namespace signalbox::store {

std::optional<FeedCursor> FeedCursor::parse(QStringView text)
{
    const auto parts = text.split(u'.');
    // It comes from outside and goes back into an event's id.
    const auto isPlain = [](QChar c) {
        return (c >= u'a' && c <= u'z') || (c >= u'A' && c <= u'Z') || (c >= u'0' && c <= u'9') || c == u'-';
    };
    if (parts.size() != 3 || parts[0].isEmpty() || !std::all_of(parts[0].begin(), parts[0].end(), isPlain))
        return std::nullopt;
    FeedCursor cursor;
    bool xidOk = false;
    bool seqOk = false;
    cursor.epoch = parts[0].toString();
    cursor.xid = parts[1].toLongLong(&xidOk);
    cursor.seq = parts[2].toLongLong(&seqOk);
    if (!xidOk || !seqOk || cursor.xid < 0 || cursor.seq < 0)
        return std::nullopt;
    return cursor;
}

namespace {

// What a reader must know of the feed besides its entries.
struct FeedState
{
    FeedState() = default;
    FeedCursor head; // everything up to it has been committed, and is seen by lists that are read now
    FeedCursor trimmed;
};

Result<FeedState> feedState(Session &session)
{
    const char *sql = session.dialect() == Dialect::Sqlite
        // A feed that was trimmed to its end goes on where it was trimmed.
        ? "SELECT (SELECT value FROM meta WHERE key = 'feed_epoch'), "
          "(SELECT value FROM meta WHERE key = 'feed_trimmed_xid'), "
          "(SELECT value FROM meta WHERE key = 'feed_trimmed_seq'), 0, "
          "COALESCE((SELECT MAX(seq) FROM feed), (SELECT CAST(value AS INTEGER) FROM meta "
          "WHERE key = 'feed_trimmed_seq'), 0)"
        // Everything below the snapshot's xmin has been seen once the lists are read; what comes is at or
        // above it.
        : "SELECT (SELECT value FROM meta WHERE key = 'feed_epoch'), "
          "(SELECT value FROM meta WHERE key = 'feed_trimmed_xid'), "
          "(SELECT value FROM meta WHERE key = 'feed_trimmed_seq'), "
          "CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT) - 1, 9223372036854775807";
    auto rows = session.query(sql);
    if (!rows)
        return fail(rows.error());
    if (!rows->next() || rows->isNull(0))
        return fail(ErrorCode::Corrupt, u"the database has no feed epoch"_s);
    FeedState state;
    state.head.epoch = rows->text(0);
    state.trimmed.epoch = state.head.epoch;
    state.trimmed.xid = rows->isNull(1) ? 0 : rows->number(1);
    state.trimmed.seq = rows->isNull(2) ? 0 : rows->number(2);
    state.head.xid = rows->number(3);
    state.head.seq = rows->number(4);
    return state;
}

// Entries of transactions that are over, behind one that is not (PostgreSQL only).
Status noteHeld(Session &session, const FeedCursor &head, Instant now, FeedBatch &batch)
{
    auto rows = session.query(
        "SELECT at FROM feed WHERE (xid, seq) > (?, ?) ORDER BY xid, seq LIMIT 1", head.xid, head.seq);
    if (!rows)
        return fail(rows.error());
    if (rows->next()) {
        batch.held = true;
        batch.lagMs = std::max(batch.lagMs, toMs(now) - rows->number(0));
    }
    return {};
}

} // namespace

Result<FeedCursor> feedHeadUnit(Session &session)
{
    const auto state = feedState(session);
    if (!state)
        return fail(state.error());
    return state->head;
}

Result<FeedBatch> readFeedUnit(Session &session, const FeedCursor &after, int most)
{
    const auto state = feedState(session);
    if (!state)
        return fail(state.error());
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    const bool sqlite = session.dialect() == Dialect::Sqlite;
    FeedBatch batch;
    batch.cursor = after;
    batch.oldest = state->trimmed;
    batch.readAt = *now;
    // A cursor of the future was told by a database that has been put back since.
    batch.gap
        = after.epoch != state->head.epoch || after.isBefore(state->trimmed) || state->head.isBefore(after);
    if (batch.gap)
        return batch;
    {
        auto rows = sqlite ? session.query("SELECT 0, seq, kind, entity_id, rev, at FROM feed WHERE seq > ? "
                                           "ORDER BY seq LIMIT ?",
                        after.seq, most + 1)
                           : session.query("SELECT xid, seq, kind, entity_id, rev, at FROM feed "
                                           "WHERE (xid, seq) > (?, ?) AND xid <= ? ORDER BY xid, seq LIMIT ?",
                               after.xid, after.seq, state->head.xid, most + 1);
        if (!rows)
            return fail(rows.error());
        while (rows->next()) {
            if (static_cast<int>(batch.entries.size()) == most) {
                batch.more = true;
                break;
            }
            FeedEntry &entry = batch.entries.emplace_back();
            entry.xid = rows->number(0);
            entry.seq = rows->number(1);
            entry.kind = rows->text(2);
            entry.id = rows->text(3);
            entry.rev = rows->number(4);
            batch.cursor.xid = entry.xid;
            batch.cursor.seq = entry.seq;
            if (batch.lagMs == 0)
                batch.lagMs = std::max<qint64>(0, toMs(*now) - rows->number(5));
        }
    }
    if (batch.more)
        return batch;
    batch.cursor = state->head;
    if (!sqlite) {
        if (auto noted = noteHeld(session, state->head, *now, batch); !noted)
            return fail(noted.error());
    }
    return batch;
}

namespace {

// Notes up to where the feed was trimmed, so that an older cursor meets a gap instead of silence.
Status noteTrimmed(Session &session, qint64 xid, qint64 seq)
{
    const auto noted
        = session.run("INSERT INTO meta (key, value) VALUES ('feed_trimmed_xid', ?), ('feed_trimmed_seq', ?) "
                      "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            QString::number(xid), QString::number(seq));
    if (!noted)
        return fail(noted.error());
    return {};
}

} // namespace

Result<int> trimFeed(Session &session, Instant before, int most)
{
    const bool sqlite = session.dialect() == Dialect::Sqlite;
    qint64 xid = 0;
    qint64 seq = 0;
    {
        // On SQLite the newest stays: the next number is one more than it.
        auto rows = session.query(sqlite
                ? "SELECT 0, seq FROM (SELECT seq, at FROM feed "
                  "WHERE seq < (SELECT MAX(seq) FROM feed) ORDER BY seq LIMIT ?) AS oldest "
                  "WHERE at < ? ORDER BY seq DESC LIMIT 1"
                : "SELECT xid, seq FROM (SELECT xid, seq, at FROM feed ORDER BY xid, seq LIMIT ?) AS oldest "
                  "WHERE at < ? ORDER BY xid DESC, seq DESC LIMIT 1",
            most, before);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return 0;
        xid = rows->number(0);
        seq = rows->number(1);
    }
    const auto removed = sqlite ? session.run("DELETE FROM feed WHERE seq <= ?", seq)
                                : session.run("DELETE FROM feed WHERE (xid, seq) <= (?, ?)", xid, seq);
    if (!removed)
        return fail(removed.error());
    if (auto noted = noteTrimmed(session, xid, seq); !noted)
        return fail(noted.error());
    return *removed;
}

} // namespace signalbox::store
