// SPDX-License-Identifier: Apache-2.0
#include "admin/admin_routes.h"
#include "async/block_on.h"
#include "base/hash.h"
#include "store/sql_store.h"
#include "support/fake_clock.h"
#include "support/held_executor.h"
#include "unit/kept_task.h"

#include <QTemporaryDir>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using signalbox::testing::FakeClock;
using signalbox::testing::HeldExecutor;
using signalbox::testing::Kept;
using signalbox::testing::start;

namespace {
const QByteArray kToken = "zqmark-viewer";

config::TokenConfig viewer()
{
    config::TokenConfig token;
    token.name = u"anna"_s;
    token.role = u"viewer"_s;
    token.sha256 = sha256(kToken);
    return token;
}
} // namespace

// /readyz: what it costs the database, and whom it tells what.
class ReadinessTest : public QObject
{
    Q_OBJECT
private:
    // An operator's service with its routes, over a store that does not answer until the test says so.
    struct Held
    {
        Held()
            : executor(new HeldExecutor(&home))
            , store(std::unique_ptr<store::Executor>(executor), store::Dialect::Sqlite, 100)
            , service(store, clock,
                  [this](domain::EngineStatus &status) {
                      status.reasons = reasons;
                      status.ready = reasons.isEmpty();
                  })
            , routes(service, {viewer()})
        {
            routes.addRoutes(router);
        }
        ~Held()
        {
            executor->release();
            async::blockOn(service.stop(), Millis(20'000));
        }
        std::shared_ptr<Kept<http::Response>> ask(
            const QString &peer = u"127.0.0.1"_s, const QByteArray &token = {})
        {
            http::Request request;
            request.method = "GET";
            request.path = u"/readyz"_s;
            request.peer = QHostAddress(peer);
            if (!token.isEmpty())
                request.headers.add("Authorization", "Bearer " + token);
            return start((*router.match("GET", u"/readyz"_s).handler)(request, http::Context()));
        }
        QObject home;
        FakeClock clock;
        QStringList reasons;
        HeldExecutor *executor;
        store::SqlStore store;
        admin::OperatorService service;
        admin::AdminRoutes routes;
        http::Router router;
    };
    static Json body(const Kept<http::Response> &answer) { return *Json::parse(answer.value->body); }

private Q_SLOTS:
    void manyAskers_shareOnePing();
    void onePingASecond();
    void databaseThatHangs_isNotReadyAndHoldsNobody();
    void reasons_areForLoopbackAndTokensOnly_data();
    void reasons_areForLoopbackAndTokensOnly();
    void databaseThatAnswers_isReady();
    void stopOfAServiceThatCannotEnd_isSeen();
};

void ReadinessTest::manyAskers_shareOnePing()
{
    Held held;
    std::vector<std::shared_ptr<Kept<http::Response>>> answers;
    for (int i = 0; i < 100; ++i)
        answers.push_back(held.ask());
    QCOMPARE(held.executor->reads(), 1);
    held.executor->release();
    for (const auto &answer : answers) {
        QTRY_VERIFY(answer->value);
        QCOMPARE(answer->value->status, 503);
    }
    QCOMPARE(body(*answers.front())[u"reasons"].at(0).toString(), u"the database does not answer"_s);
    QCOMPARE(held.executor->reads(), 1);
    QCOMPARE(held.executor->writes(), 0);
}

void ReadinessTest::onePingASecond()
{
    Held held;
    const auto first = held.ask();
    held.executor->release();
    QTRY_VERIFY(first->value);
    held.clock.advance(Millis(999));
    const auto cached = held.ask();
    QVERIFY(cached->value); // at once
    QCOMPARE(held.executor->reads(), 1);
    held.clock.advance(Millis(1));
    const auto next = held.ask();
    QCOMPARE(held.executor->reads(), 2);
    held.executor->release();
    QTRY_VERIFY(next->value);
}

void ReadinessTest::databaseThatHangs_isNotReadyAndHoldsNobody()
{
    Held held;
    const auto asked = held.ask();
    QTRY_VERIFY_WITH_TIMEOUT(asked->value, 10'000); // while the ping is under way
    QCOMPARE(asked->value->status, 503);
    QCOMPARE(held.executor->held(), size_t(1));
    held.clock.advance(Millis(5000));
    const auto again = held.ask();
    QCOMPARE(held.executor->reads(), 1); // no second one on top of it
    held.executor->release();
    QTRY_VERIFY(again->value);
}

void ReadinessTest::reasons_areForLoopbackAndTokensOnly_data()
{
    QTest::addColumn<QString>("peer");
    QTest::addColumn<QByteArray>("token");
    QTest::addColumn<bool>("told");
    QTest::newRow("loopback") << u"127.0.0.1"_s << QByteArray() << true;
    QTest::newRow("loopback, IPv6") << u"::1"_s << QByteArray() << true;
    QTest::newRow("loopback, mapped") << u"::ffff:127.0.0.1"_s << QByteArray() << true;
    QTest::newRow("a stranger") << u"192.0.2.7"_s << QByteArray() << false;
    QTest::newRow("a stranger with a wrong token") << u"192.0.2.7"_s << kToken + 'x' << false;
    QTest::newRow("an operator elsewhere") << u"192.0.2.7"_s << kToken << true;
}

void ReadinessTest::reasons_areForLoopbackAndTokensOnly()
{
    QFETCH(QString, peer);
    QFETCH(QByteArray, token);
    QFETCH(bool, told);
    Held held;
    held.reasons << u"the engine's lease has lapsed"_s;
    const auto asked = held.ask(peer, token);
    held.executor->release();
    QTRY_VERIFY(asked->value);
    QCOMPARE(asked->value->status, 503);
    const Json json = body(*asked);
    QCOMPARE(json[u"ready"], Json(false));
    QCOMPARE(asked->value->body.contains("reasons"), told);
    QCOMPARE(asked->value->body.contains("lease"), told);
    QVERIFY(json.contains(u"ready"_s));
}

void ReadinessTest::databaseThatAnswers_isReady()
{
    QTemporaryDir folder;
    QObject home;
    FakeClock clock;
    store::StoreOptions options;
    options.database = u"sqlite:signalbox.db"_s;
    options.dataDir = folder.path();
    const auto store = store::openStore(options, clock, &home);
    QVERIFY(store);
    bool stopping = false;
    admin::OperatorService service(
        **store, clock, [&](domain::EngineStatus &status) { status.ready = !stopping; });
    const auto ready = async::blockOn(service.readiness());
    QVERIFY(ready.ready);
    QCOMPARE(ready.reasons, QStringList());
    QVERIFY(ready.deliveries.isEmpty()); // nothing is counted
    stopping = true; // vitals are never cached
    QVERIFY(!async::blockOn(service.readiness()).ready);
    async::blockOn(service.stop());
}

void ReadinessTest::stopOfAServiceThatCannotEnd_isSeen()
{
    Held held;
    held.service.start();
    held.service.watch({u"delivery"_s});
    QTRY_VERIFY(held.executor->held() > 0);
    async::blockOn(held.service.stop(), Millis(20'000));
    QCOMPARE(async::TaskScope::unjoined().size(), 1);
    QVERIFY(async::TaskScope::unjoined().front().startsWith(u"operator service"_s));
    held.executor->release();
    QTRY_COMPARE(async::TaskScope::unjoined(), QStringList());
}

QTEST_GUILESS_MAIN(ReadinessTest)
#include "tst_readiness.moc"
