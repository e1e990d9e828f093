// SPDX-License-Identifier: Apache-2.0
#include "async/block_on.h"
#include "console/embedded_engine.h"
#include "engine.h"
#include "unit/kept_task.h"

#include <QSignalSpy>
#include <QTcpServer>
#include <QTcpSocket>
#include <QTemporaryDir>
#include <QTest>

#include <sqlite3.h>

using namespace Qt::StringLiterals;
using namespace signalbox;
using console::EmbeddedEngine;
using signalbox::testing::start;

namespace {

constexpr int kWait = 60'000;

// The write lock of a database, so that a migration waits for it.
class WriteLock
{
public:
    explicit WriteLock(const QString &path)
    {
        sqlite3_open(qUtf8Printable(path), &m_database);
        const char *sql = "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE";
        m_held = sqlite3_exec(m_database, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
    }
    ~WriteLock() { release(); }
    [[nodiscard]] bool isHeld() const { return m_held; }
    void release()
    {
        sqlite3_close(std::exchange(m_database, nullptr)); // rolls back
        m_held = false;
    }

private:
    sqlite3 *m_database = nullptr;
    bool m_held = false;
};

} // namespace

// Stops that come early, twice, or not at all. What must not happen shows as a report of the sanitizers.
class EngineStopTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }
    void cleanup();
    void stopAtOnce_unwindsTheStart();
    void stopBeforeTheStart_refusesIt();
    void everyStop_answersWhenItIsDone();
    void failedStart_isUnwound();
    void stoppedEngine_isDestroyed();
    void unjoinedWork_keepsTheEngine();
    void engineThatWasNotStopped_isKept();
    void embedded_stopAtOnce_answers();
    void embedded_stopWhileMigrating_waitsForIt();
    void embedded_callsUnderWay_areAnswered();
    void embedded_secondStop_waitsForTheFirst();
    void embedded_failedStart_stops();
    void embedded_destructorAlone_stops_data();
    void embedded_destructorAlone_stops();

private:
    [[nodiscard]] config::Config config() const;
    // Leases that have not ended; -1 when there is no database.
    [[nodiscard]] int leases() const;
    // An engine on the test's folder starts, works and stops: nobody holds the folder, the database or a
    // lease.
    void folderIsFree();
    std::unique_ptr<QTemporaryDir> m_folder;
};

config::Config EngineStopTest::config() const
{
    config::Config config;
    config.engine.dataDir = m_folder->path();
    config.engine.shutdownGrace = Millis(500);
    config.ingress.listen = u"127.0.0.1:0"_s;
    config.admin.listen = u"127.0.0.1:0"_s;
    config.slack.signingSecret = Secret("secret");
    config.slack.apiBaseUrl = u"http://127.0.0.1:1"_s; // nobody
    config::BackendConfig backend;
    backend.name = u"agent"_s;
    backend.kind = u"acp"_s;
    backend.command = QStringList{u"/bin/false"_s};
    config.backends << backend;
    config::InstallationConfig installation;
    installation.channel = u"slack"_s;
    installation.tenant = u"T1"_s;
    installation.backend = u"agent"_s;
    installation.botToken = Secret("token");
    config.installations << installation;
    return config;
}

void EngineStopTest::cleanup()
{
    QCOMPARE(async::TaskScope::unjoined(), QStringList());
    m_folder.reset();
}

