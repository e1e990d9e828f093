// SPDX-License-Identifier: Apache-2.0
#include "store/statement.h"

#include <charconv>
#include <libpq-fe.h>
#include <limits>

using namespace Qt::StringLiterals;

namespace signalbox::store {

namespace {

struct ClearResult
{
    void operator()(PGresult *result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ClearResult>;

bool isGood(const PGresult *result)
{
    const ExecStatusType status = PQresultStatus(result); // of none: a fatal error
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

// The server's message may show values of the row, so it stays here; without a code the connection is gone.
QSqlError errorOf(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return QSqlError(u"PostgreSQL refused a statement"_s, QString(), QSqlError::StatementError,
        QString::fromLatin1(state));
}

// `?` outside of a quoted text becomes $1, $2 and so on.
QByteArray numbered(const char *sql, int &count)
{
    QByteArray text;
    bool quoted = false;
    count = 0;
    for (; *sql != '\0'; ++sql) {
        if (*sql == '\'')
            quoted = !quoted;
        if (*sql == '?' && !quoted)
            text += '$' + QByteArray::number(++count);
        else
            text += *sql;
    }
    return text;
}

class PostgresStatement : public Statement
{
public:
    PostgresStatement(PGconn *connection, int number)
        : m_connection(connection)
        , m_name('s' + QByteArray::number(number))
    {
    }

    bool prepare(const char *sql) override;
    [[nodiscard]] int parameters() const override { return static_cast<int>(m_values.size()); }
    void bind(int position, const QString &value) override;
    void bind(int position, const QByteArray &utf8) override;
    void bind(int position, qint64 value) override;
    void bindNull(int position) override { m_values[static_cast<size_t>(position)] = nullptr; }
    bool exec() override;
    bool next() override { return ++m_row < m_rows; }
    [[nodiscard]] int changed() const override { return atoi(PQcmdTuples(m_result.get())); }
    void finish() override;
    [[nodiscard]] QSqlError error() const override { return m_error; }
    [[nodiscard]] QString text(int column) const override
    {
        return QString::fromUtf8(bytes(column), PQgetlength(m_result.get(), m_row, column));
    }
    [[nodiscard]] QByteArray utf8(int column) const override
    {
        return QByteArray(bytes(column), PQgetlength(m_result.get(), m_row, column));
    }
    [[nodiscard]] qint64 number(int column) const override;
    [[nodiscard]] bool flag(int column) const override { return number(column) != 0; }
    [[nodiscard]] bool isNull(int column) const override
    {
        return PQgetisnull(m_result.get(), m_row, column) != 0;
    }

private:
    [[nodiscard]] const char *bytes(int column) const
    {
        const char *value = PQgetvalue(m_result.get(), m_row, column);
        return value ? value : ""; // of no row
    }
    void hold(int position)
    {
        m_values[static_cast<size_t>(position)] = m_held[static_cast<size_t>(position)].constData();
    }

    PGconn *m_connection;
    QByteArray m_name;
    std::vector<QByteArray> m_held; // bound values as texts that end with a zero
    std::vector<const char *> m_values; // the same for the library
    ResultPtr m_result; // all rows
    QSqlError m_error;
    int m_row = -1;
    int m_rows = 0;
};

bool PostgresStatement::prepare(const char *sql)
{
    int count = 0;
    const QByteArray text = numbered(sql, count);
    const ResultPtr result(PQprepare(m_connection, m_name.constData(), text.constData(), 0, nullptr));
    m_failed = !isGood(result.get());
    if (m_failed)
        m_error = errorOf(result.get());
    m_held.resize(static_cast<size_t>(count));
    m_values.resize(static_cast<size_t>(count), nullptr);
    return !m_failed;
}

// PostgreSQL refuses a NUL in a text, and what the other side sent must not make a row unstorable.
void PostgresStatement::bind(int position, const QString &value)
{
    QByteArray &held = m_held[static_cast<size_t>(position)];
    if (value.contains(QChar::Null))
        toUtf8(QString(value).replace(QChar::Null, QChar::ReplacementCharacter), held);
    else
        toUtf8(value, held);
    hold(position);
}

// The same for what is no UTF-8.
void PostgresStatement::bind(int position, const QByteArray &utf8)
{
    if (utf8.contains('\0') || !utf8.isValidUtf8()) {
        bind(position, QString::fromUtf8(utf8));
        return;
    }
    m_held[static_cast<size_t>(position)] = utf8;
    hold(position);
}

void PostgresStatement::bind(int position, qint64 value)
{
    QByteArray &held = m_held[static_cast<size_t>(position)];
    held.resize(std::numeric_limits<qint64>::digits10 + 2);
    const auto written = std::to_chars(held.begin(), held.end(), value);
    held.resize(written.ptr - held.constData());
    hold(position);
}

bool PostgresStatement::exec()
{
    m_result.reset(PQexecPrepared(m_connection, m_name.constData(), static_cast<int>(m_values.size()),
        m_values.data(), nullptr, nullptr, 0));
    m_failed = !isGood(m_result.get());
    if (m_failed)
        m_error = errorOf(m_result.get());
    m_row = -1;
    m_rows = m_failed ? 0 : PQntuples(m_result.get());
    return !m_failed;
}

void PostgresStatement::finish()
{
    m_result.reset();
    m_rows = 0;
}

qint64 PostgresStatement::number(int column) const
{
    const char *from = bytes(column);
    qint64 value = *from == 't' ? 1 : 0; // of a condition
    std::from_chars(from, from + PQgetlength(m_result.get(), m_row, column), value);
    return value;
}

} // namespace

std::unique_ptr<Statement> makeStatement(PGconn *connection, int number)
{
    return std::make_unique<PostgresStatement>(connection, number);
}

PlainOutcome runPlain(PGconn *connection, const char *sql)
{
    PlainOutcome outcome;
    const ResultPtr result(PQexec(connection, sql));
    outcome.failed = !isGood(result.get());
    if (outcome.failed)
        outcome.error = errorOf(result.get());
    else if (PQntuples(result.get()) > 0)
        outcome.value = PQgetvalue(result.get(), 0, 0);
    return outcome;
}

} // namespace signalbox::store
