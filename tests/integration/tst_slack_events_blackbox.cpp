// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "support/gateway_fixture.h"
#include "support/raw_peer.h"

#include <sys/resource.h>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::testing;
using signalbox::sandbox::SignedSender;

// contracts/spritz-backend.md §3.1 and INTERFACE.md "Ingress routes": what must not get in, over the raw
// socket of the running program. Nothing of it may be stored, and nothing may be left behind.
class SlackEventsBlackboxTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void cleanupTestCase();
    void badInputIsRefusedAndChangesNothing_data();
    void badInputIsRefusedAndChangesNothing();
    void clockDifferencesOfAlmostFiveMinutesAreAccepted();
    void pipelinedRequestsAreAnsweredInOrder();
    void aSlowHeadAndAStalledBodyAreBounded();
    void idleConnectionsDoNotKeepAMessageOut();
    void manyBadRequestsLeaveMemoryFlat();

private:
    struct Case
    {
        Case() = default;
        const char *name = "";
        QByteArray bytes;
        int status = 0;
        QByteArray body; // empty: not compared
        QByteArray contentType;
    };
    [[nodiscard]] QByteArray message() const;
    [[nodiscard]] QByteArray signedHead(
        const QByteArray &body, qint64 skew = 0, const QByteArray &extra = {}) const;
    [[nodiscard]] std::vector<Case> signatureCases() const;
    [[nodiscard]] std::vector<Case> bodyCases() const;
    [[nodiscard]] std::vector<Case> framingCases() const;
    [[nodiscard]] std::vector<Case> cases() const;
    [[nodiscard]] static Case make(
        const char *name, QByteArray bytes, int status, QByteArray body, QByteArray type = "text/plain");

    std::unique_ptr<GatewayFixture> m_gateway;
};

namespace {
constexpr int kWait = 20'000;
const QByteArray kJson = "application/json";
const QByteArray kProblem = "application/problem+json";

qint64 nowSeconds()
{
    return toMs(SystemClock().now()) / 1000;
}

QByteArray post(const QByteArray &headers, const QByteArray &body, const QByteArray &path = "/slack/events")
{
    return "POST " + path + " HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n" + headers
        + "Content-Length: " + QByteArray::number(body.size()) + "\r\n\r\n" + body;
}

QByteArray field(const QByteArray &head, const QByteArray &name)
{
    for (const QByteArray &line : head.split('\n')) {
        if (line.toLower().startsWith(name.toLower() + ": "))
            return line.mid(name.size() + 2).trimmed();
    }
    return {};
}
} // namespace

// The program starts with the soft limit that service managers and shells give (1024 descriptors), and the
// test, which holds the other ends, with all.
void SlackEventsBlackboxTest::initTestCase()
{
    rlimit limit{};
    QCOMPARE(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < 6000)
        QSKIP("this machine allows fewer than 6000 descriptors");
    rlimit small = limit;
    small.rlim_cur = 1024;
    QCOMPARE(setrlimit(RLIMIT_NOFILE, &small), 0);
    m_gateway = std::make_unique<GatewayFixture>();
    const Status started = m_gateway->start();
    limit.rlim_cur = limit.rlim_max;
    QCOMPARE(setrlimit(RLIMIT_NOFILE, &limit), 0);
    QVERIFY2(started, started ? "" : qPrintable(started.error().toString()));
}

void SlackEventsBlackboxTest::cleanupTestCase()
{
    QVERIFY(m_gateway->isRunning());
    QCOMPARE(m_gateway->stop(), std::optional<int>(0));
    m_gateway.reset();
}

// A mention that would be stored, were it let in.
QByteArray SlackEventsBlackboxTest::message() const
{
    Json event
        = Json::object({{u"type"_s, u"app_mention"_s}, {u"user"_s, u"U0ANNA"_s}, {u"channel"_s, u"C0BAD"_s}});
    event.set(u"ts"_s, u"1764000000.000100"_s);
    event.set(u"text"_s, marked(u"<@U0BOT> hello"_s));
    return m_gateway->slack().events().envelope(u"T0SANDBOX"_s, event, u"Ev0BAD"_s).toBytes();
}

