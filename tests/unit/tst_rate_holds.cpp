// SPDX-License-Identifier: Apache-2.0
#include "gateway/rate_holds.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using signalbox::domain::OutboundOp;
using signalbox::gateway::RateHolds;

// contracts/slack.md §3: limits are per method, app and workspace; posts besides about one a second in a
// place.
class RateHoldsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void nothingWaitsBeforeTheChannelSaysNo();
    void aLimitedPostHoldsItsPlace();
    void aSecondPlaceHoldsTheMethod();
    void aReactionHoldsTheMethodAtOnce();
    void afterTheHoldTheyLeaveOneByOne();
    void aTurnThatHasComeIsKept();
    void aNewLimitMakesTurnsWaitAgain();
    void afterAMinuteNothingWaits();

private:
    static Millis post(RateHolds &holds, const QString &place, Millis now, bool hasTurn = false)
    {
        return holds.admit(u"in1"_s, OutboundOp::Post, place, hasTurn, now).time;
    }
    static QString limit(RateHolds &holds, const QString &place, Millis time, Millis now)
    {
        return holds.limit(u"in1"_s, OutboundOp::Post, place, time, now);
    }
};

namespace {
constexpr Millis kNow{1'000'000};
constexpr Millis kSecond{1000};
} // namespace

void RateHoldsTest::nothingWaitsBeforeTheChannelSaysNo()
{
    RateHolds holds;
    for (int i = 0; i < 100; ++i)
        QCOMPARE(post(holds, u"C1"_s, kNow), Millis(0));
}

void RateHoldsTest::aLimitedPostHoldsItsPlace()
{
    RateHolds holds;
    QCOMPARE(limit(holds, u"C1"_s, 3 * kSecond, kNow), u"C1"_s);
    QCOMPARE(post(holds, u"C1"_s, kNow), 3 * kSecond);
    QCOMPARE(post(holds, u"C2"_s, kNow), Millis(0));
    QCOMPARE(holds.admit(u"in2"_s, OutboundOp::Post, u"C1"_s, false, kNow).time, Millis(0));
    QCOMPARE(holds.admit(u"in1"_s, OutboundOp::React, u"C1"_s, false, kNow).time, Millis(0));
    QCOMPARE(limit(holds, u"C1"_s, 3 * kSecond, kNow + 4 * kSecond), u"C1"_s); // the same place again
}

void RateHoldsTest::aSecondPlaceHoldsTheMethod()
{
    RateHolds holds;
    QCOMPARE(limit(holds, u"C1"_s, 3 * kSecond, kNow), u"C1"_s);
    QCOMPARE(limit(holds, u"C2"_s, 5 * kSecond, kNow + kSecond), QString());
    QCOMPARE(post(holds, u"C3"_s, kNow + kSecond), 5 * kSecond);
    QCOMPARE(limit(holds, u"C3"_s, 5 * kSecond, kNow + 7 * kSecond), QString()); // still the method
}

void RateHoldsTest::aReactionHoldsTheMethodAtOnce()
{
    RateHolds holds;
    QCOMPARE(holds.limit(u"in1"_s, OutboundOp::React, u"C1"_s, 2 * kSecond, kNow), QString());
    QCOMPARE(holds.admit(u"in1"_s, OutboundOp::React, u"C2"_s, false, kNow).time, 2 * kSecond);
    QCOMPARE(holds.admit(u"in1"_s, OutboundOp::Unreact, u"C2"_s, false, kNow).time, Millis(0));
}

void RateHoldsTest::afterTheHoldTheyLeaveOneByOne()
{
    RateHolds holds;
    (void)limit(holds, u"C1"_s, 3 * kSecond, kNow);
    for (int i = 0; i < 5; ++i)
        QCOMPARE(post(holds, u"C1"_s, kNow), (3 + i) * kSecond);
    // The next one that comes has the next turn, not one of theirs.
    QCOMPARE(post(holds, u"C1"_s, kNow + 4 * kSecond), 4 * kSecond);
    // However many there are, the pace ends with its minute.
    for (int i = 0; i < 200; ++i)
        QVERIFY(post(holds, u"C1"_s, kNow) <= 63 * kSecond);
}

void RateHoldsTest::aTurnThatHasComeIsKept()
{
    RateHolds holds;
    (void)limit(holds, u"C1"_s, 3 * kSecond, kNow);
    const auto wait = holds.admit(u"in1"_s, OutboundOp::Post, u"C1"_s, false, kNow);
    QVERIFY(wait.paced);
    for (int i = 0; i < 20; ++i)
        (void)post(holds, u"C1"_s, kNow);
    QCOMPARE(post(holds, u"C1"_s, kNow + wait.time, true), Millis(0));
}

void RateHoldsTest::aNewLimitMakesTurnsWaitAgain()
{
    RateHolds holds;
    (void)limit(holds, u"C1"_s, 3 * kSecond, kNow);
    (void)post(holds, u"C1"_s, kNow);
    (void)limit(holds, u"C1"_s, 10 * kSecond, kNow + 3 * kSecond);
    QVERIFY(post(holds, u"C1"_s, kNow + 4 * kSecond, true) >= 9 * kSecond);
}

void RateHoldsTest::afterAMinuteNothingWaits()
{
    RateHolds holds;
    (void)limit(holds, u"C1"_s, 3 * kSecond, kNow);
    QCOMPARE(post(holds, u"C1"_s, kNow + 64 * kSecond), Millis(0));
    QCOMPARE(limit(holds, u"C2"_s, kSecond, kNow + 70 * kSecond), u"C2"_s); // long ago and elsewhere
}

QTEST_GUILESS_MAIN(RateHoldsTest)
#include "tst_rate_holds.moc"
