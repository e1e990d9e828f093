// SPDX-License-Identifier: Apache-2.0
#include "gateway/session_streams.h"

#include "base/json.h"
#include "base/log.h"

#include <algorithm>

using namespace Qt::StringLiterals;

namespace signalbox::gateway {

namespace {
Q_LOGGING_CATEGORY(lcStream, "signalbox.engine.stream")

constexpr int kMostPerToken = 200;
constexpr int kMostInAll = 1000; // a quarter of the listener's connections
constexpr int kBatch = 64;
constexpr Millis kPoll{500};
constexpr Millis kHeartbeat{15'000};

QByteArray eventOf(const store::LogEntry &entry)
{
    Json data = Json::object({{u"seq"_s, entry.seq}, {u"kind"_s, entry.kind}});
    const auto body = Json::parse(entry.body);
    if (body)
        data.set(u"text"_s, (*body)[u"text"].toString());
    else
        data.set(u"expired"_s, true); // engine.payload_retention is over
    data.set(u"delivery_id"_s, entry.deliveryId);
    if (entry.parts > 1)
        data.set(u"part"_s, entry.part).set(u"parts"_s, entry.parts);
    data.set(u"at"_s, toRfc3339(entry.at));
    return "id: " + QByteArray::number(entry.seq) + "\nevent: message\ndata: " + data.toBytes() + "\n\n";
}

} // namespace

SessionStreams::SessionStreams(store::Store &store)
    : m_store(store)
    , m_count(kMostPerToken, kMostInAll)
    , m_poll("session logs", kPoll)
    , m_scope(u"session streams"_s)
{
}

void SessionStreams::start()
{
    m_poll.start([this] { return poll(); });
}

QCoro::Task<> SessionStreams::stop()
{
    co_await m_poll.stop();
    m_scope.cancel();
    co_await m_scope.join(Millis(5000));
}

void SessionStreams::open(
    const QString &token, const QString &session, qint64 after, std::shared_ptr<http::BodyStream> stream)
{
    const auto reader = std::make_shared<LogReader>(std::move(stream));
    reader->token = token;
    reader->session = session;
    reader->at = after;
    m_readers.insert(session, reader);
    m_count.opened(token);
    m_scope.spawn("session stream", serve(reader));
}

void SessionStreams::wake(const QString &session)
{
    const auto readers = m_readers.values(session); // waking may end one
    for (const auto &reader : readers)
        reader->client.wake();
}

QCoro::Task<> SessionStreams::serve(std::shared_ptr<LogReader> reader)
{
    const async::CancelToken token = m_scope.token();
    http::EventClient &client = reader->client;
    client.write(": the log of this session\n\n");
    while (client.isOpen() && !token.isCancelled()) {
        if (co_await forward(reader))
            continue;
        while (co_await client.rest(kHeartbeat, token))
            client.write(": still here\n\n");
    }
    client.end();
    m_readers.remove(reader->session, reader);
    m_count.closed(reader->token);
}

// Once for an outage, whoever reads.
void SessionStreams::noteAway(const Error &error)
{
    if (!std::exchange(m_away, true))
        logWarning(lcStream, "the logs of sessions cannot be read", {{"code", error.native()}});
}

// Writes one batch and waits until the client has taken it. True: there is more.
QCoro::Task<bool> SessionStreams::forward(std::shared_ptr<LogReader> reader)
{
    const async::CancelToken token = m_scope.token();
    const auto batch = co_await m_store.readSessionLog(reader->session, reader->at, kBatch);
    if (!batch) {
        noteAway(batch.error()); // the poll tries again
        co_return false;
    }
    m_away = false;
    QByteArray events;
    for (const store::LogEntry &entry : batch->entries) {
        events += eventOf(entry);
        reader->at = entry.seq;
    }
    reader->client.write(events);
    co_await reader->client.taken(token);
    co_return batch->more;
}

// What other engines have committed; one statement for many readers.
QCoro::Task<bool> SessionStreams::poll()
{
    QStringList sessions = m_readers.uniqueKeys();
    if (sessions.isEmpty())
        co_return false;
    const auto heads = co_await m_store.sessionLogHeads(std::move(sessions));
    if (!heads) {
        noteAway(heads.error());
        co_return false;
    }
    m_away = false;
    for (const store::LogHead &head : *heads) {
        const auto readers = m_readers.values(head.session);
        for (const auto &reader : readers) {
            if (reader->at < head.seq)
                reader->client.wake();
        }
    }
    co_return false;
}

} // namespace signalbox::gateway
