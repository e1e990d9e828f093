// SPDX-License-Identifier: Apache-2.0
// GET /api/v1/stream over HTTP (INTERFACE.md "Admin routes"), on both databases: the routes, the hub and a
// store, without an engine around them.
#include "admin/admin_routes.h"
#include "base/hash.h"
#include "http/client.h"
#include "http/server.h"
#include "store_fixture.h"
#include "support/raw_peer.h"
#include "support/sse_client.h"

#include <QElapsedTimer>
#include <QUrl>

using namespace Qt::StringLiterals;
using namespace signalbox;
using signalbox::testing::SlowReader;
using signalbox::testing::SseClient;
using signalbox::testing::SseEvent;
using signalbox::testing::StoreFixture;

namespace {

constexpr int kWait = 20'000;
const QByteArray kViewer = "zqmark-viewer";
const QByteArray kOther = "zqmark-other";
const QByteArray kScoped = "zqmark-scoped";

config::TokenConfig token(const QString &name, const QByteArray &secret, const QString &installations)
{
    config::TokenConfig token;
    token.name = name;
    token.role = u"viewer"_s;
    token.sha256 = sha256(secret);
    token.installations = QStringList(installations);
    return token;
}

struct Options
{
    Options() = default;
    admin::StreamLimits streams;
    http::Limits http;
};

// The admin listener over the fixture's store.
struct Desk
{
    explicit Desk(StoreFixture &f, const Options &options = Options())
        : service(f.db(), f.clock, [](domain::EngineStatus &status) { status.engineId = u"e1"_s; })
        , routes(service,
              {token(u"anna"_s, kViewer, u"*"_s), token(u"ben"_s, kOther, u"*"_s),
                  token(u"eve"_s, kScoped, u"slack:T1"_s)})
    {
        routes.streams().setLimits(options.streams);
        http::Router router;
        routes.addRoutes(router);
        server = std::make_unique<http::Server>(std::move(router), options.http);
        if (!server->listen(QHostAddress(QHostAddress::LocalHost), 0))
            qFatal("no listener");
        service.start();
    }
    ~Desk() { stop(); }
    void stop()
    {
        async::blockOn(server->close(Millis(100)), Millis(kWait));
        async::blockOn(routes.stop(), Millis(kWait));
        async::blockOn(service.stop(), Millis(kWait));
    }
    [[nodiscard]] std::unique_ptr<SseClient> open(
        const QString &query = {}, const QByteArray &fields = {}, const QByteArray &secret = kViewer) const
    {
        return std::make_unique<SseClient>(server->port(), u"/api/v1/stream"_s + query, secret, fields);
    }
    [[nodiscard]] http::Response get(const QString &path, const QByteArray &secret = kViewer)
    {
        http::ClientRequest request(
            "GET", QUrl(u"http://127.0.0.1:%1/api/v1%2"_s.arg(server->port()).arg(path)));
        if (!secret.isEmpty())
            request.headers.add("Authorization", "Bearer " + secret);
        const auto answer = async::blockOn(client.send(std::move(request)), Millis(kWait));
        return answer ? *answer : http::Response();
    }

