// SPDX-License-Identifier: Apache-2.0
#include "store/units.h"

#include <algorithm>

namespace signalbox::store {

std::vector<Share> fairShares(const QStringList &installations, int room, Instant now)
{
    std::vector<Share> shares;
    const auto count = static_cast<int>(installations.size());
    if (count == 0)
        return shares;
    const int most = std::max(1, (room + count - 1) / count);
    const int first = static_cast<int>(toMs(now) % count);
    for (int i = 0; i < count; ++i)
        shares.push_back({installations[(first + i) % count], most});
    return shares;
}

} // namespace signalbox::store
