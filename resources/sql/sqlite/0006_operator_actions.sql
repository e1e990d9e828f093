-- What operators stop for a while, and the answers to what they asked for, by their own key.
CREATE TABLE pauses (
    scope TEXT NOT NULL CHECK (scope = 'installation' OR scope = 'backend' OR scope = 'engine'),
    id TEXT NOT NULL,
    what TEXT NOT NULL CHECK (what = 'intake' OR what = 'delivery' OR what = 'outbound'),
    who TEXT NOT NULL,
    reason TEXT NOT NULL,
    since_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, id, what)
) WITHOUT ROWID
-- ;
CREATE TABLE idempotency (
    actor TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    answer TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (actor, key)
) WITHOUT ROWID
-- ;
CREATE INDEX audit_subject ON audit (subject_id)