    admin::OperatorService service;
    admin::AdminRoutes routes;
    std::unique_ptr<http::Server> server;
    http::Client client;
};

// What a reader of the stream knows: the newest revision of each row.
QMap<QString, qint64> known(const SseClient &client)
{
    QMap<QString, qint64> rows;
    for (const SseEvent &event : client.events()) {
        if (event.name != "change")
            continue;
        qint64 &rev = rows[event.data[u"kind"].toString() + u' ' + event.data[u"id"].toString()];
        rev = std::max(rev, event.data[u"rev"].toInt().value_or(0));
    }
    return rows;
}

QStringList changedRows(const SseClient &client)
{
    return known(client).keys();
}

store::FeedCursor placeOf(const SseClient &client)
{
    return store::FeedCursor::parse(QString::fromLatin1(client.lastId())).value_or(store::FeedCursor());
}

store::LifecycleReport bulkyEvent(int number)
{
    store::LifecycleReport report;
    report.id = u"event-%1"_s.arg(number);
    report.backend = u"agent"_s;
    report.nameSpace = u"spritz"_s;
    report.instanceId = report.id;
    report.phase = u"ready"_s;
    report.reason = QString(40'000, u'r');
    return report;
}

QString sinceOf(const QByteArray &cursor)
{
    return u"?since="_s + QString::fromLatin1(cursor);
}

} // namespace

class AdminStreamTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void isRefusedBeforeItOpens_data();
    void isRefusedBeforeItOpens();
    void beginsAtTheHeadAndTellsChanges();
    void sweptEngine_isToldAsDeleted();
    void kindsAndFilterChoose();
    void resumesFromTheDatabase();
    void resumesFromTheRing();
    void smallRing_losesNothing();
    void filteredReader_looksAtMuchInTurns();
    void trimmedCursor_isAGapAndGoesOn();
    void otherEpoch_isAGap();
    void cursorOfTheFuture_isAGap();
    void countsComeOnceASecond();
    void heartbeatTellsTheCursor();
    void slowClient_isCutOffAndResumes();
    void limits_holdPerTokenAndInAll();
    void closedClient_isGoneAtOnce();
    void listAndStreamJoin();
    void stop_endsTheStreams();
};

void AdminStreamTest::isRefusedBeforeItOpens_data()
{
    QTest::addColumn<QString>("query");
    QTest::addColumn<QByteArray>("secret");
    QTest::addColumn<int>("status");
    QTest::addColumn<QByteArray>("says");
    QTest::newRow("no token") << u"?since=x"_s << QByteArray() << 401 << QByteArray("token");
    QTest::newRow("wrong token") << u""_s << QByteArray("zqmark-no") << 401 << QByteArray("token");
    QTest::newRow("scoped token") << u"?kinds=no"_s << kScoped << 403 << QByteArray("installations");
    QTest::newRow("unknown kind") << u"?kinds=session,pigs"_s << kViewer << 400 << QByteArray("pigs");
    QTest::newRow("empty kind") << u"?kinds=session,"_s << kViewer << 400 << QByteArray("no kind");
    QTest::newRow("bad filter") << u"?filter=state:dead%20age:10m"_s << kViewer << 400
                                << QByteArray("filter at 12");
    QTest::newRow("bad cursor") << u"?since=7"_s << kViewer << 400 << QByteArray("cursor");
}

void AdminStreamTest::isRefusedBeforeItOpens()
{
    QFETCH(QString, query);
    QFETCH(QByteArray, secret);
    SIGNALBOX_STORE(f);
    Desk desk(f);
    const http::Response answer = desk.get(u"/stream"_s + query, secret);
    QTEST(answer.status, "status");
    QFETCH(QByteArray, says);
    QVERIFY2(answer.body.contains(says), answer.body.constData());
    QCOMPARE(desk.routes.streams().count(), 0);
    QVERIFY(!desk.service.hub().isWatched());
}

void AdminStreamTest::beginsAtTheHeadAndTellsChanges()
{
    SIGNALBOX_STORE(f);
    f.ingest(u"before"_s, u"t0"_s);
    Desk desk(f);
    const auto stream = desk.open();
    QTRY_COMPARE_WITH_TIMEOUT(stream->status(), 200, kWait);
    QVERIFY(stream->head().contains("text/event-stream"));
    QTRY_VERIFY_WITH_TIMEOUT(!stream->lastId().isEmpty(), kWait);
    QVERIFY(store::FeedCursor::parse(QString::fromLatin1(stream->lastId())));
    const QByteArray begun = stream->lastId();
    f.ingest(u"a"_s, u"t1"_s);
    QTRY_COMPARE_WITH_TIMEOUT(
        changedRows(*stream), QStringList({u"delivery d-a"_s, u"session se_t1"_s}), kWait);
    for (const SseEvent &event : stream->events()) {
        if (event.name != "change")
            continue;
        QCOMPARE(event.data[u"op"].toString(), u"update"_s);
        QCOMPARE(event.data[u"item"][u"id"], event.data[u"id"]);
        QCOMPARE(event.data[u"item"][u"rev"], event.data[u"rev"]);
        QVERIFY(event.cursor != begun);
    }
    // A change of one engine is told of all.
    f.engine(u"e9"_s);
    QTRY_VERIFY_WITH_TIMEOUT(changedRows(*stream).contains(u"engine e9"_s), kWait);
    for (const SseEvent &event : stream->events()) {
        if (event.name == "change" && event.data[u"kind"].toString() == u"engine")
            QCOMPARE(event.data[u"item"][u"state"].toString(), u"live"_s);
    }
}

