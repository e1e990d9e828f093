// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"
#include "gateway/ingress_call.h"
#include "gateway/session_request.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::gateway;

// What the /v1/sessions routes take, and whose call it is: pure parsing and decisions. What they refuse is
// tested at the running program (tst_sessions_refusals).
class SessionRequestTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void fresh_isRead();
    void message_keepsItsLines();
    void lookup_takesOneOfTwo();
    void since_prefersTheField();
    void scope_isTheOneOfAMessage_data();
    void scope_isTheOneOfAMessage();
    void scope_needsAThreadWhereSessionsHaveOne();
    void errors_neverTellValues();
    void token_reachesItsInstallationsAlone();
    void key_belongsToItsTokenRouteAndBody();
    void refusals_haveTheirStatus_data();
    void refusals_haveTheirStatus();
};

namespace {

http::Request post(const QByteArray &body)
{
    http::Request request;
    request.method = "POST";
    request.path = u"/v1/sessions"_s;
    request.body = body;
    return request;
}

store::InstallationRow slack()
{
    store::InstallationRow row;
    row.id = u"slack:T1:A1"_s;
    row.channel = u"slack"_s;
    row.tenant = u"T1"_s;
    row.app = u"A1"_s;
    row.backend = u"agent"_s;
    return row;
}

config::TokenConfig token(const QString &name, const QStringList &installations)
{
    config::TokenConfig token;
    token.name = name;
    token.sha256 = sha256(name.toUtf8());
    token.installations = installations;
    return token;
}

} // namespace

void SessionRequestTest::fresh_isRead()
{
    const auto fresh = parseFresh(
        post(R"({"source":"cli","installation":"cli:acme","user":"Anna Müller","ticket":"INC-1"})"));
    QVERIFY2(fresh, fresh ? "" : qPrintable(fresh.error().toString()));
    QCOMPARE(fresh->source, u"cli"_s);
    QCOMPARE(fresh->installation, u"cli:acme"_s);
    QCOMPARE(fresh->user, u"Anna Müller"_s);
    QCOMPARE(fresh->ticket, u"INC-1"_s);
    QVERIFY(parseFresh(post(R"({"source":"web","installation":"web:acme","user":"a"})"))->ticket.isEmpty());
    const auto slackSource = parseFresh(post(R"({"source":"slack","installation":"slack:T1","user":"a"})"));
    QVERIFY(!slackSource);
    QVERIFY(slackSource.error().message().contains(u"/v1/sessions/resolve"));
}

void SessionRequestTest::message_keepsItsLines()
{
    const auto message = parseMessage(post(R"({"id":"m-1","user":"a","text":"\n one\n\ttwo &amp; <b>\n"})"));
    QVERIFY(message);
    QCOMPARE(message->text, u"one\n\ttwo &amp; <b>"_s);
    QCOMPARE(message->id, u"m-1"_s);
}

void SessionRequestTest::lookup_takesOneOfTwo()
{
    const auto byTicket = parseLookup(post(R"({"installation":"web:acme","ticket":"INC-1"})"));
    QVERIFY(byTicket);
    QCOMPARE(byTicket->ticket, u"INC-1"_s);
    QVERIFY(parseLookup(post(R"({"installation":"slack:T1","place":"D1"})")));
    QVERIFY(!parseLookup(post(R"({"installation":"slack:T1"})")));
    QVERIFY(!parseLookup(post(R"({"installation":"slack:T1","place":"D1","ticket":"a"})")));
    QVERIFY(!parseLookup(post(R"({"installation":"slack:T1","thread":"1.1","ticket":"a"})")));
    QVERIFY(!parseResolve(post(R"({"installation":"slack:T1","ticket":"a"})")));
}

void SessionRequestTest::since_prefersTheField()
{
    http::Request request;
    QCOMPARE(parseSince(request).value(), 0);
    request.rawQuery = "since=7";
    QCOMPARE(parseSince(request).value(), 7);
    request.headers.set("Last-Event-ID", "12");
    QCOMPARE(parseSince(request).value(), 12);
    for (const char *wrong : {"-1", "x", "1.5", "99999999999999999999"}) {
        request.headers.set("Last-Event-ID", wrong);
        QVERIFY2(!parseSince(request), wrong);
    }
}

void SessionRequestTest::scope_isTheOneOfAMessage_data()
{
    QTest::addColumn<bool>("perThread");
    QTest::addColumn<QString>("place");
    QTest::addColumn<QString>("thread");
    QTest::addColumn<QString>("expected");
    const QString ts = u"1700000000.000100"_s;
    QTest::newRow("a thread") << true << u"C1"_s << ts << ts;
    QTest::newRow("a direct message") << true << u"D1"_s << QString() << QString();
    QTest::newRow("a thread of a direct message") << true << u"D1"_s << ts << QString();
    QTest::newRow("a group message") << true << u"G1"_s << QString() << QString();
    QTest::newRow("a private channel") << true << u"G1"_s << ts << ts;
    QTest::newRow("a place") << false << u"C1"_s << QString() << QString();
    QTest::newRow("a place, whatever the thread") << false << u"C1"_s << ts << QString();
}

