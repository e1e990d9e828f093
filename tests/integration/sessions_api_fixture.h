// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/block_on.h"
#include "support/gateway_fixture.h"
#include "support/postgres.h"
#include "support/sse_client.h"

#include <QSqlDatabase>
#include <QSqlError>
#include <QSqlQuery>
#include <QVariant>

namespace signalbox::testing::sessions_api {

using namespace Qt::StringLiterals;

inline constexpr int kWait = 30'000;
inline const QString kSlack = u"slack:T0SANDBOX"_s;
inline const QByteArray kToken = QByteArray(kMarker) + "-all-token";
inline const QByteArray kAcme = QByteArray(kMarker) + "-acme-token";
inline const QByteArray kGlobex = QByteArray(kMarker) + "-globex-token";
inline const QString kUnconfirmed
    = u"notice:I was interrupted while working on that request and cannot tell how far it got. It has not been started again; please check before you ask again."_s;

struct Answer
{
    Answer() = default;
    int status = 0;
    Json json;
    QByteArray type;
    QByteArray raw;
};

inline GatewayOptions options(const QByteArray &feedback = {})
{
    GatewayOptions options;
    options.agentRemembers = true;
    options.installation = feedback;
    options.further = "[[installations]]\nchannel = \"web\"\ntenant = \"acme\"\nbackend = \"under-test\"\n"
        + feedback
        + "[[installations]]\nchannel = \"web\"\ntenant = \"globex\"\nbackend = \"under-test\"\n"
          "[[installations]]\nchannel = \"cli\"\ntenant = \"acme\"\nbackend = \"under-test\"\n"
          "[[ingress.tokens]]\nname = \"all\"\ntoken = \""
        + kToken + "\"\n[[ingress.tokens]]\nname = \"acme\"\ninstallations = [\"web:acme\"]\ntoken = \""
        + kAcme + "\"\n[[ingress.tokens]]\nname = \"globex\"\ninstallations = [\"web:globex\"]\ntoken = \""
        + kGlobex + "\"\n";
    return options;
}

inline QByteArray bodyOf(std::initializer_list<Json::Member> members)
{
    return Json::object(members).toBytes();
}

// What the programs that test the /v1/sessions routes share: calls, and a look into the database.
class SessionsCaller
{
protected:
    http::Client m_client;

    Answer call(GatewayFixture &gateway, const QByteArray &method, const QString &path,
        const QByteArray &body, const QByteArray &token = kToken, const QByteArray &key = {},
        const QByteArray &type = "application/json")
    {
        http::ClientRequest request(
            method, QUrl(u"http://127.0.0.1:%1/v1/sessions%2"_s.arg(gateway.ingressPort()).arg(path)));
        if (!token.isEmpty())
            request.headers.add("Authorization", "Bearer " + token);
        if (!key.isEmpty())
            request.headers.add("Idempotency-Key", key);
        if (!type.isEmpty())
            request.headers.add("Content-Type", type);
        request.body = body;
        request.timeout = Millis(20'000);
        Answer answer;
        const auto response = async::blockOn(m_client.send(std::move(request)), Millis(25'000));
        if (!response)
            return answer;
        answer.status = response->status;
        answer.raw = response->body;
        answer.type = response->headers.value("Content-Type");
        const auto json = Json::parse(response->body);
        if (json)
            answer.json = *json;
        return answer;
    }
    Answer post(GatewayFixture &gateway, const QString &path, const QByteArray &body,
        const QByteArray &token = kToken, const QByteArray &key = {})
    {
        return call(gateway, "POST", path, body, token, key);
    }
    QString fresh(GatewayFixture &gateway, const QString &installation = u"web:acme"_s,
        const QByteArray &token = kToken)
    {
        const QString source = installation.section(u':', 0, 0);
        const Answer answer = post(gateway, u""_s,
            bodyOf({{u"source"_s, source}, {u"installation"_s, installation}, {u"user"_s, u"anna"_s}}),
            token);
        if (answer.status != 201 || !answer.json[u"created"].toBool()) {
            QTest::qFail(answer.raw.constData(), __FILE__, __LINE__);
            return {};
        }
        return answer.json[u"id"].toString();
    }
    Answer say(GatewayFixture &gateway, const QString &session, const QString &id, const QString &text,
        const QByteArray &token = kToken, const QByteArray &key = {})
    {
        return post(gateway, u"/%1/messages"_s.arg(session),
            bodyOf({{u"id"_s, id}, {u"user"_s, u"anna"_s}, {u"text"_s, text}}), token, key);
    }
    static QString streamOf(const QString &session, const QString &query = {})
    {
        return u"/v1/sessions/%1/stream"_s.arg(session) + query;
    }
    // Rows of every table that these routes write to, straight from the database.
    static QString stored(GatewayFixture &gateway)
    {
        QStringList counts;
        {
            QSqlDatabase database = QSqlDatabase::addDatabase(u"QSQLITE"_s, u"look"_s);
            database.setDatabaseName(gateway.dataDir() + u"/signalbox.db"_s);
            database.setConnectOptions(u"QSQLITE_OPEN_READONLY"_s);
            if (!database.open())
                return u"no database"_s;
            for (const char *table : {"sessions", "tickets", "session_messages", "session_log", "deliveries",
                     "outbound_messages", "payloads", "inbound_keys", "idempotency", "installations"}) {
                QSqlQuery query(u"SELECT COUNT(*) FROM "_s + QString::fromLatin1(table), database);
                counts << QString::fromLatin1(table) + u'='
                        + (query.next() ? query.value(0).toString() : query.lastError().text());
            }
        }
        QSqlDatabase::removeDatabase(u"look"_s);
        return counts.join(u' ');
    }
};

} // namespace signalbox::testing::sessions_api

#define START(gateway)                                                                                       \
    do {                                                                                                     \
        const Status startedNow = (gateway).start();                                                         \
        QVERIFY2(startedNow, startedNow ? "" : qPrintable(startedNow.error().toString()));                   \
    } while (false)
