// SPDX-License-Identifier: Apache-2.0
#include "store/statement.h"

#include <sqlite3.h>

namespace signalbox::store {

namespace {

class SqliteStatement : public Statement
{
public:
    explicit SqliteStatement(sqlite3 *connection)
        : m_connection(connection)
    {
    }
    ~SqliteStatement() override { sqlite3_finalize(m_statement); }

    bool prepare(const char *sql) override;
    [[nodiscard]] int parameters() const override { return static_cast<int>(m_held.size()); }
    void bind(int position, const QString &value) override;
    void bind(int position, const QByteArray &utf8) override;
    void bind(int position, qint64 value) override { sqlite3_bind_int64(m_statement, position + 1, value); }
    void bindNull(int position) override { sqlite3_bind_null(m_statement, position + 1); }
    bool exec() override;
    bool next() override;
    [[nodiscard]] int changed() const override { return sqlite3_changes(m_connection); }
    void finish() override;
    [[nodiscard]] QSqlError error() const override;
    [[nodiscard]] QString text(int column) const override;
    [[nodiscard]] QByteArray utf8(int column) const override;
    [[nodiscard]] qint64 number(int column) const override
    {
        return sqlite3_column_int64(m_statement, column);
    }
    [[nodiscard]] bool flag(int column) const override { return number(column) != 0; }
    [[nodiscard]] bool isNull(int column) const override
    {
        return sqlite3_column_type(m_statement, column) == SQLITE_NULL;
    }

private:
    // The first row was read by exec(): SQLite changes rows while it is stepped.
    enum class Row { None, Waiting, Current, End };
    [[nodiscard]] bool step();
    void hold(int position);

    sqlite3 *m_connection;
    sqlite3_stmt *m_statement = nullptr;
    std::vector<QByteArray> m_held; // bound texts: SQLite reads them where they are
    Row m_row = Row::None;
};

bool SqliteStatement::prepare(const char *sql)
{
    m_failed = sqlite3_prepare_v3(m_connection, sql, -1, SQLITE_PREPARE_PERSISTENT, &m_statement, nullptr)
        != SQLITE_OK;
    if (!m_failed)
        m_held.resize(static_cast<size_t>(sqlite3_bind_parameter_count(m_statement)));
    return !m_failed;
}

void SqliteStatement::bind(int position, const QString &value)
{
    toUtf8(value, m_held[static_cast<size_t>(position)]);
    hold(position);
}

void SqliteStatement::bind(int position, const QByteArray &utf8)
{
    m_held[static_cast<size_t>(position)] = utf8;
    hold(position);
}

// constData() of a null array is an empty text, not NULL. The text stays valid until the next bind.
void SqliteStatement::hold(int position)
{
    const QByteArray &held = m_held[static_cast<size_t>(position)];
    sqlite3_bind_text64(m_statement, position + 1, held.constData(), static_cast<sqlite3_uint64>(held.size()),
        SQLITE_STATIC, SQLITE_UTF8);
}

bool SqliteStatement::step()
{
    switch (sqlite3_step(m_statement)) {
    case SQLITE_ROW:
        return true;
    case SQLITE_DONE:
        return false;
    default:
        m_failed = true;
        return false;
    }
}

bool SqliteStatement::exec()
{
    m_failed = false;
    m_row = step() ? Row::Waiting : Row::End;
    return !m_failed;
}

bool SqliteStatement::next()
{
    if (m_row == Row::Waiting)
        m_row = Row::Current;
    else if (m_row == Row::Current)
        m_row = step() ? Row::Current : Row::End;
    return m_row == Row::Current;
}

void SqliteStatement::finish()
{
    sqlite3_reset(m_statement);
    m_row = Row::None;
}

QSqlError SqliteStatement::error() const
{
    const QString text = QString::fromUtf8(sqlite3_errmsg(m_connection));
    return QSqlError(
        text, QString(), QSqlError::StatementError, QString::number(sqlite3_extended_errcode(m_connection)));
}

QString SqliteStatement::text(int column) const
{
    const auto *text = reinterpret_cast<const char *>(sqlite3_column_text(m_statement, column));
    return QString::fromUtf8(text, text ? sqlite3_column_bytes(m_statement, column) : 0);
}

QByteArray SqliteStatement::utf8(int column) const
{
    const auto *text = reinterpret_cast<const char *>(sqlite3_column_text(m_statement, column));
    return QByteArray(text, text ? sqlite3_column_bytes(m_statement, column) : 0);
}

} // namespace

std::unique_ptr<Statement> makeStatement(sqlite3 *connection)
{
    return std::make_unique<SqliteStatement>(connection);
}

} // namespace signalbox::store
