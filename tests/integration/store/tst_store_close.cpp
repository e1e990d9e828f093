// SPDX-License-Identifier: Apache-2.0
// What becomes of work when its executor closes: it runs or it fails, and whoever awaits it is told.
#include "store/postgres_executor.h"
#include "store/sqlite_executor.h"
#include "store_fixture.h"

#include <semaphore>
#include <thread>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using signalbox::testing::StoreFixture;

namespace {

// The outcomes in the order in which they were delivered: "name ok" or "name code/native".
class NotedJob final : public Job
{
public:
    NotedJob(
        QStringList *outcomes, QString name, std::function<void()> work = {}, std::function<void()> next = {})
        : m_outcomes(outcomes)
        , m_name(std::move(name))
        , m_work(std::move(work))
        , m_next(std::move(next))
    {
    }
    Status run(Session &) override
    {
        if (m_work)
            m_work();
        return {};
    }
    void fail(Error error) override { m_outcome = errorCodeName(error.code()) + u'/' + error.native(); }
    void deliver() override
    {
        *m_outcomes << m_name + u' ' + m_outcome;
        if (m_next)
            m_next();
    }

private:
    QStringList *m_outcomes;
    QString m_name;
    QString m_outcome = u"ok"_s;
    std::function<void()> m_work;
    std::function<void()> m_next;
};

std::unique_ptr<Executor> makeExecutor(StoreFixture &f)
{
    const DatabaseTarget target = *DatabaseTarget::parse(f.url(), QString());
    if (StoreFixture::isPostgres())
        return std::make_unique<PostgresExecutor>(target, f.clock, 2, &f.home);
    return std::make_unique<SqliteExecutor>(target, f.clock, 1, &f.home);
}

constexpr Lane kLanes[]{Lane::Ingest, Lane::Work, Lane::Read};

} // namespace

class StoreCloseTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void postAfterClose_failsAtOnce();
    void closeWithoutOpen_failsWhatWasPosted();
    void queuedJobs_areAllDelivered();
    void jobThatIsPostedFromAResult_isDelivered();
    void postBetweenThreads_isNeverLost();
    void awaitersOfAClosedStore_allResume();
};

void StoreCloseTest::postAfterClose_failsAtOnce()
{
    SIGNALBOX_STORE(f);
    QStringList outcomes;
    const auto executor = makeExecutor(f);
    QVERIFY(executor->open());
    executor->close();
    for (const Lane lane : kLanes)
        executor->post(lane, std::make_unique<NotedJob>(&outcomes, u"late"_s));
    // Without a turn of the event loop.
    QCOMPARE(outcomes, QStringList(3, u"late unavailable/closed"_s));
    executor->close(); // again is harmless
    QCOMPARE(executor->stats().queuedIngest.load(), 0);
    QCOMPARE(executor->stats().queuedWork.load(), 0);
}

void StoreCloseTest::closeWithoutOpen_failsWhatWasPosted()
{
    SIGNALBOX_STORE(f);
    QStringList outcomes;
    auto executor = makeExecutor(f);
    for (const Lane lane : kLanes)
        executor->post(lane, std::make_unique<NotedJob>(&outcomes, u"early"_s));
    executor.reset();
    QTRY_COMPARE(outcomes, QStringList(3, u"early unavailable/closed"_s));
}

void StoreCloseTest::queuedJobs_areAllDelivered()
{
    SIGNALBOX_STORE(f);
    QStringList outcomes;
    const auto executor = makeExecutor(f);
    QVERIFY(executor->open());
    std::counting_semaphore<8> busy(0);
    std::counting_semaphore<8> go(0);
    // Every thread of either executor is held, so that what follows is queued.
    for (const Lane lane : {Lane::Work, Lane::Read}) {
        executor->post(lane, std::make_unique<NotedJob>(&outcomes, u"holder"_s, [&] {
            busy.release();
            go.acquire();
        }));
        busy.acquire();
    }
    for (int i = 0; i < 900; ++i)
        executor->post(kLanes[i % 3], std::make_unique<NotedJob>(&outcomes, u"queued"_s));
    std::thread releaser([&] { go.release(2); });
    executor->close();
    releaser.join();
    QTRY_COMPARE(outcomes.size(), 902);
    QCOMPARE(outcomes.count(u"queued ok"_s), 900);
    QCOMPARE(outcomes.count(u"holder ok"_s), 2);
}

void StoreCloseTest::jobThatIsPostedFromAResult_isDelivered()
{
    SIGNALBOX_STORE(f);
    QStringList outcomes;
    const auto executor = makeExecutor(f);
    QVERIFY(executor->open());
    const auto postNext
        = [&] { executor->post(Lane::Read, std::make_unique<NotedJob>(&outcomes, u"next"_s)); };
    executor->post(
        Lane::Work, std::make_unique<NotedJob>(&outcomes, u"first"_s, std::function<void()>(), postNext));
    executor->close();
    QTRY_COMPARE(outcomes, QStringList({u"first ok"_s, u"next unavailable/closed"_s}));
}

// Each round races the last jobs against the close: whatever the threads are just doing, nothing vanishes.
void StoreCloseTest::postBetweenThreads_isNeverLost()
{
    SIGNALBOX_STORE(f);
    for (int round = 0; round < 20; ++round) {
        QStringList outcomes;
        const auto executor = makeExecutor(f);
        QVERIFY(executor->open());
        for (int i = 0; i < 30; ++i) {
            executor->post(kLanes[i % 3], std::make_unique<NotedJob>(&outcomes, u"job"_s));
            if (i % 7 == round % 7)
                QCoreApplication::processEvents();
        }
        executor->close();
        QTRY_COMPARE(outcomes.size(), 30);
        QCOMPARE(outcomes.count(u"job ok"_s), 30);
    }
}

void StoreCloseTest::awaitersOfAClosedStore_allResume()
{
    SIGNALBOX_STORE(f);
    int resumed = 0;
    // Each asks again from its own result, as services do until they are told to end.
    const auto asker = [](Store *store, int *count) -> QCoro::Task<> {
        Status answer;
        while (answer)
            answer = co_await store->ping();
        *count += answer.error().code() == ErrorCode::Unavailable ? 1 : 0;
    };
    for (int i = 0; i < 50; ++i)
        asker(&f.db(), &resumed);
    f.db().close();
    QTRY_COMPARE(resumed, 50);
    const auto refused = async::blockOn(f.db().ping());
    QVERIFY(!refused);
    QCOMPARE(refused.error().code(), ErrorCode::Unavailable);
}

QTEST_GUILESS_MAIN(StoreCloseTest)
#include "tst_store_close.moc"
