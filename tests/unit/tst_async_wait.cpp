// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "async/wait.h"
#include "unit/kept_task.h"

#include <QAbstractEventDispatcher>
#include <QElapsedTimer>
#include <QProcess>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::async;
using signalbox::testing::start;
using signalbox::testing::Typed;

namespace {

class Emitter : public QObject
{
    Q_OBJECT
Q_SIGNALS:
    void fired(int value);
    void plain();
};

template <class Function>
void after(Millis time, QObject *context, Function function)
{
    QTimer::singleShot(time, context, std::move(function));
}

} // namespace

class AsyncWaitTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void signal_twiceBeforeDelivery_wakesOnce()
    {
        auto emitter = std::make_unique<Emitter>();
        const auto wake = start(waitSignal(emitter.get(), &Emitter::fired, Millis(5000)));
        Q_EMIT emitter->fired(1);
        Q_EMIT emitter->fired(2);
        QVERIFY2(!wake->value, "the coroutine must not be resumed inside the emission");
        emitter.reset(); // the first of the four wins, also against the sender's death
        QTRY_VERIFY(wake->value);
        QCOMPARE(*wake->value, Wake::Fired);
    }

    void signalAndTimeoutInOneTurn_eachWaiterWakesOnce()
    {
        Emitter emitter;
        int woken = 0;
        int fired = 0;
        const auto waitOnce = [](Emitter *sender, int *all, int *byDeadline) -> QCoro::Task<> {
            const Wake wake = co_await waitSignal(sender, &Emitter::fired, Millis(20));
            ++*all;
            *byDeadline += wake == Wake::Fired ? 0 : 1;
        };
        for (int i = 0; i < 200; ++i)
            waitOnce(&emitter, &woken, &fired);
        for (int k = 0; k < 20; ++k)
            after(Millis(15 + k), &emitter, [&emitter, k] { Q_EMIT emitter.fired(k); });
        QTRY_COMPARE(woken, 200);
        QVERIFY(blockOn(delay(Millis(40))) == Wake::Fired); // the rest of the emissions meets no waiter
        QCOMPARE(woken, 200);
    }

    void senderDestroyed_data()
    {
        QTest::addColumn<int>("deadline");
        QTest::newRow("with a deadline") << 5000;
        QTest::newRow("without one") << -1;
    }
    void senderDestroyed()
    {
        QFETCH(int, deadline);
        auto *emitter = new Emitter;
        const auto wake = start(waitSignal(emitter, &Emitter::fired, Millis(deadline)));
        delete emitter;
        QTRY_VERIFY(wake->value);
        QCOMPARE(*wake->value, Wake::SenderGone);
    }

    void timeout_endsTheWait()
    {
        Emitter emitter;
        QElapsedTimer clock;
        clock.start();
        QCOMPARE(blockOn(waitSignal(&emitter, &Emitter::fired, Millis(30))), Wake::TimedOut);
        QVERIFY2(clock.elapsed() >= 29, qPrintable(QString::number(clock.elapsed())));
        QCOMPARE(blockOn(waitSignal(&emitter, &Emitter::fired, Millis(0))), Wake::TimedOut);
    }

    void deadline_leavesNoTimerBehind()
    {
        const auto *dispatcher = QAbstractEventDispatcher::instance();
        const qsizetype before = dispatcher->children().size();
        Emitter emitter;
        for (int i = 0; i < 50; ++i) {
            const auto wake = start(waitSignal(&emitter, &Emitter::plain, Millis(600'000)));
            Q_EMIT emitter.plain();
            QTRY_VERIFY(wake->value);
        }
        // A wait that is over must not hold memory until its deadline.
        QVERIFY2(dispatcher->children().size() < before + 10,
            qPrintable(QString::number(dispatcher->children().size())));
    }

    void cancel_beforeTheWait()
    {
        Emitter emitter;
        CancelSource source;
        source.cancel();
        QCOMPARE(
            blockOn(waitSignal(&emitter, &Emitter::fired, kNoDeadline, source.token())), Wake::Cancelled);
        QCOMPARE(blockOn(delay(Millis(60'000), source.token())), Wake::Cancelled);
    }

    void cancel_duringTheWait()
    {
        Emitter emitter;
        CancelSource source;
        const auto wake = start(waitSignal(&emitter, &Emitter::fired, kNoDeadline, source.token()));
        const auto pause = start(delay(Millis(60'000), source.token()));
        source.cancel();
        source.cancel(); // a second one changes nothing
        Q_EMIT emitter.fired(1);
        QVERIFY(!wake->value && !pause->value);
        QTRY_VERIFY(wake->value && pause->value);
        QCOMPARE(*wake->value, Wake::Cancelled);
        QCOMPARE(*pause->value, Wake::Cancelled);
    }

    void cancel_follows()
    {
        CancelSource parent;
        CancelSource child;
        child.follow(parent.token());
        QVERIFY(!child.token().isCancelled());
        parent.cancel();
        QVERIFY(child.token().isCancelled());
        CancelSource late;
        late.follow(parent.token());
        QVERIFY(late.token().isCancelled());
        CancelSource lonely;
        CancelSource other;
        lonely.follow(CancelToken());
        lonely.follow(other.token());
        lonely.cancel();
        QVERIFY(!other.token().isCancelled()); // upwards nothing happens
        QVERIFY(!CancelToken().isCancelled());
    }

    void cancel_childMayDieFirst()
    {
        CancelSource parent;
        {
            CancelSource child;
            child.follow(parent.token());
        }
        parent.cancel();
        QVERIFY(parent.token().isCancelled());
    }

    void delay_lastsAsLongAsItSays()
    {
        QElapsedTimer clock;
        clock.start();
        QCOMPARE(blockOn(delay(Millis(25))), Wake::Fired);
        QVERIFY2(clock.elapsed() >= 24, qPrintable(QString::number(clock.elapsed())));
    }

    void senderMayBeDeletedRightAfterTheAwait()
    {
        const auto work = []() -> QCoro::Task<Wake> {
            auto *emitter = new Emitter;
            QTimer::singleShot(0, emitter, &Emitter::plain);
            const Wake wake = co_await waitSignal(emitter, &Emitter::plain, Millis(5000));
            delete emitter; // the resume is not inside the emission
            co_return wake;
        };
        QCOMPARE(blockOn(work()), Wake::Fired);
    }

    void frameMayDieWithItsSenderStillEmitting()
    {
        // The coroutine ends by its deadline; emissions after that meet a latch that is gone or disarmed.
        Emitter emitter;
        const auto wake = start(waitSignal(&emitter, &Emitter::plain, Millis(0)));
        QTRY_VERIFY(wake->value);
        QCOMPARE(*wake->value, Wake::TimedOut);
        Q_EMIT emitter.plain();
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
        Q_EMIT emitter.plain();
    }

    void process_thatCannotStart_isKnownAtOnce()
    {
        QProcess process;
        QElapsedTimer clock;
        clock.start();
        process.start(u"/nonexistent/program"_s, QStringList());
        QCOMPARE(blockOn(waitProcess(&process, Millis(60'000)), Millis(10'000)), Wake::Fired);
        QCOMPARE(process.error(), QProcess::FailedToStart);
        QVERIFY2(clock.elapsed() < 5000, qPrintable(QString::number(clock.elapsed())));
    }

    void process_thatExitsQuickly()
    {
        QProcess process;
        process.start(u"/bin/true"_s, QStringList());
        QCOMPARE(blockOn(waitProcess(&process, Millis(20'000)), Millis(30'000)), Wake::Fired);
        QCOMPARE(process.exitCode(), 0);
        QCOMPARE(process.state(), QProcess::NotRunning);
        // One that has ended already is not waited for.
        QCOMPARE(blockOn(waitProcess(&process, kNoDeadline)), Wake::Fired);
    }

    void process_deadlineCancelAndDeath()
    {
        auto process = std::make_unique<QProcess>();
        process->start(u"/bin/cat"_s, QStringList());
        QVERIFY(process->waitForStarted());
        QCOMPARE(blockOn(waitProcess(process.get(), Millis(20))), Wake::TimedOut);
        CancelSource source;
        const auto cancelled = start(waitProcess(process.get(), kNoDeadline, source.token()));
        source.cancel();
        QTRY_VERIFY(cancelled->value);
        QCOMPARE(*cancelled->value, Wake::Cancelled);
        const auto killed = start(waitProcess(process.get(), kNoDeadline));
        process->kill();
        QTRY_VERIFY(killed->value);
        QCOMPARE(*killed->value, Wake::Fired);
        process.reset();
        QCOMPARE(blockOn(waitProcess(process.get(), kNoDeadline)), Wake::SenderGone);
    }

    void blockOn_rethrows()
    {
        const auto thrower = [](bool late) -> QCoro::Task<int> {
            if (late)
                co_await delay(Millis(1));
            throw Typed(7);
        };
        for (const bool late : {false, true}) {
            int code = 0;
            try {
                [[maybe_unused]] const int never = blockOn(thrower(late));
            } catch (const Typed &error) {
                code = error.code;
            }
            QCOMPARE(code, 7);
        }
    }
};

QTEST_GUILESS_MAIN(AsyncWaitTest)
#include "tst_async_wait.moc"
