-- Each index is a tree that every message writes to. One over the open deliveries serves claims, counts and the work of a
-- lost engine; one over a session's deliveries serves its order and its list.
DROP INDEX deliveries_session
-- ;
DROP INDEX deliveries_blocking
-- ;
DROP INDEX deliveries_due
-- ;
DROP INDEX deliveries_running
-- ;
DROP INDEX deliveries_open
-- ;
CREATE INDEX deliveries_session ON deliveries (session_id, blocks, ordinal)
-- ;
CREATE INDEX deliveries_open ON deliveries (state, waits_for, due_at, id) WHERE state <> 'completed'
-- ;
-- Without AUTOINCREMENT, whose bookkeeping is one more page for each entry: sweeps keep the newest entry, so numbers never
-- come again.
ALTER TABLE feed RENAME TO feed_before
-- ;
CREATE TABLE feed (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    rev INTEGER NOT NULL,
    at INTEGER NOT NULL
)
-- ;
INSERT INTO feed (seq, kind, entity_id, rev, at) SELECT seq, kind, entity_id, rev, at FROM feed_before
-- ;
INSERT INTO feed (seq, kind, entity_id, rev, at)
SELECT seq, 'trimmed', '', 0, 0 FROM sqlite_sequence WHERE name = 'feed_before' AND NOT EXISTS (SELECT 1 FROM feed)
-- ;
DROP TABLE feed_before