QByteArray SlackEventsBlackboxTest::signedHead(
    const QByteArray &body, qint64 skew, const QByteArray &extra) const
{
    const QByteArray timestamp = QByteArray::number(nowSeconds() + skew);
    const Secret &secret = m_gateway->options().slackSimulator.signingSecret;
    return "X-Slack-Request-Timestamp: " + timestamp
        + "\r\nX-Slack-Signature: " + SignedSender::sign(secret, timestamp, body) + "\r\n" + extra;
}

SlackEventsBlackboxTest::Case SlackEventsBlackboxTest::make(
    const char *name, QByteArray bytes, int status, QByteArray body, QByteArray type)
{
    Case one;
    one.name = name;
    one.bytes = std::move(bytes);
    one.status = status;
    one.body = std::move(body);
    one.contentType = std::move(type);
    return one;
}

std::vector<SlackEventsBlackboxTest::Case> SlackEventsBlackboxTest::signatureCases() const
{
    const QByteArray body = message();
    const QByteArray now = QByteArray::number(nowSeconds());
    const Secret &secret = m_gateway->options().slackSimulator.signingSecret;
    const QByteArray right = SignedSender::sign(secret, now, body);
    const auto signedAs = [&](const QByteArray &timestamp, const QByteArray &signature) {
        return post(
            "X-Slack-Request-Timestamp: " + timestamp + "\r\nX-Slack-Signature: " + signature + "\r\n", body);
    };
    const QByteArray spaced = SignedSender::sign(secret, "12x", body);
    std::vector<Case> all;
    all.push_back(
        make("wrong secret", signedAs(now, SignedSender::sign(Secret(QByteArray("other")), now, body)), 401,
            "invalid slack signature\n"));
    all.push_back(make("body changed", post(signedHead(body + ' '), body), 401, "invalid slack signature\n"));
    all.push_back(make("upper-case digest", signedAs(now, "v0=" + right.mid(3).toUpper()), 401,
        "invalid slack signature\n"));
    all.push_back(
        make("digest cut short", signedAs(now, right.chopped(2)), 401, "invalid slack signature\n"));
    all.push_back(
        make("version of the future", signedAs(now, "v1=" + right.mid(3)), 401, "invalid slack signature\n"));
    all.push_back(make("no headers", post({}, body), 401, "missing slack signature\n"));
    all.push_back(make("no timestamp", post("X-Slack-Signature: " + right + "\r\n", body), 401,
        "missing slack signature\n"));
    all.push_back(make("no signature", post("X-Slack-Request-Timestamp: " + now + "\r\n", body), 401,
        "missing slack signature\n"));
    all.push_back(make("empty signature", signedAs(now, ""), 401, "missing slack signature\n"));
    all.push_back(make("timestamp is no number", signedAs("12x", spaced), 401, "invalid slack timestamp\n"));
    all.push_back(make("timestamp beyond 64 bits",
        signedAs("99999999999999999999", SignedSender::sign(secret, "99999999999999999999", body)), 401,
        "invalid slack timestamp\n"));
    all.push_back(make("timestamp at the end of 64 bits",
        signedAs("-9223372036854775808", SignedSender::sign(secret, "-9223372036854775808", body)), 401,
        "stale slack request\n"));
    all.push_back(
        make("stale by a second", post(signedHead(body, -301), body), 401, "stale slack request\n"));
    // Time goes on while the request travels, so that the future must be a little farther away.
    all.push_back(make("from the future", post(signedHead(body, 330), body), 401, "stale slack request\n"));
    const QByteArray challenge = R"({"type":"url_verification","challenge":"zqmark"})";
    all.push_back(make("unsigned url_verification", post({}, challenge), 401, "missing slack signature\n"));
    return all;
}

