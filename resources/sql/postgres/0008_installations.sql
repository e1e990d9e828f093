-- What an installation is in trouble with and since when, its bot token as its runtime provider gave it (sealed with the
-- engine's key), and the token that Slack said is dead, by its fingerprint. A provider's policies are not kept: they are
-- fresh for ten seconds, and after a restart the first message asks.
ALTER TABLE installations DROP COLUMN policy
-- ;
ALTER TABLE installations DROP COLUMN policy_at
-- ;
ALTER TABLE installations ADD COLUMN trouble_at BIGINT NOT NULL DEFAULT 0
-- ;
ALTER TABLE installations ADD COLUMN sealed_token TEXT NOT NULL DEFAULT ''
-- ;
ALTER TABLE installations ADD COLUMN token_print TEXT NOT NULL DEFAULT ''
-- ;
ALTER TABLE installations ADD COLUMN token_at BIGINT NOT NULL DEFAULT 0
-- ;
ALTER TABLE installations ADD COLUMN refused_print TEXT NOT NULL DEFAULT ''
-- ;
ALTER TABLE installations ADD COLUMN seen_app TEXT NOT NULL DEFAULT ''
-- ;
-- Registries that are still to be told that the app is gone from a tenant; a row is there until they know.
CREATE TABLE disconnects (
    installation_id TEXT COLLATE "C" PRIMARY KEY REFERENCES installations (id) ON DELETE RESTRICT,
    backend TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    due_at BIGINT NOT NULL,
    error_code TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL
)
