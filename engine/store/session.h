// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "store/statement.h"

#include <QSqlDatabase>
#include <QSqlError>
#include <QString>

#include <memory>
#include <unordered_map>
#include <vector>

namespace signalbox::store {

enum class Dialect { Sqlite, Postgres };

// Where a database is and how to reach it.
struct DatabaseTarget
{
    DatabaseTarget() = default;
    Dialect dialect = Dialect::Sqlite;
    QString path; // SQLite: absolute file
    QString host; // PostgreSQL: a host, or the folder of a unix socket
    int port = 5432;
    QString name;
    QString user;
    QString password;
    QString options; // further libpq options, "sslmode=require;…"

    // "sqlite:FILE" (relative to dataDir) or "postgresql://user@host:port/name?sslmode=…&host=/socket/dir".
    [[nodiscard]] static Result<DatabaseTarget> parse(const QString &url, const QString &dataDir);
};

class Session;

// The rows of one query; finished when it goes out of scope, so that no statement stays open over a commit. A
// failure while reading ends the rows and fails the unit (Session::failure()).
class Rows
{
public:
    Rows(Session &session, Statement *statement)
        : m_session(session)
        , m_statement(statement)
    {
    }
    Rows(Rows &&other) noexcept
        : m_session(other.m_session)
        , m_statement(std::exchange(other.m_statement, nullptr))
    {
    }
    Rows &operator=(Rows &&) = delete;
    ~Rows()
    {
        if (m_statement)
            m_statement->finish();
    }
    [[nodiscard]] bool next();
    [[nodiscard]] QString text(int column) const { return m_statement->text(column); }
    [[nodiscard]] QByteArray utf8(int column) const { return m_statement->utf8(column); }
    [[nodiscard]] qint64 number(int column) const { return m_statement->number(column); }
    [[nodiscard]] bool flag(int column) const { return m_statement->flag(column); }
    [[nodiscard]] Instant instant(int column) const { return fromMs(number(column)); }
    [[nodiscard]] bool isNull(int column) const { return m_statement->isNull(column); }

private:
    Session &m_session;
    Statement *m_statement;
};

// One database connection with its prepared statements. Made, used and destroyed on one executor thread.
class Connection
{
public:
    Connection(DatabaseTarget target, const Clock &clock, QString name);
    ~Connection();
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;

    [[nodiscard]] Status open(bool readOnly);
    void close();
    [[nodiscard]] bool isOpen() const { return m_database.isOpen(); }
    [[nodiscard]] Dialect dialect() const { return m_target.dialect; }
    [[nodiscard]] const Clock &clock() const { return m_clock; }
    [[nodiscard]] QSqlDatabase &database() { return m_database; }
    // SQLite's own handle; null on PostgreSQL and while closed.
    [[nodiscard]] sqlite3 *sqlite() const { return m_sqlite; }
    // SQLite: whether a transaction is open, asked of the library itself: some failures roll everything back
    // (TOOLCHAIN §8).
    [[nodiscard]] bool inTransaction() const;

    // `sql` is a literal: statements are prepared once for each literal. nullptr with lastError() on failure.
    [[nodiscard]] Statement *prepared(const char *sql);
    [[nodiscard]] Status execute(const char *sql);
    // The same through Qt's driver, which then looks for notifications that came with the answer.
    [[nodiscard]] Status executeText(const QString &sql);
    // Begins a transaction on PostgreSQL and asks for its time in the same round trip.
    [[nodiscard]] Result<Instant> beginPostgres(bool readOnly);
    [[nodiscard]] const QSqlError &lastError() const { return m_lastError; }

private:
    [[nodiscard]] bool findHandle();
    [[nodiscard]] Status setUpSqlite(bool readOnly);
    [[nodiscard]] Status setUpPostgres();
    DatabaseTarget m_target;
    const Clock &m_clock;
    QString m_name;
    QSqlDatabase m_database;
    sqlite3 *m_sqlite = nullptr; // the libraries' own handles; null while closed
    pg_conn *m_postgres = nullptr;
    QSqlError m_lastError;
    std::unordered_map<const char *, std::unique_ptr<Statement>> m_prepared;
};

// What the change feed says of one entity.
struct Touch
{
    Touch(const char *entityKind, QString entityId, qint64 revision)
        : kind(entityKind)
        , id(std::move(entityId))
        , rev(revision)
    {
    }
    const char *kind;
    QString id;
    qint64 rev;
};

// What a unit of work sees of the database: statements inside its transaction, one time for all of it, and
// the feed. Lives for one run of one unit.
class Session
{
public:
    // `now` is the unit's time where beginning has told it already.
    explicit Session(Connection &connection, std::optional<Instant> now = {})
        : m_connection(connection)
        , m_now(now)
    {
    }

