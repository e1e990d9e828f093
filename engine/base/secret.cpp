// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include "base/hash.h"

namespace signalbox {

bool Secret::operator==(const Secret &other) const
{
    return equalConstantTime(m_value, other.m_value);
}

QDebug operator<<(QDebug debug, const Secret &secret)
{
    QDebugStateSaver saver(debug);
    debug.nospace() << (secret.isEmpty() ? "Secret()" : "Secret(***)");
    return debug;
}

} // namespace signalbox
