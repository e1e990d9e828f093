// SPDX-License-Identifier: Apache-2.0
// The change feed and the sweep (DESIGN.md "Replicas and live updates", "Configuration against state"), on
// both databases.
#include "store_fixture.h"

#include <QSqlQuery>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using signalbox::domain::DeliveryState;
using signalbox::testing::StoreFixture;

// On SQLite the newest entry stays: numbers never come again.
const int kNewestStays = StoreFixture::isPostgres() ? 0 : 1;

class StoreFeedTest : public QObject
{
    Q_OBJECT

private:
    static FeedCursor head(StoreFixture &f)
    {
        const auto at = async::blockOn(f.db().feedHead());
        return at ? *at : FeedCursor();
    }
    static FeedBatch read(StoreFixture &f, const FeedCursor &after, int most = 100)
    {
        const auto batch = async::blockOn(f.db().readFeed(after, most));
        return batch ? *batch : FeedBatch();
    }
    static QStringList ids(const FeedBatch &batch)
    {
        QStringList all;
        for (const FeedEntry &entry : batch.entries)
            all << entry.kind + u' ' + entry.id;
        all.sort();
        return all;
    }
    static int sweep(StoreFixture &f, Millis feedAge, int most)
    {
        Retention retention;
        retention.feed = feedAge;
        retention.deadLetters = Millis(3'600'000);
        const auto removed = async::blockOn(f.db().sweep(retention, most));
        return removed ? *removed : -1;
    }

private Q_SLOTS:
    void entry_isOneForEachEntityAndUnit();
    void cursor_resumes();
    void otherEpoch_isGap();
    void trimmed_isGap();
    void trimmedEmpty_headIsNoGap();
    void olderTransaction_delaysAndLosesNothing();
    void listener_hearsOfChanges();
    void cursor_parses();
    void sweep_isBounded();
    void sweep_keepsWhatIsNeeded();
};

void StoreFeedTest::entry_isOneForEachEntityAndUnit()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    FeedCursor at = head(f);
    f.ingest(u"a"_s, u"t1"_s);
    FeedBatch batch = read(f, at);
    QCOMPARE(ids(batch), QStringList({u"delivery d-a"_s, u"session se_t1"_s}));
    at = batch.cursor;
    const ClaimedDelivery delivery = f.claim(life).front();
    batch = read(f, at);
    QCOMPARE(ids(batch), QStringList({u"delivery d-a"_s, u"session se_t1"_s}));
    at = batch.cursor;
    // A renewal writes nothing.
    QVERIFY(async::blockOn(f.db().renewLease(life, Millis(60'000), Millis(180'000))));
    QVERIFY(read(f, at).entries.empty());
    std::vector<OutboundDraft> drafts{
        StoreFixture::draft(u"d-a"_s, u"reply"_s, 1, 2), StoreFixture::draft(u"d-a"_s, u"reply"_s, 2, 2)};
    f.finish(delivery, DeliveryState::Waiting, drafts);
    batch = read(f, at);
    QCOMPARE(batch.entries.size(), size_t(4));
    const auto items = async::blockOn(f.db().deliveryItems({u"d-a"_s}));
    QVERIFY(items);
    const auto entry = std::find_if(
        batch.entries.begin(), batch.entries.end(), [](const FeedEntry &of) { return of.id == u"d-a"; });
    QCOMPARE(items->first().rev, entry->rev);
}

void StoreFeedTest::cursor_resumes()
{
    SIGNALBOX_STORE(f);
    FeedCursor at = head(f);
    for (int i = 0; i < 10; ++i)
        f.ingest(QString::number(i), u"t%1"_s.arg(i));
    QStringList seen;
    for (int round = 0; round < 10; ++round) {
        const FeedBatch batch = read(f, at, 7);
        QCOMPARE(batch.more, seen.size() + qsizetype(batch.entries.size()) < 20);
        seen << ids(batch);
        // As text and back, and over a restart.
        const auto parsed = FeedCursor::parse(batch.cursor.toString());
        QVERIFY(parsed);
        at = *parsed;
        if (round == 1)
            QVERIFY(f.reopen());
        if (!batch.more)
            break;
    }
    QCOMPARE(seen.size(), 20);
    QCOMPARE(QSet<QString>(seen.begin(), seen.end()).size(), 20);
    QVERIFY(read(f, at).entries.empty());
}

void StoreFeedTest::otherEpoch_isGap()
{
    SIGNALBOX_STORE(f);
    FeedCursor at = head(f);
    QVERIFY(!read(f, at).gap);
    at.epoch = u"other"_s;
    QVERIFY(read(f, at).gap);
}

void StoreFeedTest::trimmed_isGap()
{
    SIGNALBOX_STORE(f);
    const FeedCursor old = head(f);
    for (int i = 0; i < 5; ++i)
        f.ingest(QString::number(i), u"t%1"_s.arg(i));
    const FeedCursor middle = head(f);
    QVERIFY(sweep(f, Millis(3'600'000), 100) == 0); // nothing is old yet
    QVERIFY(!read(f, old).gap);
    QVERIFY(sweep(f, Millis(-1000), 100) >= 10);
    QVERIFY(read(f, old).gap);
    QVERIFY(!read(f, middle).gap);
}

