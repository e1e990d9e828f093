// SPDX-License-Identifier: Apache-2.0
// What operators see: keyset pages, filters, totals, details, counts, on both databases.
#include "store_fixture.h"

#include <QSqlQuery>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using signalbox::domain::DeliveryState;
using signalbox::domain::ListQuery;
using signalbox::testing::StoreFixture;

class StoreViewsTest : public QObject
{
    Q_OBJECT

private:
    // `count` finished deliveries d-00000…, each with a session of its own.
    static void fill(StoreFixture &f, int count)
    {
        const QString numbers = StoreFixture::isPostgres()
            ? u"(SELECT i FROM generate_series(0, %1) AS n (i)) AS n"_s.arg(count - 1)
            : u"(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %1) SELECT i FROM n) AS n"_s
                  .arg(count - 1);
        const QString id = u"substr(CAST(100000 + i AS TEXT), 2)"_s;
        const QStringList statements{u"INSERT INTO sessions (id, installation_id, channel, tenant, backend, "
                                     u"place, thread, next_ordinal, last_active_at, "
                                     u"created_at, updated_at) SELECT 'se_' || "_s
                + id + u", 'in1', 'slack', 'T1', 'agent', 'C1', "_s + id + u", 1, 1, 1000 + i / 3, 1 FROM "_s
                + numbers,
            u"INSERT INTO deliveries (id, installation_id, session_id, ordinal, state, outcome, blocks, "
            u"mentioned, direct, place, "
            u"thread, message_ts, user_id, due_at, finished_at, created_at, updated_at) SELECT 'd-' || "_s
                + id + u", 'in1', 'se_' || "_s + id + u", 1, 'completed', 'delivered', 0, 1, 0, 'C1', "_s + id
                + u", 'ts', 'U' || CAST(i % 7 AS TEXT), 1, 1, 1000 + i, 1 FROM "_s + numbers};
        for (const QString &statement : statements)
            QCOMPARE(f.sql(statement).toString(), QString());
    }

private Q_SLOTS:
    void pages_showEveryDeliveryOnce_data();
    void pages_showEveryDeliveryOnce();
    void pages_showEverySessionOnce_data();
    void pages_showEverySessionOnce();
    void filters_ofDeliveries();
    void filters_ofSessions();
    void totals_areExactToTenThousand();
    void detail_hasTimelineAndAttempts();
    void items_byId();
    void counts_byState();
};

void StoreViewsTest::pages_showEveryDeliveryOnce_data()
{
    QTest::addColumn<bool>("oldestFirst");
    QTest::newRow("newest first") << false;
    QTest::newRow("oldest first") << true;
}

void StoreViewsTest::pages_showEveryDeliveryOnce()
{
    QFETCH(const bool, oldestFirst);
    SIGNALBOX_STORE(f);
    fill(f, 1200);
    ListQuery query;
    query.limit = 97;
    query.oldestFirst = oldestFirst;
    QStringList seen;
    for (int page = 0; page < 20; ++page) {
        const auto got = async::blockOn(f.db().listDeliveries(query));
        QVERIFY(got);
        for (const auto &item : got->items)
            seen << item.id;
        query.cursor = got->nextCursor;
        if (query.cursor.isEmpty())
            break;
        // Rows come in behind and before the reader.
        f.ingest(u"new-%1"_s.arg(page), u"new"_s);
        f.ingest(u"0-early-%1"_s.arg(page), u"new"_s);
    }
    QVERIFY(query.cursor.isEmpty());
    QStringList sorted = seen;
    sorted.sort();
    if (!oldestFirst)
        std::reverse(sorted.begin(), sorted.end());
    QCOMPARE(seen, sorted);
    QCOMPARE(QSet<QString>(seen.begin(), seen.end()).size(), seen.size());
    for (int i = 0; i < 1200; ++i)
        QVERIFY(seen.contains(u"d-%1"_s.arg(i, 5, 10, QChar(u'0'))));
}

