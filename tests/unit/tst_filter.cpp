// SPDX-License-Identifier: Apache-2.0
#include "base/filter.h"

#include <QTest>

using namespace Qt::StringLiterals;
using namespace signalbox;

namespace {
const Instant kNow = fromMs(1'764'000'000'000); // 2025-11-24T16:00:00Z

Json item()
{
    Json json = Json::object({{u"id"_s, u"d-1"_s}, {u"state"_s, u"waiting"_s}, {u"rev"_s, 7}});
    json.set(u"waits_for"_s, u"lock"_s);
    json.set(u"channel"_s, u"slack"_s);
    json.set(u"session"_s, u"se_1"_s);
    json.set(u"user"_s, u"U0123"_s);
    json.set(u"error"_s, u"the call Timed Out, \"twice\""_s);
    json.set(u"attempts"_s, 3);
    json.set(u"mentioned"_s, true);
    json.set(u"lock"_s, Json::object({{u"holder"_s, u"d-0"_s}}));
    json.set(u"created_at"_s, u"2025-11-24T15:49:59.000Z"_s); // ten minutes and a second ago
    return json;
}
} // namespace

// The grammar of INTERFACE.md "Admin routes".
class FilterTest : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void matches_data();
    void matches();
    void refuses_data();
    void refuses();
    void isRefusedWhenTooLong();
    void termsSayWhatWasRead();
};

void FilterTest::matches_data()
{
    QTest::addColumn<QString>("filter");
    QTest::addColumn<bool>("expected");
    const auto row = [](const QString &filter, bool expected) {
        QTest::newRow(qPrintable(filter)) << filter << expected;
    };
    row(u""_s, true);
    row(u"   "_s, true);
    row(u"state:waiting"_s, true);
    row(u"state:dead"_s, false);
    row(u"state:dead,waiting"_s, true);
    row(u"state:dead,unconfirmed"_s, false);
    row(u"state:waiting:lock"_s, true);
    row(u"state:waiting:person"_s, false);
    row(u"state:waiting channel:slack"_s, true);
    row(u"state:waiting channel:teams"_s, false);
    row(u"  state:waiting\tchannel:slack  "_s, true);
    row(u"State:waiting"_s, false); // fields have one spelling
    row(u"-state:dead"_s, true);
    row(u"-state:waiting"_s, false);
    row(u"-state:dead,waiting"_s, false);
    row(u"tenant:T1"_s, false); // absent
    row(u"-tenant:T1"_s, true);
    row(u"tenant~T"_s, false);
    row(u"tenant:>A"_s, false);
    row(u"tenant:\"\""_s, false);
    row(u"lock:d-0"_s, false); // no scalar
    row(u"lock.holder:d-0"_s, true);
    row(u"lock.engine:d-0"_s, false);
    row(u"id.x:d-1"_s, false);
    row(u"error~\"timed out\""_s, true);
    row(u"error~\"timed in\""_s, false);
    row(u"error~Timed,never"_s, true);
    row(u"error~\"\\\"twice\\\"\""_s, true);
    row(u"-error~timed"_s, false);
    row(u"error:\"timed out\""_s, false); // not the whole of it
    row(u"attempts:3"_s, true);
    row(u"attempts:3.0"_s, true);
    row(u"attempts:10"_s, false);
    row(u"attempts:<10"_s, true); // as numbers
    row(u"attempts:>2"_s, true);
    row(u"attempts:>=3"_s, true);
    row(u"attempts:<=2"_s, false);
    row(u"attempts:>x"_s, false);
    row(u"mentioned:true"_s, true);
    row(u"mentioned:false"_s, false);
    row(u"created_at:>2025-11-24"_s, true);
    row(u"created_at:<2025-11-24T15:49"_s, false);
    row(u"age:>10m"_s, true);
    row(u"age:>601s"_s, false);
    row(u"age:>=601000ms"_s, true);
    row(u"age:<1h"_s, true);
    row(u"age:<1d"_s, true);
    row(u"-age:>10m"_s, false);
    row(u"U0123"_s, true);
    row(u"U012"_s, false);
    row(u"d-1"_s, true);
    row(u"d-0"_s, false); // not in members of members
    row(u"\"d-1\""_s, true);
    row(u"-U0123"_s, false);
    row(u"U0123,U9"_s, true);
    row(u"user:U0123 d-1 age:>10m -channel:email"_s, true);
}

