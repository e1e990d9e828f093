-- When an engine's life ended, so that what is known of engines that are gone goes after a while.
ALTER TABLE engines ADD COLUMN ended_at INTEGER NOT NULL DEFAULT 0
-- ;
UPDATE engines SET ended_at = started_at WHERE lease_until <= 0
