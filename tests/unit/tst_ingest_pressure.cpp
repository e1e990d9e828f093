// SPDX-License-Identifier: Apache-2.0
#include "gateway/ingest_pressure.h"
#include "support/fake_clock.h"

#include <QTest>

using namespace signalbox;
using signalbox::gateway::IngestPressure;
using signalbox::testing::FakeClock;

class IngestPressureTest : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void aSteadyTrickle_isNoPressure()
    {
        FakeClock clock;
        IngestPressure pressure(clock);
        QVERIFY(!pressure.isHigh());
        for (int i = 0; i < 2000; ++i) {
            pressure.note();
            clock.advance(Millis(1)); // 1,000 a second
            QVERIFY(!pressure.isHigh());
        }
    }

    void aFlood_isPressureAndEndsWithIt()
    {
        FakeClock clock;
        IngestPressure pressure(clock);
        for (int i = 0; i < 400; ++i) {
            pressure.note();
            if (i % 4 == 3)
                clock.advance(Millis(1)); // 4,000 a second
        }
        QVERIFY(pressure.isHigh());
        clock.advance(Millis(150));
        QVERIFY(pressure.isHigh()); // for a moment after
        clock.advance(Millis(100));
        QVERIFY(!pressure.isHigh());
    }

    void aWallClockThatJumps_changesNothing()
    {
        FakeClock clock;
        IngestPressure pressure(clock);
        for (int i = 0; i < 200; ++i)
            pressure.note();
        QVERIFY(pressure.isHigh());
        clock.jump(Millis(-3'600'000));
        QVERIFY(pressure.isHigh());
        clock.jump(Millis(7'200'000));
        QVERIFY(pressure.isHigh());
    }
};

QTEST_GUILESS_MAIN(IngestPressureTest)
#include "tst_ingest_pressure.moc"
