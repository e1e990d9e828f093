// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "gateway/delivery_runner.h"
#include "store/sql_store.h"
#include "support/fake_clock.h"
#include "support/held_executor.h"
#include "unit/kept_task.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::gateway;
using signalbox::testing::FakeClock;
using signalbox::testing::HeldExecutor;
using signalbox::testing::start;

namespace {

// A provider that binds at once and then prepares its runtime until it is told to stop.
class PreparingBackend final : public runtimes::RuntimeBackend
{
public:
    QString name() const override { return u"agent"_s; }
    QString kind() const override { return u"acp"_s; }
    bool sessionsPerThread() const override { return true; }
    QString renderPrompt(const domain::PromptContext &, const QString &text) const override { return text; }
    bool unescapesText() const override { return false; }
    QCoro::Task<Result<runtimes::Binding>> bind(runtimes::BindRequest, async::CancelToken) override
    {
        co_return runtimes::Binding();
    }
    QCoro::Task<Result<std::shared_ptr<runtimes::Turn>>> open(
        runtimes::Binding, runtimes::OpenRequest, async::CancelToken cancel) override
    {
        ++opening;
        co_await async::delay(Millis(600'000), cancel);
        co_return fail(ErrorCode::Cancelled, u"stopped"_s);
    }
    QCoro::Task<> close(Millis) override { co_return; }
    int opening = 0;
};

QCoro::Task<bool> ended(QCoro::Task<> task)
{
    co_await task;
    co_return true;
}

store::ClaimedDelivery delivery()
{
    store::ClaimedDelivery delivery;
    delivery.id = u"de1"_s;
    delivery.installationId = u"in1"_s;
    delivery.backend = u"agent"_s;
    delivery.place = u"C1"_s;
    delivery.mentioned = true;
    delivery.messageTs = u"1764000000.000100"_s;
    delivery.payload = R"({"type":"message","channel_type":"channel","text":"hello"})";
    return delivery;
}

} // namespace

// The acknowledgement is queued beside the turn. It must not outlive the runner when the turn ends before it.
class DeliveryRunnerStopTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void stop_waitsForTheAcknowledgement()
    {
        QObject home;
        const FakeClock clock;
        SystemIdGenerator ids(clock);
        const config::Config config;
        auto *executor = new HeldExecutor(&home);
        store::SqlStore store(std::unique_ptr<store::Executor>(executor), store::Dialect::Sqlite, 100);
        InstallationBook book(store, config);
        EngineLease lease(store, clock, Millis(15'000), Millis(180'000));
        Backends backends;
        auto *backend = new PreparingBackend;
        backends.emplace(u"agent"_s, backend);
        int outbound = 0;
        {
            const DeliveryDrafts drafts(config, ids);
            RuntimeRefresh refresh(clock, config.recovery.sessionRetryInterval);
            RuntimeReach reach(store, book, refresh, config, clock, ids, drafts);
            TurnAdoption adoption(store, reach, config);
            EngineOrders orders(store, lease);
            Interactions interactions(store, book, lease, orders, config, ids);
            DeliveryRunner runner(
                store, book, backends, lease, reach, adoption, interactions, drafts, config, ids);
            runner.onOutbound([&outbound] { ++outbound; });
            async::CancelSource stopping;
            const auto ran = start(ended(runner.run(delivery(), stopping.token())));
            QCOMPARE(backend->opening, 1);
            QCOMPARE(executor->held(), size_t(1)); // the acknowledgement
            stopping.cancel();
            QTRY_VERIFY(ran->value); // the delivery ends without it
            const auto stopped = start(ended(runner.stop()));
            async::blockOn(async::nextTurn());
            QVERIFY(!stopped->value);
            executor->release();
            QTRY_VERIFY(stopped->value);
            async::blockOn(reach.stop());
            async::blockOn(refresh.stop());
        }
        QCOMPARE(async::TaskScope::unjoined(), QStringList());
        QCOMPARE(outbound, 0);
    }
};

QTEST_GUILESS_MAIN(DeliveryRunnerStopTest)
#include "tst_delivery_runner_stop.moc"
