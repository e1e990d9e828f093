// SPDX-License-Identifier: Apache-2.0
#pragma once

// Whose work is meant: of an engine and its lives, or (LostLives::allOthers) everybody else's. A condition of
// SQL for any table with engine_id and incarnation; binds what SIGNALBOX_HELD_BY_BINDS(lost) gives, a
// LostLives.
#define SIGNALBOX_HELD_BY                                                                                    \
    "engine_id IS NOT NULL AND ((? = 1 AND NOT (engine_id = ? AND incarnation = ?)) "                        \
    "OR (? = 0 AND engine_id = ? AND incarnation BETWEEN ? AND ?))"
#define SIGNALBOX_HELD_BY_BINDS(lost)                                                                        \
    (lost).allOthers, (lost).life.id, (lost).life.incarnation, (lost).allOthers, (lost).life.id,             \
        (lost).first, (lost).last