void AdminStreamTest::sweptEngine_isToldAsDeleted()
{
    SIGNALBOX_STORE(f);
    const store::EngineLife gone = f.engine(u"gone"_s);
    (void)f.engine(u"here"_s);
    QVERIFY(async::blockOn(f.db().endEngine(gone)));
    f.sql(u"UPDATE engines SET ended_at = 1"_s);
    Desk desk(f);
    const auto stream = desk.open(u"?kinds=engine"_s);
    const auto filtered = desk.open(u"?kinds=engine&filter=state:lost"_s);
    QTRY_VERIFY_WITH_TIMEOUT(!stream->lastId().isEmpty() && !filtered->lastId().isEmpty(), kWait);
    QVERIFY(async::blockOn(f.db().sweep(store::Retention(), 100)));
    QTRY_COMPARE_WITH_TIMEOUT(changedRows(*stream), QStringList({u"engine gone"_s, u"engine here"_s}), kWait);
    for (const SseEvent &event : stream->events()) {
        if (event.name != "change")
            continue;
        const bool isGone = event.data[u"id"].toString() == u"gone";
        QCOMPARE(event.data[u"op"].toString(), isGone ? u"delete"_s : u"update"_s);
        // By the database's clock, and in its milliseconds: it counts at every engine alike.
        QVERIFY(event.data[u"rev"].toInt().value_or(0) > 1'000'000);
    }
    // Whoever saw it through a filter must hear of it, whatever it was then.
    QTRY_COMPARE_WITH_TIMEOUT(changedRows(*filtered), QStringList(u"engine gone"_s), kWait);
}

void AdminStreamTest::kindsAndFilterChoose()
{
    SIGNALBOX_STORE(f);
    Desk desk(f);
    const auto all = desk.open();
    QTRY_VERIFY_WITH_TIMEOUT(!all->lastId().isEmpty(), kWait);
    const QByteArray begun = all->lastId();
    f.ingest(u"a"_s, u"t1"_s); // into the ring before a stream has a filter
    QTRY_COMPARE_WITH_TIMEOUT(changedRows(*all).size(), 2, kWait);
    const auto sessions = desk.open(sinceOf(begun) + u"&kinds=session"_s);
    const auto one = desk.open(sinceOf(begun) + u"&kinds=delivery&filter=id:d-a,d-c"_s);
    const auto none = desk.open(sinceOf(begun) + u"&filter=-state~e%20-state~i"_s);
    QTRY_COMPARE_WITH_TIMEOUT(changedRows(*one), QStringList(u"delivery d-a"_s), kWait);
    QTRY_COMPARE_WITH_TIMEOUT(changedRows(*sessions), QStringList(u"session se_t1"_s), kWait);
    f.ingest(u"b"_s, u"t2"_s);
    f.ingest(u"c"_s, u"t3"_s);
    QTRY_COMPARE_WITH_TIMEOUT(changedRows(*all).size(), 6, kWait);
    QTRY_COMPARE_WITH_TIMEOUT(changedRows(*one), QStringList({u"delivery d-a"_s, u"delivery d-c"_s}), kWait);
    QTRY_COMPARE_WITH_TIMEOUT(changedRows(*sessions),
        QStringList({u"session se_t1"_s, u"session se_t2"_s, u"session se_t3"_s}), kWait);
    QCOMPARE(changedRows(*none), QStringList());
    // From the database, too.
    all->close();
    one->close();
    sessions->close();
    none->close();
    QTRY_COMPARE_WITH_TIMEOUT(desk.routes.streams().count(), 0, kWait);
    const auto later = desk.open(sinceOf(begun) + u"&kinds=delivery&filter=id:d-a,d-c"_s);
    QTRY_COMPARE_WITH_TIMEOUT(
        changedRows(*later), QStringList({u"delivery d-a"_s, u"delivery d-c"_s}), kWait);
}

