// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/result.h"

#include <QSqlDatabase>
#include <QSqlError>
#include <QSqlQuery>
#include <QString>
#include <QVariant>

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

// The rows of one query; finished when it goes out of scope, so that no statement stays open over a commit.
class Rows
{
public:
    explicit Rows(QSqlQuery *query)
        : m_query(query)
    {
    }
    Rows(Rows &&other) noexcept
        : m_query(std::exchange(other.m_query, nullptr))
    {
    }
    Rows &operator=(Rows &&) = delete;
    ~Rows()
    {
        if (m_query)
            m_query->finish();
    }
    [[nodiscard]] bool next() { return m_query->next(); }
    [[nodiscard]] QString text(int column) const { return m_query->value(column).toString(); }
    [[nodiscard]] qint64 number(int column) const { return m_query->value(column).toLongLong(); }
    [[nodiscard]] bool flag(int column) const { return m_query->value(column).toBool(); }
    [[nodiscard]] Instant instant(int column) const { return fromMs(number(column)); }
    [[nodiscard]] bool isNull(int column) const { return m_query->isNull(column); }

private:
    QSqlQuery *m_query;
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
    // SQLite: whether a transaction is open, asked of the library itself: some failures roll everything back
    // (TOOLCHAIN §8).
    [[nodiscard]] bool inTransaction() const;

    // `sql` is a literal: statements are prepared once for each literal. nullptr with lastError() on failure.
    [[nodiscard]] QSqlQuery *prepared(const char *sql);
    [[nodiscard]] Status execute(const char *sql);
    [[nodiscard]] Status executeText(const QString &sql);
    [[nodiscard]] const QSqlError &lastError() const { return m_lastError; }

private:
    [[nodiscard]] Status setUpSqlite(bool readOnly);
    [[nodiscard]] Status setUpPostgres();
    DatabaseTarget m_target;
    const Clock &m_clock;
    QString m_name;
    QSqlDatabase m_database;
    QSqlError m_lastError;
    std::unordered_map<const char *, std::unique_ptr<QSqlQuery>> m_prepared;
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

// What a unit of work sees of the database: statements inside its transaction, one time for all of it, and the feed.
// Lives for one run of one unit.
class Session
{
public:
    explicit Session(Connection &connection)
        : m_connection(connection)
    {
    }

    template<class... Args>
    [[nodiscard]] Result<Rows> query(const char *sql, const Args &...args)
    {
        QSqlQuery *statement = m_connection.prepared(sql);
        if (!statement)
            return fail(toErrorNow(m_connection.lastError()));
        int position = 0;
        (bind(*statement, position++, args), ...);
        if (!statement->exec()) {
            const Error error = toErrorNow(statement->lastError());
            statement->finish();
            return fail(error);
        }
        return Rows(statement);
    }

    // The number of rows that were changed.
    template<class... Args>
    [[nodiscard]] Result<int> run(const char *sql, const Args &...args)
    {
        QSqlQuery *statement = m_connection.prepared(sql);
        if (!statement)
            return fail(toErrorNow(m_connection.lastError()));
        int position = 0;
        (bind(*statement, position++, args), ...);
        if (!statement->exec()) {
            const Error error = toErrorNow(statement->lastError());
            statement->finish();
            return fail(error);
        }
        const int changed = statement->numRowsAffected();
        statement->finish();
        return changed;
    }

    [[nodiscard]] Dialect dialect() const { return m_connection.dialect(); }
    // The store's time, the same within one unit: clock_timestamp() on PostgreSQL, the injected clock on SQLite.
    [[nodiscard]] Result<Instant> now();

    // Notes that an entity changed; one feed row for each entity is written when the unit ends.
    void touch(const char *kind, const QString &id, qint64 rev);
    [[nodiscard]] Status writeFeed();
    [[nodiscard]] bool touched() const { return !m_touches.empty(); }

private:
    static void bind(QSqlQuery &statement, int position, const QString &value) { statement.bindValue(position, value.isNull() ? QStringLiteral("") : value); }
    static void bind(QSqlQuery &statement, int position, qint64 value) { statement.bindValue(position, value); }
    static void bind(QSqlQuery &statement, int position, int value) { statement.bindValue(position, value); }
    static void bind(QSqlQuery &statement, int position, bool value) { statement.bindValue(position, value ? 1 : 0); }
    static void bind(QSqlQuery &statement, int position, Instant value) { statement.bindValue(position, toMs(value)); }
    static void bind(QSqlQuery &statement, int position, const QByteArray &utf8) { statement.bindValue(position, QString::fromUtf8(utf8)); }
    static void bind(QSqlQuery &statement, int position, std::nullptr_t) { statement.bindValue(position, QVariant()); }
    [[nodiscard]] static Error toErrorNow(const QSqlError &error);

    Connection &m_connection;
    std::vector<Touch> m_touches;
    std::optional<Instant> m_now;
};

} // namespace signalbox::store
