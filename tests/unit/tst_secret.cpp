// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;

namespace {

template <class T>
QString printed(const T &value)
{
    QString text;
    QDebug(&text) << value;
    return text.trimmed();
}

} // namespace

class SecretTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void debugOutput_neverHoldsTheValue()
    {
        const Secret secret("xoxb-12345");
        QCOMPARE(printed(secret), u"Secret(***)"_s);
        QCOMPARE(printed(Secret()), u"Secret()"_s);
        QCOMPARE(printed(QList<Secret>{secret, Secret()}), u"QList(Secret(***), Secret())"_s);
        // Nothing of it shows in its length either.
        QCOMPARE(printed(Secret("x")), printed(Secret(QByteArray(1000, 'x'))));
    }

    void testFailures_neverHoldTheValue()
    {
        const std::unique_ptr<char[]> shown(QTest::toString(Secret("xoxb-12345")));
        QVERIFY(!shown || !QByteArray(shown.get()).contains("12345"));
    }

    void reveal_givesTheValue()
    {
        QCOMPARE(Secret("abc").reveal(), QByteArray("abc"));
        QVERIFY(Secret().isEmpty() && Secret(QByteArray()).isEmpty() && !Secret("a").isEmpty());
    }

    void comparison_isByContent()
    {
        QVERIFY(Secret("abc") == Secret(QByteArray("ab") + 'c'));
        QVERIFY(!(Secret("abc") == Secret("abd")));
        QVERIFY(!(Secret("abc") == Secret("ab")));
        QVERIFY(Secret() == Secret(""));
    }

    void secrets_doNotBecomeText()
    {
        static_assert(!std::is_convertible_v<Secret, QByteArray>);
        static_assert(!std::is_convertible_v<Secret, QString>);
        static_assert(!std::is_convertible_v<QByteArray, Secret>);
        static_assert(!std::is_constructible_v<QString, Secret>);
    }
};

QTEST_GUILESS_MAIN(SecretTest)
#include "tst_secret.moc"
