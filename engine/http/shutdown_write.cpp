// SPDX-License-Identifier: Apache-2.0
#include "http/shutdown_write_p.h"

#ifdef Q_OS_WIN
#include <winsock2.h>
#else
#include <cerrno>
#include <sys/socket.h>
#endif

namespace signalbox::http {

void shutdownWrite(qintptr descriptor)
{
    if (descriptor < 0)
        return;
#ifdef Q_OS_WIN
    ::shutdown(static_cast<SOCKET>(descriptor), SD_SEND);
#else
    ::shutdown(static_cast<int>(descriptor), SHUT_WR);
#endif
}

bool isClosedByPeer(qintptr descriptor)
{
#ifdef Q_OS_WIN
    return descriptor < 0; // the notifier reports it, one turn of the event loop later
#else
    if (descriptor < 0)
        return true;
    char byte = 0;
    const auto got = ::recv(static_cast<int>(descriptor), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
#endif
}

} // namespace signalbox::http
