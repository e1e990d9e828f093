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

namespace {

constexpr int kFirstFrame = 100;
constexpr int kGrace = 50;

AcpLimits hurried()
{
    AcpLimits limits;
    limits.stopGrace = Millis(200);
    limits.sessionTimeout = Millis(300);
    return limits;
}

std::shared_ptr<std::vector<Opened>> openLater(AcpBackend &backend, const async::CancelToken &cancel = {})
{
    auto into = std::make_shared<std::vector<Opened>>();
    keepTurn(backend.open(Binding(), OpenRequest(), cancel), into);
    return into;
}

QCoro::Task<> keepEnd(QCoro::Task<> task, std::shared_ptr<bool> into)
{
    co_await task;
    *into = true;
}

} // namespace

// Agents that have to be got rid of, what they leave behind, and what they may know.
class AcpAgentFaultsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void wedgedAgent_isReplaced()
    {
        Bench bench(u"wedged"_s, hurried());
        const Opened turn = bench.open();
        QVERIFY(turn);
        const qint64 pid = bench.backend->processId();
        QSignalSpy phases(bench.backend.get(), &RuntimeBackend::phaseChanged);
        const Run run = prompt(**turn, clocksOf(kFirstFrame, 60'000, 0, kGrace));
        QCOMPARE(int(run.result.end), int(TurnEnd::FirstFrameTimeout));
        QCOMPARE(phases.size(), 1);
        QCOMPARE(phases.first().first().toString(), u"exited"_s);
        const Opened again = bench.open((*turn)->agentSession());
        QVERIFY2(again, qPrintable(nativeOf(again)));
        QVERIFY(isProcessGone(pid)); // the new one waits for its end, although it ignores SIGTERM
        QTRY_VERIFY(isGroupGone(pid)); // with its child
        QVERIFY(bench.backend->processId() != pid);
        QCOMPARE((*again)->agentSession(), (*turn)->agentSession());
        QVERIFY(!(*again)->contextLost());
        QCOMPARE(bench.lines(u"starts"_s).size(), 2);
    }

    void agentThatIgnoresCancel_isReplaced()
    {
        Bench bench(u"ignorecancel"_s, hurried());
        const Opened turn = bench.open();
        QVERIFY(turn);
        const Run run = prompt(**turn, clocksOf(15'000, kFirstFrame, 0, kGrace));
        QCOMPARE(int(run.result.end), int(TurnEnd::IdleTimeout));
        QCOMPARE(bench.lines(u"cancels"_s).size(), 1);
        const Opened again = bench.open((*turn)->agentSession());
        QVERIFY(again);
        QCOMPARE((*again)->agentSession(), (*turn)->agentSession());
        QCOMPARE(bench.lines(u"starts"_s).size(), 2);
    }

    // Nothing has been heard of anybody since the turn fell silent: the others are wedged as well.
    void wedgedAgent_losesItsOtherTurns()
    {
        Bench bench(u"ignorecancel"_s, hurried());
        const Opened other = bench.open();
        const Opened turn = bench.open();
        QVERIFY(turn && other);
        const auto waiting = promptLater(**other);
        const Run run = prompt(**turn, clocksOf(15'000, kFirstFrame, 0, kGrace)); // its word is the last
        QCOMPARE(int(run.result.end), int(TurnEnd::IdleTimeout));
        QTRY_VERIFY(*waiting);
        QCOMPARE(int((*waiting)->end), int(TurnEnd::Lost));
        QCOMPARE((*waiting)->errorCode, u"wedged"_s);
    }

    void agentThatAnswersTheCancel_isKept()
    {
        Bench bench(u"mute"_s, hurried());
        const Opened turn = bench.open();
        QVERIFY(turn);
        QCOMPARE(int(prompt(**turn, clocksOf(kFirstFrame, 60'000, 0, 15'000)).result.end),
            int(TurnEnd::FirstFrameTimeout));
        QVERIFY(bench.open());
        QCOMPARE(bench.lines(u"starts"_s).size(), 1);
    }

    void muteOpen_replacesTheAgent()
    {
        Bench bench(u"nosession"_s, hurried());
        QCOMPARE(nativeOf(bench.open()), u"timeout"_s);
        QCOMPARE(nativeOf(bench.open()), u"timeout"_s);
        QCOMPARE(bench.lines(u"starts"_s).size(), 2);
    }

    void fiveWedged_stopTheRestarts()
    {
        AcpLimits limits = hurried();
        limits.stopGrace = Millis(50);
        Bench bench(u"wedged"_s, limits);
        for (int i = 0; i < 5; ++i) {
            const Opened turn = bench.open();
            QVERIFY2(turn, qPrintable(nativeOf(turn)));
            QCOMPARE(int(prompt(**turn, clocksOf(kFirstFrame, 60'000, 0, kGrace)).result.end),
                int(TurnEnd::FirstFrameTimeout));
        }
        QCOMPARE(nativeOf(bench.open()), u"crash_loop"_s);
        QCOMPARE(bench.lines(u"starts"_s).size(), 5);
        bench.clock.advance(Millis(600'000));
        QVERIFY(bench.open());
    }

    void agentThatDoesNotRead_losesItsTurns()
    {
        constexpr int kTurns = 12;
        Bench bench(u"wedged"_s);
        std::vector<Opened> turns;
        for (int i = 0; i < kTurns; ++i) {
            turns.push_back(bench.open());
            QVERIFY(turns.back());
        }
        QSignalSpy phases(bench.backend.get(), &RuntimeBackend::phaseChanged);
        const qint64 pid = bench.backend->processId();
        std::vector<std::shared_ptr<std::optional<TurnResult>>> results;
        for (const Opened &turn : turns) {
            results.push_back(promptLater(**turn, kPatient, QString(1024 * 1024, u'x')));
        }
        int lost = 0;
        for (const auto &result : results) {
            QTRY_VERIFY(*result);
            if ((*result)->end == TurnEnd::Lost) {
                ++lost;
                QCOMPARE((*result)->errorCode, u"exited"_s);
                QVERIFY((*result)->errorText.contains(u"not_reading"_s));
            } else {
                QCOMPARE(int((*result)->end), int(TurnEnd::NotSent));
            }
        }
        QVERIFY(lost >= 8 && lost < kTurns);
        QCOMPARE(phases.size(), 1);
        QTRY_VERIFY(isGroupGone(pid));
        QVERIFY(bench.open());
        QCOMPARE(bench.lines(u"starts"_s).size(), 2);
    }

    void endOfTheAgent_isTheEndOfItsChildren_data()
    {
        QTest::addColumn<bool>("killed");
        QTest::newRow("stubborn") << true;
        QTest::newRow("leaves") << false;
    }
    void endOfTheAgent_isTheEndOfItsChildren()
    {
        QFETCH(bool, killed);
        Bench bench(QString::fromUtf8(QTest::currentDataTag()));
        const Opened turn = bench.open();
        QVERIFY(turn);
        const qint64 child = bench.lines(u"children"_s).value(0).toLongLong();
        QVERIFY(child > 0 && !isProcessGone(child));
        QSignalSpy phases(bench.backend.get(), &RuntimeBackend::phaseChanged);
        if (killed) {
            QCOMPARE(::kill(static_cast<pid_t>(bench.backend->processId()), SIGKILL), 0); // the agent alone
        } else {
            QCOMPARE(int(prompt(**turn).result.end), int(TurnEnd::Lost));
        }
        QTRY_COMPARE(phases.size(), 1);
        QTRY_VERIFY(isProcessGone(child));
    }

    void environment_isAnAllowList()
    {
        qputenv("SIGNALBOX_TEST_TOKEN", "xoxb-secret");
        qputenv("XDG_SIGNALBOX_TEST", "kept");
        Bench bench(u"environment"_s);
        AcpCommand command = bench.command(u"environment"_s);
        command.environment = {{u"KEY"_s, u"of the table"_s}, {u"HOME"_s, u"/elsewhere"_s}};
        bench.start(command);
        QVERIFY(bench.open());
        qunsetenv("SIGNALBOX_TEST_TOKEN");
        qunsetenv("XDG_SIGNALBOX_TEST");
        const QStringList seen = bench.lines(u"environment"_s);
        QVERIFY(seen.contains(u"PATH="_s + qEnvironmentVariable("PATH")));
        QVERIFY(seen.contains(u"KEY=of the table"_s));
        QVERIFY(seen.contains(u"HOME=/elsewhere"_s));
        QVERIFY(seen.contains(u"XDG_SIGNALBOX_TEST=kept"_s));
        QVERIFY(seen.filter(u"SIGNALBOX_TEST_TOKEN"_s).isEmpty());
        QVERIFY(seen.filter(u"xoxb-secret"_s).isEmpty());
    }

    void environment_passesOnWhatItSays()
    {
        const QStringList passed{u"PATH"_s, u"HOME"_s, u"USER"_s, u"LOGNAME"_s, u"SHELL"_s, u"LANG"_s,
            u"LC_ALL"_s, u"LC_TIME"_s, u"LANGUAGE"_s, u"TZ"_s, u"TMPDIR"_s, u"TERM"_s, u"XDG_DATA_HOME"_s,
            u"SSL_CERT_FILE"_s, u"SSL_CERT_DIR"_s, u"NODE_EXTRA_CA_CERTS"_s, u"http_proxy"_s,
            u"https_proxy"_s, u"no_proxy"_s, u"HTTP_PROXY"_s, u"HTTPS_PROXY"_s, u"NO_PROXY"_s};
        const QStringList held{
            u"SLACK_BOT_TOKEN"_s, u"LD_PRELOAD"_s, u"path"_s, u"PATHS"_s, u"LCX"_s, u"MY_HOME"_s};
        QProcessEnvironment engine;
        for (const QString &name : passed + held) {
            engine.insert(name, u"engine"_s);
        }
        QStringList keys = agentEnvironment(engine, {}).keys();
        QStringList expected = passed;
        keys.sort();
        expected.sort();
        QCOMPARE(keys, expected);
        // Added names win, and may be any.
        const QMap<QString, QString> added{{u"PATH"_s, u"table"_s}, {u"SLACK_BOT_TOKEN"_s, u"table"_s}};
        const QProcessEnvironment both = agentEnvironment(engine, added);
        QCOMPARE(both.value(u"PATH"_s), u"table"_s);
        QCOMPARE(both.value(u"SLACK_BOT_TOKEN"_s), u"table"_s);
        // Never empty: that would be everything.
        QVERIFY(!agentEnvironment(QProcessEnvironment(), {}).isEmpty());
    }

    void absurdSessionId_isABadAnswer()
    {
        Bench bench(u"longid"_s);
        QCOMPARE(nativeOf(bench.open()), u"bad_answer"_s);
    }

    void droppedWhileStarting_answersTheOpen()
    {
        Bench bench(u"noinit"_s);
        const auto first = openLater(*bench.backend);
        const auto second = openLater(*bench.backend);
        const qint64 pid = bench.backend->processId();
        QVERIFY(pid > 0);
        bench.backend.reset();
        QTRY_VERIFY(!first->empty() && !second->empty());
        QCOMPARE(nativeOf(first->front()), u"closed"_s);
        QCOMPARE(nativeOf(second->front()), u"closed"_s);
        QTRY_VERIFY(isGroupGone(pid));
    }

    // The cancel has ended the wait, and the event loop has not resumed the waiter yet.
    void droppedJustAfterACancel_answersTheOpen()
    {
        Bench bench(u"noinit"_s);
        async::CancelSource source;
        const auto turns = openLater(*bench.backend, source.token());
        const qint64 pid = bench.backend->processId();
        source.cancel();
        bench.backend.reset();
        QTRY_VERIFY(!turns->empty());
        QVERIFY(!turns->front());
        QTRY_VERIFY(isGroupGone(pid));
    }

    void droppedWhileASessionOpens_answersTheOpen()
    {
        Bench bench(u"nosession"_s);
        const auto turns = openLater(*bench.backend);
        QTRY_COMPARE(bench.lines(u"unanswered"_s).size(), 1);
        const qint64 pid = bench.backend->processId();
        bench.backend.reset();
        QTRY_VERIFY(!turns->empty());
        QCOMPARE(nativeOf(turns->front()), u"exited"_s);
        QTRY_VERIFY(isGroupGone(pid));
    }

    void droppedWithATurnInFlight_losesIt()
    {
        Bench bench(u"mute"_s);
        const Opened turn = bench.open();
        QVERIFY(turn);
        const qint64 pid = bench.backend->processId();
        const auto run = promptLater(**turn);
        bench.backend.reset();
        QTRY_VERIFY(isGroupGone(pid));
        QTRY_VERIFY(*run);
        QCOMPARE(int((*run)->end), int(TurnEnd::Lost));
    }

    void droppedWhileReplacing_answersTheOpen()
    {
        AcpLimits limits = hurried();
        limits.stopGrace = Millis(15'000);
        Bench bench(u"wedged"_s, limits);
        const Opened turn = bench.open();
        QVERIFY(turn);
        const qint64 pid = bench.backend->processId();
        QCOMPARE(int(prompt(**turn, clocksOf(kFirstFrame, 60'000, 0, kGrace)).result.end),
            int(TurnEnd::FirstFrameTimeout));
        const auto turns = openLater(*bench.backend);
        QVERIFY(!isGroupGone(pid));
        bench.backend.reset();
        QTRY_VERIFY(!turns->empty());
        QCOMPARE(nativeOf(turns->front()), u"closed"_s);
        QTRY_VERIFY(isGroupGone(pid));
    }

    void droppedWhileClosing_endsTheClose()
    {
        Bench bench(u"stubborn"_s);
        QVERIFY(bench.open());
        const qint64 pid = bench.backend->processId();
        const auto isClosed = std::make_shared<bool>(false);
        keepEnd(bench.backend->close(Millis(400)), isClosed);
        QVERIFY(!*isClosed);
        bench.backend.reset();
        QTRY_VERIFY(*isClosed);
        QTRY_VERIFY(isGroupGone(pid));
    }

    void closeWhileReplacing_isNotHeldUp()
    {
        AcpLimits limits = hurried();
        limits.stopGrace = Millis(60'000);
        Bench bench(u"wedged"_s, limits);
        const Opened turn = bench.open();
        QVERIFY(turn);
        const qint64 pid = bench.backend->processId();
        QCOMPARE(int(prompt(**turn, clocksOf(kFirstFrame, 60'000, 0, kGrace)).result.end),
            int(TurnEnd::FirstFrameTimeout));
        async::blockOn(bench.backend->close(Millis(100)), kLimit);
        QTRY_VERIFY(isGroupGone(pid));
        QVERIFY(bench.open());
    }
};

QTEST_GUILESS_MAIN(AcpAgentFaultsTest)
#include "tst_acp_agent_faults.moc"
