// SPDX-License-Identifier: Apache-2.0
#include "async/cancel.h"
#include "support/acp_bench.h"

#include <QCoreApplication>
#include <QSignalSpy>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::runtimes;
using namespace signalbox::testing;

class AcpBackendTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void prompt_collectsTheAnswer_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<int>("refused");
        const QString normal = u"Hello world: question\n\nDone"_s;
        QTest::newRow("normal") << normal << 0;
        QTest::newRow("noload") << normal << 0;
        QTest::newRow("garbage") << normal << 0;
        QTest::newRow("crlf") << normal << 0;
        QTest::newRow("noisy") << normal << 0;
        QTest::newRow("twice") << normal << 0;
        QTest::newRow("permission") << u"selected:id-reject_once"_s << 1;
        QTest::newRow("callsfs") << u"code -32601"_s << 0;
        QTest::newRow("foreign") << u"mine"_s << 0;
        QTest::newRow("ids") << u"one more\n\ntwo too"_s << 0;
        QTest::newRow("bigline") << QString(4 * 1024 * 1024, u'y') << 0;
    }
    void prompt_collectsTheAnswer()
    {
        QFETCH(QString, text);
        QFETCH(int, refused);
        Bench bench(QString::fromUtf8(QTest::currentDataTag()));
        const Opened other = bench.open();
        const Opened turn = bench.open();
        QVERIFY2(turn, qPrintable(nativeOf(turn)));
        QVERIFY(other && (*other)->agentSession() != (*turn)->agentSession());
        QVERIFY(!(*turn)->contextLost());
        const Run run = prompt(**turn);
        QCOMPARE(int(run.result.end), int(TurnEnd::Ended));
        QVERIFY(run.result.text == text);
        QCOMPARE(run.result.stopReason, u"end_turn"_s);
        QCOMPARE(run.result.permissionsRefused, refused);
        QCOMPARE(run.accepted, 1);
        QVERIFY(run.result.accepted);
        QVERIFY(run.result.frames > 0);
        // The conversation goes on in the same process.
        const Opened again = bench.open((*turn)->agentSession());
        QVERIFY(again);
        QCOMPARE((*again)->agentSession(), (*turn)->agentSession());
        QVERIFY(!(*again)->contextLost());
        QCOMPARE(bench.lines(u"starts"_s).size(), 1);
    }

    void refusedFence_sendsNothing()
    {
        Bench bench(u"normal"_s);
        const Opened turn = bench.open();
        QVERIFY(turn);
        int accepted = 0;
        const TurnResult result
            = async::blockOn((*turn)->prompt(
                                 u"q"_s, kPatient, [] { return false; }, [&accepted] { ++accepted; }, {}),
                kLimit);
        QCOMPARE(int(result.end), int(TurnEnd::NotSent));
        QCOMPARE(result.frames, 0);
        QCOMPARE(accepted, 0);
        // At most once for a Turn, also when nothing left.
        QCOMPARE(int(prompt(**turn).result.end), int(TurnEnd::NotSent));
        const Opened again = bench.open((*turn)->agentSession());
        QVERIFY(again);
        QCOMPARE(prompt(**again).result.text, u"Hello world: question\n\nDone"_s);
    }

    void silence_isCancelledAfterTheFirstFrameTimeout()
    {
        Bench bench(u"mute"_s);
        const Opened turn = bench.open();
        QVERIFY(turn);
        const Run run = prompt(**turn, clocksOf(100, 60'000, 0, 15'000));
        QCOMPARE(int(run.result.end), int(TurnEnd::FirstFrameTimeout));
        QCOMPARE(run.result.stopReason, u"cancelled"_s); // it answered within the grace
        QCOMPARE(bench.lines(u"cancels"_s), QStringList((*turn)->agentSession()));
    }

    void token_cancelsTheTurn()
    {
        Bench bench(u"mute"_s);
        const Opened turn = bench.open();
        QVERIFY(turn);
        async::CancelSource source;
        QTimer timer;
        timer.setSingleShot(true);
        connect(&timer, &QTimer::timeout, &timer, [&source] { source.cancel(); });
        timer.start(50);
        const Run run = prompt(**turn, kPatient, source.token());
        QCOMPARE(int(run.result.end), int(TurnEnd::Cancelled));
        QCOMPARE(bench.lines(u"cancels"_s).size(), 1);
        const Opened next = bench.open();
        QVERIFY(next);
        const Run never = prompt(**next, kPatient, source.token());
        QCOMPARE(int(never.result.end), int(TurnEnd::Cancelled));
        QCOMPARE(never.result.frames, 0);
        QCOMPARE(bench.lines(u"cancels"_s).size(), 1);
    }

    // Where the agent still works for others: see tst_acp_agent_faults for one that does not.
    void agentThatIgnoresCancel_losesOnlyItsTurn_data()
    {
        QTest::addColumn<int>("idle");
        QTest::addColumn<int>("maximum");
        QTest::addColumn<int>("end");
        QTest::newRow("idle") << 300 << 60'000 << int(TurnEnd::IdleTimeout);
        QTest::newRow("maximum") << 60'000 << 300 << int(TurnEnd::TooLong);
    }
    void agentThatIgnoresCancel_losesOnlyItsTurn()
    {
        QFETCH(int, idle);
        QFETCH(int, maximum);
        QFETCH(int, end);
        Bench bench(u"ignorecancel"_s);
        const Opened turn = bench.open();
        const Opened other = bench.open();
        QVERIFY(turn && other);
        const auto run = promptLater(**turn, clocksOf(15'000, idle, maximum, 50));
        const auto working = promptLater(**other); // its word comes after the other's
        QTRY_VERIFY(*run);
        QCOMPARE(int((*run)->end), end);
        QVERIFY((*run)->accepted);
        QCOMPARE((*run)->text, u"word"_s);
        // The prompt is still in flight over there, so its session is not used again.
        const Opened next = bench.open((*turn)->agentSession());
        QVERIFY(next);
        QVERIFY((*next)->agentSession() != (*turn)->agentSession());
        QVERIFY((*next)->contextLost());
        QVERIFY(!*working);
        QCOMPARE(bench.lines(u"starts"_s).size(), 1);
    }

    void lateAnswerAfterCancel_reachesNobody()
    {
        Bench bench(u"latecancel"_s);
        const Opened turn = bench.open();
        const Opened other = bench.open();
        QVERIFY(turn && other);
        const auto run = promptLater(**turn, clocksOf(300, 300, 0, 50));
        const auto working = promptLater(**other); // the agent is not mute
        QTRY_VERIFY(*run);
        QCOMPARE(int((*run)->end), int(TurnEnd::FirstFrameTimeout));
        QVERIFY(!(*run)->accepted);
        const Opened fresh = bench.open(); // the late answer comes before this one's
        QVERIFY(fresh);
        const Opened again = bench.open((*turn)->agentSession()); // loaded anew, as it is free by now
        QVERIFY(again);
        QCOMPARE((*again)->agentSession(), (*turn)->agentSession());
        QVERIFY(!(*again)->contextLost());
        QVERIFY(prompt(**again, clocksOf(50, 50, 0, 50)).result.text.isEmpty());
        QCOMPARE(bench.lines(u"starts"_s).size(), 1);
    }

    void death_losesTheTurnAndTheNextOpenRestarts_data()
    {
        QTest::addColumn<bool>("accepted");
        QTest::newRow("diesbefore") << false;
        QTest::newRow("diesafter") << true;
        QTest::newRow("hugeline") << false;
    }
    void death_losesTheTurnAndTheNextOpenRestarts()
    {
        QFETCH(bool, accepted);
        Bench bench(QString::fromUtf8(QTest::currentDataTag()));
        const Opened turn = bench.open();
        const Opened other = bench.open();
        QVERIFY(turn && other);
        const qint64 pid = bench.backend->processId();
        QSignalSpy phases(bench.backend.get(), &RuntimeBackend::phaseChanged);
        const Run run = prompt(**turn);
        QCOMPARE(int(run.result.end), int(TurnEnd::Lost));
        QCOMPARE(run.result.errorCode, u"exited"_s);
        QCOMPARE(run.result.accepted, accepted);
        QCOMPARE(run.accepted, accepted ? 1 : 0);
        QCOMPARE(run.result.text, accepted ? u"word"_s : QString());
        QCOMPARE(phases.last().first().toString(), u"exited"_s);
        QVERIFY(isGroupGone(pid));
        QCOMPARE(int(prompt(**other).result.end), int(TurnEnd::NotSent));
        const Opened again = bench.open((*turn)->agentSession());
        QVERIFY(again);
        QCOMPARE((*again)->agentSession(),
            (*turn)->agentSession()); // loaded: resume is advertised and does not work
        QVERIFY(!(*again)->contextLost());
        QCOMPARE(bench.lines(u"starts"_s).size(), 2);
    }

    void storedSession_isTakenUp_data()
    {
        QTest::addColumn<bool>("same");
        QTest::addColumn<bool>("lost");
        QTest::newRow("normal") << true << false;
        QTest::newRow("noload") << false << true;
        QTest::newRow("zeroload") << true << true;
    }
    void storedSession_isTakenUp()
    {
        QFETCH(bool, same);
        QFETCH(bool, lost);
        const QString mode = QString::fromUtf8(QTest::currentDataTag());
        Bench bench(mode);
        const Opened first = bench.open();
        QVERIFY(first);
        bench.use(mode);
        const Opened turn = bench.open((*first)->agentSession());
        QVERIFY(turn);
        QCOMPARE((*turn)->agentSession() == (*first)->agentSession(), same);
        QCOMPARE((*turn)->contextLost(), lost);
        QCOMPARE(prompt(**turn).result.text, u"Hello world: question\n\nDone"_s); // nothing of the replay
    }

    void unknownSession_becomesANewOne()
    {
        Bench bench(u"normal"_s);
        const Opened turn = bench.open(u"never-was"_s);
        QVERIFY(turn);
        QVERIFY((*turn)->agentSession() != u"never-was"_s);
        QVERIFY((*turn)->contextLost());
    }

    void badStart_isAnError_data()
    {
        QTest::addColumn<QString>("native");
        QTest::newRow("version") << u"unsupported_version"_s;
        QTest::newRow("noinit") << u"timeout"_s;
        QTest::newRow("missing program") << u"exited"_s;
        QTest::newRow("missing folder") << u"exited"_s;
        QTest::newRow("no agent") << u"exited"_s;
    }
    void badStart_isAnError()
    {
        QFETCH(QString, native);
        AcpLimits limits;
        limits.initializeTimeout = Millis(native == u"timeout" ? 300 : 15'000);
        const QString row = QString::fromUtf8(QTest::currentDataTag());
        Bench bench(row, limits);
        AcpCommand command;
        command.command = QStringList{row == u"no agent" ? u"/bin/true"_s : u"/nowhere/agent"_s};
        if (row == u"missing folder") {
            command.command = QStringList{u"/bin/cat"_s};
            command.workingDirectory = u"/nowhere"_s;
        }
        if (row != u"version" && row != u"noinit") {
            bench.start(command);
        }
        const Opened turn = bench.open();
        QCOMPARE(nativeOf(turn), native);
    }

    void fiveCrashes_stopTheRestarts()
    {
        Bench bench(u"diesbefore"_s);
        for (int i = 0; i < 5; ++i) {
            const Opened turn = bench.open();
            QVERIFY2(turn, qPrintable(nativeOf(turn)));
            QCOMPARE(int(prompt(**turn).result.end), int(TurnEnd::Lost));
            bench.clock.advance(Millis(60'000));
        }
        const Opened refused = bench.open();
        QCOMPARE(nativeOf(refused), u"crash_loop"_s);
        QCOMPARE(refused.error().retryAfter(), std::optional<Millis>(Millis(300'000)));
        QCOMPARE(bench.lines(u"starts"_s).size(), 5);
        bench.clock.advance(Millis(299'999));
        QCOMPARE(nativeOf(bench.open()), u"crash_loop"_s);
        bench.clock.advance(Millis(1));
        QCOMPARE(nativeOf(bench.open()), u"(opened)"_s); // ten minutes after the first of them
        QCOMPARE(bench.lines(u"starts"_s).size(), 6);
    }

    void badVersions_stopTheRestartsToo()
    {
        Bench bench(u"version"_s);
        for (int i = 0; i < 5; ++i) {
            QCOMPARE(nativeOf(bench.open()), u"unsupported_version"_s);
        }
        QCOMPARE(nativeOf(bench.open()), u"crash_loop"_s);
        QCOMPARE(bench.lines(u"starts"_s).size(), 5);
    }

    void errorAnswer_failsTheTurn_data()
    {
        QTest::addColumn<QString>("code");
        QTest::newRow("fails") << u"-32603"_s;
        QTest::newRow("login") << u"login_needed"_s;
    }
    void errorAnswer_failsTheTurn()
    {
        QFETCH(QString, code);
        Bench bench(QString::fromUtf8(QTest::currentDataTag()));
        const Opened turn = bench.open();
        QVERIFY(turn);
        QSignalSpy phases(bench.backend.get(), &RuntimeBackend::phaseChanged);
        const Run run = prompt(**turn);
        QCOMPARE(int(run.result.end), int(TurnEnd::Failed));
        QCOMPARE(run.result.errorCode, code);
        QVERIFY(!run.result.errorText.contains(u"question"_s));
        QCOMPARE(phases.size(), code == u"login_needed" ? 1 : 0);
    }

    void busySession_takesNoSecondPrompt()
    {
        Bench bench(u"mute"_s);
        const Opened turn = bench.open();
        QVERIFY(turn);
        const Opened twin = bench.open((*turn)->agentSession());
        QVERIFY(twin);
        const auto first = promptLater(**turn);
        const Run second = prompt(**twin);
        QCOMPARE(int(second.result.end), int(TurnEnd::NotSent));
        QCOMPARE(second.result.errorCode, u"session_busy"_s);
        QCOMPARE(nativeOf(bench.open((*turn)->agentSession())), u"session_busy"_s);
        QVERIFY(!*first);
        bench.stop();
        QTRY_VERIFY(*first);
        QCOMPARE(int((*first)->end), int(TurnEnd::Lost));
        QCOMPARE((*first)->errorCode, u"closed"_s);
    }

    void manyOpens_shareOneProcess()
    {
        constexpr int kTurns = 300;
        Bench bench(u"normal"_s);
        const auto turns = std::make_shared<std::vector<Opened>>();
        for (int i = 0; i < kTurns; ++i) {
            keepTurn(bench.backend->open(Binding(), OpenRequest(), {}), turns);
        }
        QTRY_COMPARE_WITH_TIMEOUT(int(turns->size()), kTurns, 20'000);
        std::vector<std::shared_ptr<std::optional<TurnResult>>> results;
        for (const Opened &turn : *turns) {
            QVERIFY(turn);
            results.push_back(promptLater(**turn));
        }
        for (const auto &result : results) {
            QTRY_VERIFY_WITH_TIMEOUT(*result, 20'000);
            QCOMPARE((*result)->text, u"Hello world: question\n\nDone"_s);
        }
        QCOMPARE(bench.lines(u"starts"_s).size(), 1);
    }

    void promptsInFlight_areSmall()
    {
        constexpr int kTurns = 2000;
        Bench bench(u"mute"_s);
        QVERIFY(bench.open());
        const auto turns = std::make_shared<std::vector<Opened>>();
        const size_t before = allocatedBytes();
        std::vector<std::shared_ptr<std::optional<TurnResult>>> results;
        for (int i = 0; i < kTurns; ++i) {
            keepTurn(bench.backend->open(Binding(), OpenRequest(), {}), turns);
        }
        QTRY_COMPARE_WITH_TIMEOUT(int(turns->size()), kTurns, 30'000);
        for (const Opened &turn : *turns) {
            QVERIFY(turn);
            results.push_back(promptLater(**turn, clocksOf(60'000, 60'000, 60'000, 60'000)));
        }
        const size_t each = (allocatedBytes() - before) / kTurns;
        qInfo("%zu bytes for each prompt in flight", each);
        QVERIFY(each < 40'000);
        bench.stop();
        for (const auto &result : results) {
            QTRY_VERIFY(*result);
            QCOMPARE(int((*result)->end), int(TurnEnd::Lost));
        }
    }

    void agentThatDoesNotRead_isNotFedForEver()
    {
        AcpCommand command;
        command.command = QStringList{u"/bin/sleep"_s, u"600"_s};
        AcpProcess process(command);
        process.start();
        const QByteArray frame(1024 * 1024, 'x');
        int taken = 0;
        while (taken < 1000 && process.write(frame)) {
            ++taken;
        }
        QVERIFY(taken >= 8 && taken < 12);
        QSignalSpy ended(&process, &AcpProcess::ended);
        QVERIFY(ended.wait());
        QCOMPARE(ended.first().first().toString(), u"not_reading"_s);
        QVERIFY(isGroupGone(process.processId()));
    }

    void idleSessions_areForgottenAndClosed()
    {
        AcpLimits limits;
        limits.rememberedSessions = 3;
        Bench bench(u"normal"_s, limits);
        QStringList ids;
        for (int i = 0; i < 5; ++i) {
            const Opened turn = bench.open();
            QVERIFY(turn);
            ids.append((*turn)->agentSession());
        }
        QTRY_COMPARE(bench.lines(u"closes"_s), ids.first(2));
        const Opened again = bench.open(ids.first());
        QVERIFY(again);
        QCOMPARE((*again)->agentSession(), ids.first()); // loaded again
        QVERIFY(!(*again)->contextLost());
    }

    void close_killsAStubbornAgentAndItsChildren()
    {
        Bench bench(u"stubborn"_s);
        const Opened turn = bench.open();
        QVERIFY(turn);
        const qint64 pid = bench.backend->processId();
        QVERIFY(pid > 0 && !isGroupGone(pid));
        async::blockOn(bench.backend->close(Millis(200)), kLimit);
        QTRY_VERIFY(isGroupGone(pid));
        QCOMPARE(bench.backend->processId(), qint64(0));
        const Opened again = bench.open(); // close() is not for ever
        QVERIFY(again);
        QVERIFY(bench.backend->processId() != pid);
        const qint64 second = bench.backend->processId();
        async::blockOn(bench.backend->close(Millis(200)), kLimit);
        QTRY_VERIFY(isGroupGone(second));
    }

    void droppedBackend_killsItsAgent()
    {
        Bench bench(u"stubborn"_s);
        QVERIFY(bench.open());
        const qint64 pid = bench.backend->processId();
        bench.backend.reset();
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
        QTRY_VERIFY(isGroupGone(pid));
    }

    void closeDuringStart_answersTheOpen()
    {
        Bench bench(u"noinit"_s);
        const auto turns = std::make_shared<std::vector<Opened>>();
        keepTurn(bench.backend->open(Binding(), OpenRequest(), {}), turns);
        bench.stop();
        QTRY_COMPARE(int(turns->size()), 1);
        QVERIFY(!turns->front());
    }

    void cancelledOpen_leavesTheStartToTheOthers()
    {
        Bench bench(u"normal"_s);
        const auto first = std::make_shared<std::vector<Opened>>();
        const auto second = std::make_shared<std::vector<Opened>>();
        async::CancelSource source;
        keepTurn(bench.backend->open(Binding(), OpenRequest(), source.token()), first);
        keepTurn(bench.backend->open(Binding(), OpenRequest(), {}), second);
        source.cancel();
        QTRY_COMPARE(int(second->size()), 1);
        QVERIFY(second->front());
        QCOMPARE(int(first->size()), 1);
        QCOMPARE(int(first->front().error().code()), int(ErrorCode::Cancelled));
        QCOMPARE(bench.lines(u"starts"_s).size(), 1);
    }

    void errorOutput_isTheEndOfStderr()
    {
        Bench bench(u"noisy"_s);
        QVERIFY(bench.open());
        QTRY_VERIFY(bench.backend->errorOutput().endsWith("the last line\n"));
        QVERIFY(bench.backend->errorOutput().size() <= AcpProcess::kMaxErrorOutput);
    }

    void backend_saysWhatItIs()
    {
        Bench bench(u"normal"_s);
        QCOMPARE(bench.backend->kind(), u"acp"_s);
        QVERIFY(bench.backend->sessionsPerThread());
        QVERIFY(bench.backend->unescapesText());
        QVERIFY(async::blockOn(bench.backend->bind(BindRequest(), {})));
        domain::PromptContext context;
        QCOMPARE(bench.backend->renderPrompt(context, u"x"_s), domain::acpPrompt(context, u"x"_s));
    }
};

QTEST_GUILESS_MAIN(AcpBackendTest)
#include "tst_acp_backend.moc"
