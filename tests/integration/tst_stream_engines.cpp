// SPDX-License-Identifier: Apache-2.0
#include "sessions_api_fixture.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QUrl>
#include <QUrlQuery>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;
using namespace signalbox::testing::sessions_api;

namespace {

constexpr int kLarge = 1024 * 1024;

GatewayOptions onOne(const PostgresDatabase &database)
{
    GatewayOptions shared = options();
    shared.database = database.url();
    return shared;
}

// Room for a large message, in a file of its own beside the fixture's.
void allowLargeBodies(const GatewayFixture &gateway)
{
    const QDir folder = QFileInfo(gateway.configFile()).dir();
    folder.mkpath(u"conf.d"_s);
    QFile file(folder.filePath(u"conf.d/large.toml"_s));
    if (!file.open(QIODevice::WriteOnly) || file.write("[ingress]\nmax_body_bytes = 4194304\n") < 0)
        qFatal("no configuration");
}

QStringList deliveries(const SseClient &client)
{
    QStringList ids;
    for (const SseEvent &event : client.events()) {
        if (event.name == "change" && event.data[u"kind"].toString() == u"delivery"
            && !ids.contains(event.data[u"id"].toString()))
            ids << event.data[u"id"].toString();
    }
    return ids;
}

} // namespace

// Two engines on one PostgreSQL: what one stores, the other tells (DESIGN.md "Replicas and live updates",
// contracts/interactions.md §6, whose messages over 7000 bytes stay local).
class StreamEnginesTest : public QObject, private SessionsCaller
{
    Q_OBJECT
private Q_SLOTS:
    void aLargeMessageReachesTheOtherEngine();
    void aLostListenerLosesNothing();
};

void StreamEnginesTest::aLargeMessageReachesTheOtherEngine()
{
    SIGNALBOX_NEED_POSTGRES();
    auto database = PostgresDatabase::create();
    QVERIFY(database);
    GatewayFixture one(onOne(*database));
    GatewayFixture two(onOne(*database));
    allowLargeBodies(one);
    START(one);
    START(two);
    SseClient changes(two.adminPort(), u"/api/v1/stream?kinds=delivery"_s, two.adminToken());
    QTRY_VERIFY_WITH_TIMEOUT(!changes.lastId().isEmpty(), kWait);
    const QString id = fresh(one);
    SseClient log(two.ingressPort(), streamOf(id), kToken);
    QTRY_COMPARE_WITH_TIMEOUT(log.status(), 200, kWait);
    const QString text = u"long %1 "_s.arg(kLarge) + marked(QString(kLarge, u'x'));
    const Answer said = say(one, id, u"m-1"_s, text);
    QVERIFY2(said.status == 202, said.raw.constData());
    const QString delivery = said.json[u"delivery_id"].toString();
    QTRY_COMPARE_WITH_TIMEOUT(deliveries(changes), QStringList(delivery), kWait);
    // The whole answer, in one piece, through the engine that did not store it.
    QTRY_COMPARE_WITH_TIMEOUT(log.events().size(), size_t(1), kWait);
    const SseEvent reply = log.events().front();
    QCOMPARE(reply.data[u"delivery_id"].toString(), delivery);
    QVERIFY(reply.data[u"text"].toString().size() >= kLarge);
    QVERIFY(reply.data[u"parts"].isNull());
    const auto finished = [&] {
        return std::any_of(changes.events().begin(), changes.events().end(),
            [](const SseEvent &event) { return event.data[u"item"][u"outcome"].toString() == u"delivered"; });
    };
    QTRY_VERIFY_WITH_TIMEOUT(finished(), kWait);
}

void StreamEnginesTest::aLostListenerLosesNothing()
{
    SIGNALBOX_NEED_POSTGRES();
    auto database = PostgresDatabase::create();
    QVERIFY(database);
    GatewayFixture one(onOne(*database));
    GatewayFixture two(onOne(*database));
    START(one);
    START(two);
    SseClient changes(two.adminPort(), u"/api/v1/stream?kinds=delivery"_s, two.adminToken());
    QTRY_VERIFY_WITH_TIMEOUT(!changes.lastId().isEmpty(), kWait);
    const QString id = fresh(one);
    QStringList sent;
    const auto sayNext = [&] {
        const int number = static_cast<int>(sent.size()) + 1;
        const Answer said = say(one, id, u"m-%1"_s.arg(number), u"number %1"_s.arg(number));
        sent << said.json[u"delivery_id"].toString();
        return said.status == 202;
    };
    QVERIFY(sayNext());
    QTRY_COMPARE_WITH_TIMEOUT(deliveries(changes), sent, kWait);
    int ended = 0;
    {
        const auto target = QUrl(database->url());
        QSqlDatabase raw = QSqlDatabase::addDatabase(u"QPSQL"_s, u"look"_s);
        raw.setHostName(QUrlQuery(target).queryItemValue(u"host"_s, QUrl::FullyDecoded));
        raw.setUserName(target.userName());
        raw.setDatabaseName(target.path().mid(1));
        QVERIFY(raw.open());
        QSqlQuery query(u"SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = "
                        u"current_database() AND application_name = 'signalbox-notify'"_s,
            raw);
        QVERIFY(query.next());
        ended = query.value(0).toInt();
    }
    QSqlDatabase::removeDatabase(u"look"_s);
    QCOMPARE(ended, 2);
    for (int i = 0; i < 5; ++i)
        QVERIFY(sayNext());
    QTRY_COMPARE_WITH_TIMEOUT(deliveries(changes), sent, kWait);
    QTRY_VERIFY_WITH_TIMEOUT(two.log().contains("is heard at once again"), kWait);
    QCOMPARE(two.log().count("is not heard at once"), 1);
    QVERIFY(sayNext());
    QTRY_COMPARE_WITH_TIMEOUT(deliveries(changes), sent, kWait);
    QCOMPARE(changes.count("gap"), 0);
}

QTEST_GUILESS_MAIN(StreamEnginesTest)
#include "tst_stream_engines.moc"
