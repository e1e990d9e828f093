// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "async/completion.h"
#include "async/task_scope.h"
#include "unit/kept_task.h"

#include <QTest>

#include <stdexcept>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::async;
using signalbox::testing::Kept;
using signalbox::testing::start;

class TaskScopeTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void completion_finishedBeforeTheAwait()
    {
        Completion<QString> completion;
        completion.finish(u"early"_s);
        const auto read
            = [](Completion<QString> done) -> QCoro::Task<QString> { co_return co_await done.wait(); };
        QCOMPARE(blockOn(read(completion)), u"early"_s);
    }

    void completion_finishedAfterTheAwait_resumesRightThere()
    {
        Completion<std::unique_ptr<int>> completion;
        const auto read = [](Completion<std::unique_ptr<int>> done) -> QCoro::Task<std::unique_ptr<int>> {
            co_return co_await done.wait();
        };
        const auto result = start(read(completion));
        QVERIFY(!result->value);
        completion.finish(std::make_unique<int>(2));
        QVERIFY(result->value); // without a turn of the event loop
        QCOMPARE(**result->value, 2);
    }

    void completion_aBatchCostsOneEvent()
    {
        std::vector<Completion<int>> batch(100);
        int sum = 0;
        const auto read
            = [](Completion<int> done, int *into) -> QCoro::Task<> { *into += co_await done.wait(); };
        for (const auto &completion : batch)
            read(completion, &sum);
        QObject context;
        const auto finishAll = [&batch] {
            for (size_t i = 0; i < batch.size(); ++i)
                batch[i].finish(static_cast<int>(i));
        };
        QMetaObject::invokeMethod(&context, finishAll, Qt::QueuedConnection);
        QCOMPARE(sum, 0);
        QCoreApplication::sendPostedEvents(&context); // one event, and nothing else runs
        QCOMPARE(sum, 4950);
    }

    void completion_theWaiterMayDestroyTheHolder()
    {
        auto holder = std::make_unique<Completion<int>>();
        bool done = false;
        const auto read
            = [](Completion<int> own, std::unique_ptr<Completion<int>> *dies, bool *ended) -> QCoro::Task<> {
            co_await own.wait();
            dies->reset();
            *ended = true;
        };
        read(*holder, &holder, &done);
        holder->finish(1);
        QVERIFY(done && !holder);
    }

    void scope_cancelsAndJoins()
    {
        TaskScope scope(u"test"_s);
        int cancelled = 0;
        const auto sleeper = [](CancelToken token, int *count) -> QCoro::Task<> {
            *count += co_await delay(Millis(60'000), token) == Wake::Cancelled ? 1 : 0;
        };
        scope.spawn("a", sleeper(scope.token(), &cancelled));
        scope.spawn("b", sleeper(scope.token(), &cancelled));
        QCOMPARE(scope.live(), 2);
        QVERIFY(!blockOn(scope.join(Millis(20)))); // the deadline
        QCOMPARE(scope.live(), 2);
        scope.cancel();
        QVERIFY(blockOn(scope.join(Millis(5000))));
        QCOMPARE(scope.live(), 0);
        QCOMPARE(cancelled, 2);
        QVERIFY(blockOn(scope.join(kNoDeadline))); // nothing to wait for
    }

    void scope_joinsWithoutADeadline()
    {
        TaskScope scope(u"test"_s);
        const auto brief = []() -> QCoro::Task<> { co_await delay(Millis(5)); };
        scope.spawn("brief", brief());
        QVERIFY(blockOn(scope.join(kNoDeadline)));
        QCOMPARE(scope.live(), 0);
    }

    void scope_thatIsFilledAgain_doesNotOutrunTheDeadline()
    {
        TaskScope scope(u"test"_s);
        const auto brief = []() -> QCoro::Task<> { co_await delay(Millis(10)); };
        bool refill = true;
        connect(&scope, &TaskScope::drained, &scope, [&] {
            if (refill)
                scope.spawn("again", brief());
        });
        scope.spawn("first", brief());
        QVERIFY(!blockOn(scope.join(Millis(100)), Millis(5000)));
        refill = false;
        QVERIFY(blockOn(scope.join(Millis(5000))));
    }

    void scope_whoseJoinFailed_isUnjoinedUntilItsTasksEnd()
    {
        const auto sleeper
            = [](CancelToken token) -> QCoro::Task<> { co_await delay(Millis(60'000), token); };
        TaskScope quiet(u"quiet"_s); // nobody joins it: nothing is known of it
        quiet.spawn("a", sleeper(quiet.token()));
        TaskScope scope(u"stuck"_s);
        scope.spawn("a", sleeper(scope.token()));
        scope.spawn("b", sleeper(scope.token()));
        QCOMPARE(TaskScope::unjoined(), QStringList());
        QVERIFY(!blockOn(scope.join(Millis(5))));
        QCOMPARE(TaskScope::unjoined(), QStringList{u"stuck (2)"_s});
        QVERIFY(!blockOn(scope.join(Millis(5))));
        QCOMPARE(TaskScope::unjoined(), QStringList{u"stuck (2)"_s}); // once
        scope.cancel(); // they end by themselves, and nobody joins again
        QTRY_COMPARE(scope.live(), 0);
        QCOMPARE(TaskScope::unjoined(), QStringList());
        quiet.cancel();
        QVERIFY(blockOn(quiet.join(Millis(5000))));
    }

    void scope_thatIsGone_isUnjoinedUntilItsTasksEnd()
    {
        CancelSource source;
        {
            TaskScope scope(u"gone"_s);
            const auto sleeper
                = [](CancelToken token) -> QCoro::Task<> { co_await delay(Millis(60'000), token); };
            scope.spawn("a", sleeper(source.token()));
            QVERIFY(!blockOn(scope.join(Millis(5))));
            QCOMPARE(TaskScope::unjoined().size(), 1);
        }
        QCOMPARE(TaskScope::unjoined(), QStringList{u"gone (1)"_s});
        source.cancel();
        QTRY_COMPARE(TaskScope::unjoined(), QStringList());
    }

    void nextTurn_comesBehindWhatIsPosted()
    {
        QStringList order;
        QObject context;
        const auto second = [&order] { order << u"second"_s; };
        const auto first = [&] {
            order << u"first"_s;
            QMetaObject::invokeMethod(&context, second, Qt::QueuedConnection);
        };
        QMetaObject::invokeMethod(&context, first, Qt::QueuedConnection);
        blockOn(nextTurn());
        QCOMPARE(order, QStringList({u"first"_s, u"second"_s}));
    }

    void scope_logsAThrowingTaskWithItsName()
    {
        s_logged.clear();
        const auto before = qInstallMessageHandler(
            [](QtMsgType type, const QMessageLogContext &context, const QString &text) {
                s_logged << QString::number(type) + u' ' + QString::fromUtf8(context.category) + u' ' + text;
            });
        TaskScope scope(u"test"_s);
        const auto thrower = []() -> QCoro::Task<> {
            co_await delay(Millis(1));
            throw std::runtime_error("went wrong");
        };
        const auto oddThrower = []() -> QCoro::Task<> {
            throw 5;
            co_return;
        };
        scope.spawn("the odd one", oddThrower());
        scope.spawn("the loud one", thrower());
        const bool joined = blockOn(scope.join(Millis(5000)));
        qInstallMessageHandler(before);
        QVERIFY(joined);
        QCOMPARE(s_logged.size(), 2);
        QVERIFY(s_logged[0].startsWith(QString::number(QtCriticalMsg) + u" signalbox.engine.async "_s));
        QVERIFY(s_logged[0].contains(u"the odd one"_s));
        QVERIFY(s_logged[1].startsWith(QString::number(QtCriticalMsg) + u" signalbox.engine.async "_s));
        QVERIFY(s_logged[1].contains(u"the loud one"_s) && s_logged[1].contains(u"went wrong"_s));
    }

    void scope_outlived_isLoggedAndHarmless()
    {
        s_logged.clear();
        const auto before
            = qInstallMessageHandler([](QtMsgType type, const QMessageLogContext &, const QString &text) {
                  s_logged << QString::number(type) + text;
              });
        bool ended = false;
        std::shared_ptr<Kept<bool>> join;
        {
            TaskScope scope(u"short-lived"_s);
            const auto task = [](bool *done) -> QCoro::Task<> {
                co_await delay(Millis(10));
                *done = true;
            };
            scope.spawn("long", task(&ended));
            join = start(scope.join(kNoDeadline));
        }
        qInstallMessageHandler(before);
        QCOMPARE(s_logged.size(), 1);
        QVERIFY(
            s_logged[0].startsWith(QString::number(QtCriticalMsg)) && s_logged[0].contains(u"short-lived"_s));
        QTRY_VERIFY(ended && join->value);
        QVERIFY(!*join->value);
    }

private:
    static inline QStringList s_logged;
};

QTEST_GUILESS_MAIN(TaskScopeTest)
#include "tst_task_scope.moc"
