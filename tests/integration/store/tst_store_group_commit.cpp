// SPDX-License-Identifier: Apache-2.0
// SQLite's group commit: one transaction for many jobs, each of which stands for itself (DESIGN.md "SQLite
// group commit").
#include "store/errors.h"
#include "store/migrator.h"
#include "store/sqlite_executor.h"
#include "store_fixture.h"

#include <QSqlQuery>

#include <semaphore>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using signalbox::testing::StoreFixture;

namespace {

struct Log
{
    Log() = default;
    std::vector<QString> ran; // written on the writer's thread, read when all was delivered
    QStringList good;
    QStringList bad;
    QStringList natives;
    std::function<void(const QString &)> onDeliver;
    [[nodiscard]] qsizetype delivered() const { return good.size() + bad.size(); }
};

class TestJob final : public Job
{
public:
    TestJob(Log *log, QString name, std::function<Status(Session &)> unit)
        : m_log(log)
        , m_name(std::move(name))
        , m_unit(std::move(unit))
    {
    }
    Status run(Session &session) override
    {
        m_error.reset();
        m_log->ran.push_back(m_name);
        return m_unit(session);
    }
    void fail(Error error) override { m_error = std::move(error); }
    void deliver() override
    {
        (m_error ? m_log->bad : m_log->good) << m_name;
        if (m_error)
            m_log->natives << m_error->native();
        if (m_log->onDeliver)
            m_log->onDeliver(m_name);
    }

private:
    Log *m_log;
    QString m_name;
    std::function<Status(Session &)> m_unit;
    std::optional<Error> m_error;
};

Status insert(Session &session, const QString &key)
{
    const auto done = session.run("INSERT INTO meta (key, value) VALUES (?, 'x')", key);
    if (!done)
        return fail(done.error());
    return {};
}

} // namespace

class StoreGroupCommitTest : public QObject
{
    Q_OBJECT

private:
    // The writer of a migrated database, and a job that keeps it busy, so that what is posted meanwhile is
    // one group.
    struct Writer
    {
        explicit Writer(StoreFixture &f)
            : executor(target(f), f.clock, 1, &f.home)
        {
            f.close();
        }
        static DatabaseTarget target(const StoreFixture &f)
        {
            return *DatabaseTarget::parse(f.url(), QString());
        }
        void block()
        {
            executor.post(Lane::Work, std::make_unique<TestJob>(&log, u"blocker"_s, [this](Session &) {
                started.release();
                go.acquire();
                return Status();
            }));
            started.acquire();
        }
        void post(Lane lane, const QString &name, std::function<Status(Session &)> unit)
        {
            executor.post(lane, std::make_unique<TestJob>(&log, name, std::move(unit)));
        }
        void postInsert(Lane lane, const QString &name)
        {
            post(lane, name, [name](Session &session) { return insert(session, name); });
        }
        std::binary_semaphore started{0};
        std::binary_semaphore go{0};
        Log log;
        SqliteExecutor executor;
    };
    static int rows(StoreFixture &f, const QString &like)
    {
        return f.sql(u"SELECT COUNT(*) FROM meta WHERE key LIKE '%1'"_s.arg(like)).toInt();
    }

private Q_SLOTS:
    void failingJob_harmsNoOther();
    void jobThatWroteNothing_failsAlone();
    void fullDisk_failsTheGroupAndNoneIsStored();
    void results_comeAfterCommit();
    void lanes_keepOrderAndIngestGoesFirst();
    void queueLimit_refuses();
    void close_runsWhatIsQueued();
    void lockedDatabase_failsUnavailable();
};

