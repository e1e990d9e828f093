// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "http/body_stream.h"
#include "http/server.h"
#include "support/raw_peer.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::http;
using signalbox::testing::RawPeer;
using signalbox::testing::SlowReader;

// Answers without a length, as they come over the wire (http/body_stream.h).
class HttpStreamTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void init();
    void cleanup();
    void whatIsWrittenLeavesAtOnce();
    void endingItIsSeen();
    void anOldPeerReadsUntilTheEndOfTheConnection();
    void aHeadRequestGetsNoStream();
    void aPeerThatLeavesClosesIt();
    void aPeerThatDoesNotReadIsCutOff();
    void aPeerThatTricklesIsCutOff();
    void aQuietStreamStaysOpen();
    void aClosingServerEndsIt();
    void whatThePeerSendsMeanwhileIsIgnored();

private:
    QCoro::Task<Response> answer(Request request, Context context);
    void startWith(const Limits &limits);
    [[nodiscard]] static QByteArray get(const QByteArray &version = "1.1", const QByteArray &method = "GET")
    {
        return method + " /events HTTP/" + version + "\r\nHost: x\r\n\r\n";
    }
    std::unique_ptr<Server> m_server;
    std::shared_ptr<BodyStream> m_stream;
    int m_opened = 0;
    int m_changes = 0;
};

QCoro::Task<Response> HttpStreamTest::answer(Request, Context)
{
    Response response(200, "text/event-stream", QByteArray());
    response.stream = [this](std::shared_ptr<BodyStream> stream) {
        ++m_opened;
        m_stream = std::move(stream);
        connect(m_stream.get(), &BodyStream::changed, this, [this] { ++m_changes; });
    };
    co_return response;
}

void HttpStreamTest::startWith(const Limits &limits)
{
    Router router;
    router.add("GET", u"/events"_s,
        [this](Request request, Context context) { return answer(std::move(request), std::move(context)); });
    m_server = std::make_unique<Server>(std::move(router), limits);
    QVERIFY(m_server->listen(QHostAddress::LocalHost, 0));
}

void HttpStreamTest::init()
{
    m_opened = 0;
    m_changes = 0;
    Limits limits;
    limits.writeTimeout = Millis(400);
    limits.handlerTimeout = Millis(400);
    limits.idleTimeout = Millis(400);
    startWith(limits);
}

void HttpStreamTest::cleanup()
{
    m_server.reset();
    m_stream.reset();
}

void HttpStreamTest::whatIsWrittenLeavesAtOnce()
{
    RawPeer peer(m_server->port());
    peer.send(get());
    QTRY_COMPARE(m_opened, 1);
    QTRY_VERIFY(peer.received().endsWith("\r\n\r\n")); // the head, before anything is written
    QVERIFY(peer.received().startsWith("HTTP/1.1 200 OK\r\n"));
    QVERIFY(peer.received().contains("Transfer-Encoding: chunked\r\n"));
    QVERIFY(!peer.received().contains("Content-Length"));
    m_stream->write("data: one\n\n");
    QTRY_VERIFY(peer.received().endsWith("b\r\ndata: one\n\n\r\n"));
    m_stream->write({}); // would be the end
    m_stream->write("x");
    QTRY_VERIFY(peer.received().endsWith("\r\n1\r\nx\r\n"));
    QVERIFY(m_stream->isOpen());
    QTRY_COMPARE(m_stream->pending(), 0);
    QVERIFY(m_changes > 0);
}

void HttpStreamTest::endingItIsSeen()
{
    RawPeer peer(m_server->port());
    peer.send(get());
    QTRY_COMPARE(m_opened, 1);
    m_stream->write("last");
    m_stream->end();
    QVERIFY(!m_stream->isOpen());
    m_stream->write("more");
    m_stream->end();
    QTRY_VERIFY(peer.isClosed());
    QVERIFY(peer.received().endsWith("4\r\nlast\r\n0\r\n\r\n"));
}

void HttpStreamTest::anOldPeerReadsUntilTheEndOfTheConnection()
{
    RawPeer peer(m_server->port());
    peer.send(get("1.0"));
    QTRY_COMPARE(m_opened, 1);
    m_stream->write("one");
    m_stream->end();
    QTRY_VERIFY(peer.isClosed());
    QVERIFY(peer.received().endsWith("\r\n\r\none"));
    QVERIFY(!peer.received().contains("chunked"));
}