void AdminStreamTest::resumesFromTheDatabase()
{
    SIGNALBOX_STORE(f);
    Desk desk(f);
    auto first = desk.open();
    QTRY_VERIFY_WITH_TIMEOUT(!first->lastId().isEmpty(), kWait);
    f.ingest(u"a"_s, u"t1"_s);
    QTRY_COMPARE_WITH_TIMEOUT(changedRows(*first).size(), 2, kWait);
    first->close();
    QTRY_COMPARE_WITH_TIMEOUT(desk.routes.streams().count(), 0, kWait);
    QStringList missed;
    for (int i = 0; i < 150; ++i) { // more than one batch
        f.ingest(u"%1"_s.arg(i, 3, 10, QChar(u'0')), u"x%1"_s.arg(i, 3, 10, QChar(u'0')));
        missed << u"delivery d-%1"_s.arg(i, 3, 10, QChar(u'0'));
    }
    for (int i = 0; i < 150; ++i)
        missed << u"session se_x%1"_s.arg(i, 3, 10, QChar(u'0'));
    const auto byField = desk.open(u"?since=ignored"_s, "Last-Event-ID: " + first->lastId() + "\r\n");
    const auto byQuery = desk.open(sinceOf(first->lastId()));
    for (SseClient *client : {byField.get(), byQuery.get()}) {
        QTRY_COMPARE_WITH_TIMEOUT(changedRows(*client).size(), missed.size(), kWait);
        QCOMPARE(changedRows(*client), missed);
        QCOMPARE(client->count("change"), int(missed.size())); // each once
    }
    f.ingest(u"z"_s, u"z"_s);
    QTRY_VERIFY_WITH_TIMEOUT(changedRows(*byField).contains(u"delivery d-z"_s), kWait);
    QCOMPARE(byField->count("gap"), 0);
}

void AdminStreamTest::resumesFromTheRing()
{
    SIGNALBOX_STORE(f);
    Desk desk(f);
    const auto steady = desk.open(); // keeps the ring
    auto first = desk.open();
    QTRY_VERIFY_WITH_TIMEOUT(!first->lastId().isEmpty() && !steady->lastId().isEmpty(), kWait);
    f.ingest(u"a"_s, u"t1"_s);
    QTRY_COMPARE_WITH_TIMEOUT(changedRows(*first).size(), 2, kWait);
    first->close();
    f.ingest(u"b"_s, u"t2"_s);
    QTRY_COMPARE_WITH_TIMEOUT(changedRows(*steady).size(), 4, kWait);
    const auto cursor = store::FeedCursor::parse(QString::fromLatin1(first->lastId()));
    QVERIFY(cursor);
    QVERIFY(desk.service.hub().covers(*cursor));
    const auto second = desk.open(sinceOf(first->lastId()));
    QTRY_COMPARE_WITH_TIMEOUT(
        changedRows(*second), QStringList({u"delivery d-b"_s, u"session se_t2"_s}), kWait);
    QCOMPARE(second->count("change"), 2);
}

void AdminStreamTest::smallRing_losesNothing()
{
    SIGNALBOX_STORE(f);
    Options options;
    options.streams.piece = 1;
    Desk desk(f, options);
    admin::HubLimits limits;
    limits.ringEntries = 5;
    desk.service.hub().setLimits(limits);
    const auto stream = desk.open();
    QTRY_VERIFY_WITH_TIMEOUT(!stream->lastId().isEmpty(), kWait);
    std::vector<QCoro::Task<Result<store::IngestOutcome>>> all;
    for (int i = 0; i < 100; ++i)
        all.push_back(f.db().ingest(StoreFixture::message(QString::number(i), u"t%1"_s.arg(i))));
    QTRY_COMPARE_WITH_TIMEOUT(changedRows(*stream).size(), 200, kWait);
    QCOMPARE(stream->count("gap"), 0);
}

