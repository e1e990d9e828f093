-- Questions that wait for a person, and the messages that show them: cards, which are edited when they are over.
CREATE TABLE interactions (
    id TEXT COLLATE "C" PRIMARY KEY,
    installation_id TEXT COLLATE "C" NOT NULL REFERENCES installations (id) ON DELETE RESTRICT,
    place TEXT COLLATE "C" NOT NULL,
    thread TEXT COLLATE "C" NOT NULL,
    session_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    delivery_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    origin TEXT NOT NULL CHECK (origin = 'permission' OR origin = 'form' OR origin = 'question'),
    kind TEXT NOT NULL DEFAULT '',
    answerers TEXT NOT NULL CHECK (answerers <> ''),
    text TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state = 'posting' OR state = 'open' OR state = 'answered' OR state = 'expired'
        OR state = 'cancelled' OR state = 'withdrawn'),
    answer TEXT NOT NULL DEFAULT '',
    answered_by TEXT NOT NULL DEFAULT '',
    comment TEXT NOT NULL DEFAULT '',
    claim_id TEXT NOT NULL DEFAULT '',
    error_code TEXT NOT NULL DEFAULT '',
    channel_ts TEXT NOT NULL DEFAULT '',
    engine_id TEXT COLLATE "C",
    incarnation BIGINT,
    connection TEXT NOT NULL DEFAULT '',
    request TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    kept_until BIGINT NOT NULL,
    clicked_at BIGINT NOT NULL DEFAULT 0,
    accepted_at BIGINT NOT NULL DEFAULT 0,
    card_updated_at BIGINT NOT NULL DEFAULT 0,
    resolved_at BIGINT NOT NULL DEFAULT 0,
    updated_at BIGINT NOT NULL,
    rev BIGINT NOT NULL DEFAULT 1,
    CHECK ((state = 'posting' OR state = 'open') = (resolved_at = 0)),
    CHECK (state <> 'open' OR channel_ts <> ''),
    CHECK (state <> 'answered' OR clicked_at > 0),
    CHECK ((state <> 'posting' AND state <> 'open') OR clicked_at = 0),
    CHECK ((clicked_at > 0) = (answered_by <> '')),
    CHECK (accepted_at = 0 OR clicked_at > 0),
    CHECK ((engine_id IS NULL) = (incarnation IS NULL)),
    CHECK (engine_id IS NULL OR state = 'posting' OR state = 'open' OR state = 'answered'),
    CHECK (expires_at > created_at)
)
-- ;
CREATE INDEX interactions_due ON interactions (expires_at, id) WHERE resolved_at = 0
-- ;
CREATE INDEX interactions_thread ON interactions (installation_id, place, thread, id) WHERE resolved_at = 0
-- ;
CREATE INDEX interactions_delivery ON interactions (delivery_id, id) WHERE delivery_id <> ''
-- ;
CREATE INDEX interactions_held ON interactions (engine_id, incarnation) WHERE engine_id IS NOT NULL
-- ;
CREATE INDEX interactions_state ON interactions (state, id)
-- ;
CREATE INDEX interactions_kept ON interactions (kept_until, id) WHERE body <> '{}'
-- ;
ALTER TABLE outbound_messages ADD COLUMN interaction_id TEXT COLLATE "C" NOT NULL DEFAULT ''
-- ;
ALTER TABLE outbound_messages DROP CONSTRAINT outbound_messages_kind_check
-- ;
ALTER TABLE outbound_messages ADD CONSTRAINT outbound_messages_kind_known
    CHECK (kind IN ('reply', 'status', 'notice', 'reaction', 'card'))
-- ;
ALTER TABLE outbound_messages DROP CONSTRAINT outbound_messages_op_check
-- ;
ALTER TABLE outbound_messages ADD CONSTRAINT outbound_messages_op_known CHECK (op IN ('post', 'react', 'unreact', 'edit'))
-- ;
ALTER TABLE outbound_messages ADD CONSTRAINT outbound_messages_card_whole CHECK ((kind = 'card') = (interaction_id <> ''))
-- ;
ALTER TABLE outbound_holds DROP CONSTRAINT outbound_holds_op_check
-- ;
ALTER TABLE outbound_holds ADD CONSTRAINT outbound_holds_op_known CHECK (op IN ('post', 'react', 'unreact', 'edit'))
-- ;
ALTER TABLE attempts DROP CONSTRAINT attempts_what_known
-- ;
ALTER TABLE attempts ADD CONSTRAINT attempts_what_all
    CHECK (what IN ('turn', 'post', 'react', 'unreact', 'edit', 'exchange', 'open'))
