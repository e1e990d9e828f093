// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "async/cancel.h"
#include "runtimes/json_rpc.h"

#include <QSignalSpy>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::runtimes;

namespace {

// A peer whose other side is the test.
struct Line
{
    explicit Line(const QString &prefix = {})
        : peer(
            [this](const QByteArray &frame) {
                sent.append(frame);
                return takes;
            },
            prefix)
    {
    }
    [[nodiscard]] Json last() const { return *Json::parse(sent.last()); }
    QList<QByteArray> sent;
    bool takes = true;
    JsonRpcPeer peer;
};

using Outcome = std::optional<Result<Json>>;

QCoro::Task<> keep(QCoro::Task<Result<Json>> task, std::shared_ptr<Outcome> into)
{
    *into = co_await task;
}

std::shared_ptr<Outcome> start(
    JsonRpcPeer &peer, Millis timeout = Millis(-1), const async::CancelToken &cancel = {})
{
    auto into = std::make_shared<Outcome>();
    keep(peer.call(u"m"_s, Json::object(), timeout, cancel), into);
    return into;
}

QString nativeOf(const std::shared_ptr<Outcome> &outcome)
{
    return *outcome && !**outcome ? (**outcome).error().native() : u"(no error)"_s;
}

} // namespace

class JsonRpcTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void call_isAnsweredByItsId()
    {
        Line line;
        const auto first = start(line.peer);
        const auto second = start(line.peer);
        QCOMPARE(line.sent.at(0), QByteArray(R"({"jsonrpc":"2.0","id":1,"method":"m","params":{}})"));
        line.peer.receive(R"({"jsonrpc":"2.0","id":2,"result":"b"})");
        line.peer.receive(R"({"jsonrpc":"2.0","id":1,"result":"a"})");
        QVERIFY(!*first); // never inside receive()
        QTRY_VERIFY(*first && *second);
        QCOMPARE((**first)->toString(), u"a"_s);
        QCOMPARE((**second)->toString(), u"b"_s);
        QCOMPARE(line.peer.openCalls(), size_t(0));
    }

    void call_usesThePrefix()
    {
        Line line(u"rpc-"_s);
        const auto answer = start(line.peer);
        QCOMPARE(line.last()[u"id"].toString(), u"rpc-1"_s);
        for (const char *wrong : {"\"rpc-01\"", "1", "\"rpc-2\"", "null", "\"rpc-\""}) {
            line.peer.receive(QByteArray(R"({"jsonrpc":"2.0","result":0,"id":)") + wrong + '}');
        }
        QCOMPARE(line.peer.unmatchedAnswers(), quint64(5));
        line.peer.receive(R"({"jsonrpc":"2.0","id":"rpc-1","result":null})");
        QTRY_VERIFY(*answer);
        QVERIFY((*answer)->has_value());
    }

    void secondAnswer_isIgnored()
    {
        Line line;
        const auto answer = start(line.peer);
        line.peer.receive(R"({"jsonrpc":"2.0","id":1,"result":"first"})");
        line.peer.receive(R"({"jsonrpc":"2.0","id":1,"result":"second"})");
        QTRY_VERIFY(*answer);
        QCOMPARE((**answer)->toString(), u"first"_s);
        QCOMPARE(line.peer.unmatchedAnswers(), quint64(1));
    }

    void peersError_keepsItsCodeAndLosesItsText_data()
    {
        QTest::addColumn<QByteArray>("error");
        QTest::addColumn<int>("code");
        QTest::addColumn<int>("mapped");
        const auto row = [](const char *name, const QByteArray &error, int code, ErrorCode mapped) {
            QTest::newRow(name) << error << code << int(mapped);
        };
        row("login", R"({"code":-32000,"message":"secret"})", -32000, ErrorCode::Unauthorized);
        row("not found", R"({"code":-32002,"message":"secret"})", -32002, ErrorCode::NotFound);
        row("method", R"({"code":-32601,"message":"secret"})", -32601, ErrorCode::Unsupported);
        row("params", R"({"code":-32602,"message":"secret"})", -32602, ErrorCode::InvalidInput);
        row("own", R"({"code":7,"message":"secret","data":{"x":1}})", 7, ErrorCode::Internal);
        row("no code", R"({"message":"secret"})", -32603, ErrorCode::Internal);
        row("not an object", R"("secret")", -32603, ErrorCode::Internal);
    }
    void peersError_keepsItsCodeAndLosesItsText()
    {
        QFETCH(QByteArray, error);
        QFETCH(int, code);
        QFETCH(int, mapped);
        Line line;
        const auto answer = start(line.peer);
        line.peer.receive(R"({"jsonrpc":"2.0","id":1,"error":)" + error + '}');
        QTRY_VERIFY(*answer);
        QVERIFY(!**answer);
        const Error got = (**answer).error();
        QCOMPARE(rpcCode(got), std::optional<int>(code));
        QCOMPARE(int(got.code()), mapped);
        QVERIFY(!got.toString().contains(u"secret"_s));
    }

    void deadline_failsOnlyItsCall()
    {
        Line line;
        const auto slow = start(line.peer, Millis(60'000));
        const auto endless = start(line.peer);
        const auto quick = start(line.peer, Millis(10));
        QTRY_VERIFY(*quick);
        QCOMPARE(nativeOf(quick), u"timeout"_s);
        QCOMPARE(int((**quick).error().code()), int(ErrorCode::DeadlineExceeded));
        QCOMPARE(line.peer.openCalls(), size_t(2));
        QVERIFY(!*slow && !*endless);
        line.peer.receive(R"({"jsonrpc":"2.0","id":3,"result":1})"); // too late
        QCOMPARE(line.peer.unmatchedAnswers(), quint64(1));
        line.peer.close(Error(ErrorCode::Unavailable, u"gone"_s, u"gone"_s));
        QTRY_VERIFY(*slow && *endless);
    }

    void cancel_failsTheCall()
    {
        Line line;
        async::CancelSource source;
        const auto answer = start(line.peer, Millis(-1), source.token());
        source.cancel();
        QTRY_VERIFY(*answer);
        QCOMPARE(int((**answer).error().code()), int(ErrorCode::Cancelled));
        const auto later = start(line.peer, Millis(-1), source.token());
        QTRY_VERIFY(*later);
        QCOMPARE(int((**later).error().code()), int(ErrorCode::Cancelled));
        QCOMPARE(line.sent.size(), 1); // the second one never left
    }

    void close_failsEveryOpenCallAndLaterOnes()
    {
        Line line;
        const auto first = start(line.peer, Millis(60'000));
        const auto second = start(line.peer);
        line.peer.close(Error(ErrorCode::Unavailable, u"gone"_s, u"exited"_s));
        QTRY_VERIFY(*first && *second);
        QCOMPARE(nativeOf(first), u"exited"_s);
        QCOMPARE(nativeOf(second), u"exited"_s);
        const auto third = start(line.peer);
        QTRY_VERIFY(*third);
        QCOMPARE(nativeOf(third), u"not_sent"_s);
        QVERIFY(!line.peer.notify(u"n"_s, Json::object()));
        QCOMPARE(line.sent.size(), 2);
    }

    void fullSink_isNotSent()
    {
        Line line;
        line.takes = false;
        const auto answer = start(line.peer, Millis(60'000));
        QTRY_VERIFY(*answer);
        QCOMPARE(nativeOf(answer), u"not_sent"_s);
        QCOMPARE(line.peer.openCalls(), size_t(0));
    }

    void droppedPeer_failsItsCalls()
    {
        auto line = std::make_unique<Line>();
        const auto answer = start(line->peer, Millis(60'000));
        line.reset();
        QTRY_VERIFY(*answer);
        QCOMPARE(nativeOf(answer), u"closed"_s);
    }

    void request_echoesItsIdExactly_data()
    {
        QTest::addColumn<QByteArray>("id");
        for (const char *id : {"0", "1", "\"a\"", "null", "12345678901234567890123", "1.0", "-7", "\"1\""}) {
            QTest::newRow(id) << QByteArray(id);
        }
    }
    void request_echoesItsIdExactly()
    {
        QFETCH(QByteArray, id);
        Line line;
        const auto own = start(line.peer); // id 1, in flight meanwhile
        Json held;
        line.peer.setRequestHandler([&held](const QString &method, const Json &, const Json &given) {
            held = given;
            return method == u"known";
        });
        line.peer.receive(R"({"jsonrpc":"2.0","method":"known","params":{},"id":)" + id + '}');
        QCOMPARE(line.sent.size(), 1); // answered later
        QVERIFY(line.peer.respond(held, Json(u"ok"_s)));
        QCOMPARE(line.sent.last(), R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":"ok"})");
        line.peer.receive(R"({"jsonrpc":"2.0","method":"unknown","id":)" + id + '}');
        QVERIFY(line.sent.last().startsWith(R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":{"code":-32601)"));
        QVERIFY(!*own);
        QCOMPARE(line.peer.openCalls(), size_t(1));
    }

    void notification_isHandedOnAndNeverAnswered()
    {
        Line line;
        QStringList seen;
        line.peer.setNotificationHandler(
            [&seen](const QString &method, const Json &) { seen.append(method); });
        line.peer.receive(R"({"jsonrpc":"2.0","method":"a"})");
        line.peer.receive(R"({"jsonrpc":"2.0","method":"$/b","params":[1]})");
        QCOMPARE(seen, QStringList({u"a"_s, u"$/b"_s}));
        QVERIFY(line.sent.isEmpty());
    }

    void badFrame_isCountedAndSurvived_data()
    {
        QTest::addColumn<QByteArray>("frame");
        QTest::newRow("not json") << QByteArray("{bad");
        QTest::newRow("batch") << QByteArray(R"([{"jsonrpc":"2.0","id":1,"result":1}])");
        QTest::newRow("nothing") << QByteArray("{}");
        QTest::newRow("number") << QByteArray("17");
        QTest::newRow("method is no string") << QByteArray(R"({"method":5,"id":1})");
        QTest::newRow("not utf-8") << QByteArray("\"\xff\xfe\"");
        QTest::newRow("empty") << QByteArray();
    }
    void badFrame_isCountedAndSurvived()
    {
        QFETCH(QByteArray, frame);
        Line line;
        const auto answer = start(line.peer);
        QSignalSpy bad(&line.peer, &JsonRpcPeer::badFrameReceived);
        line.peer.receive(frame);
        QCOMPARE(line.peer.badFrames(), quint64(1));
        QCOMPARE(bad.size(), 1);
        line.peer.receive(R"({"jsonrpc":"2.0","id":1,"result":1})");
        QTRY_VERIFY(*answer);
        QVERIFY((*answer)->has_value());
    }

    void thousandsOfCalls_areAnsweredInAnyOrder()
    {
        constexpr int kCalls = 5000;
        Line line;
        std::vector<std::shared_ptr<Outcome>> answers;
        for (int i = 0; i < kCalls; ++i) {
            answers.push_back(start(line.peer, Millis(60'000)));
        }
        for (int i = kCalls; i > 0; --i) {
            const QByteArray number = QByteArray::number(i);
            line.peer.receive(R"({"jsonrpc":"2.0","id":)" + number + R"(,"result":)" + number + '}');
        }
        QTRY_VERIFY(*answers.back());
        for (int i = 0; i < kCalls; ++i) {
            QVERIFY(*answers[size_t(i)]);
            QCOMPARE((**answers[size_t(i)])->toInt(), std::optional<qint64>(i + 1));
        }
    }
};

QTEST_GUILESS_MAIN(JsonRpcTest)
#include "tst_json_rpc.moc"
