// SPDX-License-Identifier: Apache-2.0
#include "store/statement.h"

#include <QVariant>

#include <sqlite3.h>

using namespace Qt::StringLiterals;

namespace signalbox::store {

Statement::Statement(const QSqlDatabase &database, sqlite3 *native)
    : m_native(native)
{
    if (!native)
        m_query = std::make_unique<QSqlQuery>(database);
}

Statement::~Statement()
{
    sqlite3_finalize(m_statement);
}

bool Statement::prepare(const char *sql)
{
    if (m_query) {
        // Not forward-only: QPSQL would fetch row by row, and a failure in the middle would look like the
        // end.
        m_failed = !m_query->prepare(QString::fromUtf8(sql));
        return !m_failed;
    }
    m_failed = sqlite3_prepare_v3(m_native, sql, -1, SQLITE_PREPARE_PERSISTENT, &m_statement, nullptr)
        != SQLITE_OK;
    if (!m_failed)
        m_held.resize(static_cast<size_t>(sqlite3_bind_parameter_count(m_statement)));
    return !m_failed;
}

void Statement::bind(int position, const QString &value)
{
    if (!m_query) {
        bindText(position, value);
        return;
    }
    // PostgreSQL refuses a NUL in a text, and what the other side sent must not make a row unstorable.
    if (value.contains(QChar::Null))
        m_query->bindValue(position, QString(value).replace(QChar::Null, QChar::ReplacementCharacter));
    else
        m_query->bindValue(position, value.isNull() ? u""_s : value);
}

// Most texts are ids, so the memory of the text before is used again and ASCII is narrowed in place.
void Statement::bindText(int position, QStringView value)
{
    QByteArray &held = m_held[static_cast<size_t>(position)];
    held.resize(value.size());
    char *out = held.data();
    char16_t seen = 0;
    for (const QChar c : value) {
        seen |= c.unicode();
        *out++ = static_cast<char>(c.unicode());
    }
    if (seen > 0x7f)
        held = value.toUtf8();
    hold(position);
}

// constData() of a null array is an empty text, not NULL. The text stays valid until the next bind.
void Statement::hold(int position)
{
    const QByteArray &held = m_held[static_cast<size_t>(position)];
    sqlite3_bind_text64(m_statement, position + 1, held.constData(), static_cast<sqlite3_uint64>(held.size()),
        SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bind(int position, const QByteArray &utf8)
{
    if (m_query) {
        bind(position, QString::fromUtf8(utf8));
        return;
    }
    m_held[static_cast<size_t>(position)] = utf8;
    hold(position);
}

void Statement::bind(int position, qint64 value)
{
    if (m_query)
        m_query->bindValue(position, value);
    else
        sqlite3_bind_int64(m_statement, position + 1, value);
}

void Statement::bindNull(int position)
{
    if (m_query)
        m_query->bindValue(position, QVariant());
    else
        sqlite3_bind_null(m_statement, position + 1);
}

bool Statement::step()
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

bool Statement::exec()
{
    m_failed = false;
    if (m_query) {
        m_failed = !m_query->exec();
        return !m_failed;
    }
    m_row = step() ? Row::Waiting : Row::End;
    return !m_failed;
}

bool Statement::next()
{
    if (m_query)
        return m_query->next();
    if (m_row == Row::Waiting)
        m_row = Row::Current;
    else if (m_row == Row::Current)
        m_row = step() ? Row::Current : Row::End;
    return m_row == Row::Current;
}

int Statement::changed() const
{
    return m_query ? m_query->numRowsAffected() : sqlite3_changes(m_native);
}

void Statement::finish()
{
    if (m_query)
        m_query->finish();
    else
        sqlite3_reset(m_statement);
    m_row = Row::None;
}

QSqlError Statement::error() const
{
    if (m_query)
        return m_query->lastError();
    const QString text = QString::fromUtf8(sqlite3_errmsg(m_native));
    return QSqlError(
        text, QString(), QSqlError::StatementError, QString::number(sqlite3_extended_errcode(m_native)));
}

QString Statement::text(int column) const
{
    if (m_query)
        return m_query->value(column).toString();
    const auto *text = reinterpret_cast<const char *>(sqlite3_column_text(m_statement, column));
    return QString::fromUtf8(text, text ? sqlite3_column_bytes(m_statement, column) : 0);
}

QByteArray Statement::utf8(int column) const
{
    if (m_query)
        return m_query->value(column).toString().toUtf8();
    const auto *text = reinterpret_cast<const char *>(sqlite3_column_text(m_statement, column));
    return QByteArray(text, text ? sqlite3_column_bytes(m_statement, column) : 0);
}

qint64 Statement::number(int column) const
{
    return m_query ? m_query->value(column).toLongLong() : sqlite3_column_int64(m_statement, column);
}

bool Statement::flag(int column) const
{
    return m_query ? m_query->value(column).toBool() : sqlite3_column_int64(m_statement, column) != 0;
}

bool Statement::isNull(int column) const
{
    return m_query ? m_query->isNull(column) : sqlite3_column_type(m_statement, column) == SQLITE_NULL;
}

} // namespace signalbox::store
