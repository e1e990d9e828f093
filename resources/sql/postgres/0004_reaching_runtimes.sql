-- How a message reaches its runtime: the stage it is in, waiting for a runtime while its lock is held, the fence under
-- which its prompt left, retries linked to what they retry, and who settled what gave up.
ALTER TABLE deliveries ADD COLUMN prompt_fence BIGINT NOT NULL DEFAULT 0
-- ;
ALTER TABLE deliveries ADD COLUMN stage TEXT NOT NULL DEFAULT ''
    CHECK (stage IN ('', 'binding', 'recovering', 'opening', 'prompting', 'adopting'))
-- ;
ALTER TABLE deliveries ADD COLUMN resolved_by TEXT NOT NULL DEFAULT ''
-- ;
ALTER TABLE deliveries ADD COLUMN resolved_at BIGINT NOT NULL DEFAULT 0
-- ;
ALTER TABLE deliveries ADD COLUMN parent_id TEXT COLLATE "C" NOT NULL DEFAULT ''
-- ;
ALTER TABLE deliveries DROP CONSTRAINT deliveries_check2
-- ;
ALTER TABLE deliveries ADD CONSTRAINT deliveries_held_whole CHECK ((engine_id IS NULL) = (incarnation IS NULL))
-- ;
ALTER TABLE deliveries ADD CONSTRAINT deliveries_running_held CHECK (state <> 'running' OR engine_id IS NOT NULL)
-- ;
ALTER TABLE deliveries ADD CONSTRAINT deliveries_held_states
    CHECK (engine_id IS NULL OR state = 'running' OR (state = 'waiting' AND waits_for IN ('runtime', 'person')))
-- ;
ALTER TABLE deliveries ADD CONSTRAINT deliveries_stage_held CHECK (stage = '' OR engine_id IS NOT NULL)
-- ;
ALTER TABLE deliveries ADD CONSTRAINT deliveries_resolved_whole CHECK ((resolution IS NULL) = (resolved_at = 0))
-- ;
CREATE INDEX deliveries_held ON deliveries (engine_id, incarnation) WHERE engine_id IS NOT NULL
-- ;
CREATE INDEX deliveries_parent ON deliveries (parent_id) WHERE parent_id <> ''
-- ;
ALTER TABLE sessions ADD COLUMN runtime_namespace TEXT NOT NULL DEFAULT ''
-- ;
ALTER TABLE sessions ADD COLUMN runtime_instance TEXT NOT NULL DEFAULT ''
-- ;
ALTER TABLE sessions ADD COLUMN unsettled SMALLINT NOT NULL DEFAULT 0 CHECK (unsettled IN (0, 1))
-- ;
ALTER TABLE installations ADD COLUMN policy TEXT NOT NULL DEFAULT ''
-- ;
ALTER TABLE installations ADD COLUMN policy_at BIGINT NOT NULL DEFAULT 0
-- ;
ALTER TABLE installations ADD COLUMN trouble TEXT NOT NULL DEFAULT ''
-- ;
CREATE TABLE runtimes (
    id TEXT COLLATE "C" PRIMARY KEY,
    backend TEXT NOT NULL,
    namespace TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    phase TEXT NOT NULL,
    phase_source TEXT NOT NULL CHECK (phase_source IN ('reported', 'observed')),
    phase_at BIGINT NOT NULL,
    detail TEXT NOT NULL DEFAULT '',
    rev BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
)
