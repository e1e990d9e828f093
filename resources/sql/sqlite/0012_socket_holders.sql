-- Which engine holds the Socket Mode connection of an installation's app: taken and renewed as outbound_senders is.
-- stopped: its holder does not connect until an operator (retry) or another life changes that.
CREATE TABLE socket_holders (
    installation_id TEXT PRIMARY KEY,
    engine_id TEXT NOT NULL,
    incarnation INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    stopped INTEGER NOT NULL DEFAULT 0 CHECK (stopped IN (0, 1)),
    retry INTEGER NOT NULL DEFAULT 0 CHECK (retry IN (0, 1))
) WITHOUT ROWID
-- ;
-- Turns that run in one place, for whoever asks there.
CREATE INDEX sessions_held_place ON sessions (installation_id, place) WHERE lock_holder IS NOT NULL
