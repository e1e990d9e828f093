// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "domain/change.h"
#include "store/store.h"

#include <optional>
#include <vector>

namespace signalbox::admin {

// Kinds of change as a set of bits.
using KindSet = unsigned;
[[nodiscard]] KindSet allKinds();
// Of one name ("session", "delivery", …); nothing for an unknown one.
[[nodiscard]] std::optional<KindSet> kindNamed(QStringView name);
[[nodiscard]] KindSet kindsNamed(const QStringList &names); // without the unknown ones
[[nodiscard]] QStringList kindNames();

// What one row became in a batch of the feed, and the place of its last entry there: whoever has everything
// up to that place has this.
struct PlacedChange
{
    PlacedChange() = default;
    domain::Change change;
    KindSet kind = 0;
    store::FeedCursor at;
    // The last one at its place: only behind it a reader may say that it has come so far.
    bool endsPlace = true;
};

// The changes of these kinds in a batch, in the order of the feed, each row once with what it is now. A pause
// is a change of every installation that it stops, and a change of one engine one of all. Unavailable when
// the items cannot be read: then nothing of the batch may be passed over.
[[nodiscard]] QCoro::Task<Result<std::vector<PlacedChange>>> placedChanges(
    store::Store &store, store::FeedBatch batch, KindSet kinds);

} // namespace signalbox::admin
