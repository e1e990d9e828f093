// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QByteArray>
#include <QSqlDatabase>
#include <QSqlError>
#include <QSqlQuery>
#include <QString>

#include <memory>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace signalbox::store {

// A prepared statement of one connection. On PostgreSQL it is a QSqlQuery. On SQLite it is the library's own
// statement on the connection that Qt opened: QSqlQuery converts every text twice, boxes every value and
// describes the columns anew at each execution, which costs more than the statement itself
// (tests/bench/bench_store). Positions and columns count from 0. Lives and dies on its connection's thread,
// before the connection is closed.
class Statement
{
public:
    // `native` is null on PostgreSQL.
    Statement(const QSqlDatabase &database, sqlite3 *native);
    ~Statement();
    Statement(const Statement &) = delete;
    Statement &operator=(const Statement &) = delete;

    [[nodiscard]] bool prepare(const char *sql);

    void bind(int position, const QString &value); // never NULL: a null text is an empty one
    void bind(int position, const QByteArray &utf8);
    void bind(int position, qint64 value);
    void bindNull(int position);

    // Runs the statement; what it changes is changed when this returns.
    [[nodiscard]] bool exec();
    // False at the end, and when reading failed: then hasFailed().
    [[nodiscard]] bool next();
    // Rows that were changed.
    [[nodiscard]] int changed() const;
    void finish();

    [[nodiscard]] bool hasFailed() const { return m_failed; }
    [[nodiscard]] QSqlError error() const;

    [[nodiscard]] QString text(int column) const;
    [[nodiscard]] QByteArray utf8(int column) const;
    [[nodiscard]] qint64 number(int column) const;
    [[nodiscard]] bool flag(int column) const;
    [[nodiscard]] bool isNull(int column) const;

private:
    // The first row was read by exec(): SQLite changes rows while it is stepped.
    enum class Row { None, Waiting, Current, End };
    [[nodiscard]] bool step();
    void bindText(int position, QStringView value);
    void hold(int position);

    sqlite3 *m_native;
    sqlite3_stmt *m_statement = nullptr;
    std::vector<QByteArray> m_held; // bound texts: SQLite reads them where they are
    Row m_row = Row::None;
    bool m_failed = false;
    std::unique_ptr<QSqlQuery> m_query;
};

} // namespace signalbox::store
