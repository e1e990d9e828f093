// SPDX-License-Identifier: Apache-2.0
#include "support/postgres.h"

#include <QCoreApplication>
#include <QSqlDatabase>
#include <QSqlError>
#include <QSqlQuery>
#include <QUrl>
#include <QUrlQuery>

#include <atomic>

using namespace Qt::StringLiterals;

namespace signalbox::testing {
namespace {

const char *const kVariable = "SIGNALBOX_TEST_POSTGRES";

QUrl clusterUrl()
{
    return QUrl(qEnvironmentVariable(kVariable), QUrl::StrictMode);
}

// Runs one statement in the cluster's maintenance database.
Status runInCluster(const QString &statement)
{
    static std::atomic<int> s_connections = 0;
    const QString connection = u"cluster-%1"_s.arg(++s_connections);
    const QUrl url = clusterUrl();
    const QUrlQuery query(url);
    Status status;
    {
        QSqlDatabase database = QSqlDatabase::addDatabase(u"QPSQL"_s, connection);
        database.setHostName(query.queryItemValue(u"host"_s, QUrl::FullyDecoded));
        database.setPort(
            query.hasQueryItem(u"port"_s) ? query.queryItemValue(u"port"_s).toInt() : url.port(5432));
        database.setUserName(url.userName());
        database.setDatabaseName(url.path().mid(1));
        if (!database.open()) {
            status = fail(ErrorCode::Unavailable, database.lastError().text());
        } else if (QSqlQuery sql(database); !sql.exec(statement)) {
            status = fail(ErrorCode::Internal, sql.lastError().text());
        }
    }
    QSqlDatabase::removeDatabase(connection);
    return status;
}

} // namespace

bool PostgresDatabase::isAvailable()
{
    return !qEnvironmentVariableIsEmpty(kVariable);
}

bool PostgresDatabase::isRequired()
{
    return qEnvironmentVariable("SIGNALBOX_REQUIRE_POSTGRES") == u"1"_s
        || qEnvironmentVariable("CI") == u"true"_s;
}

Result<PostgresDatabase> PostgresDatabase::create()
{
    static std::atomic<int> s_databases = 0;
    const QString name = u"signalbox_%1_%2"_s.arg(QCoreApplication::applicationPid()).arg(++s_databases);
    if (Status created = runInCluster(u"CREATE DATABASE %1 TEMPLATE template0"_s.arg(name)); !created) {
        return fail(created.error().context(u"creating a test database"_s));
    }
    QUrl url = clusterUrl();
    url.setPath(u'/' + name);
    return PostgresDatabase(name, url.toString(QUrl::FullyEncoded));
}

PostgresDatabase::PostgresDatabase(QString name, QString url)
    : m_name(std::move(name))
    , m_url(std::move(url))
{
}

PostgresDatabase::PostgresDatabase(PostgresDatabase &&other) noexcept
    : m_name(std::exchange(other.m_name, {}))
    , m_url(std::exchange(other.m_url, {}))
{
}

PostgresDatabase &PostgresDatabase::operator=(PostgresDatabase &&other) noexcept
{
    if (this != &other) {
        drop();
        m_name = std::exchange(other.m_name, {});
        m_url = std::exchange(other.m_url, {});
    }
    return *this;
}

PostgresDatabase::~PostgresDatabase()
{
    drop();
}

void PostgresDatabase::drop()
{
    if (m_name.isEmpty()) {
        return;
    }
    if (Status dropped = runInCluster(u"DROP DATABASE %1 WITH (FORCE)"_s.arg(m_name)); !dropped) {
        // The cluster is thrown away as a whole; what stays behind only costs disk until then.
        qWarning("%s", qPrintable(dropped.error().toString()));
    }
    m_name.clear();
}

} // namespace signalbox::testing
