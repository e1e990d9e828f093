-- Lifecycle events: what was reported or observed of a runtime's phase, in order per runtime, and one forward for each
-- configured webhook, in order per target and runtime. A session whose bound runtime has ended is unbound and marked, so
-- that its next message asks for a runtime at once.
ALTER TABLE sessions ADD COLUMN runtime_stale SMALLINT NOT NULL DEFAULT 0 CHECK (runtime_stale = 0 OR runtime_stale = 1)
-- ;
CREATE INDEX sessions_runtime ON sessions (runtime_instance, runtime_namespace, backend) WHERE runtime_instance <> ''
-- ;
ALTER TABLE runtimes ADD COLUMN last_position BIGINT NOT NULL DEFAULT 0
-- ;
ALTER TABLE runtimes ADD COLUMN last_forward BIGINT NOT NULL DEFAULT 0
-- ;
CREATE INDEX runtimes_created ON runtimes (created_at, id)
-- ;
CREATE TABLE lifecycle_events (
    id TEXT COLLATE "C" PRIMARY KEY,
    runtime_id TEXT COLLATE "C" NOT NULL REFERENCES runtimes (id) ON DELETE RESTRICT,
    backend TEXT NOT NULL,
    namespace TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    position BIGINT NOT NULL CHECK (position >= 1),
    phase TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL CHECK (source = 'reported' OR source = 'observed'),
    event_id TEXT NOT NULL,
    event_key TEXT COLLATE "C" NOT NULL UNIQUE,
    request_key TEXT COLLATE "C" UNIQUE,
    moved SMALLINT NOT NULL CHECK (moved = 0 OR moved = 1),
    unbound BIGINT NOT NULL DEFAULT 0 CHECK (unbound >= 0),
    observed_at BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    rev BIGINT NOT NULL DEFAULT 1,
    UNIQUE (runtime_id, position)
)
-- ;
CREATE TABLE lifecycle_forwards (
    id TEXT COLLATE "C" PRIMARY KEY,
    event_id TEXT COLLATE "C" NOT NULL REFERENCES lifecycle_events (id) ON DELETE RESTRICT,
    target TEXT NOT NULL,
    lane TEXT COLLATE "C" NOT NULL,
    lane_order BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state = 'pending' OR state = 'sending' OR state = 'sent' OR state = 'retry' OR state = 'dead'),
    attempts BIGINT NOT NULL DEFAULT 0,
    due_at BIGINT NOT NULL,
    engine_id TEXT COLLATE "C",
    incarnation BIGINT,
    error_code TEXT NOT NULL DEFAULT '',
    parent_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    actor TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (lane, lane_order),
    CHECK ((engine_id IS NULL) = (incarnation IS NULL)),
    CHECK ((state = 'sending') = (engine_id IS NOT NULL))
)
-- ;
CREATE INDEX lifecycle_forwards_event ON lifecycle_forwards (event_id)
-- ;
CREATE INDEX lifecycle_forwards_due ON lifecycle_forwards (target, due_at, id) WHERE state IN ('pending', 'retry')
-- ;
CREATE INDEX lifecycle_forwards_lane ON lifecycle_forwards (lane, lane_order) WHERE state IN ('pending', 'retry', 'sending')
