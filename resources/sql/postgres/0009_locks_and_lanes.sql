-- Who sends for an installation, and what a channel's rate limits hold back: both outlive the engine that knew them.
CREATE TABLE outbound_senders (
    installation_id TEXT COLLATE "C" PRIMARY KEY REFERENCES installations (id) ON DELETE RESTRICT,
    engine_id TEXT COLLATE "C" NOT NULL,
    incarnation BIGINT NOT NULL,
    until_at BIGINT NOT NULL
)
-- ;
CREATE TABLE outbound_holds (
    installation_id TEXT COLLATE "C" NOT NULL REFERENCES installations (id) ON DELETE RESTRICT,
    op TEXT NOT NULL CHECK (op IN ('post', 'react', 'unreact')),
    place TEXT COLLATE "C" NOT NULL,
    until_at BIGINT NOT NULL,
    PRIMARY KEY (installation_id, op, place)
)
-- ;
-- Whether the person has been told that the session is busy; and how often a prompt of this delivery could not be handed
-- over, which is not how often it was claimed.
ALTER TABLE deliveries ADD COLUMN busy_told SMALLINT NOT NULL DEFAULT 0 CHECK (busy_told IN (0, 1))
-- ;
ALTER TABLE deliveries ADD COLUMN not_sent BIGINT NOT NULL DEFAULT 0 CHECK (not_sent >= 0)
-- ;
-- Attempts also record each exchange and each opening that failed while a runtime was reached.
ALTER TABLE attempts DROP CONSTRAINT attempts_what_check
-- ;
ALTER TABLE attempts ADD CONSTRAINT attempts_what_known
    CHECK (what IN ('turn', 'post', 'react', 'unreact', 'exchange', 'open'))