void StoreViewsTest::pages_showEverySessionOnce_data()
{
    pages_showEveryDeliveryOnce_data();
}

void StoreViewsTest::pages_showEverySessionOnce()
{
    QFETCH(const bool, oldestFirst);
    SIGNALBOX_STORE(f);
    fill(f, 1200);
    ListQuery query;
    query.limit = 100;
    query.oldestFirst = oldestFirst;
    QStringList seen;
    for (int page = 0; page < 20; ++page) {
        const auto got = async::blockOn(f.db().listSessions(query));
        QVERIFY(got);
        for (const auto &item : got->items)
            seen << item.id;
        query.cursor = got->nextCursor;
        if (query.cursor.isEmpty())
            break;
        f.ingest(u"new-%1"_s.arg(page), u"new-%1"_s.arg(page));
    }
    QVERIFY(query.cursor.isEmpty());
    QCOMPARE(QSet<QString>(seen.begin(), seen.end()).size(), seen.size());
    for (int i = 0; i < 1200; ++i)
        QVERIFY(seen.contains(u"se_%1"_s.arg(i, 5, 10, QChar(u'0'))));
}

void StoreViewsTest::filters_ofDeliveries()
{
    SIGNALBOX_STORE(f);
    fill(f, 70);
    f.ingest(u"x"_s, u"t1"_s);
    f.ingest(u"y"_s, u"t1"_s);
    const auto total = [&f](const ListQuery &query) {
        const auto page = async::blockOn(f.db().listDeliveries(query));
        return page && page->items.size() == page->total ? page->total : -1;
    };
    ListQuery query;
    QCOMPARE(total(query), 72);
    query.states = QStringList{u"pending"_s, u"waiting"_s};
    QCOMPARE(total(query), 2);
    query.states = QStringList{u"pending"_s};
    QCOMPARE(total(query), 1);
    query = ListQuery();
    query.session = u"se_t1"_s;
    QCOMPARE(total(query), 2);
    query = ListQuery();
    query.text = u"U3"_s;
    QCOMPARE(total(query), 10);
    query.text = u"d-0000"_s; // the beginning of an id
    QCOMPARE(total(query), 10);
    query.text = u"d_0000"_s; // no wildcard
    QCOMPARE(total(query), 0);
    query.text = u"d-%"_s;
    QCOMPARE(total(query), 0);
    query.text = u"00007"_s; // a thread
    QCOMPARE(total(query), 1);
}

void StoreViewsTest::filters_ofSessions()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    fill(f, 30);
    f.ingest(u"x"_s, u"t1"_s);
    f.claim(life);
    f.ingest(u"y"_s, u"t2"_s);
    const auto only = [&f](const QString &state, const QString &text) {
        ListQuery query;
        if (!state.isEmpty())
            query.states = QStringList{state};
        query.text = text;
        const auto page = async::blockOn(f.db().listSessions(query));
        QStringList ids;
        if (page) {
            for (const auto &item : page->items)
                ids << item.id + u' ' + item.state;
        }
        return ids;
    };
    QCOMPARE(only(u"running"_s, QString()), QStringList{u"se_t1 running"_s});
    QCOMPARE(only(u"waiting"_s, QString()), QStringList{u"se_t2 waiting"_s});
    QCOMPARE(only(u"idle"_s, QString()).size(), 30);
    QCOMPARE(only(QString(), u"d-x"_s), QStringList{u"se_t1 running"_s}); // by its holder
    QCOMPARE(only(QString(), u"se_0000"_s).size(), 10);
}