void HttpStreamTest::aHeadRequestGetsNoStream()
{
    RawPeer peer(m_server->port());
    peer.send(get("1.1", "HEAD"));
    QTRY_VERIFY(peer.isClosed());
    QVERIFY(peer.received().endsWith("\r\n\r\n"));
    QCOMPARE(m_opened, 0);
}

void HttpStreamTest::aPeerThatLeavesClosesIt()
{
    RawPeer peer(m_server->port());
    peer.send(get());
    QTRY_COMPARE(m_opened, 1);
    const int before = m_changes;
    peer.reset();
    QTRY_VERIFY(!m_stream->isOpen());
    QVERIFY(m_changes > before);
    QCOMPARE(m_stream->pending(), 0);
    QTRY_COMPARE(m_server->stats().connections, 0);
}

void HttpStreamTest::aPeerThatDoesNotReadIsCutOff()
{
    SlowReader peer(m_server->port(), 0, Millis(10));
    peer.send(get());
    QTRY_COMPARE(m_opened, 1);
    m_stream->write(QByteArray(32 * 1024 * 1024, 'x')); // more than the system's buffers take
    QVERIFY(m_stream->pending() > 0);
    QTRY_VERIFY_WITH_TIMEOUT(!m_stream->isOpen(), 5000);
    QTRY_COMPARE(m_server->stats().connections, 0);
}

// However steadily it reads: what was written must have left in the time of Limits::minWriteRate, and more
// that is written meanwhile gives it none.
void HttpStreamTest::aPeerThatTricklesIsCutOff()
{
    Limits limits;
    limits.writeTimeout = Millis(400);
    limits.minWriteRate = 32 * 1024 * 1024;
    startWith(limits);
    SlowReader peer(m_server->port(), 4096, Millis(10));
    peer.send(get());
    QTRY_COMPARE(m_opened, 1);
    m_stream->write(QByteArray(32 * 1024 * 1024, 'x'));
    QTimer heartbeat;
    connect(&heartbeat, &QTimer::timeout, this, [this] { m_stream->write(": still here\n\n"); });
    heartbeat.start(Millis(50));
    QTRY_VERIFY_WITH_TIMEOUT(!m_stream->isOpen(), 10'000);
}

void HttpStreamTest::aQuietStreamStaysOpen()
{
    RawPeer peer(m_server->port());
    peer.send(get());
    QTRY_COMPARE(m_opened, 1);
    QTimer later; // several times every limit
    later.setSingleShot(true);
    later.start(Millis(2000));
    QTRY_VERIFY_WITH_TIMEOUT(!later.isActive(), 5000);
    QVERIFY(m_stream->isOpen());
    m_stream->write("x");
    QTRY_VERIFY(peer.received().endsWith("1\r\nx\r\n"));
}

void HttpStreamTest::aClosingServerEndsIt()
{
    RawPeer peer(m_server->port());
    peer.send(get());
    QTRY_COMPARE(m_opened, 1);
    m_stream->write("one");
    async::blockOn(m_server->close(Millis(2000)), Millis(10'000));
    QVERIFY(!m_stream->isOpen());
    QTRY_VERIFY(peer.isClosed());
    QVERIFY(peer.received().endsWith("3\r\none\r\n0\r\n\r\n"));
}

void HttpStreamTest::whatThePeerSendsMeanwhileIsIgnored()
{
    RawPeer peer(m_server->port());
    peer.send(get() + get());
    QTRY_COMPARE(m_opened, 1);
    peer.send(QByteArray(200'000, 'y'));
    m_stream->write("one");
    QTRY_VERIFY(peer.received().endsWith("3\r\none\r\n"));
    m_stream->end();
    QTRY_VERIFY(peer.isClosed());
    QVERIFY(peer.received().endsWith("0\r\n\r\n"));
    QCOMPARE(m_opened, 1);
}

QTEST_GUILESS_MAIN(HttpStreamTest)
#include "tst_http_stream.moc"
