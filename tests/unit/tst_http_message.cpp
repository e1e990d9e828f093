// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "http/message.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::http;

class TestHttpMessage : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void headers_compareWithoutCase();
    void headers_setReplacesEveryValue();
    void query_decodes_data();
    void query_decodes();
    void bearerToken_isTakenFromTheField_data();
    void bearerToken_isTakenFromTheField();
    void problem_hasTheFieldsOfRfc9457();
    void problem_ofAnErrorHidesNativeDetails();
    void problem_carriesRetryAfter_data();
    void problem_carriesRetryAfter();
    void httpStatus_coversEveryCode_data();
    void httpStatus_coversEveryCode();
};

void TestHttpMessage::headers_compareWithoutCase()
{
    Headers headers;
    headers.add("Content-Type", "a");
    headers.add("content-type", "b");
    QCOMPARE(headers.value("CONTENT-TYPE"), QByteArray("a"));
    QVERIFY(headers.contains("content-Type"));
    QVERIFY(!headers.contains("Content-Typ"));
    QVERIFY(headers.value("X").isEmpty());
    QCOMPARE(headers.fields().size(), size_t(2));
}

void TestHttpMessage::headers_setReplacesEveryValue()
{
    Headers headers;
    headers.add("A", "1");
    headers.add("B", "2");
    headers.add("a", "3");
    headers.set("a", "4");
    headers.set("C", "5");
    QCOMPARE(headers.fields().size(), size_t(3));
    QCOMPARE(headers.value("A"), QByteArray("4"));
    QCOMPARE(headers.fields().front().second, QByteArray("4"));
    QCOMPARE(headers.value("B"), QByteArray("2"));
    QCOMPARE(headers.value("c"), QByteArray("5"));
}

void TestHttpMessage::query_decodes_data()
{
    QTest::addColumn<QByteArray>("rawQuery");
    QTest::addColumn<bool>("found");
    QTest::addColumn<QString>("value");
    QTest::newRow("plain") << QByteArray("wait=30s") << true << u"30s"_s;
    QTest::newRow("second") << QByteArray("a=1&wait=2") << true << u"2"_s;
    QTest::newRow("first of two") << QByteArray("wait=1&wait=2") << true << u"1"_s;
    QTest::newRow("plus is a space") << QByteArray("wait=a+b") << true << u"a b"_s;
    QTest::newRow("encoded plus") << QByteArray("wait=a%2Bb") << true << u"a+b"_s;
    QTest::newRow("encoded name") << QByteArray("w%61it=x") << true << u"x"_s;
    QTest::newRow("encoded ampersand") << QByteArray("wait=a%26b") << true << u"a&b"_s;
    QTest::newRow("equals in the value") << QByteArray("wait=a=b") << true << u"a=b"_s;
    QTest::newRow("without value") << QByteArray("wait") << true << u""_s;
    QTest::newRow("empty value") << QByteArray("wait=&x=1") << true << u""_s;
    QTest::newRow("UTF-8") << QByteArray("wait=%C3%A4") << true << u"ä"_s;
    QTest::newRow("broken escape stays") << QByteArray("wait=%4") << true << u"%4"_s;
    QTest::newRow("escape at the end") << QByteArray("wait=%41") << true << u"A"_s;
    QTest::newRow("absent") << QByteArray("waiting=1") << false << QString();
    QTest::newRow("empty query") << QByteArray() << false << QString();
    QTest::newRow("only separators") << QByteArray("&&&") << false << QString();
}

void TestHttpMessage::query_decodes()
{
    QFETCH(QByteArray, rawQuery);
    QFETCH(bool, found);
    Request request;
    request.rawQuery = rawQuery;
    const std::optional<QString> value = request.query(u"wait");
    QCOMPARE(value.has_value(), found);
    QTEST(value.value_or(QString()), "value");
}

