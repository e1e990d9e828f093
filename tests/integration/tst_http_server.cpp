// SPDX-License-Identifier: Apache-2.0
#include "http_server_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::http;
using signalbox::testing::RawPeer;
using namespace signalbox::testing::http_server;

// What is answered, byte for byte.
class TestHttpServer : public HttpServerTest
{
    Q_OBJECT
private Q_SLOTS:
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
};

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
    const auto closes
        = [row](const char *name, const QByteArray &bytes, int status) { row(name, bytes, {status}, true); };
    const auto length = [](const QByteArray &value, const QByteArray &body = {}) {
        return request("POST /echo HTTP/1.1", "Content-Length: " + value + "\r\n", body);
    };

    open("GET", request("GET /hello HTTP/1.1"), {200});
    open("two in one write", request("GET /hello HTTP/1.1") + request("GET /hello HTTP/1.1"), {200, 200});
    open("body, then the next", length("5", "hello") + request("GET /hello HTTP/1.1"), {200, 200});
    open("empty lines before", "\r\n\r\n" + request("GET /hello HTTP/1.1"), {200});
    closes("Connection: close", request("GET /hello HTTP/1.1", "Connection: close\r\n"), 200);
    closes("close among tokens", request("GET /hello HTTP/1.1", "Connection: foo, Close\r\n"), 200);
    closes("close ends pipelining",
        request("GET /hello HTTP/1.1", "Connection: close\r\n") + request("GET /hello HTTP/1.1"), 200);
    closes("HTTP/1.0", "GET /hello HTTP/1.0\r\n\r\n", 200);
    open("HTTP/1.0 keep-alive", "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", {200});
    open("unknown path", request("GET /nothing HTTP/1.1"), {404});
    open("unknown path with a body",
        request("POST /nothing HTTP/1.1", "Content-Length: 5\r\n", "hello") + request("GET /hello HTTP/1.1"),
        {404, 200});
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
    open("chunked, then the next", chunked("5\r\nhello\r\n0\r\n\r\n") + request("GET /hello HTTP/1.1"),
        {200, 200});
    open("chunked, empty", chunked("0\r\n\r\n"), {200});
    open("chunk extension and trailer", chunked("5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n"), {200});
    open("coding without case", request("POST /echo HTTP/1.1", "Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"),
        {200});
    closes("chunk size nonsense", chunked("zz\r\nhello\r\n0\r\n\r\n"), 400);
    closes("chunk size overflow", chunked("fffffffffffffffff\r\nhello\r\n0\r\n\r\n"), 400);
    closes("chunk size huge", chunked("fffffffffffffff0\r\nhello"), 413);
    closes("chunk size negative", chunked("-5\r\nhello\r\n0\r\n\r\n"), 400);
    closes("chunk longer than said", chunked("3\r\nhello\r\n0\r\n\r\n"), 400);
    closes("chunk with bare LF", chunked("5\nhello\n0\n\n"), 400);
    closes("chunks over the limit",
        chunked(("80000\r\n" + QByteArray(0x80000, 'x') + "\r\n").repeated(3) + "0\r\n\r\n"), 413);
    closes("endless chunk header", chunked("5;" + QByteArray(40 * 1024, 'x')), 400);
    closes("endless trailer", chunked("0\r\n" + QByteArray("A: b\r\n").repeated(8 * 1024)), 400);
    closes("length in the trailer", chunked("0\r\nContent-Length: 5\r\n\r\n"), 400);
    closes("stalled chunk", chunked("5\r\nhel"), 408);
    closes("chunked and length",
        chunked("").replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\n") + "0\r\n\r\n", 400);
    closes("length and chunked", length("5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 400);
    closes("chunked twice",
        chunked("").replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n") + "0\r\n\r\n", 400);
    closes("chunked in HTTP/1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
    for (const char *coding : {"gzip, chunked", "chunked, gzip", "gzip", "identity", "xchunked"})
        closes(coding,
            request("POST /echo HTTP/1.1", "Transfer-Encoding: " + QByteArray(coding) + "\r\n", "0\r\n\r\n"),
            501);

    closes("expecting something else",
        request("POST /echo HTTP/1.1", "Expect: cake\r\nContent-Length: 5\r\n"), 417);
    closes("expecting with too much",
        request("POST /echo HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 9999999\r\n"), 413);
    closes("expecting nowhere",
        request("POST /nothing HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 5\r\n"), 404);
    closes(
        "HTTP/1.0 cannot expect", "POST /echo HTTP/1.0\r\nExpect: cake\r\nContent-Length: 2\r\n\r\nab", 200);
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
    QTRY_COMPARE(peer.statuses(), Statuses{413});
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
    QTRY_COMPARE(large.statuses(), Statuses{413});
    QVERIFY(large.answers()[0].head.contains("text/plain"));
    RawPeer pieces(m_server->port());
    pieces.send(
        request("POST /plain HTTP/1.1", "Transfer-Encoding: chunked\r\n", "b\r\nhello world\r\n0\r\n\r\n"));
    QTRY_COMPARE(pieces.statuses(), Statuses{413});
    QVERIFY(pieces.answers()[0].head.contains("text/plain"));
    RawPeer method(m_server->port());
    method.send(request("GET /plain HTTP/1.1"));
    QTRY_COMPARE(method.statuses(), Statuses{405});
    QVERIFY(method.answers()[0].head.contains("text/plain"));
}

void TestHttpServer::head_hasTheLengthAndNoBody()
{
    RawPeer peer(m_server->port());
    peer.send(request("HEAD /hello HTTP/1.1") + request("GET /hello HTTP/1.1"));
    QTRY_COMPARE(peer.statuses(1), (Statuses{200, 200}));
    QVERIFY(peer.answers(1)[0].head.contains("Content-Length: 12\r\n"));
    QCOMPARE(peer.answers(1)[1].body, QByteArray("hello /hello"));
}

void TestHttpServer::bodilessStatus_hasNoLength()
{
    RawPeer peer(m_server->port());
    peer.send(request("GET /bodiless HTTP/1.1") + request("GET /hello HTTP/1.1"));
    QTRY_COMPARE(peer.statuses(), (Statuses{204, 200}));
    QVERIFY(!peer.answers()[0].head.contains("Content-Length"));
}

void TestHttpServer::unsafeFields_areDropped()
{
    QTest::ignoreMessage(QtWarningMsg, QRegularExpression(u"response field dropped"_s));
    RawPeer peer(m_server->port());
    peer.send(request("GET /splitting HTTP/1.1"));
    QTRY_COMPARE(peer.statuses(), Statuses{200});
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
    QTRY_COMPARE(peer.statuses(), Statuses{405});
    QVERIFY(peer.answers()[0].head.contains("Allow: GET, HEAD\r\n"));
}

void TestHttpServer::expect_isAnsweredBeforeTheBody()
{
    RawPeer peer(m_server->port());
    peer.send(request("POST /echo HTTP/1.1", "Expect: 100-Continue\r\nContent-Length: 5\r\n"));
    QTRY_COMPARE(peer.statuses(), Statuses{100});
    peer.send("hello");
    QTRY_COMPARE(peer.statuses(), (Statuses{100, 200}));
    QCOMPARE(peer.answers()[1].body, QByteArray("hello"));
    QVERIFY(peer.isOpen());
}

void TestHttpServer::pipelinedRequests_areAnsweredInOrder()
{
    RawPeer peer(m_server->port());
    peer.send(request("GET /slow/120 HTTP/1.1") + request("GET /slow/60 HTTP/1.1")
        + request("GET /slow/1 HTTP/1.1"));
    QTRY_COMPARE(peer.statuses(), (Statuses{200, 200, 200}));
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
    limits.writeTimeout = Millis(400);
    start(limits);
    // A socket that nobody reads: answers of 4 MiB fill it, and further requests wait.
    QTcpSocket greedy;
    greedy.setReadBufferSize(1);
    greedy.connectToHost(QHostAddress::LocalHost, m_server->port());
    QTRY_COMPARE(greedy.state(), QAbstractSocket::ConnectedState);
    greedy.write(request("GET /big HTTP/1.1").repeated(50));
    QTRY_VERIFY(m_server->stats().requests >= 1);
    QTRY_COMPARE(m_server->stats().connections, 0); // given up after writeTimeout
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
    QTRY_COMPARE(peer.statuses(), Statuses{413});
}

QTEST_GUILESS_MAIN(TestHttpServer)
#include "tst_http_server.moc"
