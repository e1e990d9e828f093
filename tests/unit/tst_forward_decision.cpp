// SPDX-License-Identifier: Apache-2.0
#include "gateway/hook_sender.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::gateway;
using store::ForwardState;

// DESIGN.md "Lifecycle": every phase reaches its webhook in the end, or is given up after a day.
class ForwardDecisionTest : public QObject
{
    Q_OBJECT
private:
    static HookDecision decide(
        int status, int attempts = 1, Millis age = Millis(0), const QByteArray &wait = {})
    {
        http::Response response = http::Response::text(status, "x");
        if (!wait.isEmpty())
            response.headers.set("Retry-After", wait);
        return decideHook(response, attempts, age);
    }
private Q_SLOTS:
    void everythingBut2xxIsTriedAgain();
    void pausesGrowToAMinute();
    void theReceiverMayNameThePause();
    void aDayIsEnough();
    void noAnswerSaysWhy();
};

void ForwardDecisionTest::everythingBut2xxIsTriedAgain()
{
    for (const int status : {200, 201, 202, 204, 299})
        QVERIFY(decide(status, 3, std::chrono::hours(48)).state == ForwardState::Sent);
    for (const int status : {301, 304, 400, 401, 404, 410, 429, 500, 503}) {
        const HookDecision decision = decide(status);
        QVERIFY(decision.state == ForwardState::Retry);
        QCOMPARE(decision.errorCode, u"http_%1"_s.arg(status));
    }
}

void ForwardDecisionTest::pausesGrowToAMinute()
{
    const std::vector<int> seconds{1, 2, 4, 8, 16, 32, 60, 60};
    for (size_t i = 0; i < seconds.size(); ++i)
        QCOMPARE(decide(500, static_cast<int>(i) + 1).dueIn, Millis(seconds[i] * 1000));
    QCOMPARE(decide(500, 100'000).dueIn, Millis(60'000));
}

void ForwardDecisionTest::theReceiverMayNameThePause()
{
    QCOMPARE(decide(503, 1, Millis(0), "7").dueIn, Millis(7000));
    QCOMPARE(decide(429, 9, Millis(0), " 0 ").dueIn, Millis(1000));
    QCOMPARE(decide(503, 1, Millis(0), "99999999999").dueIn, Millis(3'600'000));
    for (const char *wrong : {"-1", "soon", "Wed, 21 Oct 2015 07:28:00 GMT"})
        QCOMPARE(decide(503, 2, Millis(0), wrong).dueIn, Millis(2000));
}

void ForwardDecisionTest::aDayIsEnough()
{
    QVERIFY(decide(500, 99, std::chrono::hours(24) - Millis(1)).state == ForwardState::Retry);
    QVERIFY(decide(500, 99, std::chrono::hours(24)).state == ForwardState::Dead);
}

void ForwardDecisionTest::noAnswerSaysWhy()
{
    const auto code = [](const Error &error) { return decideHook(fail(error), 1, Millis(0)).errorCode; };
    QCOMPARE(code(Error(ErrorCode::Unavailable, u"x"_s, u"not_sent"_s)), u"unreachable"_s);
    QCOMPARE(code(Error(ErrorCode::Unavailable, u"x"_s, u"sent"_s)), u"interrupted"_s);
    QCOMPARE(code(Error(ErrorCode::DeadlineExceeded, u"x"_s, u"sent"_s)), u"timeout"_s);
}

QTEST_GUILESS_MAIN(ForwardDecisionTest)
#include "tst_forward_decision.moc"