std::vector<SlackEventsBlackboxTest::Case> SlackEventsBlackboxTest::bodyCases() const
{
    std::vector<Case> all;
    const auto add = [&](const char *name, const QByteArray &body, const QByteArray &text) {
        all.push_back(make(name, post(signedHead(body), body), 400, text));
    };
    const QByteArray good = message();
    add("empty body", "", "invalid json\n");
    add("not JSON", "payload=zqmark", "invalid json\n");
    add("cut JSON", good.chopped(3), "invalid json\n");
    add("JSON and more", good + "{}", "invalid json\n");
    add("an array", '[' + good + ']', "invalid json\n");
    add("a string", "\"zqmark\"", "invalid json\n");
    add("not UTF-8", QByteArray(good).replace("hello", "hel\xff\xfelo"), "invalid json\n");
    add("very deep", QByteArray(100'000, '[') + QByteArray(100'000, ']'), "invalid json\n");
    add("an id with a newline", QByteArray(good).replace("C0BAD", "C0\\nBAD"), "invalid identifiers\n");
    add("an id of a thousand letters", QByteArray(good).replace("C0BAD", QByteArray(1000, 'C')),
        "invalid identifiers\n");
    add("an id beyond ASCII", QByteArray(good).replace("U0ANNA", "U0ÄNNA"), "invalid identifiers\n");
    return all;
}

std::vector<SlackEventsBlackboxTest::Case> SlackEventsBlackboxTest::framingCases() const
{
    const QByteArray body = message();
    const QByteArray head = signedHead(body);
    const QByteArray start = "POST /slack/events HTTP/1.1\r\nHost: gateway\r\n" + head;
    const QByteArray length = QByteArray::number(body.size());
    const QByteArray large(2 * 1024 * 1024, ' ');
    std::vector<Case> all;
    all.push_back(make("body of 2 MiB", post(signedHead(large), large), 413, {}));
    all.push_back(make("announced body of 2 MiB", start + "Content-Length: 2097152\r\n\r\n", 413, {}));
    all.push_back(make("announced body beyond 64 bits",
        start + "Content-Length: 99999999999999999999999\r\n\r\n", 413, {}, {}));
    all.push_back(
        make("announced body of 9 EiB", start + "Content-Length: 9223372036854775807\r\n\r\n", 413, {}));
    all.push_back(make(
        "head of 100 KiB", start + "X-Padding: " + QByteArray(100 * 1024, 'x') + "\r\n\r\n", 431, {}, {}));
    all.push_back(make("two lengths",
        start + "Content-Length: " + length + "\r\nContent-Length: 5\r\n\r\n" + body, 400, {}, {}));
    for (const char *bad : {"12a", "-1", "+5", "0x10", "5 5", ""}) {
        all.push_back(
            make("malformed length", start + "Content-Length: " + bad + "\r\n\r\n" + body, 400, {}, {}));
    }
    all.push_back(make("chunked with a length",
        start + "Transfer-Encoding: chunked\r\nContent-Length: " + length + "\r\n\r\n0\r\n\r\n", 400, {},
        {}));
    all.push_back(make(
        "unknown transfer coding", start + "Transfer-Encoding: gzip, zqmark\r\n\r\n" + body, 501, {}, {}));
    all.push_back(make("bad chunk size",
        start + "Transfer-Encoding: chunked\r\n\r\nzz\r\nzqmark\r\n0\r\n\r\n", 400, {}, {}));
    all.push_back(make("endless chunks",
        start + "Transfer-Encoding: chunked\r\n\r\n" + "100000\r\n" + QByteArray(0x100000, ' ')
            + "\r\n100000\r\n" + QByteArray(0x100000, ' ') + "\r\n",
        413, {}));
    all.push_back(make("a folded header", start + "X-A: 1\r\n b\r\nContent-Length: 0\r\n\r\n", 401,
        "invalid slack signature\n"));
    all.push_back(make("a space before the colon", start + "Content-Length : 0\r\n\r\n", 400, {}, {}));
    all.push_back(make("TLS to a plain port",
        QByteArray::fromHex("16030100a5010000a10303") + QByteArray(160, '\x01') + "\r\n\r\n", 400, {}, {}));
    all.push_back(make("HTTP/2.0",
        "POST /slack/events HTTP/2.0\r\nHost: gateway\r\nContent-Length: 0\r\n\r\n", 505, {}, {}));
    all.push_back(make("GET", "GET /slack/events HTTP/1.1\r\nHost: gateway\r\n\r\n", 405, {}));
    all.push_back(make("DELETE", "DELETE /slack/events HTTP/1.1\r\nHost: gateway\r\n\r\n", 405, {}));
    all.push_back(make("unknown path", post(head, body, "/slack/event"), 404, {}, kProblem));
    all.push_back(
        make("path traversal", post(head, body, "/slack/../slack/events/%2e%2e/x"), 404, {}, kProblem));
    return all;
}

std::vector<SlackEventsBlackboxTest::Case> SlackEventsBlackboxTest::cases() const
{
    std::vector<Case> all = signatureCases();
    for (auto &more : {bodyCases(), framingCases()})
        all.insert(all.end(), more.begin(), more.end());
    return all;
}

void SlackEventsBlackboxTest::badInputIsRefusedAndChangesNothing_data()
{
    QTest::addColumn<int>("index");
    int index = 0;
    for (const Case &one : cases()) {
        QTest::addRow("%d %s", index, one.name) << index;
        ++index;
    }
}

void SlackEventsBlackboxTest::badInputIsRefusedAndChangesNothing()
{
    QFETCH(int, index);
    const qint64 before = m_gateway->deliveryTotal();
    QVERIFY(before >= 0);
    const Case one = cases().at(static_cast<size_t>(index));
    RawPeer peer(m_gateway->ingressPort());
    peer.send(one.bytes);
    QTRY_VERIFY2_WITH_TIMEOUT(
        !peer.answers().empty() || peer.isClosed(), "neither an answer nor an end", kWait);
    QVERIFY2(!peer.answers().empty(), "closed without an answer");
    const RawAnswer answer = peer.answers().front();
    QCOMPARE(answer.status, one.status);
    if (!one.body.isEmpty())
        QCOMPARE(answer.body, one.body);
    if (!one.contentType.isEmpty())
        QVERIFY2(field(answer.head, "Content-Type").startsWith(one.contentType), answer.head.constData());
    QVERIFY2(!answer.body.contains(kMarker), "the answer repeats what was sent");
    if (one.status == 405)
        QVERIFY(field(answer.head, "Allow").contains("POST"));
    QCOMPARE(m_gateway->deliveryTotal(), before);
    QVERIFY(m_gateway->isRunning());
}

void SlackEventsBlackboxTest::clockDifferencesOfAlmostFiveMinutesAreAccepted()
{
    const QByteArray body = R"({"type":"url_verification","challenge":"within-the-limits"})";
    for (const qint64 skew : {-280, 299}) {
        RawPeer peer(m_gateway->ingressPort());
        peer.send(post(signedHead(body, skew), body));
        QTRY_COMPARE_WITH_TIMEOUT(peer.statuses(), QList<int>({200}), kWait);
        QCOMPARE(peer.answers().front().body, QByteArray("within-the-limits"));
        QCOMPARE(field(peer.answers().front().head, "Content-Type"), QByteArray("text/plain; charset=utf-8"));
    }
}

void SlackEventsBlackboxTest::pipelinedRequestsAreAnsweredInOrder()
{
    QByteArray all;
    for (int i = 0; i < 20; ++i) {
        const QByteArray body = R"({"type":"url_verification","challenge":")" + QByteArray::number(i) + "\"}";
        all += i % 5 == 4 ? post({}, body) : post(signedHead(body), body);
    }
    RawPeer peer(m_gateway->ingressPort());
    peer.send(all);
    QTRY_COMPARE_WITH_TIMEOUT(peer.answers().size(), size_t(20), kWait);
    const auto answers = peer.answers();
    for (int i = 0; i < 20; ++i) {
        const RawAnswer &answer = answers[static_cast<size_t>(i)];
        QCOMPARE(answer.status, i % 5 == 4 ? 401 : 200);
        QCOMPARE(answer.body, i % 5 == 4 ? QByteArray("missing slack signature\n") : QByteArray::number(i));
    }
}

