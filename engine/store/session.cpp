// SPDX-License-Identifier: Apache-2.0
#include "store/session.h"

#include "store/errors.h"

#include <QDir>
#include <QSqlDriver>
#include <QSqlError>
#include <QSqlQuery>
#include <QUrl>
#include <QUrlQuery>
#include <QVariant>

#include <sqlite3.h>

using namespace Qt::StringLiterals;

namespace signalbox::store {

namespace {
constexpr int kSqliteBusyTimeoutMs = 5000;
}

#define SIGNALBOX_POSTGRES_NOW "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"

Result<DatabaseTarget> DatabaseTarget::parse(const QString &url, const QString &dataDir)
{
    DatabaseTarget target;
    if (url.startsWith(u"sqlite:"_s)) {
        const QString file = url.mid(7);
        if (file.isEmpty())
            return fail(ErrorCode::InvalidInput, u"the database URL names no file"_s);
        target.path = QDir::isAbsolutePath(file) ? file : QDir(dataDir).filePath(file);
        return target;
    }
    const QUrl parsed(url, QUrl::StrictMode);
    if (!parsed.isValid() || (parsed.scheme() != u"postgresql" && parsed.scheme() != u"postgres"))
        return fail(ErrorCode::InvalidInput, u"the database URL is neither sqlite: nor postgresql://"_s);
    target.dialect = Dialect::Postgres;
    target.host = parsed.host();
    target.port = parsed.port(5432);
    target.user = parsed.userName();
    target.password = parsed.password(QUrl::FullyDecoded);
    target.name = parsed.path().mid(1);
    QStringList options;
    const auto items = QUrlQuery(parsed).queryItems(QUrl::FullyDecoded);
    for (const auto &[key, value] : items) {
        if (key == u"host")
            target.host = value;
        else if (key == u"port")
            target.port = value.toInt();
        else
            options << key + u'=' + value;
    }
    target.options = options.join(u';');
    if (target.name.isEmpty())
        return fail(ErrorCode::InvalidInput, u"the database URL names no database"_s);
    return target;
}

Connection::Connection(DatabaseTarget target, const Clock &clock, QString name)
    : m_target(std::move(target))
    , m_clock(clock)
    , m_name(std::move(name))
{
}

Connection::~Connection()
{
    close();
}

Status Connection::open(bool readOnly)
{
    close();
    const bool sqlite = m_target.dialect == Dialect::Sqlite;
    m_database = QSqlDatabase::addDatabase(sqlite ? u"QSQLITE"_s : u"QPSQL"_s, m_name);
    if (sqlite) {
        m_database.setDatabaseName(m_target.path);
        QString options = u"QSQLITE_BUSY_TIMEOUT=%1"_s.arg(kSqliteBusyTimeoutMs);
        if (readOnly)
            options += u";QSQLITE_OPEN_READONLY"_s;
        m_database.setConnectOptions(options);
    } else {
        m_database.setHostName(m_target.host);
        m_database.setPort(m_target.port);
        m_database.setDatabaseName(m_target.name);
        m_database.setUserName(m_target.user);
        m_database.setPassword(m_target.password);
        QString options
            = u"connect_timeout=5;application_name=signalbox;keepalives_idle=10;keepalives_interval=5;"
              u"keepalives_count=3;tcp_user_timeout=15000"_s;
        if (!m_target.options.isEmpty())
            options += u';' + m_target.options;
        m_database.setConnectOptions(options);
    }
    if (!m_database.open()) {
        const Error error = toError(m_database.lastError());
        close();
        return fail(error.context(u"opening the database"_s));
    }
    if (!findHandle())
        return fail(ErrorCode::Internal, u"the database driver gives no handle"_s);
    const Status ready = sqlite ? setUpSqlite(readOnly) : setUpPostgres();
    if (!ready)
        close();
    return ready;
}

bool Connection::findHandle()
{
    const QVariant handle = m_database.driver()->handle();
    if (qstrcmp(handle.typeName(), "sqlite3*") == 0)
        m_sqlite = *static_cast<sqlite3 *const *>(handle.constData());
    // The first is what Qt's documentation says, the second what Qt 6.4 does.
    if (qstrcmp(handle.typeName(), "PGconn*") == 0 || qstrcmp(handle.typeName(), "pg_conn*") == 0)
        m_postgres = *static_cast<pg_conn *const *>(handle.constData());
    return m_sqlite || m_postgres;
}

Status Connection::setUpSqlite(bool readOnly)
{
    // FULL: an acknowledged message survives a power cut. Checkpoints are the executor's, not the committing
    // job's.
    const QStringList pragmas = readOnly
        ? QStringList{u"PRAGMA query_only = ON"_s, u"PRAGMA cache_size = -4096"_s}
        : QStringList{u"PRAGMA journal_mode = WAL"_s, u"PRAGMA synchronous = FULL"_s,
            u"PRAGMA foreign_keys = ON"_s, u"PRAGMA cache_size = -32768"_s,
            u"PRAGMA wal_autocheckpoint = 0"_s, u"PRAGMA temp_store = MEMORY"_s};
    for (const QString &pragma : pragmas) {
        if (auto done = executeText(pragma); !done)
            return done;
    }
    return {};
}

Status Connection::setUpPostgres()
{
    const QStringList settings{u"SET TIME ZONE 'UTC'"_s, u"SET statement_timeout = '30s'"_s,
        u"SET lock_timeout = '10s'"_s, u"SET client_min_messages = warning"_s,
        // A plan that was kept since a table was empty would read all of it.
        u"SET enable_seqscan = off"_s,
        // The price of a scan that is not to be makes the planner compile it, for a tenth of a second each
        // time.
        u"SET jit = off"_s};
    for (const QString &setting : settings) {
        if (auto done = executeText(setting); !done)
            return done;
    }
    return {};
}

void Connection::close()
{
    m_prepared.clear();
    m_sqlite = nullptr;
    m_postgres = nullptr;
    if (!m_database.isValid())
        return;
    m_database.close();
    m_database = QSqlDatabase();
    QSqlDatabase::removeDatabase(m_name);
}

bool Connection::inTransaction() const
{
    return m_sqlite && sqlite3_get_autocommit(m_sqlite) == 0;
}

Statement *Connection::prepared(const char *sql)
{
    const auto found = m_prepared.find(sql);
    if (found != m_prepared.end())
        return found->second.get();
    auto statement
        = m_sqlite ? makeStatement(m_sqlite) : makeStatement(m_postgres, static_cast<int>(m_prepared.size()));
    if (!statement->prepare(sql)) {
        m_lastError = statement->error();
        return nullptr;
    }
    return m_prepared.emplace(sql, std::move(statement)).first->second.get();
}

Status Connection::execute(const char *sql)
{
    if (m_postgres) { // which prepares neither BEGIN nor COMMIT
        const PlainOutcome done = runPlain(m_postgres, sql);
        return done.failed ? Status(fail(toError(done.error))) : Status();
    }
    Statement *statement = prepared(sql);
    if (!statement)
        return fail(toError(m_lastError));
    if (!statement->exec()) {
        const Error error = toError(statement->error());
        statement->finish();
        return fail(error);
    }
    statement->finish();
    return {};
}

Status Connection::executeText(const QString &sql)
{
    QSqlQuery statement(m_database);
    if (!statement.exec(sql))
        return fail(toError(statement.lastError()));
    return {};
}

Result<Instant> Connection::beginPostgres(bool readOnly)
{
    // What is read is never older than the time that it is said to be of: the snapshot comes after it.
    const PlainOutcome begun = runPlain(m_postgres,
        readOnly ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
                   "SELECT CAST(EXTRACT(EPOCH FROM transaction_timestamp()) * 1000 AS BIGINT)"
                 : "BEGIN; " SIGNALBOX_POSTGRES_NOW);
    if (begun.failed)
        return fail(toError(begun.error));
    if (begun.value.isEmpty())
        return fail(ErrorCode::Unavailable, u"the database told no time"_s);
    return fromMs(begun.value.toLongLong());
}

bool Rows::next()
{
    if (m_statement->next())
        return true;
    if (m_statement->hasFailed())
        m_session.noteFailure(m_statement->error());
    return false;
}

void Session::noteFailure(const QSqlError &error)
{
    m_failure = toError(error);
}

Result<Instant> Session::now()
{
    if (m_now)
        return *m_now;
    if (dialect() == Dialect::Sqlite) {
        m_now = m_connection.clock().now();
        return *m_now;
    }
    auto rows = query(SIGNALBOX_POSTGRES_NOW);
    if (!rows)
        return fail(rows.error());
    if (!rows->next())
        return fail(ErrorCode::Internal, u"the database told no time"_s);
    m_now = rows->instant(0);
    return *m_now;
}

void Session::touch(const char *kind, const QString &id, qint64 rev)
{
    for (Touch &touch : m_touches) {
        if (touch.kind == kind && touch.id == id) {
            touch.rev = std::max(touch.rev, rev);
            return;
        }
    }
    m_touches.emplace_back(kind, id, rev);
}

Status Session::writeFeed()
{
    if (m_touches.empty())
        return {};
    const auto at = now();
    if (!at)
        return fail(at.error());
    size_t next = 0;
    const auto left = [&] { return m_touches.size() - next; };
    const auto kind = [&](size_t offset) { return QString::fromLatin1(m_touches[next + offset].kind); };
    const auto touchAt = [&](size_t offset) -> const Touch & { return m_touches[next + offset]; };
    // Two rows a statement: most units change a delivery and its session. On SQLite one: there is no way to
    // save, and it keeps a copy of every page that a statement of several rows touches.
    while (left() >= (dialect() == Dialect::Postgres ? 2u : SIZE_MAX)) {
        const auto done = run("INSERT INTO feed (kind, entity_id, rev, at) VALUES (?, ?, ?, ?), (?, ?, ?, ?)",
            kind(0), touchAt(0).id, touchAt(0).rev, *at, kind(1), touchAt(1).id, touchAt(1).rev, *at);
        if (!done)
            return fail(done.error());
        next += 2;
    }
    for (; left() >= 1; ++next) {
        const auto done = run("INSERT INTO feed (kind, entity_id, rev, at) VALUES (?, ?, ?, ?)", kind(0),
            touchAt(0).id, touchAt(0).rev, *at);
        if (!done)
            return fail(done.error());
    }
    return {};
}

} // namespace signalbox::store
