-- How far the resolution of an unknown outcome has come: looks since the last send, and whether the one permitted resend
-- has been spent (written before it leaves).
ALTER TABLE outbound_messages ADD COLUMN looks INTEGER NOT NULL DEFAULT 0 CHECK (looks >= 0)
-- ;
ALTER TABLE outbound_messages ADD COLUMN resent INTEGER NOT NULL DEFAULT 0 CHECK (resent = 0 OR resent = 1)
