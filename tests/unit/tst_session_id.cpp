// SPDX-License-Identifier: Apache-2.0
#include "domain/session_id.h"

#include <QSet>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox::domain;

namespace {

SessionScope scope()
{
    SessionScope made;
    made.channel = u"slack"_s;
    made.tenant = u"T1"_s;
    made.app = u"A1"_s;
    made.backend = u"agent"_s;
    made.place = u"C1"_s;
    made.thread = u"1700000000.000100"_s;
    return made;
}

} // namespace

class SessionIdTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    // Made by Python's hashlib: sha256 over the parts, each followed by a NUL.
    void sessionId_isFixed()
    {
        QCOMPARE(sessionId(scope()), u"se_6553f100000646583ae020f685f639f966ddd"_s);
        SessionScope place = scope();
        place.backend = u"spritz"_s;
        place.thread.clear();
        QCOMPARE(sessionId(place), u"se_0000000000000f7021aaeebf875dc619d061d"_s);
    }

    void sessionId_dependsOnEveryPart()
    {
        QSet<QString> ids{sessionId(scope())};
        for (QString SessionScope::*part : {&SessionScope::channel, &SessionScope::tenant, &SessionScope::app,
                 &SessionScope::backend, &SessionScope::place, &SessionScope::thread}) {
            SessionScope other = scope();
            other.*part += u'2';
            ids.insert(sessionId(other));
            other = scope();
            (other.*part).clear();
            ids.insert(sessionId(other));
        }
        QCOMPARE(ids.size(), 13);
        // The border between two parts counts.
        SessionScope moved = scope();
        moved.tenant = u"T1A"_s;
        moved.app = u"1"_s;
        QVERIFY(!ids.contains(sessionId(moved)));
        QCOMPARE(sessionId(scope()), sessionId(scope()));
    }

    void sessionId_ofNeighbouringThreadsAreNeighbours()
    {
        SessionScope later = scope();
        later.thread = u"1700000001.000000"_s;
        QVERIFY(sessionId(scope()) < sessionId(later));
        later.thread = u"not a ts"_s;
        QVERIFY(sessionId(later).startsWith(u"se_00000000"_s));
        QCOMPARE(sessionId(later).size(), 40);
        // Also within a second.
        later.thread = u"1700000000.000101"_s;
        QVERIFY(sessionId(scope()) < sessionId(later));
    }

    void thread_data()
    {
        QTest::addColumn<bool>("perThread");
        QTest::addColumn<bool>("direct");
        QTest::addColumn<QString>("threadTs");
        QTest::addColumn<QString>("expected");
        QTest::newRow("acp, top level") << true << false << QString() << u"5.1"_s;
        QTest::newRow("acp, in a thread") << true << false << u"4.2"_s << u"4.2"_s;
        QTest::newRow("acp, direct") << true << true << QString() << QString();
        QTest::newRow("acp, direct, in a thread") << true << true << u"4.2"_s << QString();
        QTest::newRow("spritz, top level") << false << false << QString() << QString();
        QTest::newRow("spritz, in a thread") << false << false << u"4.2"_s << QString();
        QTest::newRow("spritz, direct") << false << true << u"4.2"_s << QString();
    }
    void thread()
    {
        QFETCH(bool, perThread);
        QFETCH(bool, direct);
        QFETCH(QString, threadTs);
        QFETCH(QString, expected);
        QCOMPARE(sessionThread(perThread, direct, threadTs, u"5.1"_s), expected);
    }

    void tsSeconds_data()
    {
        QTest::addColumn<QString>("ts");
        QTest::addColumn<qint64>("seconds");
        QTest::newRow("usual") << u"1700000000.000100"_s << qint64(1'700'000'000);
        QTest::newRow("without a dot") << u"1700000000"_s << qint64(1'700'000'000);
        QTest::newRow("last that fits") << u"4294967295.9"_s << qint64(4'294'967'295);
        QTest::newRow("beyond 32 bits") << u"4294967296.0"_s << qint64(0);
        QTest::newRow("beyond 64 bits") << u"99999999999999999999.0"_s << qint64(0);
        QTest::newRow("negative") << u"-5.0"_s << qint64(0);
        QTest::newRow("empty") << QString() << qint64(0);
        QTest::newRow("no number") << u"abc.def"_s << qint64(0);
    }
    void tsSeconds()
    {
        QFETCH(QString, ts);
        QFETCH(qint64, seconds);
        QCOMPARE(signalbox::domain::tsSeconds(ts), seconds);
    }

    void keys_areFixed()
    {
        QCOMPARE(eventKey(u"inst"_s, u"Ev1"_s, u"1700000000.000100"_s),
            u"6553f10000064ebbe0969a47265eb92f0dbed7"_s);
        QCOMPARE(messageKey(u"inst"_s, u"C1"_s, u"1700000000.000100"_s),
            u"6553f10000064mf03d09281007154af05bbad0"_s);
        QCOMPARE(clientMessageKey(u"inst"_s, u"cm-1"_s, 1'699'999'800),
            u"6553f03800000caa9c8cf99e216b569a75fe4b"_s);
    }

    void keys_areScopedByInstallation()
    {
        const QString at = u"1700000000.000100"_s;
        QVERIFY(eventKey(u"i1"_s, u"Ev1"_s, at) != eventKey(u"i2"_s, u"Ev1"_s, at));
        QVERIFY(eventKey(u"i1"_s, u"Ev1"_s, at) != eventKey(u"i1"_s, u"Ev2"_s, at));
        QVERIFY(messageKey(u"i1"_s, u"C1"_s, u"1.2"_s) != messageKey(u"i2"_s, u"C1"_s, u"1.2"_s));
        QVERIFY(messageKey(u"i1"_s, u"C1"_s, u"1.2"_s) != messageKey(u"i1"_s, u"C2"_s, u"1.2"_s));
        QVERIFY(messageKey(u"i1"_s, u"C1"_s, u"1.2"_s) != messageKey(u"i1"_s, u"C1"_s, u"1.3"_s));
        QVERIFY(clientMessageKey(u"i1"_s, u"m"_s, 600) != clientMessageKey(u"i2"_s, u"m"_s, 600));
        QVERIFY(clientMessageKey(u"i1"_s, u"m"_s, 600) != clientMessageKey(u"i1"_s, u"m"_s, 1200));
        // The kinds never meet, whatever their parts are.
        QVERIFY(eventKey(u"i"_s, u"x"_s, u"600.0"_s) != clientMessageKey(u"i"_s, u"x"_s, 600));
        for (const QString &odd : {u"-1.0"_s, u"0.0"_s, u"1099511627776.0"_s, u"nonsense"_s})
            QCOMPARE(eventKey(u"i"_s, u"x"_s, odd), eventKey(u"i"_s, u"x"_s, QString()));
    }

    void clientMessageBuckets_areTenMinutes()
    {
        QCOMPARE(clientMessageBucket(1'700'000'000), 1'699'999'800);
        QCOMPARE(clientMessageBucket(1'699'999'800), 1'699'999'800);
        QCOMPARE(clientMessageBucket(1'700'000'399), 1'699'999'800);
        QCOMPARE(clientMessageBucket(1'700'000'400), 1'700'000'400);
        QCOMPARE(clientMessageBucket(0), 0);
    }
};

QTEST_GUILESS_MAIN(SessionIdTest)
#include "tst_session_id.moc"
