// SPDX-License-Identifier: Apache-2.0
#include "domain/feedback.h"
#include "gateway/turn_outcome.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::gateway;
using signalbox::domain::DeliveryState;
using signalbox::domain::Outcome;
using signalbox::runtimes::TurnEnd;
using signalbox::runtimes::TurnResult;

namespace {

TurnResult result(TurnEnd end, const QString &text = {}, const QString &stopReason = {})
{
    TurnResult made;
    made.end = end;
    made.text = text;
    made.stopReason = stopReason;
    made.errorText = u"details"_s;
    return made;
}

} // namespace

class TurnOutcomeTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void ended_withText_waitsForItsReply()
    {
        for (const QString &reason :
            {u"end_turn"_s, u"max_tokens"_s, u"max_turn_requests"_s, u"cancelled"_s}) {
            const Decision decision = decideTurn(result(TurnEnd::Ended, u" the answer\n"_s, reason));
            QCOMPARE(decision.state, DeliveryState::Waiting);
            QCOMPARE(decision.reply, u" the answer\n"_s);
            QVERIFY(decision.notice == domain::Notice::None && decision.errorCode.isEmpty());
            QCOMPARE(decision.outcome, Outcome::None);
            QCOMPARE(decision.attemptOutcome, u"ok"_s);
            QVERIFY(!decision.again);
        }
    }

    void ended_withoutText_isNoReply()
    {
        for (const QString &text : {QString(), u" \n\t"_s}) {
            const Decision decision = decideTurn(result(TurnEnd::Ended, text, u"end_turn"_s));
            QCOMPARE(decision.state, DeliveryState::Completed);
            QCOMPARE(decision.outcome, Outcome::NoReply);
            QVERIFY(decision.reply.isEmpty() && decision.notice == domain::Notice::None);
        }
    }

    void refusal_isTold()
    {
        const Decision silent = decideTurn(result(TurnEnd::Ended, QString(), u"refusal"_s));
        QCOMPARE(silent.state, DeliveryState::Completed);
        QCOMPARE(silent.notice, domain::Notice::Refusal);
        const Decision partly = decideTurn(result(TurnEnd::Ended, u"no, because"_s, u"refusal"_s));
        QCOMPARE(partly.state, DeliveryState::Waiting);
        QCOMPARE(partly.reply, u"no, because"_s);
        QCOMPARE(partly.notice, domain::Notice::Refusal);
    }

    // DESIGN.md "Turn clocks" and step 5.
    void everyOtherEnd_data()
    {
        QTest::addColumn<int>("end");
        QTest::addColumn<QString>("code");
        QTest::addColumn<QString>("state");
        const auto row = [](const char *name, TurnEnd end, const QString &code, const QString &state) {
            QTest::newRow(name) << static_cast<int>(end) << code << state;
        };
        row("failed", TurnEnd::Failed, u"runtime_error"_s, u"dead"_s);
        row("idle", TurnEnd::IdleTimeout, u"idle_timeout"_s, u"dead"_s);
        row("too long", TurnEnd::TooLong, u"max_duration"_s, u"dead"_s);
        row("lost", TurnEnd::Lost, u"connection_lost"_s, u"unconfirmed"_s);
        row("no first frame", TurnEnd::FirstFrameTimeout, u"first_frame_timeout"_s, u"unconfirmed"_s);
        row("cancelled", TurnEnd::Cancelled, u"cancelled"_s, u"unconfirmed"_s);
    }
    void everyOtherEnd()
    {
        QFETCH(int, end);
        QFETCH(QString, code);
        QFETCH(QString, state);
        const Decision decision = decideTurn(result(static_cast<TurnEnd>(end), u"half an answer"_s));
        const bool dead = state == u"dead";
        QCOMPARE(name(decision.state), state);
        QCOMPARE(decision.errorCode, code);
        QCOMPARE(decision.errorText, u"details"_s);
        // Silence is a defect, and half an answer is not passed off as one.
        QCOMPARE(decision.notice, dead ? domain::Notice::Error : domain::Notice::Unconfirmed);
        QVERIFY(decision.reply.isEmpty());
        QCOMPARE(decision.attemptOutcome, dead ? u"failed"_s : u"unknown"_s);
        QVERIFY2(!decision.again, "never a second prompt by our doing");
        QVERIFY(!decision.looked && !decision.dropPayload);
    }

    void failed_keepsTheRuntimesCode()
    {
        TurnResult failed = result(TurnEnd::Failed);
        failed.errorCode = u"-32000"_s;
        QCOMPARE(decideTurn(failed).errorCode, u"-32000"_s);
    }

    void notSent_goesBack()
    {
        const Decision decision = decideTurn(result(TurnEnd::NotSent));
        QVERIFY(decision.again);
        QCOMPARE(decision.state, DeliveryState::Pending);
        QVERIFY(decision.notice == domain::Notice::None && decision.reply.isEmpty());
        QCOMPARE(decision.attemptOutcome, u"failed"_s);
    }

    void everyDecision_isAnAllowedMove()
    {
        for (const TurnEnd end : {TurnEnd::Ended, TurnEnd::Failed, TurnEnd::NotSent, TurnEnd::Lost,
                 TurnEnd::FirstFrameTimeout, TurnEnd::IdleTimeout, TurnEnd::TooLong, TurnEnd::Cancelled}) {
            for (const QString &text : {QString(), u"x"_s})
                QVERIFY(domain::mayMove(DeliveryState::Running, decideTurn(result(end, text)).state));
        }
    }

    void foundAnswer_waitsForItsReply()
    {
        FoundTurn found;
        found.answered = true;
        found.text = u" the answer\n"_s;
        found.looks = 2;
        found.lastTrouble = u"timeout"_s; // of a look before
        const Decision decision = decideFound(found, u"interrupted"_s);
        QCOMPARE(decision.state, DeliveryState::Waiting);
        QCOMPARE(decision.reply, u"the answer\n\n_recovered after an interruption, may be incomplete_"_s);
        QVERIFY(decision.notice == domain::Notice::None && decision.errorCode.isEmpty());
        QCOMPARE(decision.outcome, Outcome::None);
        QCOMPARE(decision.attemptOutcome, u"ok"_s);
        QVERIFY(decision.looked);
        QVERIFY(!decision.again && !decision.dropPayload);
    }

    void nothingFound_isUnconfirmedWithOneNotice()
    {
        FoundTurn found;
        found.text = u"half an answer"_s;
        found.looks = 3;
        found.lastTrouble = u"acp_unavailable"_s;
        const Decision decision = decideFound(found, u"connection_lost"_s);
        QCOMPARE(decision.state, DeliveryState::Unconfirmed);
        QCOMPARE(decision.notice, domain::Notice::Unconfirmed);
        QVERIFY2(decision.reply.isEmpty(), "half an answer is not passed off as one");
        QCOMPARE(decision.errorCode, u"connection_lost"_s); // what interrupted it, not what the look met
        QCOMPARE(decision.errorText, u"acp_unavailable"_s);
        QCOMPARE(decision.attemptOutcome, u"unknown"_s);
        QVERIFY(decision.looked);
        QVERIFY2(!decision.again, "never a second prompt by our doing");
        // A turn was looked for while it was shown as waiting for its runtime.
        for (const DeliveryState from : {DeliveryState::Running, DeliveryState::Waiting})
            QVERIFY(domain::mayMove(from, decision.state));
    }

    void ignored_leavesNothingBehind()
    {
        const Decision decision = decideIgnored();
        QCOMPARE(decision.state, DeliveryState::Completed);
        QCOMPARE(decision.outcome, Outcome::Ignored);
        QVERIFY(decision.dropPayload);
        QVERIFY(decision.reply.isEmpty() && decision.notice == domain::Notice::None
            && decision.errorCode.isEmpty());
        QVERIFY2(decision.attemptOutcome.isEmpty(), "no turn was begun");
        QVERIFY(!decision.again && !decision.looked);
        for (const DeliveryState from : {DeliveryState::Running, DeliveryState::Waiting})
            QVERIFY(domain::mayMove(from, decision.state));
    }

    void notOpened_isToldAndDead()
    {
        const Decision named = decideNotOpened(
            Error(ErrorCode::Unavailable, u"no agent"_s, u"login_needed"_s).context(u"opening"_s));
        QCOMPARE(named.state, DeliveryState::Dead);
        QCOMPARE(named.notice, domain::Notice::Timeout);
        QCOMPARE(named.errorCode, u"login_needed"_s);
        QCOMPARE(named.errorText, u"opening: no agent [login_needed]"_s);
        QVERIFY2(named.attemptOutcome.isEmpty(), "no turn was begun");
        QVERIFY(!named.again);
        QCOMPARE(
            decideNotOpened(Error(ErrorCode::DeadlineExceeded, u"slow"_s)).errorCode, u"deadline_exceeded"_s);
    }
};

QTEST_GUILESS_MAIN(TurnOutcomeTest)
#include "tst_turn_outcome.moc"
