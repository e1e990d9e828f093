-- Questions that wait for a person, and the messages that show them: cards, which are edited when they are over. SQLite
-- cannot change a CHECK, so the tables that name kinds and calls are made anew; the log that points into one of them with
-- it.
CREATE TABLE interactions (
    id TEXT PRIMARY KEY,
    installation_id TEXT NOT NULL REFERENCES installations (id) ON DELETE RESTRICT,
    place TEXT NOT NULL,
    thread TEXT NOT NULL,
    session_id TEXT NOT NULL DEFAULT '',
    delivery_id TEXT NOT NULL DEFAULT '',
    origin TEXT NOT NULL CHECK (origin = 'permission' OR origin = 'form' OR origin = 'question'),
    kind TEXT NOT NULL DEFAULT '',
    answerers TEXT NOT NULL CHECK (answerers <> ''),
    text TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state = 'posting' OR state = 'open' OR state = 'answered' OR state = 'expired'
        OR state = 'cancelled' OR state = 'withdrawn'),
    answer TEXT NOT NULL DEFAULT '',
    answered_by TEXT NOT NULL DEFAULT '',
    comment TEXT NOT NULL DEFAULT '',
    claim_id TEXT NOT NULL DEFAULT '',
    error_code TEXT NOT NULL DEFAULT '',
    channel_ts TEXT NOT NULL DEFAULT '',
    engine_id TEXT,
    incarnation INTEGER,
    connection TEXT NOT NULL DEFAULT '',
    request TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    kept_until INTEGER NOT NULL,
    clicked_at INTEGER NOT NULL DEFAULT 0,
    accepted_at INTEGER NOT NULL DEFAULT 0,
    card_updated_at INTEGER NOT NULL DEFAULT 0,
    resolved_at INTEGER NOT NULL DEFAULT 0,
    updated_at INTEGER NOT NULL,
    rev INTEGER NOT NULL DEFAULT 1,
    CHECK ((state = 'posting' OR state = 'open') = (resolved_at = 0)),
    CHECK (state <> 'open' OR channel_ts <> ''),
    CHECK (state <> 'answered' OR clicked_at > 0),
    CHECK ((state <> 'posting' AND state <> 'open') OR clicked_at = 0),
    CHECK ((clicked_at > 0) = (answered_by <> '')),
    CHECK (accepted_at = 0 OR clicked_at > 0),
    CHECK ((engine_id IS NULL) = (incarnation IS NULL)),
    CHECK (engine_id IS NULL OR state = 'posting' OR state = 'open' OR state = 'answered'),
    CHECK (expires_at > created_at)
) WITHOUT ROWID
-- ;
CREATE INDEX interactions_due ON interactions (expires_at, id) WHERE resolved_at = 0
-- ;
CREATE INDEX interactions_thread ON interactions (installation_id, place, thread, id) WHERE resolved_at = 0
-- ;
CREATE INDEX interactions_delivery ON interactions (delivery_id, id) WHERE delivery_id <> ''
-- ;
CREATE INDEX interactions_held ON interactions (engine_id, incarnation) WHERE engine_id IS NOT NULL
-- ;
CREATE INDEX interactions_state ON interactions (state, id)
-- ;
CREATE INDEX interactions_kept ON interactions (kept_until, id) WHERE body <> '{}'
-- ;
CREATE TABLE outbound_next (
    id TEXT PRIMARY KEY,
    installation_id TEXT NOT NULL REFERENCES installations (id) ON DELETE RESTRICT,
    delivery_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind = 'reply' OR kind = 'status' OR kind = 'notice' OR kind = 'reaction' OR kind = 'card'),
    op TEXT NOT NULL CHECK (op = 'post' OR op = 'react' OR op = 'unreact' OR op = 'edit'),
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
    looks INTEGER NOT NULL DEFAULT 0 CHECK (looks >= 0),
    resent INTEGER NOT NULL DEFAULT 0 CHECK (resent = 0 OR resent = 1),
    interaction_id TEXT NOT NULL DEFAULT '',
    UNIQUE (delivery_id, purpose),
    CHECK ((engine_id IS NULL) = (incarnation IS NULL)),
    CHECK (state <> 'sending' OR engine_id IS NOT NULL),
    CHECK ((kind = 'card') = (interaction_id <> ''))
) WITHOUT ROWID
-- ;
INSERT INTO outbound_next (id, installation_id, delivery_id, purpose, kind, op, state, lane, place, thread, target_ts, part,
    parts, attempts, due_at, engine_id, incarnation, error_code, channel_ts, maybe_doubled, resolution, rev, created_at,
    updated_at, looks, resent)
