// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <QTest>

using namespace signalbox;

class HashTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    // The test cases of RFC 4231, §4.2 to §4.8 (4.6 is a truncated output).
    void hmac_rfc4231_data()
    {
        QTest::addColumn<QByteArray>("key");
        QTest::addColumn<QByteArray>("data");
        QTest::addColumn<QByteArray>("mac");
        QTest::newRow("1") << QByteArray(20, '\x0b') << QByteArray("Hi There")
                           << QByteArray("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
        QTest::newRow("2") << QByteArray("Jefe") << QByteArray("what do ya want for nothing?")
                           << QByteArray("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        QTest::newRow("3") << QByteArray(20, '\xaa') << QByteArray(50, '\xdd')
                           << QByteArray("773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
        QTest::newRow("4") << QByteArray::fromHex("0102030405060708090a0b0c0d0e0f10111213141516171819")
                           << QByteArray(50, '\xcd')
                           << QByteArray("82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
        QTest::newRow("6") << QByteArray(131, '\xaa')
                           << QByteArray("Test Using Larger Than Block-Size Key - Hash Key First")
                           << QByteArray("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
        QTest::newRow("7")
            << QByteArray(131, '\xaa')
            << QByteArray("This is a test using a larger than block-size key and a larger than block-size "
                          "data. The key needs to be hashed before being used by the HMAC algorithm.")
            << QByteArray("9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
        // Not of the RFC: nothing at all (as any HMAC calculator gives it).
        QTest::newRow("empty") << QByteArray() << QByteArray()
                               << QByteArray(
                                      "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    }
    void hmac_rfc4231()
    {
        QFETCH(QByteArray, key);
        QFETCH(QByteArray, data);
        QFETCH(QByteArray, mac);
        QCOMPARE(hmacSha256(key, data).toHex(), mac);
    }

    void sha256_knownVectors()
    {
        QCOMPARE(sha256("").toHex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        QCOMPARE(sha256("abc").toHex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        // NUL bytes are part of the data.
        QVERIFY(sha256(QByteArray("a\0b", 3)) != sha256(QByteArray("a\0c", 3)));
    }

    void equalConstantTime_comparesContent()
    {
        const QByteArray one("same bytes");
        const QByteArray two = QByteArray("same ") + "bytes";
        QVERIFY(equalConstantTime(one, two));
        QVERIFY(equalConstantTime(QByteArray(), QByteArray("")));
        QVERIFY(!equalConstantTime(one, "same byte"));
        QVERIFY(!equalConstantTime(one, "same bytes "));
        QVERIFY(!equalConstantTime(one, "Same bytes"));
        QVERIFY(!equalConstantTime(one, "same byteS"));
        QVERIFY(!equalConstantTime(QByteArray("a\0b", 3), QByteArray("a\0c", 3)));
        QVERIFY(!equalConstantTime(one, QByteArray()));
    }
};

QTEST_GUILESS_MAIN(HashTest)
#include "tst_hash.moc"
