// SPDX-License-Identifier: Apache-2.0
#include "sessions_api_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;
using namespace signalbox::testing::sessions_api;

// What the /v1/sessions routes refuse: bad input and other tenants' sessions. Nothing of it is stored.
class SessionsRefusalsTest : public QObject, private SessionsCaller
{
    Q_OBJECT
private Q_SLOTS:
    void badInputStoresNothing_data();
    void badInputStoresNothing();
    void othersAreOutOfReach();
    void oneTokenOpensSoManyStreams();
};

void SessionsRefusalsTest::badInputStoresNothing_data()
{
    QTest::addColumn<QByteArray>("method");
    QTest::addColumn<QString>("path");
    QTest::addColumn<QByteArray>("body");
    QTest::addColumn<int>("status");
    QTest::addColumn<QByteArray>("token");
    QTest::addColumn<QByteArray>("type");
    const auto row = [](const char *name, const QString &path, const QByteArray &body, int status,
                         const QByteArray &token = kToken, const QByteArray &type = "application/json",
                         const QByteArray &method = "POST") {
        QTest::newRow(name) << method << path << body << status << token << type;
    };
    const QByteArray good = R"({"source":"web","installation":"web:acme","user":"anna"})";
    const QByteArray message = R"({"id":"m","user":"anna","text":"zqmark hello"})";
    const QByteArray place = R"({"installation":"slack:T0SANDBOX","place":"C1","thread":"1.1"})";
    const auto with = [](QByteArray body, const QByteArray &from, const QByteArray &to) {
        return body.replace(from, to);
    };
    const QString session = u"/SESSION"_s;
    row("no token", u""_s, good, 401, {});
    row("a wrong token", u""_s, good, 401, "zqmark-nobody");
    row("no body", u""_s, {}, 400);
    row("not JSON", u""_s, "{zqmark", 400);
    row("an array", u""_s, "[]", 400);
    row("text", u""_s, good, 415, kToken, "text/plain");
    row("a form", u""_s, good, 415, kToken, "application/x-www-form-urlencoded");
    row("an unknown member", u""_s, with(good, "}", R"(,"zqmark":1})"), 400);
    row("a member twice", u""_s, with(good, "}", R"(,"user":"otto"})"), 400);
    row("no source", u""_s, R"({"installation":"web:acme","user":"anna"})", 400);
    row("slack as source", u""_s, with(good, "\"web\"", "\"slack\""), 400);
    row("another source", u""_s, with(good, "\"web\"", "\"zqmark\""), 400);
    row("a number as user", u""_s, with(good, "\"anna\"", "7"), 400);
    row("an empty user", u""_s, with(good, "anna", ""), 400);
    row("blanks around the user", u""_s, with(good, "anna", " anna"), 400);
    row("a user of 256", u""_s, with(good, "anna", QByteArray(256, 'u')), 400);
    row("a control character", u""_s, with(good, "anna", "an\\u0000na"), 400);
    row("half a character", u""_s, with(good, "anna", "an\\ud800na"), 400);
    row("an empty ticket", u""_s, with(good, "}", R"(,"ticket":""})"), 400);
    row("an object as ticket", u""_s, with(good, "}", R"(,"ticket":{}})"), 400);
    row("an unknown installation", u""_s, with(good, "web:acme", "web:zqmark"), 404);
    row("an installation of another channel", u""_s, with(good, "web:acme", "slack:T0SANDBOX"), 400);
    row("cli at web", u""_s, with(good, "\"web\"", "\"cli\""), 400);
    row("too large", u""_s, with(good, "anna", QByteArray(20'000, 'u')), 413);
    row("another method", u""_s, good, 405, kToken, "application/json", "PUT");
    row("no place", u"/resolve"_s, R"({"installation":"slack:T0SANDBOX"})", 400);
    row("no thread", u"/resolve"_s, with(place, R"(,"thread":"1.1")", ""), 400);
    row("a blank in a place", u"/resolve"_s, with(place, "C1", "C 1"), 400);
    row("a place of 300", u"/resolve"_s, with(place, "C1", QByteArray(300, 'C')), 400);
    row("a web installation has no places", u"/resolve"_s, with(place, "slack:T0SANDBOX", "web:acme"), 400);
    row("an unknown tenant", u"/resolve"_s, with(place, "T0SANDBOX", "T0OTHER"), 404);
    row("resolve by ticket", u"/resolve"_s, with(place, "}", R"(,"ticket":"a"})"), 400);
    row("lookup of nothing", u"/lookup"_s, R"({"installation":"web:acme"})", 400);
    row("lookup of both", u"/lookup"_s, with(place, "}", R"(,"ticket":"a"})"), 400);
    row("lookup of an unknown place", u"/lookup"_s, place, 404);
    row("lookup of an unknown ticket", u"/lookup"_s, R"({"installation":"web:acme","ticket":"a"})", 404);
    row("no ticket", session + u"/ticket"_s, "{}", 400);
    row("a ticket of 256", session + u"/ticket"_s, "{\"ticket\":\"" + QByteArray(256, 't') + "\"}", 400);
    row("a ticket for nobody", u"/se_nobody/ticket"_s, R"({"ticket":"a"})", 404);
    row("a message without id", session + u"/messages"_s, with(message, R"("id":"m",)", ""), 400);
    row("a message without user", session + u"/messages"_s, with(message, R"("user":"anna",)", ""), 400);
    row("a message without text", session + u"/messages"_s, R"({"id":"m","user":"anna"})", 400);
    row("an empty message", session + u"/messages"_s, with(message, "zqmark hello", " \\n "), 400);
    row("a NUL in a message", session + u"/messages"_s, with(message, "zqmark hello", "a\\u0000"), 400);
    row("a list as text", session + u"/messages"_s, with(message, "\"zqmark hello\"", "[\"a\"]"), 400);
    row("a message of 2 MB", session + u"/messages"_s, with(message, "hello", QByteArray(2'000'000, 'h')),
        413);
    row("a message to nobody", u"/se_nobody/messages"_s, message, 404);
    row("a message to a NUL", u"/se_%00/messages"_s, message, 404);
    row("a message to a long id", u"/"_s + QString(500, u'a') + u"/messages"_s, message, 404);
    row("a wrong since", session + u"/stream?since=zqmark"_s, {}, 400, kToken, {}, "GET");
    row("a since of the future", session + u"/stream?since=1"_s, {}, 400, kToken, {}, "GET");
    row("a stream of nobody", u"/se_nobody/stream"_s, {}, 404, kToken, {}, "GET");
    row("a stream for nobody", session + u"/stream"_s, {}, 401, {}, {}, "GET");
    row("a posted stream", session + u"/stream"_s, {}, 405);
}

void SessionsRefusalsTest::badInputStoresNothing()
{
    QFETCH(QByteArray, method);
    QFETCH(QString, path);
    QFETCH(QByteArray, body);
    QFETCH(int, status);
    QFETCH(QByteArray, token);
    QFETCH(QByteArray, type);
    // One program for all rows.
    static std::unique_ptr<GatewayFixture> gateway;
    static QString session;
    static QString before;
    if (!gateway) {
        gateway = std::make_unique<GatewayFixture>(options());
        START(*gateway);
        session = fresh(*gateway);
        before = stored(*gateway);
        QVERIFY(before.startsWith(u"sessions=1 tickets=0 session_messages=0 "_s));
    }
    for (const QByteArray &key : {QByteArray(), QByteArray("k-bad")}) {
        const Answer answer
            = call(*gateway, method, QString(path).replace(u"SESSION"_s, session), body, token, key, type);
        QCOMPARE(answer.status, status);
        QCOMPARE(answer.type, "application/problem+json");
        QVERIFY(!answer.json[u"detail"].toString().isEmpty());
        QVERIFY(!answer.raw.contains(kMarker));
        QCOMPARE(stored(*gateway), before);
    }
    if (qstrcmp(QTest::currentDataTag(), "a posted stream") == 0) {
        QCOMPARE(call(*gateway, "POST", u""_s, R"({"source":"web","installation":"web:acme","user":"anna"})",
                     kToken, QByteArray(256, 'k'))
                     .status,
            400);
        QCOMPARE(stored(*gateway), before);
        QCOMPARE(fresh(*gateway).isEmpty(), false); // and it all works
        gateway.reset();
    }
}

void SessionsRefusalsTest::othersAreOutOfReach()
{
    GatewayFixture gateway(options());
    START(gateway);
    const QString mine = fresh(gateway, u"web:acme"_s, kAcme);
    QCOMPARE(post(gateway, u"/%1/ticket"_s.arg(mine), R"({"ticket":"INC-1"})", kAcme).status, 200);
    const QString before = stored(gateway);
    const QString nobody = u"se_nobody"_s;
    const auto both = [&](const QString &path, const QByteArray &body) {
        const Answer real = post(gateway, QString(path).arg(mine), body, kGlobex);
        const Answer none = post(gateway, QString(path).arg(nobody), body, kGlobex);
        QCOMPARE(real.status, 404);
        QCOMPARE(real.raw, none.raw); // nothing tells that it exists
    };
    both(u"/%1/messages"_s, R"({"id":"m","user":"otto","text":"hello"})");
    both(u"/%1/ticket"_s, R"({"ticket":"INC-1"})");
    both(u"/%1/ticket"_s, R"({"ticket":"INC-2"})");
    QCOMPARE(call(gateway, "GET", u"/%1/stream"_s.arg(mine), {}, kGlobex).status, 404);
    // By installation: 403 whether it exists or not.
    for (const char *installation : {"web:acme", "slack:T0SANDBOX", "web:nothing", "cli:acme"}) {
        const QByteArray in = QByteArray("\"installation\":\"") + installation + '"';
        QCOMPARE(
            post(gateway, u""_s, "{\"source\":\"web\",\"user\":\"otto\"," + in + '}', kGlobex).status, 403);
        QCOMPARE(
            post(gateway, u"/resolve"_s, R"({"place":"C1","thread":"1.1",)" + in + '}', kGlobex).status, 403);
        QCOMPARE(
            post(gateway, u"/lookup"_s, R"({"place":"C1","thread":"1.1",)" + in + '}', kGlobex).status, 403);
        QCOMPARE(post(gateway, u"/lookup"_s, R"({"ticket":"INC-1",)" + in + '}', kGlobex).status, 403);
    }
    // The same ticket of another tenant is another ticket.
    QCOMPARE(post(gateway, u"/lookup"_s, R"({"ticket":"INC-1","installation":"web:globex"})", kGlobex).status,
        404);
    QCOMPARE(stored(gateway), before);
    const Answer theirs = post(gateway, u""_s,
        R"({"source":"web","installation":"web:globex","user":"otto","ticket":"INC-1"})", kGlobex);
    QCOMPARE(theirs.status, 201);
    QVERIFY(theirs.json[u"id"].toString() != mine);
    QCOMPARE(post(gateway, u"/lookup"_s, R"({"ticket":"INC-1","installation":"web:acme"})", kAcme)
                 .json[u"id"]
                 .toString(),
        mine);
}

void SessionsRefusalsTest::oneTokenOpensSoManyStreams()
{
    GatewayFixture gateway(options());
    START(gateway);
    const QString id = fresh(gateway, u"web:acme"_s, kAcme);
    std::vector<std::unique_ptr<SseClient>> clients;
    const auto open = [&] {
        for (const auto &client : clients) {
            if (client->status() != 200)
                return false;
        }
        return true;
    };
    for (int i = 0; i < 200; ++i)
        clients.push_back(std::make_unique<SseClient>(gateway.ingressPort(), streamOf(id), kAcme));
    QTRY_VERIFY_WITH_TIMEOUT(open(), kWait);
    QCOMPARE(call(gateway, "GET", u"/%1/stream"_s.arg(id), {}, kAcme).status, 429);
    SseClient other(gateway.ingressPort(), streamOf(id), kToken); // others have their own
    QTRY_COMPARE_WITH_TIMEOUT(other.status(), 200, kWait);
    QCOMPARE(say(gateway, id, u"m-1"_s, u"hello"_s, kAcme).status, 202);
    for (const auto &client : clients)
        QTRY_COMPARE_WITH_TIMEOUT(client->ids(), QList<qint64>({1}), kWait);
    clients.pop_back(); // one leaves, and there is room again
    std::unique_ptr<SseClient> next;
    const auto again = [&] {
        if (!next || next->status() == 429)
            next = std::make_unique<SseClient>(gateway.ingressPort(), streamOf(id), kAcme);
        return next->status() == 200;
    };
    QTRY_VERIFY_WITH_TIMEOUT(again(), kWait);
}

QTEST_GUILESS_MAIN(SessionsRefusalsTest)
#include "tst_sessions_refusals.moc"
