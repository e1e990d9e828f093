// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"
#include "channels/slack/slack_signature.h"

#include <QTest>

#include <limits>

using namespace signalbox;
using namespace signalbox::slack;

namespace {

constexpr qint64 kSignedAt = 1'531'420'618;
const QByteArray kSecret("8f742231b10e8888abcd99yyyzzz85a5");
// The vector of contracts/slack.md §1.
const QByteArray kBody(
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
    "channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
    "response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%"
    "2F96rGlfmibIGlgcZRskXaIFfN&"
    "trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c");
const QByteArray kSignature("v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503");

Instant atSeconds(qint64 seconds)
{
    return fromMs(seconds * 1000);
}

std::vector<Secret> oneSecret()
{
    return {Secret(kSecret)};
}

QByteArray signedBy(const QByteArray &secret, const QByteArray &timestamp, const QByteArray &body)
{
    return "v0=" + hmacSha256(secret, "v0:" + timestamp + ':' + body).toHex();
}

} // namespace

Q_DECLARE_METATYPE(SignatureCheck)

class SlackSignatureTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void knownVector()
    {
        const auto result
            = checkSignature("1531420618", kSignature, kBody, oneSecret(), atSeconds(kSignedAt));
        QCOMPARE(result.check, SignatureCheck::Valid);
        QCOMPARE(result.secretIndex, 0);
        // Blanks around the headers' values are no part of them.
        QCOMPARE(
            checkSignature(" 1531420618 ", ' ' + kSignature, kBody, oneSecret(), atSeconds(kSignedAt)).check,
            SignatureCheck::Valid);
    }

    void refusals_data()
    {
        QTest::addColumn<QByteArray>("timestamp");
        QTest::addColumn<QByteArray>("signature");
        QTest::addColumn<QByteArray>("body");
        QTest::addColumn<SignatureCheck>("expected");
        const QByteArray at("1531420618");
        QTest::newRow("no timestamp") << QByteArray() << kSignature << kBody << SignatureCheck::Missing;
        QTest::newRow("blank timestamp")
            << QByteArray("  ") << kSignature << kBody << SignatureCheck::Missing;
        QTest::newRow("no signature") << at << QByteArray() << kBody << SignatureCheck::Missing;
        QTest::newRow("text as timestamp")
            << QByteArray("now") << kSignature << kBody << SignatureCheck::InvalidTimestamp;
        QTest::newRow("fraction") << QByteArray("1531420618.5") << kSignature << kBody
                                  << SignatureCheck::InvalidTimestamp;
        QTest::newRow("hexadecimal") << QByteArray("0x5b47a10a") << kSignature << kBody
                                     << SignatureCheck::InvalidTimestamp;
        QTest::newRow("beyond 64 bits")
            << QByteArray("9223372036854775808") << kSignature << kBody << SignatureCheck::InvalidTimestamp;
        QTest::newRow("wrong body") << at << kSignature << kBody + ' ' << SignatureCheck::Invalid;
        QTest::newRow("empty body") << at << kSignature << QByteArray() << SignatureCheck::Invalid;
        QTest::newRow("other timestamp within the window")
            << QByteArray("1531420619") << kSignature << kBody << SignatureCheck::Invalid;
        QTest::newRow("same number, other text")
            << QByteArray("01531420618") << kSignature << kBody << SignatureCheck::Invalid;
        QTest::newRow("wrong version") << at << "v1" + kSignature.mid(2) << kBody << SignatureCheck::Invalid;
        QTest::newRow("no version") << at << kSignature.mid(3) << kBody << SignatureCheck::Invalid;
        QTest::newRow("upper-case digits")
            << at << "v0=" + kSignature.mid(3).toUpper() << kBody << SignatureCheck::Invalid;
        QTest::newRow("cut short") << at << kSignature.chopped(1) << kBody << SignatureCheck::Invalid;
        QTest::newRow("too long") << at << kSignature + '0' << kBody << SignatureCheck::Invalid;
        QTest::newRow("last digit wrong")
            << at << kSignature.chopped(1) + '4' << kBody << SignatureCheck::Invalid;
        QTest::newRow("first digit wrong")
            << at << QByteArray(kSignature).replace(3, 1, "b") << kBody << SignatureCheck::Invalid;
    }
    void refusals()
    {
        QFETCH(QByteArray, timestamp);
        QFETCH(QByteArray, signature);
        QFETCH(QByteArray, body);
        QFETCH(SignatureCheck, expected);
        const auto result = checkSignature(timestamp, signature, body, oneSecret(), atSeconds(kSignedAt));
        QCOMPARE(result.check, expected);
        QCOMPARE(result.secretIndex, -1);
    }

    void skew_data()
    {
        QTest::addColumn<qint64>("skew");
        QTest::addColumn<SignatureCheck>("expected");
        QTest::newRow("none") << qint64(0) << SignatureCheck::Valid;
        QTest::newRow("300 s late") << qint64(300) << SignatureCheck::Valid;
        QTest::newRow("301 s late") << qint64(301) << SignatureCheck::Stale;
        QTest::newRow("300 s early") << qint64(-300) << SignatureCheck::Valid;
        QTest::newRow("301 s early") << qint64(-301) << SignatureCheck::Stale;
    }
    void skew()
    {
        QFETCH(qint64, skew);
        QFETCH(SignatureCheck, expected);
        QCOMPARE(
            checkSignature("1531420618", kSignature, kBody, oneSecret(), atSeconds(kSignedAt + skew)).check,
            expected);
    }

    void timestamps_atTheEndsOf64Bits()
    {
        for (const qint64 end :
            {std::numeric_limits<qint64>::max(), std::numeric_limits<qint64>::min(), qint64(-1), qint64(0)}) {
            const QByteArray timestamp = QByteArray::number(end);
            const QByteArray signature = signedBy(kSecret, timestamp, kBody);
            QCOMPARE(checkSignature(timestamp, signature, kBody, oneSecret(), atSeconds(kSignedAt)).check,
                SignatureCheck::Stale);
        }
    }

    void severalSecrets_eachFits()
    {
        const std::vector<Secret> secrets{Secret("first"), Secret(kSecret), Secret("third")};
        const QByteArray at("1531420618");
        const std::array<QByteArray, 3> values{"first", kSecret, "third"};
        for (size_t i = 0; i < values.size(); ++i) {
            const auto result
                = checkSignature(at, signedBy(values[i], at, kBody), kBody, secrets, atSeconds(kSignedAt));
            QCOMPARE(result.check, SignatureCheck::Valid);
            QCOMPARE(result.secretIndex, static_cast<int>(i));
        }
        QCOMPARE(
            checkSignature(at, signedBy("fourth", at, kBody), kBody, secrets, atSeconds(kSignedAt)).check,
            SignatureCheck::Invalid);
    }

    void emptySecrets_fitNothing()
    {
        const QByteArray at("1531420618");
        QCOMPARE(
            checkSignature(at, kSignature, kBody, {}, atSeconds(kSignedAt)).check, SignatureCheck::Invalid);
        // Anybody can make a signature with an empty key.
        const QByteArray forged = signedBy(QByteArray(), at, kBody);
        const auto result = checkSignature(at, forged, kBody, {Secret(), Secret("")}, atSeconds(kSignedAt));
        QCOMPARE(result.check, SignatureCheck::Invalid);
        // One that is not set does not shift the others' places.
        QCOMPARE(checkSignature(at, kSignature, kBody, {Secret(), Secret(kSecret)}, atSeconds(kSignedAt))
                     .secretIndex,
            1);
    }

    void body_mayHoldAnyBytes()
    {
        const QByteArray body("a\0b\xff:\r\n", 7);
        const QByteArray at("1531420618");
        QCOMPARE(
            checkSignature(at, signedBy(kSecret, at, body), body, oneSecret(), atSeconds(kSignedAt)).check,
            SignatureCheck::Valid);
        QCOMPARE(checkSignature(at, signedBy(kSecret, at, body), QByteArray("a\0c\xff:\r\n", 7), oneSecret(),
                     atSeconds(kSignedAt))
                     .check,
            SignatureCheck::Invalid);
    }

    // contracts/spritz-backend.md §3.1.
    void refusalTexts()
    {
        QCOMPARE(refusalText(SignatureCheck::Missing), "missing slack signature\n");
        QCOMPARE(refusalText(SignatureCheck::InvalidTimestamp), "invalid slack timestamp\n");
        QCOMPARE(refusalText(SignatureCheck::Stale), "stale slack request\n");
        QCOMPARE(refusalText(SignatureCheck::Invalid), "invalid slack signature\n");
        QCOMPARE(refusalText(SignatureCheck::Valid), "");
    }
};

QTEST_GUILESS_MAIN(SlackSignatureTest)
#include "tst_slack_signature.moc"
