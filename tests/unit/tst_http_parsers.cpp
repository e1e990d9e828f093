// SPDX-License-Identifier: Apache-2.0
#include "http/request_parser_p.h"
#include "http/response_parser_p.h"

#include <QRandomGenerator>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox::http;

namespace {

const QList<QByteArray> &requestBodies()
{
    static const QList<QByteArray> bodies{"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "0\r\n\r\n",
        "1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n", "5;a=b;c=\"d\"\r\nhello\r\n00\r\n\r\n",
        "A\r\n0123456789\r\n0;x\r\n\r\n"};
    return bodies;
}

const QList<QByteArray> &responses()
{
    static const QList<QByteArray> bytes{
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nuntil the end",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n",
    };
    return bytes;
}

QByteArray mutated(QByteArray bytes, QRandomGenerator &random)
{
    static constexpr char kAlphabet[] = "\r\n\t :;,0159afzA\"\\/?%\x80\xff";
    const int changes = static_cast<int>(random.bounded(4));
    for (int i = 0; i < changes && !bytes.isEmpty(); ++i) {
        const qsizetype at = random.bounded(static_cast<int>(bytes.size()));
        const char c
            = kAlphabet[random.bounded(static_cast<int>(sizeof kAlphabet))]; // the NUL at its end too
        switch (random.bounded(3)) {
        case 0:
            bytes[at] = c;
            break;
        case 1:
            bytes.insert(at, c);
            break;
        default:
            bytes.remove(at, 1);
            break;
        }
    }
    return bytes;
}

// Feeds bytes in pieces as a connection does; the status that refuses them, 0 while they are incomplete, 200
// when done.
int feed(RequestParser &parser, const QByteArray &bytes, qsizetype step)
{
    QByteArray kept;
    int status = 0;
    for (qsizetype at = 0; at < bytes.size() && status == 0 && !parser.isDone(); at += step) {
        kept += bytes.sliced(at, std::min(step, bytes.size() - at));
        kept.remove(0, parser.putBody(kept, status));
    }
    return status != 0 ? status : (parser.isDone() ? 200 : 0);
}

ResponseParser::Outcome feed(ResponseParser &parser, const QByteArray &bytes, qsizetype step)
{
    QByteArray kept;
    auto outcome = ResponseParser::Outcome::NeedMore;
    for (qsizetype at = 0; at < bytes.size() && outcome == ResponseParser::Outcome::NeedMore; at += step) {
        kept += bytes.sliced(at, std::min(step, bytes.size() - at));
        qsizetype used = 0;
        outcome = parser.put(kept, used);
        kept.remove(0, used);
    }
    return outcome == ResponseParser::Outcome::NeedMore ? parser.putEof() : outcome;
}

} // namespace

class TestHttpParsers : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void requestBody_doesNotDependOnThePieces();
    void requestHead_survivesMutations();
    void response_doesNotDependOnThePieces();
    void response_isReadInAnyPieces();
};

void TestHttpParsers::requestBody_doesNotDependOnThePieces()
{
    QRandomGenerator random(1);
    const QByteArray head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int round = 0; round < 20'000; ++round) {
        const QByteArray bytes = mutated(requestBodies()[round % requestBodies().size()], random);
        QByteArray bodyAtOnce;
        int atOnce = -1;
        for (const qsizetype step :
            {bytes.size() + 1, qsizetype(1), qsizetype(2), qsizetype(3), qsizetype(7)}) {
            RequestParser parser;
            QCOMPARE(parser.parseHead(head), 0);
            parser.limitBody(1000);
            const int status = feed(parser, bytes, step);
            if (atOnce < 0) {
                atOnce = status;
                bodyAtOnce = parser.request().body;
            }
            // Which of two faults is found first may differ; whether the body is whole may not.
            QVERIFY2((status == 200) == (atOnce == 200), bytes.toPercentEncoding().constData());
            if (status == 200)
                QCOMPARE(parser.request().body, bodyAtOnce);
        }
    }
}

void TestHttpParsers::requestHead_survivesMutations()
{
    QRandomGenerator random(2);
    const QByteArray head
        = "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: keep-alive, x\r\n"
          "Expect: 100-continue\r\nUpgrade: websocket\r\n\r\n";
    int refused = 0;
    RequestParser parser;
    for (int round = 0; round < 20'000; ++round) {
        QByteArray bytes = mutated(head, random);
        if (!bytes.endsWith("\r\n\r\n"))
            continue;
        parser.reset();
        const int status = parser.parseHead(bytes);
        QVERIFY2(status == 0 || status == 400 || status == 413 || status == 501 || status == 505,
            bytes.toPercentEncoding().constData());
        refused += status != 0;
        // What was accepted has one agreed length and a path.
        if (status == 0) {
            QVERIFY(parser.target().startsWith('/') || parser.target() == "*");
            QVERIFY(parser.contentLength() >= -1);
        }
    }
    QVERIFY(refused > 1000);
}

void TestHttpParsers::response_doesNotDependOnThePieces()
{
    QRandomGenerator random(3);
    for (int round = 0; round < 20'000; ++round) {
        const QByteArray bytes = mutated(responses()[round % responses().size()], random);
        ResponseParser whole;
        whole.reset(false, 1000);
        const auto atOnce = feed(whole, bytes, bytes.size() + 1);
        const Response expected = whole.takeResponse();
        for (const qsizetype step : {1, 2, 3, 7}) {
            ResponseParser parser;
            parser.reset(false, 1000);
            const auto outcome = feed(parser, bytes, step);
            QVERIFY2((outcome == ResponseParser::Outcome::Done) == (atOnce == ResponseParser::Outcome::Done),
                bytes.toPercentEncoding().constData());
            if (outcome != ResponseParser::Outcome::Done)
                continue;
            const Response response = parser.takeResponse();
            QCOMPARE(response.status, expected.status);
            QCOMPARE(response.body, expected.body);
        }
    }
}

void TestHttpParsers::response_isReadInAnyPieces()
{
    for (const QByteArray &bytes : responses()) {
        for (qsizetype step = 1; step <= bytes.size(); ++step) {
            ResponseParser parser;
            parser.reset(false, 1000);
            QCOMPARE(feed(parser, bytes, step), ResponseParser::Outcome::Done);
        }
    }
}

QTEST_GUILESS_MAIN(TestHttpParsers)
#include "tst_http_parsers.moc"