int EngineStopTest::leases() const
{
    int count = -1;
    const auto read = [](void *into, int, char **values, char **) {
        *static_cast<int *>(into) = std::atoi(values[0]);
        return 0;
    };
    const QByteArray sql
        = "SELECT COUNT(*) FROM engines WHERE lease_until > " + QByteArray::number(toMs(SystemClock().now()));
    sqlite3 *database = nullptr;
    const QString path = m_folder->filePath(u"signalbox.db"_s);
    if (sqlite3_open_v2(qUtf8Printable(path), &database, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK)
        sqlite3_exec(database, sql.constData(), read, &count, nullptr);
    sqlite3_close(database);
    return count;
}

void EngineStopTest::folderIsFree()
{
    QVERIFY(leases() <= 0);
    auto engine = std::make_unique<Engine>(config());
    const Status started = async::blockOn(engine->start(), Millis(kWait));
    QVERIFY2(started, started ? "" : qPrintable(started.error().toString()));
    const auto status = async::blockOn(engine->operatorService()->readiness());
    QVERIFY2(status.ready, qPrintable(status.reasons.join(u'\n')));
    QVERIFY(async::blockOn(engine->stop(), Millis(kWait)));
    Engine::dispose(std::move(engine));
}

void EngineStopTest::stopAtOnce_unwindsTheStart()
{
    int cancelled = 0;
    for (int round = 0; round < 40; ++round) {
        auto engine = std::make_unique<Engine>(config());
        const auto started = start(engine->start());
        // Later and later within the start, and in the first rounds at its first await.
        for (int turn = 0; turn < round / 4; ++turn)
            QCoreApplication::processEvents();
        const auto stopped = start(engine->stop());
        QTRY_VERIFY_WITH_TIMEOUT(stopped->value, kWait);
        QVERIFY(*stopped->value);
        QVERIFY(started->value);
        if (!*started->value) {
            QCOMPARE(started->value->error().code(), ErrorCode::Cancelled);
            ++cancelled;
        }
        Engine::dispose(std::move(engine));
        QCOMPARE(leases(), 0); // also the one that was being asked for
    }
    QVERIFY2(cancelled >= 4, QByteArray::number(cancelled).constData());
    folderIsFree();
}

void EngineStopTest::stopBeforeTheStart_refusesIt()
{
    auto engine = std::make_unique<Engine>(config());
    QVERIFY(async::blockOn(engine->stop()));
    const Status started = async::blockOn(engine->start());
    QVERIFY(!started);
    QCOMPARE(started.error().code(), ErrorCode::Cancelled);
    Engine::dispose(std::move(engine));
    folderIsFree();
}

void EngineStopTest::everyStop_answersWhenItIsDone()
{
    auto engine = std::make_unique<Engine>(config());
    QVERIFY(async::blockOn(engine->start(), Millis(kWait)));
    const auto first = start(engine->stop());
    const auto second = start(engine->stop());
    QVERIFY(!second->value);
    QTRY_VERIFY_WITH_TIMEOUT(second->value, kWait);
    QVERIFY(first->value && *first->value && *second->value);
    QVERIFY(async::blockOn(engine->stop())); // and again, when it is over
    Engine::dispose(std::move(engine));
}

void EngineStopTest::failedStart_isUnwound()
{
    QTcpServer taken;
    QVERIFY(taken.listen(QHostAddress(QHostAddress::LocalHost), 0));
    config::Config bad = config();
    bad.admin.listen = u"127.0.0.1:%1"_s.arg(taken.serverPort());
    auto engine = std::make_unique<Engine>(bad);
    const Status started = async::blockOn(engine->start(), Millis(kWait));
    QVERIFY(!started);
    QCOMPARE(started.error().native(), u"listener"_s);
    QVERIFY(async::blockOn(engine->stop(), Millis(kWait)));
    Engine::dispose(std::move(engine));
    folderIsFree();
}

void EngineStopTest::stoppedEngine_isDestroyed()
{
    auto engine = std::make_unique<Engine>(config());
    const QPointer<Engine> watched(engine.get());
    QVERIFY(async::blockOn(engine->start(), Millis(kWait)));
    QVERIFY(async::blockOn(engine->stop(), Millis(kWait)));
    Engine::dispose(std::move(engine));
    QVERIFY(!watched);
    auto fresh = std::make_unique<Engine>(config()); // never started
    const QPointer<Engine> unused(fresh.get());
    Engine::dispose(std::move(fresh));
    QVERIFY(!unused);
}

void EngineStopTest::unjoinedWork_keepsTheEngine()
{
    auto owner = std::make_unique<Engine>(config());
    const QPointer<Engine> engine(owner.get());
    QVERIFY(async::blockOn(owner->start(), Millis(kWait)));
    // As a handler would be that does not end when its server closes.
    async::TaskScope scope(u"stuck"_s);
    const auto sleeper
        = [](async::CancelToken token) -> QCoro::Task<> { co_await async::delay(Millis(600'000), token); };
    scope.spawn("sleeper", sleeper(scope.token()));
    QVERIFY(!async::blockOn(scope.join(Millis(1))));
    QVERIFY(!async::blockOn(owner->stop(), Millis(kWait)));
    Engine::dispose(std::move(owner));
    QVERIFY(engine);
    // What still runs finds the store closed, and no lease.
    const auto status = async::blockOn(engine->operatorService()->status());
    QVERIFY(status && !status->ready);
    QVERIFY(status->reasons.contains(u"the database does not answer"_s));
    QVERIFY(status->reasons.contains(u"the engine's lease has lapsed"_s));
    scope.cancel();
    QVERIFY(async::blockOn(scope.join(Millis(5000))));
}

void EngineStopTest::engineThatWasNotStopped_isKept()
{
    auto owner = std::make_unique<Engine>(config());
    const QPointer<Engine> engine(owner.get());
    QVERIFY(async::blockOn(owner->start(), Millis(kWait)));
    Engine::dispose(std::move(owner));
    QVERIFY(engine);
    const auto listed = async::blockOn(engine->operatorService()->deliveries(domain::ListQuery()));
    QVERIFY(!listed);
    QCOMPARE(listed.error().code(), ErrorCode::Unavailable);
    // It would go on asking its closed store for as long as this program runs.
    QVERIFY(async::blockOn(engine->stop(), Millis(kWait)));
}

void EngineStopTest::embedded_stopAtOnce_answers()
{
    for (int round = 0; round < 40; ++round) {
        admin::LocalOperatorApi api;
        EmbeddedEngine engine(config(), false, api);
        QSignalSpy started(&engine, &EmbeddedEngine::started);
        QSignalSpy failed(&engine, &EmbeddedEngine::failed);
        QSignalSpy stopped(&engine, &EmbeddedEngine::stopped);
        engine.start();
        if (round % 4 == 1) // the engine holds its data folder
            QTRY_VERIFY_WITH_TIMEOUT(QFile::exists(m_folder->filePath(u"engine.lock"_s)), kWait);
        else if (round % 4 == 2)
            QVERIFY(started.wait(kWait));
        const auto told = started.size();
        engine.stop();
        QVERIFY(stopped.wait(kWait));
        QCOMPARE(stopped.size(), 1);
        QCOMPARE(failed.size(), 0); // a stop is no failure
        QCOMPARE(started.size(), told); // and not news about a start
        QCOMPARE(api.connectionState(), admin::ConnectionState::Disconnected);
    }
    folderIsFree();
}

void EngineStopTest::embedded_stopWhileMigrating_waitsForIt()
{
    for (int round = 0; round < 5; ++round) {
        m_folder = std::make_unique<QTemporaryDir>();
        WriteLock lock(m_folder->filePath(u"signalbox.db"_s));
        QVERIFY(lock.isHeld());
        admin::LocalOperatorApi api;
        EmbeddedEngine engine(config(), false, api);
        QSignalSpy started(&engine, &EmbeddedEngine::started);
        QSignalSpy failed(&engine, &EmbeddedEngine::failed);
        QSignalSpy stopped(&engine, &EmbeddedEngine::stopped);
        engine.start();
        QTRY_VERIFY_WITH_TIMEOUT(QFile::exists(m_folder->filePath(u"engine.lock"_s)), kWait);
        engine.stop();
        QVERIFY(!stopped.wait(250)); // it waits for the lock
        lock.release();
        QVERIFY(stopped.wait(kWait));
        QCOMPARE(started.size() + failed.size(), 0);
        folderIsFree();
    }
}

void EngineStopTest::embedded_callsUnderWay_areAnswered()
{
    for (int round = 0; round < 5; ++round) {
        admin::LocalOperatorApi api;
        EmbeddedEngine engine(config(), false, api);
        QSignalSpy started(&engine, &EmbeddedEngine::started);
        QSignalSpy stopped(&engine, &EmbeddedEngine::stopped);
        engine.start();
        QVERIFY(started.wait(kWait));
        std::vector<std::shared_ptr<testing::Kept<Result<domain::EngineStatus>>>> calls;
        for (int i = 0; i < 50; ++i)
            calls.push_back(start(api.status()));
        engine.stop();
        calls.push_back(start(api.status())); // refused
        QVERIFY(stopped.wait(kWait));
        for (const auto &call : calls)
            QTRY_VERIFY_WITH_TIMEOUT(call->value, kWait);
        QVERIFY(calls.front()->value->has_value());
        QCOMPARE(calls.back()->value->error().code(), ErrorCode::Unavailable);
    }
}

void EngineStopTest::embedded_secondStop_waitsForTheFirst()
{
    admin::LocalOperatorApi api;
    EmbeddedEngine engine(config(), false, api);
    QSignalSpy started(&engine, &EmbeddedEngine::started);
    QSignalSpy stopped(&engine, &EmbeddedEngine::stopped);
    engine.stop(); // never started
    QCOMPARE(stopped.size(), 1);
    engine.start();
    QVERIFY(started.wait(kWait));
    const QString address = started.first().first().toString();
    engine.stop();
    engine.stop();
    QCOMPARE(stopped.size(), 1); // a program quits on it
    QVERIFY(stopped.wait(kWait));
    QCOMPARE(stopped.size(), 2);
    QTcpSocket late;
    late.connectToHost(QHostAddress(QHostAddress::LocalHost), address.section(u':', -1).toUShort());
    QTRY_COMPARE(late.error(), QAbstractSocket::ConnectionRefusedError);
    engine.stop();
    QCOMPARE(stopped.size(), 3);
}

void EngineStopTest::embedded_failedStart_stops()
{
    QTcpServer taken;
    QVERIFY(taken.listen(QHostAddress(QHostAddress::LocalHost), 0));
    config::Config bad = config();
    bad.ingress.listen = u"127.0.0.1:%1"_s.arg(taken.serverPort());
    admin::LocalOperatorApi api;
    EmbeddedEngine engine(bad, false, api);
    QSignalSpy failed(&engine, &EmbeddedEngine::failed);
    QSignalSpy stopped(&engine, &EmbeddedEngine::stopped);
    engine.start();
    QVERIFY(failed.wait(kWait));
    engine.stop();
    QVERIFY(stopped.wait(kWait));
    folderIsFree();
}

void EngineStopTest::embedded_destructorAlone_stops_data()
{
    QTest::addColumn<int>("until");
    QTest::newRow("never started") << 0;
    QTest::newRow("starting") << 1;
    QTest::newRow("running") << 2;
    QTest::newRow("stopping") << 3;
}

void EngineStopTest::embedded_destructorAlone_stops()
{
    QFETCH(int, until);
    {
        admin::LocalOperatorApi api;
        EmbeddedEngine engine(config(), false, api);
        QSignalSpy started(&engine, &EmbeddedEngine::started);
        if (until > 0)
            engine.start();
        if (until > 1)
            QVERIFY(started.wait(kWait));
        if (until > 2)
            engine.stop();
    }
    folderIsFree();
}

QTEST_GUILESS_MAIN(EngineStopTest)
#include "tst_engine_stop.moc"
