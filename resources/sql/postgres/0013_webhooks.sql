-- Calls to configured webhooks: a row before it is a request. What is told stands in payloads, under the call's id.
CREATE TABLE webhook_calls (
    id TEXT COLLATE "C" PRIMARY KEY,
    webhook TEXT COLLATE "C" NOT NULL,
    event TEXT NOT NULL,
    subject_id TEXT COLLATE "C" NOT NULL,
    state TEXT NOT NULL CHECK (state = 'pending' OR state = 'sending' OR state = 'sent' OR state = 'retry' OR state = 'dead'),
    engine_id TEXT COLLATE "C",
    incarnation BIGINT,
    attempts BIGINT NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    error_code TEXT NOT NULL DEFAULT '',
    due_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK ((state = 'sending') = (engine_id IS NOT NULL)),
    CHECK ((engine_id IS NULL) = (incarnation IS NULL))
)
-- ;
CREATE INDEX webhook_calls_due ON webhook_calls (webhook, due_at, id) WHERE state = 'pending' OR state = 'retry'
-- ;
CREATE INDEX webhook_calls_held ON webhook_calls (engine_id, incarnation) WHERE engine_id IS NOT NULL
-- ;
CREATE INDEX webhook_calls_subject ON webhook_calls (subject_id)
-- ;
-- Whom an interaction of the API tells its answer, and whether the answer is said in the session, too.
ALTER TABLE interactions ADD COLUMN webhooks TEXT NOT NULL DEFAULT ''
-- ;
ALTER TABLE interactions ADD COLUMN as_message SMALLINT NOT NULL DEFAULT 0 CHECK (as_message = 0 OR as_message = 1)
