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
