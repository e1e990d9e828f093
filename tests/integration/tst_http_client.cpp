// SPDX-License-Identifier: Apache-2.0
#include "http_client_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::http;
using namespace signalbox::testing::http_client;

class TestHttpClient : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void request_arrivesAsItWasMade();
    void anyStatus_isASuccess();
    void head_and204_haveNoBody();
    void largeBodies_goBothWays();
    void connections_areKeptAndReused();
    void connections_areBoundedAndCallsWaitInOrder();
    void waiting_countsAgainstTheTimeout();
    void misbehaviour_isAnError_data();
    void misbehaviour_isAnError();
    void goodAnswers_areRead_data();
    void goodAnswers_areRead();
    void closedIdleConnection_isNotUsed();
    void idempotentCall_isRepeatedOnce();
    void otherCall_isNotRepeated();
    void refusedConnection_wasNotSent();
    void unknownHost_wasNotSent();
    void lostRight_sendsNothing();
    void badRequests_wereNotSent_data();
    void badRequests_wereNotSent();
    void deadline_whileConnectedIsSent();
    void lateAnswer_isNotGivenToTheNextCall();
    void cancel_closesTheConnection();
    void cancel_beforeSendingIsNotSent();
    void destruction_endsRunningCalls();
    void callback_mayDestroyTheClient();
    void secondAnswer_endsTheConnection();
    void tls_verifiesTheCertificate();
};

void TestHttpClient::request_arrivesAsItWasMade()
{
    const auto server = makeServer();
    Client client;
    ClientRequest request("POST", urlOf(server->port(), u"/hello?q=a%20b&c=%2F#fragment"_s));
    request.headers.add("X-A", "1");
    request.headers.add("Content-Length", "77");
    request.headers.add("host", "evil");
    request.body = "body";
    const Answer answer = call(client, request);
    QVERIFY(answer);
    QCOMPARE(answer->status, 200);
    QCOMPARE(answer->body, QByteArray("POST /hello?q=a%20b&c=%2F 1 body"));
    QCOMPARE(answer->headers.value("X-Host"), "127.0.0.1:" + QByteArray::number(server->port()));
    QVERIFY(answer->headers.value("X-Agent").startsWith("signalbox/"));
}

void TestHttpClient::anyStatus_isASuccess()
{
    const auto server = makeServer();
    Client client;
    const Answer answer = call(client, get(urlOf(server->port(), u"/nothing"_s)));
    QVERIFY(answer);
    QCOMPARE(answer->status, 404);
}

void TestHttpClient::head_and204_haveNoBody()
{
    const auto server = makeServer();
    Client client;
    const Answer head = call(client, ClientRequest("HEAD", urlOf(server->port(), u"/big"_s)));
    QVERIFY(head);
    QCOMPARE(head->headers.value("Content-Length"), QByteArray("3145728"));
    QVERIFY(head->body.isEmpty());
    const Answer none = call(client, get(urlOf(server->port(), u"/empty"_s)));
    QVERIFY(none);
    QCOMPARE(none->status, 204);
    QCOMPARE(server->stats().connections, 1);
}

void TestHttpClient::largeBodies_goBothWays()
{
    const auto server = makeServer();
    Client client;
    ClientRequest request("POST", urlOf(server->port()));
    request.body = QByteArray(5 * 1024 * 1024, 'x');
    const Answer up = call(client, request);
    QVERIFY(up);
    QVERIFY(up->body.endsWith(request.body));
    const Answer down = call(client, get(urlOf(server->port(), u"/big"_s)));
    QVERIFY(down);
    QCOMPARE(down->body.size(), 3 * 1024 * 1024);
}

void TestHttpClient::connections_areKeptAndReused()
{
    const auto server = makeServer();
    Client client;
    for (int i = 0; i < 20; ++i)
        QVERIFY(call(client, get(urlOf(server->port()))));
    QCOMPARE(server->stats().connections, 1);
    QCOMPARE(server->stats().requests, quint64(20));
}

