// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QByteArray>

#include <cstdint>
#include <vector>

namespace signalbox::bench {

// What a run of requests over kept-alive connections measured, from the first byte sent to the last answer
// read.
struct LoadResult
{
    int ok = 0; // 2xx
    int refused = 0; // any other status
    int broken = 0; // connections that ended early
    double seconds = 0;
    std::vector<double> latenciesMs; // sorted
    std::vector<double> startedMs; // of each request, on the steady clock; 0: never sent
    [[nodiscard]] double percentile(double share) const;
};

// Sends complete HTTP requests over `connections` sockets, one in flight on each, from the calling thread
// with plain epoll, so that the generator costs as little as it can. With `perSecond` > 0 requests start at
// that rate. Blocking.
[[nodiscard]] LoadResult sendAll(
    std::uint16_t port, const std::vector<QByteArray> &requests, int connections, double perSecond = 0);

// Latency of writing 16 KB and fdatasync in `folder`, to print beside durable rates: {p50, p99} in ms.
struct SyncProbe
{
    double p50 = 0;
    double p99 = 0;
};
[[nodiscard]] SyncProbe probeSync(const QByteArray &folder);

// VmHWM or VmRSS of a process in MB; 0 when it is gone.
[[nodiscard]] double memoryMb(qint64 pid, const char *field);
// User and system time of a process in seconds.
[[nodiscard]] double cpuSeconds(qint64 pid);

} // namespace signalbox::bench