// What one client's filter makes the engine read is done in pieces, and ends where it must.
void AdminStreamTest::filteredReader_looksAtMuchInTurns()
{
    SIGNALBOX_STORE(f);
    Desk desk(f);
    const auto steady = desk.open(u"?kinds=lifecycle_event"_s); // keeps the ring
    QTRY_VERIFY_WITH_TIMEOUT(!steady->lastId().isEmpty(), kWait);
    const auto begun = placeOf(*steady);
    constexpr int kEvents = 30;
    for (int i = 0; i < kEvents; ++i)
        QVERIFY(async::blockOn(f.db().storeLifecycle(bulkyEvent(i)), Millis(kWait)));
    QTRY_COMPARE_WITH_TIMEOUT(steady->count("change"), kEvents, kWait);
    const auto filter = Filter::parse(u"id:event-29"_s);
    QVERIFY(filter);
    const admin::FeedHub &hub = desk.service.hub();
    store::FeedCursor at = begun;
    QByteArray events;
    int turns = 0;
    for (bool more = true; more; ++turns) {
        const auto slice = hub.slice(at, admin::allKinds(), *filter, 64 * 1024);
        more = slice.more;
        QVERIFY(!more || at.isBefore(slice.end));
        at = slice.end;
        events += slice.events;
    }
    QVERIFY2(turns > 2, qPrintable(QString::number(turns)));
    QCOMPARE(events.count("event: change"), 1);
    const auto one = desk.open(u"?kinds=lifecycle_event&filter=id:event-29&since="_s + begun.toString());
    QTRY_COMPARE_WITH_TIMEOUT(changedRows(*one), QStringList(u"lifecycle_event event-29"_s), kWait);
}

void AdminStreamTest::trimmedCursor_isAGapAndGoesOn()
{
    SIGNALBOX_STORE(f);
    Desk desk(f);
    const auto old = async::blockOn(f.db().feedHead());
    QVERIFY(old);
    for (int i = 0; i < 5; ++i)
        f.ingest(QString::number(i), u"t%1"_s.arg(i));
    store::Retention retention;
    retention.feed = Millis(-1000);
    QVERIFY(async::blockOn(f.db().sweep(retention, 100)));
    const auto stream = desk.open(sinceOf(old->toString().toLatin1()));
    QTRY_COMPARE_WITH_TIMEOUT(stream->count("gap"), 1, kWait);
    const SseEvent gap = *std::find_if(stream->events().begin(), stream->events().end(),
        [](const SseEvent &event) { return event.name == "gap"; });
    QCOMPARE(gap.data[u"newest"].toString().toLatin1(), gap.cursor);
    const auto oldest = store::FeedCursor::parse(gap.data[u"oldest"].toString());
    QVERIFY(oldest);
    QVERIFY(old->isBefore(*oldest));
    QCOMPARE(stream->count("change"), 0);
    f.ingest(u"z"_s, u"z"_s);
    QTRY_COMPARE_WITH_TIMEOUT(
        changedRows(*stream), QStringList({u"delivery d-z"_s, u"session se_z"_s}), kWait);
    QCOMPARE(stream->count("gap"), 1);
}

void AdminStreamTest::otherEpoch_isAGap()
{
    SIGNALBOX_STORE(f);
    Desk desk(f);
    f.ingest(u"a"_s, u"t1"_s);
    const auto stream = desk.open(u"?since=elsewhere.1.1"_s);
    QTRY_COMPARE_WITH_TIMEOUT(stream->count("gap"), 1, kWait);
    f.ingest(u"z"_s, u"z"_s);
    QTRY_COMPARE_WITH_TIMEOUT(
        changedRows(*stream), QStringList({u"delivery d-z"_s, u"session se_z"_s}), kWait);
}

void AdminStreamTest::cursorOfTheFuture_isAGap()
{
    SIGNALBOX_STORE(f);
    Desk desk(f);
    auto head = async::blockOn(f.db().feedHead());
    QVERIFY(head);
    head->xid += StoreFixture::isPostgres() ? 1'000'000 : 0;
    head->seq = 1'000'000;
    const auto stream = desk.open(sinceOf(head->toString().toLatin1()));
    QTRY_COMPARE_WITH_TIMEOUT(stream->count("gap"), 1, kWait);
    f.ingest(u"z"_s, u"z"_s);
    QTRY_COMPARE_WITH_TIMEOUT(changedRows(*stream).size(), 2, kWait);
}

