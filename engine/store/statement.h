// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QByteArray>
#include <QSqlError>
#include <QString>

#include <memory>
#include <vector>

struct pg_conn;
struct sqlite3;

namespace signalbox::store {

// A prepared statement of one connection, on the library's own handle of the connection that Qt opened:
// QSqlQuery converts every text twice, boxes every value, describes the columns anew at each execution and,
// on PostgreSQL, sends each execution as a text that the server parses; that costs more than the statement
// itself (tests/bench/bench_store, bench_claims). Positions and columns count from 0. Lives and dies on its
// connection's thread, before the connection is closed.
class Statement
{
public:
    Statement() = default;
    virtual ~Statement() = default;
    Statement(const Statement &) = delete;
    Statement &operator=(const Statement &) = delete;

    // `?` stands for a parameter.
    [[nodiscard]] virtual bool prepare(const char *sql) = 0;

    [[nodiscard]] virtual int parameters() const = 0;
    virtual void bind(int position, const QString &value) = 0; // never NULL: a null text is an empty one
    virtual void bind(int position, const QByteArray &utf8) = 0; // the same
    virtual void bind(int position, qint64 value) = 0;
    virtual void bindNull(int position) = 0;

    // Runs the statement; what it changes is changed when this returns.
    [[nodiscard]] virtual bool exec() = 0;
    // False at the end, and when reading failed: then hasFailed().
    [[nodiscard]] virtual bool next() = 0;
    // Rows that were changed.
    [[nodiscard]] virtual int changed() const = 0;
    virtual void finish() = 0;

    [[nodiscard]] bool hasFailed() const { return m_failed; }
    [[nodiscard]] virtual QSqlError error() const = 0;

    [[nodiscard]] virtual QString text(int column) const = 0;
    [[nodiscard]] virtual QByteArray utf8(int column) const = 0;
    [[nodiscard]] virtual qint64 number(int column) const = 0;
    [[nodiscard]] virtual bool flag(int column) const = 0;
    [[nodiscard]] virtual bool isNull(int column) const = 0;

protected:
    // Most texts are ids, so the memory of the text before is used again and ASCII is narrowed in place.
    static void toUtf8(QStringView value, QByteArray &into);

    bool m_failed = false;
};

[[nodiscard]] std::unique_ptr<Statement> makeStatement(sqlite3 *connection);
// `number` names the statement: no other of this connection has it.
[[nodiscard]] std::unique_ptr<Statement> makeStatement(pg_conn *connection, int number);

// Runs what has no parameters, several statements too, and returns the last one's first value; PostgreSQL
// only.
struct PlainOutcome
{
    PlainOutcome() = default;
    bool failed = false;
    QSqlError error;
    QByteArray value;
};
[[nodiscard]] PlainOutcome runPlain(pg_conn *connection, const char *sql);

} // namespace signalbox::store
