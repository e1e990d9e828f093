// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>

namespace signalbox::store {

// A call under its caller's Idempotency-Key (INTERFACE.md): its answer is filed in the transaction of its
// effect and given again for 24 hours. Without a key it is a call like any.
struct KeyedCall
{
    KeyedCall() = default;
    QString actor; // who calls: keys of different callers are different keys
    QString key; // empty: none
    QString fingerprint; // of route and body
};

} // namespace signalbox::store
