-- What operators stop for a while, and the answers to what they asked for, by their own key.
CREATE TABLE pauses (
    scope TEXT NOT NULL CHECK (scope IN ('installation', 'backend', 'engine')),
    id TEXT COLLATE "C" NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('intake', 'delivery', 'outbound')),
    who TEXT NOT NULL,
    reason TEXT NOT NULL,
    since_at BIGINT NOT NULL,
    until_at BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, id, what)
)
-- ;
CREATE TABLE idempotency (
    actor TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT NOT NULL,
    answer TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (actor, key)
)
-- ;
CREATE INDEX audit_subject ON audit (subject_id)
