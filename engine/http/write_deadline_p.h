// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/server.h"

namespace signalbox::http {

// Until when an answer must have left, by the rule of Limits::writeTimeout. Times are the server's, in
// milliseconds. An answer without a length (a stream of events) begins it anew with each piece that
// is written while nothing else is on its way.
class WriteDeadline
{
public:
    void begin(const Limits &limits, qint64 now, qint64 bytes)
    {
        m_timeout = limits.writeTimeout.count();
        m_end = now + m_timeout + bytes * 1000 / std::max<qint64>(limits.minWriteRate, 1);
        progressed(now);
    }
    // The peer has taken something.
    void progressed(qint64 now) { m_stall = now + m_timeout; }
    [[nodiscard]] qint64 at() const { return std::min(m_stall, m_end); }

private:
    qint64 m_timeout = 0;
    qint64 m_stall = 0;
    qint64 m_end = 0;
};

} // namespace signalbox::http
