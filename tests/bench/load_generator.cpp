// SPDX-License-Identifier: Apache-2.0
#include "load_generator.h"

#include <QFile>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace signalbox::bench {

namespace {

using SteadyClock = std::chrono::steady_clock;

struct Peer
{
    int fd = -1;
    size_t request = 0;
    SteadyClock::time_point started;
    std::array<char, 4096> answer{};
    size_t read = 0;
};

int connectTo(std::uint16_t port)
{
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0)
        return -1;
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

bool sendWhole(int fd, const QByteArray &bytes)
{
    qsizetype sent = 0;
    while (sent < bytes.size()) {
        const auto written
            = ::send(fd, bytes.constData() + sent, static_cast<size_t>(bytes.size() - sent), MSG_NOSIGNAL);
        if (written <= 0)
            return false;
        sent += written;
    }
    return true;
}

// The status when a whole answer has been read, 0 when more must come.
int answeredStatus(const Peer &peer)
{
    const std::string_view text(peer.answer.data(), peer.read);
    const auto head = text.find("\r\n\r\n");
    if (head == std::string_view::npos)
        return 0;
    std::string lower(text.substr(0, head));
    std::transform(
        lower.begin(), lower.end(), lower.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
    const auto length = lower.find("content-length: ");
    const size_t body
        = length == std::string::npos ? 0 : std::strtoul(lower.c_str() + length + 16, nullptr, 10);
    return text.size() >= head + 4 + body ? std::atoi(lower.c_str() + 9) : 0;
}

} // namespace

double LoadResult::percentile(double share) const
{
    if (latenciesMs.empty())
        return 0;
    const auto at = static_cast<size_t>(share * static_cast<double>(latenciesMs.size() - 1));
    return latenciesMs[at];
}

LoadResult sendAll(
    std::uint16_t port, const std::vector<QByteArray> &requests, int connections, double perSecond)
{
    LoadResult result;
    result.startedMs.resize(requests.size());
    std::vector<Peer> peers(static_cast<size_t>(connections));
    const int poll = ::epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < peers.size(); ++i) {
        peers[i].fd = connectTo(port);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = i;
        ::epoll_ctl(poll, EPOLL_CTL_ADD, peers[i].fd, &event);
    }
    const auto begin = SteadyClock::now();
    size_t next = 0;
    size_t open = 0;
    std::deque<size_t> idle;
    for (size_t i = 0; i < peers.size(); ++i)
        idle.push_back(i);
    const auto due = [&] {
        if (perSecond <= 0)
            return requests.size();
        const double elapsed = std::chrono::duration<double>(SteadyClock::now() - begin).count();
        return std::min(requests.size(), static_cast<size_t>(elapsed * perSecond) + 1);
    };
    const auto startIdle = [&] {
        while (!idle.empty() && next < due()) {
            Peer &peer = peers[idle.front()];
            idle.pop_front();
            peer.request = next++;
            peer.read = 0;
            peer.started = SteadyClock::now();
            result.startedMs[peer.request]
                = std::chrono::duration<double, std::milli>(peer.started.time_since_epoch()).count();
            if (!sendWhole(peer.fd, requests[peer.request])) {
                ++result.broken;
                continue;
            }
            ++open;
        }
    };
    startIdle();
    std::array<epoll_event, 64> events{};
    while ((open > 0 || next < requests.size()) && result.broken < connections) {
        const int ready
            = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), perSecond > 0 ? 1 : 20'000);
        if (ready == 0 && perSecond <= 0)
            break; // nothing for twenty seconds: what is missing counts as broken
        for (int i = 0; i < ready; ++i) {
            const size_t index = events[static_cast<size_t>(i)].data.u64;
            Peer &peer = peers[index];
            const auto got
                = ::recv(peer.fd, peer.answer.data() + peer.read, peer.answer.size() - peer.read, 0);
            if (got <= 0) {
                ++result.broken;
                --open;
                ::epoll_ctl(poll, EPOLL_CTL_DEL, peer.fd, nullptr);
                continue;
            }
            peer.read += static_cast<size_t>(got);
            const int status = answeredStatus(peer);
            if (status == 0)
                continue;
            result.latenciesMs.push_back(
                std::chrono::duration<double, std::milli>(SteadyClock::now() - peer.started).count());
            ++(status / 100 == 2 ? result.ok : result.refused);
            --open;
            idle.push_back(index);
        }
        startIdle();
    }
    result.seconds = std::chrono::duration<double>(SteadyClock::now() - begin).count();
    for (const Peer &peer : peers)
        ::close(peer.fd);
    ::close(poll);
    std::sort(result.latenciesMs.begin(), result.latenciesMs.end());
    return result;
}

SyncProbe probeSync(const QByteArray &folder)
{
    const QByteArray path = folder + "/sync-probe";
    const int fd = ::open(path.constData(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    const std::vector<char> block(16 * 1024, 'x');
    std::vector<double> times;
    for (int i = 0; i < 200 && fd >= 0; ++i) {
        const auto begin = SteadyClock::now();
        if (::write(fd, block.data(), block.size()) < 0 || ::fdatasync(fd) != 0)
            break;
        times.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count());
    }
    ::close(fd);
    ::unlink(path.constData());
    std::sort(times.begin(), times.end());
    SyncProbe probe;
    if (!times.empty()) {
        probe.p50 = times[times.size() / 2];
        probe.p99 = times[times.size() * 99 / 100];
    }
    return probe;
}

double memoryMb(qint64 pid, const char *field)
{
    QFile status(QStringLiteral("/proc/%1/status").arg(pid));
    if (!status.open(QIODevice::ReadOnly))
        return 0;
    const QByteArrayList lines = status.readAll().split('\n');
    for (const QByteArray &line : lines) {
        if (line.startsWith(field))
            return line.mid(static_cast<qsizetype>(std::strlen(field)) + 1)
                       .simplified()
                       .split(' ')
                       .first()
                       .toDouble()
                / 1024.0;
    }
    return 0;
}

double cpuSeconds(qint64 pid)
{
    QFile stat(QStringLiteral("/proc/%1/stat").arg(pid));
    if (!stat.open(QIODevice::ReadOnly))
        return 0;
    const QByteArray text = stat.readAll();
    const QByteArrayList fields = text.mid(text.lastIndexOf(')') + 2).split(' ');
    const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    return fields.size() > 12 ? (fields[11].toDouble() + fields[12].toDouble()) / ticks : 0;
}

} // namespace signalbox::bench
