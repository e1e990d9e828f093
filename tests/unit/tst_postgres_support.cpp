// SPDX-License-Identifier: Apache-2.0
#include "support/postgres.h"

#include <QSqlDatabase>
#include <QSqlError>
#include <QSqlQuery>
#include <QTest>
#include <QUrl>
#include <QUrlQuery>

using namespace Qt::StringLiterals;
using signalbox::testing::PostgresDatabase;

class PostgresSupportTest : public QObject
{
    Q_OBJECT

private:
    // Opens what the URL names as its own connection; the error, or empty.
    static QString openError(const QUrl &url)
    {
        QString error;
        {
            QSqlDatabase database = QSqlDatabase::addDatabase(u"QPSQL"_s, u"probe"_s);
            database.setHostName(QUrlQuery(url).queryItemValue(u"host"_s, QUrl::FullyDecoded));
            database.setUserName(url.userName());
            database.setDatabaseName(url.path().mid(1));
            if (!database.open()) {
                error = database.lastError().text();
            }
        }
        QSqlDatabase::removeDatabase(u"probe"_s);
        return error;
    }

private Q_SLOTS:
    void databases_areFreshAndDropped();
};

void PostgresSupportTest::databases_areFreshAndDropped()
{
    SIGNALBOX_NEED_POSTGRES();
    QUrl url;
    {
        auto first = PostgresDatabase::create();
        QVERIFY2(first, first ? "" : qPrintable(first.error().toString()));
        auto second = PostgresDatabase::create();
        QVERIFY(second);
        QVERIFY(first->url() != second->url());
        url = QUrl(first->url(), QUrl::StrictMode);
        QCOMPARE(openError(url), QString());
        const PostgresDatabase moved = std::move(*first);
        QCOMPARE(openError(url), QString());
    }
    QVERIFY(openError(url).contains(u"does not exist"_s));
}

QTEST_GUILESS_MAIN(PostgresSupportTest)
#include "tst_postgres_support.moc"
