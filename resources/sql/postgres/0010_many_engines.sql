-- What only the engine that holds a turn or a connection can do: written with the effect, picked up by that engine, and
-- gone with its life.
CREATE TABLE engine_orders (
    kind TEXT NOT NULL CHECK (kind IN ('cancel', 'answer')),
    subject_id TEXT COLLATE "C" NOT NULL,
    fence BIGINT NOT NULL DEFAULT 0,
    engine_id TEXT COLLATE "C" NOT NULL,
    incarnation BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (kind, subject_id, fence)
)
-- ;
CREATE INDEX engine_orders_holder ON engine_orders (engine_id, incarnation, created_at)
-- ;
-- Claims take turns between installations.
DROP INDEX deliveries_open
-- ;
CREATE INDEX deliveries_open ON deliveries (state, waits_for, installation_id, due_at, id) WHERE state <> 'completed'
-- ;
DROP INDEX outbound_due
-- ;
CREATE INDEX outbound_due ON outbound_messages (installation_id, due_at, id) WHERE state IN ('pending', 'retry', 'unknown')
