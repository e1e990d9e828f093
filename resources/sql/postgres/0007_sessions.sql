-- Sessions of our own channels and what belongs to a session besides its order: where it comes from and who caused it,
-- its ticket, the log that takes the place of a channel's messages, and the ids of the messages that callers posted.
ALTER TABLE sessions ADD COLUMN source TEXT NOT NULL DEFAULT 'slack'
    CHECK (source = 'slack' OR source = 'web' OR source = 'cli')
-- ;
ALTER TABLE sessions ADD COLUMN user_id TEXT NOT NULL DEFAULT ''
-- ;
UPDATE sessions SET user_id = COALESCE((SELECT d.user_id FROM deliveries d WHERE d.session_id = sessions.id
    ORDER BY d.ordinal LIMIT 1), '')
-- ;
ALTER TABLE sessions ADD COLUMN ticket TEXT NOT NULL DEFAULT ''
-- ;
-- The request that made it: a unit that runs again knows its own session.
ALTER TABLE sessions ADD COLUMN creator TEXT NOT NULL DEFAULT ''
-- ;
-- Whether a turn has ever begun in it. Older ones are no new conversations.
ALTER TABLE sessions ADD COLUMN begun SMALLINT NOT NULL DEFAULT 0 CHECK (begun = 0 OR begun = 1)
-- ;
UPDATE sessions SET begun = 1
-- ;
ALTER TABLE sessions ADD COLUMN log_seq BIGINT NOT NULL DEFAULT 0 CHECK (log_seq >= 0)
-- ;
CREATE TABLE tickets (
    installation_id TEXT COLLATE "C" NOT NULL REFERENCES installations (id) ON DELETE RESTRICT,
    ticket TEXT COLLATE "C" NOT NULL,
    session_id TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES sessions (id) ON DELETE RESTRICT,
    bound_at BIGINT NOT NULL,
    PRIMARY KEY (installation_id, ticket)
)
-- ;
CREATE TABLE session_messages (
    session_id TEXT COLLATE "C" NOT NULL REFERENCES sessions (id) ON DELETE RESTRICT,
    message_id TEXT COLLATE "C" NOT NULL,
    delivery_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (session_id, message_id)
)
-- ;
-- An entry's text is the payload of its outbound message, and expires with it.
CREATE TABLE session_log (
    session_id TEXT COLLATE "C" NOT NULL REFERENCES sessions (id) ON DELETE RESTRICT,
    seq BIGINT NOT NULL CHECK (seq >= 1),
    outbound_id TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES outbound_messages (id) ON DELETE RESTRICT,
    delivery_id TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL CHECK (kind = 'reply' OR kind = 'notice' OR kind = 'status'),
    part INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (session_id, seq)
)
-- ;
CREATE INDEX idempotency_at ON idempotency (at)
