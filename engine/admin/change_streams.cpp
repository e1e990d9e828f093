// SPDX-License-Identifier: Apache-2.0
#include "admin/change_streams.h"

#include "admin/item_json.h"
#include "base/log.h"

using namespace Qt::StringLiterals;

namespace signalbox::admin {

namespace {
Q_LOGGING_CATEGORY(lcStreams, "signalbox.engine.stream")
constexpr int kBatch = 200;
constexpr int kMostReading = 2; // clients that all come back at once must not hold the database
constexpr Millis kAgain{500};

QByteArray placeOf(const store::FeedCursor &at)
{
    return "id: " + at.toString().toUtf8() + '\n';
}

QByteArray gapEvent(const store::FeedCursor &oldest, const store::FeedCursor &newest)
{
    const Json data = Json::object({{u"oldest"_s, oldest.toString()}, {u"newest"_s, newest.toString()}});
    return placeOf(newest) + "event: gap\ndata: " + data.toBytes() + "\n\n";
}

} // namespace

ChangeStreams::ChangeStreams(OperatorService &service)
    : m_service(service)
    , m_hub(service.hub())
    , m_count(m_limits.mostPerToken, m_limits.mostInAll)
    , m_scope(u"change streams"_s)
{
    connect(&m_hub, &FeedHub::advanced, this, &ChangeStreams::wakeAll);
    connect(&service, &OperatorService::statusChanged, this, &ChangeStreams::takeStatus);
}

void ChangeStreams::setLimits(StreamLimits limits)
{
    m_limits = limits;
    m_count = http::StreamCount(limits.mostPerToken, limits.mostInAll);
}

QCoro::Task<> ChangeStreams::stop()
{
    m_scope.cancel();
    co_await m_scope.join(Millis(5000));
}

bool ChangeStreams::mayOpen(const QString &token) const
{
    return !m_scope.token().isCancelled() && m_count.mayOpen(token);
}

void ChangeStreams::open(StreamWish wish, std::shared_ptr<http::BodyStream> body)
{
    if (!mayOpen(wish.token)) { // others were opened since it was asked
        body->end();
        return;
    }
    const Reader reader = std::make_shared<ChangeReader>(std::move(wish), std::move(body));
    m_readers.push_back(reader);
    m_count.opened(reader->wish.token);
    m_hub.openStream(reader->wish.kinds, !reader->wish.filter.isEmpty());
    m_service.wantStatus();
    m_scope.spawn("change stream", serve(reader));
}

void ChangeStreams::wakeAll()
{
    for (const Reader &reader : m_readers)
        reader->client.wake(); // which resumes it later
}

void ChangeStreams::takeStatus(const domain::EngineStatus &status)
{
    if (m_readers.empty())
        return;
    m_counts = "event: counts\ndata: " + toJson(status).toBytes() + "\n\n";
    ++m_countsNumber;
    wakeAll();
}

// Once for an outage, whoever reads.
void ChangeStreams::noteAway(const Error &error)
{
    if (!std::exchange(m_away, true))
        logWarning(lcStreams, "streams cannot read the change feed", {{"code", error.native()}});
}

QCoro::Task<> ChangeStreams::serve(Reader reader)
{
    const async::CancelToken token = m_scope.token();
    http::EventClient &client = reader->client;
    bool begun = false;
    while (!begun && client.isOpen() && !token.isCancelled())
        begun = co_await begin(reader);
    while (client.isOpen() && !token.isCancelled()) {
        const bool more = co_await forward(reader);
        writeCounts(*reader);
        co_await client.taken(token);
        if (more)
            co_await async::nextTurn(); // the others, too, and everything else on this thread
        else
            co_await rest(reader);
    }
    client.end();
    m_readers.remove(reader);
    m_count.closed(reader->wish.token);
    m_hub.closeStream(!reader->wish.filter.isEmpty());
}

// Where it starts. False: not yet known.
QCoro::Task<bool> ChangeStreams::begin(Reader reader)
{
    if (reader->wish.since) {
        reader->at = *reader->wish.since;
        co_await tell(reader, ": changes\n\n");
        // The database tells whether it is a cursor of this feed.
        if (!m_hub.knows(reader->at))
            co_await catchUp(reader);
        co_return true;
    }
    const auto head = co_await m_service.store().feedHead();
    if (!head) {
        noteAway(head.error());
        co_await async::delay(kAgain, m_scope.token());
        co_return false;
    }
    m_away = false;
    reader->at = *head;
    co_await tell(reader, placeOf(reader->at) + ": changes from here on\n\n");
    co_return true;
}

QCoro::Task<> ChangeStreams::tell(Reader reader, QByteArray events)
{
    if (events.isEmpty())
        co_return;
    reader->lastWrite.start();
    reader->client.write(events);
    co_await reader->client.taken(m_scope.token());
}

// True: there is more for it.
QCoro::Task<bool> ChangeStreams::forward(Reader reader)
{
    if (!m_hub.isPlaced())
        co_return false; // advanced() wakes it
    if (!m_hub.covers(reader->at))
        co_return co_await catchUp(reader);
    const FeedHub::Slice slice
        = m_hub.slice(reader->at, reader->wish.kinds, reader->wish.filter, m_limits.piece);
    reader->at = slice.end;
    co_await tell(reader, slice.events);
    co_return slice.more;
}

// One batch of what is no longer in the ring, or was never there.
QCoro::Task<Result<ChangeStreams::Behind>> ChangeStreams::readNow(Reader reader)
{
    Behind behind;
    const auto batch = co_await m_service.store().readFeed(reader->at, kBatch);
    if (!batch)
        co_return fail(batch.error());
    behind.batch = *batch;
    if (batch->gap) {
        const auto newest = co_await m_service.store().feedHead();
        if (!newest)
            co_return fail(newest.error());
        behind.batch.cursor = *newest;
        co_return behind;
    }
    const auto changes = co_await placedChanges(m_service.store(), *batch, reader->wish.kinds);
    if (!changes)
        co_return fail(changes.error());
    behind.changes = *changes;
    co_return behind;
}

QCoro::Task<Result<ChangeStreams::Behind>> ChangeStreams::readInTurn(Reader reader)
{
    while (m_reading >= kMostReading && reader->client.isOpen() && !m_scope.token().isCancelled())
        co_await async::waitSignal(this, &ChangeStreams::readEnded, kAgain, m_scope.token());
    ++m_reading;
    auto behind = co_await readNow(reader);
    --m_reading;
    Q_EMIT readEnded();
    co_return behind;
}

QCoro::Task<bool> ChangeStreams::catchUp(Reader reader)
{
    const auto behind = co_await readInTurn(reader);
    if (!behind) {
        noteAway(behind.error());
        co_await async::delay(kAgain, m_scope.token());
        co_return true;
    }
    m_away = false;
    QByteArray events;
    if (behind->batch.gap)
        events = gapEvent(behind->batch.oldest, behind->batch.cursor);
    for (const PlacedChange &change : behind->changes) {
        const Json data = changeData(change);
        if (change.change.gone || reader->wish.filter.matches(data[u"item"], m_service.clock().now()))
            events += changeEvent(change, data);
        if (events.size() < m_limits.piece || !change.endsPlace)
            continue;
        co_await tell(reader, events);
        events.clear();
    }
    co_await tell(reader, events);
    reader->at = behind->batch.cursor;
    co_return true;
}

void ChangeStreams::writeCounts(ChangeReader &reader)
{
    if (reader.counts == m_countsNumber
        || (reader.lastCounts.isValid() && reader.lastCounts.elapsed() < m_limits.counts.count()))
        return;
    reader.counts = m_countsNumber;
    reader.lastCounts.start(); // not lastWrite: the place must go out with the heartbeat all the same
    reader.client.write(m_counts);
}

// Until there may be more. What has not been told for long, that it has come so far without a change for it,
// goes out with the heartbeat.
QCoro::Task<> ChangeStreams::rest(Reader reader)
{
    const async::CancelToken token = m_scope.token();
    const Millis since(reader->lastWrite.elapsed());
    const Millis left = std::max(Millis(0), m_limits.heartbeat - since);
    if (!co_await reader->client.rest(left, token))
        co_return;
    co_await tell(reader, placeOf(reader->at) + ": still here\n\n");
}

} // namespace signalbox::admin
