// SPDX-License-Identifier: Apache-2.0
#include "http/write_deadline_p.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::http;

// What the server's limits mean, as arithmetic.
class HttpLimitsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void stalledAnswer_endsAfterTheTimeout()
    {
        WriteDeadline deadline;
        deadline.begin(limits(), 5'000, 1024 * 1024);
        QCOMPARE(deadline.at(), 15'000);
        deadline.progressed(14'000);
        QCOMPARE(deadline.at(), 24'000);
    }

    void trickledAnswer_endsByItsSize()
    {
        WriteDeadline deadline;
        deadline.begin(limits(), 5'000, 100 * 1000);
        for (qint64 now = 5'000; now < 200'000; now += 1'000) // a byte a second
            deadline.progressed(now);
        QCOMPARE(deadline.at(), 5'000 + 10'000 + 100'000);
    }

    void emptyAnswer_andNoRate_haveADeadline()
    {
        Limits none = limits();
        none.minWriteRate = 0;
        WriteDeadline deadline;
        deadline.begin(none, 0, 0);
        deadline.progressed(9'000);
        QCOMPARE(deadline.at(), 10'000);
    }

    void peersAreGrouped_data()
    {
        QTest::addColumn<QString>("one");
        QTest::addColumn<QString>("other");
        QTest::addColumn<bool>("together");
        QTest::newRow("two hosts") << u"192.0.2.1"_s << u"192.0.2.2"_s << false;
        QTest::newRow("mapped") << u"192.0.2.1"_s << u"::ffff:192.0.2.1"_s << true;
        QTest::newRow("one network") << u"2001:db8:1:2::1"_s << u"2001:db8:1:2:ffff:1:2:3"_s << true;
        QTest::newRow("two networks") << u"2001:db8:1:2::1"_s << u"2001:db8:1:3::1"_s << false;
        QTest::newRow("the two loopbacks") << u"127.0.0.1"_s << u"::1"_s << false;
    }

    void peersAreGrouped()
    {
        QFETCH(QString, one);
        QFETCH(QString, other);
        QFETCH(bool, together);
        QCOMPARE(peerGroup(QHostAddress(one)) == peerGroup(QHostAddress(other)), together);
    }

    // Loopback peers are exempt from the limit of one peer, and are told why an engine is not ready.
    void mappedLoopback_isLoopback() { QVERIFY(QHostAddress(u"::ffff:127.0.0.1"_s).isLoopback()); }

private:
    static Limits limits()
    {
        Limits limits;
        limits.writeTimeout = Millis(10'000);
        limits.minWriteRate = 1'000;
        return limits;
    }
};

QTEST_GUILESS_MAIN(HttpLimitsTest)
#include "tst_http_limits.moc"