void TestHttpClient::connections_areBoundedAndCallsWaitInOrder()
{
    const auto server = makeServer();
    Client client(2);
    QList<QByteArray> order;
    for (const char *path : {"/slow/100", "/slow/101", "/slow/3", "/slow/2", "/slow/1"}) {
        auto task = client.send(get(urlOf(server->port(), QString::fromLatin1(path))));
        task.then(
            [&order](const Answer &answer) { order.append(answer ? answer->body : QByteArray("error")); });
    }
    QTRY_COMPARE(server->stats().connections, 2);
    QTRY_COMPARE(order.size(), 5);
    QCOMPARE(server->stats().connections, 2);
    QVERIFY(order.indexOf("3") < order.indexOf("1"));
    QVERIFY(order.indexOf("100") < order.indexOf("3"));
}

void TestHttpClient::waiting_countsAgainstTheTimeout()
{
    const auto server = makeServer();
    Client client(1);
    bool firstDone = false;
    auto first = client.send(get(urlOf(server->port(), u"/slow/600"_s)));
    first.then([&firstDone](const Answer &answer) { firstDone = answer.has_value(); });
    const Answer second = call(client, get(urlOf(server->port()), Millis(100)));
    QVERIFY(!second);
    QCOMPARE(second.error().code(), ErrorCode::DeadlineExceeded);
    QCOMPARE(second.error().native(), QString::fromUtf16(kNotSent));
    QVERIFY(!firstDone);
    QTRY_VERIFY(firstDone);
}

