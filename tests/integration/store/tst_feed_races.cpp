// SPDX-License-Identifier: Apache-2.0
// The change feed while transactions commit in another order than they began (DESIGN.md "Replicas and live
// updates"; PostgreSQL). Writers are threads with connections of their own, readers go away and come back
// with their cursor.
#include "store_fixture.h"

#include <QHash>
#include <QRandomGenerator>
#include <QSet>

#include <atomic>
#include <thread>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using signalbox::testing::StoreFixture;

namespace {

constexpr int kWriters = 8;
constexpr int kReaders = 4;
constexpr int kItems = 40;

bool isFull()
{
    return qEnvironmentVariableIntValue("SIGNALBOX_TEST_FULL") == 1;
}

// One more revision of an item, inside the transaction that has been begun.
Status bump(Session &session, const QString &id)
{
    qint64 rev = 0;
    {
        auto rows = session.query("UPDATE race_items SET rev = rev + 1 WHERE id = ? RETURNING rev", id);
        if (!rows)
            return fail(rows.error());
        if (!rows->next())
            return fail(ErrorCode::NotFound, u"no such item"_s);
        rev = rows->number(0);
    }
    session.touch("delivery", id, rev);
    return {};
}

class Writer
{
public:
    Writer(const DatabaseTarget &target, const Clock &clock, int number)
        : m_connection(target, clock, u"race-writer-%1"_s.arg(number))
        , m_random(static_cast<quint32>(number + 1))
    {
    }
    [[nodiscard]] Status open() { return m_connection.open(false); }

    // One transaction that changes these; how many were committed.
    int write(const QStringList &ids)
    {
        const auto now = m_connection.beginPostgres(false);
        if (!now)
            return 0;
        Session session(m_connection, *now);
        // Its id is taken long before its rows are: a later transaction may overtake it.
        Status done = m_connection.execute("SELECT pg_current_xact_id()");
        if (done && m_random.bounded(4) == 0)
            done = m_connection.execute("SELECT pg_sleep(0.004)");
        for (const QString &id : ids) {
            if (done)
                done = bump(session, id);
        }
        if (done)
            done = session.writeFeed();
        if (done && m_random.bounded(8) == 0)
            done = m_connection.execute("SELECT pg_sleep(0.002)");
        if (!done || !m_connection.execute("COMMIT")) { // two of them have met in a deadlock
            (void)m_connection.execute("ROLLBACK");
            return 0;
        }
        return static_cast<int>(ids.size());
    }
    int writeSome()
    {
        QStringList ids;
        const int many = 1 + static_cast<int>(m_random.bounded(3));
        for (int i = 0; i < many; ++i) {
            const QString id = u"item-%1"_s.arg(m_random.bounded(kItems), 2, 10, QChar(u'0'));
            if (!ids.contains(id))
                ids << id;
        }
        ids.sort();
        return write(ids);
    }
    // A transaction that is open for long.
    int hold(int seconds)
    {
        const auto now = m_connection.beginPostgres(false);
        if (!now)
            return 0;
        Session session(m_connection, *now);
        const bool done = bump(session, u"held"_s) && session.writeFeed()
            && m_connection.execute(seconds > 1 ? "SELECT pg_sleep(10)" : "SELECT pg_sleep(1)")
            && m_connection.execute("COMMIT");
        return done ? 1 : 0;
    }

private:
    Connection m_connection;
    QRandomGenerator m_random;
};

// Applies the feed as a console does.
struct Reader
{
    Reader() = default;
    std::unique_ptr<Store> store;
    FeedCursor at;
    QHash<QString, qint64> applied;
    QSet<std::pair<QString, qint64>> seen;
    int doubled = 0;
    int dropped = 0; // older than what was applied
    int reconnects = 0;
    int gaps = 0;
    int failures = 0;
    qint64 longestLag = 0;
    bool sawHeld = false;
    bool done = false;

    void apply(const FeedBatch &batch)
    {
        longestLag = std::max(longestLag, batch.lagMs);
        sawHeld = sawHeld || batch.held;
        for (const FeedEntry &entry : batch.entries) {
            const auto key = std::pair(entry.id, entry.rev);
            doubled += seen.contains(key) ? 1 : 0;
            seen.insert(key);
            qint64 &now = applied[entry.id];
            if (entry.rev > now)
                now = entry.rev;
            else
                ++dropped;
        }
        at = batch.cursor;
    }
};

QCoro::Task<> readAll(StoreFixture *f, Reader *reader, const std::atomic<bool> *written, quint32 seed)
{
    QRandomGenerator random(seed);
    while (true) {
        const bool last = *written; // before the read: what comes later is not missed
        const int most = 1 + static_cast<int>(random.bounded(200));
        auto reading = reader->store->readFeed(reader->at, most);
        const auto batch = co_await reading;
        if (!batch || batch->gap) {
            reader->failures += batch ? 0 : 1;
            reader->gaps += batch ? 1 : 0;
            break;
        }
        reader->apply(*batch);
        if (last && !batch->more && !batch->held && batch->entries.empty())
            break;
        if (random.bounded(100) == 0) {
            // The cursor goes as text, as in an event's id.
            const auto kept = FeedCursor::parse(reader->at.toString());
            reader->store.reset();
            auto opened = f->open();
            if (!kept || !opened) {
                ++reader->failures;
                break;
            }
            reader->at = *kept;
            reader->store = std::move(*opened);
            ++reader->reconnects;
        }
    }
    reader->done = true;
}

} // namespace

class FeedRacesTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void readersSeeEverythingOnce();
};

void FeedRacesTest::readersSeeEverythingOnce()
{
    SIGNALBOX_STORE(f);
    if (!StoreFixture::isPostgres())
        QSKIP("commits and numbers have one order on SQLite");
    const int wanted = isFull() ? 100'000 : 5000;
    f.spoil();
    QVERIFY(!f.sql(u"CREATE TABLE race_items (id TEXT PRIMARY KEY, rev BIGINT NOT NULL)"_s)
                 .toString()
                 .startsWith(u"error"));
    f.sql(u"INSERT INTO race_items SELECT 'item-' || lpad(n::text, 2, '0'), 0 FROM generate_series(0, %1) n"_s
              .arg(kItems - 1));
    f.sql(u"INSERT INTO race_items VALUES ('held', 0)"_s);
    const auto target = DatabaseTarget::parse(f.url(), QString());
    QVERIFY(target);
    const auto head = async::blockOn(f.db().feedHead());
    QVERIFY(head);

    std::atomic<int> left{wanted};
    std::atomic<int> committed{0};
    std::atomic<bool> written{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < kWriters; ++i) {
        threads.emplace_back([&, i] {
            Writer writer(*target, f.clock, i);
            if (!writer.open())
                return;
            while (left > 0) {
                const int now = writer.writeSome();
                committed += now;
                left -= now;
            }
        });
    }
    threads.emplace_back([&] {
        Writer writer(*target, f.clock, kWriters);
        if (writer.open())
            committed += writer.hold(isFull() ? 10 : 1);
    });
    std::thread joiner([&] {
        for (std::thread &thread : threads)
            thread.join();
        written = true;
    });
    std::vector<std::unique_ptr<Reader>> readers;
    std::vector<QCoro::Task<>> tasks;
    for (int i = 0; i < kReaders; ++i) {
        auto reader = std::make_unique<Reader>();
        auto opened = f.open();
        QVERIFY(opened);
        reader->store = std::move(*opened);
        reader->at = *head;
        readers.push_back(std::move(reader));
        tasks.push_back(readAll(&f, readers.back().get(), &written, static_cast<quint32>(100 + i)));
    }
    const auto allDone = [&] {
        return std::all_of(readers.begin(), readers.end(), [](const auto &reader) { return reader->done; });
    };
    const int limit = isFull() ? 280'000 : 120'000; // a name: the macro puts it into expressions
    QTRY_VERIFY_WITH_TIMEOUT(written && allDone(), limit);
    joiner.join();

    QVERIFY2(committed >= wanted, "the writers did not get through");
    QCOMPARE(
        f.sql(u"SELECT COUNT(*) FROM feed WHERE entity_id LIKE 'item-%' OR entity_id = 'held'"_s).toInt(),
        committed.load());
    QHash<QString, qint64> expected;
    for (int i = 0; i <= kItems; ++i) {
        const QString id = i == kItems ? u"held"_s : u"item-%1"_s.arg(i, 2, 10, QChar(u'0'));
        expected.insert(id, f.sql(u"SELECT rev FROM race_items WHERE id = '%1'"_s.arg(id)).toLongLong());
    }
    QCOMPARE(expected.value(u"held"_s), 1);
    int reconnects = 0;
    int dropped = 0;
    bool sawHeld = false;
    for (const auto &reader : readers) {
        QCOMPARE(reader->failures, 0);
        QCOMPARE(reader->gaps, 0);
        QCOMPARE(reader->doubled, 0);
        QCOMPARE(reader->seen.size(), qsizetype(committed.load()));
        QCOMPARE(reader->applied, expected);
        reconnects += reader->reconnects;
        dropped += reader->dropped;
        sawHeld = sawHeld || reader->sawHeld;
    }
    QVERIFY2(reconnects > 0, "no reader has gone away");
    QVERIFY2(dropped > 0, "nothing came out of order: this has proved nothing");
    QVERIFY2(sawHeld, "the open transaction held nothing back");
    QVERIFY2(readers.front()->longestLag >= 500, "the open transaction delayed nothing");
}

QTEST_GUILESS_MAIN(FeedRacesTest)
#include "tst_feed_races.moc"