void SessionRequestTest::scope_isTheOneOfAMessage()
{
    QFETCH(bool, perThread);
    QFETCH(QString, place);
    QFETCH(QString, thread);
    QFETCH(QString, expected);
    PlaceRequest request;
    request.place = place;
    request.thread = thread;
    const auto scope = scopeOf(slack(), perThread, request);
    QVERIFY(scope);
    QCOMPARE(scope->thread, expected);
    domain::SessionScope message; // as slack_ingress makes it
    message.channel = u"slack"_s;
    message.tenant = u"T1"_s;
    message.app = u"A1"_s;
    message.backend = u"agent"_s;
    message.place = place;
    message.thread = expected;
    QCOMPARE(domain::sessionId(*scope), domain::sessionId(message));
}

void SessionRequestTest::scope_needsAThreadWhereSessionsHaveOne()
{
    PlaceRequest request;
    request.place = u"C1"_s;
    const auto scope = scopeOf(slack(), true, request);
    QVERIFY(!scope);
    QCOMPARE(scope.error().code(), ErrorCode::InvalidInput);
}

void SessionRequestTest::errors_neverTellValues()
{
    for (const char *body : {R"({"secret":1})", R"({"source":"secret","installation":"a","user":"a"})",
             R"({"source":"web","installation":"a","user":" secret"})", R"({"secret)"}) {
        const auto fresh = parseFresh(post(body));
        QVERIFY2(!fresh, body);
        QVERIFY2(!fresh.error().message().contains(u"secret"), body);
    }
}

void SessionRequestTest::token_reachesItsInstallationsAlone()
{
    config::Config config;
    config.ingress.tokens << token(u"all"_s, {u"*"_s}) << token(u"acme"_s, {u"web:acme"_s});
    http::Request request;
    QVERIFY(!ingressToken(config, request));
    request.headers.set("Authorization", "Bearer other");
    QVERIFY(!ingressToken(config, request));
    request.headers.set("Authorization", "Bearer acme");
    const config::TokenConfig *acme = ingressToken(config, request);
    QVERIFY(acme);
    QVERIFY(mayUse(*acme, u"web:acme"_s));
    QVERIFY(!mayUse(*acme, u"web:acme2"_s));
    QVERIFY(!mayUse(*acme, u"*"_s));
    QVERIFY(!isForAll(*acme));
    request.headers.set("Authorization", "bearer all");
    const config::TokenConfig *all = ingressToken(config, request);
    QVERIFY(all && mayUse(*all, u"web:anything"_s));
}

void SessionRequestTest::key_belongsToItsTokenRouteAndBody()
{
    const config::TokenConfig acme = token(u"acme"_s, {u"web:acme"_s});
    http::Request request = post("{}");
    QVERIFY(keyedCall(acme, request)->key.isEmpty());
    request.headers.set("Idempotency-Key", "k");
    const auto first = keyedCall(acme, request);
    QCOMPARE(first->actor, u"ingress:acme"_s);
    QCOMPARE(first->key, u"k"_s);
    QCOMPARE(keyedCall(acme, request)->fingerprint, first->fingerprint);
    request.body = "{ }";
    QVERIFY(keyedCall(acme, request)->fingerprint != first->fingerprint);
    request.body = "{}";
    request.path = u"/v1/sessions/resolve"_s;
    QVERIFY(keyedCall(acme, request)->fingerprint != first->fingerprint);
    request.path = u"/v1/sessions"_s;
    request.headers.set("ce-id", "1");
    QVERIFY(keyedCall(acme, request)->fingerprint != first->fingerprint);
    request.headers.set("Idempotency-Key", QByteArray(256, 'k'));
    QVERIFY(!keyedCall(acme, request));
}

void SessionRequestTest::refusals_haveTheirStatus_data()
{
    QTest::addColumn<int>("code");
    QTest::addColumn<QString>("native");
    QTest::addColumn<int>("status");
    const auto row = [](const char *name, ErrorCode code, int status, const QString &native = {}) {
        QTest::newRow(name) << static_cast<int>(code) << native << status;
    };
    row("input", ErrorCode::InvalidInput, 400);
    row("key", ErrorCode::InvalidInput, 422, u"key_reused"_s);
    row("media type", ErrorCode::Unsupported, 415);
    row("unknown", ErrorCode::NotFound, 404);
    row("forbidden", ErrorCode::Forbidden, 403);
    row("conflict", ErrorCode::Conflict, 409);
    row("away", ErrorCode::Unavailable, 503);
    row("inside", ErrorCode::Internal, 500);
}

void SessionRequestTest::refusals_haveTheirStatus()
{
    QFETCH(int, code);
    QFETCH(QString, native);
    QFETCH(int, status);
    const http::Response response = refusal(Error(static_cast<ErrorCode>(code), u"detail"_s, native));
    QCOMPARE(response.status, status);
    QCOMPARE(response.headers.value("Content-Type"), "application/problem+json");
    QCOMPARE(response.body.contains("detail\":\"detail"), status < 500);
    QCOMPARE(response.headers.contains("Retry-After"), status == 503);
}

QTEST_GUILESS_MAIN(SessionRequestTest)
#include "tst_session_request.moc"