void StoreGroupCommitTest::failingJob_harmsNoOther()
{
    StoreFixture f;
    QVERIFY(f.start());
    Writer w(f);
    QVERIFY(w.executor.open());
    w.block();
    for (int i = 0; i < 10; ++i) {
        if (i == 4) {
            w.post(Lane::Work, u"bad"_s, [](Session &session) -> Status {
                if (auto half = insert(session, u"job-half"_s); !half)
                    return half;
                return insert(session, u"cluster_id"_s); // there is one
            });
        }
        w.postInsert(Lane::Work, u"job-%1"_s.arg(i));
    }
    const auto commits = w.executor.stats().commits.load();
    w.go.release();
    QTRY_COMPARE(w.log.delivered(), 12);
    QCOMPARE(w.log.bad, QStringList{u"bad"_s});
    QCOMPARE(w.log.natives, QStringList{u"1555"_s});
    QCOMPARE(rows(f, u"job-_"_s), 10);
    QCOMPARE(rows(f, u"job-half"_s), 0);
    QCOMPARE(w.executor.stats().commits.load(), commits + 2); // the blocker's and the group's
}

void StoreGroupCommitTest::jobThatWroteNothing_failsAlone()
{
    StoreFixture f;
    QVERIFY(f.start());
    Writer w(f);
    QVERIFY(w.executor.open());
    w.block();
    w.postInsert(Lane::Work, u"job-1"_s);
    w.post(Lane::Work, u"stale"_s, [](Session &) -> Status {
        return fail(Error(ErrorCode::Conflict, u"stale"_s, QString::fromUtf16(kStale)));
    });
    w.postInsert(Lane::Work, u"job-2"_s);
    w.go.release();
    QTRY_COMPARE(w.log.delivered(), 4);
    QCOMPARE(w.log.bad, QStringList{u"stale"_s});
    QCOMPARE(rows(f, u"job-%"_s), 2);
    const std::vector<QString> once{u"blocker"_s, u"job-1"_s, u"stale"_s, u"job-2"_s};
    QCOMPARE(w.log.ran, once); // nobody had to run again
}

