// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <QTest>

#include <cmath>
#include <limits>

using namespace Qt::StringLiterals;
using namespace signalbox;

namespace {

QByteArray nested(int depth)
{
    return QByteArray(depth, '[') + QByteArray(depth, ']');
}

} // namespace

class JsonTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void parseAndWrite_keepsEveryByte_data()
    {
        QTest::addColumn<QByteArray>("text");
        for (const char *text : {"null", "true", "false", "0", "-0", "1.0", "1.50", "1e400", "-1E+2",
                 "1e-400", "9223372036854775807", "9223372036854775808", "18446744073709551616",
                 "123456789012345678901234567890", "0.1000000000000000055511151231257827", "\"\"", "[]", "{}",
                 "{\"b\":1,\"a\":2,\"c\":{\"z\":[],\"y\":{}}}", "[1,[2,[3.0]],\"x\",null]",
                 "\"\\\"\\\\ \\n\\r\\t\\u0000\\u001f\"", "\"<>&/\"", "{\"a\":1,\"a\":2}",
                 "\"Zo\xc3\xab \xf0\x9f\x98\x80 \xe2\x80\xa8\""})
            QTest::newRow(text) << QByteArray(text);
        QTest::newRow("64 levels") << nested(64);
    }
    void parseAndWrite_keepsEveryByte()
    {
        QFETCH(QByteArray, text);
        const auto json = Json::parse(text);
        QVERIFY(json);
        QCOMPARE(json->toBytes(), text);
        QCOMPARE(*Json::parse(json->toBytes()), *json);
        // White space around and inside of the text means nothing.
        QCOMPARE(Json::parse(" \t\r\n" + text + "\n ").value(), *json);
    }

    void parse_refusesWithTheOffset_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<int>("offset");
        QTest::newRow("empty") << QByteArray() << 0;
        QTest::newRow("blank") << QByteArray("  ") << 2;
        QTest::newRow("trailing garbage") << QByteArray("{} x") << 3;
        QTest::newRow("two values") << QByteArray("1 2") << 2;
        QTest::newRow("byte order mark") << QByteArray("\xef\xbb\xbf{}") << 0;
        QTest::newRow("65 levels") << nested(65) << 64;
        QTest::newRow("65 objects") << QByteArray("{\"a\":").repeated(65) << 64 * 5;
        QTest::newRow("unclosed") << QByteArray("[1") << 2;
        QTest::newRow("trailing comma") << QByteArray("[1,]") << 3;
        QTest::newRow("missing colon") << QByteArray("{\"a\" 1}") << 5;
        QTest::newRow("single quotes") << QByteArray("['a']") << 1;
        QTest::newRow("leading zero") << QByteArray("[01]") << 2;
        QTest::newRow("plus sign") << QByteArray("+1") << 0;
        QTest::newRow("no digits") << QByteArray("[1.]") << 3;
        QTest::newRow("NaN") << QByteArray("NaN") << 0;
        QTest::newRow("comment") << QByteArray("[1] // no") << 4;
        QTest::newRow("control character") << QByteArray("\"a\nb\"") << 2;
        QTest::newRow("bad escape") << QByteArray("\"\\x\"") << 2;
        QTest::newRow("NUL byte") << QByteArray("[\0]", 3) << 1;
    }
    void parse_refusesWithTheOffset()
    {
        QFETCH(QByteArray, text);
        QFETCH(int, offset);
        const auto json = Json::parse(text);
        QVERIFY(!json);
        QCOMPARE(json.error().code(), ErrorCode::InvalidInput);
        QCOMPARE(json.error().message(), u"invalid JSON at byte %1"_s.arg(offset));
    }

    void parse_refusesBadTextNearItsPlace_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::newRow("lone high surrogate") << QByteArray("[\"ab\\ud83d\"]");
        QTest::newRow("lone low surrogate") << QByteArray("[\"ab\\ude00\"]");
        QTest::newRow("high surrogate, then a letter") << QByteArray("[\"ab\\ud83dx\"]");
        QTest::newRow("invalid byte") << QByteArray("[\"ab\xff\"]");
        QTest::newRow("cut sequence") << QByteArray("[\"ab\xf0\x9f\x98\"]");
        QTest::newRow("overlong") << QByteArray("[\"ab\xc0\xaf\"]");
        QTest::newRow("encoded surrogate") << QByteArray("[\"ab\xed\xa0\x80\"]");
        QTest::newRow("invalid byte in a key") << QByteArray("{\"ab\xff\":1}");
    }
    void parse_refusesBadTextNearItsPlace()
    {
        QFETCH(QByteArray, text);
        const auto json = Json::parse(text);
        QVERIFY(!json);
        const QString message = json.error().message();
        QVERIFY2(!message.contains(u"ab"_s.repeated(2)) && message.startsWith(u"invalid JSON at byte "_s),
            qPrintable(message));
        const int offset = message.section(u' ', -1).toInt();
        QVERIFY2(offset >= 2 && offset <= text.size(), qPrintable(message));
    }

    void errors_neverHoldTheText()
    {
        const auto json = Json::parse("{\"token\":\"xoxb-secret\" oops");
        QVERIFY(!json);
        QVERIFY(!json.error().toString().contains(u"secret"_s));
    }

    void strings_areDecoded_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QString>("value");
        QTest::newRow("short escapes") << QByteArray(R"("\b\f\n\r\t\/\\\"")") << u"\b\f\n\r\t/\\\""_s;
        QTest::newRow("unicode escape") << QByteArray(R"("\u00e9\u20AC")") << u"é€"_s;
        QTest::newRow("surrogate pair")
            << QByteArray(R"("\ud83d\ude00")") << QString::fromUcs4(U"\U0001F600", 1);
        QTest::newRow("NUL") << QByteArray(R"("a\u0000b")") << QString(u"a\0b"_s);
        QTest::newRow("UTF-8") << QByteArray("\"Zo\xc3\xab\"") << u"Zo\u00eb"_s;
    }
    void strings_areDecoded()
    {
        QFETCH(QByteArray, text);
        QFETCH(QString, value);
        const auto json = Json::parse(text);
        QVERIFY(json);
        QCOMPARE(json->toString(), value);
        QCOMPARE(Json::parse(Json(value).toBytes())->toString(), value);
    }

    void write_escapes()
    {
        const Json value(u"<b>&\u0001\b\u007f\u2028"_s);
        QCOMPARE(value.toBytes(), QByteArray("\"<b>&\\u0001\\u0008\x7f\xe2\x80\xa8\""));
        QCOMPARE(value.toBytes(Json::Escape::Html),
            QByteArray("\"\\u003cb\\u003e\\u0026\\u0001\\u0008\x7f\xe2\x80\xa8\""));
        const Json object = Json::object({{u"<k>"_s, Json(Json::Array{Json(u"&"_s)})}});
        QCOMPARE(object.toBytes(Json::Escape::Html), QByteArray(R"({"\u003ck\u003e":["\u0026"]})"));
        QCOMPARE(Json::parse(object.toBytes(Json::Escape::Html)).value(), object);
    }

    void toInt_limits_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<bool>("fits");
        QTest::addColumn<qint64>("value");
        QTest::newRow("largest") << QByteArray("9223372036854775807") << true
                                 << std::numeric_limits<qint64>::max();
        QTest::newRow("beyond") << QByteArray("9223372036854775808") << false << qint64(0);
        QTest::newRow("smallest") << QByteArray("-9223372036854775808") << true
                                  << std::numeric_limits<qint64>::min();
        QTest::newRow("below") << QByteArray("-9223372036854775809") << false << qint64(0);
        QTest::newRow("minus zero") << QByteArray("-0") << true << qint64(0);
        QTest::newRow("fraction") << QByteArray("1.5") << false << qint64(0);
        QTest::newRow("written as a fraction") << QByteArray("1.0") << false << qint64(0);
        QTest::newRow("text") << QByteArray("\"1\"") << false << qint64(0);
        QTest::newRow("bool") << QByteArray("true") << false << qint64(0);
    }
    void toInt_limits()
    {
        QFETCH(QByteArray, text);
        QFETCH(bool, fits);
        QFETCH(qint64, value);
        const auto number = Json::parse(text)->toInt();
        QCOMPARE(number.has_value(), fits);
        if (fits)
            QCOMPARE(*number, value);
    }

    void numbers_fromValues()
    {
        QCOMPARE(Json(qint64(-5)).toBytes(), "-5");
        QCOMPARE(Json(std::numeric_limits<qint64>::max()).toBytes(), "9223372036854775807");
        QCOMPARE(Json(0.1).toBytes(), "0.1");
        QCOMPARE(Json(0.1).toDouble(), 0.1);
        QVERIFY(Json(std::nan("")).isNull());
        QVERIFY(Json(std::numeric_limits<double>::infinity()).isNull());
        QCOMPARE(Json::parse("1e3")->toDouble(), 1000.0);
        QCOMPARE(Json(u"1"_s).toDouble(7), 7.0);
    }

    void objects_keepOrder_andTheLastOfDoubledMembersCounts()
    {
        auto json = Json::parse(R"({"z":1,"a":2,"z":3})").value();
        QCOMPARE(json[u"z"].toInt(), 3);
        QCOMPARE(json.size(), size_t(3));
        QCOMPARE(json.toObject().front().first, u"z"_s);
        json.set(u"z"_s, 9);
        QCOMPARE(json[u"z"].toInt(), 9);
        json.set(u"new"_s, Json::array());
        QCOMPARE(json.toBytes(), R"({"z":1,"a":2,"z":9,"new":[]})");
        QVERIFY(json.contains(u"a") && !json.contains(u"A"));
    }

    void readers_answerTheirFallback()
    {
        const Json json = Json::parse(R"({"a":[1,{"b":"x"}]})").value();
        QCOMPARE(json[u"a"].at(1)[u"b"].toString(), u"x"_s);
        QVERIFY(json[u"a"].at(2).isNull());
        QVERIFY(json[u"no"][u"way"].at(3)[u"here"].isNull());
        QVERIFY(json.toString().isEmpty() && json.toArray().empty() && json[u"a"].toObject().empty());
        QVERIFY(json.toBool(true) && !json.toBool());
        QVERIFY(!Json(0).toBool() && Json(true).toBool());
        QCOMPARE(json[u"a"].size(), size_t(2));
        QVERIFY(!(Json(1) == Json::parse("1.0").value()));
        Json built;
        built.append(1).append(u"x"_s);
        QCOMPARE(built.toBytes(), R"([1,"x"])");
    }
};

QTEST_GUILESS_MAIN(JsonTest)
#include "tst_json.moc"