void AdminStreamTest::countsComeOnceASecond()
{
    SIGNALBOX_STORE(f);
    Desk desk(f);
    const auto stream = desk.open();
    QTRY_VERIFY_WITH_TIMEOUT(stream->count("counts") >= 1, kWait); // at once
    QElapsedTimer since;
    since.start();
    QCOMPARE(stream->events().front().data[u"engine_id"].toString(), u"e1"_s);
    int number = 0;
    const auto counted = [&] {
        ++number;
        f.ingest(QString::number(number), u"t%1"_s.arg(number)); // something changes all the time
        return stream->count("counts");
    };
    QTRY_VERIFY_WITH_TIMEOUT(counted() >= 3, kWait);
    QVERIFY2(since.elapsed() >= 1500, qPrintable(QString::number(since.elapsed())));
    const SseEvent &last = *std::find_if(stream->events().rbegin(), stream->events().rend(),
        [](const SseEvent &event) { return event.name == "counts"; });
    QVERIFY(last.data[u"deliveries"][u"pending"].toInt().value_or(0) > 0);
}

void AdminStreamTest::heartbeatTellsTheCursor()
{
    SIGNALBOX_STORE(f);
    Options options;
    options.streams.heartbeat = Millis(50);
    options.streams.counts = Millis(3'600'000);
    Desk desk(f, options);
    const auto stream = desk.open(u"?filter=id:nothing"_s);
    QTRY_VERIFY_WITH_TIMEOUT(!stream->lastId().isEmpty(), kWait);
    QTRY_VERIFY_WITH_TIMEOUT(stream->comments() >= 4, kWait);
    const auto witness = desk.open();
    QTRY_VERIFY_WITH_TIMEOUT(!witness->lastId().isEmpty(), kWait);
    f.ingest(u"a"_s, u"t1"_s);
    QTRY_COMPARE_WITH_TIMEOUT(changedRows(*witness).size(), 2, kWait);
    const auto told = placeOf(*witness);
    // Nothing of it is for this client, which yet need not read it again. On PostgreSQL its place also moves
    // with what other databases of the server do.
    QTRY_VERIFY_WITH_TIMEOUT(!placeOf(*stream).isBefore(told), kWait);
    QCOMPARE(stream->count("change"), 0);
    const auto next = desk.open(sinceOf(stream->lastId()));
    f.ingest(u"b"_s, u"t2"_s);
    QTRY_COMPARE_WITH_TIMEOUT(
        changedRows(*next), QStringList({u"delivery d-b"_s, u"session se_t2"_s}), kWait);
}

