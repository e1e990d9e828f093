// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/session.h"

namespace signalbox::store {

// Brings a database up to the newest schema: numbered files of the same numbers and names for both databases,
// forward only, each version in its own transaction together with its row in schema_migration. Safe against
// others who do the same at the same time (PostgreSQL: a session advisory lock; SQLite: a lock file beside
// the database, held while it is opened, because changing its journal mode suffers nobody else). A SQLite
// file is copied before the first pending step; the last three copies stay. Refused with Conflict: a schema
// newer than this program, or an applied file that has changed since. Blocking; runs on a store thread or
// before the engine starts.
[[nodiscard]] Status openAndMigrate(Connection &connection, const DatabaseTarget &target);

// The versions that this program knows, for tests.
[[nodiscard]] int newestSchemaVersion();

} // namespace signalbox::store