    template <class... Args>
    [[nodiscard]] Result<Rows> query(const char *sql, const Args &...args)
    {
        Statement *statement = start(sql, args...);
        if (!statement)
            return fail(*m_failure);
        return Rows(*this, statement);
    }

    // The number of rows that were changed.
    template <class... Args>
    [[nodiscard]] Result<int> run(const char *sql, const Args &...args)
    {
        Statement *statement = start(sql, args...);
        if (!statement)
            return fail(*m_failure);
        const int changed = statement->changed();
        statement->finish();
        return changed;
    }

    [[nodiscard]] Dialect dialect() const { return m_connection.dialect(); }
    // The store's time, the same within one unit: the server's on PostgreSQL, the injected clock on SQLite.
    [[nodiscard]] Result<Instant> now();

    // Notes that an entity changed; one feed row for each entity is written when the unit ends.
    void touch(const char *kind, const QString &id, qint64 rev);
    [[nodiscard]] Status writeFeed();
    [[nodiscard]] bool touched() const { return !m_touches.empty(); }
    // Notes that another engine has an order to carry out (order_records.h): it is told after the commit.
    void noteOrder() { m_ordered = true; }
    [[nodiscard]] bool ordered() const { return m_ordered; }

    // What a statement of this unit failed with, if any did: the unit has failed then, whatever it returns.
    [[nodiscard]] const std::optional<Error> &failure() const { return m_failure; }

private:
    friend class Rows;
    static void bind(Statement &statement, int position, const QString &value)
    {
        statement.bind(position, value);
    }
    static void bind(Statement &statement, int position, const QByteArray &utf8)
    {
        statement.bind(position, utf8);
    }
    static void bind(Statement &statement, int position, qint64 value) { statement.bind(position, value); }
    static void bind(Statement &statement, int position, int value)
    {
        statement.bind(position, qint64(value));
    }
    static void bind(Statement &statement, int position, bool value)
    {
        statement.bind(position, qint64(value ? 1 : 0));
    }
    static void bind(Statement &statement, int position, Instant value)
    {
        statement.bind(position, toMs(value));
    }
    static void bind(Statement &statement, int position, std::nullptr_t) { statement.bindNull(position); }

    // Binds and runs; nullptr with m_failure otherwise.
    template <class... Args>
    Statement *start(const char *sql, const Args &...args)
    {
        Statement *statement = m_connection.prepared(sql);
        if (!statement) {
            noteFailure(m_connection.lastError());
            return nullptr;
        }
        Q_ASSERT_X(statement->parameters() == static_cast<int>(sizeof...(args)), "Session", sql);
        int position = 0;
        (bind(*statement, position++, args), ...);
        if (!statement->exec()) {
            noteFailure(statement->error());
            statement->finish();
            return nullptr;
        }
        return statement;
    }
    void noteFailure(const QSqlError &error);

    Connection &m_connection;
    std::vector<Touch> m_touches;
    bool m_ordered = false;
    std::optional<Instant> m_now;
    std::optional<Error> m_failure;
};

} // namespace signalbox::store
