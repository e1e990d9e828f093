-- The tables of one message's way: who we are, what came in, what was tried, what went out, and the change feed.
-- Times are epoch milliseconds in UTC, 0 or NULL meaning "never". Ids are text. The same tables as on SQLite; the feed
-- carries the writing transaction's id, because sequence numbers alone do not follow the order of commits. Ids and keys
-- compare as bytes whatever the cluster's locale: they are what pages and lanes are ordered by.
CREATE TABLE meta (
    key TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL
)
-- ;
CREATE TABLE engines (
    id TEXT COLLATE "C" PRIMARY KEY,
    incarnation BIGINT NOT NULL CHECK (incarnation > 0),
    lease_until BIGINT NOT NULL,
    host TEXT NOT NULL,
    pid BIGINT NOT NULL,
    version TEXT NOT NULL,
    config_hash TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    rev BIGINT NOT NULL DEFAULT 1
)
-- ;
CREATE TABLE installations (
    id TEXT COLLATE "C" PRIMARY KEY,
    channel TEXT NOT NULL,
    tenant TEXT NOT NULL,
    app TEXT NOT NULL,
    backend TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'absent', 'revoked')),
    require_mention SMALLINT NOT NULL CHECK (require_mention IN (0, 1)),
    bot_user_id TEXT NOT NULL DEFAULT '',
    rev BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (channel, tenant, app)
)
-- ;
CREATE TABLE sessions (
    id TEXT COLLATE "C" PRIMARY KEY,
    installation_id TEXT COLLATE "C" NOT NULL REFERENCES installations (id) ON DELETE RESTRICT,
    channel TEXT NOT NULL,
    tenant TEXT NOT NULL,
    backend TEXT NOT NULL,
    place TEXT COLLATE "C" NOT NULL,
    thread TEXT COLLATE "C" NOT NULL,
    agent_session TEXT NOT NULL DEFAULT '',
    agent_engine TEXT NOT NULL DEFAULT '',
    next_ordinal BIGINT NOT NULL,
    fence BIGINT NOT NULL DEFAULT 0,
    lock_holder TEXT COLLATE "C",
    lock_engine TEXT COLLATE "C",
    lock_incarnation BIGINT,
    lock_acquired_at BIGINT,
    lock_expires_at BIGINT,
    last_active_at BIGINT NOT NULL,
    rev BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK ((lock_holder IS NULL) = (lock_engine IS NULL) AND (lock_holder IS NULL) = (lock_expires_at IS NULL))
)
-- ;
CREATE INDEX sessions_created ON sessions (created_at, id)
-- ;
CREATE INDEX sessions_locked ON sessions (lock_engine, lock_incarnation) WHERE lock_holder IS NOT NULL
-- ;
CREATE TABLE deliveries (
    id TEXT COLLATE "C" PRIMARY KEY,
    installation_id TEXT COLLATE "C" NOT NULL REFERENCES installations (id) ON DELETE RESTRICT,
    session_id TEXT COLLATE "C" REFERENCES sessions (id) ON DELETE RESTRICT,
    ordinal BIGINT NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'waiting', 'completed', 'cancelled', 'dead', 'unconfirmed')),
    waits_for TEXT NOT NULL DEFAULT '' CHECK (waits_for IN ('', 'lock', 'runtime', 'person', 'retry', 'token', 'outbound')),
    outcome TEXT NOT NULL DEFAULT '' CHECK (outcome IN ('', 'delivered', 'no_reply', 'ignored')),
    prompt_state TEXT NOT NULL DEFAULT 'none' CHECK (prompt_state IN ('none', 'sending', 'accepted')),
    blocks SMALLINT NOT NULL CHECK (blocks IN (0, 1)),
    mentioned SMALLINT NOT NULL CHECK (mentioned IN (0, 1)),
    direct SMALLINT NOT NULL CHECK (direct IN (0, 1)),
    place TEXT COLLATE "C" NOT NULL,
    thread TEXT COLLATE "C" NOT NULL,
    message_ts TEXT NOT NULL,
    user_id TEXT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    due_at BIGINT NOT NULL,
    fence BIGINT NOT NULL DEFAULT 0,
    engine_id TEXT COLLATE "C",
    incarnation BIGINT,
    error_code TEXT NOT NULL DEFAULT '',
    error_text TEXT NOT NULL DEFAULT '',
    resolution TEXT CHECK (resolution IN ('delivered', 'replayed', 'retried', 'discarded', 'abandoned')),
    claimed_at BIGINT NOT NULL DEFAULT 0,
    prompt_sent_at BIGINT NOT NULL DEFAULT 0,
    accepted_at BIGINT NOT NULL DEFAULT 0,
    turn_ended_at BIGINT NOT NULL DEFAULT 0,
    finished_at BIGINT NOT NULL DEFAULT 0,
    rev BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK ((state = 'waiting') = (waits_for <> '')),
    CHECK ((state = 'completed') = (outcome <> '')),
    CHECK ((state = 'running') = (engine_id IS NOT NULL) AND (state = 'running') = (incarnation IS NOT NULL)),
    CHECK ((blocks = 1) = (state IN ('pending', 'running') OR (state = 'waiting' AND waits_for <> 'outbound'))),
    CHECK ((state IN ('completed', 'cancelled', 'dead', 'unconfirmed')) = (finished_at > 0)),
    CHECK (resolution IS NULL OR state IN ('dead', 'unconfirmed')),
    CHECK (session_id IS NOT NULL OR outcome = 'ignored')
)
-- ;
CREATE INDEX deliveries_session ON deliveries (session_id, ordinal)
-- ;
CREATE INDEX deliveries_blocking ON deliveries (session_id, ordinal) WHERE blocks = 1
-- ;
CREATE INDEX deliveries_due ON deliveries (due_at, id) WHERE state = 'pending' OR (state = 'waiting' AND waits_for = 'retry')
-- ;
CREATE INDEX deliveries_running ON deliveries (engine_id, incarnation) WHERE state = 'running'
-- ;
CREATE INDEX deliveries_open ON deliveries (state, waits_for, created_at) WHERE state <> 'completed'
-- ;
CREATE TABLE inbound_keys (
    key TEXT COLLATE "C" PRIMARY KEY,
    delivery_id TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL
)
-- ;
CREATE TABLE payloads (
    id TEXT COLLATE "C" PRIMARY KEY,
    body TEXT NOT NULL,
    expires_at BIGINT NOT NULL
)
-- ;
CREATE TABLE attempts (
    subject_id TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    delivery_id TEXT COLLATE "C" NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('turn', 'post', 'react', 'unreact')),
    target TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('running', 'ok', 'failed', 'unknown')),
    error_code TEXT NOT NULL DEFAULT '',
    error_text TEXT NOT NULL DEFAULT '',
    sent TEXT NOT NULL DEFAULT '',
    received TEXT NOT NULL DEFAULT '',
    started_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (subject_id, number),
    CHECK ((outcome = 'running') = (ended_at = 0))
)
-- ;
CREATE INDEX attempts_delivery ON attempts (delivery_id)
-- ;
CREATE TABLE outbound_messages (
    id TEXT COLLATE "C" PRIMARY KEY,
    installation_id TEXT COLLATE "C" NOT NULL REFERENCES installations (id) ON DELETE RESTRICT,
    delivery_id TEXT COLLATE "C" NOT NULL,
    purpose TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('reply', 'status', 'notice', 'reaction')),
    op TEXT NOT NULL CHECK (op IN ('post', 'react', 'unreact')),
    state TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'sent', 'refused', 'retry', 'unknown', 'dead', 'cancelled')),
    lane TEXT COLLATE "C" NOT NULL,
    place TEXT COLLATE "C" NOT NULL,
    thread TEXT COLLATE "C" NOT NULL,
    target_ts TEXT NOT NULL DEFAULT '',
    part BIGINT NOT NULL CHECK (part >= 1),
    parts BIGINT NOT NULL CHECK (parts >= part),
    attempts BIGINT NOT NULL DEFAULT 0,
    due_at BIGINT NOT NULL,
    engine_id TEXT COLLATE "C",
    incarnation BIGINT,
    error_code TEXT NOT NULL DEFAULT '',
    channel_ts TEXT NOT NULL DEFAULT '',
    maybe_doubled SMALLINT NOT NULL DEFAULT 0 CHECK (maybe_doubled IN (0, 1)),
    resolution TEXT CHECK (resolution IN ('delivered', 'replayed', 'retried', 'discarded', 'abandoned')),
    rev BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (delivery_id, purpose),
    CHECK ((engine_id IS NULL) = (incarnation IS NULL)),
    CHECK (state <> 'sending' OR engine_id IS NOT NULL)
)
-- ;
CREATE INDEX outbound_due ON outbound_messages (due_at, id) WHERE state IN ('pending', 'retry', 'unknown')
-- ;
CREATE INDEX outbound_lane ON outbound_messages (lane, id) WHERE state IN ('pending', 'retry', 'unknown', 'sending')
-- ;
CREATE INDEX outbound_claimed ON outbound_messages (engine_id, incarnation) WHERE engine_id IS NOT NULL
-- ;
CREATE TABLE feed (
    seq BIGINT GENERATED BY DEFAULT AS IDENTITY,
    xid BIGINT NOT NULL DEFAULT CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT),
    kind TEXT NOT NULL,
    entity_id TEXT COLLATE "C" NOT NULL,
    rev BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (xid, seq)
)
-- ;
CREATE TABLE audit (
    id TEXT COLLATE "C" PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT COLLATE "C" NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    result TEXT NOT NULL
)
