// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "http/server.h"
#include "support/raw_peer.h"

#include <QRegularExpression>
#include <QTest>
#include <QWebSocket>
#include <QWebSocketServer>

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::http;
using signalbox::testing::RawPeer;

namespace {

constexpr char kHost[] = "Host: x\r\n";
int g_cancelled = 0; // handlers that saw their peer leave
int g_finished = 0; // handlers that came to their end

QCoro::Task<Response> hello(Request request, Context)
{
    co_return Response::text(200, "hello " + request.path.toUtf8());
}

QCoro::Task<Response> echo(Request request, Context)
{
    co_return Response::text(200, request.body);
}

QCoro::Task<Response> slow(Request request, Context context)
{
    const Millis time(request.pathValues.at(u"ms"_s).toInt());
    const async::Wake wake = co_await async::delay(time, context.cancel);
    ++g_finished;
    if (wake == async::Wake::Cancelled)
        ++g_cancelled;
    co_return Response::text(200, request.pathValues.at(u"ms"_s).toUtf8());
}

QCoro::Task<Response> deaf(Request, Context)
{
    co_await async::delay(Millis(900));
    ++g_finished;
    co_return Response::text(200, "late");
}

QCoro::Task<Response> throwing(Request, Context)
{
    co_await async::delay(Millis(1));
    throw std::runtime_error("on purpose");
}

Response throwAtOnce()
{
    throw std::runtime_error("on purpose");
}

QCoro::Task<Response> answerWith(Response response)
{
    co_return response;
}

QCoro::Task<Response> big(Request, Context)
{
    co_return Response(200, "application/octet-stream", QByteArray(4 * 1024 * 1024, 'b'));
}

QCoro::Task<Response> splitting(Request, Context)
{
    Response response = Response::text(200, "ok");
    response.headers.add("X-Evil", "a\r\nX-Injected: 1");
    response.headers.add("Content-Length", "99");
    response.headers.add("X-Good", "1");
    co_return response;
}

QCoro::Task<Response> bodiless(Request, Context)
{
    Response response;
    response.status = 204;
    response.body = "must not be sent";
    co_return response;
}

Router makeRouter()
{
    RouteOptions plain;
    plain.errors = ErrorStyle::PlainText;
    plain.maxBodyBytes = 10;
    Router router;
    router.add("GET", u"/hello"_s, hello);
    router.add("GET", u"/hello/{name}"_s, hello);
    router.add("POST", u"/echo"_s, echo);
    router.add("POST", u"/plain"_s, echo, plain);
    router.add("GET", u"/slow/{ms}"_s, slow);
    router.add("GET", u"/deaf"_s, deaf);
    router.add("GET", u"/throw"_s, throwing);
    router.add("GET", u"/throw-at-once"_s, [](Request, Context) -> QCoro::Task<Response> {
        return answerWith(throwAtOnce());
    });
    router.add("GET", u"/big"_s, big);
    router.add("GET", u"/splitting"_s, splitting);
    router.add("GET", u"/bodiless"_s, bodiless);
    return router;
}

Limits shortLimits()
{
    Limits limits;
    limits.headTimeout = Millis(400);
    limits.bodyTimeout = Millis(400);
    limits.idleTimeout = Millis(20'000);
    limits.handlerTimeout = Millis(20'000);
    return limits;
}

QByteArray request(const QByteArray &line, const QByteArray &fields = {}, const QByteArray &body = {})
{
    return line + "\r\n" + kHost + fields + "\r\n" + body;
}

QByteArray chunked(const QByteArray &body)
{
    return request("POST /echo HTTP/1.1", "Transfer-Encoding: chunked\r\n", body);
}

qint64 residentKib()
{
    std::ifstream status("/proc/self/status");
    std::string line;
    while (std::getline(status, line)) {
        if (line.rfind("VmRSS:", 0) == 0)
            return std::strtoll(line.c_str() + 6, nullptr, 10);
    }
    return -1;
}

} // namespace

class TestHttpServer : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void init();
    void cleanup();
    void answers_data();
    void answers();
    void answers_byteByByte_data() { answers_data(); }
    void answers_byteByByte();
    void refusals_areProblemDocuments();
    void refusals_arePlainTextWhereTheRouteSaysSo();
    void head_hasTheLengthAndNoBody();
    void bodilessStatus_hasNoLength();
    void unsafeFields_areDropped();
    void wrongMethod_listsTheAllowedOnes();
    void expect_isAnsweredBeforeTheBody();
    void pipelinedRequests_areAnsweredInOrder();
    void manyPipelinedRequests_areAllAnswered();
    void unreadAnswers_stopReading();
    void refusal_reachesAPeerThatKeepsSending();
    void idleConnection_isClosedInSilence();
    void keptAliveConnection_isClosedWhenIdle();
    void handlerException_is500_data();
    void handlerException_is500();
    void handlerTimeout_is503();
    void peerLeaving_cancelsTheHandler();
    void peerLeaving_survivesADeafHandler();
    void tooManyConnections_get503();
    void tooManyConnectionsOfAPeer_get503();
    void close_letsARunningHandlerAnswer();
    void close_abortsAfterTheGrace();
    void destruction_survivesARunningHandler();
    void idleConnections_costLittleMemory();
    void upgrade_isHandedOver();
    void upgrade_declinedIsAnOrdinaryRequest();
    void stats_count();

private:
    void start(const Limits &limits = shortLimits());
    std::unique_ptr<Server> m_server;
};

void TestHttpServer::init()
{
    g_cancelled = 0;
    g_finished = 0;
    start();
}

void TestHttpServer::cleanup()
{
    m_server.reset();
}

void TestHttpServer::start(const Limits &limits)
{
    m_server = std::make_unique<Server>(makeRouter(), limits);
    QVERIFY(m_server->listen(QHostAddress::LocalHost, 0));
}

using Statuses = QList<int>;

void TestHttpServer::answers_data()
{
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<Statuses>("statuses");
    QTest::addColumn<bool>("closed");
    QTest::addColumn<bool>("large"); // too large for one byte at a time
    const auto row = [](const char *name, const QByteArray &bytes, const Statuses &statuses, bool closed) {
        QTest::newRow(name) << bytes << statuses << closed << (bytes.size() > 2000);
    };
    const auto open = [row](const char *name, const QByteArray &bytes, const Statuses &statuses) {
        row(name, bytes, statuses, false);
    };
    const auto closes = [row](const char *name, const QByteArray &bytes, int status) { row(name, bytes, {status}, true); };
    const auto length = [](const QByteArray &value, const QByteArray &body = {}) {
        return request("POST /echo HTTP/1.1", "Content-Length: " + value + "\r\n", body);
    };

    open("GET", request("GET /hello HTTP/1.1"), {200});
    open("two in one write", request("GET /hello HTTP/1.1") + request("GET /hello HTTP/1.1"), {200, 200});
    open("body, then the next", length("5", "hello") + request("GET /hello HTTP/1.1"), {200, 200});
    open("empty lines before", "\r\n\r\n" + request("GET /hello HTTP/1.1"), {200});
    closes("Connection: close", request("GET /hello HTTP/1.1", "Connection: close\r\n"), 200);
    closes("close among tokens", request("GET /hello HTTP/1.1", "Connection: foo, Close\r\n"), 200);
    closes("close ends pipelining", request("GET /hello HTTP/1.1", "Connection: close\r\n") + request("GET /hello HTTP/1.1"),
           200);
    closes("HTTP/1.0", "GET /hello HTTP/1.0\r\n\r\n", 200);
    open("HTTP/1.0 keep-alive", "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", {200});
    open("unknown path", request("GET /nothing HTTP/1.1"), {404});
    open("unknown path with a body", request("POST /nothing HTTP/1.1", "Content-Length: 5\r\n", "hello")
             + request("GET /hello HTTP/1.1"), {404, 200});
    open("unknown method", request("BREW /hello HTTP/1.1"), {405});
    open("query", request("GET /hello?a=%zz&b HTTP/1.1"), {200});

    closes("bare LF", "GET /hello HTTP/1.1\nHost: x\n\n", 400);
    closes("LF inside the fields", "GET /hello HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400);
    closes("CR alone", "GET /hello HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", 400);
    closes("NUL in a value", request("GET /hello HTTP/1.1", QByteArray("A: b\0c\r\n", 8)), 400);
    closes("NUL in the target", request(QByteArray("GET /he\0llo HTTP/1.1", 20)), 400);
    closes("NUL in a name", request("GET /hello HTTP/1.1", QByteArray("A\0b: c\r\n", 8)), 400);
    closes("NUL first", QByteArray("\0\0\0\0", 4), 400);
    closes("TLS greeting", QByteArray("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), 400);
    closes("no Host", "GET /hello HTTP/1.1\r\n\r\n", 400);
    closes("two Hosts", request("GET /hello HTTP/1.1", "Host: y\r\n"), 400);
    closes("space before the colon", request("GET /hello HTTP/1.1", "A : b\r\n"), 400);
    closes("no colon", request("GET /hello HTTP/1.1", "A\r\n"), 400);
    closes("no name", request("GET /hello HTTP/1.1", ": b\r\n"), 400);
    closes("space in the target", request("GET /he llo HTTP/1.1"), 400);
    closes("relative target", request("GET hello HTTP/1.1"), 400);
    closes("fragment", request("GET /hello#x HTTP/1.1"), 400);
    closes("broken escape", request("GET /%zz HTTP/1.1"), 400);
    closes("authority form", request("CONNECT x:443 HTTP/1.1"), 400);
    open("absolute form", request("GET http://y/hello?q HTTP/1.1"), {200});
    open("absolute form, no path", request("GET http://y HTTP/1.1"), {404});
    closes("absolute form, no host", request("GET http:///hello HTTP/1.1"), 400);
    open("asterisk", request("OPTIONS * HTTP/1.1"), {404});
    open("dot segments", request("GET /x/../hello HTTP/1.1"), {404});
    open("encoded slash", request("GET /hello%2Fx HTTP/1.1"), {404});
    open("encoded slash as a value", request("GET /hello/a%2Fb HTTP/1.1"), {200});

    closes("no version", "GET /hello\r\nHost: x\r\n\r\n", 400);
    closes("HTTP/2.0", request("GET /hello HTTP/2.0"), 505);
    closes("HTTP/1.2", request("GET /hello HTTP/1.2"), 505);
    closes("HTTP/0.9", request("GET /hello HTTP/0.9"), 505);
    closes("another protocol", request("GET /hello FTP/1.1"), 400);
    closes("lower-case version", request("GET /hello http/1.1"), 400);

    const auto padded = [](qsizetype size) {
        const QByteArray bare = request("GET /hello HTTP/1.1", "A: \r\n");
        return request("GET /hello HTTP/1.1", "A: " + QByteArray(size - bare.size(), 'a') + "\r\n");
    };
    open("head of the limit", padded(16 * 1024), {200});
    closes("head over the limit", padded(16 * 1024 + 1), 431);
    closes("head of 100 KiB", padded(100 * 1024), 431);
    closes("target of 20 KiB", request("GET /" + QByteArray(20 * 1024, 'a') + " HTTP/1.1"), 431);
    closes("20,000 fields", request("GET /hello HTTP/1.1", QByteArray("A:\r\n").repeated(20'000)), 431);
    closes("slow head", "GET /hello HTT", 408);
    closes("slow fields", "GET /hello HTTP/1.1\r\nHost: x\r\nA: ", 408);

    open("length", length("5", "hello"), {200});
    open("length 0", length("0"), {200});
    open("body of the limit", length("1048576", QByteArray(1024 * 1024, 'x')), {200});
    closes("body over the limit", length("1048577", QByteArray(1024 * 1024 + 1, 'x')), 413);
    closes("body of 2 MiB", length("2097152", QByteArray(2 * 1024 * 1024, 'x')), 413);
    closes("length doubled", length("5\r\nContent-Length: 5", "hello"), 400);
    closes("lengths differ", length("5\r\nContent-Length: 6", "hello"), 400);
    closes("length list", length("5, 5", "hello"), 400);
    closes("length negative", length("-5", "hello"), 400);
    closes("length signed", length("+5", "hello"), 400);
    closes("length hexadecimal", length("0x5", "hello"), 400);
    closes("length empty", length(""), 400);
    closes("length letters", length("abc", "hello"), 400);
    closes("length with a gap", length("5 5", "hello"), 400);
    closes("length 2^63", length("9223372036854775808"), 413);
    closes("length 2^64-1", length("18446744073709551615") + request("GET /hello HTTP/1.1"), 413);
    closes("length of 30 digits", length("999999999999999999999999999999"), 413);
    closes("stalled body", length("10", "ab"), 408);

    open("chunked", chunked("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), {200});
    open("chunked, then the next", chunked("5\r\nhello\r\n0\r\n\r\n") + request("GET /hello HTTP/1.1"), {200, 200});
    open("chunked, empty", chunked("0\r\n\r\n"), {200});
    open("chunk extension and trailer", chunked("5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n"), {200});
    open("coding without case", request("POST /echo HTTP/1.1", "Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"), {200});
    closes("chunk size nonsense", chunked("zz\r\nhello\r\n0\r\n\r\n"), 400);
    closes("chunk size overflow", chunked("fffffffffffffffff\r\nhello\r\n0\r\n\r\n"), 400);
    closes("chunk size huge", chunked("fffffffffffffff0\r\nhello"), 413);
    closes("chunk size negative", chunked("-5\r\nhello\r\n0\r\n\r\n"), 400);
    closes("chunk longer than said", chunked("3\r\nhello\r\n0\r\n\r\n"), 400);
    closes("chunk with bare LF", chunked("5\nhello\n0\n\n"), 400);
    closes("chunks over the limit", chunked(("80000\r\n" + QByteArray(0x80000, 'x') + "\r\n").repeated(3) + "0\r\n\r\n"), 413);
    closes("endless chunk header", chunked("5;" + QByteArray(40 * 1024, 'x')), 400);
    closes("endless trailer", chunked("0\r\n" + QByteArray("A: b\r\n").repeated(8 * 1024)), 400);
    closes("length in the trailer", chunked("0\r\nContent-Length: 5\r\n\r\n"), 400);
    closes("stalled chunk", chunked("5\r\nhel"), 408);
    closes("chunked and length", chunked("").replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\n") + "0\r\n\r\n", 400);
    closes("length and chunked", length("5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 400);
    closes("chunked twice", chunked("").replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n") + "0\r\n\r\n", 400);
    closes("chunked in HTTP/1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
    for (const char *coding : {"gzip, chunked", "chunked, gzip", "gzip", "identity", "xchunked"})
        closes(coding, request("POST /echo HTTP/1.1", "Transfer-Encoding: " + QByteArray(coding) + "\r\n", "0\r\n\r\n"), 501);

    closes("expecting something else", request("POST /echo HTTP/1.1", "Expect: cake\r\nContent-Length: 5\r\n"), 417);
    closes("expecting with too much", request("POST /echo HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 9999999\r\n"),
           413);
    closes("expecting nowhere", request("POST /nothing HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 5\r\n"), 404);
    closes("HTTP/1.0 cannot expect", "POST /echo HTTP/1.0\r\nExpect: cake\r\nContent-Length: 2\r\n\r\nab", 200);
}

void TestHttpServer::answers()
{
    QFETCH(QByteArray, bytes);
    QFETCH(Statuses, statuses);
    QFETCH(bool, closed);
    RawPeer peer(m_server->port());
    QTRY_VERIFY(peer.isOpen());
    peer.send(bytes);
    if (closed)
        QTRY_VERIFY(peer.isClosed());
    QTRY_COMPARE(peer.statuses(), statuses);
    QCOMPARE(peer.isOpen(), !closed);
    QTRY_COMPARE(m_server->stats().connections, closed ? 0 : 1);
}

void TestHttpServer::answers_byteByByte()
{
    QFETCH(QByteArray, bytes);
    QFETCH(Statuses, statuses);
    QFETCH(bool, closed);
    QFETCH(bool, large);
    Limits limits = shortLimits();
    limits.headTimeout = Millis(2'000);
    limits.bodyTimeout = Millis(2'000);
    start(limits);
    RawPeer peer(m_server->port());
    QTRY_VERIFY(peer.isOpen());
    const qsizetype step = large ? 1000 : 1;
    for (qsizetype at = 0; at < bytes.size() && peer.isOpen(); at += step) {
        peer.send(bytes.sliced(at, std::min(step, bytes.size() - at)));
        QCoreApplication::processEvents();
    }
    if (closed)
        QTRY_VERIFY(peer.isClosed());
    QTRY_COMPARE(peer.statuses(), statuses);
}

void TestHttpServer::refusals_areProblemDocuments()
{
    RawPeer peer(m_server->port());
    peer.send(request("POST /echo HTTP/1.1", "Content-Length: 9999999\r\n"));
    QTRY_COMPARE(peer.statuses(), Statuses {413});
    QVERIFY(peer.answers()[0].head.contains("application/problem+json"));
    QVERIFY(peer.answers()[0].head.contains("Connection: close"));
    const auto json = Json::parse(peer.answers()[0].body);
    QVERIFY(json);
    QCOMPARE((*json)[u"status"].toInt(), std::optional<qint64>(413));
}

void TestHttpServer::refusals_arePlainTextWhereTheRouteSaysSo()
{
    RawPeer large(m_server->port());
    large.send(request("POST /plain HTTP/1.1", "Content-Length: 11\r\n"));
    QTRY_COMPARE(large.statuses(), Statuses {413});
    QVERIFY(large.answers()[0].head.contains("text/plain"));
    RawPeer pieces(m_server->port());
    pieces.send(request("POST /plain HTTP/1.1", "Transfer-Encoding: chunked\r\n", "b\r\nhello world\r\n0\r\n\r\n"));
    QTRY_COMPARE(pieces.statuses(), Statuses {413});
    QVERIFY(pieces.answers()[0].head.contains("text/plain"));
    RawPeer method(m_server->port());
    method.send(request("GET /plain HTTP/1.1"));
    QTRY_COMPARE(method.statuses(), Statuses {405});
    QVERIFY(method.answers()[0].head.contains("text/plain"));
}

void TestHttpServer::head_hasTheLengthAndNoBody()
{
    RawPeer peer(m_server->port());
    peer.send(request("HEAD /hello HTTP/1.1") + request("GET /hello HTTP/1.1"));
    QTRY_COMPARE(peer.statuses(1), (Statuses {200, 200}));
    QVERIFY(peer.answers(1)[0].head.contains("Content-Length: 12\r\n"));
    QCOMPARE(peer.answers(1)[1].body, QByteArray("hello /hello"));
}

void TestHttpServer::bodilessStatus_hasNoLength()
{
    RawPeer peer(m_server->port());
    peer.send(request("GET /bodiless HTTP/1.1") + request("GET /hello HTTP/1.1"));
    QTRY_COMPARE(peer.statuses(), (Statuses {204, 200}));
    QVERIFY(!peer.answers()[0].head.contains("Content-Length"));
}

void TestHttpServer::unsafeFields_areDropped()
{
    QTest::ignoreMessage(QtWarningMsg, QRegularExpression(u"response field dropped"_s));
    RawPeer peer(m_server->port());
    peer.send(request("GET /splitting HTTP/1.1"));
    QTRY_COMPARE(peer.statuses(), Statuses {200});
    const QByteArray head = peer.answers()[0].head;
    QVERIFY(!head.contains("Injected"));
    QVERIFY(head.contains("X-Good: 1"));
    QVERIFY(head.contains("Content-Length: 2\r\n"));
    QVERIFY(!head.contains("99"));
}

void TestHttpServer::wrongMethod_listsTheAllowedOnes()
{
    RawPeer peer(m_server->port());
    peer.send(request("PUT /hello HTTP/1.1"));
    QTRY_COMPARE(peer.statuses(), Statuses {405});
    QVERIFY(peer.answers()[0].head.contains("Allow: GET, HEAD\r\n"));
}

void TestHttpServer::expect_isAnsweredBeforeTheBody()
{
    RawPeer peer(m_server->port());
    peer.send(request("POST /echo HTTP/1.1", "Expect: 100-Continue\r\nContent-Length: 5\r\n"));
    QTRY_COMPARE(peer.statuses(), Statuses {100});
    peer.send("hello");
    QTRY_COMPARE(peer.statuses(), (Statuses {100, 200}));
    QCOMPARE(peer.answers()[1].body, QByteArray("hello"));
    QVERIFY(peer.isOpen());
}

void TestHttpServer::pipelinedRequests_areAnsweredInOrder()
{
    RawPeer peer(m_server->port());
    peer.send(request("GET /slow/120 HTTP/1.1") + request("GET /slow/60 HTTP/1.1") + request("GET /slow/1 HTTP/1.1"));
    QTRY_COMPARE(peer.statuses(), (Statuses {200, 200, 200}));
    QCOMPARE(peer.answers()[0].body, QByteArray("120"));
    QCOMPARE(peer.answers()[1].body, QByteArray("60"));
    QCOMPARE(peer.answers()[2].body, QByteArray("1"));
}

void TestHttpServer::manyPipelinedRequests_areAllAnswered()
{
    constexpr int kMany = 5'000; // more bytes than any buffer on the way holds
    RawPeer peer(m_server->port());
    peer.send(request("GET /hello HTTP/1.1").repeated(kMany));
    QTRY_COMPARE_WITH_TIMEOUT(m_server->stats().requests, quint64(kMany), 20'000);
    QTRY_COMPARE_WITH_TIMEOUT(peer.received().count("hello /hello"), kMany, 20'000);
    QCOMPARE(peer.statuses().size(), kMany);
}

void TestHttpServer::unreadAnswers_stopReading()
{
    Limits limits = shortLimits();
    limits.bodyTimeout = Millis(400);
    start(limits);
    // A socket that nobody reads: answers of 4 MiB fill it, and further requests wait.
    QTcpSocket greedy;
    greedy.setReadBufferSize(1);
    greedy.connectToHost(QHostAddress::LocalHost, m_server->port());
    QTRY_COMPARE(greedy.state(), QAbstractSocket::ConnectedState);
    greedy.write(request("GET /big HTTP/1.1").repeated(50));
    QTRY_VERIFY(m_server->stats().requests >= 1);
    QTRY_COMPARE(m_server->stats().connections, 0); // given up after bodyTimeout
    QVERIFY(m_server->stats().requests < 50);
}

void TestHttpServer::refusal_reachesAPeerThatKeepsSending()
{
    RawPeer peer(m_server->port());
    QTRY_VERIFY(peer.isOpen());
    peer.send(request("POST /echo HTTP/1.1", "Content-Length: 4000000\r\n"));
    for (int i = 0; i < 30; ++i) {
        peer.send(QByteArray(64 * 1024, 'x'));
        QCoreApplication::processEvents();
    }
    QTRY_COMPARE(peer.statuses(), Statuses {413});
}

void TestHttpServer::idleConnection_isClosedInSilence()
{
    Limits limits = shortLimits();
    limits.idleTimeout = Millis(100);
    start(limits);
    RawPeer peer(m_server->port());
    QTRY_VERIFY(peer.isOpen());
    QTRY_VERIFY(peer.isClosed());
    QVERIFY(peer.received().isEmpty());
    QCOMPARE(m_server->stats().refused, quint64(0));
}

void TestHttpServer::keptAliveConnection_isClosedWhenIdle()
{
    Limits limits = shortLimits();
    limits.idleTimeout = Millis(100);
    start(limits);
    RawPeer peer(m_server->port());
    peer.send(request("GET /slow/250 HTTP/1.1")); // a running handler is not idleness
    QTRY_VERIFY(peer.isClosed());
    QCOMPARE(peer.statuses(), Statuses {200});
}

void TestHttpServer::handlerException_is500_data()
{
    QTest::addColumn<QByteArray>("path");
    QTest::newRow("after an await") << QByteArray("/throw");
    QTest::newRow("before the coroutine") << QByteArray("/throw-at-once");
}

void TestHttpServer::handlerException_is500()
{
    QFETCH(QByteArray, path);
    QTest::ignoreMessage(QtCriticalMsg, QRegularExpression(u"handler failed.*route.*"_s + QString::fromLatin1(path)));
    RawPeer peer(m_server->port());
    peer.send(request("GET " + path + " HTTP/1.1") + request("GET /hello HTTP/1.1"));
    QTRY_COMPARE(peer.statuses(), (Statuses {500, 200}));
    QVERIFY(!peer.received().contains("on purpose"));
}

void TestHttpServer::handlerTimeout_is503()
{
    Limits limits = shortLimits();
    limits.handlerTimeout = Millis(150);
    start(limits);
    QTest::ignoreMessage(QtWarningMsg, QRegularExpression(u"handler timed out"_s));
    QTest::ignoreMessage(QtWarningMsg, QRegularExpression(u"handler timed out"_s));
    RawPeer obeys(m_server->port());
    obeys.send(request("GET /slow/60000 HTTP/1.1"));
    RawPeer deafOne(m_server->port());
    deafOne.send(request("GET /deaf HTTP/1.1"));
    QTRY_VERIFY(obeys.isClosed());
    QTRY_VERIFY(deafOne.isClosed());
    QCOMPARE(obeys.statuses(), Statuses {503});
    QVERIFY(obeys.answers()[0].head.contains("Retry-After: "));
    QCOMPARE(deafOne.statuses(), Statuses {503});
    QTRY_COMPARE(g_cancelled, 1);
    QTRY_COMPARE(g_finished, 2); // the late answer goes nowhere
}

void TestHttpServer::peerLeaving_cancelsTheHandler()
{
    for (int i = 0; i < 10; ++i) {
        RawPeer peer(m_server->port());
        peer.send(request("GET /slow/60000 HTTP/1.1"));
        QTRY_COMPARE(m_server->stats().requests, quint64(i + 1));
        peer.reset();
        QTRY_COMPARE(g_cancelled, i + 1);
        QTRY_COMPARE(m_server->stats().connections, 0);
    }
}

void TestHttpServer::peerLeaving_survivesADeafHandler()
{
    {
        RawPeer peer(m_server->port());
        peer.send(request("GET /deaf HTTP/1.1"));
        QTRY_COMPARE(m_server->stats().requests, quint64(1));
    }
    QTRY_COMPARE(m_server->stats().connections, 0);
    QCOMPARE(g_finished, 0);
    QTRY_COMPARE(g_finished, 1);
}

void TestHttpServer::tooManyConnections_get503()
{
    Limits limits = shortLimits();
    limits.maxConnections = 3;
    start(limits);
    std::vector<std::unique_ptr<RawPeer>> peers;
    for (int i = 0; i < 3; ++i)
        peers.push_back(std::make_unique<RawPeer>(m_server->port()));
    QTRY_COMPARE(m_server->stats().connections, 3);
    RawPeer fourth(m_server->port());
    QTRY_VERIFY(fourth.isClosed());
    QCOMPARE(fourth.statuses(), Statuses {503});
    QVERIFY(fourth.answers()[0].head.contains("Retry-After: 1\r\n"));
    QTRY_COMPARE(m_server->stats().connections, 3);
    peers.pop_back();
    QTRY_COMPARE(m_server->stats().connections, 2);
    RawPeer again(m_server->port());
    again.send(request("GET /hello HTTP/1.1"));
    QTRY_COMPARE(again.statuses(), Statuses {200});
}

void TestHttpServer::tooManyConnectionsOfAPeer_get503()
{
    Limits limits = shortLimits();
    limits.maxConnectionsPerPeer = 1;
    start(limits);
    RawPeer first(m_server->port());
    QTRY_COMPARE(m_server->stats().connections, 1);
    RawPeer second(m_server->port());
    QTRY_COMPARE(second.statuses(), Statuses {503});
    first.send(request("GET /hello HTTP/1.1"));
    QTRY_COMPARE(first.statuses(), Statuses {200});
}

void TestHttpServer::close_letsARunningHandlerAnswer()
{
    RawPeer idle(m_server->port());
    QTRY_COMPARE(m_server->stats().connections, 1);
    RawPeer busy(m_server->port());
    busy.send(request("GET /slow/150 HTTP/1.1"));
    QTRY_COMPARE(m_server->stats().requests, quint64(1));
    const quint16 port = m_server->port();
    async::blockOn(m_server->close(Millis(3'000)));
    QCOMPARE(m_server->stats().connections, 0);
    QCOMPARE(m_server->port(), quint16(0));
    QTRY_VERIFY(idle.isClosed());
    QVERIFY(idle.received().isEmpty());
    QTRY_VERIFY(busy.isClosed());
    QCOMPARE(busy.statuses(), Statuses {200});
    QVERIFY(busy.answers()[0].head.contains("Connection: close"));
    RawPeer late(port);
    QTRY_VERIFY(late.isClosed());
}

void TestHttpServer::close_abortsAfterTheGrace()
{
    RawPeer busy(m_server->port());
    busy.send(request("GET /slow/60000 HTTP/1.1"));
    QTRY_COMPARE(m_server->stats().requests, quint64(1));
    async::blockOn(m_server->close(Millis(50)));
    QCOMPARE(m_server->stats().connections, 0);
    QCOMPARE(g_cancelled, 1);
    QTRY_VERIFY(busy.isClosed());
    QVERIFY(busy.received().isEmpty());
}

void TestHttpServer::destruction_survivesARunningHandler()
{
    RawPeer busy(m_server->port());
    busy.send(request("GET /deaf HTTP/1.1"));
    QTRY_COMPARE(m_server->stats().requests, quint64(1));
    QTest::ignoreMessage(QtCriticalMsg, QRegularExpression(u"scope destroyed with live tasks"_s));
    m_server.reset();
    QTRY_COMPARE(g_finished, 1);
}

void TestHttpServer::idleConnections_costLittleMemory()
{
    constexpr int kMany = 2'000;
    rlimit limit {};
    QCOMPARE(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 3 * kMany);
    QCOMPARE(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    QVERIFY(limit.rlim_cur > 2 * kMany + 100);
    const qint64 before = residentKib();
    QVERIFY(before > 0);
    std::vector<int> sockets;
    const QByteArray bytes = request("GET /hello HTTP/1.1");
    for (int i = 0; i < kMany; ++i) {
        const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address {};
        address.sin_family = AF_INET;
        address.sin_port = htons(m_server->port());
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        QCOMPARE(::connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
        QCOMPARE(::send(fd, bytes.constData(), static_cast<size_t>(bytes.size()), MSG_NOSIGNAL), bytes.size());
        sockets.push_back(fd);
        if (i % 100 == 99)
            QTRY_COMPARE(m_server->stats().requests, quint64(i + 1));
    }
    QCOMPARE(m_server->stats().connections, kMany);
    const qint64 grown = residentKib() - before;
    qInfo("%lld KiB for %d connections", grown, kMany);
#ifdef __SANITIZE_ADDRESS__
    QVERIFY(grown < 160 * 1024); // red zones and quarantine included
#else
    QVERIFY(grown < 48 * 1024);
#endif
    for (const int fd : sockets)
        ::close(fd);
    QTRY_COMPARE(m_server->stats().connections, 0);
}

void TestHttpServer::upgrade_isHandedOver()
{
    QWebSocketServer sockets(u"test"_s, QWebSocketServer::NonSecureMode);
    QByteArray path;
    m_server->setUpgradeHandler([&](const Request &head, QTcpSocket *socket) {
        path = head.path.toUtf8();
        sockets.handleConnection(socket);
        return true;
    });
    QWebSocket client;
    QString heard;
    connect(&client, &QWebSocket::textMessageReceived, &client, [&heard](const QString &text) { heard = text; });
    client.open(QUrl(u"ws://127.0.0.1:%1/ws?x=1"_s.arg(m_server->port())));
    QTRY_VERIFY(sockets.hasPendingConnections());
    const std::unique_ptr<QWebSocket> taken(sockets.nextPendingConnection());
    QCOMPARE(path, QByteArray("/ws"));
    QCOMPARE(m_server->stats().connections, 0);
    taken->sendTextMessage(u"welcome"_s);
    QTRY_COMPARE(heard, u"welcome"_s);
    RawPeer plain(m_server->port());
    plain.send(request("GET /hello HTTP/1.1") + request("POST /echo HTTP/1.1", "Content-Length: 2\r\n", "ab"));
    QTRY_COMPARE(plain.statuses(), (Statuses {200, 200}));
    RawPeer slowOne(m_server->port());
    slowOne.send("GET /hello HTT");
    QTRY_VERIFY(slowOne.isClosed());
    QCOMPARE(slowOne.statuses(), Statuses {408});
    RawPeer large(m_server->port());
    large.send(request("GET /hello HTTP/1.1", "A: " + QByteArray(100 * 1024, 'a') + "\r\n"));
    QTRY_VERIFY(large.isClosed());
    QCOMPARE(large.statuses(), Statuses {431});
}

void TestHttpServer::upgrade_declinedIsAnOrdinaryRequest()
{
    m_server->setUpgradeHandler([](const Request &, QTcpSocket *) { return false; });
    RawPeer peer(m_server->port());
    peer.send(request("GET /hello HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    QTRY_COMPARE(peer.statuses(), Statuses {200});
    peer.send(request("GET /hello HTTP/1.1"));
    QTRY_COMPARE(peer.statuses(), (Statuses {200, 200}));
}

void TestHttpServer::stats_count()
{
    RawPeer peer(m_server->port());
    peer.send(request("GET /hello HTTP/1.1") + request("GET /nothing HTTP/1.1") + request("GET /hello HTTP/3.0"));
    QTRY_VERIFY(peer.isClosed());
    QCOMPARE(m_server->stats().requests, quint64(2));
    QCOMPARE(m_server->stats().refused, quint64(2));
}

QTEST_GUILESS_MAIN(TestHttpServer)
#include "tst_http_server.moc"