void TestHttpClient::misbehaviour_isAnError_data()
{
    QTest::addColumn<QByteArray>("answer");
    QTest::addColumn<bool>("closes");
    QTest::addColumn<int>("code");
    const auto row = [](const char *name, const QByteArray &answer, bool closes, ErrorCode code) {
        QTest::newRow(name) << answer << closes << static_cast<int>(code);
    };
    const QByteArray ok = "HTTP/1.1 200 OK\r\n";
    row("closes unanswered", "", true, ErrorCode::Unavailable);
    row("closes in the head", "HTTP/1.1 200 OK\r\nContent-", true, ErrorCode::Unavailable);
    row("closes in the body", ok + "Content-Length: 10\r\n\r\nabc", true, ErrorCode::Unavailable);
    row("closes in a chunk", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nab", true, ErrorCode::Unavailable);
    row("closes before the last chunk", ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", true,
        ErrorCode::Unavailable);
    row("hangs", "", false, ErrorCode::DeadlineExceeded);
    row("hangs in the body", ok + "Content-Length: 10\r\n\r\nabc", false, ErrorCode::DeadlineExceeded);
    row("garbage", "\x16\x03\x01 not http\r\n\r\n", false, ErrorCode::Corrupt);
    row("another protocol", "SSH-2.0-OpenSSH\r\n\r\n", false, ErrorCode::Corrupt);
    row("HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", false, ErrorCode::Corrupt);
    row("length and chunked", ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false,
        ErrorCode::Corrupt);
    row("two lengths", ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", false,
        ErrorCode::Corrupt);
    row("bad length", ok + "Content-Length: -1\r\n\r\n", false, ErrorCode::Corrupt);
    row("bad chunk", ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\nhello", false, ErrorCode::Corrupt);
    row("unknown coding", ok + "Transfer-Encoding: gzip\r\n\r\n", false, ErrorCode::Corrupt);
    row("unasked upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n", false, ErrorCode::Corrupt);
    row("endless interim answers", QByteArray("HTTP/1.1 100 Continue\r\n\r\n").repeated(20), false,
        ErrorCode::Corrupt);
    row("announces too much", ok + "Content-Length: 1001\r\n\r\n", false, ErrorCode::Corrupt);
    row("sends too much", ok + "\r\n" + QByteArray(5000, 'x'), false, ErrorCode::Corrupt);
    row("chunks too much",
        ok + "Transfer-Encoding: chunked\r\n\r\n400\r\n" + QByteArray(1024, 'x') + "\r\n0\r\n\r\n", false,
        ErrorCode::Corrupt);
    row("endless head", ok + QByteArray("A: b\r\n").repeated(50'000), false, ErrorCode::Corrupt);
    row("endless line", ok + "A: " + QByteArray(200'000, 'x'), false, ErrorCode::Corrupt);
}

void TestHttpClient::misbehaviour_isAnError()
{
    QFETCH(QByteArray, answer);
    QFETCH(bool, closes);
    QFETCH(int, code);
    const Misbehaving server({Misbehaving::Turn(answer, closes)});
    Client client;
    ClientRequest request = get(urlOf(server.serverPort()), Millis(300));
    request.maxResponseBytes = 1000;
    if (code != static_cast<int>(ErrorCode::DeadlineExceeded))
        request.timeout = Millis(5'000);
    request.idempotent = true; // a fresh connection is no reason to repeat
    const Answer result = call(client, request);
    QVERIFY(!result);
    QCOMPARE(static_cast<int>(result.error().code()), code);
    QCOMPARE(result.error().native(), QString::fromUtf16(kSent));
    QCOMPARE(server.requests, 1);
    QTRY_VERIFY(!server.sockets[0] || server.sockets[0]->state() == QAbstractSocket::UnconnectedState);
}

void TestHttpClient::goodAnswers_areRead_data()
{
    QTest::addColumn<QByteArray>("answer");
    QTest::addColumn<bool>("closes");
    QTest::addColumn<int>("status");
    QTest::addColumn<QByteArray>("body");
    QTest::newRow("until the end") << QByteArray("HTTP/1.1 200 OK\r\n\r\nhello") << true << 200
                                   << QByteArray("hello");
    QTest::newRow("HTTP/1.0") << QByteArray("HTTP/1.0 200 OK\r\n\r\nhello") << true << 200
                              << QByteArray("hello");
    QTest::newRow("until the end, empty")
        << QByteArray("HTTP/1.1 200 OK\r\n\r\n") << true << 200 << QByteArray();
    QTest::newRow("chunked") << QByteArray(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;x\r\nhel\r\n2\r\nlo\r\n0\r\n"
        "T: x\r\n\r\n") << false
                             << 200 << QByteArray("hello");
    QTest::newRow("304 with a length") << QByteArray("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n")
                                       << false << 304 << QByteArray();
    QTest::newRow("after interim answers")
        << QByteArray("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        << false << 200 << QByteArray("ok");
    QTest::newRow("without reason") << QByteArray("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n") << false
                                    << 200 << QByteArray();
    QTest::newRow("redirect") << QByteArray("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
                              << false << 302 << QByteArray();
}

void TestHttpClient::goodAnswers_areRead()
{
    QFETCH(QByteArray, answer);
    QFETCH(bool, closes);
    const Misbehaving server({Misbehaving::Turn(answer, closes)});
    Client client;
    const Answer result = call(client, get(urlOf(server.serverPort())));
    QVERIFY(result);
    QTEST(result->status, "status");
    QTEST(result->body, "body");
    const Answer second = call(client, get(urlOf(server.serverPort())));
    QVERIFY(second);
    QCOMPARE(server.accepted, closes ? 2 : 1);
}

void TestHttpClient::closedIdleConnection_isNotUsed()
{
    Limits limits;
    limits.idleTimeout = Millis(100);
    const auto server = makeServer(limits);
    Client client;
    QVERIFY(call(client, get(urlOf(server->port()))));
    QTRY_COMPARE(server->stats().connections, 0);
    const Answer again = call(client, get(urlOf(server->port())));
    QVERIFY(again);
}

namespace {

// Answers once, then closes the kept-alive connection at the moment the next request arrives.
QList<Misbehaving::Turn> closingOnReuse()
{
    const QByteArray ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    return {Misbehaving::Turn(ok, false), Misbehaving::Turn("", true), Misbehaving::Turn(ok, false)};
}

} // namespace

void TestHttpClient::idempotentCall_isRepeatedOnce()
{
    const Misbehaving server(closingOnReuse());
    Client client;
    QVERIFY(call(client, get(urlOf(server.serverPort()))));
    ClientRequest request = get(urlOf(server.serverPort()));
    request.idempotent = true;
    const Answer answer = call(client, request);
    QVERIFY(answer);
    QCOMPARE(server.requests, 3);
    QCOMPARE(server.accepted, 2);
}

void TestHttpClient::otherCall_isNotRepeated()
{
    const Misbehaving server(closingOnReuse());
    Client client;
    QVERIFY(call(client, get(urlOf(server.serverPort()))));
    const Answer answer = call(client, get(urlOf(server.serverPort())));
    QVERIFY(!answer);
    QCOMPARE(answer.error().code(), ErrorCode::Unavailable);
    QCOMPARE(answer.error().native(), QString::fromUtf16(kSent));
    QCOMPARE(server.requests, 2);
}

void TestHttpClient::refusedConnection_wasNotSent()
{
    quint16 port = 0;
    {
        QTcpServer gone;
        QVERIFY(gone.listen(QHostAddress::LocalHost));
        port = gone.serverPort();
    }
    Client client;
    const Answer answer = call(client, get(urlOf(port)));
    QVERIFY(!answer);
    QCOMPARE(answer.error().code(), ErrorCode::Unavailable);
    QCOMPARE(answer.error().native(), QString::fromUtf16(kNotSent));
}

void TestHttpClient::unknownHost_wasNotSent()
{
    Client client;
    const Answer answer = call(client, get(QUrl(u"http://nowhere.invalid/"_s), Millis(10'000)));
    QVERIFY(!answer);
    QCOMPARE(answer.error().native(), QString::fromUtf16(kNotSent));
}

// Asked when it is written, not when it is made: it may have waited for its connection for long.
void TestHttpClient::lostRight_sendsNothing()
{
    const Misbehaving server({Misbehaving::Turn("HTTP/1.1 204 No Content\r\n\r\n", false)});
    Client client;
    bool may = true;
    int asked = 0;
    ClientRequest request = get(urlOf(server.serverPort()), Millis(5'000));
    request.mayLeave = [&] {
        ++asked;
        return may;
    };
    may = false;
    const Answer refused = call(client, request);
    QVERIFY(!refused);
    QCOMPARE(refused.error().code(), ErrorCode::Cancelled);
    QCOMPARE(refused.error().native(), QString::fromUtf16(kNotSent));
    QCOMPARE(asked, 1);
    QCOMPARE(server.requests, 0);
}

void TestHttpClient::badRequests_wereNotSent_data()
{
    QTest::addColumn<QByteArray>("method");
    QTest::addColumn<QUrl>("url");
    QTest::addColumn<QByteArray>("field");
    const QUrl good = urlOf(1);
    QTest::newRow("scheme") << QByteArray("GET") << QUrl(u"ftp://127.0.0.1/"_s) << QByteArray();
    QTest::newRow("no host") << QByteArray("GET") << QUrl(u"http:///x"_s) << QByteArray();
    QTest::newRow("empty address") << QByteArray("GET") << QUrl() << QByteArray();
    QTest::newRow("method") << QByteArray("GET / HTTP/1.1\r\nX:") << good << QByteArray();
    QTest::newRow("no method") << QByteArray() << good << QByteArray();
    QTest::newRow("field") << QByteArray("GET") << good << QByteArray("a\r\nX-Injected: 1");
    QTest::newRow("field with NUL") << QByteArray("GET") << good << QByteArray("a\0b", 3);
}

void TestHttpClient::badRequests_wereNotSent()
{
    QFETCH(QByteArray, method);
    QFETCH(QUrl, url);
    QFETCH(QByteArray, field);
    Client client;
    ClientRequest request(method, url);
    if (!field.isEmpty())
        request.headers.add("X-A", field);
    const Answer answer = call(client, request);
    QVERIFY(!answer);
    QCOMPARE(answer.error().code(), ErrorCode::InvalidInput);
    QCOMPARE(answer.error().native(), QString::fromUtf16(kNotSent));
}

void TestHttpClient::deadline_whileConnectedIsSent()
{
    const auto server = makeServer();
    Client client;
    const Answer answer = call(client, get(urlOf(server->port(), u"/slow/5000"_s), Millis(100)));
    QVERIFY(!answer);
    QCOMPARE(answer.error().code(), ErrorCode::DeadlineExceeded);
    QCOMPARE(answer.error().native(), QString::fromUtf16(kSent));
    QTRY_COMPARE(server->stats().connections, 0);
    async::blockOn(server->close(Millis(100)));
}

void TestHttpClient::lateAnswer_isNotGivenToTheNextCall()
{
    const auto server = makeServer();
    Client client(1);
    QVERIFY(!call(client, get(urlOf(server->port(), u"/slow/200"_s), Millis(50))));
    const Answer next = call(client, get(urlOf(server->port(), u"/slow/300"_s)));
    QVERIFY(next);
    QCOMPARE(next->body, QByteArray("300"));
    async::blockOn(server->close(Millis(100)));
}

void TestHttpClient::cancel_closesTheConnection()
{
    const auto server = makeServer();
    Client client;
    async::CancelSource cancel;
    std::optional<Answer> answer;
    auto task = client.send(get(urlOf(server->port(), u"/slow/60000"_s)), cancel.token());
    task.then([&answer](const Answer &result) { answer = result; });
    QTRY_COMPARE(server->stats().requests, quint64(1));
    cancel.cancel();
    QVERIFY(!answer); // through the event loop, never inside cancel()
    QTRY_VERIFY(answer);
    QVERIFY(!*answer);
    QCOMPARE(answer->error().code(), ErrorCode::Cancelled);
    QCOMPARE(answer->error().native(), QString::fromUtf16(kSent));
    QTRY_COMPARE(server->stats().connections, 0);
    async::blockOn(server->close(Millis(100)));
}

void TestHttpClient::cancel_beforeSendingIsNotSent()
{
    const auto server = makeServer();
    Client client;
    async::CancelSource cancel;
    cancel.cancel();
    const Answer answer = call(client, get(urlOf(server->port())), cancel.token());
    QVERIFY(!answer);
    QCOMPARE(answer.error().code(), ErrorCode::Cancelled);
    QCOMPARE(answer.error().native(), QString::fromUtf16(kNotSent));
    QCOMPARE(server->stats().requests, quint64(0));
}

void TestHttpClient::destruction_endsRunningCalls()
{
    const auto server = makeServer();
    auto client = std::make_unique<Client>(1);
    QList<QString> natives;
    for (int i = 0; i < 2; ++i) {
        auto task = client->send(get(urlOf(server->port(), u"/slow/60000"_s)));
        task.then([&natives](const Answer &result) {
            natives.append(result ? u"answered"_s : result.error().native());
        });
    }
    QTRY_COMPARE(server->stats().requests, quint64(1));
    client.reset();
    QTRY_COMPARE(natives.size(), 2);
    QVERIFY(natives.contains(QString::fromUtf16(kSent)));
    QVERIFY(natives.contains(QString::fromUtf16(kNotSent)));
    async::blockOn(server->close(Millis(100)));
}

void TestHttpClient::callback_mayDestroyTheClient()
{
    const auto server = makeServer();
    auto client = std::make_unique<Client>();
    int ended = 0;
    for (int i = 0; i < 3; ++i) {
        auto task = client->send(get(urlOf(server->port())));
        task.then([&client, &ended](const Answer &) {
            client.reset();
            ++ended;
        });
    }
    QTRY_COMPARE(ended, 3);
    QVERIFY(!client);
}

void TestHttpClient::secondAnswer_endsTheConnection()
{
    const QByteArray ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    const Misbehaving server(
        {Misbehaving::Turn(ok + "ok" + ok + "no", false), Misbehaving::Turn(ok + "ok", false)});
    Client client;
    const Answer first = call(client, get(urlOf(server.serverPort())));
    QVERIFY(first);
    const Answer second = call(client, get(urlOf(server.serverPort())));
    QVERIFY(second);
    QCOMPARE(second->body, QByteArray("ok"));
    QCOMPARE(server.accepted, 2);
    // Unasked bytes on an idle connection end it too.
    server.sockets[1]->write("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
    QTRY_VERIFY(!server.sockets[1] || server.sockets[1]->state() == QAbstractSocket::UnconnectedState);
}

namespace {

// Speaks TLS with one certificate and answers every request with 200.
class TlsServer : public QTcpServer
{
public:
    TlsServer(QSslCertificate certificate, QSslKey key)
        : m_certificate(std::move(certificate))
        , m_key(std::move(key))
    {
    }
    int requests = 0;

protected:
    void incomingConnection(qintptr descriptor) override
    {
        auto *socket = new QSslSocket(this);
        socket->setSocketDescriptor(descriptor);
        socket->setLocalCertificate(m_certificate);
        socket->setPrivateKey(m_key);
        connect(socket, &QSslSocket::readyRead, this, [this, socket] {
            if (!socket->readAll().endsWith("\r\n\r\n"))
                return;
            ++requests;
            socket->write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        });
        socket->startServerEncryption();
    }

private:
    QSslCertificate m_certificate;
    QSslKey m_key;
};

} // namespace

void TestHttpClient::tls_verifiesTheCertificate()
{
    QTemporaryDir dir;
    const QString key = dir.filePath(u"key.pem"_s);
    const QString certificate = dir.filePath(u"cert.pem"_s);
    const QStringList arguments{u"req"_s, u"-x509"_s, u"-newkey"_s, u"ec"_s, u"-pkeyopt"_s,
        u"ec_paramgen_curve:prime256v1"_s, u"-nodes"_s, u"-days"_s, u"2"_s, u"-subj"_s, u"/CN=localhost"_s,
        u"-addext"_s, u"subjectAltName=DNS:localhost"_s, u"-keyout"_s, key, u"-out"_s, certificate};
    QCOMPARE(QProcess::execute(u"openssl"_s, arguments), 0);
    const QList<QSslCertificate> certificates = QSslCertificate::fromPath(certificate);
    QCOMPARE(certificates.size(), 1);
    QFile keyFile(key);
    QVERIFY(keyFile.open(QIODevice::ReadOnly));
    TlsServer server(certificates[0], QSslKey(&keyFile, QSsl::Ec));
    QVERIFY(server.listen(QHostAddress::LocalHost));
    const QUrl url(u"https://localhost:%1/"_s.arg(server.serverPort()));
    {
        Client client;
        const Answer answer = call(client, get(url));
        QVERIFY(!answer);
        QCOMPARE(answer.error().code(), ErrorCode::Unavailable);
        QCOMPARE(answer.error().native(), QString::fromUtf16(kNotSent));
        QCOMPARE(server.requests, 0);
    }
    const QSslConfiguration before = QSslConfiguration::defaultConfiguration();
    QSslConfiguration trusting = before;
    trusting.addCaCertificates(certificates);
    QSslConfiguration::setDefaultConfiguration(trusting);
    Client client;
    const Answer right = call(client, get(url));
    const Answer again = call(client, get(url));
    const Answer wrongName = call(client, get(QUrl(u"https://127.0.0.1:%1/"_s.arg(server.serverPort()))));
    QSslConfiguration::setDefaultConfiguration(before);
    QVERIFY2(right, right ? "" : qPrintable(right.error().toString()));
    QVERIFY(again);
    QCOMPARE(right->body, QByteArray("ok"));
    QVERIFY(!wrongName);
    QCOMPARE(wrongName.error().native(), QString::fromUtf16(kNotSent));
    QCOMPARE(server.requests, 2);
}

QTEST_GUILESS_MAIN(TestHttpClient)
#include "tst_http_client.moc"
