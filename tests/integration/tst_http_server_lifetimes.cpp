// SPDX-License-Identifier: Apache-2.0
#include "http_server_fixture.h"

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::http;
using signalbox::testing::RawPeer;
using signalbox::testing::SlowReader;
using namespace signalbox::testing::http_server;

// Who may stay how long, how many may come, and what is left when they go.
class TestHttpServerLifetimes : public HttpServerTest
{
    Q_OBJECT
private Q_SLOTS:
    void idleConnection_isClosedInSilence();
    void keptAliveConnection_isClosedWhenIdle();
    void handlerException_is500_data();
    void handlerException_is500();
    void handlerTimeout_is503();
    void peerLeaving_cancelsTheHandler();
    void peerLeaving_survivesADeafHandler();
    void tooManyConnections_get503();
    void tooManyConnectionsOfAPeer_get503();
    void crowdOfAPeer_isClosedUnanswered();
    void loopbackPeers_areExempt();
    void answerThatNobodyReads_isGivenUp();
    void answerThatIsReadTooSlowly_isGivenUp();
    void answerThatIsReadInPieces_arrives();
    void close_letsARunningHandlerAnswer();
    void close_abortsAfterTheGrace();
    void destruction_survivesARunningHandler();
    void idleConnections_costLittleMemory();
    void upgrade_isHandedOver();
    void upgrade_declinedIsAnOrdinaryRequest();
    void stats_count();
};

void TestHttpServerLifetimes::idleConnection_isClosedInSilence()
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

void TestHttpServerLifetimes::keptAliveConnection_isClosedWhenIdle()
{
    Limits limits = shortLimits();
    limits.idleTimeout = Millis(100);
    start(limits);
    RawPeer peer(m_server->port());
    peer.send(request("GET /slow/250 HTTP/1.1")); // a running handler is not idleness
    QTRY_VERIFY(peer.isClosed());
    QCOMPARE(peer.statuses(), Statuses{200});
}

void TestHttpServerLifetimes::handlerException_is500_data()
{
    QTest::addColumn<QByteArray>("path");
    QTest::newRow("after an await") << QByteArray("/throw");
    QTest::newRow("before the coroutine") << QByteArray("/throw-at-once");
}

void TestHttpServerLifetimes::handlerException_is500()
{
    QFETCH(QByteArray, path);
    QTest::ignoreMessage(
        QtCriticalMsg, QRegularExpression(u"handler failed.*route.*"_s + QString::fromLatin1(path)));
    RawPeer peer(m_server->port());
    peer.send(request("GET " + path + " HTTP/1.1") + request("GET /hello HTTP/1.1"));
    QTRY_COMPARE(peer.statuses(), (Statuses{500, 200}));
    QVERIFY(!peer.received().contains("on purpose"));
}

void TestHttpServerLifetimes::handlerTimeout_is503()
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
    QCOMPARE(obeys.statuses(), Statuses{503});
    QVERIFY(obeys.answers()[0].head.contains("Retry-After: "));
    QCOMPARE(deafOne.statuses(), Statuses{503});
    QTRY_COMPARE(g_cancelled, 1);
    QTRY_COMPARE(g_finished, 2); // the late answer goes nowhere
}

void TestHttpServerLifetimes::peerLeaving_cancelsTheHandler()
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

void TestHttpServerLifetimes::peerLeaving_survivesADeafHandler()
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

void TestHttpServerLifetimes::tooManyConnections_get503()
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
    QCOMPARE(fourth.statuses(), Statuses{503});
    QVERIFY(fourth.answers()[0].head.contains("Retry-After: 1\r\n"));
    QTRY_COMPARE(m_server->stats().connections, 3);
    peers.pop_back();
    QTRY_COMPARE(m_server->stats().connections, 2);
    RawPeer again(m_server->port());
    again.send(request("GET /hello HTTP/1.1"));
    QTRY_COMPARE(again.statuses(), Statuses{200});
}

