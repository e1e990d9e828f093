// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

#include <QSqlError>

namespace signalbox::store {

// The one place where native codes of the databases become ErrorCodes (TOOLCHAIN §5). The text is the
// driver's without bound values; the code travels in Error::native().
[[nodiscard]] Error toError(const QSqlError &error);

// Running the whole unit of work again may succeed: serialisation failures, deadlocks, busy and lost
// connections, and on PostgreSQL a unique violation, because a concurrent insert that ON CONFLICT would
// settle can first meet another index.
[[nodiscard]] bool mayRunAgain(const Error &error);
// The connection is of no use any more.
[[nodiscard]] bool isConnectionLost(const Error &error);

// A unit that found somebody else half-way through the same work asks to be run again.
inline constexpr char16_t kRunAgain[] = u"run_again";
// A guarded update met another fence, another engine or another state than its caller held.
inline constexpr char16_t kStale[] = u"stale";

} // namespace signalbox::store
