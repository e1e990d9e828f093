-- The tables of one message's way: who we are, what came in, what was tried, what went out, and the change feed.
-- Times are epoch milliseconds in UTC, 0 or NULL meaning "never". Ids are text. Tables whose ids grow with time are
-- WITHOUT ROWID: one tree less to write for each row. Checks spell out their alternatives: SQLite builds a table for each
-- IN list of more than two values, at each execution.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID
-- ;
CREATE TABLE engines (
    id TEXT PRIMARY KEY,
    incarnation INTEGER NOT NULL CHECK (incarnation > 0),
    lease_until INTEGER NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    version TEXT NOT NULL,
    config_hash TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    rev INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID
-- ;
CREATE TABLE installations (
    id TEXT PRIMARY KEY,
    channel TEXT NOT NULL,
    tenant TEXT NOT NULL,
    app TEXT NOT NULL,
    backend TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state = 'active' OR state = 'absent' OR state = 'revoked'),
    require_mention INTEGER NOT NULL CHECK (require_mention IN (0, 1)),
    bot_user_id TEXT NOT NULL DEFAULT '',
    rev INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (channel, tenant, app)
) WITHOUT ROWID
-- ;
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    installation_id TEXT NOT NULL REFERENCES installations (id) ON DELETE RESTRICT,
    channel TEXT NOT NULL,
    tenant TEXT NOT NULL,
    backend TEXT NOT NULL,
    place TEXT NOT NULL,
    thread TEXT NOT NULL,
    agent_session TEXT NOT NULL DEFAULT '',
    agent_engine TEXT NOT NULL DEFAULT '',
    next_ordinal INTEGER NOT NULL,
    fence INTEGER NOT NULL DEFAULT 0,
    lock_holder TEXT,
    lock_engine TEXT,
    lock_incarnation INTEGER,
    lock_acquired_at INTEGER,
    lock_expires_at INTEGER,
    last_active_at INTEGER NOT NULL,
    rev INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK ((lock_holder IS NULL) = (lock_engine IS NULL) AND (lock_holder IS NULL) = (lock_expires_at IS NULL))
) WITHOUT ROWID
-- ;
CREATE INDEX sessions_created ON sessions (created_at, id)
-- ;
CREATE INDEX sessions_locked ON sessions (lock_engine, lock_incarnation) WHERE lock_holder IS NOT NULL
-- ;
CREATE TABLE deliveries (
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
    CHECK ((state = 'running') = (engine_id IS NOT NULL) AND (state = 'running') = (incarnation IS NOT NULL)),
    CHECK ((blocks = 1) = (state IN ('pending', 'running') OR (state = 'waiting' AND waits_for <> 'outbound'))),
    CHECK (((state = 'completed' OR state = 'cancelled' OR state = 'dead'
        OR state = 'unconfirmed')) = (finished_at > 0)),
    CHECK (resolution IS NULL OR state IN ('dead', 'unconfirmed')),
    CHECK (session_id IS NOT NULL OR outcome = 'ignored')
) WITHOUT ROWID
-- ;
CREATE INDEX deliveries_session ON deliveries (session_id, ordinal)
-- ;
CREATE INDEX deliveries_blocking ON deliveries (session_id, ordinal) WHERE blocks = 1
-- ;
CREATE INDEX deliveries_due ON deliveries (due_at, id) WHERE state = 'pending'
        OR (state = 'waiting' AND waits_for = 'retry')
-- ;
CREATE INDEX deliveries_running ON deliveries (engine_id, incarnation) WHERE state = 'running'
-- ;
CREATE INDEX deliveries_open ON deliveries (state, waits_for, created_at) WHERE state <> 'completed'
-- ;
CREATE TABLE inbound_keys (
    key TEXT PRIMARY KEY,
    delivery_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID
-- ;
CREATE TABLE payloads (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID
-- ;
CREATE TABLE attempts (
    subject_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    id TEXT NOT NULL,
    delivery_id TEXT NOT NULL,
    what TEXT NOT NULL CHECK (what = 'turn' OR what = 'post' OR what = 'react' OR what = 'unreact'),
    target TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome = 'running' OR outcome = 'ok' OR outcome = 'failed' OR outcome = 'unknown'),
    error_code TEXT NOT NULL DEFAULT '',
    error_text TEXT NOT NULL DEFAULT '',
    sent TEXT NOT NULL DEFAULT '',
    received TEXT NOT NULL DEFAULT '',
    started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (subject_id, number),
    CHECK ((outcome = 'running') = (ended_at = 0))
) WITHOUT ROWID
-- ;
CREATE INDEX attempts_delivery ON attempts (delivery_id)
-- ;
CREATE TABLE outbound_messages (
    id TEXT PRIMARY KEY,
    installation_id TEXT NOT NULL REFERENCES installations (id) ON DELETE RESTRICT,
    delivery_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind = 'reply' OR kind = 'status' OR kind = 'notice' OR kind = 'reaction'),
    op TEXT NOT NULL CHECK (op = 'post' OR op = 'react' OR op = 'unreact'),
    state TEXT NOT NULL CHECK (state = 'pending' OR state = 'sending' OR state = 'sent' OR state = 'refused'
        OR state = 'retry' OR state = 'unknown' OR state = 'dead' OR state = 'cancelled'),
    lane TEXT NOT NULL,
    place TEXT NOT NULL,
    thread TEXT NOT NULL,
    target_ts TEXT NOT NULL DEFAULT '',
    part INTEGER NOT NULL CHECK (part >= 1),
    parts INTEGER NOT NULL CHECK (parts >= part),
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL,
    engine_id TEXT,
    incarnation INTEGER,
    error_code TEXT NOT NULL DEFAULT '',
    channel_ts TEXT NOT NULL DEFAULT '',
    maybe_doubled INTEGER NOT NULL DEFAULT 0 CHECK (maybe_doubled IN (0, 1)),
    resolution TEXT CHECK (resolution = 'delivered' OR resolution = 'replayed' OR resolution = 'retried'
        OR resolution = 'discarded' OR resolution = 'abandoned'),
    rev INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (delivery_id, purpose),
    CHECK ((engine_id IS NULL) = (incarnation IS NULL)),
    CHECK (state <> 'sending' OR engine_id IS NOT NULL)
) WITHOUT ROWID
-- ;
CREATE INDEX outbound_due ON outbound_messages (due_at, id) WHERE state IN ('pending', 'retry', 'unknown')
-- ;
CREATE INDEX outbound_lane ON outbound_messages (lane, id) WHERE state IN ('pending', 'retry', 'unknown', 'sending')
-- ;
CREATE INDEX outbound_claimed ON outbound_messages (engine_id, incarnation) WHERE engine_id IS NOT NULL
-- ;
CREATE TABLE feed (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    rev INTEGER NOT NULL,
    at INTEGER NOT NULL
)
-- ;
CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    result TEXT NOT NULL
) WITHOUT ROWID