void StoreViewsTest::totals_areExactToTenThousand()
{
    SIGNALBOX_STORE(f);
    fill(f, 10'000);
    ListQuery query;
    query.limit = 5;
    auto page = async::blockOn(f.db().listDeliveries(query));
    QVERIFY(page);
    QCOMPARE(page->total, 10'000);
    QVERIFY(page->totalIsExact);
    f.ingest(u"more"_s, u"t1"_s);
    page = async::blockOn(f.db().listDeliveries(query));
    QVERIFY(page);
    QCOMPARE(page->total, 10'000);
    QVERIFY(!page->totalIsExact);
}

void StoreViewsTest::detail_hasTimelineAndAttempts()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    f.ingest(u"a"_s, u"t1"_s);
    f.clock.advance(Millis(5));
    const ClaimedDelivery delivery = f.claim(life).front();
    QVERIFY(f.begin(delivery));
    QVERIFY(f.accept(delivery));
    std::vector<OutboundDraft> drafts{StoreFixture::draft(u"d-a"_s, u"reply"_s)};
    f.finish(delivery, DeliveryState::Waiting, drafts);
    const auto detail = async::blockOn(f.db().deliveryDetail(u"d-a"_s));
    QVERIFY(detail);
    QCOMPARE(detail->item.state, u"waiting"_s);
    QCOMPARE(detail->item.waitsFor, u"outbound"_s);
    QCOMPARE(detail->item.promptState, u"accepted"_s);
    QCOMPARE(detail->item.channel, u"slack"_s);
    QCOMPARE(detail->attempts.size(), 1);
    QCOMPARE(detail->attempts.first().what, u"turn"_s);
    QStringList timeline;
    for (const auto &entry : detail->timeline)
        timeline << entry.lane + u':' + entry.what + (entry.open ? u"…"_s : u""_s);
    QCOMPARE(timeline,
        QStringList({u"inbound:received"_s, u"lock:waiting"_s, u"lock:held"_s, u"turn:prompt_sent"_s,
            u"turn:accepted"_s, u"outbound:reply…"_s}));
    const auto missing = async::blockOn(f.db().deliveryDetail(u"d-none"_s));
    QVERIFY(!missing);
    QCOMPARE(missing.error().code(), ErrorCode::NotFound);
}

void StoreViewsTest::items_byId()
{
    SIGNALBOX_STORE(f);
    fill(f, 20);
    QStringList ids;
    for (int i = 0; i < 17; ++i)
        ids << u"d-%1"_s.arg(i, 5, 10, QChar(u'0'));
    ids << u"d-missing"_s;
    const auto deliveries = async::blockOn(f.db().deliveryItems(ids));
    QVERIFY(deliveries);
    QCOMPARE(deliveries->size(), 17);
    const auto none = async::blockOn(f.db().sessionItems({}));
    QVERIFY(none);
    QVERIFY(none->isEmpty());
}

void StoreViewsTest::counts_byState()
{
    SIGNALBOX_STORE(f);
    const EngineLife life = f.engine();
    fill(f, 3);
    f.ingest(u"a"_s, u"t1"_s);
    f.ingest(u"b"_s, u"t1"_s);
    f.ingest(u"c"_s, u"t2"_s);
    f.claim(life, 1);
    f.ingest(u"e"_s, u"t3"_s);
    const auto counts = async::blockOn(f.db().counts());
    QVERIFY(counts);
    const std::map<QString, qint64> by(counts->deliveries.begin(), counts->deliveries.end());
    QCOMPARE(by.at(u"running"_s), 1);
    QCOMPARE(by.at(u"pending"_s), 2);
    QCOMPARE(by.at(u"waiting"_s), 1);
    QCOMPARE(by.at(u"waiting:lock"_s), 1);
    QCOMPARE(by.at(u"total"_s), 7);
    const std::map<QString, qint64> sessions(counts->sessions.begin(), counts->sessions.end());
    QCOMPARE(sessions.at(u"running"_s), 1);
    QCOMPARE(sessions.at(u"total"_s), 6);
    QVERIFY(!isNever(counts->oldestUnfinishedAt));
    QCOMPARE(counts->needPerson, 0);
}

QTEST_GUILESS_MAIN(StoreViewsTest)
#include "tst_store_views.moc"
