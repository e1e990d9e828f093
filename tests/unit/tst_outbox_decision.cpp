// SPDX-License-Identifier: Apache-2.0
#include "gateway/outbox.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::gateway;
using signalbox::channels::SendOutcome;
using signalbox::domain::OutboundState;

namespace {

constexpr Millis kYoung{1000};
constexpr Millis kDay{std::chrono::hours(24)};

SendOutcome outcome(OutboundState state, const QString &code = {}, Millis retryAfter = Millis(0))
{
    SendOutcome made;
    made.state = state;
    made.errorCode = code;
    made.retryAfter = retryAfter;
    return made;
}

} // namespace

class OutboxDecisionTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void sentAndRefused_areFinal()
    {
        const auto sent = decideOutbound(outcome(OutboundState::Sent), 1, kYoung, false);
        QCOMPARE(sent.state, OutboundState::Sent);
        QCOMPARE(sent.dueIn, Millis(0));
        QVERIFY(sent.errorCode.isEmpty() && !sent.maybeDoubled);
        const auto refused
            = decideOutbound(outcome(OutboundState::Refused, u"is_archived"_s), 3, kDay * 2, false);
        QCOMPARE(refused.state, OutboundState::Refused);
        QCOMPARE(refused.errorCode, u"is_archived"_s);
        QCOMPARE(refused.dueIn, Millis(0));
    }

    void retry_backsOff_data()
    {
        QTest::addColumn<int>("attempts");
        QTest::addColumn<qint64>("ms");
        QTest::newRow("none counted") << 0 << qint64(1000);
        QTest::newRow("first") << 1 << qint64(1000);
        QTest::newRow("second") << 2 << qint64(2000);
        QTest::newRow("third") << 3 << qint64(4000);
        QTest::newRow("sixth") << 6 << qint64(32'000);
        QTest::newRow("seventh is the longest") << 7 << qint64(60'000);
        QTest::newRow("hundredth") << 100 << qint64(60'000);
        QTest::newRow("millionth") << 1'000'000 << qint64(60'000);
    }
    void retry_backsOff()
    {
        QFETCH(int, attempts);
        QFETCH(qint64, ms);
        const auto decision = decideOutbound(
            outcome(OutboundState::Retry, u"service_unavailable"_s), attempts, kYoung, false);
        QCOMPARE(decision.state, OutboundState::Retry);
        QCOMPARE(decision.dueIn, Millis(ms));
        QCOMPARE(decision.errorCode, u"service_unavailable"_s);
    }

    void retryAfter_winsOverTheBackOff()
    {
        for (const int attempts : {1, 50})
            QCOMPARE(decideOutbound(outcome(OutboundState::Retry, u"ratelimited"_s, Millis(7000)), attempts,
                         kYoung, false)
                         .dueIn,
                Millis(7000));
        // Also when it is longer than our longest pause.
        QCOMPARE(
            decideOutbound(outcome(OutboundState::Retry, u"ratelimited"_s, Millis(900'000)), 1, kYoung, false)
                .dueIn,
            Millis(900'000));
    }

    void retry_givesUpAfterADay()
    {
        const auto last = decideOutbound(outcome(OutboundState::Retry, u"no_token"_s), 1, kDay, false);
        QCOMPARE(last.state, OutboundState::Retry);
        const auto late
            = decideOutbound(outcome(OutboundState::Retry, u"no_token"_s), 1, kDay + Millis(1), false);
        QCOMPARE(late.state, OutboundState::Dead);
        QCOMPARE(late.errorCode, u"no_token"_s); // what it died of
        QCOMPARE(late.dueIn, Millis(0));
        // A Retry-After does not keep it alive.
        QCOMPARE(
            decideOutbound(outcome(OutboundState::Retry, u"ratelimited"_s, Millis(5000)), 1, kDay * 2, false)
                .state,
            OutboundState::Dead);
    }

    void unknown_isLookedForBeforeAnythingElse()
    {
        const auto first = decideOutbound(outcome(OutboundState::Unknown, u"http_502"_s), 1, kYoung, false);
        QCOMPARE(first.state, OutboundState::Unknown);
        QCOMPARE(first.dueIn, Millis(10'000));
        QCOMPARE(first.errorCode, u"unknown"_s);
        QVERIFY(!first.maybeDoubled);
        // Sent again and unknown again: the row says so, because the next absence is its end.
        const auto second = decideOutbound(outcome(OutboundState::Unknown, u"http_502"_s), 2, kYoung, true);
        QCOMPARE(second.state, OutboundState::Unknown);
        QCOMPARE(second.errorCode, u"unknown_resent"_s);
        QCOMPARE(second.dueIn, Millis(10'000));
        QVERIFY(second.maybeDoubled);
        // Age alone never turns an unknown into something that is certain.
        QCOMPARE(decideOutbound(outcome(OutboundState::Unknown), 9, kDay * 3, false).state,
            OutboundState::Unknown);
    }

    void everyDecision_isAnAllowedMove()
    {
        for (const OutboundState state :
            {OutboundState::Sent, OutboundState::Refused, OutboundState::Retry, OutboundState::Unknown}) {
            for (const Millis age : {kYoung, kDay * 2}) {
                const auto decision = decideOutbound(outcome(state), 1, age, false);
                QVERIFY2(domain::mayMove(OutboundState::Sending, decision.state),
                    qPrintable(name(decision.state)));
            }
        }
    }
};

QTEST_GUILESS_MAIN(OutboxDecisionTest)
#include "tst_outbox_decision.moc"
