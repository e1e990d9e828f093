// SPDX-License-Identifier: Apache-2.0
#include "store/idempotency.h"
#include "store/interaction_records.h"
#include "store/units.h"
#include "store/webhook_records.h"

#include <algorithm>

using namespace Qt::StringLiterals;

// What is over and has outlived its time goes, in bounded batches (DESIGN.md "Configuration against state").

namespace signalbox::store {

namespace {

constexpr Millis kGoneEngines{
    std::chrono::hours(24)}; // an engine without a data folder has a new id each time
constexpr Millis kForwardsGiveUp{std::chrono::hours(25)}; // an hour after their own sender would have

// Looks at the next `most` payloads in the order of their ids, which follow time, and goes on behind them the
// next time: those that are kept longer must not hide the others. What still needs a person, or is not
// finished, keeps its text.
Result<int> sweepPayloads(Session &session, Instant now, Millis payloadAge, int most)
{
    QString from;
    {
        auto rows = session.query("SELECT value FROM meta WHERE key = 'payloads_swept'");
        if (!rows)
            return fail(rows.error());
        if (rows->next())
            from = rows->text(0);
    }
    QString last;
    Instant expires = now;
    {
        auto rows = session.query("SELECT id, expires_at FROM (SELECT id, expires_at FROM payloads WHERE id "
                                  "> ? ORDER BY id LIMIT ?) "
                                  "AS looked ORDER BY id DESC LIMIT 1",
            from, most);
        if (!rows)
            return fail(rows.error());
        if (rows->next()) {
            last = rows->text(0);
            expires = rows->instant(1);
        }
    }
    Result<int> removed = 0;
    if (!last.isEmpty()) {
        removed = session.run(
            "DELETE FROM payloads WHERE id > ? AND id <= ? AND expires_at < ? AND NOT EXISTS "
            "(SELECT 1 FROM deliveries d WHERE d.id = payloads.id "
            "AND (d.finished_at = 0 OR (d.state IN ('dead', 'unconfirmed') AND d.finished_at > ?))) "
            "AND NOT EXISTS (SELECT 1 FROM outbound_messages o WHERE o.id = payloads.id "
            "AND o.state IN ('pending', 'sending', 'retry', 'unknown')) "
            "AND NOT EXISTS (SELECT 1 FROM webhook_calls w WHERE w.id = payloads.id "
            "AND w.state IN ('pending', 'sending', 'retry'))",
            from, last, now, now - payloadAge);
        if (!removed)
            return removed;
    }
    // Behind the last expired one everything is younger: the next time starts at the oldest again.
    const QString next = expires < now ? last : QString();
    if (next != from) {
        const auto noted = session.run("INSERT INTO meta (key, value) VALUES ('payloads_swept', ?) "
                                       "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            next);
        if (!noted)
            return fail(noted.error());
    }
    return removed;
}

// Smaller than every id that was made at or after this time: ids are UUIDv7, their first 48 bits are
// milliseconds.
QString idFloor(Instant at)
{
    const QString hex = QString::number(std::max<qint64>(toMs(at), 0), 16).rightJustified(12, u'0');
    return hex.left(8) + u'-' + hex.mid(8);
}

// Lifecycle: a forward whose backend has lost its webhook is tried by nobody; what is old goes, forwards
// first.
Result<int> sweepLifecycle(Session &session, Instant now, Millis history, int most)
{
    const auto abandoned = abandonForwards(session, now, now - kForwardsGiveUp, most);
    if (!abandoned)
        return abandoned;
    const auto forwards = session.run("DELETE FROM lifecycle_forwards WHERE id IN (SELECT id FROM "
                                      "lifecycle_forwards WHERE id < ? AND state IN ('sent', 'dead') "
                                      "AND updated_at < ? ORDER BY id LIMIT ?)",
        idFloor(now - history), now - history, most);
    if (!forwards)
        return forwards;
    // The latest of a runtime stays: what comes next is ordered behind it.
    const auto events
        = session.run("DELETE FROM lifecycle_events WHERE id IN (SELECT e.id FROM lifecycle_events e WHERE "
                      "e.id < ? AND e.received_at < ? "
                      "AND NOT EXISTS (SELECT 1 FROM lifecycle_forwards f WHERE f.event_id = e.id) "
                      "AND EXISTS (SELECT 1 FROM lifecycle_events l WHERE l.runtime_id = e.runtime_id "
                      "AND l.position > e.position) ORDER BY e.id LIMIT ?)",
            idFloor(now - history), now - history, most);
    if (!events)
        return events;
    return *abandoned + *forwards + *events;
}

// The same for calls to webhooks: their ids begin with those of their interactions.
Result<int> sweepWebhookCalls(Session &session, Instant now, Millis history, int most)
{
    const auto abandoned = abandonWebhookCalls(session, now - kForwardsGiveUp, most);
    if (!abandoned)
        return abandoned;
    const auto removed
        = session.run("DELETE FROM webhook_calls WHERE id IN (SELECT id FROM webhook_calls WHERE id < ? "
                      "AND state IN ('sent', 'dead') AND updated_at < ? ORDER BY id LIMIT ?)",
            idFloor(now - history), now - history, most);
    if (!removed)
        return removed;
    return *abandoned + *removed;
}

Result<int> sweepKeys(Session &session, Instant now, int most)
{
    // Keys begin with their time, so the oldest stand first.
    return session.run("DELETE FROM inbound_keys WHERE key IN "
                       "(SELECT key FROM (SELECT key, expires_at FROM inbound_keys ORDER BY key LIMIT ?) AS "
                       "oldest WHERE expires_at < ?)",
        most, now);
}

Result<int> sweepAudit(Session &session, Instant before, int most)
{
    // Its ids follow time.
    return session.run("DELETE FROM audit WHERE id IN (SELECT id FROM (SELECT id, at FROM audit ORDER BY id "
                       "LIMIT ?) AS oldest WHERE at < ?)",
        most, before);
}

} // namespace

Result<int> sweepUnit(Session &session, const Retention &retention, int most)
{
    const auto now = session.now();
    if (!now)
        return fail(now.error());
    int removed = 0;
    const auto add = [&](const Result<int> &count) -> Status {
        if (!count)
            return fail(count.error());
        removed += *count;
        return {};
    };
    if (auto done = add(trimFeed(session, *now - retention.feed, most)); !done)
        return fail(done.error());
    if (auto done = add(sweepKeys(session, *now, most)); !done)
        return fail(done.error());
    if (auto done = add(sweepPayloads(session, *now, retention.deadLetters, most)); !done)
        return fail(done.error());
    if (auto done = add(sweepLifecycle(session, *now, retention.history, most)); !done)
        return fail(done.error());
    if (auto done = add(sweepWebhookCalls(session, *now, retention.history, most)); !done)
        return fail(done.error());
    if (auto done = add(sweepKeyedAnswers(session, *now, most)); !done)
        return fail(done.error());
    if (auto done = add(sweepInteractions(session, *now, retention.history, most)); !done)
        return fail(done.error());
    if (auto done = add(sweepEngines(session, *now - kGoneEngines, most)); !done)
        return fail(done.error());
    if (auto done = add(sweepAudit(session, *now - retention.audit, most)); !done)
        return fail(done.error());
    return removed;
}

} // namespace signalbox::store
