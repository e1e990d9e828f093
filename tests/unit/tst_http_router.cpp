// SPDX-License-Identifier: Apache-2.0
#include "http/router.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::http;

namespace {

// A handler that only tells which one it is.
Handler named(int status)
{
    return [status](Request, Context) {
        return [](int code) -> QCoro::Task<Response> {
            Response response;
            response.status = code;
            co_return response;
        }(status);
    };
}

int statusOf(const Router::Match &match)
{
    if (!match.handler)
        return match.allow.isEmpty() ? 404 : 405;
    int status = 0;
    auto task = (*match.handler)(Request(), Context());
    task.then([&status](const Response &response) { status = response.status; });
    return status;
}

Router makeRouter()
{
    RouteOptions plain;
    plain.errors = ErrorStyle::PlainText;
    plain.maxBodyBytes = 10;
    Router router;
    router.add("GET", u"/"_s, named(1));
    router.add("GET", u"/a/{x}"_s, named(2));
    router.add("GET", u"/a/b"_s, named(3));
    router.add("POST", u"/a/b"_s, named(4), plain);
    router.add("GET", u"/{any}/b/c"_s, named(5));
    router.add("GET", u"/a/{x}/c"_s, named(6));
    router.add("DELETE", u"/only/{id}"_s, named(7));
    router.add("HEAD", u"/own"_s, named(8));
    router.add("GET", u"/own"_s, named(9));
    router.add("GET", u"/trail/"_s, named(10));
    router.add("GET", u"/ä ö"_s, named(11));
    return router;
}

} // namespace

class TestHttpRouter : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void match_choosesTheCloserRoute_data();
    void match_choosesTheCloserRoute();
    void match_decodesPlaceholders_data();
    void match_decodesPlaceholders();
    void match_listsAllowedMethods();
    void match_givesThePathsOptionsForAWrongMethod();
};

void TestHttpRouter::match_choosesTheCloserRoute_data()
{
    QTest::addColumn<QByteArray>("method");
    QTest::addColumn<QString>("path");
    QTest::addColumn<int>("status");
    const auto row = [](const char *name, const char *method, const QString &path, int status) {
        QTest::newRow(name) << QByteArray(method) << path << status;
    };
    row("root", "GET", u"/"_s, 1);
    row("placeholder", "GET", u"/a/z"_s, 2);
    row("literal before placeholder", "GET", u"/a/b"_s, 3);
    row("method", "POST", u"/a/b"_s, 4);
    row("wrong method on a placeholder", "POST", u"/a/z"_s, 405);
    row("placeholder first", "GET", u"/z/b/c"_s, 5);
    row("earlier literal wins", "GET", u"/a/b/c"_s, 6);
    row("HEAD by GET", "HEAD", u"/a/z"_s, 2);
    row("HEAD by GET on the closer route", "HEAD", u"/a/b"_s, 3);
    row("own HEAD", "HEAD", u"/own"_s, 8);
    row("GET beside an own HEAD", "GET", u"/own"_s, 9);
    row("no HEAD without GET", "HEAD", u"/only/1"_s, 405);
    row("unknown", "GET", u"/nothing"_s, 404);
    row("too long", "GET", u"/a/b/c/d"_s, 404);
    row("an empty segment is no placeholder", "GET", u"/a/"_s, 404);
    row("trailing slash is a segment", "GET", u"/trail/"_s, 10);
    row("no trailing slash", "GET", u"/trail"_s, 404);
    row("doubled slash", "GET", u"//a/b"_s, 404);
    row("encoded slash is inside a segment", "GET", u"/a%2Fb"_s, 404);
    row("encoded slash in a placeholder", "GET", u"/a/b%2Fc"_s, 2);
    row("encoded literal", "GET", u"/%61/%62"_s, 3);
    row("encoded UTF-8", "GET", u"/%C3%A4%20%C3%B6"_s, 11);
    row("dot segments are not resolved", "GET", u"/a/../a/b"_s, 404);
    row("a dot segment is a value", "GET", u"/a/.."_s, 2);
    row("encoded dots are a value", "GET", u"/a/%2E%2E"_s, 2);
    row("case matters", "GET", u"/A/b"_s, 404);
    row("methods are case-sensitive", "get", u"/a/b"_s, 405);
    row("asterisk", "OPTIONS", u"*"_s, 404);
    row("empty", "GET", u""_s, 404);
}

void TestHttpRouter::match_choosesTheCloserRoute()
{
    QFETCH(QByteArray, method);
    QFETCH(QString, path);
    const Router router = makeRouter();
    QTEST(statusOf(router.match(method, path)), "status");
}

void TestHttpRouter::match_decodesPlaceholders_data()
{
    QTest::addColumn<QString>("path");
    QTest::addColumn<QString>("value");
    QTest::newRow("plain") << u"/a/xyz"_s << u"xyz"_s;
    QTest::newRow("slash") << u"/a/x%2fy"_s << u"x/y"_s;
    QTest::newRow("percent, decoded once") << u"/a/%2525"_s << u"%25"_s;
    QTest::newRow("plus stays") << u"/a/x+y"_s << u"x+y"_s;
    QTest::newRow("UTF-8") << u"/a/%E2%82%AC"_s << u"€"_s;
    QTest::newRow("dots") << u"/a/.."_s << u".."_s;
}

void TestHttpRouter::match_decodesPlaceholders()
{
    QFETCH(QString, path);
    const Router router = makeRouter();
    const Router::Match match = router.match("GET", path);
    QVERIFY(match.handler);
    QCOMPARE(*match.pattern, u"/a/{x}"_s);
    QCOMPARE(match.values.size(), size_t(1));
    QTEST(match.values.at(u"x"_s), "value");
}

void TestHttpRouter::match_listsAllowedMethods()
{
    const Router router = makeRouter();
    QCOMPARE(router.match("PUT", u"/a/b"_s).allow, QByteArray("GET, HEAD, POST"));
    QCOMPARE(router.match("PUT", u"/only/1"_s).allow, QByteArray("DELETE"));
    QVERIFY(router.match("PUT", u"/nothing"_s).allow.isEmpty());
}

void TestHttpRouter::match_givesThePathsOptionsForAWrongMethod()
{
    const Router router = makeRouter();
    const Router::Match right = router.match("POST", u"/a/b"_s);
    QVERIFY(right.options);
    QCOMPARE(right.options->maxBodyBytes, std::optional<qint64>(10));
    QVERIFY(right.options->errors == ErrorStyle::PlainText);
    QVERIFY(router.match("PUT", u"/a/b"_s).options);
    QVERIFY(!router.match("PUT", u"/nothing"_s).options);
}

QTEST_GUILESS_MAIN(TestHttpRouter)
#include "tst_http_router.moc"