void AdminStreamTest::slowClient_isCutOffAndResumes()
{
    SIGNALBOX_STORE(f);
    Options options;
    options.http.writeTimeout = Millis(500);
    Desk desk(f, options);
    const auto swift = desk.open(u"?kinds=lifecycle_event"_s);
    QTRY_VERIFY_WITH_TIMEOUT(!swift->lastId().isEmpty(), kWait);
    const QByteArray begun = swift->lastId();
    SlowReader slow(desk.server->port(), 0, std::chrono::milliseconds(1000));
    slow.send("GET /api/v1/stream?kinds=lifecycle_event&since=" + begun
        + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + kViewer + "\r\n\r\n");
    QTRY_COMPARE_WITH_TIMEOUT(desk.routes.streams().count(), 2, kWait);
    int sent = 0;
    // Until its connection holds no more.
    const auto isCutOff = [&] {
        for (int i = 0; i < 20 && sent < 1000; ++i, ++sent) {
            if (!async::blockOn(f.db().storeLifecycle(bulkyEvent(sent)), Millis(kWait)))
                return false;
        }
        return desk.routes.streams().count() == 1;
    };
    QTRY_VERIFY_WITH_TIMEOUT(isCutOff(), 60'000);
    // The others have noticed nothing, and it goes on where it was.
    QTRY_COMPARE_WITH_TIMEOUT(swift->count("change"), sent, kWait);
    const auto again = desk.open(u"?kinds=lifecycle_event&since="_s + QString::fromLatin1(begun));
    QTRY_COMPARE_WITH_TIMEOUT(changedRows(*again).size(), sent, kWait);
    QCOMPARE(known(*again), known(*swift));
    QCOMPARE(again->count("gap"), 0);
}

void AdminStreamTest::limits_holdPerTokenAndInAll()
{
    SIGNALBOX_STORE(f);
    Options options;
    options.streams.mostPerToken = 2;
    options.streams.mostInAll = 3;
    Desk desk(f, options);
    auto first = desk.open();
    const auto second = desk.open();
    QTRY_COMPARE_WITH_TIMEOUT(desk.routes.streams().count(), 2, kWait);
    const http::Response refused = desk.get(u"/stream"_s);
    QCOMPARE(refused.status, 429);
    QVERIFY(refused.headers.contains("Retry-After"));
    const auto other = desk.open({}, {}, kOther);
    QTRY_COMPARE_WITH_TIMEOUT(desk.routes.streams().count(), 3, kWait);
    QCOMPARE(desk.get(u"/stream"_s, kOther).status, 429);
    first->close();
    QTRY_COMPARE_WITH_TIMEOUT(desk.routes.streams().count(), 2, kWait);
    const auto third = desk.open();
    QTRY_COMPARE_WITH_TIMEOUT(third->status(), 200, kWait);
}

void AdminStreamTest::closedClient_isGoneAtOnce()
{
    SIGNALBOX_STORE(f);
    Desk desk(f);
    auto stream = desk.open();
    QTRY_VERIFY_WITH_TIMEOUT(!stream->lastId().isEmpty(), kWait);
    QVERIFY(desk.service.hub().isWatched());
    stream->close();
    QTRY_COMPARE_WITH_TIMEOUT(desk.routes.streams().count(), 0, 1000);
    QVERIFY(!desk.service.hub().isWatched());
}

void AdminStreamTest::listAndStreamJoin()
{
    SIGNALBOX_STORE(f);
    f.ingest(u"a"_s, u"t1"_s);
    Desk desk(f);
    const auto list = Json::parse(desk.get(u"/deliveries?limit=1"_s).body);
    QVERIFY(list);
    QCOMPARE((*list)[u"items"].at(0)[u"id"].toString(), u"d-a"_s);
    const QByteArray asOf = (*list)[u"as_of"].toString().toLatin1();
    f.ingest(u"b"_s, u"t2"_s); // between the list and the stream
    const auto stream = desk.open(sinceOf(asOf) + u"&kinds=delivery"_s);
    QTRY_COMPARE_WITH_TIMEOUT(changedRows(*stream), QStringList(u"delivery d-b"_s), kWait);
    f.ingest(u"c"_s, u"t3"_s);
    QTRY_COMPARE_WITH_TIMEOUT(
        changedRows(*stream), QStringList({u"delivery d-b"_s, u"delivery d-c"_s}), kWait);
    for (const QString &path : {u"/sessions"_s, u"/locks"_s, u"/runtimes"_s, u"/lifecycle-events"_s,
             u"/audit"_s, u"/installations"_s}) {
        const auto other = Json::parse(desk.get(path).body);
        QVERIFY(other);
        QVERIFY2(store::FeedCursor::parse((*other)[u"as_of"].toString()).has_value(), qPrintable(path));
    }
}

void AdminStreamTest::stop_endsTheStreams()
{
    SIGNALBOX_STORE(f);
    Desk desk(f);
    const auto stream = desk.open();
    QTRY_VERIFY_WITH_TIMEOUT(!stream->lastId().isEmpty(), kWait);
    desk.stop();
    QTRY_VERIFY_WITH_TIMEOUT(stream->hasEnded() && stream->isClosed(), kWait);
    QCOMPARE(desk.routes.streams().count(), 0);
    QVERIFY(async::TaskScope::unjoined().isEmpty());
}

QTEST_GUILESS_MAIN(AdminStreamTest)
#include "tst_admin_stream.moc"