void TestHttpServerLifetimes::tooManyConnectionsOfAPeer_get503()
{
    Limits limits = shortLimits();
    limits.maxConnectionsPerPeer = 1;
    limits.limitLoopbackPeers = true;
    start(limits);
    RawPeer first(m_server->port());
    QTRY_COMPARE(m_server->stats().connections, 1);
    RawPeer second(m_server->port());
    QTRY_COMPARE(second.statuses(), Statuses{503});
    first.send(request("GET /hello HTTP/1.1"));
    QTRY_COMPARE(first.statuses(), Statuses{200});
}

void TestHttpServerLifetimes::crowdOfAPeer_isClosedUnanswered()
{
    Limits limits = shortLimits();
    limits.maxConnectionsPerPeer = 1;
    limits.limitLoopbackPeers = true;
    start(limits);
    std::vector<std::unique_ptr<RawPeer>> peers;
    for (int i = 0; i < 60; ++i)
        peers.push_back(std::make_unique<RawPeer>(m_server->port()));
    QTRY_COMPARE(m_server->stats().refused, quint64(59));
    int answered = 0;
    QTRY_VERIFY(
        std::all_of(peers.begin() + 1, peers.end(), [](const auto &peer) { return peer->isClosed(); }));
    for (const auto &peer : peers)
        answered += peer->statuses() == Statuses{503} ? 1 : 0;
    QVERIFY2(answered > 0 && answered < 59, QByteArray::number(answered).constData());
}

void TestHttpServerLifetimes::loopbackPeers_areExempt()
{
    Limits limits = shortLimits();
    limits.maxConnectionsPerPeer = 1;
    start(limits);
    std::vector<std::unique_ptr<RawPeer>> peers;
    for (int i = 0; i < 5; ++i) {
        peers.push_back(std::make_unique<RawPeer>(m_server->port()));
        peers.back()->send(request("GET /hello HTTP/1.1"));
    }
    for (const auto &peer : peers)
        QTRY_COMPARE(peer->statuses(), Statuses{200});
    QCOMPARE(m_server->stats().connections, 5);
}

void TestHttpServerLifetimes::answerThatNobodyReads_isGivenUp()
{
    SlowReader peer(m_server->port(), 0, Millis(1000));
    peer.send(request("GET /huge HTTP/1.1"));
    QTRY_COMPARE(m_server->stats().requests, quint64(1));
    QTRY_COMPARE(m_server->stats().connections, 0);
    QCOMPARE(peer.received(), 0);
}

