// SPDX-License-Identifier: Apache-2.0
#include "gateway/outbox_decision.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::gateway;
using signalbox::channels::FindOutcome;
using signalbox::channels::Found;
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

OutboundFacts facts(int attempts, Millis age, int looks = 0, bool resent = false)
{
    OutboundFacts made;
    made.attempts = attempts;
    made.age = age;
    made.looks = looks;
    made.resent = resent;
    return made;
}

OutboundDecision decide(const SendOutcome &sent, int attempts, Millis age)
{
    return decideSent(sent, facts(attempts, age));
}

LookDecision look(Found found, const OutboundFacts &known, Millis retryAfter = Millis(0))
{
    FindOutcome outcome;
    outcome.found = found;
    outcome.retryAfter = retryAfter;
    return decideLook(outcome, known);
}

} // namespace

Q_DECLARE_METATYPE(signalbox::channels::Found)

class OutboxDecisionTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void sentAndRefused_areFinal()
    {
        const auto sent = decide(outcome(OutboundState::Sent), 1, kYoung);
        QCOMPARE(sent.state, OutboundState::Sent);
        QCOMPARE(sent.dueIn, Millis(0));
        QVERIFY(sent.errorCode.isEmpty() && !sent.maybeDoubled);
        const auto refused = decide(outcome(OutboundState::Refused, u"is_archived"_s), 3, kDay * 2);
        QCOMPARE(refused.state, OutboundState::Refused);
        QCOMPARE(refused.errorCode, u"is_archived"_s);
        QCOMPARE(refused.dueIn, Millis(0));
    }

    // Whatever is the installation's and not the message's waits for a token or a person, a day at most.
    void authorisation_waits_data()
    {
        QTest::addColumn<QString>("code");
        QTest::addColumn<bool>("isPost");
        QTest::addColumn<bool>("waits");
        QTest::newRow("a dead token") << u"invalid_auth"_s << true << true;
        QTest::newRow("a dead token, for a reaction") << u"token_revoked"_s << false << true;
        QTest::newRow("a scope") << u"missing_scope"_s << true << true;
        QTest::newRow("a scope, for a reaction") << u"missing_scope"_s << false << false;
    }
    void authorisation_waits()
    {
        QFETCH(const QString, code);
        QFETCH(const bool, isPost);
        QFETCH(const bool, waits);
        SendOutcome refused = outcome(OutboundState::Refused, code);
        refused.authorisation = true;
        OutboundFacts known = facts(1, kYoung);
        known.isPost = isPost;
        const auto decision = decideSent(refused, known);
        QCOMPARE(decision.state, waits ? OutboundState::Retry : OutboundState::Refused);
        QCOMPARE(decision.errorCode, code);
        QCOMPARE(decision.dueIn, waits ? Millis(300'000) : Millis(0));
        QCOMPARE(waitsForToken(refused, isPost), waits);
        known.age = kDay + Millis(1);
        QCOMPARE(decideSent(refused, known).state, waits ? OutboundState::Dead : OutboundState::Refused);
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
        const auto decision
            = decide(outcome(OutboundState::Retry, u"service_unavailable"_s), attempts, kYoung);
        QCOMPARE(decision.state, OutboundState::Retry);
        QCOMPARE(decision.dueIn, Millis(ms));
        QCOMPARE(decision.errorCode, u"service_unavailable"_s);
    }

    void retryAfter_winsOverTheBackOff()
    {
        for (const int attempts : {1, 50})
            QCOMPARE(
                decide(outcome(OutboundState::Retry, u"ratelimited"_s, Millis(7000)), attempts, kYoung).dueIn,
                Millis(7000));
        // Also when it is longer than our longest pause.
        QCOMPARE(decide(outcome(OutboundState::Retry, u"ratelimited"_s, Millis(900'000)), 1, kYoung).dueIn,
            Millis(900'000));
    }

    void retry_givesUpAfterADay()
    {
        const auto last = decide(outcome(OutboundState::Retry, u"no_token"_s), 1, kDay);
        QCOMPARE(last.state, OutboundState::Retry);
        const auto late = decide(outcome(OutboundState::Retry, u"no_token"_s), 1, kDay + Millis(1));
        QCOMPARE(late.state, OutboundState::Dead);
        QCOMPARE(late.errorCode, u"no_token"_s); // what it died of
        QCOMPARE(late.dueIn, Millis(0));
        // A Retry-After does not keep it alive.
        QCOMPARE(decide(outcome(OutboundState::Retry, u"ratelimited"_s, Millis(5000)), 1, kDay * 2).state,
            OutboundState::Dead);
    }

    void unknown_isLookedForBeforeAnythingElse()
    {
        const auto first = decide(outcome(OutboundState::Unknown, u"http_502"_s), 1, kYoung);
        QCOMPARE(first.state, OutboundState::Unknown);
        QCOMPARE(first.dueIn, Millis(10'000));
        QCOMPARE(first.errorCode, u"http_502"_s);
        QCOMPARE(first.looks, 0);
        QVERIFY(!first.maybeDoubled);
        // Age alone never turns an unknown into something that is certain.
        QCOMPARE(decide(outcome(OutboundState::Unknown), 9, kDay * 3).state, OutboundState::Unknown);
    }

    void disposableUnknown_isSentAgainAtOnce()
    {
        OutboundFacts status = facts(1, kYoung);
        status.disposable = true;
        const auto unknown = decideSent(outcome(OutboundState::Unknown, u"http_502"_s), status);
        QCOMPARE(unknown.state, OutboundState::Retry);
        QCOMPARE(unknown.dueIn, Millis(1000)); // another one is better than a look of ten seconds
        QCOMPARE(unknown.errorCode, u"http_502"_s);
        QVERIFY(!unknown.maybeDoubled);
        status.age = kDay + Millis(1);
        QCOMPARE(
            decideSent(outcome(OutboundState::Unknown, u"http_502"_s), status).state, OutboundState::Dead);
        // What is known of it stays what it is.
        for (const OutboundState state : {OutboundState::Sent, OutboundState::Refused})
            QCOMPARE(decideSent(outcome(state), status).state, state);
    }

    void found_isAdoptedAtAnyLook()
    {
        for (const int looks : {0, 1, 5}) {
            for (const bool resent : {false, true}) {
                const auto seen = look(Found::Yes, facts(3, kDay * 9, looks, resent));
                QCOMPARE(seen.decision.state, OutboundState::Sent);
                QVERIFY(!seen.resend && !seen.decision.maybeDoubled);
            }
        }
    }

    void absentTwice_isSentAgainOnce_data()
    {
        QTest::addColumn<Found>("found");
        QTest::addColumn<bool>("doubled");
        QTest::newRow("absent") << Found::No << false;
        QTest::newRow("unreadable") << Found::Unreadable << true;
    }
    void absentTwice_isSentAgainOnce()
    {
        QFETCH(Found, found);
        QFETCH(bool, doubled);
        const auto first = look(found, facts(2, kYoung, 0));
        QVERIFY(!first.resend);
        QCOMPARE(first.decision.state, OutboundState::Unknown);
        QCOMPARE(first.decision.looks, 1);
        QCOMPARE(first.decision.dueIn, Millis(5000));
        const auto second = look(found, facts(3, kYoung, 1));
        QVERIFY(second.resend);
        QCOMPARE(second.decision.maybeDoubled, doubled);
        // The resend is spent: looked for twice again, then its end.
        const auto third = look(found, facts(5, kYoung, 0, true));
        QVERIFY(!third.resend);
        QCOMPARE(third.decision.state, OutboundState::Unknown);
        const auto last = look(found, facts(6, kYoung, 1, true));
        QVERIFY(!last.resend);
        QCOMPARE(last.decision.state, OutboundState::Dead);
        QVERIFY(last.decision.maybeDoubled);
    }

    void passingFailureOfALook_learnsNothing()
    {
        const auto limited = look(Found::NotNow, facts(2, kYoung, 1), Millis(30'000));
        QVERIFY(!limited.resend);
        QCOMPARE(limited.decision.state, OutboundState::Unknown);
        QCOMPARE(limited.decision.looks, 1);
        QCOMPARE(limited.decision.dueIn, Millis(30'000));
        // Without a word from the channel it backs off.
        QCOMPARE(look(Found::NotNow, facts(1, kYoung)).decision.dueIn, Millis(5000));
        QCOMPARE(look(Found::NotNow, facts(50, kYoung)).decision.dueIn, Millis(60'000));
        // And not for ever.
        const auto late = look(Found::NotNow, facts(2, kDay + Millis(1), 0, true));
        QCOMPARE(late.decision.state, OutboundState::Dead);
        QVERIFY(late.decision.maybeDoubled);
    }

    void everyDecision_isAnAllowedMove()
    {
        for (const OutboundState state :
            {OutboundState::Sent, OutboundState::Refused, OutboundState::Retry, OutboundState::Unknown}) {
            for (const Millis age : {kYoung, kDay * 2}) {
                const auto decision = decide(outcome(state), 1, age);
                QVERIFY2(domain::mayMove(OutboundState::Sending, decision.state),
                    qPrintable(name(decision.state)));
            }
        }
    }
};

QTEST_GUILESS_MAIN(OutboxDecisionTest)
#include "tst_outbox_decision.moc"
