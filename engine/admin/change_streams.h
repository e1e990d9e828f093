// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/operator_service.h"
#include "http/event_stream.h"

#include <QElapsedTimer>

#include <list>
#include <memory>

namespace signalbox::admin {

// What a client of GET /api/v1/stream asked for, when it may have it.
struct StreamWish
{
    StreamWish() = default;
    QString token; // by name
    KindSet kinds = 0;
    Filter filter;
    std::optional<store::FeedCursor> since; // without it: from now on
};

struct StreamLimits
{
    StreamLimits() = default;
    int mostPerToken = 32;
    int mostInAll = 1000;
    Millis heartbeat{15'000};
    Millis counts{1000}; // at most that often
    qint64 piece = 64 * 1024; // about so much is written before the client must have taken it
};

// One client of the stream.
struct ChangeReader
{
    ChangeReader(StreamWish what, std::shared_ptr<http::BodyStream> body)
        : wish(std::move(what))
        , client(std::move(body))
    {
    }
    StreamWish wish;
    store::FeedCursor at; // everything up to it was written
    http::EventClient client;
    quint64 counts = 0; // the last ones that were written
    QElapsedTimer lastCounts;
    QElapsedTimer lastWrite;
};

// The change feed as Server-Sent Events (INTERFACE.md "Admin routes"). A client that begins behind the hub's
// ring reads the database through a cursor of its own until it meets the ring; from there on all are served
// from it. Nothing is queued for a client: one that does not take what was written stays at its cursor, and
// is cut off by its connection (http/body_stream.h) and resumes with its last id. Rows that stop to match a
// filter are not told of; that a row is gone passes every filter. Engine thread.
class ChangeStreams : public QObject
{
    Q_OBJECT
public:
    explicit ChangeStreams(OperatorService &service);
    void setLimits(StreamLimits limits);
    // Ends all of them.
    [[nodiscard]] QCoro::Task<> stop();

    [[nodiscard]] bool mayOpen(const QString &token) const;
    void open(StreamWish wish, std::shared_ptr<http::BodyStream> body);
    [[nodiscard]] int count() const { return m_count.all(); }

Q_SIGNALS:
    void readEnded();

private:
    using Reader = std::shared_ptr<ChangeReader>;
    [[nodiscard]] QCoro::Task<> serve(Reader reader);
    [[nodiscard]] QCoro::Task<bool> begin(Reader reader);
    [[nodiscard]] QCoro::Task<bool> forward(Reader reader);
    [[nodiscard]] QCoro::Task<bool> catchUp(Reader reader);
    struct Behind
    {
        Behind() = default;
        store::FeedBatch batch; // of a gap, the cursor is the newest one
        std::vector<PlacedChange> changes;
    };
    [[nodiscard]] QCoro::Task<Result<Behind>> readNow(Reader reader);
    [[nodiscard]] QCoro::Task<Result<Behind>> readInTurn(Reader reader);
    [[nodiscard]] QCoro::Task<> tell(Reader reader, QByteArray events);
    [[nodiscard]] QCoro::Task<> rest(Reader reader);
    void writeCounts(ChangeReader &reader);
    void takeStatus(const domain::EngineStatus &status);
    void wakeAll();
    void noteAway(const Error &error);

    OperatorService &m_service;
    FeedHub &m_hub;
    StreamLimits m_limits;
    http::StreamCount m_count;
    std::list<Reader> m_readers;
    QByteArray m_counts; // the event
    quint64 m_countsNumber = 0;
    int m_reading = 0; // of the database, behind the ring
    bool m_away = false;
    async::TaskScope m_scope;
};

} // namespace signalbox::admin