void FilterTest::matches()
{
    QFETCH(QString, filter);
    QFETCH(bool, expected);
    const auto parsed = Filter::parse(filter);
    QVERIFY2(parsed, parsed ? "" : qPrintable(parsed.error().message()));
    QCOMPARE(parsed->matches(item(), kNow), expected);
    // Nothing has no fields.
    if (!filter.contains(u'-') && !parsed->isEmpty())
        QVERIFY(!parsed->matches(Json(), kNow));
}

void FilterTest::refuses_data()
{
    QTest::addColumn<QString>("filter");
    QTest::addColumn<QString>("position");
    QTest::addColumn<QString>("word");
    const auto row = [](const QString &filter, const QString &position, const QString &word) {
        QTest::newRow(qPrintable(filter)) << filter << position << word;
    };
    row(u"state:"_s, u"1"_s, u"state:"_s);
    row(u"a:1 state: b:2"_s, u"5"_s, u"state:"_s);
    row(u"a:1 error~"_s, u"5"_s, u"error~"_s);
    row(u"a:1,"_s, u"1"_s, u"a:1,"_s);
    row(u"a:1,,2"_s, u"1"_s, u"a:1,,2"_s);
    row(u"x -"_s, u"3"_s, u"-"_s);
    row(u"- x"_s, u"1"_s, u"-"_s);
    row(u"a:1 error~\"time out"_s, u"5"_s, u"error~\"time"_s);
    row(u"error~\"time\"out"_s, u"1"_s, u"error~\"time\"out"_s);
    row(u"error~ti\"me\""_s, u"1"_s, u"error~ti\"me\""_s);
    row(u"x age:10m"_s, u"3"_s, u"age:10m"_s);
    row(u"age:>10"_s, u"1"_s, u"age:>10"_s);
    row(u"age:>tenm"_s, u"1"_s, u"age:>tenm"_s);
    row(u"age:>10x"_s, u"1"_s, u"age:>10x"_s);
    row(u"age~10m"_s, u"1"_s, u"age~10m"_s);
    row(u"attempts:>3,4"_s, u"1"_s, u"attempts:>3,4"_s);
    row(u"attempts:>"_s, u"1"_s, u"attempts:>"_s);
}

void FilterTest::refuses()
{
    QFETCH(QString, filter);
    QFETCH(QString, position);
    QFETCH(QString, word);
    const auto parsed = Filter::parse(filter);
    QVERIFY(!parsed);
    QCOMPARE(parsed.error().code(), ErrorCode::InvalidInput);
    QCOMPARE(parsed.error().native(), position);
    const QString begin = u"the filter at %1, \"%2\": "_s.arg(position, word);
    QVERIFY2(parsed.error().message().startsWith(begin), qPrintable(parsed.error().message()));
}

void FilterTest::isRefusedWhenTooLong()
{
    QVERIFY(Filter::parse(QString(4000, u'x')));
    QVERIFY(!Filter::parse(QString(4001, u'x')));
    QVERIFY(Filter::parse(u"x "_s.repeated(64)));
    QVERIFY(!Filter::parse(u"x "_s.repeated(65)));
}

void FilterTest::termsSayWhatWasRead()
{
    const auto parsed = Filter::parse(u"-state:dead,\"a b\" age:>=3m"_s);
    QVERIFY(parsed);
    QCOMPARE(parsed->terms().size(), size_t(2));
    const Filter::Term &state = parsed->terms()[0];
    QVERIFY(state.negated);
    QCOMPARE(state.field, u"state"_s);
    QCOMPARE(state.op, Filter::Op::Is);
    QCOMPARE(state.values, QStringList({u"dead"_s, u"a b"_s}));
    const Filter::Term &age = parsed->terms()[1];
    QCOMPARE(age.op, Filter::Op::AtLeast);
    QCOMPARE(age.age, Millis(180'000));
}

QTEST_APPLESS_MAIN(FilterTest)
#include "tst_filter.moc"
