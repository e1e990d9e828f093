// SPDX-License-Identifier: Apache-2.0
// Schema migrations on both databases (STYLE.md 2.8).
#include "store/migrator.h"
#include "store_fixture.h"

#include <QDir>
#include <QFileInfo>

#include <thread>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::store;
using signalbox::testing::StoreFixture;

class StoreMigratorTest : public QObject
{
    Q_OBJECT

private:
    static Status migrateOnce(const QString &url, const Clock &clock, const QString &name)
    {
        const auto target = DatabaseTarget::parse(url, QString());
        if (!target)
            return fail(target.error());
        Connection connection(*target, clock, name);
        return openAndMigrate(connection, *target);
    }

private Q_SLOTS:
    void folders_holdTheSameSteps();
    void steps_areNotedOnce();
    void concurrentMigrators_applyOnce();
    void newerSchema_isRefused();
    void changedStep_isRefused();
    void pendingStep_copiesTheFile();
};

void StoreMigratorTest::folders_holdTheSameSteps()
{
    const QStringList sqlite = QDir(u":/signalbox/sql/sqlite"_s).entryList(QDir::Files, QDir::Name);
    QVERIFY(!sqlite.isEmpty());
    QCOMPARE(QDir(u":/signalbox/sql/postgres"_s).entryList(QDir::Files, QDir::Name), sqlite);
    QCOMPARE(newestSchemaVersion(), int(sqlite.size())); // no number is missing
    for (const QString &file : sqlite)
        QVERIFY2(
            QRegularExpression(u"^[0-9]{4}_[a-z0-9_]+\\.sql$"_s).match(file).hasMatch(), qPrintable(file));
}

void StoreMigratorTest::steps_areNotedOnce()
{
    SIGNALBOX_STORE(f);
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM schema_migration"_s).toInt(), newestSchemaVersion());
    const QString cluster = f.sql(u"SELECT value FROM meta WHERE key = 'cluster_id'"_s).toString();
    QVERIFY(f.reopen());
    QCOMPARE(f.sql(u"SELECT COUNT(*) FROM schema_migration"_s).toInt(), newestSchemaVersion());
    QCOMPARE(f.sql(u"SELECT value FROM meta WHERE key = 'cluster_id'"_s).toString(), cluster);
}

void StoreMigratorTest::concurrentMigrators_applyOnce()
{
    // Not through SIGNALBOX_STORE: the database must be empty.
    if (StoreFixture::isPostgres())
        SIGNALBOX_NEED_POSTGRES();
    std::optional<testing::PostgresDatabase> database;
    const QTemporaryDir folder;
    QString url = u"sqlite:"_s + folder.filePath(u"fresh.db"_s);
    if (StoreFixture::isPostgres()) {
        auto made = testing::PostgresDatabase::create();
        QVERIFY(made);
        database.emplace(std::move(*made));
        url = database->url();
    }
    const SystemClock clock;
    std::vector<Status> results(6);
    std::vector<std::thread> threads;
    for (size_t i = 0; i < results.size(); ++i)
        threads.emplace_back([&, i] { results[i] = migrateOnce(url, clock, u"migrator-%1"_s.arg(i)); });
    for (std::thread &thread : threads)
        thread.join();
    for (const Status &result : results)
        QVERIFY2(result, result ? "" : qPrintable(result.error().toString()));
    const auto target = DatabaseTarget::parse(url, QString());
    Connection connection(*target, clock, u"check"_s);
    QVERIFY(connection.open(false));
    Session session(connection);
    auto rows = session.query("SELECT (SELECT COUNT(*) FROM schema_migration), (SELECT COUNT(*) FROM meta)");
    QVERIFY(rows);
    QVERIFY(rows->next());
    QCOMPARE(int(rows->number(0)), newestSchemaVersion());
    QCOMPARE(int(rows->number(1)), 2);
}

void StoreMigratorTest::newerSchema_isRefused()
{
    SIGNALBOX_STORE(f);
    f.spoil();
    f.sql(
        u"INSERT INTO schema_migration (version, name, checksum, applied_at) VALUES (9999, 'future', 'x', 1)"_s);
    const auto refused = f.reopen();
    QVERIFY(!refused);
    QCOMPARE(refused.error().code(), ErrorCode::Conflict);
    QVERIFY(refused.error().message().contains(u"9999"_s));
    QVERIFY(refused.error().message().contains(u"newer Signalbox"_s));
}

void StoreMigratorTest::changedStep_isRefused()
{
    SIGNALBOX_STORE(f);
    f.spoil();
    f.sql(u"UPDATE schema_migration SET checksum = 'another' WHERE version = 1"_s);
    const auto refused = f.reopen();
    QVERIFY(!refused);
    QCOMPARE(refused.error().code(), ErrorCode::Conflict);
    QVERIFY(refused.error().message().contains(u"changed"_s));
}

void StoreMigratorTest::pendingStep_copiesTheFile()
{
    if (StoreFixture::isPostgres())
        QSKIP("only SQLite's file is copied");
    // A database whose last steps are missing, as an older program leaves it: here one that notes a step
    // before all others.
    const QTemporaryDir folder;
    const QString path = folder.filePath(u"old.db"_s);
    const SystemClock clock;
    {
        const auto target = DatabaseTarget::parse(u"sqlite:"_s + path, QString());
        Connection connection(*target, clock, u"old"_s);
        QVERIFY(connection.open(false));
        QVERIFY(connection.executeText(
            u"CREATE TABLE schema_migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, "
            u"checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)"_s));
        QVERIFY(connection.executeText(u"INSERT INTO schema_migration VALUES (0, 'before', 'x', 1)"_s));
        QVERIFY(connection.executeText(u"CREATE TABLE old_things (id TEXT)"_s));
    }
    QVERIFY(migrateOnce(u"sqlite:"_s + path, clock, u"now"_s));
    const QString copy = path + u".before-0001"_s;
    QVERIFY(QFile::exists(copy));
    QCOMPARE(QFileInfo(copy).permissions() & (QFile::ReadGroup | QFile::ReadOther), QFile::Permissions());
    const auto target = DatabaseTarget::parse(u"sqlite:"_s + copy, QString());
    Connection connection(*target, clock, u"copy"_s);
    QVERIFY(connection.open(false));
    Session session(connection);
    auto rows
        = session.query("SELECT COUNT(*) FROM sqlite_master WHERE name IN ('old_things', 'deliveries')");
    QVERIFY(rows);
    QVERIFY(rows->next());
    QCOMPARE(int(rows->number(0)), 1);
}

QTEST_GUILESS_MAIN(StoreMigratorTest)
#include "tst_store_migrator.moc"
