// SPDX-License-Identifier: Apache-2.0
#include "domain/busy_text.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;
using namespace signalbox::domain;

// DESIGN.md step 3: the person is told once who holds the session and since when.
class BusyTextTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void saysWhoAndSinceWhen();
    void namesNobodyItDoesNotKnow();
    void saysTheReadersOwnMessage();

private:
    static Busy busy()
    {
        Busy busy;
        busy.user = u"U2"_s;
        busy.holderUser = u"U1"_s;
        busy.since = fromMs(1'764'000'000'000); // 2025-11-24 16:00 UTC
        busy.ahead = 1;
        return busy;
    }
};

void BusyTextTest::saysWhoAndSinceWhen()
{
    QCOMPARE(busyTextForSlack(busy()),
        u"I am still working on a message of <@U1>, since <!date^1764000000^{time}|16:00 UTC>. Your message is next and has not been lost."_s);
    Busy behind = busy();
    behind.ahead = 3;
    QCOMPARE(busyTextPlain(behind),
        u"I am still working on a message of U1, since 16:00 UTC. Your message is number 3 in the queue and has not been lost."_s);
}

void BusyTextTest::namesNobodyItDoesNotKnow()
{
    Busy unknown = busy();
    unknown.holderUser.clear();
    QVERIFY(busyTextForSlack(unknown).startsWith(u"I am still working on an earlier message, since "));
    QVERIFY(!busyTextForSlack(unknown).contains(u"<@"));
    unknown.holderUser = u"!channel>"_s; // not an id: it would speak for itself
    QVERIFY(busyTextForSlack(unknown).startsWith(u"I am still working on an earlier message, since "));
}

void BusyTextTest::saysTheReadersOwnMessage()
{
    Busy own = busy();
    own.holderUser = own.user;
    QVERIFY(busyTextForSlack(own).startsWith(u"I am still working on your earlier message, since "));
}

QTEST_GUILESS_MAIN(BusyTextTest)
#include "tst_busy_text.moc"
