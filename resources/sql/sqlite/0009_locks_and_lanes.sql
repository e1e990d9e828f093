-- Who sends for an installation, and what a channel's rate limits hold back: both outlive the engine that knew them.
CREATE TABLE outbound_senders (
    installation_id TEXT PRIMARY KEY REFERENCES installations (id) ON DELETE RESTRICT,
    engine_id TEXT NOT NULL,
    incarnation INTEGER NOT NULL,
    until_at INTEGER NOT NULL
) WITHOUT ROWID
-- ;
CREATE TABLE outbound_holds (
    installation_id TEXT NOT NULL REFERENCES installations (id) ON DELETE RESTRICT,
    op TEXT NOT NULL CHECK (op = 'post' OR op = 'react' OR op = 'unreact'),
    place TEXT NOT NULL,
    until_at INTEGER NOT NULL,
    PRIMARY KEY (installation_id, op, place)
) WITHOUT ROWID
-- ;
-- Whether the person has been told that the session is busy; and how often a prompt of this delivery could not be handed
-- over, which is not how often it was claimed.
ALTER TABLE deliveries ADD COLUMN busy_told INTEGER NOT NULL DEFAULT 0 CHECK (busy_told = 0 OR busy_told = 1)
-- ;
ALTER TABLE deliveries ADD COLUMN not_sent INTEGER NOT NULL DEFAULT 0 CHECK (not_sent >= 0)
-- ;
-- Attempts also record each exchange and each opening that failed while a runtime was reached.
ALTER TABLE attempts RENAME TO attempts_before
-- ;
DROP INDEX attempts_delivery
-- ;
CREATE TABLE attempts (
    subject_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    id TEXT NOT NULL,
    delivery_id TEXT NOT NULL,
    what TEXT NOT NULL CHECK (what = 'turn' OR what = 'post' OR what = 'react' OR what = 'unreact' OR what = 'exchange'
        OR what = 'open'),
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
INSERT INTO attempts (subject_id, number, id, delivery_id, what, target, outcome, error_code, error_text, sent, received,
    started_at, ended_at)
SELECT subject_id, number, id, delivery_id, what, target, outcome, error_code, error_text, sent, received, started_at,
    ended_at FROM attempts_before
-- ;
CREATE INDEX attempts_delivery ON attempts (delivery_id)
-- ;
DROP TABLE attempts_before
