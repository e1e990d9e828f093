// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "async/run_on.h"
#include "async/wait.h"
#include "unit/kept_task.h"

#include <QSemaphore>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::async;
using signalbox::testing::start;
using signalbox::testing::Typed;

class AsyncThreadsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void init()
    {
        m_thread = std::make_unique<QThread>();
        m_target = new QObject;
        m_target->moveToThread(m_thread.get());
        m_thread->start();
    }
    void cleanup()
    {
        if (m_target)
            m_target->deleteLater();
        m_thread->quit();
        QVERIFY(m_thread->wait(20'000));
        QCoreApplication::sendPostedEvents();
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    }

    void runOn_givesTheResultOnTheCallingThread()
    {
        QThreadPool pool;
        const auto work = [](QThreadPool *on) -> QCoro::Task<bool> {
            auto task = runOn(on, [] { return QThread::currentThread(); });
            QThread *ranOn = co_await task;
            co_return ranOn != QThread::currentThread() && QThread::currentThread() == qApp->thread();
        };
        QVERIFY(blockOn(work(&pool)));
    }

    void runOn_keepsTheTypeOfAnException()
    {
        QThreadPool pool;
        const auto thrower = []() -> int { throw Typed(42); };
        int code = 0;
        try {
            [[maybe_unused]] const int never = blockOn(runOn(&pool, thrower));
        } catch (const Typed &error) {
            code = error.code;
        }
        QCOMPARE(code, 42);
    }

    void runOn_takesMoveOnlyResultsAndVoid()
    {
        QThreadPool pool;
        const auto number = blockOn(runOn(&pool, [] { return std::make_unique<int>(5); }));
        QCOMPARE(*number, 5);
        bool ran = false;
        blockOn(runOn(&pool, [&ran] { ran = true; }));
        QVERIFY(ran);
    }

    void runOnThread_resultArrivesOnTheCallingThread()
    {
        const auto work = [](QObject *target) -> QCoro::Task<bool> {
            const auto job = []() -> QCoro::Task<QThread *> {
                co_await delay(Millis(1));
                co_return QThread::currentThread();
            };
            auto task = runOnThread(target, job, static_cast<QThread *>(nullptr));
            QThread *const ranOn = co_await task;
            co_return ranOn == target->thread() && QThread::currentThread() == qApp->thread();
        };
        QVERIFY(blockOn(work(m_target)));
    }

    void runOnThread_onTheOwnThreadToo()
    {
        QObject here;
        const auto job = []() -> QCoro::Task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
        auto answer = blockOn(runOnThread(&here, job, std::unique_ptr<int>()));
        QVERIFY(answer);
        QCOMPARE(*answer, 3);
    }

    void runOnThread_handsOverWhatTheWorkThrew()
    {
        const auto job = []() -> QCoro::Task<int> {
            co_await delay(Millis(1));
            throw Typed(9);
        };
        int code = 0;
        try {
            [[maybe_unused]] const int never = blockOn(runOnThread(m_target, job, 0));
        } catch (const Typed &error) {
            code = error.code;
        }
        QCOMPARE(code, 9);
    }

    void runOnThread_targetDiesBeforeTheWork()
    {
        // The thread is held until the target's deletion stands in its queue in front of the work.
        QSemaphore held;
        QMetaObject::invokeMethod(
            m_target, [&held] { held.acquire(); }, Qt::QueuedConnection);
        m_target->deleteLater();
        bool ran = false;
        const auto job = [&ran]() -> QCoro::Task<int> {
            ran = true;
            return []() -> QCoro::Task<int> { co_return 1; }();
        };
        const auto answer = start(runOnThread(m_target, job, -1));
        m_target = nullptr;
        held.release();
        QTRY_VERIFY(answer->value);
        QCOMPARE(*answer->value, -1);
        QVERIFY(!ran);
    }

    void runOnThread_targetDiesDuringTheWork()
    {
        // The work goes on without its target and reports to a caller whose frame has ended: nobody listens.
        auto ended = std::make_shared<QSemaphore>();
        auto go = std::make_shared<QSemaphore>();
        QObject *const target = m_target;
        const auto finishLate = [](QObject *dying, std::shared_ptr<QSemaphore> mayEnd,
                                    std::shared_ptr<QSemaphore> hasEnded) -> QCoro::Task<int> {
            dying->deleteLater();
            while (!mayEnd->tryAcquire())
                co_await delay(Millis(1));
            hasEnded->release();
            co_return 1;
        };
        const auto job = [=] { return finishLate(target, go, ended); };
        auto answer = start(runOnThread(target, job, -1));
        m_target = nullptr;
        QTRY_VERIFY(answer->value);
        QCOMPARE(*answer->value, -1);
        answer.reset();
        go->release();
        QVERIFY(ended->tryAcquire(1, 20'000));
    }

    void runOnThread_callerMayDropItsTask()
    {
        auto seen = std::make_shared<int>(0);
        const auto job = []() -> QCoro::Task<int> {
            co_await delay(Millis(5));
            co_return 4;
        };
        const auto caller
            = [](QObject *target, decltype(job) work, std::shared_ptr<int> into) -> QCoro::Task<> {
            auto task = runOnThread(target, work, -1);
            *into = co_await task;
        };
        {
            const auto dropped = caller(m_target, job, seen);
        }
        QTRY_COMPARE(*seen, 4);
        QTRY_COMPARE(seen.use_count(), 1L); // the frame has gone with the result
    }

private:
    std::unique_ptr<QThread> m_thread;
    QObject *m_target = nullptr;
};

QTEST_GUILESS_MAIN(AsyncThreadsTest)
#include "tst_async_threads.moc"