void TestHttpMessage::bearerToken_isTakenFromTheField_data()
{
    QTest::addColumn<QByteArray>("field");
    QTest::addColumn<QByteArray>("token");
    QTest::newRow("token") << QByteArray("Bearer abc.def") << QByteArray("abc.def");
    QTest::newRow("scheme without case") << QByteArray("bEARER abc") << QByteArray("abc");
    QTest::newRow("more spaces") << QByteArray("Bearer   abc ") << QByteArray("abc");
    QTest::newRow("another scheme") << QByteArray("Basic abc") << QByteArray();
    QTest::newRow("no token") << QByteArray("Bearer ") << QByteArray();
    QTest::newRow("no scheme") << QByteArray("abc") << QByteArray();
    QTest::newRow("glued") << QByteArray("Bearerabcdef") << QByteArray();
    QTest::newRow("none") << QByteArray() << QByteArray();
}

void TestHttpMessage::bearerToken_isTakenFromTheField()
{
    QFETCH(QByteArray, field);
    Request request;
    if (!field.isEmpty())
        request.headers.add("authorization", field);
    QTEST(request.bearerToken(), "token");
}

void TestHttpMessage::problem_hasTheFieldsOfRfc9457()
{
    const Response response = Response::problem(413, u"too much"_s);
    QCOMPARE(response.status, 413);
    QCOMPARE(response.headers.value("Content-Type"), QByteArray("application/problem+json"));
    const auto json = Json::parse(response.body);
    QVERIFY(json);
    QCOMPARE((*json)[u"status"].toInt(), std::optional<qint64>(413));
    QCOMPARE((*json)[u"title"].toString(), u"Content Too Large"_s);
    QCOMPARE((*json)[u"detail"].toString(), u"too much"_s);
}

void TestHttpMessage::problem_ofAnErrorHidesNativeDetails()
{
    const Response response
        = Response::problem(Error(ErrorCode::Conflict, u"taken"_s, u"SECRET 23505"_s).context(u"inner"_s));
    QCOMPARE(response.status, 409);
    QVERIFY(!response.body.contains("SECRET"));
    QVERIFY(!response.body.contains("inner"));
    const auto json = Json::parse(response.body);
    QVERIFY(json);
    QCOMPARE((*json)[u"code"].toString(), u"conflict"_s);
}

void TestHttpMessage::problem_carriesRetryAfter_data()
{
    QTest::addColumn<int>("millis");
    QTest::addColumn<QByteArray>("seconds");
    QTest::newRow("rounded up") << 1001 << QByteArray("2");
    QTest::newRow("whole") << 3000 << QByteArray("3");
    QTest::newRow("never zero") << 0 << QByteArray("1");
}

void TestHttpMessage::problem_carriesRetryAfter()
{
    QFETCH(int, millis);
    const Error error = Error(ErrorCode::RateLimited, u"slow down"_s).withRetryAfter(Millis(millis));
    const Response response = Response::problem(error);
    QCOMPARE(response.status, 429);
    QTEST(response.headers.value("Retry-After"), "seconds");
}

void TestHttpMessage::httpStatus_coversEveryCode_data()
{
    QTest::addColumn<int>("code");
    QTest::addColumn<int>("status");
    const auto row = [](ErrorCode code, int status) {
        QTest::newRow(qPrintable(errorCodeName(code))) << static_cast<int>(code) << status;
    };
    row(ErrorCode::InvalidInput, 400);
    row(ErrorCode::NotFound, 404);
    row(ErrorCode::Conflict, 409);
    row(ErrorCode::Unauthorized, 401);
    row(ErrorCode::Forbidden, 403);
    row(ErrorCode::Cancelled, 503);
    row(ErrorCode::DeadlineExceeded, 504);
    row(ErrorCode::Unavailable, 503);
    row(ErrorCode::RateLimited, 429);
    row(ErrorCode::Corrupt, 500);
    row(ErrorCode::Unsupported, 501);
    row(ErrorCode::Internal, 500);
}

void TestHttpMessage::httpStatus_coversEveryCode()
{
    QFETCH(int, code);
    QFETCH(int, status);
    QCOMPARE(httpStatus(static_cast<ErrorCode>(code)), status);
    QVERIFY(reasonPhrase(status) != "Unknown");
}

QTEST_GUILESS_MAIN(TestHttpMessage)
#include "tst_http_message.moc"
