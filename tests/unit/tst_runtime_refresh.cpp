// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "gateway/runtime_refresh.h"
#include "kept_task.h"
#include "support/fake_clock.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::gateway;
using runtimes::Binding;
using runtimes::BindRequest;
using signalbox::testing::FakeClock;
using signalbox::testing::Kept;
using signalbox::testing::start;

namespace {

using Waited = Result<std::optional<Binding>>;
constexpr Millis kInterval{60};

// A provider that answers as told: at once, or when the test lets it.
class AskedBackend final : public runtimes::RuntimeBackend
{
public:
    QString name() const override { return u"agent"_s; }
    QString kind() const override { return u"spritz"_s; }
    bool sessionsPerThread() const override { return false; }
    QString renderPrompt(const domain::PromptContext &, const QString &text) const override { return text; }
    bool unescapesText() const override { return false; }
    QCoro::Task<Result<std::shared_ptr<runtimes::Turn>>> open(
        runtimes::Binding, runtimes::OpenRequest, async::CancelToken) override
    {
        co_return fail(ErrorCode::Internal, u"not asked for here"_s);
    }
    QCoro::Task<> close(Millis) override { co_return; }
    QCoro::Task<Result<Binding>> bind(BindRequest request, async::CancelToken cancel) override
    {
        asked.push_back(request);
        at.push_back(clock.boot());
        const size_t number = asked.size();
        if (hold) {
            const async::CancelToken freed = release.token();
            const async::CancelToken stop = deaf ? async::CancelToken() : cancel;
            const async::Wake wake = co_await async::waitSignal(
                freed.state(), &async::CancelState::cancelled, async::kNoDeadline, stop);
            if (wake == async::Wake::Cancelled)
                co_return fail(Error(ErrorCode::Cancelled, u"cancelled"_s, u"cancelled"_s));
        }
        if (number <= failures)
            co_return fail(Error(ErrorCode::Unavailable, u"not there yet"_s, failure));
        Binding binding;
        binding.instanceId = u"runtime-%1"_s.arg(number);
        co_return binding;
    }

    SystemClock clock;
    std::vector<BindRequest> asked;
    std::vector<Millis> at;
    size_t failures = 0; // so many answers say `failure` before the first good one
    QString failure = u"unavailable"_s;
    bool hold = false; // answers wait for `release`
    bool deaf = false; // and do not mind being cancelled
    async::CancelSource release;
};

BindRequest at(const QString &place, const QString &tenant = u"T1"_s)
{
    BindRequest request;
    request.tenant = tenant;
    request.place = place;
    return request;
}

const QString kKey = u"in1|agent|ns/runtime"_s;
constexpr size_t kForEver = 1'000'000;

// What a waiter was told: the runtime, "asks itself", or the native code of its error; "" while it waits.
QString told(const std::shared_ptr<Kept<Waited>> &waiter)
{
    if (!waiter->value)
        return {};
    const Waited &waited = *waiter->value;
    if (!waited)
        return waited.error().native();
    return *waited ? (*waited)->instanceId : u"asks itself"_s;
}

QCoro::Task<bool> ended(QCoro::Task<> task)
{
    co_await task;
    co_return true;
}

} // namespace

class RuntimeRefreshTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void cleanup() { QCOMPARE(async::TaskScope::unjoined(), QStringList()); }

    void fiftyWaiters_causeOneForcedBindInEachInterval()
    {
        AskedBackend backend;
        backend.failures = 3;
        RuntimeRefresh refresh(backend.clock, kInterval);
        std::vector<std::shared_ptr<Kept<Waited>>> waiters;
        for (int i = 0; i < 50; ++i)
            waiters.push_back(
                start(refresh.wait(&backend, kKey, at(u"C%1"_s.arg(i % 10)), async::CancelToken())));
        QCOMPARE(refresh.groups(), 1);
        for (const auto &waiter : waiters)
            QTRY_VERIFY(waiter->value);
        QCOMPARE(backend.asked.size(), size_t(4));
        for (const BindRequest &request : backend.asked) {
            QVERIFY(request.force);
            QCOMPARE(request.place, u"C0"_s); // of the first who waited
            QCOMPARE(request.tenant, u"T1"_s);
        }
        for (size_t i = 1; i < backend.at.size(); ++i)
            QVERIFY(backend.at[i] - backend.at[i - 1] >= kInterval - Millis(2)); // the clocks' grain
        for (int i = 0; i < 50; ++i)
            QCOMPARE(told(waiters[size_t(i)]), i % 10 == 0 ? u"runtime-4"_s : u"asks itself"_s);
        QCOMPARE(refresh.groups(), 0);
        async::blockOn(refresh.stop());
    }

    void onlyTheSamePlaceOfTheSameTenant_isTold()
    {
        AskedBackend backend;
        backend.hold = true;
        RuntimeRefresh refresh(backend.clock, kInterval);
        const auto first = start(refresh.wait(&backend, kKey, at(u"C1"_s), async::CancelToken()));
        const auto same = start(refresh.wait(&backend, kKey, at(u"C1"_s), async::CancelToken()));
        const auto place = start(refresh.wait(&backend, kKey, at(u"C2"_s), async::CancelToken()));
        const auto tenant = start(refresh.wait(&backend, kKey, at(u"C1"_s, u"T2"_s), async::CancelToken()));
        QVERIFY(!first->value && !same->value && !place->value && !tenant->value);
        backend.release.cancel();
        QTRY_VERIFY(first->value && same->value && place->value && tenant->value);
        QCOMPARE(told(first), u"runtime-1"_s);
        QCOMPARE(told(same), u"runtime-1"_s);
        QCOMPARE(told(place), u"asks itself"_s);
        QCOMPARE(told(tenant), u"asks itself"_s);
        QCOMPARE(backend.asked.size(), size_t(1));
        async::blockOn(refresh.stop());
    }

    void eachKey_isAskedForOnItsOwn()
    {
        AskedBackend backend;
        FakeClock clock; // stands still
        RuntimeRefresh refresh(clock, Millis(600'000));
        const auto one = start(refresh.wait(&backend, u"a"_s, at(u"C1"_s), async::CancelToken()));
        const auto two = start(refresh.wait(&backend, u"b"_s, at(u"C2"_s), async::CancelToken()));
        QTRY_VERIFY(one->value && two->value);
        QCOMPARE(backend.asked.size(), size_t(2));
        QCOMPARE(told(one), u"runtime-1"_s);
        QCOMPARE(told(two), u"runtime-2"_s);
        async::blockOn(refresh.stop());
    }

    // Also between those who come one after the other.
    void theInterval_outlivesTheWait()
    {
        AskedBackend backend;
        FakeClock clock;
        RuntimeRefresh refresh(clock, Millis(600'000));
        QVERIFY(async::blockOn(refresh.wait(&backend, kKey, at(u"C1"_s), async::CancelToken())));
        clock.advance(Millis(600'000));
        QVERIFY(async::blockOn(refresh.wait(&backend, kKey, at(u"C1"_s), async::CancelToken())));
        QCOMPARE(backend.asked.size(), size_t(2));
        clock.advance(Millis(1));
        async::CancelSource leave;
        const auto early = start(refresh.wait(&backend, kKey, at(u"C1"_s), leave.token()));
        async::blockOn(async::nextTurn());
        QCOMPARE(backend.asked.size(), size_t(2));
        QVERIFY(!early->value);
        leave.cancel();
        QTRY_VERIFY(early->value);
        async::blockOn(refresh.stop());
    }

    void refusal_reachesAll_data()
    {
        QTest::addColumn<QString>("native");
        QTest::newRow("forbidden") << u"http_403"_s;
        QTest::newRow("unresolved") << u"unresolved"_s;
        QTest::newRow("not resolved") << u"not_resolved"_s;
    }
    void refusal_reachesAll()
    {
        QFETCH(QString, native);
        AskedBackend backend;
        backend.failures = kForEver;
        backend.failure = native;
        backend.hold = true;
        RuntimeRefresh refresh(backend.clock, kInterval);
        std::vector<std::shared_ptr<Kept<Waited>>> waiters;
        for (int i = 0; i < 5; ++i)
            waiters.push_back(start(refresh.wait(&backend, kKey, at(u"C%1"_s.arg(i)), async::CancelToken())));
        backend.release.cancel();
        for (const auto &waiter : waiters) {
            QTRY_VERIFY(waiter->value);
            QCOMPARE(told(waiter), native);
        }
        QCOMPARE(backend.asked.size(), size_t(1));
        QCOMPARE(refresh.groups(), 0);
        async::blockOn(refresh.stop());
    }

    void oneWhoLeaves_leavesTheOthers()
    {
        AskedBackend backend;
        backend.failures = 2;
        RuntimeRefresh refresh(backend.clock, kInterval);
        async::CancelSource leave;
        const auto first = start(refresh.wait(&backend, kKey, at(u"C1"_s), leave.token()));
        const auto other = start(refresh.wait(&backend, kKey, at(u"C2"_s), async::CancelToken()));
        leave.cancel();
        QTRY_VERIFY(first->value);
        QCOMPARE(told(first), u"cancelled"_s);
        QCOMPARE(first->value->error().code(), ErrorCode::Cancelled);
        QCOMPARE(refresh.groups(), 1);
        QTRY_VERIFY(other->value);
        QCOMPARE(told(other), u"asks itself"_s);
        QCOMPARE(backend.asked.size(), size_t(3));
        async::blockOn(refresh.stop());
    }

    // As many leave as came: then nobody asks any more, neither in a pause nor in an exchange.
    void nobodyLeft_nobodyAsks_data()
    {
        QTest::addColumn<bool>("held");
        QTest::newRow("in a pause") << false;
        QTest::newRow("in an exchange") << true;
    }
    void nobodyLeft_nobodyAsks()
    {
        QFETCH(bool, held);
        AskedBackend backend;
        backend.failures = kForEver;
        backend.hold = held;
        RuntimeRefresh refresh(backend.clock, Millis(600'000));
        async::CancelSource leave;
        std::vector<std::shared_ptr<Kept<Waited>>> waiters;
        for (int i = 0; i < 3; ++i)
            waiters.push_back(start(refresh.wait(&backend, kKey, at(u"C1"_s), leave.token())));
        QCOMPARE(refresh.groups(), 1);
        leave.cancel();
        for (const auto &waiter : waiters)
            QTRY_COMPARE(told(waiter), u"cancelled"_s);
        QTRY_COMPARE(refresh.groups(), 0); // the last thing that its poll does
        QCOMPARE(backend.asked.size(), size_t(1));
        async::blockOn(refresh.stop());
    }

    // Its predecessor's poll still hangs in an exchange that does not mind being cancelled.
    void oneWhoComesRightAfterTheLast_isServed()
    {
        AskedBackend backend;
        backend.hold = true;
        backend.deaf = true;
        RuntimeRefresh refresh(backend.clock, kInterval);
        async::CancelSource leave;
        const auto last = start(refresh.wait(&backend, kKey, at(u"C1"_s), leave.token()));
        leave.cancel();
        QTRY_COMPARE(told(last), u"cancelled"_s);
        QCOMPARE(refresh.groups(), 1); // not gone yet
        backend.hold = false;
        const auto next = start(refresh.wait(&backend, kKey, at(u"C2"_s), async::CancelToken()));
        backend.release.cancel(); // the old answer comes first, and is for nobody
        QTRY_VERIFY(next->value);
        QCOMPARE(told(next), u"runtime-2"_s);
        QCOMPARE(backend.asked.size(), size_t(2));
        QCOMPARE(backend.asked.back().place, u"C2"_s);
        QVERIFY(backend.at[1] - backend.at[0] >= kInterval - Millis(2));
        QTRY_COMPARE(refresh.groups(), 0);
        async::blockOn(refresh.stop());
    }

    void oneWhoComesAfterAnAnswer_isAskedForAnew()
    {
        AskedBackend backend;
        RuntimeRefresh refresh(backend.clock, kInterval);
        const auto first = start(refresh.wait(&backend, kKey, at(u"C1"_s), async::CancelToken()));
        QTRY_VERIFY(first->value);
        const auto second = start(refresh.wait(&backend, kKey, at(u"C1"_s), async::CancelToken()));
        QTRY_VERIFY(second->value);
        QCOMPARE(told(first), u"runtime-1"_s);
        QCOMPARE(told(second), u"runtime-2"_s);
        async::blockOn(refresh.stop());
    }

    void stop_endsEveryWaitAndJoins()
    {
        AskedBackend backend;
        backend.hold = true;
        backend.deaf = true;
        RuntimeRefresh refresh(backend.clock, kInterval);
        const auto one = start(refresh.wait(&backend, u"a"_s, at(u"C1"_s), async::CancelToken()));
        const auto two = start(refresh.wait(&backend, u"b"_s, at(u"C2"_s), async::CancelToken()));
        const auto stopped = start(ended(refresh.stop()));
        async::blockOn(async::nextTurn());
        QVERIFY(!stopped->value); // two exchanges still use it
        backend.release.cancel();
        QTRY_VERIFY(stopped->value);
        QTRY_COMPARE(told(one), u"cancelled"_s);
        QTRY_COMPARE(told(two), u"cancelled"_s);
        QCOMPARE(refresh.groups(), 0);
    }

    void afterStop_nobodyWaits()
    {
        AskedBackend backend;
        RuntimeRefresh refresh(backend.clock, kInterval);
        async::blockOn(refresh.stop());
        const auto late = start(refresh.wait(&backend, kKey, at(u"C1"_s), async::CancelToken()));
        QTRY_COMPARE(told(late), u"cancelled"_s);
        QVERIFY(backend.asked.empty());
    }
};

QTEST_GUILESS_MAIN(RuntimeRefreshTest)
#include "tst_runtime_refresh.moc"
