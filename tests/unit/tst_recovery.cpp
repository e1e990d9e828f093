// SPDX-License-Identifier: Apache-2.0
#include "domain/recovery.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::domain;

namespace {

QString name(Trouble trouble)
{
    switch (trouble) {
    case Trouble::Unavailable:
        return u"unavailable"_s;
    case Trouble::Missing:
        return u"missing"_s;
    case Trouble::NotReady:
        return u"not ready"_s;
    case Trouble::Refused:
        return u"refused"_s;
    }
    return {};
}

QString name(RecoveryAction action)
{
    switch (action) {
    case RecoveryAction::OpenAgain:
        return u"open again"_s;
    case RecoveryAction::Refresh:
        return u"refresh"_s;
    case RecoveryAction::GiveUp:
        return u"give up"_s;
    }
    return {};
}

// The actions of a runtime that is never ready, as "<time of the attempt> <action>", until `count` of them.
QStringList attempts(RecoveryLadder &ladder, Millis &now, int count)
{
    QStringList seen;
    for (int i = 0; i < count; ++i) {
        const RecoveryStep step = ladder.next(ReachStep::Open, Trouble::NotReady, now);
        seen << u"%1 %2"_s.arg(now.count()).arg(name(step.action));
        now += step.pause;
    }
    return seen;
}

} // namespace

class RecoveryTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    // Written from contracts/spritz-backend.md §6.4 and contracts/acp.md, over every code that a backend's
    // bind() and open() end with.
    void trouble_data()
    {
        QTest::addColumn<QString>("native");
        QTest::addColumn<QString>("exchange");
        QTest::addColumn<QString>("open");
        const auto row = [](const char *native, const char *exchange, const char *open) {
            QTest::newRow(native) << QString::fromLatin1(native) << QString::fromLatin1(exchange)
                                  << QString::fromLatin1(open);
        };
        // Of the calls to a registry and to Spritz.
        row("unavailable", "unavailable", "not ready");
        row("unresolved", "refused", "not ready");
        row("not_resolved", "refused", "not ready");
        row("unreachable", "unavailable", "not ready");
        row("timeout", "unavailable", "not ready");
        row("bad_answer", "unavailable", "not ready");
        row("spritz_not_found", "refused", "missing");
        row("acp_unavailable", "refused", "not ready");
        row("http_400", "refused", "refused");
        row("http_401", "refused", "refused");
        row("http_403", "refused", "refused");
        row("http_404", "refused", "not ready");
        row("http_408", "unavailable", "not ready");
        row("http_409", "refused", "refused"); // the conversation is ambiguous
        row("http_413", "refused", "refused");
        row("http_422", "refused", "refused");
        row("http_429", "unavailable", "not ready");
        row("http_500", "unavailable", "not ready");
        row("http_502", "unavailable", "not ready");
        row("http_503", "unavailable", "not ready");
        row("http_504", "unavailable", "not ready");
        row("http_301", "refused", "not ready");
        // Of a connection, and of what answers on it.
        row("handshake", "refused", "not ready");
        row("socket_closed", "refused", "not ready");
        row("bad_frame", "refused", "not ready");
        row("not_reading", "refused", "not ready");
        row("not_sent", "refused", "not ready");
        row("rpc_-32603", "refused", "not ready");
        row("-32603", "refused", "not ready");
        row("cancelled", "refused", "not ready");
        row("closed", "refused", "not ready");
        // Of an agent process.
        row("exited", "refused", "not ready");
        row("wedged", "refused", "not ready");
        row("session_busy", "refused", "not ready");
        row("crash_loop", "refused", "refused");
        row("login_needed", "refused", "refused");
        row("unsupported_version", "refused", "refused");
        // What nobody has named.
        row("something_new", "refused", "not ready");
        row("", "refused", "not ready");
        row("UNAVAILABLE", "refused", "not ready");
    }
    void trouble()
    {
        QFETCH(QString, native);
        QFETCH(QString, exchange);
        QFETCH(QString, open);
        QCOMPARE(name(classifyTrouble(ReachStep::Exchange, native)), exchange);
        QCOMPARE(name(classifyTrouble(ReachStep::Open, native)), open);
    }

    // The times that the contract has measured, without what the calls themselves took.
    void ladder_climbsAndAsksAfterEightSeconds()
    {
        RecoveryLadder ladder{RecoveryClocks()};
        Millis now{1'000'000};
        const QStringList expected{u"1000000 open again"_s, u"1000250 open again"_s, u"1000750 open again"_s,
            u"1001750 open again"_s, u"1003750 open again"_s, u"1005750 open again"_s,
            u"1007750 open again"_s, u"1008000 refresh"_s};
        QCOMPARE(attempts(ladder, now, 8), expected);
        // The back-off begins anew, and so does its clock.
        QCOMPARE(attempts(ladder, now, 3),
            QStringList({u"1008000 open again"_s, u"1008250 open again"_s, u"1008750 open again"_s}));
    }

    void ladder_countsWhatTheTriesTake()
    {
        RecoveryLadder ladder{RecoveryClocks()};
        const auto pause = [&ladder](qint64 now) {
            return ladder.next(ReachStep::Open, Trouble::NotReady, Millis(now)).pause;
        };
        QCOMPARE(pause(0), Millis(250));
        QCOMPARE(pause(5000), Millis(500)); // a slow try
        QCOMPARE(
            pause(7500), Millis(500)); // all that is left of eight seconds, and not the second that is due
        const RecoveryStep late = ladder.next(ReachStep::Open, Trouble::NotReady, Millis(8000));
        QCOMPARE(name(late.action), u"refresh"_s);
        QCOMPARE(late.pause, Millis(0));
    }

    void aBootClockAtZero_isATimeLikeAnyOther()
    {
        RecoveryLadder ladder{RecoveryClocks()};
        QCOMPARE(ladder.next(ReachStep::Open, Trouble::NotReady, Millis(0)).pause, Millis(250));
        QCOMPARE(ladder.next(ReachStep::Open, Trouble::NotReady, Millis(0)).pause, Millis(500));
        QCOMPARE(name(ladder.next(ReachStep::Open, Trouble::NotReady, Millis(8000)).action), u"refresh"_s);
    }

    void otherTrouble_beginsTheBackOffAnew_data()
    {
        QTest::addColumn<bool>("missing");
        QTest::newRow("missing") << true;
        QTest::newRow("unavailable") << false;
    }
    void otherTrouble_beginsTheBackOffAnew()
    {
        QFETCH(bool, missing);
        RecoveryLadder ladder{RecoveryClocks()};
        Millis now{10};
        attempts(ladder, now, 4);
        const RecoveryStep step
            = ladder.next(ReachStep::Open, missing ? Trouble::Missing : Trouble::Unavailable, now);
        QCOMPARE(name(step.action), u"refresh"_s); // at once, without a pause of its own
        QCOMPARE(step.pause, Millis(0));
        QCOMPARE(ladder.next(ReachStep::Open, Trouble::NotReady, now).pause, Millis(250));
    }

    void refusal_endsItAtAnyRung()
    {
        for (const ReachStep at : {ReachStep::Exchange, ReachStep::Open}) {
            RecoveryLadder ladder{RecoveryClocks()};
            QCOMPARE(name(ladder.next(at, Trouble::Refused, Millis(0)).action), u"give up"_s);
            Millis now{0};
            attempts(ladder, now, 3);
            QCOMPARE(name(ladder.next(at, Trouble::Refused, now).action), u"give up"_s);
        }
    }

    void exchange_isNeverRepeatedUnforced()
    {
        RecoveryLadder ladder{RecoveryClocks()};
        for (const Trouble trouble : {Trouble::Unavailable, Trouble::Missing, Trouble::NotReady}) {
            for (int i = 0; i < 3; ++i)
                QCOMPARE(name(ladder.next(ReachStep::Exchange, trouble, Millis(i)).action), u"refresh"_s);
        }
    }

    void clocks_areThoseOfTheConfiguration()
    {
        RecoveryClocks clocks;
        clocks.retryInitial = Millis(10);
        clocks.retryMost = Millis(4); // less than the first: raised to it (§1)
        clocks.retryTimeout = Millis(25);
        RecoveryLadder ladder(clocks);
        Millis now{0};
        QCOMPARE(attempts(ladder, now, 4),
            QStringList({u"0 open again"_s, u"10 open again"_s, u"20 open again"_s, u"25 refresh"_s}));
    }
};

QTEST_GUILESS_MAIN(RecoveryTest)
#include "tst_recovery.moc"