SELECT id, installation_id, delivery_id, purpose, kind, op, state, lane, place, thread, target_ts, part, parts, attempts,
    due_at, engine_id, incarnation, error_code, channel_ts, maybe_doubled, resolution, rev, created_at, updated_at, looks,
    resent FROM outbound_messages
-- ;
CREATE TABLE session_log_next (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE RESTRICT,
    seq INTEGER NOT NULL CHECK (seq >= 1),
    outbound_id TEXT NOT NULL UNIQUE REFERENCES outbound_next (id) ON DELETE RESTRICT,
    delivery_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind = 'reply' OR kind = 'notice' OR kind = 'status'),
    part INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (session_id, seq)
) WITHOUT ROWID
-- ;
INSERT INTO session_log_next (session_id, seq, outbound_id, delivery_id, kind, part, parts, at)
SELECT session_id, seq, outbound_id, delivery_id, kind, part, parts, at FROM session_log
-- ;
DROP TABLE session_log
-- ;
DROP TABLE outbound_messages
-- ;
ALTER TABLE outbound_next RENAME TO outbound_messages
-- ;
ALTER TABLE session_log_next RENAME TO session_log
-- ;
CREATE INDEX outbound_due ON outbound_messages (installation_id, due_at, id) WHERE state IN ('pending', 'retry', 'unknown')
-- ;
CREATE INDEX outbound_lane ON outbound_messages (lane, id) WHERE state IN ('pending', 'retry', 'unknown', 'sending')
-- ;
CREATE INDEX outbound_claimed ON outbound_messages (engine_id, incarnation) WHERE engine_id IS NOT NULL
-- ;
CREATE TABLE outbound_holds_next (
    installation_id TEXT NOT NULL REFERENCES installations (id) ON DELETE RESTRICT,
    op TEXT NOT NULL CHECK (op = 'post' OR op = 'react' OR op = 'unreact' OR op = 'edit'),
    place TEXT NOT NULL,
    until_at INTEGER NOT NULL,
    PRIMARY KEY (installation_id, op, place)
) WITHOUT ROWID
-- ;
INSERT INTO outbound_holds_next (installation_id, op, place, until_at)
SELECT installation_id, op, place, until_at FROM outbound_holds
-- ;
DROP TABLE outbound_holds
-- ;
ALTER TABLE outbound_holds_next RENAME TO outbound_holds
-- ;
CREATE TABLE attempts_next (
    subject_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    id TEXT NOT NULL,
    delivery_id TEXT NOT NULL,
    what TEXT NOT NULL CHECK (what = 'turn' OR what = 'post' OR what = 'react' OR what = 'unreact' OR what = 'edit'
        OR what = 'exchange' OR what = 'open'),
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
INSERT INTO attempts_next (subject_id, number, id, delivery_id, what, target, outcome, error_code, error_text, sent, received,
    started_at, ended_at)
SELECT subject_id, number, id, delivery_id, what, target, outcome, error_code, error_text, sent, received, started_at,
    ended_at FROM attempts
-- ;
DROP TABLE attempts
-- ;
ALTER TABLE attempts_next RENAME TO attempts
-- ;
CREATE INDEX attempts_delivery ON attempts (delivery_id)
