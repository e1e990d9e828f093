// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QtGlobal>

namespace signalbox::http {

// Tells the peer that nothing more comes while what it sends can still be drained: closing a socket with
// unread input resets the connection, and the peer may lose the answer. Call when everything has been
// written.
void shutdownWrite(qintptr descriptor);

// Whether the peer has closed a connection that should be silent; never blocks.
[[nodiscard]] bool isClosedByPeer(qintptr descriptor);

} // namespace signalbox::http
