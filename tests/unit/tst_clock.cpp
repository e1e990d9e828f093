// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <QDateTime>
#include <QTest>

#include <limits>

using namespace Qt::StringLiterals;
using namespace signalbox;

class ClockTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void rfc3339_data()
    {
        QTest::addColumn<qint64>("ms");
        QTest::addColumn<QString>("text");
        QTest::newRow("never") << qint64(0) << QString();
        QTest::newRow("just after the epoch") << qint64(1) << u"1970-01-01T00:00:00.001Z"_s;
        QTest::newRow("before the epoch") << qint64(-1) << u"1969-12-31T23:59:59.999Z"_s;
        QTest::newRow("milliseconds are kept") << qint64(1'764'000'000'007) << u"2025-11-24T16:00:00.007Z"_s;
        QTest::newRow("whole seconds have them too")
            << qint64(1'764'000'000'000) << u"2025-11-24T16:00:00.000Z"_s;
        QTest::newRow("leap day") << qint64(1'709'208'000'123) << u"2024-02-29T12:00:00.123Z"_s;
        QTest::newRow("summer time elsewhere") << qint64(1'751'328'000'000) << u"2025-07-01T00:00:00.000Z"_s;
    }
    void rfc3339()
    {
        QFETCH(qint64, ms);
        QFETCH(QString, text);
        QCOMPARE(toRfc3339(fromMs(ms)), text);
        QCOMPARE(toMs(fromMs(ms)), ms);
        QCOMPARE(isNever(fromMs(ms)), ms == 0);
    }

    void rfc3339_isUtcInEveryTimeZone()
    {
        const QByteArray before = qgetenv("TZ");
        qputenv("TZ", "America/New_York");
        tzset();
        const QString text = toRfc3339(fromMs(1'764'000'000'000));
        before.isNull() ? qunsetenv("TZ") : qputenv("TZ", before);
        tzset();
        QCOMPARE(text, u"2025-11-24T16:00:00.000Z"_s);
    }

    void systemClock_isTheWallClock()
    {
        const SystemClock clock;
        const qint64 before = QDateTime::currentMSecsSinceEpoch();
        const qint64 now = toMs(clock.now());
        const qint64 after = QDateTime::currentMSecsSinceEpoch();
        QVERIFY2(before <= now && now <= after, qPrintable(u"%1 %2 %3"_s.arg(before).arg(now).arg(after)));
    }

    void boot_neverGoesBack_andCountsMilliseconds()
    {
        const SystemClock clock;
        timespec raw{};
        QCOMPARE(clock_gettime(CLOCK_BOOTTIME, &raw), 0);
        const qint64 before = qint64(raw.tv_sec) * 1000 + raw.tv_nsec / 1'000'000;
        const Millis boot = clock.boot();
        QVERIFY(boot.count() >= before && boot.count() < before + 20'000);
        QVERIFY(clock.boot() >= boot);
    }
};

QTEST_GUILESS_MAIN(ClockTest)
#include "tst_clock.moc"
