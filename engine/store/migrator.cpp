// SPDX-License-Identifier: Apache-2.0
#include "store/migrator.h"

#include "base/hash.h"
#include "base/log.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QLockFile>
#include <QUuid>

#include <map>

using namespace Qt::StringLiterals;

static void initSqlResources()
{
    Q_INIT_RESOURCE(sql);
}

namespace signalbox::store {

namespace {
Q_LOGGING_CATEGORY(lcStore, "signalbox.engine.store")

struct Step
{
    int version = 0;
    QString name;
    QString sql;
    QString checksum;
};

constexpr int kKeptCopies = 3;
constexpr int kOtherMigratorMs = 120'000;

QString folder(Dialect dialect)
{
    return dialect == Dialect::Sqlite ? u":/signalbox/sql/sqlite"_s : u":/signalbox/sql/postgres"_s;
}

std::vector<Step> steps(Dialect dialect)
{
    initSqlResources();
    std::vector<Step> all;
    const QDir files(folder(dialect));
    for (const QString &file : files.entryList({u"*.sql"_s}, QDir::Files, QDir::Name)) {
        QFile source(files.filePath(file));
        if (!source.open(QIODevice::ReadOnly))
            continue;
        const QByteArray sql = source.readAll();
        Step step;
        step.version = file.left(4).toInt();
        step.name = file.mid(5).chopped(4);
        step.sql = QString::fromUtf8(sql);
        step.checksum = QString::fromLatin1(sha256(sql).toHex());
        all.push_back(step);
    }
    return all;
}

Result<std::map<int, QString>> appliedSteps(Connection &connection)
{
    Session session(connection);
    auto rows = session.query("SELECT version, checksum FROM schema_migration ORDER BY version");
    if (!rows)
        return fail(rows.error());
    std::map<int, QString> applied;
    while (rows->next())
        applied[static_cast<int>(rows->number(0))] = rows->text(1);
    return applied;
}

Status copySqliteFile(Connection &connection, const QString &path, int version)
{
    const QFileInfo file(path);
    const QString copy = path + u".before-%1"_s.arg(version, 4, 10, QChar(u'0'));
    QFile::remove(copy);
    QString quoted = copy;
    quoted.replace(u'\'', u"''"_s);
    if (auto done = connection.executeText(u"VACUUM INTO '%1'"_s.arg(quoted)); !done)
        return fail(done.error().context(u"copying the database before a migration"_s));
    QFile::setPermissions(copy, QFile::ReadOwner | QFile::WriteOwner);
    QStringList copies = file.dir().entryList({file.fileName() + u".before-*"_s}, QDir::Files, QDir::Name);
    while (copies.size() > kKeptCopies)
        QFile::remove(file.dir().filePath(copies.takeFirst()));
    return {};
}

Status applyStep(Connection &connection, const Step &step)
{
    const bool sqlite = connection.dialect() == Dialect::Sqlite;
    if (auto begun = connection.execute(sqlite ? "BEGIN IMMEDIATE" : "BEGIN"); !begun)
        return begun;
    const auto applied = appliedSteps(connection);
    const auto give = [&](const Error &error) -> Status {
        (void)connection.execute("ROLLBACK");
        return fail(error.context(u"migration %1 %2"_s.arg(step.version).arg(step.name)));
    };
    if (!applied)
        return give(applied.error());
    if (applied->contains(step.version)) // somebody else was faster
        return connection.execute("ROLLBACK");
    const QStringList blocks = step.sql.split(u"\n-- ;\n"_s);
    for (const QString &block : blocks) {
        if (auto done = connection.executeText(block); !done)
            return give(done.error());
    }
    Session session(connection);
    const auto now = session.now();
    if (!now)
        return give(now.error());
    const auto noted = session.run(
        "INSERT INTO schema_migration (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)",
        step.version, step.name, step.checksum, *now);
    if (!noted)
        return give(noted.error());
    if (auto committed = connection.execute("COMMIT"); !committed)
        return give(committed.error());
    logInfo(lcStore, "schema migrated", {{"version", QString::number(step.version)}, {"name", step.name}});
    return {};
}

Status applyAll(Connection &connection, const DatabaseTarget &target)
{
    const std::vector<Step> known = steps(connection.dialect());
    if (auto made = connection.executeText(
            u"CREATE TABLE IF NOT EXISTS schema_migration (version INTEGER PRIMARY KEY, "
            u"name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)"_s);
        !made)
        return made;
    const auto applied = appliedSteps(connection);
    if (!applied)
        return fail(applied.error());
    const int newest = known.empty() ? 0 : known.back().version;
    if (!applied->empty() && applied->rbegin()->first > newest) {
        return fail(ErrorCode::Conflict,
            u"the database has schema %1, this program knows up to %2: it was written by a newer Signalbox"_s
                .arg(applied->rbegin()->first)
                .arg(newest));
    }
    bool copied = applied->empty();
    for (const Step &step : known) {
        const auto found = applied->find(step.version);
        if (found != applied->end() && found->second != step.checksum)
            return fail(
                ErrorCode::Conflict, u"migration %1 has changed since it was applied"_s.arg(step.version));
        if (found != applied->end())
            continue;
        if (!std::exchange(copied, true) && connection.dialect() == Dialect::Sqlite) {
            if (auto done = copySqliteFile(connection, target.path, step.version); !done)
                return done;
        }
        if (auto done = applyStep(connection, step); !done)
            return done;
    }
    return {};
}

Status writeMeta(Connection &connection)
{
    // Who this database is, and which feed its cursors belong to; made once.
    Session session(connection);
    const QUuid made = QUuid::createUuid(); // lint-allow: banned (once in the life of a database)
    const QString cluster = made.toString(QUuid::WithoutBraces);
    const QString epoch = cluster.left(8);
    const auto written
        = session.run("INSERT INTO meta (key, value) VALUES ('cluster_id', ?), ('feed_epoch', ?) "
                      "ON CONFLICT (key) DO NOTHING",
            cluster, epoch);
    if (!written)
        return fail(written.error());
    return {};
}

} // namespace

Status openAndMigrate(Connection &connection, const DatabaseTarget &target)
{
    const bool postgres = connection.dialect() == Dialect::Postgres;
    QLockFile alone(target.path + u".migrating"_s);
    alone.setStaleLockTime(0); // the owner's process tells, however long a big file takes
    if (!postgres && !alone.tryLock(kOtherMigratorMs))
        return fail(
            ErrorCode::Unavailable, u"another process has been migrating the database for too long"_s);
    if (auto opened = connection.open(false); !opened)
        return opened;
    if (postgres) {
        // A migration of a large table, or of another engine, takes as long as it takes.
        for (const QString &setting : {u"SET statement_timeout = 0"_s, u"SET lock_timeout = 0"_s}) {
            if (auto set = connection.executeText(setting); !set)
                return set;
        }
        if (auto locked = connection.executeText(u"SELECT pg_advisory_lock(7717001)"_s); !locked)
            return locked;
    }
    Status done = applyAll(connection, target);
    if (done)
        done = writeMeta(connection);
    if (postgres)
        (void)connection.executeText(u"SELECT pg_advisory_unlock(7717001)"_s);
    return done;
}

int newestSchemaVersion()
{
    const auto known = steps(Dialect::Sqlite);
    return known.empty() ? 0 : known.back().version;
}

} // namespace signalbox::store