void StoreGroupCommitTest::fullDisk_failsTheGroupAndNoneIsStored()
{
    StoreFixture f;
    QVERIFY(f.start());
    Writer w(f);
    QVERIFY(w.executor.open());
    const auto limit = [](const char *pragma) {
        return [pragma](Session &session) -> Status {
            auto set = session.query(pragma);
            if (!set)
                return fail(set.error());
            return {};
        };
    };
    w.post(Lane::Work, u"shrink"_s, limit("PRAGMA max_page_count = 1")); // means: as many as there are
    w.block();
    w.postInsert(Lane::Work, u"job-before"_s);
    w.post(Lane::Work, u"big"_s, [](Session &session) -> Status {
        const auto done
            = session.run("INSERT INTO meta (key, value) VALUES ('job-big', ?)", QByteArray(100'000, 'x'));
        if (!done)
            return fail(done.error());
        return {};
    });
    w.postInsert(Lane::Work, u"job-after"_s);
    w.go.release();
    QTRY_COMPARE(w.log.delivered(), 5);
    QCOMPARE(w.log.bad, QStringList({u"job-before"_s, u"big"_s, u"job-after"_s}));
    QCOMPARE(w.log.natives, QStringList({u"13"_s, u"13"_s, u"13"_s}));
    QCOMPARE(rows(f, u"job-%"_s), 0);
    w.post(Lane::Work, u"grow"_s, limit("PRAGMA max_page_count = 1000000"));
    w.postInsert(Lane::Ingest, u"job-then"_s);
    QTRY_COMPARE(w.log.delivered(), 7);
    QVERIFY(w.log.good.contains(u"job-then"_s));
    QCOMPARE(rows(f, u"job-%"_s), 1);
}

void StoreGroupCommitTest::results_comeAfterCommit()
{
    StoreFixture f;
    QVERIFY(f.start());
    Writer w(f);
    QVERIFY(w.executor.open());
    QStringList missing;
    w.log.onDeliver = [&](const QString &name) {
        if (name != u"blocker" && rows(f, name) != 1)
            missing << name;
    };
    w.block();
    for (int i = 0; i < 30; ++i)
        w.postInsert(Lane::Ingest, u"job-%1"_s.arg(i));
    w.go.release();
    QTRY_COMPARE(w.log.delivered(), 31);
    QCOMPARE(missing, QStringList());
}

void StoreGroupCommitTest::lanes_keepOrderAndIngestGoesFirst()
{
    StoreFixture f;
    QVERIFY(f.start());
    Writer w(f);
    QVERIFY(w.executor.open());
    w.block();
    std::vector<QString> expected{u"blocker"_s};
    for (int i = 0; i < 5; ++i)
        w.postInsert(Lane::Work, u"work-%1"_s.arg(i));
    for (int i = 0; i < 5; ++i) {
        w.postInsert(Lane::Ingest, u"ingest-%1"_s.arg(i));
        expected.push_back(u"ingest-%1"_s.arg(i));
    }
    for (int i = 0; i < 5; ++i)
        expected.push_back(u"work-%1"_s.arg(i));
    w.go.release();
    QTRY_COMPARE(w.log.delivered(), 11);
    QCOMPARE(w.log.ran, expected);
}

void StoreGroupCommitTest::queueLimit_refuses()
{
    StoreFixture f;
    QVERIFY(f.start());
    f.close();
    StoreOptions options;
    options.database = f.url();
    options.maxQueuedIngest = 2;
    auto opened = openStore(options, f.clock, &f.home);
    QVERIFY(opened);
    Store *store = opened->get();
    QSqlQuery other(f.connection());
    QVERIFY(other.exec(u"BEGIN IMMEDIATE"_s)); // the writer waits for this
    QStringList results;
    const auto ingest = [&](const QString &name) {
        auto task = store->ingest(StoreFixture::message(name, name));
        task.then([&results, name](Result<IngestOutcome> outcome) {
            results << name + u' ' + (outcome ? u"stored"_s : outcome.error().native());
        });
    };
    ingest(u"a"_s);
    QTRY_COMPARE(store->stats().queuedIngest, 0); // taken, and held up at its BEGIN
    ingest(u"b"_s);
    ingest(u"c"_s);
    ingest(u"d"_s);
    QTRY_COMPARE(results, QStringList{u"d queue_full"_s});
    QVERIFY(other.exec(u"COMMIT"_s));
    QTRY_COMPARE(results, QStringList({u"d queue_full"_s, u"a stored"_s, u"b stored"_s, u"c stored"_s}));
}

void StoreGroupCommitTest::close_runsWhatIsQueued()
{
    StoreFixture f;
    QVERIFY(f.start());
    Writer w(f);
    QVERIFY(w.executor.open());
    w.block();
    for (int i = 0; i < 600; ++i) // more than one group
        w.postInsert(i % 2 == 0 ? Lane::Work : Lane::Ingest, u"job-%1"_s.arg(i));
    w.go.release();
    w.executor.close();
    QTRY_COMPARE(w.log.delivered(), 601);
    QCOMPARE(w.log.bad, QStringList());
    QCOMPARE(rows(f, u"job-%"_s), 600);
}

void StoreGroupCommitTest::lockedDatabase_failsUnavailable()
{
    StoreFixture f;
    QVERIFY(f.start());
    QSqlQuery other(f.connection());
    QVERIFY(other.exec(u"BEGIN IMMEDIATE"_s));
    const auto refused
        = async::blockOn(f.db().ingest(StoreFixture::message(u"a"_s, u"t1"_s)), Millis(20'000));
    QVERIFY(!refused);
    QCOMPARE(refused.error().code(), ErrorCode::Unavailable);
    QVERIFY(other.exec(u"COMMIT"_s));
    QCOMPARE(f.ingest(u"a"_s, u"t1"_s).result, IngestResult::Stored);
}

QTEST_GUILESS_MAIN(StoreGroupCommitTest)
#include "tst_store_group_commit.moc"