void StoreFeedTest::trimmedEmpty_headIsNoGap()
{
    SIGNALBOX_STORE(f);
    f.ingest(u"a"_s, u"t1"_s);
    QVERIFY(sweep(f, Millis(-1000), 100) > 0);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM feed"_s).toInt(), kNewestStays);
    const FeedCursor at = head(f);
    QVERIFY(!read(f, at).gap);
    f.ingest(u"b"_s, u"t2"_s);
    QCOMPARE(read(f, at).entries.size(), size_t(2));
}

void StoreFeedTest::olderTransaction_delaysAndLosesNothing()
{
    SIGNALBOX_STORE(f);
    if (!StoreFixture::isPostgres())
        QSKIP("commits and numbers have one order on SQLite");
    const FeedCursor start = head(f);
    QSqlDatabase raw = f.connection();
    QSqlQuery query(raw);
    // An older transaction takes its id first, and its sequence number last.
    QVERIFY(query.exec(u"BEGIN"_s));
    QVERIFY(query.exec(u"SELECT pg_current_xact_id()"_s));
    f.ingest(u"a"_s, u"t1"_s);
    FeedBatch batch = read(f, start);
    QVERIFY(batch.entries.empty());
    QVERIFY(!batch.gap);
    QVERIFY(query.exec(u"INSERT INTO feed (kind, entity_id, rev, at) VALUES ('delivery', 'late', 1, 0)"_s));
    QVERIFY(read(f, start).entries.empty());
    const FeedCursor during = head(f);
    QVERIFY(query.exec(u"COMMIT"_s));
    batch = read(f, start);
    QCOMPARE(ids(batch), QStringList({u"delivery d-a"_s, u"delivery late"_s, u"session se_t1"_s}));
    // A list that was read while the old one was open misses nothing either.
    QVERIFY(ids(read(f, during)).contains(u"delivery late"_s));
}

void StoreFeedTest::listener_hearsOfChanges()
{
    SIGNALBOX_STORE(f);
    int heard = 0;
    f.db().onChange([&heard] { ++heard; });
    f.ingest(u"a"_s, u"t1"_s);
    QCOMPARE(heard, 1);
    QVERIFY(async::blockOn(f.db().ping()));
    QCOMPARE(heard, 1);
}

void StoreFeedTest::cursor_parses()
{
    QVERIFY(FeedCursor::parse(u"abc.1.2"_s));
    for (const QString &bad : {u""_s, u"abc"_s, u"abc.1"_s, u".1.2"_s, u"abc.x.2"_s, u"abc.1.-2"_s,
             u"abc.1.2.3"_s, u"a b.1.2"_s, u"a\nb.1.2"_s})
        QVERIFY2(!FeedCursor::parse(bad), qPrintable(bad));
}

void StoreFeedTest::sweep_isBounded()
{
    SIGNALBOX_STORE(f);
    for (int i = 0; i < 20; ++i) {
        IngestRequest request = StoreFixture::message(QString::number(i), u"t%1"_s.arg(i));
        request.keyTtl = Millis(-1000);
        f.ingest(request);
    }
    int rounds = 0;
    int all = 0;
    for (int removed = 1; removed > 0 && rounds < 50; ++rounds) {
        removed = sweep(f, Millis(-1000), 10);
        QVERIFY(removed <= 30);
        all += removed;
    }
    QVERIFY(rounds > 5);
    QVERIFY(all >= 100); // 60 keys and at least 40 feed rows
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM inbound_keys"_s).toInt(), 0);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM feed"_s).toInt(), kNewestStays);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM payloads"_s).toInt(), 20);
}

void StoreFeedTest::sweep_keepsWhatIsNeeded()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    // Ten dead ones stand first; they are kept, and must not hide the finished one behind them.
    for (int i = 0; i < 11; ++i) {
        IngestRequest request = StoreFixture::message(u"%1"_s.arg(i, 2, 10, QChar(u'0')), u"t%1"_s.arg(i));
        request.payloadTtl = Millis(-1000);
        f.ingest(request);
        f.finish(f.claim(life).front(), i < 10 ? DeliveryState::Dead : DeliveryState::Completed);
    }
    IngestRequest open = StoreFixture::message(u"open"_s, u"t-open"_s);
    open.payloadTtl = Millis(-1000);
    f.ingest(open);
    for (int round = 0; round < 6; ++round)
        QVERIFY(sweep(f, Millis(3'600'000), 4) >= 0);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM payloads WHERE id = 'd-10'"_s).toInt(), 0);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM payloads WHERE id = 'd-open'"_s).toInt(), 1);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM payloads"_s).toInt(), 11);
    for (int round = 0; round < 3; ++round) { // a walk that has begun goes on to its end first
        Retention retention;
        retention.feed = Millis(3'600'000);
        retention.deadLetters = Millis(-1000);
        const auto gone = async::blockOn(f.db().sweep(retention, 100));
        QVERIFY(gone);
    }
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM payloads"_s).toInt(), 1);
}

QTEST_GUILESS_MAIN(StoreFeedTest)
#include "tst_store_feed.moc"
