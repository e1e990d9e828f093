// SPDX-License-Identifier: Apache-2.0
#include "base/ids.h"
#include "support/fake_clock.h"

#include <QRegularExpression>
#include <QSet>
#include <QTest>
#include <QThreadPool>
#include <QUuid>

using namespace Qt::StringLiterals;
using namespace signalbox;

class IdsTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void next_isAUuidV7OfTheClock()
    {
        static const QRegularExpression kForm(
            u"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"_s);
        // Far ahead, so that ids made before in this process do not hold the counter above it.
        const Instant start = fromMs(4'000'000'000'000);
        testing::FakeClock clock(start);
        SystemIdGenerator ids(clock);
        for (int i = 0; i < 100; ++i) {
            const QString id = ids.next();
            QVERIFY2(kForm.match(id).hasMatch(), qPrintable(id));
            QCOMPARE(QString(id).remove(u'-').left(12).toLongLong(nullptr, 16), toMs(start));
        }
        clock.advance(Millis(1));
        QCOMPARE(ids.next().remove(u'-').left(12).toLongLong(nullptr, 16), toMs(start) + 1);
    }

    void next_growsWithinAMillisecond_andWhenTheClockJumpsBack()
    {
        testing::FakeClock clock(fromMs(4'100'000'000'000));
        SystemIdGenerator ids(clock);
        QString last;
        for (int i = 0; i < 10'000; ++i) { // more than the 4096 of one millisecond
            if (i == 5000)
                clock.jump(Millis(-3'600'000));
            const QString id = ids.next();
            QVERIFY2(id > last, qPrintable(last + u' ' + id));
            last = id;
        }
    }

    void next_isUniqueAcrossThreads()
    {
        constexpr size_t kThreads = 4;
        constexpr int kEach = 25'000;
        const SystemClock clock;
        SystemIdGenerator ids(clock);
        std::array<QStringList, kThreads> made;
        QThreadPool pool;
        pool.setMaxThreadCount(static_cast<int>(kThreads));
        for (QStringList &mine : made) {
            pool.start([&ids, &mine] {
                for (int i = 0; i < kEach; ++i)
                    mine << ids.next();
            });
        }
        QVERIFY(pool.waitForDone(50'000));
        QSet<QString> all;
        QSet<QString> tails;
        for (const QStringList &mine : made) {
            QCOMPARE(mine.size(), kEach);
            QVERIFY(std::is_sorted(mine.begin(), mine.end()));
            for (const QString &id : mine) {
                all.insert(id);
                tails.insert(id.mid(19)); // the random half alone
            }
        }
        QCOMPARE(all.size(), qsizetype(kThreads) * kEach);
        QCOMPARE(tails.size(), qsizetype(kThreads) * kEach);
    }

    void randomBytes_areAsManyAsAsked()
    {
        const SystemClock clock;
        SystemIdGenerator ids(clock);
        QCOMPARE(ids.randomBytes(32).size(), 32);
        QVERIFY(ids.randomBytes(32) != ids.randomBytes(32));
        QVERIFY(ids.randomBytes(0).isEmpty());
    }

    void uuidV5_isFixed_data()
    {
        // Made by Python: uuid.uuid5(uuid.UUID("8e0f6d3a-52f4-4c53-9f2b-6a1f0f6f7c21"), name).
        QTest::addColumn<QByteArray>("name");
        QTest::addColumn<QString>("id");
        QTest::newRow("empty") << QByteArray() << u"75d19f5b-c7b7-5cae-bd1e-84c06b10d63c"_s;
        QTest::newRow("abc") << QByteArray("abc") << u"60b9206b-fc9e-5344-8d11-c34ebfa87331"_s;
        QTest::newRow("an id") << QByteArray("0192f0c0-0000-7000-8000-000000000001")
                               << u"80b62183-725c-5bd5-8c69-ebfb03db586e"_s;
        QTest::newRow("UTF-8") << QByteArray("Zo\xc3\xab") << u"a1eafd86-2b00-502b-9c0c-bd4ddfa09864"_s;
    }
    void uuidV5_isFixed()
    {
        QFETCH(QByteArray, name);
        QFETCH(QString, id);
        QCOMPARE(uuidV5(name), id);
        QCOMPARE(QUuid::fromString(id).version(), QUuid::Sha1);
    }
};

QTEST_GUILESS_MAIN(IdsTest)
#include "tst_ids.moc"