// The deadlines are the program's own, ten seconds for a head and twenty for a body; the second is waited for
// in the full form only. Until then such a peer holds one connection and keeps nobody else out.
void SlackEventsBlackboxTest::aSlowHeadAndAStalledBodyAreBounded()
{
    const QByteArray body = message();
    RawPeer slow(m_gateway->ingressPort());
    slow.send("POST /slack/events HTTP/1.1\r\nHost: gate");
    RawPeer stalled(m_gateway->ingressPort());
    stalled.send(post(signedHead(body), body).chopped(5));
    QTimer drip;
    connect(&drip, &QTimer::timeout, &drip, [&slow] { slow.send("x"); });
    drip.start(1000); // being active does not move the deadline
    const qint64 before = m_gateway->deliveryTotal();
    QTRY_COMPARE_WITH_TIMEOUT(slow.statuses(), QList<int>({408}), 15'000 + kWait);
    QTRY_VERIFY_WITH_TIMEOUT(slow.isClosed(), kWait);
    drip.stop();
    if (GatewayFixture::isFullForm()) {
        QTRY_COMPARE_WITH_TIMEOUT(stalled.statuses(), QList<int>({408}), 25'000 + kWait);
        QVERIFY(stalled.answers().front().head.contains("text/plain"));
    } else {
        QVERIFY(stalled.statuses().isEmpty() || stalled.statuses() == QList<int>({408}));
    }
    QCOMPARE(m_gateway->deliveryTotal(), before);
}

void SlackEventsBlackboxTest::idleConnectionsDoNotKeepAMessageOut()
{
    std::vector<std::unique_ptr<RawPeer>> idle;
    for (int i = 0; i < 2000; ++i) {
        idle.push_back(std::make_unique<RawPeer>(m_gateway->ingressPort()));
        if (i % 2 == 0)
            idle.back()->send("POST /slack/ev"); // half of them in the middle of a head
        if (i % 100 == 99)
            QTRY_VERIFY_WITH_TIMEOUT(idle.back()->isOpen(), kWait);
    }
    const auto all = [&] {
        return std::all_of(idle.begin(), idle.end(), [](const auto &peer) { return peer->isOpen(); });
    };
    QTRY_VERIFY_WITH_TIMEOUT(all(), kWait);
    const sandbox::SayOutcome said = m_gateway->mention(u"C0IDLE"_s, u"still there?"_s);
    QCOMPARE(said.mention.status, 200);
    SIGNALBOX_WAIT_OUTCOME(*m_gateway, said.ts, "completed/delivered", kWait);
    QCOMPARE(m_gateway->appTexts(u"C0IDLE"_s, said.ts).size(), 1);
    QVERIFY(m_gateway->isRunning());
}

void SlackEventsBlackboxTest::manyBadRequestsLeaveMemoryFlat()
{
    const auto round = [this] {
        std::vector<std::unique_ptr<RawPeer>> peers;
        for (const Case &one : cases()) {
            peers.push_back(std::make_unique<RawPeer>(m_gateway->ingressPort()));
            peers.back()->send(one.bytes);
        }
        for (const auto &peer : peers)
            QTRY_VERIFY_WITH_TIMEOUT(!peer->answers().empty() || peer->isClosed(), kWait);
    };
    for (int i = 0; i < 5; ++i)
        round();
    const qint64 before = m_gateway->residentKib();
    const int rounds = GatewayFixture::isFullForm() ? 100 : 25;
    for (int i = 0; i < rounds; ++i)
        round();
    const qint64 grown = m_gateway->residentKib() - before;
    qInfo("resident memory grew by %lld KiB in %d rounds", static_cast<long long>(grown), rounds);
    QVERIFY(before > 0);
    // One round brings more than 6 MiB: a gateway that kept any of it would grow by far more.
    QVERIFY2(grown < 32 * 1024, QByteArray::number(grown).constData());
}

QTEST_GUILESS_MAIN(SlackEventsBlackboxTest)
#include "tst_slack_events_blackbox.moc"
