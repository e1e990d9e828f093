-- How a message reaches its runtime: the stage it is in, waiting for a runtime while its lock is held, the fence under
-- which its prompt left, retries linked to what they retry, and who settled what gave up. SQLite cannot change a CHECK, so
-- the table is made anew.
CREATE TABLE deliveries_next (
    id TEXT PRIMARY KEY,
    installation_id TEXT NOT NULL REFERENCES installations (id) ON DELETE RESTRICT,
    session_id TEXT REFERENCES sessions (id) ON DELETE RESTRICT,
    ordinal INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state = 'pending' OR state = 'running' OR state = 'waiting' OR state = 'completed'
        OR state = 'cancelled' OR state = 'dead' OR state = 'unconfirmed'),
    waits_for TEXT NOT NULL DEFAULT '' CHECK (waits_for = '' OR waits_for = 'lock' OR waits_for = 'runtime'
        OR waits_for = 'person' OR waits_for = 'retry' OR waits_for = 'token' OR waits_for = 'outbound'),
    outcome TEXT NOT NULL DEFAULT '' CHECK (outcome = '' OR outcome = 'delivered' OR outcome = 'no_reply'
        OR outcome = 'ignored'),
    prompt_state TEXT NOT NULL DEFAULT 'none' CHECK (prompt_state = 'none' OR prompt_state = 'sending'
        OR prompt_state = 'accepted'),
    prompt_fence INTEGER NOT NULL DEFAULT 0,
    stage TEXT NOT NULL DEFAULT '' CHECK (stage = '' OR stage = 'binding' OR stage = 'recovering' OR stage = 'opening'
        OR stage = 'prompting' OR stage = 'adopting'),
    blocks INTEGER NOT NULL CHECK (blocks IN (0, 1)),
    mentioned INTEGER NOT NULL CHECK (mentioned IN (0, 1)),
    direct INTEGER NOT NULL CHECK (direct IN (0, 1)),
    place TEXT NOT NULL,
    thread TEXT NOT NULL,
    message_ts TEXT NOT NULL,
    user_id TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL,
    fence INTEGER NOT NULL DEFAULT 0,
    engine_id TEXT,
    incarnation INTEGER,
    error_code TEXT NOT NULL DEFAULT '',
    error_text TEXT NOT NULL DEFAULT '',
    resolution TEXT CHECK (resolution = 'delivered' OR resolution = 'replayed' OR resolution = 'retried'
        OR resolution = 'discarded' OR resolution = 'abandoned'),
    resolved_by TEXT NOT NULL DEFAULT '',
    resolved_at INTEGER NOT NULL DEFAULT 0,
    parent_id TEXT NOT NULL DEFAULT '',
    claimed_at INTEGER NOT NULL DEFAULT 0,
    prompt_sent_at INTEGER NOT NULL DEFAULT 0,
    accepted_at INTEGER NOT NULL DEFAULT 0,
    turn_ended_at INTEGER NOT NULL DEFAULT 0,
    finished_at INTEGER NOT NULL DEFAULT 0,
    rev INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK ((state = 'waiting') = (waits_for <> '')),
    CHECK ((state = 'completed') = (outcome <> '')),
    CHECK ((engine_id IS NULL) = (incarnation IS NULL)),
    CHECK (state <> 'running' OR engine_id IS NOT NULL),
    CHECK (engine_id IS NULL OR state = 'running' OR (state = 'waiting' AND waits_for IN ('runtime', 'person'))),
    CHECK (stage = '' OR engine_id IS NOT NULL),
    CHECK ((blocks = 1) = (state IN ('pending', 'running') OR (state = 'waiting' AND waits_for <> 'outbound'))),
    CHECK (((state = 'completed' OR state = 'cancelled' OR state = 'dead'
        OR state = 'unconfirmed')) = (finished_at > 0)),
    CHECK (resolution IS NULL OR state IN ('dead', 'unconfirmed')),
    CHECK ((resolution IS NULL) = (resolved_at = 0)),
    CHECK (session_id IS NOT NULL OR outcome = 'ignored')
) WITHOUT ROWID
-- ;
INSERT INTO deliveries_next (id, installation_id, session_id, ordinal, state, waits_for, outcome, prompt_state, blocks, mentioned, direct, place, thread, message_ts, user_id, attempts, due_at, fence, engine_id, incarnation, error_code, error_text, resolution, claimed_at, prompt_sent_at, accepted_at, turn_ended_at, finished_at, rev, created_at, updated_at)
SELECT id, installation_id, session_id, ordinal, state, waits_for, outcome, prompt_state, blocks, mentioned, direct, place, thread, message_ts, user_id, attempts, due_at, fence, engine_id, incarnation, error_code, error_text, resolution, claimed_at, prompt_sent_at, accepted_at, turn_ended_at, finished_at, rev, created_at, updated_at FROM deliveries
-- ;
DROP TABLE deliveries
-- ;
ALTER TABLE deliveries_next RENAME TO deliveries
-- ;
CREATE INDEX deliveries_session ON deliveries (session_id, blocks, ordinal)
-- ;
CREATE INDEX deliveries_open ON deliveries (state, waits_for, due_at, id) WHERE state <> 'completed'
-- ;
CREATE INDEX deliveries_held ON deliveries (engine_id, incarnation) WHERE engine_id IS NOT NULL
-- ;
CREATE INDEX deliveries_parent ON deliveries (parent_id) WHERE parent_id <> ''
-- ;
ALTER TABLE sessions ADD COLUMN runtime_namespace TEXT NOT NULL DEFAULT ''
-- ;
ALTER TABLE sessions ADD COLUMN runtime_instance TEXT NOT NULL DEFAULT ''
-- ;
ALTER TABLE sessions ADD COLUMN unsettled INTEGER NOT NULL DEFAULT 0 CHECK (unsettled = 0 OR unsettled = 1)
-- ;
ALTER TABLE installations ADD COLUMN policy TEXT NOT NULL DEFAULT ''
-- ;
ALTER TABLE installations ADD COLUMN policy_at INTEGER NOT NULL DEFAULT 0
-- ;
ALTER TABLE installations ADD COLUMN trouble TEXT NOT NULL DEFAULT ''
-- ;
CREATE TABLE runtimes (
    id TEXT PRIMARY KEY,
    backend TEXT NOT NULL,
    namespace TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    phase TEXT NOT NULL,
    phase_source TEXT NOT NULL CHECK (phase_source = 'reported' OR phase_source = 'observed'),
    phase_at INTEGER NOT NULL,
    detail TEXT NOT NULL DEFAULT '',
    rev INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID
