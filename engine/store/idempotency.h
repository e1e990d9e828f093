// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/keyed_call.h"
#include "store/session.h"

#include <optional>

namespace signalbox::store {

// Answers under their caller's key, within a unit of work. sql_idempotency.cpp.

// The earlier answer, or nothing when the key is new (or empty): then it is taken for this transaction, and
// another one with the same key waits for its end. InvalidInput, native "key_reused", when the key came with
// another call before.
[[nodiscard]] Result<std::optional<QByteArray>> takeKey(Session &session, const KeyedCall &call, Instant now);
// Files the answer under a key that was taken. A unit that fails leaves nothing of its key.
[[nodiscard]] Status fileAnswer(Session &session, const KeyedCall &call, const QString &answer);
// Gives a taken key back: nothing was done under it.
[[nodiscard]] Status releaseKey(Session &session, const KeyedCall &call);

// Answers whose day is over; how many went.
[[nodiscard]] Result<int> sweepKeyedAnswers(Session &session, Instant now, int most);

} // namespace signalbox::store