// It takes something all the time, so that it never stalls, and would have the whole after some seconds.
void TestHttpServerLifetimes::answerThatIsReadTooSlowly_isGivenUp()
{
    Limits limits = shortLimits();
    limits.writeTimeout = Millis(1'000);
    limits.minWriteRate = kHuge * 2; // the whole in half a second
    start(limits);
    SlowReader peer(m_server->port(), 64 * 1024, Millis(15));
    peer.send(request("GET /huge HTTP/1.1"));
    QTRY_COMPARE(m_server->stats().requests, quint64(1));
    QElapsedTimer sinceAsked;
    sinceAsked.start();
    QTRY_COMPARE_WITH_TIMEOUT(m_server->stats().connections, 0, 20'000);
    // Not before the rule says so; a stall would have ended it earlier.
    QVERIFY2(sinceAsked.elapsed() > 1'300, QByteArray::number(sinceAsked.elapsed()).constData());
    QTRY_VERIFY(peer.isClosed());
    QVERIFY(peer.received() > 0 && peer.received() < kHuge);
}

void TestHttpServerLifetimes::answerThatIsReadInPieces_arrives()
{
    Limits limits = shortLimits();
    limits.writeTimeout = Millis(2'000);
    limits.minWriteRate = 256 * 1024;
    start(limits);
    SlowReader peer(m_server->port(), 256 * 1024, Millis(5));
    peer.send(request("GET /huge HTTP/1.1"));
    QTRY_VERIFY_WITH_TIMEOUT(peer.received() > kHuge, 60'000); // with its head
    QCOMPARE(m_server->stats().connections, 1);
}

void TestHttpServerLifetimes::close_letsARunningHandlerAnswer()
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
    QCOMPARE(busy.statuses(), Statuses{200});
    QVERIFY(busy.answers()[0].head.contains("Connection: close"));
    RawPeer late(port);
    QTRY_VERIFY(late.isClosed());
}

void TestHttpServerLifetimes::close_abortsAfterTheGrace()
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

void TestHttpServerLifetimes::destruction_survivesARunningHandler()
{
    RawPeer busy(m_server->port());
    busy.send(request("GET /deaf HTTP/1.1"));
    QTRY_COMPARE(m_server->stats().requests, quint64(1));
    QTest::ignoreMessage(QtCriticalMsg, QRegularExpression(u"scope destroyed with live tasks"_s));
    m_server.reset();
    QTRY_COMPARE(g_finished, 1);
}

void TestHttpServerLifetimes::idleConnections_costLittleMemory()
{
    constexpr int kMany = 2'000;
    rlimit limit{};
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
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(m_server->port());
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        QCOMPARE(::connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
        QCOMPARE(
            ::send(fd, bytes.constData(), static_cast<size_t>(bytes.size()), MSG_NOSIGNAL), bytes.size());
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

void TestHttpServerLifetimes::upgrade_isHandedOver()
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
    connect(
        &client, &QWebSocket::textMessageReceived, &client, [&heard](const QString &text) { heard = text; });
    client.open(QUrl(u"ws://127.0.0.1:%1/ws?x=1"_s.arg(m_server->port())));
    QTRY_VERIFY(sockets.hasPendingConnections());
    const std::unique_ptr<QWebSocket> taken(sockets.nextPendingConnection());
    QCOMPARE(path, QByteArray("/ws"));
    QCOMPARE(m_server->stats().connections, 0);
    taken->sendTextMessage(u"welcome"_s);
    QTRY_COMPARE(heard, u"welcome"_s);
    RawPeer plain(m_server->port());
    plain.send(
        request("GET /hello HTTP/1.1") + request("POST /echo HTTP/1.1", "Content-Length: 2\r\n", "ab"));
    QTRY_COMPARE(plain.statuses(), (Statuses{200, 200}));
    RawPeer slowOne(m_server->port());
    slowOne.send("GET /hello HTT");
    QTRY_VERIFY(slowOne.isClosed());
    QCOMPARE(slowOne.statuses(), Statuses{408});
    RawPeer large(m_server->port());
    large.send(request("GET /hello HTTP/1.1", "A: " + QByteArray(100 * 1024, 'a') + "\r\n"));
    QTRY_VERIFY(large.isClosed());
    QCOMPARE(large.statuses(), Statuses{431});
}

void TestHttpServerLifetimes::upgrade_declinedIsAnOrdinaryRequest()
{
    m_server->setUpgradeHandler([](const Request &, QTcpSocket *) { return false; });
    RawPeer peer(m_server->port());
    peer.send(request("GET /hello HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    QTRY_COMPARE(peer.statuses(), Statuses{200});
    peer.send(request("GET /hello HTTP/1.1"));
    QTRY_COMPARE(peer.statuses(), (Statuses{200, 200}));
}

void TestHttpServerLifetimes::stats_count()
{
    RawPeer peer(m_server->port());
    peer.send(
        request("GET /hello HTTP/1.1") + request("GET /nothing HTTP/1.1") + request("GET /hello HTTP/3.0"));
    QTRY_VERIFY(peer.isClosed());
    QCOMPARE(m_server->stats().requests, quint64(2));
    QCOMPARE(m_server->stats().refused, quint64(2));
}

QTEST_GUILESS_MAIN(TestHttpServerLifetimes)
#include "tst_http_server_lifetimes.moc"
