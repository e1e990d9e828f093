// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gateway/work_loop.h"
#include "http/event_stream.h"
#include "store/store.h"

#include <QHash>

#include <memory>

namespace signalbox::gateway {

// One client that reads a session's log.
struct LogReader
{
    explicit LogReader(std::shared_ptr<http::BodyStream> body)
        : client(std::move(body))
    {
    }
    QString token; // by name
    QString session;
    qint64 at = 0; // the last entry that was written
    http::EventClient client;
};

// Logs of web and cli sessions as Server-Sent Events (INTERFACE.md "Ingress routes"): `id:` is the entry's
// number, and a client that says which one it had last misses none and gets none twice. What this engine
// commits leaves at once, what another one commits within a second. Memory per client is bounded by one batch
// of entries: the next one is read when the last has been taken, and whoever does not read is cut off
// (http/event_stream.h). Engine thread.
class SessionStreams
{
public:
    explicit SessionStreams(store::Store &store);

    void start();
    // Ends all of them.
    [[nodiscard]] QCoro::Task<> stop();

    // Whether this token may open one more.
    [[nodiscard]] bool mayOpen(const QString &token) const
    {
        return !m_scope.token().isCancelled() && m_count.mayOpen(token);
    }
    void open(
        const QString &token, const QString &session, qint64 after, std::shared_ptr<http::BodyStream> stream);
    // The log of this session has grown.
    void wake(const QString &session);
    [[nodiscard]] int count() const { return static_cast<int>(m_readers.size()); }

private:
    [[nodiscard]] QCoro::Task<> serve(std::shared_ptr<LogReader> reader);
    [[nodiscard]] QCoro::Task<bool> forward(std::shared_ptr<LogReader> reader);
    [[nodiscard]] QCoro::Task<bool> poll();
    void noteAway(const Error &error);
    store::Store &m_store;
    QMultiHash<QString, std::shared_ptr<LogReader>> m_readers; // by session
    http::StreamCount m_count;
    WorkLoop m_poll;
    async::TaskScope m_scope;
    bool m_away = false; // the database, when a log was last read
};

} // namespace signalbox::gateway
